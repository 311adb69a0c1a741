"""Runs of a report, in parallel: on this machine, or on a Ray cluster. A report that was stopped goes on where it was."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import torch
from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled
from joblib import Parallel, delayed, parallel_config
from tqdm.auto import tqdm
from transformers.utils import logging as transformers_logging

from headstart.data.rows import counted
from headstart.report import cluster
from headstart.report.log import read_log
from headstart.report.results import RunKey, RunResult
from headstart.report.systems import Run
from headstart.report.workers import end_with_parent

logger = logging.getLogger(__name__)

Outcome = tuple[RunKey, RunResult | None, str]  # without a result, what went wrong
JOBS = 2


def run_all(runs: Sequence[Run], log: Path, jobs: int | None = None, backend: str = "loky") -> list[RunResult]:
    """Do every run that the log doesn't hold, and append its result to the log as soon as it is there.

    Args:
        runs: what to do.
        log: JSON-lines file of results. One of the same run with other settings, or other data, is not taken: the run is done again.
        jobs: runs at once, of one thread each; None: two here, and as many as a Ray cluster has CPUs for.
        backend: one of [`BACKENDS`].

    Returns:
        the results of these runs, in their order.

    Raises:
        DataError: a line of the log is damaged.
        ValueError: some runs failed, after all others were done.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    done = read_log(log, runs)
    logger.info(
        "%s, of which %s holds %d already; if it is stopped, the same command goes on where it was",
        counted(len(runs), "run"),
        log,
        len(done),
    )
    left = {run.key: run for run in runs if run.key not in done}
    wanted = {key: run.fingerprint for key, run in left.items()}
    failures = []
    with log.open("a", encoding="utf-8") as stream:
        results = BACKENDS[backend]([_anywhere(run) for run in left.values()], jobs)
        progress = tqdm(results, initial=len(done), total=len(runs), desc="Runs", unit="run", smoothing=0.05, disable=None)
        for key, result, error in progress:
            if result is not None and result["fingerprint"] != wanted[key]:
                result, error = None, "the data, the base or the version of headstart are others where or when it ran"
            if result is None:
                failures.append(f"{', '.join(map(str, key))}: {error}")
                logger.warning("failed: %s", failures[-1])
                continue
            stream.write(json.dumps(result) + "\n")
            stream.flush()
            done[key] = result
            progress.set_postfix_str(", ".join(map(str, key)), refresh=False)
            if progress.disable:  # nobody sees the bar
                logger.info("run %d of %d: %s", len(done), len(runs), ", ".join(map(str, key)))
    if failures:
        shown = "\n  ".join(failures[:20])
        raise ValueError(
            f"{len(failures)} of {counted(len(runs), 'run')} failed (the others are in {log}); mend them, or leave out:\n  {shown}"
        )
    return [done[run.key] for run in runs]


def _anywhere(run: Run) -> Run:
    """The run as another process finds its files, wherever it was started; it looks at them itself, for its fingerprint."""
    base = str(Path(run.base).absolute()) if Path(run.base).is_dir() else run.base
    distilled = None if run.distilled is None else run.distilled.absolute()
    return replace(run, case=run.case.anywhere(), base=base, distilled=distilled)


def _on_this_machine(runs: Sequence[Run], jobs: int | None) -> Iterator[Outcome]:
    options = {"inner_max_num_threads": 1, "initializer": end_with_parent, "initargs": (os.getpid(),)}
    with parallel_config(n_jobs=jobs or JOBS, backend="loky", **options):
        yield from Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")(
            delayed(_attempt)(run) for run in runs
        )


def _on_a_cluster(runs: Sequence[Run], jobs: int | None) -> Iterator[Outcome]:
    for run, outcome in cluster.do_all(_attempt, runs, jobs):
        yield (run.key, None, outcome) if isinstance(outcome, str) else outcome


BACKENDS: dict[str, Callable[[Sequence[Run], int | None], Iterator[Outcome]]] = {
    "loky": _on_this_machine,
    "ray": _on_a_cluster,
}


def check_backend(name: str) -> None:
    """Raise `ValueError` if there is no such backend, `ImportError` if it is not installed."""
    if name not in BACKENDS:
        raise ValueError(f"there is no backend {name!r}; allowed: {', '.join(BACKENDS)}.")
    if name == "ray":
        cluster.check_installed()


def _attempt(run: Run) -> Outcome:
    """The run's key and its result, or what went wrong: the runs beside it shall not be lost to it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _quiet():
            return run.key, run(), ""
    except Exception as error:  # noqa: BLE001 (all are reported when the others are done)
        return run.key, None, f"{type(error).__name__}: {error}"
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what single trainings say: hundreds of them would drown the progress bar."""
    own, verbosity = logging.getLogger("headstart"), transformers_logging.get_verbosity()
    level, has_bars = own.level, is_progress_bar_enabled()
    own.setLevel(logging.ERROR)
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    disable_progress_bar()
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):  # the Trainer prints its metrics
            warnings.simplefilter("ignore")
            yield
    finally:
        own.setLevel(level)
        transformers_logging.set_verbosity(verbosity)
        transformers_logging.enable_progress_bar()
        if has_bars:
            enable_progress_bar()


__all__ = ["BACKENDS", "check_backend", "run_all"]
