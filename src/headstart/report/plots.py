"""The plots of a report, each as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from headstart.report.options import SYSTEMS
from headstart.report.results import CurvePoint, PartComparison, Summary, SystemFigures
from headstart.report.statistics import Results
from headstart.report.summary import NO_TRANSFER, TRANSFER

COLORS = dict(zip(SYSTEMS, ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7"), strict=True))  # Okabe and Ito
NUM_GRID = 60  # points of a mean curve


def draw_plots(summary: Summary, results: Results, folder: Path) -> list[str]:
    """Draw whatever the results allow; returns the names of the plots, files without endings in `folder`."""
    draw: dict[str, tuple[bool, Callable[[Axes], None]]] = {
        "errors": (
            {TRANSFER, NO_TRANSFER} <= set(results.systems) and "stages" not in summary,
            lambda axes: _draw_errors(axes, results),
        ),
        "learning": ("stages" in summary, lambda axes: _draw_learning(axes, summary["stages"])),
        "convergence": (
            any(run["curve"] for run in results.runs),
            lambda axes: _draw_convergence(axes, results),
        ),
        "latency": (len(results.systems) > 1, lambda axes: _draw_latency(axes, summary["systems"])),
    }
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name, (is_possible, _) in draw.items() if is_possible]
    # A fixed salt: the same results give the same file.
    with matplotlib.rc_context(
        {"svg.hashsalt": "headstart", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    ):
        for name in names:
            figure = Figure(figsize=(7, 4.5), layout="constrained")
            draw[name][1](figure.subplots())
            figure.savefig(folder / f"{name}.png", dpi=150)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    return names


def _draw_errors(axes: Axes, results: Results) -> None:
    """Error per skill, with and without transfer, in the order of the latter."""
    errors, baseline = results.errors(TRANSFER), results.errors(NO_TRANSFER)
    order = np.lexsort((errors, baseline))
    places = np.arange(len(order))
    axes.vlines(places, errors[order], baseline[order], color="#BBBBBB", linewidth=1.5, zorder=1)
    for system, values in ((NO_TRANSFER, baseline), (TRANSFER, errors)):
        axes.scatter(places, values[order], s=14, color=COLORS[system], label=SYSTEMS[system].title, zorder=2)
    axes.set(xlabel="skill, in the order of its error without transfer", ylabel="semantic error rate", ylim=(-0.01, None))
    axes.legend(frameon=False)


def _draw_learning(axes: Axes, stages: Sequence[PartComparison]) -> None:
    """Error by the number of utterances of a new domain."""
    sizes = [int(stage["part"]) for stage in stages]
    errors = {
        NO_TRANSFER: [stage["baseline_semantic_error_rate"] for stage in stages],
        TRANSFER: [stage["semantic_error_rate"] for stage in stages],
    }
    for system, values in errors.items():
        axes.plot(sizes, values, "o-", color=COLORS[system], label=SYSTEMS[system].title)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="utterances of the new domain", ylabel="semantic error rate, mean over domains", ylim=(0, None))
    axes.legend(frameon=False)


def _draw_convergence(axes: Axes, results: Results) -> None:
    """Mean validation error by steps of the networks, each at its latest point."""
    longest = max(run["curve"][-1][0] for run in results.runs if run["curve"])
    grid = np.geomspace(5, longest, NUM_GRID)
    for system in results.systems:
        runs = [run for run in results.runs if run["system"] == system and run["curve"]]
        if runs:
            axes.plot(
                grid,
                np.mean([_at(run["curve"], grid) for run in runs], axis=0),
                color=COLORS[system],
                label=SYSTEMS[system].title,
            )
    _set_log_scale(axes)
    axes.set(xlabel="optimizer steps", ylabel="validation semantic error rate", ylim=(0, 1))
    axes.legend(frameon=False)


def _at(curve: Sequence[CurvePoint], grid: np.ndarray) -> np.ndarray:
    """The curve's value at each place of the grid: that of the latest point before it; 1 before the first."""
    steps, values = [point[0] for point in curve], [1.0, *(point[2] for point in curve)]
    return np.array(values)[np.searchsorted(steps, grid, side="right")]


def _draw_latency(axes: Axes, systems: Sequence[SystemFigures]) -> None:
    """Error against the time that one utterance takes."""
    for entry in systems:
        color = COLORS[entry["system"]]
        error, latency = entry["semantic_error_rate"], entry["latency_ms"]
        if error is None or latency is None:
            continue
        bars = [[error["value"] - error["low"]], [error["high"] - error["value"]]]
        axes.errorbar(latency, error["value"], yerr=bars, fmt="o", color=color, capsize=3)
        axes.annotate(entry["title"], (latency, error["value"]), (6, 4), textcoords="offset points", color=color)
    _set_log_scale(axes)
    axes.set(
        xlabel="median time of one utterance on one thread, ms", ylabel="semantic error rate, mean over skills", ylim=(0, None)
    )
    axes.margins(x=0.3)


def _set_log_scale(axes: Axes) -> None:
    """A logarithmic axis with plain numbers: 1, 2, 5, 10, 20, ..."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


__all__ = ["draw_plots"]
