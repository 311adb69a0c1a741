"""Options of the two training stages, and where they come from: a YAML or JSON file, then the command line."""

from __future__ import annotations

import dataclasses
import difflib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import yaml
from transformers import HfArgumentParser, TrainingArguments

RANK = 12
HEADS = ("low_rank", "task_layers", "classifiers")
LOWER_IS_BETTER = ("loss", "semantic_error_rate")


@dataclass
class HeadstartTrainingArguments(TrainingArguments):
    """What both stages share. Every option of `transformers.TrainingArguments` is one of them; these defaults differ from its own:
    batches of rows of similar length, best checkpoint by semantic error rate, at most 2 checkpoints kept, no unused column dropped, no memory pinned.
    """

    train_sampling_strategy: str = field(default="group_by_length", metadata={"help": "How batches are drawn."})
    equal_lengths: bool = field(
        default=False,
        metadata={
            "help": "Sort all rows of an epoch by length before they are cut into batches, and not 50 batches' rows at a time; of group_by_length, and not of a stream."
        },
    )
    remove_unused_columns: bool = field(default=False, metadata={"help": "The collator needs every column: leave it False."})
    metric_for_best_model: str | None = field(
        default="semantic_error_rate", metadata={"help": "Validation metric that chooses the checkpoint that is kept."}
    )
    save_total_limit: int | None = field(default=2, metadata={"help": "Checkpoints kept on disk."})
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after this many evaluations without a better metric; unset: never."}
    )
    per_device_eval_batch_size: int = field(default=64, metadata={"help": "Rows in a batch at an evaluation."})
    dataloader_pin_memory: bool = field(default=False, metadata={"help": "Pin batches in memory; of use with a GPU only."})
    push_to_hub: bool = field(
        default=False,
        metadata={
            "help": "Publish the finished folder, as headstart push does: --hub_model_id, --hub_private_repo, --hub_revision, --hub_token."
        },
    )
    ddp_find_unused_parameters: bool | None = field(
        default=False, metadata={"help": "Of several processes: the trainer sees to it that every weight has a gradient."}
    )
    weight_decay: float = field(default=0.01, metadata={"help": "Weight decay of AdamW."})
    auto_bf16: bool = field(
        default=False,
        metadata={
            "help": "Compute in bfloat16, as --bf16 does, where the GPU or processor has units for it (of processors: AMX)."
        },
    )

    @property
    def output_path(self) -> Path:
        """The folder `output_dir`."""
        return Path(str(self.output_dir))

    def __post_init__(self) -> None:
        # Must be known before transformers guesses that everything but a loss is better when greater.
        if self.greater_is_better is None and self.metric_for_best_model is not None:
            self.greater_is_better = not self.metric_for_best_model.endswith(LOWER_IS_BETTER)
        if self.output_dir is None:
            raise ValueError("output_dir is missing: say where the checkpoint goes with --output_dir OUT.")
        # transformers would publish every saved folder, with pickles: what is finished is pushed by [`headstart.runs.push_run`].
        self.publishes, self.push_to_hub = self.push_to_hub, False
        self.label_names = ["intent_labels", "slot_labels", "skill_ids"]
        if self.auto_bf16 and not self.fp16:
            self.bf16 = self.bf16 or computes_bf16(bool(self.use_cpu))
        on_processor = self.use_cpu or not torch.accelerator.is_available()
        if self.fp16 and on_processor:  # transformers would compute in float32
            raise ValueError(
                "fp16 wants a GPU; on a processor, take bf16, or auto_bf16, which looks whether it has units for it."
            )
        if self.bf16 and on_processor:
            if fault := bf16_fault():
                raise ValueError(
                    "bf16 doesn't work on this processor (of x86 processors, those with AVX-512 can); leave it out, or take auto_bf16, which "
                    "looks whether it is of use."
                ) from fault
            self.use_cpu = True  # which transformers would ask for, where there is nothing else
        super().__post_init__()


