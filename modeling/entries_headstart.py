"""A skill's entry in the configuration: what is in it, and what is wrong with one. Needs nothing but Python."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

SKILL_NAME = re.compile(r"[A-Za-z0-9_-]+")
MAX_RANK = 1024
MAX_VALUES = 2**31 - 1  # of a skill's catalogs, and tokens of these: they are counted in int32
TEMPERATURES = (1e-6, 1e6)  # beyond these, scores divided by one are no numbers any more
# Of a skill that nobody gave another: the lowest that costs at most 2 % of the right answers on validation rows, of small skills and of few-shot SNIPS
# (benchmarks/none_of_these.py).
REJECT_THRESHOLD = 0.8
FACTORED = "factored"  # what `crf` says
MAX_DENSE_LABELS = 100  # slot labels of a new skill whose CRF has a score for each pair of tags; chosen in benchmarks/README.md
RENAMED = {"slots_of_intents": "label_priors"}  # fields as headstart 0.1 called them


class GazetteerSize(TypedDict):
    """How large a skill's catalogs are.

    Args:
        slots: slot labels with a catalog; their order gives the catalogs' numbers.
        values: values of all catalogs.
        tokens: tokens of all values.
    """

    slots: list[str]
    values: int
    tokens: int


class CanonicalSize(TypedDict):
    """How much text the values of a skill's catalogs are, which answers say was meant.

    Args:
        slots: slot labels with a catalog, in the order of their values.
        bytes: of their values (see `resolution_headstart.pack_values`).
    """

    slots: list[str]
    bytes: int


class Rejection(TypedDict):
    """How "none of these" is decided.

    Args:
        temperature: what the scores of the intents are divided by.
        threshold: the probability of "none of these", against the best intent alone, over which an utterance is rejected.
    """

    temperature: float
    threshold: float


class SkillEntry(TypedDict):
    """One skill in `HeadstartConfig.skills`.

    Args:
        name: letters, digits, `_`, `-`.
        intents: names of the intents; empty: the skill has no such task.
        slots: slot labels; empty: the skill has no such task.
        task_layers: name of the pair of ST and IC bi-LSTMs that its classifiers read; skills with the same name share one pair.
        rank: of its low-rank adapters (LoRA) of the bi-LSTMs that it shares; 0: it has none; left out: its bi-LSTMs are its own.
        routes: True: the skill can be found among others without its name.
        gazetteer: how large its catalogs are, if it has any.
        canonical: how much text the values of its catalogs are; left out: answers don't say what was meant.
        rejection: how "none of these" is decided, if it can be.
        label_priors: by intent, the slot labels that it was seen with in training.
        slot_types: by slot label, the platform's built-in type, such as `AMAZON.DATE`, of those that have one.
        crf: `factored`: see `crf_headstart.FactoredCRF`; left out: it has a score for each pair of tags.
        novelty: directions of `novelty_headstart.Novelty`, which adds to the score of "none of these"; left out: nothing does.
        slot_temperature: what the scores of tags are divided by before slots get their probabilities, at least 1; left out: 1. Which slots are found
            doesn't depend on it.
    """

    name: str
    intents: list[str]
    slots: list[str]
    task_layers: str
    rank: NotRequired[int]
    routes: NotRequired[bool]
    gazetteer: NotRequired[GazetteerSize]
    canonical: NotRequired[CanonicalSize]
    rejection: NotRequired[Rejection]
    label_priors: NotRequired[dict[str, list[str]]]
    slot_types: NotRequired[dict[str, str]]
    crf: NotRequired[str]
    novelty: NotRequired[int]
    slot_temperature: NotRequired[float]


FIELDS = tuple(SkillEntry.__annotations__)


def crf_of(slots: Sequence[str]) -> str | None:
    """What the entry of a new skill with these slot labels says of its CRF."""
    return FACTORED if len(slots) > MAX_DENSE_LABELS else None


def read_entry(content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as a file has it, with the fields of today, without those that are null; not checked (see [`check_skill_entry`])."""
    entry = {RENAMED.get(name, name): value for name, value in {"task_layers": content.get("name"), **content}.items()}
    gazetteer = entry.get("gazetteer")
    if isinstance(gazetteer, dict) and "pieces" in gazetteer:
        entry["gazetteer"] = {("tokens" if name == "pieces" else name): value for name, value in gazetteer.items()}
    return {name: value for name, value in entry.items() if value is not None}


