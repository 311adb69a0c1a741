"""What runs result in and what a report says of them: a line of `runs.jsonl`, and the content of `report.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

RunKey = tuple[str, str, int]  # skill, system and seed: what tells a run from the others of a report
CurvePoint = tuple[int, float | None, float]  # steps, seconds of training (None: not measured), validation semantic error rate


class TrainingFacts(TypedDict):
    """What it took to train a system.

    Args:
        steps: optimizer steps; None of a system that takes none.
        seconds: of training; None: not measured, such as on another machine.
        bytes: size of the result.
        curve: scores of the validation rows along the way; empty: not wanted.
    """

    steps: int | None
    seconds: float | None
    bytes: int
    curve: Sequence[CurvePoint]


class RunScores(TypedDict):
    """The rounded [`Scores`] of rows of which something is annotated; see [`headstart.evaluation.metrics.Metrics`]."""

    utterances: int
    intent_accuracy: float | None
    slot_f1: float | None
    exact_match: float
    semantic_error_rate: float
    expected_calibration_error: float | None
    slot_calibration_error: NotRequired[float | None]  # logs of before lack it


class RunResult(TrainingFacts):
    """One system on one case with one seed: a line of the log.

    Args:
        skill, group, system, seed: which run it is; the group is the case's.
        train_rows, validation_rows, test_rows: numbers of rows.
        intents, slots: numbers of labels.
        units: annotated intents and slots of the test rows: what their semantic error rate divides by.
        fingerprint: a hash of what the result depends on.
        latency_ms: median time of one utterance; None: not measured.
        validation, test: scores.
    """

    skill: str
    group: str
    system: str
    seed: int
    train_rows: int
    validation_rows: int
    test_rows: int
    intents: int
    slots: int
    units: int
    fingerprint: str
    latency_ms: float | None
    validation: RunScores
    test: RunScores


class Interval(TypedDict):
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


class Comparison(TypedDict):
    """Relative error reduction against a baseline.

    Args:
        skills: their number.
        compared: number of those where the baseline errs.
        reduction: mean over these of 1 - error / baseline's error.
        median_reduction: likewise, the median.
        of_means: 1 - mean error / mean of the baseline's.
        wins, ties, losses: numbers of skills with fewer errors than the baseline, as many, and more.
    """

    skills: int
    compared: int
    reduction: Interval | None
    median_reduction: float | None
    of_means: float | None
    wins: int
    ties: int
    losses: int


class PooledComparison(Comparison):
    """A [`Comparison`], and the reduction of all errors on all test rows."""

    pooled_reduction: float | None


class SystemComparison(Comparison):
    """Transfer against another system.

    Args:
        baseline, title: name of the other one, and what tables call it.
        pooled_reduction: see [`PooledComparison`]; not there where the other one is chosen for each skill.
    """

    baseline: str
    title: str
    pooled_reduction: NotRequired[float | None]


class PartComparison(PooledComparison):
    """Transfer against no transfer for a part of the skills.

    Args:
        part: its name.
        semantic_error_rate, baseline_semantic_error_rate: means over its skills, with and without transfer.
    """

    part: str
    semantic_error_rate: float
    baseline_semantic_error_rate: float


class SystemFigures(TypedDict):
    """Means of one system over skills, each over seeds first; None: there is nothing of that kind, or it was not measured.

    Args:
        system, title: its name, and what tables call it.
        skills, seeds: their numbers.
        semantic_error_rate, exact_match, intent_accuracy, slot_f1: of the test rows.
        pooled_semantic_error_rate: all errors on all test rows, divided by all annotated intents and slots.
        steps, seconds: of training.
        megabytes: size of the result.
        latency_ms: time of one utterance.
    """

    system: str
    title: str
    skills: int
    seeds: int
    semantic_error_rate: Interval | None
    pooled_semantic_error_rate: float
    exact_match: Interval | None
    intent_accuracy: float | None
    slot_f1: float | None
    steps: float | None
    seconds: float | None
    megabytes: float | None
    latency_ms: float | None


class WorstSkill(TypedDict):
    """A skill where transfer gains little, or loses; those that begin with `baseline_` are the figures of no transfer."""

    skill: str
    train_rows: int
    test_rows: int
    units: int
    semantic_error_rate: float
    baseline_semantic_error_rate: float
    intent_accuracy: float | None
    slot_f1: float | None
    baseline_intent_accuracy: float | None
    baseline_slot_f1: float | None


class ConvergenceEntry(TypedDict):
    """How much sooner a system is where one run of the baseline gets to.

    Args:
        skill, seed: of the run.
        error: the best validation error of the baseline at any point of its curve.
        baseline_steps, baseline_seconds: until the baseline first reaches it.
        steps, seconds: until the system does; None: never.
        step_ratio, second_ratio: baseline through system; 0: never; None: seconds were not measured.
    """

    skill: str
    seed: int
    error: float
    baseline_steps: int
    baseline_seconds: float | None
    steps: int | None
    seconds: float | None
    step_ratio: float
    second_ratio: float | None


class RatioFigures(TypedDict):
    """Median and mean over skills of a ratio; of each skill, the median over its seeds."""

    median: Interval | None
    mean: Interval | None


class ConvergenceFigures(TypedDict):
    """How much sooner transfer is where no transfer gets to.

    Args:
        runs: their number.
        never: number of those where transfer never gets there.
        step_ratio, second_ratio: steps, and seconds, without transfer / with transfer.
        entries: one of each run.
    """

    runs: int
    never: int
    step_ratio: RatioFigures
    second_ratio: RatioFigures
    entries: list[ConvergenceEntry]


class Summary(TypedDict):
    """The figures of a report. What needs a system that was not run, or is of another experiment, is left out.

    Args:
        systems: means of each system.
        comparisons: transfer against each of the others, and against the best of some, chosen on validation rows.
        by_group, by_size: transfer against no transfer, by the skills' groups and numbers of training rows.
        worst: the skills where transfer gains least, or loses.
        convergence: None: there are no curves.
        domains: number of growing domains.
        stages: transfer against no transfer, by the number of utterances of a growing domain.
    """

    systems: list[SystemFigures]
    comparisons: NotRequired[list[SystemComparison]]
    by_group: NotRequired[list[PartComparison]]
    by_size: NotRequired[list[PartComparison]]
    worst: NotRequired[list[WorstSkill]]
    convergence: NotRequired[ConvergenceFigures | None]
    domains: NotRequired[int]
    stages: NotRequired[list[PartComparison]]


class ReportFacts(TypedDict):
    """What a report was made of, and its figures.

    Args:
        headstart: version that made it.
        experiment, seeds, max_steps, tuned_on: see [`headstart.report.options.ReportOptions`].
        date, command: when and how it was made.
        base, base_hash: name of the checkpoint, and a hash of its weights.
        data_hash: a hash of the skills.
        reasons: what was found out about single skills, by name.
        systems: fields of each [`headstart.report.options.System`], by name.
        summary: the figures, without the skills that settings were tuned on.
        summary_of_all: the figures with these skills, if there are any.
    """

    headstart: str
    experiment: str
    date: str
    command: str
    base: str
    base_hash: str
    data_hash: str
    seeds: list[int]
    max_steps: int | None
    tuned_on: list[str]
    reasons: dict[str, str]
    systems: dict[str, Mapping[str, object]]
    summary: Summary
    summary_of_all: NotRequired[Summary]


class ReportContent(ReportFacts):
    """What `report.json` holds.

    Args:
        plots: names of the files in `plots`, without endings.
        runs: all results, also those of the skills that settings were tuned on.
    """

    plots: list[str]
    runs: list[RunResult]


__all__ = [
    "Comparison",
    "ConvergenceEntry",
    "ConvergenceFigures",
    "CurvePoint",
    "Interval",
    "PartComparison",
    "PooledComparison",
    "RatioFigures",
    "ReportContent",
    "ReportFacts",
    "RunKey",
    "RunResult",
    "RunScores",
    "Summary",
    "SystemComparison",
    "SystemFigures",
    "TrainingFacts",
    "WorstSkill",
]
