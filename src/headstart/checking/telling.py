"""A report of a check as lines of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from headstart.checking.findings import KINDS, SEVERITIES, Finding, Report, RowPlace

SHOWN = 5  # findings of a kind, where not all are wanted
SHOWN_ROWS = 3


def report_lines(report: Report, show_all: bool = False) -> Iterator[str]:
    """The lines of a report: kinds of findings with their remedy, the gravest first, and the findings with their rows.

    Args:
        report: what was found.
        show_all: every finding, and not the first few of each kind alone.
    """
    rows = ", ".join(f"{count} {part}" for part, count in report.rows.items())
    counts = ", ".join(_number(report.counts[severity], severity) for severity in SEVERITIES)
    yield f"{report.skill}: {rows} rows; {counts}"
    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_kind[finding.kind].append(finding)
    for kind, findings in by_kind.items():
        yield ""
        yield f"{KINDS[kind].severity}: {kind}, {len(findings)}. {KINDS[kind].remedy}"
        shown = findings if show_all else findings[:SHOWN]
        for finding in shown:
            yield f"  {finding.reason}"
            yield from (f"    {_row_line(row)}" for row in finding.rows[:SHOWN_ROWS])
        if len(shown) < len(findings):
            yield f"  and {len(findings) - len(shown)} more; --all shows them"


def _row_line(row: RowPlace) -> str:
    slots = "".join(f", {label}: {value}" for label, value in row.slots)
    return f"{row.part} row {row.row}: {' '.join(row.text.split())}  ({row.intent or 'no intent'}{slots})"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


__all__ = ["report_lines"]