def check_skill_entry(entry: Mapping[str, Any]) -> SkillEntry:
    """The entry, if it is well-formed.

    Raises:
        ValueError: it is not; the message names the field.
    """
    unknown = sorted(set(entry) - set(FIELDS))
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r} in skill {entry.get('name')!r}; allowed: {', '.join(FIELDS)}.")
    for field in ("name", "task_layers"):
        value = entry.get(field)
        if not isinstance(value, str) or not SKILL_NAME.fullmatch(value):
            raise ValueError(f"skill {field} {str(value)[:80]!r} is not allowed: use letters, digits, '_' and '-' only.")
    for field in ("intents", "slots"):
        _check_labels(entry, field)
    if not entry["intents"] and not entry["slots"]:
        raise ValueError(f"skill {entry['name']!r} has neither intents nor slots: give it at least one label.")
    rank = entry.get("rank", 0)
    if type(rank) is not int or not 0 <= rank <= MAX_RANK:
        raise ValueError(f"rank of skill {entry['name']!r} is {_shown(rank)}; it must be a whole number from 0 to {MAX_RANK}.")
    if entry.get("routes") not in (None, True):
        raise ValueError(f"routes of skill {entry['name']!r} is {_shown(entry['routes'])}; it must be True or left out.")
    if entry.get("routes") and "rank" not in entry:
        raise ValueError(
            f"skill {entry['name']!r} can't be found without its name, since it shares no task layers: give it a rank."
        )
    if entry.get("crf") not in (None, FACTORED):
        raise ValueError(f"crf of skill {entry['name']!r} is {entry['crf']!r}; it must be {FACTORED!r} or left out.")
    novelty = entry.get("novelty", 1)
    if type(novelty) is not int or not 1 <= novelty <= MAX_RANK:
        raise ValueError(
            f"novelty of skill {entry['name']!r} is {_shown(novelty)}; it must be a whole number from 1 to {MAX_RANK}."
        )
    if "novelty" in entry and "rejection" not in entry:
        raise ValueError(f"skill {entry['name']!r} has novelty, which only a skill with rejection has.")
    temperature = entry.get("slot_temperature", 1)
    if type(temperature) not in (int, float) or not 1 <= temperature <= TEMPERATURES[1]:
        raise ValueError(
            f"slot_temperature of skill {entry['name']!r} is {_shown(temperature)}; it must be a number from 1 to {TEMPERATURES[1]}."
        )
    if "slot_temperature" in entry and not entry["slots"]:
        raise ValueError(f"skill {entry['name']!r} has slot_temperature, which only a skill with slots has.")
    _check_gazetteer(entry)
    _check_canonical(entry)
    _check_rejection(entry)
    _check_label_priors(entry)
    _check_slot_types(entry)
    return cast(SkillEntry, entry)


def _check_labels(entry: Mapping[str, Any], field: str) -> None:
    labels: Any = entry.get(field)
    if not _is_list_of_names(labels):
        raise ValueError(f"{field} of skill {entry['name']!r} must be a list of label names, not {_shown(labels)}.")
    repeated = sorted(label for label, count in Counter(labels).items() if count > 1)
    if repeated:
        raise ValueError(f"{field} of skill {entry['name']!r} list {repeated[0]!r} twice.")


