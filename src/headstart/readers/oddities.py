"""What of a source is not as it should be: counted while it is read, and said once in the log."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from headstart.data.rows import shorten

logger = logging.getLogger(__name__)


class Oddities(Counter[str]):
    """Counts of what is left out or read otherwise than it is written, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.examples: dict[str, str] = {}

    def note(self, kind: str, example: Any) -> None:
        """Count something and keep the first of its kind, to be shown. The kind says what becomes of it."""
        if kind not in self.examples:
            self.examples[kind] = shorten(example)
        self[kind] += 1

    def warn(self, where: object) -> None:
        """Log each kind once, with its count and, if there is one, its example.

        Args:
            where: what messages call the source.
        """
        for kind, count in self.items():
            if kind in self.examples:
                logger.warning("%s: %d %s, such as %s", where, count, kind, self.examples[kind])
            elif count:
                logger.warning("%s: left out %d %s", where, count, kind)


__all__ = ["Oddities"]
