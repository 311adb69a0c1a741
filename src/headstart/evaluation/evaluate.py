"""Scores of a model on annotated rows, in characters of the rows' own texts. An exported skill is scored without torch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, cast

from headstart.data.encoding import NamedCounts, report_spans
from headstart.data.out_of_scope import list_out_of_scope
from headstart.data.rows import SUFFIXES, DataError, Row, counted, read_rows
from headstart.data.skills import label_counts
from headstart.evaluation.by_label import LabelScores, score_labels
from headstart.evaluation.errors import Errors, find_errors
from headstart.evaluation.metrics import Metrics, Scorable, expected_calibration_error, roc_auc, score
from headstart.loading import load_pipeline, skill_entry
from headstart.modeling.entries_headstart import SkillEntry
from headstart.readers import load_skill
from headstart.readers.memory import is_path, rows_from_memory
from headstart.tokenization.alignment_headstart import align_spans
from headstart.tokenization.answers_headstart import Answer, IntentAnswer

if TYPE_CHECKING:  # which wait for torch, or are large
    from headstart.onnx import OnnxNLU
    from headstart.tokenization import NLUPipeline

logger = logging.getLogger(__name__)


class RejectionScores(TypedDict):
    """How well out-of-scope utterances are told from others.

    Args:
        out_of_scope_utterances: how many there were.
        rejected_out_of_scope: share of them that was rejected.
        rejected_in_scope: share of the rows that was rejected.
        out_of_scope_auroc: area under the ROC curve of the probability of "none of these" against the best intent, by which it is decided, out-of-scope
            utterances against the rows.
    """

    out_of_scope_utterances: int
    rejected_out_of_scope: float
    rejected_in_scope: float
    out_of_scope_auroc: float | None


class Scores(Metrics):
    """The [`Metrics`] of a model's answers, how honest its probabilities are and, if it was asked for, [`RejectionScores`].

    Args:
        expected_calibration_error: of the intents' scores; None where no intent is annotated.
        slot_calibration_error: likewise of the scores of the slots that were found; None where none was, or they have no scores.
    """

    expected_calibration_error: float | None
    slot_calibration_error: float | None
    out_of_scope_utterances: NotRequired[int]
    rejected_out_of_scope: NotRequired[float]
    rejected_in_scope: NotRequired[float]
    out_of_scope_auroc: NotRequired[float | None]


class Answered(TypedDict):
    """What is read of an answer to score it; [`Answer`] has it."""

    text: str
    intent: IntentAnswer | None
    slots: Sequence[Any]


def evaluate(
    model: NLUPipeline | OnnxNLU | str | Path,
    rows: Any,
    skill: str | None = None,
    batch_size: int = 64,
    *,
    out_of_scope: Sequence[str] | str | Path | None = None,
    reject_threshold: float | None = None,
    use_gazetteers: bool = True,
) -> Scores:
    """Predict the rows and score the predictions; [`evaluate_by_label`] scores each label, too.

    Args:
        model: a pipeline or an exported skill, or the folder or repository of one.
        rows: a list of rows, a `datasets.Dataset` or a pandas frame (columns are found by their names, see [`headstart.readers.memory`]); or a
            file or folder in any format that [`headstart.load_skill`] reads: its test rows or, of a file without parts, all of its rows.
        skill: the skill to ask; may be left out if the model has one.
        batch_size: rows predicted at once.
        out_of_scope: utterances that are none of the skill's intents, or a file of them: rows (.jsonl) or one utterance a line.
        reject_threshold: see [`NLUPipeline`].
        use_gazetteers: False: score the model as if no word were in a catalog.

    Returns:
        the scores. Spans that cut a word are widened to it, as in training. Labels that the skill lacks, and rejected utterances, count as
        errors.

    Raises:
        ValueError: `out_of_scope` is given and the skill can't reject.
        DataError: the rows are not as they must be, or a folder has no test rows.
    """
    further: Any = {"out_of_scope": out_of_scope, "reject_threshold": reject_threshold, "use_gazetteers": use_gazetteers}
    return evaluate_by_label(model, rows, skill, batch_size, **further)[0]


def evaluate_by_label(
    model: NLUPipeline | OnnxNLU | str | Path,
    rows: Any,
    skill: str | None = None,
    batch_size: int = 64,
    *,
    out_of_scope: Sequence[str] | str | Path | None = None,
    reject_threshold: float | None = None,
    use_gazetteers: bool = True,
) -> tuple[Scores, LabelScores]:
    """The scores of [`evaluate`], whose arguments these are, and those of each intent and slot label."""
    further: Any = {"out_of_scope": out_of_scope, "reject_threshold": reject_threshold, "use_gazetteers": use_gazetteers}
    scores, errors = evaluate_errors(model, rows, skill, batch_size, **further)
    return scores, errors.labels


def evaluate_errors(
    model: NLUPipeline | OnnxNLU | str | Path,
    rows: Any,
    skill: str | None = None,
    batch_size: int = 64,
    *,
    out_of_scope: Sequence[str] | str | Path | None = None,
    reject_threshold: float | None = None,
    use_gazetteers: bool = True,
) -> tuple[Scores, Errors]:
    """The scores of [`evaluate`], whose arguments these are, and what is wrong, with scores of each label and what would help."""
    nlu = load_pipeline(model) if isinstance(model, (str, Path)) else model
    entry = skill_entry(nlu, skill)
    annotated = read_scored(rows) if is_path(rows) else rows_from_memory(rows)
    _report_unknown_labels(annotated, entry)
    references = _as_words(annotated, nlu, entry["name"])
    options: dict[str, Any] = {"skill": entry["name"], "batch_size": batch_size, "use_gazetteers": use_gazetteers, "top_k": 1}
    if reject_threshold is not None:
        options["reject_threshold"] = reject_threshold
    answers = _ask(nlu, [row["text"] for row in references], **options)
    result = score_answers(answers, references)
    if out_of_scope is not None:
        if "rejection" not in entry:
            raise ValueError(
                f"skill {entry['name']!r} can't reject: fine-tune it with --rejection true, or leave out out_of_scope."
            )
        result = {**result, **_score_rejection(nlu, answers, read_utterances(out_of_scope), options)}
    return result, find_errors(entry["name"], answers, references, score_labels(answers, references))


def read_scored(path: str | PathLike[str]) -> list[Row]:
    """The annotated rows of a file: those of its test part, if it says that it has one; or the test rows of a folder."""
    file = Path(path)
    if file.suffix in SUFFIXES or not file.exists():
        return read_rows(file)
    skill = load_skill(file, allow_unseen_labels=True)
    if file.is_dir() and not skill.has("test"):
        raise DataError(f"{file}: the folder has no test rows; give a file of rows, or put some in its test.jsonl.")
    return skill.rows("test" if skill.has("test") else "train")


def _as_words(rows: Sequence[Row], nlu: NLUPipeline | OnnxNLU, skill: str) -> list[Row]:
    """The rows with spans of whole words, as in training: what an answer can say."""
    aligned: list[Row] = []
    counts = NamedCounts()
    for number, row in enumerate(rows, start=1):
        slots = row["slots"]
        if slots:
            slots, row_counts = align_spans(slots, nlu.words(row["text"]))
            counts.add_row(row_counts, row, number)
        aligned.append({**row, "slots": slots})
    report_spans(counts, skill)
    return aligned


def score_answers(answers: Sequence[Answered | Answer], references: Sequence[Row]) -> Scores:
    """The scores of [`evaluate`] without those of rejection, of a pipeline's answers to the rows' texts."""
    predictions: list[Scorable] = [
        {"intent": answer["intent"]["label"] if answer["intent"] else None, "slots": answer["slots"]} for answer in answers
    ]
    judged = [
        (answer["intent"]["score"], answer["intent"]["label"] == row["intent"])
        for answer, row in zip(answers, references, strict=True)
        if answer["intent"] and row["intent"] is not None
    ]
    metrics = score(predictions, [{"intent": row["intent"], "slots": row["slots"]} for row in references])
    of_intents, of_slots = (
        expected_calibration_error(*zip(*pairs, strict=True)) if pairs else None
        for pairs in (judged, _judge_slots(answers, references))
    )
    return cast(Scores, {**metrics, "expected_calibration_error": of_intents, "slot_calibration_error": of_slots})


def _judge_slots(answers: Sequence[Answered | Answer], references: Sequence[Row]) -> list[tuple[float, bool]]:
    """Of every slot that was found in a row with annotated ones: its score, and whether it is right."""
    judged = []
    for answer, row in zip(answers, references, strict=True):
        if row["slots"] is not None:
            right = {(span["start"], span["end"], span["label"]) for span in row["slots"]}
            found = [span for span in answer["slots"] if "score" in span]
            judged += [(span["score"], (span["start"], span["end"], span["label"]) in right) for span in found]
    return judged


def _ask(nlu: NLUPipeline | OnnxNLU, texts: Sequence[str], **options: Any) -> list[Answer]:
    """Answers in the order of the texts; rows of similar length are read together, for less padding."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    answers = dict(zip(order, nlu([texts[number] for number in order], **options), strict=True))
    return [answers[number] for number in range(len(texts))]


