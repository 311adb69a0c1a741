"""Corrections and new intents for a trained skill, in a moment, and back again.

What a skill has learnt is a function of what it was after training and of all rows that it was taught since: the same rows give the same answers,
in one call or in several, and taking them back gives the trained skill again, to the bit.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from torch import nn

from headstart.data.encoding import encode_list, report_spans
from headstart.data.inferred_types import with_inferred_types
from headstart.data.label_names import rows_of_names
from headstart.data.out_of_scope import list_out_of_scope, without_own
from headstart.data.rows import DataError, Row, check_row, shorten
from headstart.data.skills import Skill, is_covered
from headstart.data.texts import plain_text
from headstart.finetuning.enlarging import SIZED, enlarged_entry, enlarged_modules, swap_skill
from headstart.finetuning.probing import rows_to_fit
from headstart.finetuning.refitting import Refit, RowsToFit, refit
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.entries_headstart import SkillEntry
from headstart.readers import load_skill
from headstart.tokenization.alignment_headstart import align_spans
from headstart.tokenization.answers_headstart import token_limit
from headstart.training.epochs import EpochRows

if TYPE_CHECKING:
    from headstart.tokenization import NLUPipeline

logger = logging.getLogger(__name__)

OTHERS = 300  # out-of-scope utterances that are asked
REFILL = 0.5  # as in fine-tuning
WITHOUT_ROWS = (
    "skill %s learns without the rows that it was trained on, and may forget some: give them as skill_rows, or --trained_on"
)


@dataclass
class Taught:
    """What a skill was taught since it was trained.

    Args:
        entry: its entry as it was trained.
        parts: its layers as they were trained, those that are changed.
        lessons: the rows of each call.
        known: the skill's own rows, if they were given.
    """

    entry: SkillEntry
    parts: dict[str, nn.Module]
    lessons: list[list[Row]] = field(default_factory=list)
    known: Skill | None = None

    @property
    def rows(self) -> list[Row]:
        """All rows that it was taught; of those with one text, the last."""
        return list({row["text"]: row for lesson in self.lessons for row in lesson}.values())


@dataclass(frozen=True)
class Learned:
    """What a call of [`learn`] or [`unlearn`] led to.

    Args:
        skill: the skill.
        rows: how many it was taught, in all.
        right: of these, how many it answers as it was taught.
        new_intents: intents that it had not when it was trained.
        new_slots: likewise slot labels.
        seconds: that it took.
    """

    skill: str
    rows: int
    right: int
    new_intents: list[str]
    new_slots: list[str]
    seconds: float


_TAUGHT: WeakKeyDictionary[HeadstartForJointNLU, dict[str, Taught]] = WeakKeyDictionary()


def learn(
    nlu: NLUPipeline,
    text: str | Sequence[Mapping[str, Any]],
    intent: str | None = None,
    slots: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *,
    skill: str | None = None,
    skill_rows: Any = None,
    **how: Any,
) -> Learned:
    """Teach a trained skill an utterance, or rows: corrections, or intents and slots that it doesn't have.

    Classifiers alone are fitted, to these rows and to those that the skill was trained on; a tenth of the time of fine-tuning is enough. A checkpoint
    doesn't hold its rows: give them as `skill_rows`, once. Without them, what the skill knew is held by a penalty and by its own answers
    to out-of-scope utterances, and more of it is lost (docs/learning.md has the figures).

    Args:
        nlu: a pipeline with the skill; it answers differently at once. Requests that are being answered are not disturbed.
        text: the utterance, or a list of rows, each with text, intent and slots.
        intent: that of the utterance; None: that says nothing of it.
        slots: those of the utterance: values by slot label, or spans; `{}`: it has none; None: that says nothing of them.
        skill: the skill; may be left out if the model has one.
        skill_rows: the skill as it was trained: a [`Skill`], or what [`headstart.load_skill`] reads. Kept for the calls that follow.
        how: fields of [`Refit`].

    Raises:
        DataError: a row is not as it must be.
        ValueError: there is no such skill, or it has no intents or slots of which a row has one.
    """
    model, name = _skill_of(nlu, skill)
    rows = _rows_of(text, intent, slots)
    taught = _TAUGHT.setdefault(model, {}).get(name) or _begin(model, name)
    _check_tasks(taught.entry, rows)
    known = _read_known(skill_rows, name) if skill_rows is not None else taught.known
    if known is None:
        logger.warning(
            "skill %s learns without the rows that it was trained on, and may forget some: give them as skill_rows", name
        )
    changed = Taught(taught.entry, taught.parts, [*taught.lessons, rows], known)
    return _apply(nlu, changed, Refit(**how))


def unlearn(nlu: NLUPipeline, calls: int | None = None, *, skill: str | None = None, skill_rows: Any = None) -> Learned:
    """Take back what a skill was taught.

    Args:
        nlu: a pipeline with the skill.
        calls: of [`learn`], the last so many; unset: all of them, which gives the skill as it was trained.
        skill: the skill; may be left out if the model has one.
        skill_rows: as for [`learn`], whose earlier calls are learnt anew where the last alone are taken back; unset: what these were given.

    Raises:
        ValueError: there is no such skill, or it was not taught so often.
    """
    model, name = _skill_of(nlu, skill)
    taught = _TAUGHT.get(model, {}).get(name)
    lessons = taught.lessons if taught is not None else []
    calls = len(lessons) if calls is None else calls
    if taught is None or not 1 <= calls <= len(lessons):
        raise ValueError(f"skill {name!r} was taught {len(lessons)} times since it was loaded; {calls} can't be taken back.")
    known = _read_known(skill_rows, name) if skill_rows is not None else taught.known
    kept = lessons[: len(lessons) - calls]
    if kept and known is None:
        logger.warning(WITHOUT_ROWS, name)
    return _apply(nlu, Taught(taught.entry, taught.parts, kept, known), Refit())


def taught_of(nlu: NLUPipeline, skill: str | None = None) -> Taught | None:
    """What a skill was taught since it was loaded, or as a folder has it; None: nothing."""
    model, name = _skill_of(nlu, skill)
    return _TAUGHT.get(model, {}).get(name)


def remember(nlu: NLUPipeline, taught: Taught) -> None:
    """Take what a skill was taught before it was saved, so that it can be taken back."""
    _TAUGHT.setdefault(cast(HeadstartForJointNLU, nlu.model), {})[taught.entry["name"]] = taught


def _skill_of(nlu: NLUPipeline, skill: str | None) -> tuple[HeadstartForJointNLU, str]:
    model = getattr(nlu, "model", None)
    if not isinstance(model, HeadstartForJointNLU):
        raise ValueError(
            "learn needs a checkpoint or a head, whose weights can change; of an exported skill, teach the checkpoint and export it anew."
        )
    return model, str(model.skill(skill)["name"])


def _begin(model: HeadstartForJointNLU, name: str) -> Taught:
    entry = model.skill(name)
    return Taught(entry, {part: module for part, module in model.modules_of(entry).items() if part in SIZED})


def _rows_of(text: Any, intent: str | None, slots: Any) -> list[Row]:
    if isinstance(text, str):
        given = [{"text": text, "intent": intent, "slots": slots}]
    elif intent is not None or slots is not None:
        raise ValueError("rows have intent and slots of their own; give these with a single text alone.")
    else:
        given = [dict(row) for row in text]
    if not given:
        raise DataError("there is no row to learn; give at least one.")
    rows = []
    for number, row in enumerate(given, start=1):
        if "text" not in row:
            raise DataError(f"row {number}: found {shorten(row)}; allowed: an object with text, intent and slots.")
        rows.append(check_row(cast(Row, {"intent": None, "slots": None, **row}), f"row {number} to learn"))
        if rows[-1]["intent"] is None and rows[-1]["slots"] is None:
            raise DataError(
                f"row {number} to learn, {shorten(row['text'])}: has neither intent nor slots; give at least one of them."
            )
    return rows


def _check_tasks(entry: SkillEntry, rows: Sequence[Row]) -> None:
    for field_name, has in (
        ("intents", any(row["intent"] is not None for row in rows)),
        ("slots", any(row["slots"] for row in rows)),
    ):
        if has and not entry[field_name]:  # type: ignore[literal-required]
            raise ValueError(
                f"skill {entry['name']!r} has no {field_name}, and can't learn the first by a lesson: fine-tune it with rows that have some."
            )


def _read_known(source: Any, name: str) -> Skill:
    return source if isinstance(source, Skill) else load_skill(source, name, allow_unseen_labels=True)


def _apply(nlu: NLUPipeline, taught: Taught, how: Refit) -> Learned:
    """Make a skill what it was trained as, and then what it is taught."""
    started = time.perf_counter()
    model, trained = cast(HeadstartForJointNLU, nlu.model), taught.entry
    was_training = model.training
    now = model.skill(trained["name"])
    rows = taught.rows
    model.eval()
    if not rows:
        swap_skill(model, trained, taught.parts)
        _TAUGHT[model].pop(trained["name"], None)
        return Learned(trained["name"], 0, 0, [], [], round(time.perf_counter() - started, 3))
    larger = _with_rejection_of(now, enlarged_entry(trained, rows))
    parts = enlarged_modules(model, trained, larger, taught.parts)
    try:
        refit(model, (trained, larger), parts, _encode(nlu, taught, larger), how)
    finally:
        model.train(was_training)
    swap_skill(model, larger, parts)
    _TAUGHT.setdefault(model, {})[trained["name"]] = taught
    new_intents, new_slots = ([label for label in larger[kind] if label not in trained[kind]] for kind in ("intents", "slots"))
    seconds = round(time.perf_counter() - started, 3)
    return Learned(trained["name"], len(rows), count_right(nlu, rows, trained["name"]), new_intents, new_slots, seconds)


def _with_rejection_of(now: SkillEntry, entry: SkillEntry) -> SkillEntry:
    """The entry with the temperature and threshold that the skill has now: they may have been calibrated meanwhile."""
    return {**entry, "rejection": now["rejection"]} if "rejection" in now else entry


def _encode(nlu: NLUPipeline, taught: Taught, entry: SkillEntry) -> RowsToFit:
    """The rows to fit to, as an entry numbers their labels."""
    model, tokenizer = cast(HeadstartForJointNLU, nlu.model), cast(Any, nlu.tokenizer)
    skill_id, rows = model.skill_id(entry["name"]), taught.rows
    texts = [row["text"] for row in rows]
    encoded, counts = encode_list(rows, tokenizer, entry, skill_id)
    report_spans(counts, entry["name"], token_limit(tokenizer.model_max_length))
    if taught.known is not None and (kept := _still_true(taught.known, rows, entry)):
        own = taught.known.replace(
            train=kept, validation=None, test=None, intents=[], slots=[], catalogs=_catalogs_of(taught.known, entry)
        )
        known = rows_to_fit(
            EpochRows(with_inferred_types(own), tokenizer, entry, refill=REFILL, name_rows=True, skill_id=skill_id)
        )
        texts += [row["text"] for row in kept]
    else:
        known = encode_list(rows_of_names(entry["intents"]), tokenizer, entry, skill_id)[0]
    unknown = without_own(list_out_of_scope(), texts)
    others: list[Row] = [
        {"text": text, "intent": None, "slots": None} for text in random.Random(0).sample(unknown, min(OTHERS, len(unknown)))
    ]
    return RowsToFit(encoded, known, encode_list(others, tokenizer, entry, skill_id)[0])


def _still_true(known: Skill, taught: Sequence[Row], entry: SkillEntry) -> list[Row]:
    """The skill's own rows that say nothing else than what is taught; labels that it hasn't are not learnt from them."""
    corrected = {plain_text(row["text"]) for row in taught}
    rows = [row for row in known.rows("train") if is_covered(row, entry["intents"], entry["slots"])]
    if len(rows) < len(known.rows("train")):
        logger.warning(
            "skill %s: %d of the given rows have labels that it lacks, and hold nothing that it knew; teach them",
            entry["name"], len(known.rows("train")) - len(rows),
        )  # fmt: skip
    return [row for row in rows if plain_text(row["text"]) not in corrected]


def _catalogs_of(known: Skill, entry: SkillEntry) -> dict[str, list[str]]:
    return {label: values for label, values in known.catalogs.items() if label in entry["slots"]}


def count_right(nlu: NLUPipeline, rows: Sequence[Row], skill: str) -> int:
    """How many rows are answered as they are annotated, in whole words; what isn't annotated is not asked."""
    right = 0
    for row, answer in zip(rows, nlu([row["text"] for row in rows], skill=skill, resolve=False), strict=True):
        is_intent = row["intent"] is None or answer["intent"]["label"] == row["intent"]
        wanted = None if row["slots"] is None else align_spans(row["slots"], nlu.words(row["text"]))[0]
        found = {(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]}
        right += is_intent and (wanted is None or found == {(slot["label"], slot["start"], slot["end"]) for slot in wanted})
    return right


__all__ = ["Learned", "Taught", "count_right", "learn", "remember", "taught_of", "unlearn"]
