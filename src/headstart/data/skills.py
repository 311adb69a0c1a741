"""Skills: named label spaces with their annotated utterances, checked."""

from __future__ import annotations

import difflib
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from headstart.data.rows import (
    CATALOGS,
    DataError,
    Row,
    check_characters,
    check_row,
    counted,
    counted_kind,
    list_rows,
    rows_to_dataset,
    shorten,
    such_as,
    warn_of_repairs,
)
from headstart.data.templates import Template, fill_templates
from headstart.modeling.catalog_headstart import CatalogValue, Listed, split_values

if TYPE_CHECKING:  # at run time, only who asks for a part as a Dataset waits for the library
    from datasets import Dataset

logger = logging.getLogger(__name__)

NEARLY = 0.8  # how alike a label must be to one that is known, for a message to name that
PARTS = ("train", "validation", "test")


class _Part:
    """A part of a skill: given as a `Dataset` or as rows, kept as a list of rows, shown as a `Dataset` that is made when it is asked for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, skill: None, owner: type) -> None: ...

    @overload
    def __get__(self, skill: Skill, owner: type) -> Any: ...

    def __get__(self, skill: Skill | None, owner: type) -> Any:
        if skill is None:  # what dataclass takes for the default
            return None
        shown = skill.__dict__["_shown"]
        if self.name not in shown:
            rows = skill.__dict__["_rows"][self.name]
            shown[self.name] = None if rows is None else rows_to_dataset(rows)
        return shown[self.name]

    def __set__(self, skill: Skill, rows: Dataset | Iterable[Mapping[str, Any]] | None) -> None:
        skill.__dict__.setdefault("_rows", {})[self.name] = None if rows is None else list_rows(rows)
        skill.__dict__.setdefault("_shown", {}).pop(self.name, None)


@dataclass(frozen=True, eq=False)
class Skill:
    """A named label space with its annotated utterances.

    Args:
        name: letters, digits, `_` and `-`.
        train: rows to train on: a `datasets.Dataset` with the columns text, intent and slots, or a list of such rows. Shown as a `Dataset`;
            [`Skill.rows`] gives the list.
        validation: rows to choose the best checkpoint on; optional.
        test: rows to report on; optional.
        catalogs: for a slot label, the values that the developer lists: all that is said, synonyms too. A label may occur here alone.
        intents: intent names; those of `train`, sorted, if left out.
        slots: slot labels; those of `train` and `catalogs`, sorted, if left out.
        allow_unseen_labels: accept validation and test rows with labels that neither `train` nor `catalogs` has. They can
            only be counted as errors.
        templates: the samples that `train` was made of, if it was.
        slot_types: for a slot label, the platform's built-in type, such as `AMAZON.DATE`, if it has one.
        invocation: what users call the skill; None if it is not known.
        canonical: for a slot label, those of its values that have synonyms or an id; what is said for them is put in `catalogs` if it isn't
            there. A value that none of them tells of stands for itself.

    Raises:
        DataError: there is no training row, a row is not as it must be (spans that overlap or lie outside of their text, for one), a catalog
            holds what is no text, an intent has no rows, or validation or test rows have a label that training lacks.
    """

    name: str
    train: _Part = _Part()
    validation: _Part = _Part()
    test: _Part = _Part()
    catalogs: dict[str, list[str]] = field(default_factory=dict)
    intents: list[str] = field(default_factory=list)
    slots: list[str] = field(default_factory=list)
    allow_unseen_labels: bool = False
    templates: Sequence[Template] = ()
    slot_types: dict[str, str] = field(default_factory=dict)
    invocation: str | None = None
    canonical: dict[str, list[CatalogValue]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.rows("train"):
            raise DataError(f"skill {self.name!r} has no training row; give it at least one utterance for each intent.")
        for part in PARTS:
            self._check_rows(part)
        self._check_catalogs()
        said, canonical = split_values(self.canonical)
        catalogs = {label: _joined(self.catalogs.get(label, []), said.get(label, [])) for label in {**self.catalogs, **said}}
        object.__setattr__(self, "catalogs", catalogs)
        object.__setattr__(self, "canonical", canonical)
        seen_intents, seen_slots = label_counts(self.rows("train"))
        object.__setattr__(self, "intents", self.intents or sorted(seen_intents))
        object.__setattr__(self, "slots", self.slots or sorted({*seen_slots, *self.catalogs}))
        undeclared = sorted(set(self.catalogs) - set(self.slots))
        if undeclared:
            raise DataError(
                f"skill {self.name!r} has a catalog for {undeclared[0]!r}; declared slots: {', '.join(self.slots) or 'none'}."
            )
        if not self.intents and not self.slots:
            raise DataError(f"no row of skill {self.name!r} has an intent or slots: there is nothing to learn.")
        self._check_training_labels(seen_intents, seen_slots)
        if not self.allow_unseen_labels:
            for part in PARTS[1:]:
                self._check_held_out_labels(part)

    def rows(self, part: str) -> list[Row]:
        """The rows of `train`, `validation` or `test`; none if the skill lacks the part."""
        return list(self.__dict__["_rows"][part] or ())

    def has(self, part: str) -> bool:
        """Whether the skill has that part, even without a row."""
        return self.__dict__["_rows"][part] is not None

    def label_priors(self) -> dict[str, list[str]]:
        """The slot labels that each intent has in training rows where both are annotated."""
        return label_priors(self.rows("train"))

    def replace(self, **changes: Any) -> Skill:
        """The skill with other values of some of its fields, checked anew; faster than `dataclasses.replace`, which makes a `Dataset` of every part."""
        kept = {name: getattr(self, name) for name in _FIELDS} | {part: self.__dict__["_rows"][part] for part in PARTS}
        if "catalogs" in changes:  # values that are not listed any more would be put back
            changes.setdefault("canonical", _listed_in(changes["catalogs"], self.canonical))
        return Skill(**{**kept, **changes})

    def listed(self, label: str) -> list[str | CatalogValue]:
        """What the developer lists for a slot label: values with an id or synonyms, and as text those that stand for themselves."""
        if label not in self.canonical:
            return [*self.catalogs.get(label, [])]
        values_of: dict[str, list[CatalogValue]] = {}
        for value in self.canonical[label]:
            for form in value.forms:
                values_of.setdefault(form, []).append(value)
        listed: dict[str | CatalogValue, None] = {}
        for form in self.catalogs.get(label, []):
            listed.update(dict.fromkeys(values_of.get(form, [form])))
        return [*(listed | dict.fromkeys(self.canonical[label]))]

    def _check_rows(self, part: str) -> None:
        """Refuse rows that are not as they must be, and put the spans of each in order."""
        rows = self.__dict__["_rows"][part]
        repairs: list[str] = []
        for number, row in enumerate(rows or (), start=1):
            row.update(check_row(row, f"skill {self.name!r}, {part} row {number}", repairs))
        warn_of_repairs(repairs)

    def _check_catalogs(self) -> None:
        """Refuse what can't be written or encoded, which would be found when training is done."""
        for label, values in self.catalogs.items():
            where = f"skill {self.name!r}, catalog of {shorten(label)}"
            for text in (label, *values):
                if not isinstance(text, str):
                    raise DataError(f"{where}: found {shorten(text)}; allowed: strings.")
                check_characters(text, where)
        for label, canonical in self.canonical.items():
            for value in canonical:
                _check_value(value, f"skill {self.name!r}, canonical values of {shorten(label)}")
        for text in (*self.intents, *self.slots, *self.slot_types, *self.slot_types.values(), self.invocation or ""):
            check_characters(text, f"skill {self.name!r}, its names")

    def _check_training_labels(self, intents: Counter[str], slots: Counter[str]) -> None:
        for intent in self.intents:
            if not intents[intent]:
                raise DataError(f"intent {intent!r} of skill {self.name!r} has no rows; add utterances or take the intent out.")
        for kind, found, allowed in (("intent", intents, self.intents), ("slot label", slots, self.slots)):
            extra = sorted(set(found) - set(allowed))
            if extra:
                raise DataError(f"training rows of skill {self.name!r} have {kind} {extra[0]!r}; declared: {', '.join(allowed)}.")

    def _check_held_out_labels(self, part: str) -> None:
        for number, row in enumerate(self.rows(part), start=1):
            self.check_labels(row, f"skill {self.name!r}, {part} row {number}")

    @cached_property
    def _known(self) -> dict[str, frozenset[str]]:
        return {"intent": frozenset(self.intents), "slot label": frozenset(self.slots)}

    def check_labels(self, row: Row, where: str) -> None:
        """Raise `DataError` if the row has a label that training lacks."""
        labels = [("intent", row["intent"], self.intents)] if row["intent"] is not None else []
        labels += [("slot label", slot["label"], self.slots) for slot in row["slots"] or []]
        for kind, label, known in labels:
            if label not in self._known[kind]:
                listed = "" if kind == "intent" else f", list its values in {CATALOGS}"
                near = difflib.get_close_matches(label, known, n=1, cutoff=NEARLY)
                raise DataError(
                    f"{where}, field {'intent' if kind == 'intent' else 'slots'!r}: {kind} {label!r} is in no training row; training "
                    f"has: {', '.join(known)}.{f' Did you mean {near[0]}?' if near else ''} Add training rows with it{listed}, or allow it "
                    "with allow_unseen_labels (it then counts as an error)."
                )


