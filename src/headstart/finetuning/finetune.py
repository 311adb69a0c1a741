"""Fine-tune a skill on a pretrained base: from a skill's file to a checkpoint, or a head, with its figures and its card."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from huggingface_hub import ModelCard
from transformers import AutoTokenizer, PreTrainedTokenizerBase, TrainerCallback, set_seed

from headstart.checkpoints import BASE_EN, checkpoint_name, resolve_checkpoint
from headstart.consent import load_without_code
from headstart.data.encoding import encode_list, report_spans
from headstart.data.label_names import rows_of_names
from headstart.data.out_of_scope import list_out_of_scope, without_own
from headstart.data.rows import Row
from headstart.data.skills import Skill, is_covered
from headstart.evaluation.evaluate import evaluate
from headstart.evaluation.latency import median_latency
from headstart.finetuning.plan import EpochSize, plan_finetuning
from headstart.finetuning.probing import fit_classifiers, rows_to_fit
from headstart.finetuning.rejection import calibrate, choose_out_of_scope
from headstart.finetuning.routers import fit_router
from headstart.finetuning.seen_tokens import SeenEmbedding
from headstart.finetuning.starting_model import starting_model
from headstart.hub.card import NO_TRANSFER, Facts, licence_of, make_card
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.folders_headstart import (
    CARD,
    CHECKPOINT,
    HEAD_FOLDER,
    HEAD_WEIGHTS,
    METRICS,
    WEIGHTS,
    check_room,
    training_states,
)
from headstart.modeling.weights_headstart import write_aside
from headstart.readers import load_skill
from headstart.tokenization import NLUPipeline
from headstart.tokenization.answers_headstart import token_limit
from headstart.training.arguments import HeadstartTrainingArguments
from headstart.training.epochs import EpochRows, NewEpoch
from headstart.training.options import FinetuneOptions
from headstart.training.runs import last_checkpoint, push_run, save_run, write_json
from headstart.training.trainer import JointNLUTrainer

logger = logging.getLogger(__name__)

Figures = dict[str, Any]  # of training, and scores by name, each with the part it is of


def finetune(skill: Skill | str | Path, output_dir: str | Path, **options: Any) -> NLUPipeline:
    """Fine-tune a base on a skill and save the result in `output_dir`, a checkpoint or, with `tune="head"`, a head, with `metrics.json` and
    `run.json` beside it.

    Args:
        skill: a [`Skill`], or what [`load_skill`] reads.
        output_dir: folder of the result.
        options: those of [`headstart.training.options.FinetuneOptions`], such as `tune="head"` or `from_scratch=True`, and those of
            `transformers.TrainingArguments`.

    Returns:
        the fine-tuned skill, ready to be asked.

    Raises:
        DataError: the skill's data is not as it must be.
        ValueError: an option is not allowed.
    """
    name = skill.name if isinstance(skill, Skill) else str(skill)
    said = FinetuneOptions.of(output_dir=str(output_dir), skill=name, **options)
    return run_finetuning(said, skill if isinstance(skill, Skill) else load_skill_of(said))


def load_skill_of(options: FinetuneOptions) -> Skill:
    """Read the skill that the options name."""
    return load_skill(str(options.skill), options.skill_name, options.allow_unseen_labels)


def run_finetuning(options: FinetuneOptions, skill: Skill) -> NLUPipeline:
    """[`finetune`], with all options in one object."""
    kind = HEAD_FOLDER if options.is_head else CHECKPOINT
    check_room(options.output_path, kind)
    if options.compare_no_transfer and not (skill.has("validation") or skill.has("test")):
        raise ValueError("compare_no_transfer needs validation or test rows to compare on; give the skill some, or leave it out.")
    trained = train_skill(options, skill)
    args = cast(HeadstartTrainingArguments, trained.trainer.args)
    metrics = _scores(trained, skill)
    start = None if options.from_scratch else checkpoint_name(options.base or BASE_EN)
    facts = {"skill": skill.name, "base": start, "train_rows": len(skill.rows("train"))}
    save_run(trained.trainer, trained.nlu, options, metrics, kind=kind, **facts)
    if options.compare_no_transfer:
        metrics |= {NO_TRANSFER + name: value for name, value in _without_transfer(options, skill).items()}
    if args.process_index == 0:
        write_json(options.output_path / METRICS, metrics)
        card = _make_card(options, skill, trained, metrics, start)
        write_aside(options.output_path / CARD, str(card).encode())
    base = Path(resolve_checkpoint(options.base or BASE_EN)).resolve()
    trained.trainer.accelerator.wait_for_everyone()
    if args.process_index == 0:
        for folder in training_states(options.output_path):  # kept for resuming only; the best one is what was saved
            if folder.resolve() != base:
                shutil.rmtree(folder)
    push_run(options, args)
    return trained.nlu


class TrainedSkill(NamedTuple):
    """A fine-tuned skill: the pipeline, the trainer that made it, figures of training and of the validation rows, and the trunk's learning rate."""

    nlu: NLUPipeline
    trainer: JointNLUTrainer
    metrics: Figures
    trunk_learning_rate: float