def computes_bf16(use_cpu: bool = False) -> bool:
    """Whether bfloat16 is faster here than float32: on an NVIDIA GPU that has it, or a processor with AMX. Without these it is emulated, and slower.

    Args:
        use_cpu: whatever GPU there is won't be used.
    """
    if torch.accelerator.is_available() and not use_cpu:
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def bf16_fault() -> RuntimeError | None:
    """What keeps this processor from training a bi-LSTM in bfloat16, or None: of that, PyTorch knows only by trying."""
    with torch.random.fork_rng(devices=[]):
        lstm = torch.nn.LSTM(8, 8, bidirectional=True)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = lstm(torch.zeros(2, 1, 8))[0]
        states.float().sum().backward()
    except RuntimeError as error:
        return error
    return None


@dataclass
class PretrainArguments(HeadstartTrainingArguments):
    """Options of `train.py pretrain`, besides those of `transformers.TrainingArguments`."""

    data_dir: str | None = field(default=None, metadata={"help": "Folder of corpora, one folder each. Required."})
    sources: list[str] = field(default_factory=list, metadata={"help": "Corpora to train on. Required."})
    intents_with_domain: list[str] = field(
        default_factory=list, metadata={"help": "Corpora whose intents mean something only together with their domain."}
    )
    without_intents: list[str] = field(default_factory=list, metadata={"help": "Corpora without annotated intents."})
    without_slots: list[str] = field(default_factory=list, metadata={"help": "Corpora without annotated slots."})
    max_validation_rows: int = field(default=500, metadata={"help": "Validation rows of each source at an evaluation."})
    max_train_rows: int | None = field(default=None, metadata={"help": "Training rows of each source; unset: all."})
    streaming: bool = field(
        default=False,
        metadata={
            "help": "Read the corpora, train*.jsonl, while training on them: memory and start don't grow with them. Wants max_steps, and labels.json in "
            "each (headstart labels DATA)."
        },
    )
    source_weights: list[float] = field(
        default_factory=list, metadata={"help": "How often each source is drawn from in a stream; unset: as many rows as it has."}
    )
    pool_size: int = field(
        default=25_600, metadata={"help": "Rows of a stream held in memory, sorted and shuffled, for each process or worker."}
    )
    vocabulary_rows: int = field(default=200_000, metadata={"help": "First rows of a stream that the vocabulary is chosen from."})
    embeddings: str = field(
        default="distilled", metadata={"help": "Starting embeddings: distilled (from a sentence encoder) or random."}
    )
    train_embeddings: bool = field(default=True, metadata={"help": "Train the embeddings; false: leave them as they start."})
    sentence_loss: float = field(
        default=0.0, metadata={"help": "Weight of the loss between utterances' IC states and a sentence encoder's; 0: none."}
    )
    word_loss: float = field(
        default=0.0,
        metadata={
            "help": "Weight of the loss between words' ST states and the sentence encoder's states of them; 0: none. It reads every batch, "
            "in bfloat16 with --bf16: 1.7 times as long a step on a processor with AMX."
        },
    )
    sentence_cache: str | None = field(
        default=None,
        metadata={
            "help": "Folder of the sentence encoder's embeddings of utterances, made if it is not there; unset: beside output_dir. With --word_loss "
            "or --streaming there are none: it reads every batch."
        },
    )
    learning_rate: float = field(default=2e-3, metadata={"help": "Peak learning rate of AdamW."})
    min_word_count: int = field(default=20, metadata={"help": "Training occurrences that earn a word its own piece."})
    embedding_size: int = field(default=256, metadata={"help": "Width of a piece's embedding."})
    hidden_size: int = field(default=160, metadata={"help": "Units of the common bi-LSTM, for each direction."})
    task_hidden_size: int = field(default=160, metadata={"help": "Units of the ST and IC bi-LSTMs, for each direction."})
    word_dropout: float = field(default=0.1, metadata={"help": "Probability that a piece is read as unknown in training."})
    hidden_dropout: float = field(default=0.2, metadata={"help": "Dropout of bi-LSTM outputs in training."})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data_dir is None:
            raise ValueError("data_dir is missing: say where the corpora are with --data_dir FOLDER.")
        if not self.sources:
            raise ValueError("sources is empty: name the corpora to train on, e.g. --sources topv2 sgd.")
        if self.embeddings not in ("distilled", "random"):
            raise ValueError(f"embeddings is {self.embeddings!r}; it must be 'distilled' or 'random'.")
        for name, value in (("sentence_loss", self.sentence_loss), ("word_loss", self.word_loss)):
            if value < 0:
                raise ValueError(f"{name} is {value}; it must be at least 0.")
        self._check_streaming()

    def _check_streaming(self) -> None:
        if not self.streaming:
            if self.source_weights:
                raise ValueError("source_weights is for streaming alone; add --streaming true.")
            return
        if self.max_steps <= 0:
            raise ValueError("streaming wants max_steps: a stream has no end; say with --max_steps N how far it is trained on.")
        if self.max_train_rows is not None:
            raise ValueError("max_train_rows is not for streaming: max_steps says how many rows are read.")
        if self.source_weights and len(self.source_weights) != len(self.sources):
            raise ValueError(
                f"source_weights has {len(self.source_weights)} numbers for {len(self.sources)} sources; give one for each."
            )
        if self.source_weights and (min(self.source_weights) < 0 or not sum(self.source_weights)):
            raise ValueError(f"source_weights is {self.source_weights}; they must be at least 0, and not all 0.")
        for name in ("pool_size", "vocabulary_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")


