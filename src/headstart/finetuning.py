"""The second stage: a new skill on a pretrained base."""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from datasets import Dataset
from huggingface_hub import ModelCard
from safetensors.torch import load_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase, TrainerCallback, set_seed
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from headstart.card import NO_TRANSFER, Facts, licence_of, make_card
from headstart.checkpoints import BASE_EN, checkpoint_name, resolve_checkpoint
from headstart.data import Skill, is_covered, rows_to_dataset, slots_of_intents
from headstart.embeddings import distill_embeddings, teacher_folder
from headstart.evaluation import evaluate, median_latency
from headstart.features import encode_rows
from headstart.gazetteers import tokenize_catalogs
from headstart.label_names import rows_of_names
from headstart.modeling import HeadstartConfig, HeadstartForJointNLU
from headstart.modeling.heads_headstart import WEIGHTS
from headstart.modeling.weights_headstart import write_aside
from headstart.probing import fit_classifiers, rows_to_fit
from headstart.readers import load_skill
from headstart.recipe import Recipe, choose_recipe
from headstart.refilling import EpochRows, NewEpoch
from headstart.rejection import calibrate, choose_background, held_out_background, read_background, without_own
from headstart.routing import fit_router
from headstart.runs import last_checkpoint, push_run, save_run, write_json
from headstart.seen_pieces import SeenEmbedding
from headstart.tokenization import NLUPipeline
from headstart.trainer import JointNLUTrainer
from headstart.training_args import FinetuneArguments

logger = logging.getLogger(__name__)


def finetune(skill: Skill | str | Path, output_dir: str | Path, **options: Any) -> NLUPipeline:
    """Fine-tune a base on a skill and save the result in `output_dir`, a checkpoint or, with `tune="head"`, a head, with `metrics.json` and
    `run.json` beside it.

    Args:
        skill: a [`Skill`], or what [`load_skill`] reads.
        output_dir: folder of the result.
        options: those of [`FinetuneArguments`], such as `tune="head"` or `from_scratch=True`.

    Returns:
        the fine-tuned skill, ready to be asked.

    Raises:
        DataError: the skill's data is not as it must be.
        ValueError: an option is not allowed.
    """
    if isinstance(skill, Skill):
        return run_finetuning(FinetuneArguments(output_dir=str(output_dir), skill=skill.name, **options), skill)
    args = FinetuneArguments(output_dir=str(output_dir), skill=str(skill), **options)
    return run_finetuning(args, load_skill_of(args))


def load_skill_of(args: FinetuneArguments) -> Skill:
    """Read the skill that the options name."""
    return load_skill(str(args.skill), args.skill_name, args.allow_unseen_labels)


def run_finetuning(args: FinetuneArguments, skill: Skill) -> NLUPipeline:
    """[`finetune`], with all options in one object."""
    is_head = args.tune == "head"
    if is_head and (args.output_path / "config.json").exists():
        raise ValueError(f"{args.output_dir} holds a checkpoint; give a head a folder of its own with output_dir.")
    if args.compare_no_transfer and skill.validation is None and skill.test is None:
        raise ValueError("compare_no_transfer needs validation or test rows to compare on; give the skill some, or leave it out.")
    trained = train_skill(args, skill)
    metrics = _scores(trained, skill)
    start = None if args.from_scratch else checkpoint_name(args.base or BASE_EN)
    save_run(trained.trainer, trained.nlu, metrics, is_head=is_head, skill=skill.name, base=start, train_rows=len(skill.train))
    if args.compare_no_transfer:
        metrics |= {NO_TRANSFER + name: value for name, value in _without_transfer(args, skill).items()}
    if args.process_index == 0:
        write_json(args.output_path / "metrics.json", metrics)
        write_aside(args.output_path / "README.md", str(_make_card(args, skill, trained.nlu, metrics, start)).encode())
    base = Path(resolve_checkpoint(args.base or BASE_EN)).resolve()
    trained.trainer.accelerator.wait_for_everyone()
    if args.process_index == 0:
        for folder in args.output_path.glob("checkpoint-[0-9]*"):  # kept for resuming only; the best one is what was saved
            if folder.resolve() != base:
                shutil.rmtree(folder)
    push_run(args)
    return trained.nlu