def _shown(value: Any) -> str:
    return repr(value)[:200]


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _check_gazetteer(entry: Mapping[str, Any]) -> None:
    gazetteer = entry.get("gazetteer")
    if gazetteer is None:
        return
    if isinstance(gazetteer, dict) and "bytes" in gazetteer:
        raise ValueError(
            f"skill {entry['name']!r} keeps its catalogs as headstart 0.1 did, which is not safe to read: fine-tune it anew."
        )
    if not isinstance(gazetteer, dict) or set(gazetteer) != {"slots", "values", "tokens"}:
        raise ValueError(f"gazetteer of skill {entry['name']!r} is {_shown(gazetteer)}; it must have slots, values and tokens.")
    sizes = [gazetteer[name] for name in ("values", "tokens")]
    if not _is_list_of_names(gazetteer["slots"]) or any(type(size) is not int for size in sizes):
        raise ValueError(
            f"gazetteer of skill {entry['name']!r} must have a list of slots and numbers of values and tokens, not {_shown(gazetteer)}."
        )
    unknown = sorted(set(gazetteer["slots"]) - set(entry["slots"]))
    if max(sizes) > MAX_VALUES:
        raise ValueError(
            f"gazetteer of skill {entry['name']!r} has sizes {_shown(sizes)}; allowed are {MAX_VALUES} values and tokens."
        )
    if len(set(gazetteer["slots"])) < len(gazetteer["slots"]):
        raise ValueError(f"gazetteer of skill {entry['name']!r} lists a slot twice: {gazetteer['slots']!r}.")
    if unknown or not gazetteer["slots"] or min(sizes) < 1:
        raise ValueError(
            f"gazetteer of skill {entry['name']!r} needs slots that the skill has, not {_shown(unknown or gazetteer)}."
        )


def _check_canonical(entry: Mapping[str, Any]) -> None:
    size = entry.get("canonical")
    if size is None:
        return
    is_size = isinstance(size, dict) and set(size) == {"slots", "bytes"} and _is_list_of_names(size["slots"])
    if not is_size or type(size["bytes"]) is not int or not 1 <= size["bytes"] <= MAX_VALUES:
        raise ValueError(
            f"canonical of skill {entry['name']!r} is {_shown(size)}; it must have slots, and bytes from 1 to {MAX_VALUES}."
        )
    slots = size["slots"]
    if not slots or len(set(slots)) < len(slots) or set(slots) - set(entry["slots"]):
        raise ValueError(f"canonical of skill {entry['name']!r} needs slots that the skill has, each once, not {_shown(slots)}.")


def _check_rejection(entry: Mapping[str, Any]) -> None:
    rejection = entry.get("rejection")
    if rejection is None:
        return
    if not isinstance(rejection, dict) or set(rejection) != {"temperature", "threshold"} or not entry["intents"]:
        raise ValueError(
            f"rejection of skill {entry['name']!r} is {_shown(rejection)}; it must have temperature and threshold, and the skill intents."
        )
    if not all(type(value) in (int, float) and abs(value) < math.inf for value in rejection.values()):
        raise ValueError(f"rejection of skill {entry['name']!r} must have numbers, not {_shown(rejection)}.")
    least, most = TEMPERATURES
    if not least <= rejection["temperature"] <= most or not 0 <= rejection["threshold"] <= 1:
        raise ValueError(
            f"rejection of skill {entry['name']!r}: temperature must be in [{least}, {most}] and threshold in [0, 1], not {_shown(rejection)}."
        )


def _check_label_priors(entry: Mapping[str, Any]) -> None:
    found = entry.get("label_priors")
    if found is None:
        return
    is_valid = isinstance(found, dict) and set(found) <= set(entry["intents"])
    if not is_valid or not all(_is_list_of_names(labels) for labels in found.values()):
        raise ValueError(f"label_priors of skill {entry['name']!r} must hold slot labels by intent, not {_shown(found)}.")
    unknown = sorted({label for labels in found.values() for label in labels} - set(entry["slots"]))
    if unknown:
        raise ValueError(f"label_priors of skill {entry['name']!r} has {unknown[0]!r}, which is none of its slots.")


def _check_slot_types(entry: Mapping[str, Any]) -> None:
    found = entry.get("slot_types")
    if found is None:
        return
    if not isinstance(found, dict) or not all(isinstance(name, str) for pair in found.items() for name in pair):
        raise ValueError(f"slot_types of skill {entry['name']!r} must hold types by slot label, not {_shown(found)}.")
    unknown = sorted(set(found) - set(entry["slots"]))
    if unknown:
        raise ValueError(f"slot_types of skill {entry['name']!r} has {unknown[0]!r}, which is none of its slots.")


__all__ = [
    "FACTORED",
    "SKILL_NAME",
    "CanonicalSize",
    "GazetteerSize",
    "Rejection",
    "SkillEntry",
    "check_skill_entry",
    "crf_of",
    "read_entry",
]
