"""The tables of a report, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.report.results import (
    ConvergenceFigures,
    Interval,
    PartComparison,
    ReportContent,
    ReportFacts,
    SystemComparison,
    SystemFigures,
    WorstSkill,
)

EXPLANATION = """\
SemER is the semantic error rate: wrong intents and slots (substituted, inserted, deleted), divided by all intents and slots. A skill's
relative reduction is 1 - SemER with transfer / SemER of the other system, both means over the seeds, for skills whose other SemER is above
0 ("where it errs"); tables give its mean over these skills, and beside it the reduction of the mean SemER over all. Brackets are 95 % bootstrap
intervals over skills, or over domains, whose stages have the same test rows."""


def report_markdown(content: ReportContent) -> str:
    """The text of report.md.

    Args:
        content: what report.json holds.
    """
    summary = content["summary"]
    parts = [
        f"# Transfer report: {content['experiment']}",
        _facts(content),
        EXPLANATION,
        "## Systems",
        systems_table(summary["systems"]),
    ]
    if "comparisons" in summary:
        parts += ["## Transfer against the others", comparisons_table(summary["comparisons"])]
    if "summary_of_all" in content and "comparisons" in content["summary_of_all"]:
        parts += ["With the skills that settings were tuned on:", comparisons_table(content["summary_of_all"]["comparisons"])]
    for title, entries in (
        ("By source", summary.get("by_group")),
        ("By number of training rows", summary.get("by_size")),
        ("By utterances of the new domain", summary.get("stages")),
    ):
        if entries is not None:
            parts += [f"## {title}", "Transfer against no transfer.", parts_table(entries)]
    convergence = summary.get("convergence")
    if convergence is not None:
        parts += ["## Convergence", convergence_text(convergence)]
    if "worst" in summary:
        parts += ["## The skills where transfer gains least", worst_table(summary["worst"])]
        reasons = content["reasons"]
        found = [f"- {entry['skill']}: {reasons[entry['skill']]}" for entry in summary["worst"] if entry["skill"] in reasons]
        parts += ["\n".join(found)] if found else []
    parts += ["## Plots", *(f"![{name}](plots/{name}.svg)" for name in content["plots"])]
    return "\n\n".join(parts) + "\n"


def _facts(content: ReportFacts) -> str:
    count = content["summary"]["systems"][0]["skills"]
    domains = content["summary"].get("domains")
    what = f"{domains} domains, {count} stages of them" if domains else f"{count} skills"
    return (
        f"{content['date']}, {what}{_left_out(content)}, seeds "
        f"{', '.join(map(str, content['seeds']))}, data {content['data_hash']}, base {content['base']} "
        f"({content['base_hash']}).\n\n    {content['command']}"
    )


def _left_out(content: ReportFacts) -> str:
    names = content["tuned_on"]
    return f" ({len(names)} more, left out since settings were tuned on them: {', '.join(names)})" if names else ""


def systems_table(systems: Sequence[SystemFigures]) -> str:
    """Accuracy and cost of each system."""
    header = (
        "system",
        "SemER",
        "pooled SemER",
        "exact match",
        "intent accuracy",
        "slot F1",
        "training, s",
        "size, MB",
        "latency, ms",
    )
    rows = [
        (
            system["title"], with_interval(system["semantic_error_rate"]), number(system["pooled_semantic_error_rate"]),
            with_interval(system["exact_match"]), number(system["intent_accuracy"]), number(system["slot_f1"]),
            number(system["seconds"], 1), number(system["megabytes"], 1), number(system["latency_ms"], 2),
        )
        for system in systems
    ]  # fmt: skip
    return table(header, rows)


def comparisons_table(comparisons: Sequence[SystemComparison]) -> str:
    """Relative error reduction against each other system."""
    header = (
        "against",
        "skills where it errs",
        "relative reduction of SemER",
        "median",
        "of the means",
        "pooled",
        "better",
        "equal",
        "worse",
    )
    rows = [
        (entry["title"], entry["compared"], percent_interval(entry["reduction"]), percent(entry["median_reduction"]),
         percent(entry["of_means"]), percent(entry.get("pooled_reduction")), entry["wins"], entry["ties"], entry["losses"])
        for entry in comparisons
    ]  # fmt: skip
    return table(header, rows)


def parts_table(entries: Sequence[PartComparison]) -> str:
    """Transfer against no transfer for parts of the skills."""
    header = ("part", "skills", "SemER", "no transfer", "relative reduction", "pooled", "better", "equal", "worse")
    rows = [
        (entry["part"], entry["skills"], number(entry["semantic_error_rate"]), number(entry["baseline_semantic_error_rate"]),
         percent_interval(entry["reduction"]), percent(entry["pooled_reduction"]), entry["wins"], entry["ties"], entry["losses"])
        for entry in entries
    ]  # fmt: skip
    return table(header, rows)


def worst_table(entries: Sequence[WorstSkill]) -> str:
    """The skills where transfer gains least."""
    header = (
        "skill",
        "training rows",
        "test rows",
        "SemER",
        "no transfer",
        "intent accuracy",
        "no transfer",
        "slot F1",
        "no transfer",
    )
    rows = [
        (entry["skill"], entry["train_rows"], entry["test_rows"],
         number(entry["semantic_error_rate"]), number(entry["baseline_semantic_error_rate"]),
         number(entry["intent_accuracy"]), number(entry["baseline_intent_accuracy"]),
         number(entry["slot_f1"]), number(entry["baseline_slot_f1"]))
        for entry in entries
    ]  # fmt: skip
    return table(header, rows)


def convergence_text(figures: ConvergenceFigures) -> str:
    """How much sooner transfer is where no transfer gets to."""
    steps, seconds = figures["step_ratio"], figures["second_ratio"]
    return (
        "Steps until the best validation SemER of the network without transfer is reached, without transfer / with transfer: median over "
        f"skills {with_interval(steps['median'], 1)}, mean {with_interval(steps['mean'], 1)}. Seconds: median "
        f"{with_interval(seconds['median'], 1)}, mean {with_interval(seconds['mean'], 1)}. In {figures['never']} of {figures['runs']} runs "
        "transfer never reached it; they count as a ratio of 0. The time in which classifiers are fitted before the first step counts as the "
        "steps that it would have taken."
    )


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, cells)) + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash for None."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return "-" if value is None else f"{100 * value:.0f} %"


def with_interval(figure: Interval | None, digits: int = 3) -> str:
    """A figure and its interval."""
    return "-" if figure is None else f"{figure['value']:.{digits}f} [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"


def percent_interval(figure: Interval | None) -> str:
    """A share and its interval, as percentages."""
    return "-" if figure is None else f"{100 * figure['value']:.0f} % [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"


__all__ = ["comparisons_table", "parts_table", "report_markdown", "systems_table", "table"]