def _scores(trained: TrainedSkill, skill: Skill) -> dict[str, Any]:
    """Figures of training and of the validation rows, and of the test rows, if there are any."""
    if skill.test is None:
        return dict(trained.metrics)
    return {**trained.metrics, **{f"test_{name}": value for name, value in evaluate(trained.nlu, skill.test).items()}}


def _without_transfer(args: FinetuneArguments, skill: Skill) -> dict[str, Any]:
    """Figures of the same network on the same rows from a random start, with the recipe of a random start."""
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {name: getattr(args, name) for name in _ALIKE}
        plain = FinetuneArguments(output_dir=folder, skill=skill.name, from_scratch=True, **options)
        return _scores(train_skill(plain, skill), skill)


# Options that training with and without transfer have in common.
_ALIKE = (
    "base", "seed", "allow_unseen_labels", "gazetteers", "gazetteer_dropout", "slot_priors", "name_rows", "refill", "rejection",
    "reject_threshold", "background", "background_share", "use_cpu", "disable_tqdm", "report_to",
)  # fmt: skip


def _make_card(args: FinetuneArguments, skill: Skill, nlu: NLUPipeline, metrics: dict[str, Any], start: str | None) -> ModelCard:
    is_head = args.tune == "head"
    weights = args.output_path / (WEIGHTS if is_head else "model.safetensors")
    facts = Facts(
        metrics,
        start,
        skill.train.to_list(),
        args.to_dict(),
        megabytes=weights.stat().st_size / 1e6,
        latency_ms=median_latency(nlu, skill.train["text"]) if nlu.device.type == "cpu" else None,
        dataset=args.dataset,
        data_licence=args.data_licence,
        base_licence=None if start is None else licence_of(resolve_checkpoint(args.base or BASE_EN)),
        is_head=is_head,
    )
    return make_card(nlu.model.skill(), facts)


class TrainedSkill(NamedTuple):
    """A fine-tuned skill: the pipeline, the trainer that made it, and figures of training and of the validation rows."""

    nlu: NLUPipeline
    trainer: JointNLUTrainer
    metrics: dict[str, Any]


def train_skill(args: FinetuneArguments, skill: Skill, callbacks: Sequence[TrainerCallback] = ()) -> TrainedSkill:
    """Fine-tune a skill and leave the result in memory."""
    resumed = last_checkpoint(args, args.base)
    set_seed(args.seed)
    base = resolve_checkpoint(args.base or BASE_EN)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = make_model(base, skill, args, tokenizer)
    covered = _covered_rows(skill)
    background, held_out = make_background(skill, model, tokenizer, args)
    train = EpochRows(skill, tokenizer, model.skill(), args.refill, background, args.background_share, args.seed, args.name_rows)
    metrics: dict[str, Any] = {}
    if args.probe and not args.from_scratch:
        started = time.perf_counter()
        fit_classifiers(model, rows_to_fit(train), args.seed)
        metrics["probe_seconds"] = round(time.perf_counter() - started, 3)
    if model.routed_skills:
        own = [*skill.train, *(rows_of_names(skill.intents) if args.name_rows else [])]
        # All of it: whether what is like the skill is left out makes its scores greater or smaller than those of other skills.
        others = [text for texts in read_background(args.background).values() for text in texts]
        fit_router(model, tokenizer, own, without_own(others, skill.train["text"]))
    validation = encode_rows(covered, tokenizer, model.skill()) if len(covered) else None
    recipe = apply_recipe(args, len(skill.train), validation is not None, train.num_background, len(train.names))
    logger.info("skill %s: %d training rows, %s", skill.name, len(skill.train), recipe)
    trunk: Any = model.trunk
    if trunk.embed_tokens.weight.requires_grad:
        trunk.embed_tokens = SeenEmbedding(trunk.embed_tokens, {model.config.unk_token_id, *train.pieces()})
    trainer = JointNLUTrainer(model, args, tokenizer, train, validation, args.trunk_learning_rate)
    for callback in (NewEpoch(train), *callbacks):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=resumed)
    if isinstance(trunk.embed_tokens, SeenEmbedding):
        trunk.embed_tokens = trunk.embed_tokens.whole()
    for changes in model.changes.values():
        changes.half()  # what is saved, measured and served: hundreds of heads shall fit in memory
    nlu = NLUPipeline(model=model.eval(), tokenizer=cast(Any, tokenizer))
    metrics["steps"] = trainer.state.global_step
    if held_out:
        metrics["temperature"] = calibrate(model, tokenizer, covered, held_out)
    if validation is not None:
        metrics |= trainer.evaluate()
        if len(covered) < len(cast(Dataset, skill.validation)):
            metrics |= {f"eval_{name}": value for name, value in evaluate(nlu, cast(Dataset, skill.validation)).items()}
    return TrainedSkill(nlu, trainer, metrics)


