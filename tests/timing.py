"""Times for tests: of a processor, and compared with another's of the same process, since machines differ and are busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Processor time of the fastest of several calls."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


@cache
def yardstick() -> float:
    """What a loop of a million steps in Python takes: some tens of milliseconds."""
    return seconds(lambda: [number * number for number in range(1_000_000)])
