"""What a report says: the figures of its tables and plots, computed from its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import numpy as np

from headstart.report.options import SYSTEMS
from headstart.report.results import (
    Comparison,
    ConvergenceEntry,
    ConvergenceFigures,
    PartComparison,
    PooledComparison,
    RatioFigures,
    RunResult,
    Summary,
    SystemComparison,
    SystemFigures,
    WorstSkill,
)
from headstart.report.statistics import Results, compare, convergence, interval

TRANSFER = "transfer"
NO_TRANSFER = "no_transfer"
BEST_OF = ("no_transfer", "embeddings_only", "classical")
SIZES = ((0, 50), (50, 100), (100, 300), (300, None))  # training rows: from, below
NUM_WORST = 10


def summarize(results: Results) -> Summary:
    """All figures of a report on skills; the best of [`BEST_OF`] is one of the systems that transfer is compared with."""
    summary: Summary = {"systems": [describe(results, system) for system in results.systems]}
    if TRANSFER not in results.systems:
        return summary
    errors = results.errors(TRANSFER)
    baselines = {system: results.errors(system) for system in results.systems if system != TRANSFER}
    summary["comparisons"] = [
        _named(system, SYSTEMS[system].title, _compare(results, errors, baseline, system))
        for system, baseline in baselines.items()
    ]
    best_of = [system for system in BEST_OF if system in baselines]
    if len(best_of) > 1:
        title = f"the best of {'; '.join(SYSTEMS[system].title for system in best_of)}, chosen for each skill on validation rows"
        summary["comparisons"].append(_named("best", title, compare(errors, results.best_on_validation(best_of))))
    if NO_TRANSFER in baselines:
        summary["by_group"] = _by_part(results, _groups(results))
        summary["by_size"] = _by_part(results, _sizes(results))
        summary["worst"] = _worst(results)
        summary["convergence"] = _convergence(results)
    return summary


def describe(results: Results, system: str, clusters: Sequence[str] | None = None) -> SystemFigures:
    """Means of one system over skills, each over seeds first; error rates with their intervals, for which skills of one of the `clusters` are
    drawn together."""
    exact = results.means(system, lambda run: run["test"]["exact_match"])
    return {
        "system": system,
        "title": SYSTEMS[system].title,
        "skills": len(results.skills),
        "seeds": len(results.seeds),
        "semantic_error_rate": interval(results.errors(system), clusters=clusters),
        "pooled_semantic_error_rate": round(results.pooled_error(system), 4),
        "exact_match": interval(exact, clusters=clusters),
        "intent_accuracy": _mean(results.means(system, lambda run: run["test"]["intent_accuracy"])),
        "slot_f1": _mean(results.means(system, lambda run: run["test"]["slot_f1"])),
        "steps": _mean(results.means(system, lambda run: run["steps"])),
        "seconds": _mean(results.means(system, lambda run: run["seconds"])),
        "megabytes": _mean(results.means(system, lambda run: run["bytes"] / 1e6)),
        "latency_ms": _mean(results.means(system, lambda run: run["latency_ms"])),
    }


def _named(baseline: str, title: str, comparison: Comparison) -> SystemComparison:
    return cast(SystemComparison, {"baseline": baseline, "title": title, **comparison})


def _compare(results: Results, errors: np.ndarray, baseline: np.ndarray, system: str) -> PooledComparison:
    pooled = results.pooled_error(system)
    return {
        **compare(errors, baseline),
        "pooled_reduction": round(1 - results.pooled_error(TRANSFER) / pooled, 4) if pooled else None,
    }


def _by_part(results: Results, parts: dict[str, list[str]]) -> list[PartComparison]:
    """Transfer against no transfer, for parts of the skills."""
    entries: list[PartComparison] = []
    for name, skills in parts.items():
        part = results.part(skills)
        errors, baseline = part.errors(TRANSFER), part.errors(NO_TRANSFER)
        entries.append({
            "part": name, "semantic_error_rate": round(float(errors.mean()), 4),
            "baseline_semantic_error_rate": round(float(baseline.mean()), 4), **_compare(part, errors, baseline, NO_TRANSFER),
        })  # fmt: skip
    return entries


def _groups(results: Results) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for skill in results.skills:
        groups.setdefault(results.of(skill, TRANSFER)[0]["group"], []).append(skill)
    return groups


def _sizes(results: Results) -> dict[str, list[str]]:
    parts = {}
    for low, high in SIZES:
        name = f"{low} to {high - 1} rows" if high else f"{low} rows and more"
        skills = [skill for skill in results.skills
                  if low <= results.of(skill, TRANSFER)[0]["train_rows"] < (high or float("inf"))]  # fmt: skip
        if skills:
            parts[name] = skills
    return parts


def _worst(results: Results) -> list[WorstSkill]:
    """The skills with the smallest difference of error against no transfer, in errors on the test rows: a loss comes first."""
    errors, baseline = results.errors(TRANSFER), results.errors(NO_TRANSFER)
    order = np.argsort(baseline - errors, kind="stable")[:NUM_WORST]
    entries: list[WorstSkill] = []
    for number in order:
        skill = results.skills[number]
        runs = results.of(skill, TRANSFER)
        entries.append({
            "skill": skill, "train_rows": runs[0]["train_rows"], "test_rows": runs[0]["test_rows"], "units": runs[0]["units"],
            "semantic_error_rate": round(float(errors[number]), 4), "baseline_semantic_error_rate": round(float(baseline[number]), 4),
            "intent_accuracy": _seed_mean(runs, "intent_accuracy"), "slot_f1": _seed_mean(runs, "slot_f1"),
            "baseline_intent_accuracy": _seed_mean(results.of(skill, NO_TRANSFER), "intent_accuracy"),
            "baseline_slot_f1": _seed_mean(results.of(skill, NO_TRANSFER), "slot_f1"),
        })  # fmt: skip
    return entries


def _seed_mean(runs: Sequence[RunResult], metric: Literal["intent_accuracy", "slot_f1"]) -> float | None:
    values = [value for run in runs if (value := run["test"][metric]) is not None]
    return round(float(np.mean(values)), 4) if values else None


def _convergence(results: Results) -> ConvergenceFigures | None:
    """Steps and seconds to the best validation error of no transfer."""
    if not all(run["curve"] for run in results.runs if run["system"] in (TRANSFER, NO_TRANSFER)):
        return None
    entries = convergence(results, TRANSFER, NO_TRANSFER)
    return {
        "runs": len(entries),
        "never": sum(entry["steps"] is None for entry in entries),
        "step_ratio": _ratios(results, entries, "step_ratio"),
        "second_ratio": _ratios(results, entries, "second_ratio"),
        "entries": entries,
    }


def _ratios(results: Results, entries: Sequence[ConvergenceEntry], name: Literal["step_ratio", "second_ratio"]) -> RatioFigures:
    found = [
        [value for entry in entries if entry["skill"] == skill and (value := entry[name]) is not None] for skill in results.skills
    ]
    ratios = np.array([np.median(values) for values in found if values])
    return {"median": interval(ratios, np.median), "mean": interval(ratios)}


def summarize_growth(results: Results) -> Summary:
    """The figures of a report on growing domains: transfer against no transfer at each stage. All stages of a domain have the same test rows."""
    domains = [skill.rsplit("-", 1)[0] for skill in results.skills]
    return {
        "systems": [describe(results, system, domains) for system in results.systems],
        "domains": len(set(domains)),
        "stages": _by_part(results, _groups(results)),
    }


def _mean(values: np.ndarray) -> float | None:
    present = values[~np.isnan(values)]
    return round(float(present.mean()), 4) if len(present) else None


__all__ = ["NO_TRANSFER", "TRANSFER", "describe", "summarize", "summarize_growth"]