def train_skill(options: FinetuneOptions, skill: Skill, callbacks: Sequence[TrainerCallback] = ()) -> TrainedSkill:
    """Fine-tune a skill and leave the result in memory."""
    resumed = last_checkpoint(options, options.base)
    set_seed(options.seed)
    base = resolve_checkpoint(options.base or BASE_EN)
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, base)
    model = starting_model(base, skill, options, tokenizer)
    covered = _covered_rows(skill)
    out_of_scope, held_out = choose_out_of_scope(skill, model, tokenizer, options)
    train = EpochRows(
        skill, tokenizer, model.skill(), refill=options.refill, out_of_scope=out_of_scope,
        out_of_scope_share=options.out_of_scope_share, seed=options.seed, name_rows=options.name_rows,
    )  # fmt: skip
    metrics: Figures = {}
    if options.probe and not options.from_scratch:
        started = time.perf_counter()
        fit_classifiers(model, rows_to_fit(train), options.seed)
        metrics["probe_seconds"] = round(time.perf_counter() - started, 3)
    if model.routed_skills:
        _fit_router(model, skill, tokenizer, options)
    validation, counts = encode_list(covered, tokenizer, model.skill())
    report_spans(counts, skill.name, token_limit(tokenizer.model_max_length))
    size = EpochSize(len(skill.rows("train")), train.num_out_of_scope, len(train.names))
    plan = plan_finetuning(options, size, bool(validation))
    logger.info("skill %s: %d training rows, %s", skill.name, size.own, plan.recipe)
    _train_seen_tokens(model, train)
    args = plan.arguments(options)
    trainer = JointNLUTrainer(model, args, tokenizer, train, validation or None, trunk_learning_rate=plan.trunk_learning_rate)
    for callback in (NewEpoch(train), *callbacks):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=resumed)
    _train_whole_embeddings(model)
    for adapters in model.adapters.values():
        adapters.half()  # what is saved, measured and served: hundreds of heads shall fit in memory
    nlu = NLUPipeline(model=model.eval(), tokenizer=cast(Any, tokenizer))
    metrics["steps"] = trainer.state.global_step
    if held_out:
        metrics["temperature"] = calibrate(model, tokenizer, covered, held_out)
    if validation:
        metrics |= trainer.evaluate()
        if len(covered) < len(skill.rows("validation")):
            metrics |= {f"eval_{name}": value for name, value in evaluate(nlu, skill.rows("validation")).items()}
    return TrainedSkill(nlu, trainer, metrics, plan.trunk_learning_rate)


