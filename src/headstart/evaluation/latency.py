"""How long one request takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

TIMED_TEXTS = 30


def median_latency(answer: Callable[[list[str]], Any], texts: Sequence[str]) -> float:
    """Median milliseconds of one request at a time, on one thread, over [`TIMED_TEXTS`] requests after five that are not timed.

    Args:
        answer: the model.
        texts: requests, used in turn.
    """
    texts = list(texts)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    try:
        for number in range(-5, TIMED_TEXTS):
            started = time.perf_counter()
            answer([texts[number % len(texts)]])
            times.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    return statistics.median(times[5:]) * 1000


__all__ = ["median_latency"]
