"""What transformers' Trainer is given: its own arguments, with everything resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import TrainingArguments

from headstart.progress import on_terminal
from headstart.training.options import TrainingOptions

LOWER_IS_BETTER = ("loss", "semantic_error_rate")


@dataclass
class HeadstartTrainingArguments(TrainingArguments):
    """`transformers.TrainingArguments` with other defaults: batches of rows of similar length, best checkpoint by semantic error rate, at most 2
    checkpoints kept, no unused column dropped, no memory pinned.

    Raises:
        ValueError: what it should compute in can't be had here.
    """

    train_sampling_strategy: str = field(default="group_by_length", metadata={"help": "How batches are drawn."})
    equal_lengths: bool = field(default=False, metadata={"help": "See [`headstart.training.options.TrainingOptions`]."})
    remove_unused_columns: bool = field(default=False, metadata={"help": "The collator needs every column: leave it False."})
    metric_for_best_model: str | None = field(
        default="semantic_error_rate", metadata={"help": "Validation metric that chooses the checkpoint that is kept."}
    )
    save_total_limit: int | None = field(default=2, metadata={"help": "Checkpoints kept on disk."})
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "See [`headstart.training.options.TrainingOptions`]."}
    )
    per_device_eval_batch_size: int = field(default=64, metadata={"help": "Rows in a batch at an evaluation."})
    dataloader_pin_memory: bool = field(default=False, metadata={"help": "Pin batches in memory; of use with a GPU only."})
    ddp_find_unused_parameters: bool | None = field(
        default=False, metadata={"help": "Of several processes: the trainer sees to it that every weight has a gradient."}
    )
    weight_decay: float = field(default=0.01, metadata={"help": "Weight decay of AdamW."})
    auto_bf16: bool = field(default=False, metadata={"help": "See [`headstart.training.options.TrainingOptions`]."})

    def __post_init__(self) -> None:
        # Must be known before transformers guesses that everything but a loss is better when greater.
        if self.greater_is_better is None and self.metric_for_best_model is not None:
            self.greater_is_better = not self.metric_for_best_model.endswith(LOWER_IS_BETTER)
        self.label_names = ["intent_labels", "slot_labels", "skill_ids"]
        self._choose_precision()
        super().__post_init__()  # type: ignore[no-untyped-call]

    def _choose_precision(self) -> None:
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


# Options of ours that the Trainer's arguments have too, under the same name.
_SHARED = (
    "output_dir", "seed", "max_steps", "early_stopping_patience", "equal_lengths", "auto_bf16", "learning_rate",
    "per_device_train_batch_size", "num_train_epochs", "warmup_steps", "eval_strategy", "eval_steps", "save_strategy", "save_steps",
    "load_best_model_at_end",
)  # fmt: skip


def training_arguments(options: TrainingOptions, **resolved: Any) -> HeadstartTrainingArguments:
    """The Trainer's arguments: what the options say, and what was resolved where they say nothing.

    Args:
        options: those of the stage.
        resolved: further arguments, which win.

    Raises:
        ValueError: a value is not allowed.
    """
    said = {name: value for name in _SHARED if (value := getattr(options, name, None)) is not None}
    said["disable_tqdm"] = options.quiet or not on_terminal()
    return HeadstartTrainingArguments(**{**said, **options.trainer, **resolved})


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


__all__ = ["HeadstartTrainingArguments", "bf16_fault", "computes_bf16", "training_arguments"]
