"""The systems that a report compares, and one run of one of them: train on a skill, score it, and say what it cost."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from safetensors.torch import save_file
from transformers import AutoTokenizer

from headstart.checkpoints import resolve_checkpoint
from headstart.consent import load_without_code
from headstart.data.rows import DataError, Row
from headstart.data.skills import Skill, is_covered
from headstart.evaluation.evaluate import Answered, Scores, score_answers
from headstart.evaluation.latency import median_latency
from headstart.finetuning.finetune import train_skill
from headstart.finetuning.recipe import choose_recipe
from headstart.finetuning.starting_model import starting_embeddings
from headstart.modeling import HeadstartConfig
from headstart.modeling.folders_headstart import WEIGHTS
from headstart.modeling.heads_headstart import head_files
from headstart.modeling.weights_headstart import file_hash
from headstart.report.cases import Case, data_hash
from headstart.report.curve import EVALUATION, Curve
from headstart.report.options import System
from headstart.report.results import RunKey, RunResult, RunScores, TrainingFacts
from headstart.tokenization import NLUPipeline
from headstart.tokenization.answers_headstart import Answer
from headstart.training.options import FinetuneOptions
from headstart.version import __version__

if TYPE_CHECKING:  # at run time, only who compares with them waits for their libraries
    from headstart.report.classical import ClassicalNLU
    from headstart.report.sentence_encoder import SentenceEncoderNLU

SKILL_NAME = "reported-skill"  # the base may have a skill that is called as the case is
SHAPE = (
    "vocab_size", "embedding_size", "hidden_size", "task_hidden_size", "intent_pooling", "residual_embeddings", "embedding_dropout", "hidden_dropout", "word_dropout",
    "initializer_range",
)  # fmt: skip
# Of each kind of system: to be raised when its code gives other results than before.
REVISIONS = {"finetune": 3, "classical": 2, "sentence_encoder": 4}


class Trained(NamedTuple):
    """A system that has learned a skill: the object that answers, how it is asked for many texts, and what it cost."""

    nlu: NLUPipeline | ClassicalNLU | SentenceEncoderNLU
    answer: Callable[[Sequence[str]], Sequence[Answered | Answer]]
    facts: TrainingFacts


@dataclass(frozen=True)
class Run:
    """One system on one case with one seed.

    Args:
        case: what to learn.
        system: the system.
        seed: of the held-out rows, the starting weights and the order of rows.
        base: checkpoint that transfer starts from; the other systems take its tokenizer.
        max_steps: optimizer steps of a network; unset: those of the recipe.
        has_curve: score the validation rows along the way.
        distilled: file of the distilled embeddings, which are the same for all runs.
        is_tuning: the validation rows are scored in the place of the test rows, which are not looked at.
    """

    case: Case
    system: System
    seed: int
    base: str
    _: KW_ONLY
    max_steps: int | None = None
    has_curve: bool = True
    distilled: Path | None = None
    is_tuning: bool = False

    @property
    def key(self) -> RunKey:
        """What tells it from the others of a report."""
        return self.case.name, self.system.name, self.seed

    @cached_property
    def fingerprint(self) -> str:
        """A hash of whatever its result depends on, besides the code of this revision."""
        is_transfer = self.system.kind == "finetune" and not self.system.options.get("from_scratch")
        weights = checkpoint_hash(self.base) if is_transfer else None
        start = self.base if weights == "" else [weights, _shape_hash(self.base)]  # the name alone of one on a hub
        facts: list[object] = [
            __version__,
            REVISIONS[self.system.kind],
            data_hash([self.case]),
            asdict(self.system),
            start,
            self.max_steps,
            self.has_curve,
        ]
        if self.system.kind == "finetune":  # a log from before another recipe must not be mixed with runs of this one
            is_head = self.system.options.get("tune") == "head"
            facts.append([asdict(choose_recipe(rows, not is_transfer, is_head)) for rows in (10, 100, 10_000)])
        return hashlib.sha256(json.dumps([*facts, self.is_tuning], sort_keys=True).encode()).hexdigest()[:16]

    def __call__(self) -> RunResult:
        """Do it, on one thread."""
        skill = self.case.load(self.seed).replace(name=SKILL_NAME)
        if self.is_tuning:
            skill = skill.replace(test=skill.rows("validation"))
        check_parts(skill, self.case.name)
        _, answer, facts = self.train(skill)
        rows, validation = skill.rows("test"), skill.rows("validation")
        return {
            "skill": self.case.name, "group": self.case.group, "system": self.system.name, "seed": self.seed,
            "train_rows": len(skill.rows("train")), "validation_rows": len(validation), "test_rows": len(rows),
            "intents": len(skill.intents), "slots": len(skill.slots),
            "units": num_units(rows), "fingerprint": self.fingerprint,
            **facts,
            "latency_ms": round(median_latency(answer, [row["text"] for row in rows]), 3),
            "validation": _rounded(score_answers(answer([row["text"] for row in validation]), validation)),
            "test": _rounded(score_answers(answer([row["text"] for row in rows]), rows)),
        }  # fmt: skip

    def train(self, skill: Skill) -> Trained:
        """Learn the skill that the case loads."""
        return _KINDS[self.system.kind](self, skill)


def _finetune(run: Run, skill: Skill) -> Trained:
    # What it costs to reject is no part of any comparison; benchmarks/rejection.py measures it.
    options: dict[str, Any] = {"rejection": False, **run.system.options}
    if options.get("starting_embeddings") == "distilled" and run.distilled is not None:
        options["starting_embeddings"] = str(run.distilled)
    if run.max_steps is not None:
        options["max_steps"] = run.max_steps
    covered = [row for row in skill.rows("validation") if is_covered(row, skill.intents, skill.slots)]
    has_curve = run.has_curve and num_units(covered) > 0
    if has_curve:
        options |= EVALUATION
    else:
        skill = skill.replace(validation=None)
    with tempfile.TemporaryDirectory() as folder:
        said = FinetuneOptions.of(
            output_dir=folder, skill=skill.name, base=run.base, seed=run.seed, allow_unseen_labels=True, disable_tqdm=True,
            load_best_model_at_end=False, report_to="none", logging_strategy="no", use_cpu=True, **options,
        )  # fmt: skip
        curve = Curve(has_curve)
        started = time.perf_counter()
        trained = train_skill(said, skill, [curve])
        seconds = time.perf_counter() - started - curve.scoring_seconds
    nlu = trained.nlu
    if run.system.options.get("tune") == "head":
        size = sum(len(content) for content in head_files(nlu.model, skill.name, {}).values())
    else:
        size = sum(tensor.numel() * tensor.element_size() for tensor in nlu.model.state_dict().values())
    facts: TrainingFacts = {
        "steps": trained.metrics["steps"], "seconds": round(seconds, 2), "bytes": size,
        "curve": curve.shifted(trained.metrics.get("probe_seconds", 0.0)),
    }  # fmt: skip
    return Trained(nlu, lambda texts: nlu(list(texts), batch_size=min(64, len(texts))), facts)


def _classical(run: Run, skill: Skill) -> Trained:
    from headstart.report.classical import ClassicalNLU

    started = time.perf_counter()
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, resolve_checkpoint(run.base))
    nlu = ClassicalNLU(skill, tokenizer, seed=run.seed, **run.system.options)
    seconds = time.perf_counter() - started
    return Trained(nlu, nlu, {"steps": None, "seconds": round(seconds, 2), "bytes": nlu.size(), "curve": []})


def _sentence_encoder(run: Run, skill: Skill) -> Trained:
    from headstart.report.sentence_encoder import SentenceEncoderNLU

    covered = [row for row in skill.rows("validation") if is_covered(row, skill.intents, skill.slots)]
    curve = Curve(run.has_curve and num_units(covered) > 0)
    started = time.perf_counter()
    nlu = SentenceEncoderNLU(skill, seed=run.seed, steps=run.max_steps, curve=curve, scored=covered, **run.system.options)
    seconds = time.perf_counter() - started - curve.scoring_seconds
    facts: TrainingFacts = {"steps": nlu.steps, "seconds": round(seconds, 2), "bytes": nlu.size(), "curve": curve.points}
    return Trained(nlu, nlu, facts)


_KINDS = {"finetune": _finetune, "classical": _classical, "sentence_encoder": _sentence_encoder}


def distill(base: str, folder: Path) -> Path:
    """The file of the distilled embeddings of a base's vocabulary in a folder; written, unless it is there."""
    config, tokenizer = HeadstartConfig.from_pretrained(base), load_without_code(AutoTokenizer.from_pretrained, base)
    vocabulary = json.dumps([tokenizer.convert_ids_to_tokens(list(range(config.vocab_size))), config.embedding_size])
    file = folder / f"distilled-{hashlib.sha256(vocabulary.encode()).hexdigest()[:16]}.safetensors"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        save_file({"embeddings": starting_embeddings("distilled", tokenizer, config)}, unfinished)
        unfinished.replace(file)
    return file


