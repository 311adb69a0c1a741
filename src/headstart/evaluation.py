"""Scores of a model on annotated rows, in characters of the rows' own texts."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from transformers import pipeline

from headstart.checkpoints import SHORT_NAMES, resolve_checkpoint
from headstart.data import label_counts, read_rows
from headstart.features import report_spans
from headstart.metrics import expected_calibration_error, roc_auc, score
from headstart.modeling.heads_headstart import DESCRIPTION, trunk_of
from headstart.modeling.weights_headstart import check_hashes
from headstart.onnx import OnnxNLU, is_exported
from headstart.publishing import pull
from headstart.rejection import read_background
from headstart.tokenization import NLUPipeline
from headstart.tokenization.alignment_headstart import SpanCounts, align_spans

logger = logging.getLogger(__name__)

TIMED_TEXTS = 30


def evaluate(
    model: NLUPipeline | OnnxNLU | str | Path,
    rows: Dataset | str | Path,
    skill: str | None = None,
    batch_size: int = 64,
    *,
    unknown: Sequence[str] | str | Path | None = None,
    reject_threshold: float | None = None,
    use_gazetteers: bool = True,
) -> dict[str, Any]:
    """Predict the rows and score the predictions.

    Args:
        model: a pipeline or an exported skill, or the folder or repository of one.
        rows: a dataset with the columns text, intent and slots, or a JSON-lines file.
        skill: the skill to ask; may be left out if the model has one.
        batch_size: rows predicted at once.
        unknown: utterances that are none of the skill's intents, or a file of them: rows (.jsonl) or one utterance a line.
        reject_threshold: see [`NLUPipeline`].
        use_gazetteers: False: score the model as if no word were in a catalog.

    Returns:
        `utterances`, `intent_accuracy`, `slot_f1`, `exact_match` and `semantic_error_rate`, defined in
        [`headstart.metrics.JointNLUMetric`], and `expected_calibration_error` of the intents' scores; None where nothing is
        annotated. Spans that cut a word are widened to it, as in training. Labels that the skill lacks, and rejected utterances, count as errors. With `unknown` also `unknown_utterances`,
        `rejected_unknown` and `rejected_known` (shares), and `rejection_auroc`: area under the ROC curve of the probability of "none of
        these", unknown utterances against the rows.

    Raises:
        ValueError: `unknown` is given and the skill can't reject.
    """
    nlu = load_pipeline(model) if isinstance(model, (str, Path)) else model
    rows = rows if isinstance(rows, Dataset) else read_rows(rows)
    entry = skill_entry(nlu, skill)
    _report_unknown_labels(rows, entry)
    references = _as_words(rows.to_list(), nlu, entry["name"])
    texts = [row["text"] for row in references]
    options = {"skill": entry["name"], "batch_size": batch_size, "use_gazetteers": use_gazetteers}
    if reject_threshold is not None:
        options["reject_threshold"] = reject_threshold
    answers = _ask(nlu, texts, **options)
    result = score_answers(answers, references)
    if unknown is not None:
        result |= _score_rejection(nlu, answers, read_unknown(unknown), options)
    return result


def _as_words(rows: list[dict[str, Any]], nlu: NLUPipeline | OnnxNLU, skill: str) -> list[dict[str, Any]]:
    """The rows with spans of whole words, as in training: what an answer can say."""
    aligned, counts = [], SpanCounts()
    for row in rows:
        slots = row["slots"]
        if slots:
            slots, row_counts = align_spans(slots, nlu.words(row["text"]))
            counts.add(row_counts)
        aligned.append({**row, "slots": slots})
    report_spans(counts, skill)
    return aligned


def score_answers(answers: Sequence[dict[str, Any]], references: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The metrics of [`evaluate`] without those of rejection, of a pipeline's answers to the rows' texts."""
    predictions = [
        {"intent": answer["intent"]["label"] if answer["intent"] else None, "slots": answer["slots"]} for answer in answers
    ]
    result = score(predictions, list(references))
    pairs = zip(answers, references, strict=True)
    judged = [
        (answer["intent"]["score"], answer["intent"]["label"] == row["intent"])
        for answer, row in pairs
        if answer["intent"] and row["intent"] is not None
    ]
    result["expected_calibration_error"] = expected_calibration_error(*zip(*judged, strict=True)) if judged else None
    return result