@dataclass
class FinetuneArguments(HeadstartTrainingArguments):
    """Options of `train.py finetune`, besides those of `transformers.TrainingArguments`.

    Steps, learning rates and batch size are chosen by the number of training rows where they are left out (see
    [`headstart.recipe`]).
    """

    skill: str | None = field(default=None, metadata={"help": "The skill: a .jsonl file of rows or a folder. Required."})
    skill_name: str | None = field(default=None, metadata={"help": "Name of the skill; unset: from the file or folder."})
    base: str | None = field(default=None, metadata={"help": "Checkpoint to start from; unset: the embedded base."})
    tune: str = field(default="all", metadata={"help": "What is trained: all, or head (the trunk stays as it is)."})
    head: str = field(
        default="low_rank",
        metadata={
            "help": "What tune=head trains besides the classifiers: low_rank (matrices that change the bi-LSTMs it shares), task_layers (ST and IC "
            "bi-LSTMs of its own), or classifiers (nothing)."
        },
    )
    rank: int = field(default=RANK, metadata={"help": "Rank of these matrices: a head's size grows with it."})
    reset: str = field(
        default="classifiers",
        metadata={"help": "What starts at random: classifiers, or task_layers (the ST and IC bi-LSTMs too)."},
    )
    from_scratch: bool = field(default=False, metadata={"help": "No transfer: start the same network at random."})
    starting_embeddings: str = field(
        default="random",
        metadata={"help": "Embeddings of from_scratch: random, distilled (from a sentence encoder), or a .safetensors file."},
    )
    allow_unseen_labels: bool = field(
        default=False, metadata={"help": "Accept validation and test labels that no training row has; they count as errors."}
    )
    train_embeddings: bool | None = field(
        default=None, metadata={"help": "Train the embeddings with the trunk; unset: only if they start at random."}
    )
    probe: bool = field(
        default=True,
        metadata={"help": "Fit the classifiers to the base's states before fine-tuning, which makes it good sooner."},
    )
    gazetteers: bool = field(default=True, metadata={"help": "Matches in the skill's catalogs are features."})
    gazetteer_dropout: float = field(
        default=0.3, metadata={"help": "Probability that an utterance's matches in a catalog are hidden in training."}
    )
    slot_priors: bool = field(
        default=True, metadata={"help": "Slots that an intent has in no training row are less probable where it is found."}
    )
    name_rows: bool = field(
        default=True, metadata={"help": "The name of an intent, in words, is one more training utterance of it."}
    )
    refill: float = field(
        default=0.5, metadata={"help": "Probability that a slot gets another value at every epoch; 0: rows stay as they are."}
    )
    rejection: bool = field(default=True, metadata={"help": "The skill can answer 'none of these'."})
    reject_threshold: float = field(
        default=0.9, metadata={"help": "Probability of 'none of these' over which an utterance is rejected; 1: never."}
    )
    background: str | None = field(
        default=None,
        metadata={
            "help": "File of utterances that are none of the skill's: rows (.jsonl), or one a line; unset: those of the package."
        },
    )
    background_share: float = field(
        default=0.15, metadata={"help": "Background utterances in an epoch, as a share of the skill's rows."}
    )
    compare_no_transfer: bool = field(
        default=False,
        metadata={
            "help": "Train the same network from a random start as well, and say its figures beside the others in the card."
        },
    )
    dataset: str | None = field(default=None, metadata={"help": "Name of the skill's data on a hub, for the card."})
    data_licence: str | None = field(default=None, metadata={"help": "Licence of the skill's data, for the card."})
    trunk_learning_rate: float | None = field(
        default=None, metadata={"help": "Learning rate of the trunk; unset: a share of learning_rate, which is that of the head."}
    )
    learning_rate: float = field(default=0.0, metadata={"help": "Learning rate of the head; 0: chosen."})
    num_train_epochs: float | None = field(  # type: ignore[assignment]
        default=None, metadata={"help": "Epochs; unset: the steps are chosen. max_steps wins over it."}
    )
    warmup_steps: float | None = field(  # type: ignore[assignment]
        default=None, metadata={"help": "Steps, or below 1 the share of all steps, over which rates rise; unset: chosen."}
    )
    save_strategy: str = field(  # type: ignore[assignment]
        default="no", metadata={"help": "When to save a checkpoint to resume from; with validation rows, at every evaluation."}
    )
    load_best_model_at_end: bool | None = field(  # type: ignore[assignment]
        default=None, metadata={"help": "Keep the best checkpoint; unset: if there are validation rows."}
    )
    per_device_train_batch_size: int = field(default=0, metadata={"help": "Rows in a batch; 0: chosen."})

    def __post_init__(self) -> None:
        if self.skill is None:
            raise ValueError("skill is missing: say which with --skill FILE_OR_FOLDER.")
        if self.tune not in ("all", "head"):
            raise ValueError(f"tune is {self.tune!r}; it must be 'all' or 'head'.")
        if self.reset not in ("classifiers", "task_layers"):
            raise ValueError(f"reset is {self.reset!r}; it must be 'classifiers' or 'task_layers'.")
        if self.head not in HEADS:
            raise ValueError(f"head is {self.head!r}; it must be {', '.join(map(repr, HEADS[:-1]))} or {HEADS[-1]!r}.")
        if self.rank < 1:
            raise ValueError(f"rank is {self.rank}; it must be at least 1.")
        if self.tune == "all" and (self.head, self.rank) != (HEADS[0], RANK):
            raise ValueError("head and rank say what a head is made of: add tune='head', or leave them out.")
        if self.tune == "head" and self.train_embeddings:
            raise ValueError("train_embeddings is for tune='all': heads share the embeddings, which stay as they are.")
        if self.tune == "head" and self.head != "task_layers" and self.reset == "task_layers":
            raise ValueError(
                f"head={self.head!r} shares the task layers; to reset them, give the skill its own: head='task_layers'."
            )
        if self.starting_embeddings != "random" and not self.from_scratch:
            raise ValueError("starting_embeddings is for from_scratch alone: with a base, the embeddings are the base's.")
        if not 0 <= self.gazetteer_dropout < 1:
            raise ValueError(f"gazetteer_dropout is {self.gazetteer_dropout}; it must be at least 0 and below 1.")
        for name, value in (
            ("refill", self.refill),
            ("reject_threshold", self.reject_threshold),
        ):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}; it must be a probability, from 0 to 1.")
        if self.background_share < 0:
            raise ValueError(f"background_share is {self.background_share}; it must be at least 0.")
        if self.from_scratch and self.compare_no_transfer:
            raise ValueError("from_scratch is without transfer itself: compare_no_transfer is for what starts from a base.")
        if self.from_scratch and self.tune == "head":
            raise ValueError("from_scratch with tune='head' would train a head on a random trunk; use tune='all'.")
        # transformers wants values; the recipe fills in what was left open when it knows the number of rows.
        self.chosen_epochs, self.chosen_warmup, self.keep_best = (
            self.num_train_epochs, self.warmup_steps, self.load_best_model_at_end
        )  # fmt: skip
        self.chosen_eval_steps = self.eval_steps
        self.num_train_epochs, self.warmup_steps, self.load_best_model_at_end = 3.0, self.warmup_steps or 0, False
        super().__post_init__()

    @property
    def shared_rank(self) -> int | None:
        """The rank of [`HeadstartForJointNLU.add_skill`]: None for task layers of the skill's own."""
        if self.tune == "all" or self.head == "task_layers":
            return None
        return self.rank if self.head == "low_rank" else 0