_FIELDS = ("name", "catalogs", "intents", "slots", "allow_unseen_labels", "templates", "slot_types", "invocation", "canonical")


def _check_value(value: CatalogValue, where: str) -> None:
    """Refuse a value that can't be written, or stands for nothing."""
    if not isinstance(value, CatalogValue):
        raise DataError(f"{where}: found {shorten(value)}; allowed: CatalogValue(value, id, synonyms).")
    for text in (value.value, *value.synonyms, *(() if value.id is None else (value.id,))):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where}: found {shorten(text)} in {shorten(value.value)}; allowed: strings that are not blank.")
        check_characters(text, where)


def _joined(values: Sequence[str], said: Iterable[str]) -> list[str]:
    """The values, and what is said besides."""
    known = set(values)
    return [*values, *(form for form in said if form not in known)]


def _listed_in(
    catalogs: Mapping[str, Sequence[str]], canonical: Mapping[str, Sequence[CatalogValue]]
) -> dict[str, list[CatalogValue]]:
    """Those of the canonical values all of whose forms are in the catalogs."""
    said = {label: set(values) for label, values in catalogs.items()}
    kept = {
        label: [value for value in values if said.get(label, set()).issuperset(value.forms)]
        for label, values in canonical.items()
    }
    return {label: values for label, values in kept.items() if values}


