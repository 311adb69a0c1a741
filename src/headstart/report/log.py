"""The log of a report's runs, `runs.jsonl`: a line for each that is done."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from headstart.data.rows import DataError, counted_kind, shorten
from headstart.modeling.json_headstart import distinct
from headstart.report.results import RunKey, RunResult
from headstart.report.systems import Run
from headstart.saving import write_file

logger = logging.getLogger(__name__)

NAMED = 3  # runs, at most, that a message names


def read_log(log: Path, runs: Sequence[Run]) -> dict[RunKey, RunResult]:
    """The log's results of these runs with these settings. A last line that a killed writer left damaged is taken out of the file.

    Raises:
        DataError: a line before the last is damaged.
    """
    if not log.exists():
        return {}
    lines = log.read_bytes().split(b"\n")
    filled = [number for number, line in enumerate(lines, start=1) if line.strip(b"\0\r\t ")]
    results: dict[tuple[RunKey, str], RunResult] = {}
    for number in filled:
        try:
            result = _parse(lines[number - 1])
        except ValueError as error:
            if number < filled[-1]:
                raise DataError(f"{log}, line {number}: {error}. Take the line out; its run is done again.") from error
            logger.warning("%s: the last line, %d, is damaged; its run is done again", log, number)
        else:
            if number < len(lines):  # otherwise its end is missing: it may have been cut off within a number
                results[(result["skill"], result["system"], result["seed"]), result["fingerprint"]] = result
                continue
            logger.warning("%s: the last line, %d, is cut off; its run is done again", log, number)
        write_file(log, b"".join(line + b"\n" for line in lines[: number - 1]).decode("utf-8-sig"))
    return _of_runs(log, results, runs)


def _parse(line: bytes) -> RunResult:
    """The result that a line holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        result = json.loads(line.decode("utf-8-sig"), object_pairs_hook=distinct)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error}): {shorten(line[:60].decode('utf-8', 'replace'))}") from error
    if not isinstance(result, dict):
        raise ValueError(f"found {shorten(result)}; allowed: the result of a run")
    missing = sorted(RunResult.__required_keys__ - result.keys())
    if missing:
        raise ValueError(f"field {missing[0]!r} is missing; a result of a run has it")
    names = ("skill", "system", "fingerprint")
    if not all(isinstance(result[name], str) for name in names) or not isinstance(result["seed"], int):
        raise ValueError(f"{', '.join(names)} or seed is not what a run is called by")
    return cast(RunResult, result)


def _of_runs(log: Path, results: dict[tuple[RunKey, str], RunResult], runs: Sequence[Run]) -> dict[RunKey, RunResult]:
    """Of the results those of these runs; the log names runs that were made with other settings."""
    keys = {key for key, _ in results}
    known = [run for run in runs if run.key in keys]
    same = {run.key: results[run.key, run.fingerprint] for run in known if (run.key, run.fingerprint) in results}
    others = [", ".join(map(str, run.key)) for run in known if run.key not in same]
    if others:
        more = f"; and {len(others) - NAMED} more" if len(others) > NAMED else ""
        logger.warning(
            "%s: %s; done again: %s%s",
            log, counted_kind(len(others), "runs of another base, data, options or version"), "; ".join(others[:NAMED]), more,
        )  # fmt: skip
    return same


__all__ = ["read_log"]