@lru_cache(maxsize=8)
def checkpoint_hash(base: str) -> str:
    """SHA-256, first 16 digits, of a checkpoint's weights; empty for one on a hub."""
    path = Path(base) / WEIGHTS
    return file_hash(path)[:16] if path.is_file() else ""


@lru_cache(maxsize=8)
def _shape_hash(base: str) -> str:
    """A hash of what every network takes from a base: its tokenizer and its sizes."""
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, base)
    config = HeadstartConfig.from_pretrained(base)
    facts = [tokenizer.backend_tokenizer.to_str(), *(getattr(config, name) for name in SHAPE)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def num_units(rows: Sequence[Row]) -> int:
    """Annotated intents and slots: what the semantic error rate divides by."""
    return sum((row["intent"] is not None) + len(row["slots"] or []) for row in rows)


def check_parts(skill: Skill, name: str) -> None:
    """Raise `DataError` if validation or test rows hold nothing that can be scored."""
    for part in ("validation", "test"):
        if not num_units(skill.rows(part)):
            raise DataError(f"{name} has no {part} rows with an annotated intent or slot; give it some, or leave it out.")


def _rounded(scores: Scores) -> RunScores:
    return cast(RunScores, {name: round(value, 6) if isinstance(value, float) else value for name, value in scores.items()})


__all__ = ["Run", "Trained", "checkpoint_hash", "distill"]
