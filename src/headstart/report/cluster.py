"""Work on a Ray cluster: what a machine that dies was doing is done again by another one."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

from headstart.data.rows import counted

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10
RETRIES = 5  # of something whose machine, or process, died
PASSED_ON = ("HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME")  # to processes that this one doesn't start
Given = TypeVar("Given")
Made = TypeVar("Made")


def check_installed() -> None:
    """Raise `ImportError` if ray is not installed."""
    if find_spec("ray") is None:
        raise ImportError("the backend ray is not installed: pip install 'headstart[ray]'")


def do_all(work: Callable[[Given], Made], items: Sequence[Given], jobs: int | None) -> Iterator[tuple[Given, Made | str]]:
    """Do something with each item on a cluster, one CPU each.

    Args:
        work: a function of a module that is installed on all machines.
        items: what it is given; files that they name are there on all machines.
        jobs: how many are done at once; None: as many as the cluster has CPUs for, whenever machines come and go.

    Returns:
        each item, in the order in which they are done, with what was made of it, or why nothing was.
    """
    import ray
    from ray.exceptions import RayError

    with _connected(jobs):
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        remote: Any = ray.remote(num_cpus=1, max_retries=RETRIES, runtime_env={"env_vars": environment})(work)
        waiting = list(reversed(items))
        doing: dict[Any, Given] = {}
        while waiting or doing:
            while waiting and (jobs is None or len(doing) < jobs):
                item = waiting.pop()
                doing[remote.remote(item)] = item
            for reference in ray.wait(list(doing))[0]:
                item = doing.pop(reference)
                try:
                    made = ray.get(reference)
                except RayError as error:  # its machines died again and again, or have no headstart
                    yield item, f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
                else:
                    yield item, made


@contextmanager
def _connected(jobs: int | None) -> Iterator[None]:
    """Connected to the cluster that RAY_ADDRESS names, or that runs here; otherwise to a new one of this machine, until the block ends.

    Raises:
        ValueError: the cluster can't be joined.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS", "")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        _check_reachable(address)
        try:
            ray.init("auto", **options)
        except ConnectionError:
            if address:
                raise
            logger.info("no Ray cluster runs here: one is started for this report")
            ray.init("local", num_cpus=jobs, include_dashboard=False, **options)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"the Ray cluster at {address or 'auto'!r} can't be joined: {' '.join(str(error).split())[:300]}. See that it runs (ray status), or unset "
            "RAY_ADDRESS to have one started."
        ) from error
    try:
        cpus = int(ray.cluster_resources().get("CPU", 0))
        logger.info("Ray cluster: %s, %s", counted(len(ray.nodes()), "machine"), counted(cpus, "CPU"))
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise `OSError` if nobody listens at `host:port`: ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()


__all__ = ["check_installed", "do_all"]
