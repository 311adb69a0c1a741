"""What a server tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

from headstart.version import __version__

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        told: dict[str, Any] = {"registry": self.registry}
        Gauge("headstart_info", "Version of headstart.", ["version"], **told).labels(__version__).set(1)
        self.requests = Counter("headstart_requests", "Requests.", ["path", "status"], **told)
        self.seconds = Histogram("headstart_request_seconds", "Time of a request.", ["path"], buckets=SECONDS, **told)
        self.answers = Counter("headstart_answers", "Answers; without a skill: for none.", ["skill", "recognized"], **told)
        self.batches = Histogram("headstart_batch_texts", "Texts answered at once.", buckets=TEXTS, **told)
        self.waiting = Gauge("headstart_waiting_texts", "Texts that wait.", **told)
        self.reloads = Counter("headstart_reloads", "Models loaded anew, or not.", ["succeeded"], **told)

    def watch_waiting(self, count: Callable[[], float]) -> None:
        """Ask for the number of waiting texts when somebody wants to know."""
        self.waiting.set_function(count)

    def page(self) -> bytes:
        """What is sent to Prometheus, of type [`CONTENT_TYPE`]."""
        return generate_latest(self.registry)


__all__ = ["CONTENT_TYPE", "Metrics"]