def make_model(base: str, skill: Skill, args: FinetuneArguments, tokenizer: PreTrainedTokenizerBase) -> HeadstartForJointNLU:
    """The network to fine-tune, with the skill as its only one: warm from the base, or the same sizes from a random start."""
    options: dict[str, Any] = {
        "catalogs": tokenize_catalogs(skill.catalogs, tokenizer) if args.gazetteers else None,
        "rejects": args.rejection and args.background_share > 0,
        "slots_of_intents": slots_of_intents(skill.train) if args.slot_priors else None,
    }
    if args.from_scratch:
        config = HeadstartConfig.from_pretrained(base, skills=[], gazetteer_dropout=args.gazetteer_dropout)
        model = HeadstartForJointNLU(config)
        model.add_skill(skill, reset="task_layers", **options)
        if args.starting_embeddings != "random":
            embeddings = starting_embeddings(args.starting_embeddings, tokenizer, config)
            with torch.no_grad():
                model.trunk.embed_tokens.weight.copy_(embeddings)
        # Frozen: words that the rows lack keep their place beside those that they have. At random there is no such place.
        is_trained = args.starting_embeddings == "random" if args.train_embeddings is None else args.train_embeddings
        model.trunk.embed_tokens.requires_grad_(is_trained)
        return model
    model = HeadstartForJointNLU.from_pretrained(base, gazetteer_dropout=args.gazetteer_dropout)
    others = model.skills
    if skill.name in others:
        raise ValueError(
            f"the base has a skill {skill.name!r}; name yours otherwise (Skill(name=...), --skill_name). Taken: {', '.join(others)}."
        )
    model.add_skill(skill, reset=args.reset, rank=args.shared_rank, routes=args.shared_rank is not None, **options)
    for name in others:
        model.delete_skill(name)
    model.set_tune(args.tune)
    # Frozen embeddings gave the same figures (benchmarks/README.md), cost less, and keep words that the rows lack in their place.
    model.trunk.embed_tokens.requires_grad_(bool(args.train_embeddings) and args.tune == "all")
    return model


def starting_embeddings(source: str, tokenizer: PreTrainedTokenizerBase, config: HeadstartConfig) -> torch.Tensor:
    """Embeddings (pieces, embedding_size) to start from: `distilled` here and now, or from the tensor `embeddings` of a file."""
    if source == "distilled":
        pieces = cast(list[str], tokenizer.convert_ids_to_tokens(list(range(config.vocab_size))))
        return distill_embeddings(pieces, config.embedding_size, teacher_folder())
    if not Path(source).is_file():
        raise ValueError(f"starting_embeddings is {source!r}; allowed: random, distilled, or a .safetensors file.")
    found = load_file(source).get("embeddings", torch.empty(0))
    wanted = (config.vocab_size, config.embedding_size)
    if found.shape != wanted:
        raise ValueError(f"{source} holds embeddings of shape {tuple(found.shape)}; the base wants {wanted}.")
    return found