def label_counts(rows: Iterable[Row]) -> tuple[Counter[str], Counter[str]]:
    """How often each intent and each slot label occurs in the rows."""
    intents: Counter[str] = Counter()
    slots: Counter[str] = Counter()
    for row in rows:
        if row["intent"] is not None:
            intents[row["intent"]] += 1
        slots.update(slot["label"] for slot in row["slots"] or [])
    return intents, slots


def label_priors(rows: Iterable[Row]) -> dict[str, list[str]]:
    """The slot labels that each intent has in rows where both are annotated."""
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["intent"] is not None and row["slots"] is not None:
            found.setdefault(row["intent"], set()).update(slot["label"] for slot in row["slots"])
    return {intent: sorted(labels) for intent, labels in found.items()}


def is_covered(row: Row, intents: Sequence[str], slots: Sequence[str]) -> bool:
    """Whether the row's labels are all among these; no intents, or no slots, ask nothing of the row's."""
    labels = {slot["label"] for slot in row["slots"] or []}
    return (not intents or row["intent"] is None or row["intent"] in intents) and (not slots or labels <= set(slots))


def skill_name(text: str) -> str:
    """A name that a skill may have, made from any text: other characters than letters, digits and `-` become `_`."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", text).strip("_") or "skill"


def sizes_of(skill: Skill) -> str:
    """How much is in a skill, as messages say it; of its rows those that are trained on."""
    sizes = {"intent": len(skill.intents), "slot": len(skill.slots), "training row": len(skill.rows("train"))}
    return ", ".join(counted(size, noun) for noun, size in sizes.items())


def make_skill(
    name: str,
    templates: Sequence[Template],
    *,
    catalogs: Mapping[str, Listed] | None = None,
    slot_types: dict[str, str] | None = None,
    invocation: str | None = None,
    **options: Any,
) -> Skill:
    """A skill whose training rows are made of its templates.

    Args:
        name: the skill's name.
        templates: its samples; of two that are the same, with the same intent, the first is kept.
        catalogs: values by slot label, as text or, with an id or synonyms, as [`CatalogValue`].
        slot_types: built-in types by slot label.
        invocation: what users call the skill.
        options: further options of [`fill_templates`].

    Raises:
        DataError: there is no sample.
    """
    distinct: dict[Template, None] = {}
    lost: list[str] = []
    for number, template in enumerate(templates, start=1):
        if not template.parts or template in distinct:
            lost.append(f"number {number}, {shorten(template.pattern)} of {shorten(template.intent)}")
        distinct.update({template: None} if template.parts else {})
    if not distinct:
        raise DataError(f"skill {name!r} has no sample utterance: there is nothing to train on. Add samples to its intents.")
    if lost:
        logger.warning(
            "skill %s: left out %s, such as %s",
            name,
            counted_kind(len(lost), "samples that are empty or occur before"),
            such_as(lost),
        )
    said, canonical = split_values(catalogs or {})
    said = {label: values for label, values in said.items() if values}
    rows = fill_templates(list(distinct), said, slot_types, **options)
    return Skill(
        name,
        train=rows,
        catalogs=said,
        canonical=canonical,
        templates=list(distinct),
        slot_types=dict(slot_types or {}),
        invocation=invocation,
    )


__all__ = ["PARTS", "Skill", "is_covered", "label_counts", "label_priors", "make_skill", "skill_name"]
