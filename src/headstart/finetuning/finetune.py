"""Fine-tune a skill on a pretrained base: from a skill's file to a checkpoint, or a head, with its figures and its card."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple, cast

from huggingface_hub import ModelCard
from transformers import AutoTokenizer, PreTrainedTokenizerBase, TrainerCallback, set_seed

from headstart.checkpoints import BASE_EN, checkpoint_name, resolve_checkpoint
from headstart.consent import load_without_code
from headstart.data.encoding import encode_list, report_spans
from headstart.data.inferred_types import with_inferred_types
from headstart.data.label_names import rows_of_names
from headstart.data.out_of_scope import list_out_of_scope, without_own
from headstart.data.rows import Row, counted, counted_kind
from headstart.data.skills import PARTS, Skill, is_covered
from headstart.evaluation.by_label import LabelScores
from headstart.evaluation.evaluate import evaluate, evaluate_by_label
from headstart.evaluation.latency import median_latency
from headstart.finetuning.novelty import fit_novelty
from headstart.finetuning.plan import EpochSize, plan_finetuning
from headstart.finetuning.probing import fit_classifiers
from headstart.finetuning.rejection import set_temperature
from headstart.finetuning.routers import fit_router
from headstart.finetuning.rows import epoch_rows
from headstart.finetuning.seen_tokens import SeenEmbedding
from headstart.finetuning.slot_scores import set_slot_temperature
from headstart.finetuning.starting_model import starting_model
from headstart.finetuning.telling import IN_MEMORY, FinetuneSummary, tell_plan, tell_result, tell_skill, warn_of_threshold
from headstart.hub.card import NO_TRANSFER, Facts, licence_of, make_card
from headstart.loading import resolve_base
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.folders_headstart import (
    CHECKPOINT,
    HEAD_FOLDER,
    HEAD_WEIGHTS,
    WEIGHTS,
    FolderKind,
    check_card_room,
    check_room,
)
from headstart.readers import load_skill
from headstart.readers.memory import is_path
from headstart.saving import locked, remove_checkpoint, states_of
from headstart.tokenization import NLUPipeline
from headstart.tokenization.answers_headstart import token_limit
from headstart.training.arguments import HeadstartTrainingArguments
from headstart.training.epochs import EpochRows, NewEpoch
from headstart.training.options import FinetuneOptions
from headstart.training.resuming import content_hash, rows_hash, run_facts, weights_hash
from headstart.training.runs import last_checkpoint, push_run, save_run
from headstart.training.telling import telling
from headstart.training.trainer import JointNLUTrainer

logger = logging.getLogger(__name__)

Hearer = Callable[[FinetuneSummary], None]
Figures = dict[str, Any]  # of training, and scores by name, each with the part it is of


def finetune(skill: Any, output_dir: str | Path, **options: Any) -> NLUPipeline:
    """Fine-tune a base on a skill and save the result in `output_dir`, a checkpoint or, with `tune="head"`, a head, with `metrics.json` and
    `run.json` beside it.

    Args:
        skill: a [`Skill`], or what [`load_skill`] reads: a path, a list of rows, a `datasets.Dataset` or `DatasetDict`, a pandas frame.
        output_dir: folder of the result.
        options: those of [`headstart.training.options.FinetuneOptions`], such as `tune="head"` or `from_scratch=True`, and those of
            `transformers.TrainingArguments`.

    Returns:
        the fine-tuned skill, ready to be asked.

    Raises:
        DataError: the skill's data is not as it must be.
        ValueError: an option is not allowed.
    """
    if is_path(skill):
        said = FinetuneOptions.of(output_dir=str(output_dir), skill=str(skill), **options)
        return run_finetuning(said, load_skill_of(said))
    said = FinetuneOptions.of(output_dir=str(output_dir), skill=IN_MEMORY, **options)
    return _run_alone(said, load_skill(skill, said.skill_name, said.allow_unseen_labels))


def load_skill_of(options: FinetuneOptions) -> Skill:
    """Read the skill that the options name."""
    with telling(options.quiet):
        return load_skill(str(options.skill), options.skill_name, options.allow_unseen_labels, language=options.language)


def run_finetuning(options: FinetuneOptions, skill: Skill, hear: Hearer | None = None) -> NLUPipeline:
    """[`finetune`] of a skill that was read from where the options say, with all options in one object.

    Args:
        options: all of them.
        skill: the skill.
        hear: is given the summary at the end, by the first process.
    """
    _check_apart(options, "skill", str(options.skill))
    return _run_alone(options, skill, hear)


def _run_alone(options: FinetuneOptions, skill: Skill, hear: Hearer | None = None) -> NLUPipeline:
    """Fine-tune where nobody else writes, and nothing else lies."""
    kind = HEAD_FOLDER if options.is_head else CHECKPOINT
    _check_apart(options, "base", resolve_base(options.base or BASE_EN))
    if options.compare_no_transfer and not (skill.has("validation") or skill.has("test")):
        raise ValueError("compare_no_transfer needs validation or test rows to compare on; give the skill some, or leave it out.")
    with locked(options.output_path), telling(options.quiet):
        check_room(options.output_path, kind)
        check_card_room(options.output_path)
        tell_skill(skill)
        warn_of_threshold(options)
        return _run(options, skill, kind, hear)


def _check_apart(options: FinetuneOptions, what: str, source: str) -> None:
    """See that a run doesn't write over what it starts from."""
    if Path(source).exists() and Path(source).resolve() == options.output_path.resolve():
        raise ValueError(f"output_dir is the {what} itself, {str(options.output_dir)!r}; give the result a folder of its own.")