Arguments = TypeVar("Arguments", bound=HeadstartTrainingArguments)


def parse_arguments(kind: type[Arguments], argv: list[str], prog: str) -> Arguments:
    """Read options: those of a file, if the first argument names one, then those of the command line, which win.

    Args:
        kind: the class of the options.
        argv: `[FILE.yaml|FILE.json] [--option value ...]`.
        prog: name of the command in its help.

    Raises:
        ValueError: an unknown option or file, or a value that is not allowed.
    """
    parser = HfArgumentParser(
        cast(Any, kind), prog=prog, allow_abbrev=False, usage=f"{prog} [FILE.yaml|FILE.json] [--option value ...]"
    )
    names = [option.name for option in dataclasses.fields(kind) if option.init]
    from_file: list[str] = []
    if argv and not argv[0].startswith("-"):
        defaults = {option.name: option.default for option in dataclasses.fields(kind)}
        for name, value in _read_options(Path(argv[0])).items():
            _check_name(name, names, argv[0])
            if value is None and defaults[name] is not None:
                raise ValueError(
                    f"{name} is null in {argv[0]}; leave it out for its default ({defaults[name]}), or give a value."
                )
            from_file += _as_typed(name, value)
        argv = argv[1:]
    for argument in argv:
        if argument.startswith("--"):
            name = argument[2:].split("=")[0].replace("-", "_")
            _check_name(name.removeprefix("no_") if name not in names else name, [*names, "help"], "the command line")
    (arguments,) = parser.parse_args_into_dataclasses([*from_file, *argv], look_for_args_file=False)
    return arguments


def _as_typed(name: str, value: Any) -> list[str]:
    """An option of a file as it would be typed, so that the parser converts and checks both alike."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [f"--{name}", "yes" if value else "no"]  # YAML 1.1 reads `eval_strategy: no` as false
    if isinstance(value, list):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}", json.dumps(value) if isinstance(value, dict) else str(value)]


def _check_name(name: str, names: list[str], where: str) -> None:
    if name not in names:
        close = difflib.get_close_matches(name, names, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(f"unknown option {name!r} in {where}.{hint} All options: --help.")


def _read_options(path: Path) -> dict[str, Any]:
    if path.suffix not in (".yaml", ".yml", ".json") or not path.is_file():
        raise ValueError(f"{path} is not a file of options; allowed: a .yaml or .json file, or --option value.")
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(options, dict):
        raise ValueError(f"{path} must hold options by name, such as 'learning_rate: 0.002'.")
    return options


__all__ = ["FinetuneArguments", "HeadstartTrainingArguments", "PretrainArguments", "computes_bf16", "parse_arguments"]
