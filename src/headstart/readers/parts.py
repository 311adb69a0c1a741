"""What readers share: utterances cut into text and slots, skills made of templates, and corpora in training, validation and test parts."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from headstart.data.rows import Row, shorten, such_as
from headstart.data.skills import PARTS, Skill, make_skill
from headstart.data.templates import MAX_UTTERANCES, Slot, Template, tidy
from headstart.modeling.catalog_headstart import Listed
from headstart.readers.oddities import NOWHERE, Oddities, Where
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

QUOTES = "\"'`"
UNANNOTATED = "whose utterances are read as not annotated with slots"

PART_WORDS = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "validate": "validation",
    "dev": "validation",
    "devel": "validation",
    "development": "validation",
    "eval": "validation",
    "evaluation": "validation",
    "test": "test",
    "tests": "test",
    "testing": "test",
    "heldout": "test",
    "holdout": "test",
}
# What else may stand in a project's name of a file or folder that holds a part: any other word may be a topic, as in test_drive.yml.
PLAIN_WORDS = frozenset(
    {"batch", "conversation", "corpus", "data", "dataset", "datasets", "examples", "file", "intents", "luis", "nlu", "rasa"}
    | {"rows", "samples", "set", "split", "stories", "utterances"}
)


def part_of(name: str) -> str | None:
    """Which part a file holds by its name, or else by that of its folder: train, validation, test, or None.

    Args:
        name: path with `/`.
    """
    for step in reversed(name.lower().split("/")):
        for word in re.split(r"[^a-z]+", step):
            if word in PART_WORDS:
                return PART_WORDS[word]
    return None


def part_of_project(name: str) -> str | None:
    """[`part_of`] for formats whose files are often named after topics: a file's or folder's name must say nothing but the part.

    Args:
        name: path with `/`.
    """
    *folders, base = name.lower().split("/")
    for step in (base.partition(".")[0], *reversed(folders)):
        words = set(re.findall(r"[a-z]+", step))
        found = {PART_WORDS[word] for word in words & PART_WORDS.keys()}
        if len(found) == 1 and words <= PART_WORDS.keys() | PLAIN_WORDS:
            return found.pop()
    return None


def part_in(source: Source, file: SourceFile, is_project: bool = False) -> str:
    """Which part a file of the source holds; a file that is all there is is trained on, whatever its name."""
    find = part_of_project if is_project else part_of
    return (find(file.name) if source.only is None else None) or "train"


def parts_in(source: Source, files: Iterable[SourceFile], is_project: bool = False) -> dict[str, str]:
    """Which part each of the files holds, by its name; those that are held out are named in the log."""
    parts = {file.name: part_in(source, file, is_project) for file in files}
    for part in PARTS[1:]:
        names = [name for name, other in parts.items() if other == part]
        if names and len(names) < len(parts):
            logger.info("%s: %s rows by the names of their files: %s", source.path, part, ", ".join(names[:8]))
    return parts


def plain_label(text: str) -> str:
    """A label without the blanks and the quotes around it, which are none of its in formats that are lines of text."""
    label = " ".join(text.split())
    while len(label) > 2 and label[0] == label[-1] and label[0] in QUOTES:
        label = label[1:-1].strip()
    return label


def trimmed_slot(label: str, text: str) -> tuple[str, Slot, str]:
    """The slot of a piece of text, with the blanks at the ends of its value beside it.

    Args:
        label: its slot label.
        text: what is annotated; not blank.
    """
    value = text.strip()
    start = len(text) - len(text.lstrip())
    return text[:start], Slot(label, value), text[start + len(value) :]


def join_text(parts: Iterable[str | Slot]) -> list[str | Slot]:
    """The parts with neighbouring pieces of text made one, and tidied."""
    joined: list[str | Slot] = []
    texts: list[str] = []  # what stands together
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        else:
            joined += ["".join(texts), part]
            texts = []
    return tidy([*joined, "".join(texts)])


def cut(text: str, markup: re.Pattern[str], pieces_of: Callable[[re.Match[str]], Sequence[str | Slot]]) -> list[str | Slot]:
    """The text with what stands for each match of the markup in its place.

    Args:
        text: the utterance.
        markup: what a slot looks like in it.
        pieces_of: text and slots that a match stands for.
    """
    parts: list[str | Slot] = []
    end = 0
    for match in markup.finditer(text):
        parts += [text[end : match.start()], *pieces_of(match)]
        end = match.end()
    return [*parts, text[end:]]


def annotate(
    text: str, spans: Iterable[tuple[int, int, str]], intent: str | None, oddities: Oddities, where: Where = NOWHERE
) -> Template:
    """The template of a text with annotated spans, each `(start, end, label)` in characters, end exclusive.

    Of nested spans the outermost is kept, of spans that overlap otherwise the first; blanks at the ends of a span are not its. If the offsets of
    one are wrong, the utterance is read without annotated slots: words that are a slot's shall not be learnt as none.

    Args:
        text: the utterance.
        spans: of its slots, in any order.
        intent: its intent.
        oddities: counts what was left out.
        where: it stands.
    """
    parts: list[str | Slot] = []
    is_annotated = True
    end = outer = 0  # of the last value, and of the last span
    for start, stop, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not (0 <= start < stop <= len(text) and text[start:stop].strip() and label.strip()):
            oddities.note(f"spans with wrong offsets or labels, {UNANNOTATED}", f"{start}-{stop} {label} in {text}", where)
            is_annotated = False
        elif start < end:
            if stop > outer:
                oddities.leave_out("overlapping spans", f"{start}-{stop} {label} in {text}", where)
        else:
            before, slot, after = trimmed_slot(label, text[start:stop])
            parts += [text[end:start], before, slot]
            end, outer = stop - len(after), stop
    return Template(intent, tuple(join_text([*parts, text[end:]])), is_annotated)


def annotated_row(template: Template) -> Row:
    """The row that a template without open slots stands for."""
    return template.fill([slot.value or "" for slot in template.slots])


def skill_of_templates(
    name: str,
    templates: Sequence[Template],
    *,
    catalogs: Mapping[str, Listed] | None = None,
    slot_types: dict[str, str] | None = None,
    invocation: str | None = None,
    limits_open: bool = False,
) -> Skill:
    """A skill whose training rows are made of its templates.

    The usual limit is for rows made of open templates. Annotated ones are rows already, which are all used.

    Args:
        name: the skill's name.
        templates: its samples.
        catalogs: values by slot label, as text or, with an id or synonyms, as [`CatalogValue`].
        slot_types: built-in types by slot label.
        invocation: what users call the skill.
        limits_open: hold to the limit if there is an open template, however many others there are.

    Raises:
        DataError: there is no sample.
    """
    is_limited = limits_open and any(template.is_open for template in templates)
    limit = MAX_UTTERANCES if is_limited else max(MAX_UTTERANCES, 2 * len(templates))
    return make_skill(name, templates, catalogs=catalogs, slot_types=slot_types, invocation=invocation, max_utterances=limit)


def skill_of_parts(
    name: str,
    parts: Mapping[str, Sequence[Template]],
    catalogs: Mapping[str, Listed] | None = None,
    slot_types: dict[str, str] | None = None,
) -> Skill:
    """A skill of the templates of its parts. Where there is no training part, every part is trained on.

    Of samples that are repeated the first is kept, but the same text in two intents is two samples.
    Labels of validation and test rows are not checked against those of training.

    Args:
        name: the skill's name.
        parts: templates of `train`, `validation` and `test`; of the last two, those with open slots are left out.
        catalogs: values by slot label, as text or, with an id or synonyms, as [`CatalogValue`].
        slot_types: built-in types by slot label.

    Raises:
        DataError: there is no sample.
    """
    parts = {part: [template for template in templates if template.parts] for part, templates in parts.items()}
    held_out = {part: templates for part, templates in parts.items() if part != "train" and templates}
    train = list(parts.get("train", []))
    if not train and held_out:
        logger.warning("skill %s has no training part: its %s rows are trained on", name, " and ".join(held_out))
        train = [template for templates in held_out.values() for template in templates]
        held_out = {}
    skill = skill_of_templates(name, train, catalogs=catalogs, slot_types=slot_types)
    lost = [shorten(template.pattern) for templates in held_out.values() for template in templates if template.is_open]
    if lost:
        what = "validation and test samples whose slots have no values"
        logger.warning("skill %s: left out %d %s, such as %s", name, len(lost), what, such_as(lost))
        held_out = {part: [template for template in templates if not template.is_open] for part, templates in held_out.items()}
    rows = {part: [annotated_row(template) for template in templates] for part, templates in held_out.items()}
    return skill.replace(**rows, allow_unseen_labels=True)


__all__ = [
    "PART_WORDS",
    "UNANNOTATED",
    "annotate",
    "annotated_row",
    "cut",
    "join_text",
    "part_in",
    "part_of",
    "part_of_project",
    "parts_in",
    "plain_label",
    "skill_of_parts",
    "skill_of_templates",
    "trimmed_slot",
]