def _run(options: FinetuneOptions, skill: Skill, kind: FolderKind, hear: Hearer | None) -> NLUPipeline:
    trained = train_skill(options, skill)
    args = cast(HeadstartTrainingArguments, trained.trainer.args)
    metrics, part, labels = _scores(trained, skill)
    start = None if options.from_scratch else checkpoint_name(options.base or BASE_EN)
    facts = {"skill": skill.name, "base": start, "train_rows": len(skill.rows("train"))}

    def card(aside: Path) -> ModelCard:
        return _make_card(options, skill, trained, metrics, weights=aside / (HEAD_WEIGHTS if options.is_head else WEIGHTS))

    save_run(trained.trainer, trained.nlu, options, metrics, kind=kind, card=card, **facts)
    if options.compare_no_transfer:
        metrics |= {NO_TRANSFER + name: value for name, value in _without_transfer(options, skill).items()}
        save_run(trained.trainer, trained.nlu, options, metrics, kind=kind, card=card, **facts)
    base = Path(resolve_checkpoint(options.base or BASE_EN)).resolve()
    trained.trainer.accelerator.wait_for_everyone()
    if args.process_index == 0:
        for state in states_of(
            options.output_path, trained.trainer.facts
        ):  # kept for resuming only; the best one is what was saved
            if state.resolve() != base:
                remove_checkpoint(state)
    push_run(options, args)
    if args.process_index == 0:
        rows = {part: len(skill.rows(part)) for part in PARTS if skill.has(part)}
        summary = FinetuneSummary(str(options.output_dir), skill.name, options.tune, rows, metrics, part, labels)
        tell_result(summary, skill, str(options.skill))
        if hear is not None:
            hear(summary)
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
    skill = with_inferred_types(skill) if options.infer and options.refill else skill
    set_seed(options.seed)
    base = resolve_checkpoint(options.base or BASE_EN)
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, base)
    model = starting_model(base, skill, options, tokenizer)
    start = weights_hash(model, tokenizer)
    covered = _covered_rows(skill)
    train, held_out = epoch_rows(skill, model, tokenizer, options)
    metrics: Figures = {}
    if options.probe and not options.from_scratch:
        started = time.perf_counter()
        fit_classifiers(model, train, options.seed)
        metrics["probe_seconds"] = round(time.perf_counter() - started, 3)
    if model.routed_skills:
        _fit_router(model, skill, tokenizer, options)
    validation, counts = encode_list(covered, tokenizer, model.skill())
    report_spans(counts, skill.name, token_limit(tokenizer.model_max_length))
    size = EpochSize(len(skill.rows("train")), train.num_out_of_scope, len(train.names))
    plan = plan_finetuning(options, size, bool(validation))
    tell_plan(plan, train, options)
    _train_seen_tokens(model, train)
    args = plan.arguments(options)
    facts = run_facts(
        "finetune", options, args, **_content_of(skill), base=start, trunk_learning_rate=plan.trunk_learning_rate,
        out_of_scope_utterances=content_hash([train.out_of_scope_texts, held_out]),
    )  # fmt: skip
    trainer = JointNLUTrainer(
        model, args, tokenizer, train, validation or None, trunk_learning_rate=plan.trunk_learning_rate, facts=facts
    )
    for callback in (NewEpoch(train), *callbacks):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=resumed)
    _train_whole_embeddings(model)
    for adapters in model.adapters.values():
        adapters.half()  # what is saved, measured and served: hundreds of heads shall fit in memory
    fit_novelty(model, train)
    nlu = NLUPipeline(model=model.eval(), tokenizer=cast(Any, tokenizer))
    metrics["steps"] = trainer.state.global_step
    if held_out:
        metrics["temperature"] = set_temperature(model, tokenizer, covered, held_out)
    slot_temperature = set_slot_temperature(nlu, covered, skill.rows("train"))
    if slot_temperature is not None:
        metrics["slot_temperature"] = slot_temperature
    if validation:
        metrics |= trainer.evaluate()
        if len(covered) < len(skill.rows("validation")):
            metrics |= {f"eval_{name}": value for name, value in evaluate(nlu, skill.rows("validation")).items()}
    return TrainedSkill(nlu, trainer, metrics, plan.trunk_learning_rate)