def _fit_router(model: HeadstartForJointNLU, skill: Skill, tokenizer: PreTrainedTokenizerBase, options: FinetuneOptions) -> None:
    own = [*skill.rows("train"), *(rows_of_names(skill.intents) if options.name_rows else [])]
    # All of it: whether what is like the skill is left out makes its scores greater or smaller than those of other skills.
    others = without_own(list_out_of_scope(options.out_of_scope), [row["text"] for row in skill.rows("train")])
    fit_router(model, tokenizer, own, others)


def _train_seen_tokens(model: HeadstartForJointNLU, train: EpochRows) -> None:
    """Of embeddings that are trained, train those of tokens that the rows hold."""
    trunk: Any = model.trunk
    if trunk.embed_tokens.weight.requires_grad:
        trunk.embed_tokens = SeenEmbedding(trunk.embed_tokens, {model.config.unk_token_id, *train.tokens()})


def _train_whole_embeddings(model: HeadstartForJointNLU) -> None:
    trunk: Any = model.trunk
    if isinstance(trunk.embed_tokens, SeenEmbedding):
        trunk.embed_tokens = trunk.embed_tokens.whole()


def _covered_rows(skill: Skill) -> list[Row]:
    """The validation rows that checkpoints are chosen on: those whose labels training has. Reported figures are of all."""
    rows = [row for row in skill.rows("validation") if is_covered(row, skill.intents, skill.slots)]
    lost = len(skill.rows("validation")) - len(rows)
    if lost:
        logger.warning(
            "skill %s: %d validation rows have labels that no training row has: no checkpoint is chosen on them, and they count as errors",
            skill.name,
            lost,
        )
    return rows


def _scores(trained: TrainedSkill, skill: Skill) -> Figures:
    """Figures of training and of the validation rows, and of the test rows, if there are any."""
    if not skill.has("test"):
        return dict(trained.metrics)
    return {**trained.metrics, **{f"test_{name}": value for name, value in evaluate(trained.nlu, skill.rows("test")).items()}}


# Options that training with and without transfer have in common, and those of transformers'.
_ALIKE = (
    "base", "seed", "allow_unseen_labels", "gazetteers", "gazetteer_dropout", "label_priors", "name_rows", "refill", "rejection",
    "reject_threshold", "out_of_scope", "out_of_scope_share",
)  # fmt: skip
_TRAINER_ALIKE = ("use_cpu", "disable_tqdm", "report_to")


def _without_transfer(options: FinetuneOptions, skill: Skill) -> Figures:
    """Figures of the same network on the same rows from a random start, with the recipe of a random start."""
    alike = {name: getattr(options, name) for name in _ALIKE}
    trainer = {name: value for name, value in options.trainer.items() if name in _TRAINER_ALIKE}
    with tempfile.TemporaryDirectory() as folder:
        plain = FinetuneOptions(output_dir=folder, skill=skill.name, from_scratch=True, trainer=trainer, **alike)
        return _scores(train_skill(plain, skill), skill)


def _make_card(options: FinetuneOptions, skill: Skill, trained: TrainedSkill, metrics: Figures, start: str | None) -> ModelCard:
    weights = options.output_path / (HEAD_WEIGHTS if options.is_head else WEIGHTS)
    rows, nlu = skill.rows("train"), trained.nlu
    facts = Facts(
        metrics,
        start,
        rows,
        {**trained.trainer.args.to_dict(), "trunk_learning_rate": trained.trunk_learning_rate},
        megabytes=weights.stat().st_size / 1e6,
        latency_ms=median_latency(nlu, [row["text"] for row in rows]) if nlu.device.type == "cpu" else None,
        dataset=options.dataset,
        data_licence=options.data_licence,
        base_licence=None if start is None else licence_of(resolve_checkpoint(options.base or BASE_EN)),
        is_head=options.is_head,
    )
    return make_card(nlu.model.skill(), facts)


__all__ = ["TrainedSkill", "finetune", "load_skill_of", "run_finetuning", "train_skill"]
