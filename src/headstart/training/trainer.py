"""transformers' `Trainer` with what joint NLU adds: decoded predictions, metrics by skill, a learning rate for the trunk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import numpy as np
import torch
from accelerate.utils import broadcast
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerState,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import SaveStrategy

from headstart.data.batches import BatchStream
from headstart.data.encoding import EncodedRow
from headstart.evaluation.metrics import Scorable, score
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.folders_headstart import TRAINING_STATE, training_states
from headstart.modeling.labels_headstart import IGNORED, REJECTED
from headstart.saving import (
    begin_checkpoint,
    check_checkpoint_room,
    mark_complete,
    named_write_errors,
    newest_complete,
    rotate,
    states_of,
)
from headstart.tokenization import Words, tags_to_spans
from headstart.training.arguments import HeadstartTrainingArguments
from headstart.training.collator import JointNLUCollator
from headstart.training.epochs import EpochRows
from headstart.training.resuming import best_so_far, check_same_run, labels_of
from headstart.training.telling import replace_printers
from headstart.version import __version__

ORDER, STREAM = "order.safetensors", "stream-{}.json"  # in a checkpoint; a stream has one of every process


class JointNLUTrainer(Trainer):
    """Trains and evaluates a [`HeadstartForJointNLU`] on rows of [`headstart.data.encoding.encode_rows`].

    Args:
        model: the network.
        args: options.
        tokenizer: saved beside each checkpoint.
        train_dataset: encoded rows, or a stream of batches.
        eval_dataset: encoded rows, or None.
        trunk_learning_rate: learning rate of the trunk; that of everything if left out.
        facts: what the run is trained on, see [`headstart.training.resuming.run_facts`]; unset: its labels. Its checkpoints keep that, and it goes on only from those
            that say the same. Checkpoints that say something else stay where they are.
    """

    model: Any

    def __init__(
        self,
        model: HeadstartForJointNLU,
        args: HeadstartTrainingArguments,
        tokenizer: PreTrainedTokenizerBase,
        train_dataset: Dataset | EpochRows | BatchStream,
        eval_dataset: Dataset | Sequence[EncodedRow] | None = None,
        trunk_learning_rate: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.trunk_learning_rate = trunk_learning_rate
        self.facts = {"headstart": __version__, **labels_of(model.entries)} if facts is None else dict(facts)
        self.epoch_order = torch.get_rng_state()  # what the order of the rows in this epoch was drawn from
        self.resumed_order: torch.Tensor | None = None
        self._limit = args.save_total_limit
        self._stops_early = bool(args.early_stopping_patience)
        self._stopped_early = False  # before it was interrupted
        if isinstance(train_dataset, BatchStream):
            args.ignore_data_skip = True  # it knows where it was
        callbacks: list[TrainerCallback] = []
        if args.early_stopping_patience and eval_dataset is not None:
            callbacks.append(EarlyStoppingCallback(args.early_stopping_patience))
        if isinstance(train_dataset, BatchStream):
            callbacks.append(_StreamEpoch())
        super().__init__(
            model=model,
            args=args,
            train_dataset=cast(Any, train_dataset),
            eval_dataset=cast(Any, eval_dataset),
            processing_class=tokenizer,
            data_collator=JointNLUCollator(model.config.pad_token_id),
            compute_metrics=lambda prediction: skill_metrics(prediction, model.entries),
            callbacks=callbacks,
        )
        replace_printers(self)

    def train(self, resume_from_checkpoint: str | Path | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """See `transformers.Trainer.train`; a resumed epoch goes on with the rows that it lacked.

        Raises:
            FloatingPointError: the loss or a weight is no number, or infinite.
        """
        if resume_from_checkpoint is True:
            resume_from_checkpoint = newest_complete(Path(str(self.args.output_dir)))
        if resume_from_checkpoint:
            self._go_on(Path(resume_from_checkpoint))
        folder = Path(str(self.args.output_dir))
        for state in training_states(folder):
            if self._saves_at(int(state.name.removeprefix(TRAINING_STATE))):
                check_checkpoint_room(state, self.facts)
        # transformers would take away whatever is called like a checkpoint.
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        try:
            result = super().train(str(resume_from_checkpoint) if resume_from_checkpoint else None, *args, **kwargs)
        except UnpicklingError as error:  # torch loads nothing but tensors and numbers
            raise ValueError(
                f"training can't be resumed from {str(resume_from_checkpoint)!r}: it holds what training doesn't write."
            ) from error
        finally:
            self.args.save_total_limit = limit
        self._check_weights()
        return result

    def _go_on(self, checkpoint: Path) -> None:
        """See that the run may go on from a checkpoint, and take from it what transformers leaves out."""
        self._load_order(checkpoint)
        check_same_run(checkpoint, self.facts, self.model.entries)
        self.add_callback(_BestSoFar(best_so_far(checkpoint, self.facts, is_wanted=bool(self.args.load_best_model_at_end))))
        waited = _state_of(checkpoint).stateful_callbacks.get(EarlyStoppingCallback.__name__, {}).get("attributes", {})
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, EarlyStoppingCallback):
                vars(callback).update(waited)
        self._stopped_early = self._stops_early and _has_stopped_early(checkpoint)

    def _saves_at(self, steps: int) -> bool:
        """Whether a checkpoint is saved after so many steps."""
        strategy, every, last = self.args.save_strategy, self.args.save_steps, self.args.max_steps
        if strategy == SaveStrategy.NO or 0 < last < steps:
            return False
        if strategy != SaveStrategy.STEPS or last <= 0:  # when an epoch ends, or the best is found, is not known yet
            return True
        return steps == last or steps % (every if every >= 1 else np.ceil(last * every)) == 0

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        # Interrupted between its last checkpoint and its end, a run would be resumed with one more step.
        if self._stopped_early or self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _load_order(self, checkpoint: Path) -> None:
        path = checkpoint / STREAM.format(self.args.process_index)
        is_stream = isinstance(self.train_dataset, BatchStream)
        if is_stream != path.is_file():
            began = "without streaming, or by fewer processes" if is_stream else "by streaming"
            raise ValueError(f"{str(checkpoint)!r} was trained {began}; go on as it began.")
        self.resumed_order = load_file(checkpoint / ORDER)["state"]
        if isinstance(self.train_dataset, BatchStream):
            self.train_dataset.load_state_dict(json.loads(path.read_text(encoding="utf-8")))

    def get_train_dataloader(self) -> DataLoader[Any]:
        """See `transformers.Trainer.get_train_dataloader`; every process reads its own share of a stream."""
        if not isinstance(self.train_dataset, BatchStream):
            return super().get_train_dataloader()
        return self.train_dataset.loader(
            pin_memory=self.args.dataloader_pin_memory,
            prefetch_factor=self.args.dataloader_prefetch_factor,
            persistent_workers=self.args.dataloader_persistent_workers,
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        sampler = super()._get_train_sampler(train_dataset)
        return RepeatableOrder(self, sampler) if isinstance(sampler, LengthGroupedSampler) else sampler

    def _load_rng_state(self, checkpoint: str | None) -> None:
        # If the interrupted epoch was to go on, its order has been drawn by now; if not, the next one draws its own.
        self.resumed_order = None
        super()._load_rng_state(checkpoint)

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """The optimizer that `args.optim` names, with a group of parameters and a learning rate for the trunk and its adapters, and for all else."""
        if self.optimizer is None:
            trunks = [self.model.trunk, *(adapters.trunk for adapters in self.model.adapters.values())]
            of_trunk = {id(parameter) for trunk in trunks for parameter in trunk.parameters()}
            trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
            trunk_rate = self.args.learning_rate if self.trunk_learning_rate is None else self.trunk_learning_rate
            groups: list[dict[str, Any]] = [
                {"params": [parameter for parameter in trained if id(parameter) not in of_trunk]},
                {"params": [parameter for parameter in trained if id(parameter) in of_trunk], "lr": trunk_rate},
            ]
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            options["weight_decay"] = self.args.weight_decay
            self.optimizer = kind([group for group in groups if group["params"]], **options)
        return self.optimizer

    def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See `transformers.Trainer.training_step`; a loss that is no number is an error before it reaches the weights."""
        input_ids, position = inputs["input_ids"], inputs.pop("position", None)
        loss = super().training_step(model, inputs, num_items_in_batch)
        is_finite = torch.isfinite(loss).float()
        if self.args.world_size > 1:  # all stop, or those whose rows are well would wait for the others
            is_finite = self.accelerator.reduce(is_finite, "mean")
        if not torch.isfinite(loss):
            raise FloatingPointError(self._what_broke(f"the loss is {loss.item()}", input_ids))
        if is_finite < 1:
            raise FloatingPointError(self._what_broke("the loss of another process is no number"))
        if position is not None:
            cast(BatchStream, self.train_dataset).note(position)
        return loss

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """See `transformers.Trainer.evaluate`.

        Raises:
            ValueError: the metric that chooses the best checkpoint is none of those that the rows have.
        """
        metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        wanted = str(self.args.metric_for_best_model)
        names = sorted(name.removeprefix("eval_") for name in metrics)
        chooses = self.args.load_best_model_at_end or self.args.save_strategy == SaveStrategy.BEST
        if chooses and wanted.removeprefix("eval_") not in names:
            raise ValueError(
                f"metric_for_best_model is {wanted!r}, which the validation rows don't have: they have {', '.join(names)}. Name one of these, or "
                "annotate the rows."
            )
        return metrics

    def push_to_hub(self, commit_message: str = "End of training", **options: Any) -> str | None:  # type: ignore[override]
        """Publish what the pipeline of the trained model would, and no pickle (see `HeadstartForJointNLU.push_to_hub`); the first process does.

        Returns:
            address of the commit.
        """
        if not self.is_world_process_zero():
            return None
        wanted = {
            "private": self.args.hub_private_repo,
            "revision": self.args.hub_revision,
            "token": self.args.hub_token,
            **options,
        }
        name = self.args.hub_model_id or Path(str(self.args.output_dir)).resolve().name
        return str(self.model.push_to_hub(name, tokenizer=self.processing_class, commit_message=commit_message, **wanted))

    def _check_weights(self) -> None:
        broken = [name for name, parameter in self.model.named_parameters() if not parameter.isfinite().all()]
        if broken:
            raise FloatingPointError(
                self._what_broke(f"{len(broken)} tensors of weights hold what is no number ({broken[0]}, ...)")
            )

    def _what_broke(self, what: str, input_ids: torch.Tensor | None = None) -> str:
        kept = newest_complete(Path(str(self.args.output_dir)))
        texts = [] if input_ids is None else cast(Any, self.processing_class).batch_decode(input_ids, skip_special_tokens=True)
        rows = [text.replace(" ##", "") for text in texts]
        return (
            f"{what} after {self.state.global_step} steps; training stopped. The last good checkpoint is "
            f"{'none: set save_strategy' if kept is None else repr(str(kept))}. Try a smaller learning rate (learning_rate)"
            + (", or look at these rows: " + "; ".join(map(repr, rows)) if rows else "")
            + "."
        )

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        self._check_weights()
        folder = Path(self._get_output_dir(trial=None))
        checkpoint = folder / f"{TRAINING_STATE}{self.state.global_step}"
        with named_write_errors(folder):
            if self.args.should_save:
                begin_checkpoint(checkpoint, self.facts)
            super()._save_checkpoint(*args, **kwargs)
            if isinstance(self.train_dataset, BatchStream):
                state = json.dumps(self.train_dataset.state_dict())
                (checkpoint / STREAM.format(self.args.process_index)).write_text(state, encoding="utf-8")
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                save_file({"state": self.epoch_order}, checkpoint / ORDER)
                mark_complete(checkpoint)
                # An older checkpoint goes only when the new one is known to be complete.
                best = self.state.best_model_checkpoint
                kept = [checkpoint, *([] if best is None else [Path(best)])]
                rotate(states_of(folder, self.facts), self._limit, kept)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """See `transformers.Trainer.compute_loss`."""
        result = super().compute_loss(model, inputs, *args, **kwargs)
        if self.args.world_size == 1 or not model.training:
            return result
        # In every process every weight must have a gradient, whichever sources its rows are of.
        nothing = 0 * torch.stack([parameter.sum() for parameter in model.parameters() if parameter.requires_grad]).sum()
        return (result[0] + nothing, *result[1:]) if isinstance(result, tuple) else result + nothing

    def prediction_step(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        prediction_loss_only: bool,
        ignore_keys: Sequence[str] | None = None,
    ) -> tuple[torch.Tensor | None, Any, Any]:
        """Loss, decoded (intents, tags), and labels, of one batch: scores of all words and tags would not fit in memory."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = model(**inputs)
        if prediction_loss_only:
            return outputs.loss, None, None
        decoding = self.model.decode(outputs, inputs["input_ids"], inputs["attention_mask"], inputs["skill_ids"])
        labels = tuple(inputs[name] for name in self.label_names)
        return outputs.loss, (decoding.intents, decoding.tags), labels


def _state_of(checkpoint: Path) -> Any:
    return TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))


def _has_stopped_early(checkpoint: Path) -> bool:
    """The run that wrote a checkpoint of training was to stop there, though steps were left."""
    state = _state_of(checkpoint)
    control = state.stateful_callbacks.get("TrainerControl", {}).get("args", {})
    return bool(control.get("should_training_stop")) and state.global_step < state.max_steps


class _BestSoFar(TrainerCallback):
    """Tells a resumed run where its best checkpoint is now.

    Args:
        checkpoint: the best one; None: there is none yet.
    """

    def __init__(self, checkpoint: Path | None) -> None:
        self.checkpoint = checkpoint

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        state.best_model_checkpoint = None if self.checkpoint is None else str(self.checkpoint)


class _StreamEpoch(TrainerCallback):
    """Counts a whole run on a stream as one epoch, also if it is resumed, where transformers begins to count anew."""

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        state.epoch = state.global_step / state.max_steps

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        state.epoch = state.global_step / state.max_steps


def equal_length_order(lengths: Sequence[int], batch_size: int, generator: torch.Generator | None = None) -> list[int]:
    """Numbers of the rows, so that hardly a batch has padding: all rows are shuffled and sorted by length, and cut into batches, which are shuffled.

    [`transformers.trainer_pt_utils.get_length_grouped_indices`] sorts 50 batches at a time and leaves them in that order, in which
    many hold several lengths.

    Args:
        lengths: of the rows, in tokens.
        batch_size: rows in a batch; a smaller one comes last.
        generator: of random numbers; unset: torch's own.
    """
    order = torch.randperm(len(lengths), generator=generator)
    order = order[torch.tensor(lengths)[order].argsort(descending=True, stable=True)]
    num_batches = len(lengths) // batch_size
    whole, rest = order[: num_batches * batch_size], order[num_batches * batch_size :]
    shuffled = whole.view(num_batches, batch_size)[torch.randperm(num_batches, generator=generator)]
    return [*shuffled.flatten().tolist(), *rest.tolist()]


class RepeatableOrder(LengthGroupedSampler):
    """Draws the order of an epoch's rows, and tells the trainer from what: its checkpoints keep that, so that a resumed epoch has the same order.
    transformers draws a new one there, in which some rows come twice and others not at all.

    Args:
        trainer: it knows from what an interrupted epoch's order was drawn.
        sampler: the sampler of transformers.
    """

    def __init__(self, trainer: JointNLUTrainer, sampler: LengthGroupedSampler) -> None:
        # A column of a `Dataset` would be read from Arrow anew for every row that is sorted by it: a minute an epoch for 288,000 rows.
        super().__init__(sampler.batch_size * trainer.args.world_size, lengths=list(sampler.lengths[:]))
        self.trainer = trainer

    def __iter__(self) -> Iterator[int]:
        """Numbers of rows, the same in all processes, which take batches in turn."""
        state, is_alone = self.trainer.resumed_order, self.trainer.args.world_size == 1
        if state is None:
            state = torch.get_rng_state()
            if not is_alone:  # theirs differ by now
                state = broadcast(state.to(self.trainer.args.device)).cpu()
        self.trainer.epoch_order = state
        if is_alone:
            torch.set_rng_state(state)
        else:
            self.generator = torch.Generator().set_state(state)
        if cast(HeadstartTrainingArguments, self.trainer.args).equal_lengths:
            return iter(equal_length_order(self.lengths, self.batch_size, self.generator))
        order: Iterator[int] = super().__iter__()  # type: ignore[no-untyped-call]
        return order


def skill_metrics(prediction: EvalPrediction, skills: Sequence[SkillEntry]) -> dict[str, float]:
    """Metrics over all rows and, where there are several skills, of each skill (`NAME_exact_match`, ...); spans count words."""
    predicted_intents, predicted_tags = cast(tuple[np.ndarray, ...], prediction.predictions)
    intents, slot_labels, skill_ids = cast(tuple[np.ndarray, ...], prediction.label_ids)
    pairs: dict[int, list[tuple[Scorable, Scorable]]] = {}
    for row, skill_id in enumerate(skill_ids):
        skill = skills[skill_id]
        # Reference tags stand at first tokens, predicted ones side by side: both are words in order.
        reference = _utterance(intents[row], slot_labels[row], skill)
        prediction_of_row = _utterance(predicted_intents[row], predicted_tags[row], skill)
        if predicted_intents[row] == REJECTED:
            prediction_of_row["slots"] = []  # as the pipeline answers
        pairs.setdefault(int(skill_id), []).append((prediction_of_row, reference))
    metrics = _compute([pair for skill_pairs in pairs.values() for pair in skill_pairs])
    if len(pairs) > 1:
        for skill_id, skill_pairs in sorted(pairs.items()):
            scores = _compute(skill_pairs)
            metrics |= {f"{skills[skill_id]['name']}_{name}": value for name, value in scores.items()}
    return metrics


def _utterance(intent: int, tags: np.ndarray, skill: SkillEntry) -> Scorable:
    words = [int(tag) for tag in tags if tag != IGNORED]
    positions = Words(list(range(len(words))), list(range(1, len(words) + 1)), list(range(len(words))))
    return {
        "intent": skill["intents"][intent] if intent >= 0 else None,  # IGNORED and REJECTED are below
        "slots": cast(list[Any], tags_to_spans(words, positions, skill["slots"])) if words else None,
    }


def _compute(pairs: Sequence[tuple[Scorable, Scorable]]) -> dict[str, float]:
    scores = score([prediction for prediction, _ in pairs], [reference for _, reference in pairs])
    return {name: cast(float, value) for name, value in scores.items() if value is not None}


__all__ = ["JointNLUTrainer", "equal_length_order", "skill_metrics"]