def _canonical(skill: Skill) -> list[dict[str, list[tuple[Any, ...]]]]:
    """The canonical values, if there are any."""
    found = {label: [astuple(value) for value in values] for label, values in skill.canonical.items()}
    return [found] if found else []


def _content_of(skill: Skill) -> dict[str, Any]:
    """What a skill's training depends on, for [`run_facts`]; test rows train nothing."""
    return {
        "skill": skill.name, "intents": skill.intents, "slot_labels": skill.slots, "training_rows": rows_hash(skill.rows("train")),
        "validation_rows": rows_hash(skill.rows("validation")),
        "catalogs": content_hash([skill.catalogs, skill.slot_types, *_canonical(skill)]),
    }  # fmt: skip


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
            "skill %s: %s: no checkpoint is chosen on them, and they count as errors",
            skill.name,
            counted_kind(lost, "validation rows with labels that no training row has"),
        )
    units = [len(skill.intents) and row["intent"] is not None or len(skill.slots) and row["slots"] for row in rows]
    if rows and not any(units):
        logger.warning(
            "skill %s: none of %s has an annotated intent or slot: no checkpoint is chosen on them",
            skill.name,
            counted(len(rows), "validation row"),
        )
        return []
    return rows


def _scores(trained: TrainedSkill, skill: Skill) -> tuple[Figures, str | None, LabelScores]:
    """Figures of training and of the validation rows, and of the test rows, if there are any; and the scores of each label on the test rows, or
    else on the validation rows, with the part that they are of."""
    part = next((part for part in ("test", "validation") if skill.rows(part)), None)
    if part is None:
        return dict(trained.metrics), None, LabelScores([], [])
    scores, labels = evaluate_by_label(trained.nlu, skill.rows(part))
    metrics = {f"test_{name}": value for name, value in scores.items()} if part == "test" else {}
    return {**trained.metrics, **metrics}, part, labels


# Options that training with and without transfer have in common, and those of transformers'.
_ALIKE = (
    "base", "seed", "allow_unseen_labels", "infer", "gazetteers", "gazetteer_dropout", "label_priors", "name_rows", "refill", "misspell", "rejection",
    "reject_threshold", "out_of_scope", "out_of_scope_share",
)  # fmt: skip
_TRAINER_ALIKE = ("use_cpu", "disable_tqdm", "report_to")


def _without_transfer(options: FinetuneOptions, skill: Skill) -> Figures:
    """Figures of the same network on the same rows from a random start, with the recipe of a random start."""
    alike = {name: getattr(options, name) for name in _ALIKE}
    trainer = {name: value for name, value in options.trainer.items() if name in _TRAINER_ALIKE}
    with tempfile.TemporaryDirectory() as folder:
        plain = FinetuneOptions(output_dir=folder, skill=skill.name, from_scratch=True, trainer=trainer, **alike)
        return _scores(train_skill(plain, skill), skill)[0]


def _make_card(options: FinetuneOptions, skill: Skill, trained: TrainedSkill, metrics: Figures, *, weights: Path) -> ModelCard:
    start = None if options.from_scratch else checkpoint_name(options.base or BASE_EN)
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