def _ask(nlu: NLUPipeline | OnnxNLU, texts: list[str], **options: Any) -> list[dict[str, Any]]:
    """Answers in the order of the texts; rows of similar length are read together, for less padding."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    answers: list[dict[str, Any]] = [{} for _ in texts]
    for number, answer in zip(order, nlu([texts[number] for number in order], **options), strict=True):
        answers[number] = answer
    return answers


def _score_rejection(
    nlu: NLUPipeline | OnnxNLU, known: list[dict[str, Any]], unknown: list[str], options: dict[str, Any]
) -> dict[str, Any]:
    if "rejection" not in skill_entry(nlu, options["skill"]):
        raise ValueError(f"skill {options['skill']!r} can't reject: fine-tune it with --rejection true, or leave out unknown.")
    # With the threshold 0 everything is rejected whose probability of that is over 0, and the score is that probability.
    probabilities = [
        [_reject_score(answer) for answer in _ask(nlu, texts, **{**options, "reject_threshold": 0})]
        for texts in (unknown, [answer["text"] for answer in known])
    ]
    return {
        "unknown_utterances": len(unknown),
        "rejected_unknown": _share_rejected(_ask(nlu, unknown, **options)),
        "rejected_known": _share_rejected(known),
        "rejection_auroc": roc_auc(*probabilities),
    }


def _reject_score(answer: dict[str, Any]) -> float:
    if answer["intent"] is None:  # blank
        return 1.0
    return float(answer["intent"]["score"]) if answer["intent"]["label"] is None else 0.0


def _share_rejected(answers: list[dict[str, Any]]) -> float:
    return sum(answer["intent"] is None or answer["intent"]["label"] is None for answer in answers) / max(len(answers), 1)


def read_unknown(source: Sequence[str] | str | Path) -> list[str]:
    """Texts as they are, or those of a file (see [`headstart.rejection.read_background`])."""
    if not isinstance(source, (str, Path)):
        return list(source)
    return [text for texts in read_background(source).values() for text in texts]


def load_pipeline(model: str | Path, *, base: str | Path | None = None, **options: Any) -> NLUPipeline | OnnxNLU:
    """The pipeline `joint-nlu` of a checkpoint, by folder, repository or short name, or the exported skill or the heads that a folder or
    repository holds.

    Args:
        model: the checkpoint, exported skill, head, or folder or repository of heads.
        base: for heads, the checkpoint whose trunk they belong to; unset: the embedded one of the name that they hold.
        options: of the pipeline, such as `device`.

    Raises:
        ValueError: the base of a head is none of those embedded, and wasn't given.
    """
    if str(model) not in SHORT_NAMES and not Path(model).exists():
        pulled = pull(str(model), options.get("revision"), options.get("token"))
        if pulled is not None:
            model = pulled
            options.pop("revision", None)  # was that of this repository
    heads = [] if is_exported(model) else find_heads(model)
    if base is not None and not heads:
        raise ValueError(f"a base is for heads; {str(model)!r} is a whole model: leave it out.")
    if is_exported(model):
        options.pop("token", None)
        return OnnxNLU(model, **options)
    if not heads:
        return _load(resolve_checkpoint(model), options)
    nlu = _load(_base_of(heads[0]) if base is None else resolve_checkpoint(base), options)
    others = nlu.model.skills
    for head in heads:
        nlu.model.load_skill(head)
    for name in others:
        nlu.model.delete_skill(name)
    return nlu


def _load(checkpoint: str, options: dict[str, Any]) -> NLUPipeline:
    check_hashes(Path(checkpoint))
    try:
        return cast(NLUPipeline, cast(Any, pipeline)("joint-nlu", model=checkpoint, **options))
    except ValueError as error:
        if not str(error).startswith("Could not load model"):
            raise
        # transformers tells of each class that it tried, with tracebacks; what was wrong stands at the end.
        raise ValueError(str(error).rpartition("ValueError: ")[2].strip()) from error


def find_heads(folder: str | Path) -> list[Path]:
    """The folders of heads: that folder, or those in it, in the order of their names; empty if there are none."""
    own = Path(folder)
    if (own / "config.json").is_file():  # a checkpoint, whatever lies beside it
        return []
    return [own] if (own / DESCRIPTION).is_file() else sorted(path.parent for path in own.glob(f"*/{DESCRIPTION}"))


def _base_of(head: Path) -> str:
    name = trunk_of(head)
    if name not in SHORT_NAMES:
        raise ValueError(
            f"the head {str(head)!r} was trained on {name!r}, which is not embedded: give its folder or repository as base."
        )
    return SHORT_NAMES[name]


def skill_entry(nlu: NLUPipeline | OnnxNLU, skill: str | None = None) -> dict[str, Any]:
    """Name, intents, slots and the rest of a skill; see [`headstart.HeadstartForJointNLU.skill`]."""
    return nlu.model.skill(skill) if isinstance(nlu, NLUPipeline) else nlu.skill(skill)


def _report_unknown_labels(rows: Dataset, entry: dict[str, Any]) -> None:
    intents, slots = label_counts(rows)
    for kind, found, known in (("intent", intents, entry["intents"]), ("slot label", slots, entry["slots"])):
        unknown = sorted(set(found) - set(known))
        if unknown:
            logger.warning(
                "skill %s lacks %d %ss of the rows, which count as errors (%d times): %s",
                entry["name"], len(unknown), kind, sum(found[label] for label in unknown), ", ".join(unknown[:8]),
            )  # fmt: skip


def median_latency(answer: Callable[[list[str]], Any], texts: Sequence[str]) -> float:
    """Median milliseconds of one request at a time, on one thread, over [`TIMED_TEXTS`] requests after five that are not timed.

    Args:
        answer: the model.
        texts: requests, used in turn.
    """
    texts = list(texts)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    try:
        for number in range(-5, TIMED_TEXTS):
            started = time.perf_counter()
            answer([texts[number % len(texts)]])
            times.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return statistics.median(times[5:]) * 1000


__all__ = ["evaluate", "find_heads", "load_pipeline", "median_latency", "read_unknown", "score_answers", "skill_entry"]
