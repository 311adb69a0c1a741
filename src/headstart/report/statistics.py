"""Figures over skills: means over seeds, relative error reduction, bootstrap intervals, convergence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from scipy.stats import bootstrap

from headstart.data.rows import counted
from headstart.report.results import Comparison, ConvergenceEntry, CurvePoint, Interval, RunKey, RunResult

RESAMPLES = 10_000
LEVEL = 0.95


class Results:
    """The runs of a report, as means over seeds.

    Args:
        runs: what [`headstart.report.engine.run_all`] returns. Every system must have been run on every skill with the same seeds.
    """

    def __init__(self, runs: Sequence[RunResult]) -> None:
        self.runs = runs
        self.skills = list(dict.fromkeys(run["skill"] for run in runs))
        self.systems = list(dict.fromkeys(run["system"] for run in runs))
        self.seeds = sorted({run["seed"] for run in runs})
        self.by_key: dict[RunKey, RunResult] = {(run["skill"], run["system"], run["seed"]): run for run in runs}
        lacking = [(skill, system, seed) for skill in self.skills for system in self.systems for seed in self.seeds
                   if (skill, system, seed) not in self.by_key]  # fmt: skip
        if lacking:
            raise ValueError(f"missing are {counted(len(lacking), 'run')}, first {lacking[0]}: run the report to its end.")

    def of(self, skill: str, system: str) -> list[RunResult]:
        """The runs of a system on a skill, one for each seed."""
        return [self.by_key[skill, system, seed] for seed in self.seeds]

    def part(self, skills: Sequence[str]) -> Results:
        """The results on some of the skills."""
        wanted = set(skills)
        return Results([run for run in self.runs if run["skill"] in wanted])

    def means(self, system: str, get: Callable[[RunResult], float | None]) -> np.ndarray:
        """The mean over seeds of a figure of each run, (skills,), or over those that have it; NaN where none has: there is nothing of that
        kind, or it was not measured, such as seconds on another machine."""
        found = [[value for run in self.of(skill, system) if (value := get(run)) is not None] for skill in self.skills]
        return np.array([np.mean(values) if values else np.nan for values in found])

    def errors(self, system: str, part: Literal["validation", "test"] = "test") -> np.ndarray:
        """Mean semantic error rate of each skill, (skills,)."""
        return self.means(system, lambda run: run[part]["semantic_error_rate"])

    def pooled_error(self, system: str) -> float:
        """All errors on all test rows, divided by all units (intents and slots)."""
        runs = [run for skill in self.skills for run in self.of(skill, system)]
        return sum(run["test"]["semantic_error_rate"] * run["units"] for run in runs) / sum(run["units"] for run in runs)

    def best_on_validation(self, systems: Sequence[str]) -> np.ndarray:
        """Test error of whichever system is best on each skill's validation rows, (skills,); of equals, the mean."""
        validation = np.stack([self.errors(system, "validation") for system in systems])
        test = np.stack([self.errors(system) for system in systems])
        is_best = validation == validation.min(axis=0)
        best: np.ndarray = (test * is_best).sum(axis=0) / is_best.sum(axis=0)
        return best


def compare(errors: np.ndarray, baseline: np.ndarray) -> Comparison:
    """Relative error reduction against a baseline.

    Args:
        errors, baseline: semantic error rate of each skill, (skills,).
    """
    above = baseline > 0
    reductions = 1 - errors[above] / baseline[above]
    same = np.isclose(errors, baseline, rtol=0, atol=1e-9)
    return {
        "skills": len(errors),
        "compared": int(above.sum()),
        "reduction": interval(reductions),
        "median_reduction": _rounded(np.median(reductions)) if above.any() else None,
        "of_means": _rounded(1 - errors.mean() / baseline.mean()) if baseline.any() else None,
        "wins": int(((errors < baseline) & ~same).sum()),
        "ties": int(same.sum()),
        "losses": int(((errors > baseline) & ~same).sum()),
    }


def interval(
    values: np.ndarray, statistic: Callable[..., Any] = np.mean, clusters: Sequence[str] | None = None
) -> Interval | None:
    """A mean (or median) with its 95 % bootstrap interval; None for no value. Efron (1979), percentile method, 10,000 resamples.

    Args:
        values: (values,), drawn one by one, or with `clusters`, the name of each one's, a whole cluster at a time; then it is their mean.
        statistic: the mean or median.
    """
    if not len(values):
        return None
    value = _rounded(statistic(values))
    if len(values) == 1 or np.ptp(values) == 0:
        return {"value": value, "low": value, "high": value}
    data: tuple[np.ndarray, ...] = (values,)
    if clusters is not None:
        _, places = np.unique(clusters, return_inverse=True)
        data = (np.bincount(places, values), np.bincount(places))
        statistic = _mean_of_clusters
    found = bootstrap(
        data,
        statistic,
        paired=clusters is not None,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        batch=1000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {"value": value, "low": _rounded(found.low), "high": _rounded(found.high)}


def _mean_of_clusters(sums: np.ndarray, counts: np.ndarray, axis: int = -1) -> Any:
    return sums.sum(axis=axis) / counts.sum(axis=axis)


def convergence(results: Results, system: str, baseline: str) -> list[ConvergenceEntry]:
    """How much sooner a system reaches the best validation error that the baseline reaches at any point of its curve, one entry for each run
    of the baseline. What is reached before the first step counts as one step."""
    entries: list[ConvergenceEntry] = []
    for skill in results.skills:
        for seed in results.seeds:
            curve = results.by_key[skill, baseline, seed]["curve"]
            error = min(point[2] for point in curve)
            first = next(point for point in curve if point[2] <= error)
            reached = next((point for point in results.by_key[skill, system, seed]["curve"] if point[2] <= error), None)
            entries.append({
                "skill": skill, "seed": seed, "error": error, "baseline_steps": first[0], "baseline_seconds": first[1],
                "steps": reached[0] if reached else None, "seconds": reached[1] if reached else None,
                "step_ratio": max(first[0], 1) / max(reached[0], 1) if reached else 0.0, "second_ratio": _second_ratio(first, reached),
            })  # fmt: skip
    return entries


def _second_ratio(baseline: CurvePoint, reached: CurvePoint | None) -> float | None:
    if baseline[1] is None:
        return None
    if reached is None:
        return 0.0
    return None if reached[1] is None else baseline[1] / reached[1]


def _rounded(value: Any) -> float:
    return round(float(value), 4)


__all__ = ["Results", "compare", "convergence", "interval"]
