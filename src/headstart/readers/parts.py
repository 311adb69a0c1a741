"""What readers of annotated utterances share: spans made into templates, and corpora that come in training, validation and test parts."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from headstart.data.skills import Skill, make_skill
from headstart.data.templates import MAX_UTTERANCES, Slot, Template, tidy

logger = logging.getLogger(__name__)

PART_WORDS = {
    "train": "train",
    "training": "train",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
}


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


def annotate(text: str, spans: Iterable[tuple[int, int, str]], intent: str | None, oddities: Counter[str]) -> Template:
    """The template of a text with annotated spans, each `(start, end, label)` in characters, end exclusive.

    Of nested spans the outermost is kept, of spans that overlap otherwise the first; blanks at the ends of a span are not its.

    Args:
        text: the utterance.
        spans: of its slots, in any order.
        intent: its intent.
        oddities: counts what was left out.
    """
    parts: list[str | Slot] = []
    end = 0
    outer = (0, 0)
    for start, stop, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not (0 <= start < stop <= len(text) and text[start:stop].strip() and label.strip()):
            oddities["spans with wrong offsets or labels"] += 1
        elif start < end:
            oddities["overlapping spans"] += stop > outer[1]
        else:
            value = text[start:stop]
            first = start + len(value) - len(value.lstrip())
            parts += [text[end:first], Slot(label, value.strip())]
            end, outer = first + len(value.strip()), (start, stop)
    return Template(intent, tuple(tidy([*parts, text[end:]])))


def join_text(parts: Iterable[str | Slot]) -> list[str | Slot]:
    """The parts with neighbouring pieces of text made one, and tidied."""
    joined: list[str | Slot] = []
    for part in parts:
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tidy(joined)


def warn_oddities(where: object, oddities: Mapping[str, int]) -> None:
    """Log each kind of oddity once, with its count."""
    for kind, count in oddities.items():
        if count:
            logger.warning("%s: left out %d %s", where, count, kind)


def skill_of_parts(
    name: str,
    parts: Mapping[str, Sequence[Template]],
    catalogs: dict[str, list[str]] | None = None,
    slot_types: dict[str, str] | None = None,
) -> Skill:
    """A skill of the templates of its parts. Where there is no training part, every part is trained on.

    Of samples that are repeated the first is kept, but the same text in two intents is two samples.
    Labels of validation and test rows are not checked against those of training.

    Args:
        name: the skill's name.
        parts: templates of `train`, `validation` and `test`; those of the last two have no open slots.
        catalogs: values by slot label.
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
    # The limit is for rows made of open templates; annotated ones are all used.
    skill = make_skill(name, train, catalogs=catalogs, slot_types=slot_types, max_utterances=max(MAX_UTTERANCES, 2 * len(train)))
    rows = {
        part: [template.fill([slot.value or "" for slot in template.slots]) for template in templates]
        for part, templates in held_out.items()
    }
    return skill.replace(**rows, allow_unseen_labels=True)


__all__ = ["annotate", "join_text", "part_of", "skill_of_parts", "warn_oddities"]
