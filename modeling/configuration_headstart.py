"""Configuration of the Headstart network: sizes, and the label lists of every skill it answers for."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import PreTrainedConfig

SKILL_NAME = re.compile(r"[A-Za-z0-9_-]+")
RESERVED_NAMES = frozenset(dir(nn.ModuleDict())) | {"training"}  # a skill's name is a key of one
MAX_RANK = 1024
SKILL_FIELDS = ("name", "intents", "slots", "task_layers", "rank", "routes", "gazetteer", "rejection", "slots_of_intents")


@strict
class HeadstartConfig(PreTrainedConfig):
    """Configuration of [`HeadstartModel`] and [`HeadstartForJointNLU`].

    Args:
        vocab_size (`int`, *optional*, defaults to 28000): number of word pieces, special pieces included.
        embedding_size (`int`, *optional*, defaults to 256): width of a piece's embedding.
        hidden_size (`int`, *optional*, defaults to 160): units of the common bi-LSTM, for each direction.
        task_hidden_size (`int`, *optional*, defaults to 160): units of each ST and IC bi-LSTM, for each direction.
        embedding_dropout (`float`, *optional*, defaults to 0.1): probability that one value of an embedding is zeroed in
            training.
        hidden_dropout (`float`, *optional*, defaults to 0.3): probability that one value of a bi-LSTM's output is zeroed
            in training.
        word_dropout (`float`, *optional*, defaults to 0.1): probability that a whole piece is read as `[UNK]` in
            training, so that the network learns to use the words around an unknown one.
        pad_token_id (`int`, *optional*, defaults to 0): id of the padding piece.
        unk_token_id (`int`, *optional*, defaults to 1): id of the piece for unknown words.
        continuation_start (`int`, *optional*, defaults to 3): first id of the pieces that continue a word (`##ing`).
        continuation_stop (`int`, *optional*, defaults to 3): one past the last such id. Every other piece begins a word.
        gazetteer_dropout (`float`, *optional*, defaults to 0.3): probability that an utterance's matches in one catalog are
            hidden in training.
        initializer_range (`float`, *optional*, defaults to 0.02): standard deviation of the classifiers' first weights.
        skills (`list[dict]`, *optional*): one entry a skill, in order: `name` (letters, digits, `_`, `-`), `intents` and
            `slots` (lists of label names; an empty list: the skill has no such task), `task_layers` (name of the pair of
            ST and IC bi-LSTMs that its classifiers read; skills with the same name share one pair); and, if it has them, `rank`
            (of the matrices by which it changes the bi-LSTMs that it shares; 0: it changes none), `routes` (True: it can be found among the
            others without its name), `gazetteer` (`slots`: labels with a catalog; `values`: their values in all; `pieces`: word pieces of these), `rejection`
            (`temperature`: what the intents' logits are divided by; `threshold`: from which probability of "none of these"
            on an utterance is rejected) and `slots_of_intents` (by intent, the slot labels that it was seen with).

    Example:

    ```python
    >>> from headstart import HeadstartConfig, HeadstartForJointNLU
    >>> config = HeadstartConfig(skills=[{"name": "lamp", "intents": ["on", "off"], "slots": ["room"]}])
    >>> model = HeadstartForJointNLU(config)
    >>> model.skills
    ['lamp']

    ```
    """

    model_type = "headstart"
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["intent_loss", "slot_loss"]

    vocab_size: int = 28000
    embedding_size: int = 256
    hidden_size: int = 160
    task_hidden_size: int = 160
    embedding_dropout: float | int = 0.1
    hidden_dropout: float | int = 0.3
    word_dropout: float | int = 0.1
    gazetteer_dropout: float | int = 0.3
    pad_token_id: int = 0
    unk_token_id: int = 1
    continuation_start: int = 3
    continuation_stop: int = 3
    initializer_range: float = 0.02
    skills: list[dict[str, Any]] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        # An installed headstart registers its own pipeline. transformers would insist on remote code for any checkpoint
        # whose config names a custom pipeline, so only a config class that itself came as remote code keeps the entry.
        if not type(self).__module__.startswith("transformers_modules"):
            kwargs.pop("custom_pipelines", None)
        kwargs.pop("weights_sha256", None)  # of the file that it was saved beside, not of what the network holds later
        if not isinstance(self.skills or [], list) or not all(isinstance(entry, dict) for entry in self.skills or []):
            raise ValueError(f"skills is {str(self.skills)[:80]!r}; it must be a list of objects with name, intents and slots.")
        self.skills = [
            {name: value for name, value in {"task_layers": entry.get("name"), **entry}.items() if value is not None}
            for entry in self.skills or []
        ]
        super().__post_init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """See `transformers.PreTrainedConfig.from_dict`.

        Raises:
            ValueError: a field is not as it must be.
        """
        try:
            return super().from_dict(config_dict, **kwargs)
        except StrictDataclassError as error:
            raise ValueError(str(error.__cause__ or error)) from error

    def validate_sizes(self) -> None:
        """Raise `ValueError` for a size below 1 or a probability outside [0, 1)."""
        for field in ("vocab_size", "embedding_size", "hidden_size", "task_hidden_size"):
            if not isinstance(getattr(self, field), int) or getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)!r}; it must be a whole number, at least 1.")
        for field in ("embedding_dropout", "hidden_dropout", "word_dropout", "gazetteer_dropout"):
            if not isinstance(getattr(self, field), float | int) or not 0 <= getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)!r}; it must be a number, at least 0 and below 1.")

    def validate_skills(self) -> None:
        """Raise `ValueError` for a malformed, empty or repeated skill entry."""
        names = [entry.get("name") for entry in self.skills or []]
        for entry in self.skills or []:
            check_skill_entry(entry)
            if names.count(entry["name"]) > 1:
                raise ValueError(f"two skills are called {entry['name']!r}; every skill needs a name of its own.")


def check_skill_entry(entry: dict[str, Any]) -> None:
    """Raise `ValueError`, naming the field, if an entry of `HeadstartConfig.skills` is malformed."""
    unknown = sorted(set(entry) - set(SKILL_FIELDS))
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r} in skill {entry.get('name')!r}; allowed: {', '.join(SKILL_FIELDS)}.")
    for field in ("name", "task_layers"):
        value = entry.get(field)
        if not isinstance(value, str) or not SKILL_NAME.fullmatch(value):
            raise ValueError(f"skill {field} {str(value)[:80]!r} is not allowed: use letters, digits, '_' and '-' only.")
        if value in RESERVED_NAMES:
            raise ValueError(
                f"skill {field} {value!r} is a reserved word of torch modules; choose another, such as '{value}_skill'."
            )
    for field in ("intents", "slots"):
        labels: Any = entry.get(field)
        if not _is_list_of_names(labels):
            raise ValueError(f"{field} of skill {entry['name']!r} must be a list of label names, not {labels!r}.")
        repeated = sorted(label for label, count in Counter(labels).items() if count > 1)
        if repeated:
            raise ValueError(f"{field} of skill {entry['name']!r} list {repeated[0]!r} twice.")
    if not entry["intents"] and not entry["slots"]:
        raise ValueError(f"skill {entry['name']!r} has neither intents nor slots: give it at least one label.")
    rank = entry.get("rank", 0)
    if type(rank) is not int or not 0 <= rank <= MAX_RANK:
        raise ValueError(f"rank of skill {entry['name']!r} is {rank!r}; it must be a whole number from 0 to {MAX_RANK}.")
    if entry.get("routes") not in (None, True):
        raise ValueError(f"routes of skill {entry['name']!r} is {entry['routes']!r}; it must be True or left out.")
    if entry.get("routes") and "rank" not in entry:
        raise ValueError(
            f"skill {entry['name']!r} can't be found without its name, since it shares no task layers: give it a rank."
        )
    _check_gazetteer(entry)
    _check_rejection(entry)
    _check_slots_of_intents(entry)


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _check_gazetteer(entry: dict[str, Any]) -> None:
    gazetteer = entry.get("gazetteer")
    if gazetteer is None:
        return
    if isinstance(gazetteer, dict) and "bytes" in gazetteer:
        raise ValueError(
            f"skill {entry['name']!r} keeps its catalogs as headstart 0.1 did, which is not safe to read: fine-tune it anew."
        )
    if not isinstance(gazetteer, dict) or set(gazetteer) != {"slots", "values", "pieces"}:
        raise ValueError(f"gazetteer of skill {entry['name']!r} is {gazetteer!r}; it must have slots, values and pieces.")
    sizes = [gazetteer[name] for name in ("values", "pieces")]
    if not _is_list_of_names(gazetteer["slots"]) or any(type(size) is not int for size in sizes):
        raise ValueError(
            f"gazetteer of skill {entry['name']!r} must have a list of slots and numbers of values and pieces, not {gazetteer!r}."
        )
    unknown = sorted(set(gazetteer["slots"]) - set(entry["slots"]))
    if unknown or not gazetteer["slots"] or min(sizes) < 1:
        raise ValueError(f"gazetteer of skill {entry['name']!r} needs slots that the skill has, not {unknown or gazetteer!r}.")


def _check_rejection(entry: dict[str, Any]) -> None:
    rejection = entry.get("rejection")
    if rejection is None:
        return
    if not isinstance(rejection, dict) or set(rejection) != {"temperature", "threshold"} or not entry["intents"]:
        raise ValueError(
            f"rejection of skill {entry['name']!r} is {rejection!r}; it must have temperature and threshold, and the skill intents."
        )
    if not all(type(value) in (int, float) and math.isfinite(value) for value in rejection.values()):
        raise ValueError(f"rejection of skill {entry['name']!r} must have numbers, not {rejection}.")
    if rejection["temperature"] <= 0 or not 0 <= rejection["threshold"] <= 1:
        raise ValueError(
            f"rejection of skill {entry['name']!r}: temperature must be over 0 and threshold in [0, 1], not {rejection}."
        )


def _check_slots_of_intents(entry: dict[str, Any]) -> None:
    found = entry.get("slots_of_intents")
    if found is None:
        return
    is_valid = isinstance(found, dict) and set(found) <= set(entry["intents"])
    if not is_valid or not all(_is_list_of_names(labels) for labels in found.values()):
        raise ValueError(f"slots_of_intents of skill {entry['name']!r} must hold slot labels by intent, not {found!r}.")
    unknown = sorted({label for labels in found.values() for label in labels} - set(entry["slots"]))
    if unknown:
        raise ValueError(f"slots_of_intents of skill {entry['name']!r} has {unknown[0]!r}, which is none of its slots.")


__all__ = ["HeadstartConfig"]