def _score_rejection(
    nlu: NLUPipeline | OnnxNLU, in_scope: Sequence[Answer], out_of_scope: Sequence[str], options: dict[str, Any]
) -> RejectionScores:
    unknown = _ask(nlu, out_of_scope, **options)
    return {
        "out_of_scope_utterances": len(out_of_scope),
        "rejected_out_of_scope": _share_rejected(unknown),
        "rejected_in_scope": _share_rejected(in_scope),
        "out_of_scope_auroc": roc_auc(*([_doubt(answer) for answer in answers] for answers in (unknown, in_scope))),
    }


def _doubt(answer: Answer) -> float:
    """The probability of "none of these" against the best intent; a blank text has none."""
    best = max((intent["score"] for intent in answer["intents"]), default=0.0)
    return answer["out_of_scope"] / (answer["out_of_scope"] + best)


def _share_rejected(answers: Sequence[Answer]) -> float:
    return sum(answer["intent"]["label"] is None for answer in answers) / max(len(answers), 1)


def read_utterances(source: Sequence[str] | str | Path) -> list[str]:
    """Texts as they are, or those of a file (see [`headstart.data.out_of_scope.read_out_of_scope`])."""
    return list_out_of_scope(source) if isinstance(source, (str, Path)) else list(source)


def _report_unknown_labels(rows: Sequence[Row], entry: SkillEntry) -> None:
    intents, slots = label_counts(rows)
    for kind, found, known in (("intent", intents, entry["intents"]), ("slot label", slots, entry["slots"])):
        unknown = sorted(set(found) - set(known))
        if unknown:
            logger.warning(
                "skill %s lacks %s of the rows, counted as errors in %s: %s",
                entry["name"], counted(len(unknown), kind), counted(sum(found[label] for label in unknown), "place"), ", ".join(unknown[:8]),
            )  # fmt: skip


__all__ = [
    "Answered",
    "Scores",
    "evaluate",
    "evaluate_by_label",
    "evaluate_errors",
    "read_scored",
    "read_utterances",
    "score_answers",
]
