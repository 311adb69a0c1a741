"""Runs of a report, in parallel, and the log of those that are done: a report that was stopped goes on where it was."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import torch
from datasets.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled
from joblib import Parallel, delayed, parallel_config
from tqdm.auto import tqdm
from transformers.utils import logging as transformers_logging

from headstart.report.log import one_writer, read_log
from headstart.report.results import RunKey, RunResult
from headstart.report.systems import Run
from headstart.report.workers import end_with_parent

logger = logging.getLogger(__name__)


def run_all(runs: Sequence[Run], log: Path, jobs: int = 2, backend: str = "loky") -> list[RunResult]:
    """Do every run that the log doesn't hold, and append its result to the log as soon as it is there.

    Args:
        runs: what to do.
        log: JSON-lines file of results. One of the same run with other settings, or other data, is not taken: the run is done again.
        jobs: processes, of one thread each.
        backend: `loky` (processes on this machine) or `ray` (several machines; needs `pip install ray`).

    Returns:
        the results of these runs, in their order.

    Raises:
        DataError: a line of the log is damaged.
        ValueError: some runs failed, after all others were done; there is no such backend; or another report writes the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with one_writer(log):
        return _run_missing(runs, log, jobs, backend)


def _run_missing(runs: Sequence[Run], log: Path, jobs: int, backend: str) -> list[RunResult]:
    done = read_log(log, runs)
    left = [run for run in runs if run.key not in done]
    if done:
        logger.info("%s holds %d of %d runs already", log, len(done), len(runs))
    failures = []
    with parallel_config(n_jobs=jobs, **_backend(backend)), log.open("a", encoding="utf-8") as stream:
        results = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")(
            delayed(_attempt)(run) for run in left
        )
        progress = tqdm(results, initial=len(done), total=len(runs), desc="Runs", unit="run", smoothing=0.05)
        for key, result, error in progress:
            if result is None:
                failures.append(f"{', '.join(map(str, key))}: {error}")
                logger.warning("failed: %s", failures[-1])
                continue
            stream.write(json.dumps(result) + "\n")
            stream.flush()
            done[key] = result
            progress.set_postfix_str(", ".join(map(str, key)), refresh=False)
    if failures:
        shown = "\n  ".join(failures[:20])
        raise ValueError(
            f"{len(failures)} of {len(runs)} runs failed (the others are in {log}); mend them, or leave out:\n  {shown}"
        )
    return [done[run.key] for run in runs]


def _attempt(run: Run) -> tuple[RunKey, RunResult | None, str]:
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


def _backend(name: str) -> dict[str, object]:
    """Options of joblib's `parallel_config`."""
    if name == "loky":
        return {
            "backend": "loky", "inner_max_num_threads": 1, "initializer": end_with_parent, "initargs": (os.getpid(),)
        }  # fmt: skip
    if name != "ray":
        raise ValueError(f"there is no backend {name!r}; allowed: loky, ray.")
    try:
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise ImportError("the backend ray is not installed: pip install ray") from error
    register_ray()
    return {"backend": "ray"}


__all__ = ["run_all"]