def make_background(
    skill: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, args: FinetuneArguments
) -> tuple[list[str], list[str]]:
    """Utterances that train the reject option and, if there are validation rows to calibrate on too, some that are held out."""
    if "rejection" not in model.skill():
        return [], []
    model.skill()["rejection"]["threshold"] = args.reject_threshold
    names = rows_of_names(skill.intents) if args.name_rows else []
    own, domains = [*skill.train["text"], *(row["text"] for row in names)], read_background(args.background)
    if args.background is None:
        utterances = choose_background(domains, own, model, tokenizer)
    else:  # whoever writes a background knows what is none of the skill's
        utterances = without_own([text for texts in domains.values() for text in texts], own)
    return held_out_background(utterances) if skill.validation is not None else (utterances, [])


def apply_recipe(
    args: FinetuneArguments, num_rows: int, has_validation: bool, num_background: int = 0, num_names: int = 0
) -> Recipe:
    """Fill in what the options leave open; how often to evaluate follows from the steps.

    Background utterances make batches larger, so that a step still sees as many of the skill's own rows; names of intents are such
    rows themselves.

    Raises:
        ValueError: an option needs validation rows and there are none.
    """
    recipe = choose_recipe(num_rows, args.from_scratch, args.tune == "head")
    args.learning_rate = args.learning_rate or recipe.learning_rate
    if args.trunk_learning_rate is None:
        args.trunk_learning_rate = args.learning_rate * recipe.trunk_factor
    num_all = num_rows + num_background
    args.per_device_train_batch_size = args.per_device_train_batch_size or round(recipe.batch_size * num_all / num_rows)
    args.warmup_steps = recipe.warmup if args.chosen_warmup is None else args.chosen_warmup
    if args.max_steps <= 0 and args.chosen_epochs is not None:
        batches = math.ceil((num_all + num_names) / args.train_batch_size)
        args.max_steps = math.ceil(math.ceil(batches / args.gradient_accumulation_steps) * args.chosen_epochs)
    elif args.max_steps <= 0:
        args.max_steps = recipe.steps
    if has_validation:
        _plan_evaluation(args)
    elif args.eval_strategy != "no" or args.early_stopping_patience or args.keep_best:
        raise ValueError(
            "eval_strategy, early_stopping_patience and load_best_model_at_end need validation rows: give the skill a "
            "validation.jsonl, or leave them out."
        )
    return recipe


def _plan_evaluation(args: FinetuneArguments) -> None:
    """Evaluate ten times if the options don't say when, and keep the best checkpoint.

    Where only saving was chosen, evaluation goes with it: the best can be kept only among checkpoints that were evaluated.
    """
    args.do_eval = True
    chosen_save_steps = args.save_steps if args.save_strategy == SaveStrategy.STEPS else None
    if args.eval_strategy == "no":
        args.eval_strategy = IntervalStrategy.STEPS
    if args.eval_strategy == IntervalStrategy.STEPS:
        args.eval_steps = args.chosen_eval_steps or chosen_save_steps or max(args.max_steps // 10, 1)
    if args.keep_best is not False:
        args.load_best_model_at_end = True
        args.save_strategy, args.save_steps = (
            SaveStrategy(str(IntervalStrategy(args.eval_strategy).value)),
            args.eval_steps or args.save_steps,
        )


def _covered_rows(skill: Skill) -> Dataset:
    """The validation rows that checkpoints are chosen on: those whose labels training has. Reported figures are of all."""
    rows = rows_to_dataset([row for row in skill.validation or [] if is_covered(row, skill.intents, skill.slots)])
    lost = len(skill.validation or []) - len(rows)
    if lost:
        logger.warning(
            "skill %s: %d validation rows have labels that no training row has: no checkpoint is chosen on them, and they count as errors",
            skill.name,
            lost,
        )
    return rows


__all__ = ["TrainedSkill", "finetune", "load_skill_of", "run_finetuning", "starting_embeddings", "train_skill"]
