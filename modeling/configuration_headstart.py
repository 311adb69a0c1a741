"""Configuration of the Headstart network: sizes, and the label lists of every skill it answers for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

from huggingface_hub.dataclasses import strict
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import PreTrainedConfig

from .entries_headstart import SkillEntry, check_skill_entry, read_entry
from .folders_headstart import CHECKPOINT, CODE
from .integrity_headstart import FIELD, OLD_FIELD, known_seal, note_hashes
from .labels_headstart import POOLINGS

MAX_VOCABULARY = 2**20  # a token of a catalog's value is one character (`catalog_headstart.token_key`)
MAX_SIZE = 2**20
RESERVED_NAMES = frozenset(dir(nn.ModuleDict())) | {"training"}  # a skill's name is a key of one


@strict
class HeadstartConfig(PreTrainedConfig):
    """Configuration of [`HeadstartModel`] and [`HeadstartForJointNLU`].

    Args:
        vocab_size (`int`, *optional*, defaults to 28000): number of tokens, special ones included.
        embedding_size (`int`, *optional*, defaults to 256): width of a token's embedding.
        hidden_size (`int`, *optional*, defaults to 160): units of the common bi-LSTM, for each direction.
        task_hidden_size (`int`, *optional*, defaults to 160): units of each ST and IC bi-LSTM, for each direction.
        intent_pooling (`str`, *optional*, defaults to `"max"`): what is made of an utterance's IC states: their maximum over its tokens, or
            `"max_mean"`, the sum of maximum and mean.
        residual_embeddings (`bool`, *optional*, defaults to `False`): tokens' embeddings are added to the states of the common bi-LSTM; of embeddings
            that are wider, the first values.
        embedding_dropout (`float`, *optional*, defaults to 0.1): probability that one value of an embedding is zeroed in
            training.
        hidden_dropout (`float`, *optional*, defaults to 0.3): probability that one value of a bi-LSTM's output is zeroed
            in training.
        word_dropout (`float`, *optional*, defaults to 0.1): probability that a whole token is read as `[UNK]` in
            training, so that the network learns to use the words around an unknown one.
        pad_token_id (`int`, *optional*, defaults to 0): id of the padding token.
        unk_token_id (`int`, *optional*, defaults to 1): id of the token for unknown words.
        continuation_start (`int`, *optional*, defaults to 3): first id of the tokens that continue a word (`##ing`).
        continuation_stop (`int`, *optional*, defaults to 3): one past the last such id. Every other token begins a word.
        gazetteer_dropout (`float`, *optional*, defaults to 0.3): probability that an utterance's matches in one catalog are
            hidden in training.
        initializer_range (`float`, *optional*, defaults to 0.02): standard deviation of the classifiers' first weights.
        skills (`list[dict]`, *optional*): one entry a skill, in order; `SkillEntry` in `entries_headstart` says what is in one.

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
    intent_pooling: str = "max"
    residual_embeddings: bool = False
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
        for field in (FIELD, OLD_FIELD):
            kwargs.pop(field, None)  # of the files that it was saved beside, not of what the network holds later
        if not isinstance(self.skills or [], list) or not all(isinstance(entry, dict) for entry in self.skills or []):
            raise ValueError(f"skills is {str(self.skills)[:80]!r}; it must be a list of objects with name, intents and slots.")
        self.skills = [read_entry(entry) for entry in self.skills or []]
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        self._name_labels()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)  # type: ignore[no-untyped-call]
        if name == "skills":
            self._name_labels()

    def _name_labels(self) -> None:
        """Give `id2label` and `label2id` the intents of the only skill, as whatever reads a configuration expects; of several, where each has its
        own, what transformers gives a model without names."""
        entries: Any = self.skills  # not checked yet
        is_one = isinstance(entries, list) and len(entries) == 1 and isinstance(entries[0], dict)
        intents = entries[0].get("intents") if is_one else None
        is_named = isinstance(intents, list) and intents and all(isinstance(intent, str) for intent in intents)
        names = cast(list[str], intents) if is_named else ["LABEL_0", "LABEL_1"]
        self.id2label = dict(enumerate(names))
        self.label2id = {name: number for number, name in enumerate(names)}

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """See `transformers.PreTrainedConfig.from_dict`.

        Raises:
            ValueError: it is of another kind of model, or a field is not as it must be.
        """
        if (found := config_dict.get("model_type", cls.model_type)) != cls.model_type:
            raise ValueError(
                f"model_type in the configuration is {found!r}; that of a Headstart checkpoint is {cls.model_type!r}."
            )
        try:
            return super().from_dict(config_dict, **kwargs)
        except StrictDataclassError as error:
            raise ValueError(str(error.__cause__ or error)) from error

    def save_pretrained(self, save_directory: Any, *args: Any, **kwargs: Any) -> None:
        """Save the configuration, with its own SHA-256; see `transformers.PreTrainedConfig.save_pretrained`. Hashes of files that lie there already
        stay."""
        kept = known_seal(Path(save_directory), CHECKPOINT).hashes
        super().save_pretrained(save_directory, *args, **kwargs)
        note_hashes(Path(save_directory), (CODE,), kept)

    def validate_sizes(self) -> None:
        """Raise `ValueError` for a size or an id that can't be, a probability outside [0, 1), or an unknown pooling."""
        for field in ("vocab_size", "embedding_size", "hidden_size", "task_hidden_size"):
            size, most = getattr(self, field), MAX_VOCABULARY if field == "vocab_size" else MAX_SIZE
            if type(size) is not int or not 1 <= size <= most:
                raise ValueError(f"{field} is {size!r}; it must be a whole number, at least 1 and at most {most}.")
        for field in ("embedding_dropout", "hidden_dropout", "word_dropout", "gazetteer_dropout"):
            if type(getattr(self, field)) not in (float, int) or not 0 <= getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)!r}; it must be a number, at least 0 and below 1.")
        if self.intent_pooling not in POOLINGS:
            raise ValueError(f"intent_pooling is {str(self.intent_pooling)[:80]!r}; allowed: {', '.join(POOLINGS)}.")
        if type(self.initializer_range) not in (float, int) or not 0 <= self.initializer_range < math.inf:
            raise ValueError(f"initializer_range is {self.initializer_range!r}; it must be a number, at least 0.")

    def validate_token_ids(self) -> None:
        """Raise `ValueError` for an id beyond the vocabulary."""
        for field in ("pad_token_id", "unk_token_id"):
            token = getattr(self, field)
            if type(token) is not int or not 0 <= token < self.vocab_size:
                raise ValueError(
                    f"{field} is {token!r}; it must be the id of a token, at least 0 and below vocab_size, {self.vocab_size}."
                )
        start, stop = self.continuation_start, self.continuation_stop
        if type(start) is not int or type(stop) is not int or not 0 <= start <= stop or (start < stop and stop > self.vocab_size):
            raise ValueError(
                f"continuation_start and continuation_stop are {start!r} and {stop!r}; they must be ids of tokens, the first at most the second, "
                f"and that at most vocab_size, {self.vocab_size}."
            )

    def validate_skills(self) -> None:
        """Raise `ValueError` for a malformed, empty or repeated skill entry."""
        names = [entry.get("name") for entry in self.skills or []]
        for entry in self.skills or []:
            check_entry(entry)
            if names.count(entry["name"]) > 1:
                raise ValueError(f"two skills are called {entry['name']!r}; every skill needs a name of its own.")


def check_entry(entry: Mapping[str, Any]) -> SkillEntry:
    """The entry of a skill, if it is well-formed and its names can be those of layers.

    Raises:
        ValueError: it is not; the message names the field.
    """
    checked = check_skill_entry(entry)
    for field in ("name", "task_layers"):
        value = entry[field]
        if value in RESERVED_NAMES:
            raise ValueError(
                f"skill {field} {value!r} is a reserved word of torch modules; choose another, such as '{value}_skill'."
            )
    return checked


__all__ = ["HeadstartConfig", "check_entry"]
