"""What of a source is not as it should be: counted while it is read, and said once in the log, with where the first few of it stand."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter, defaultdict
from typing import Any, NamedTuple

from headstart.data.rows import SHOWN, counted_kind, shorten
from headstart.readers.source import SourceFile

logger = logging.getLogger(__name__)

FINDABLE = 4  # characters; what is shorter may be part of anything


class Where(NamedTuple):
    """Where something stands.

    Args:
        file: in which file; None: that is not known.
        at: which line or item of the file, such as `line 3`; looked for in its text if it is left out.
    """

    file: SourceFile | None = None
    at: str | None = None

    def name(self, example: Any) -> str:
        """File, and line or item, as a message names it; empty if nothing is known."""
        if self.file is None:
            return self.at or ""
        at = self.at or _line_of(example, self.file)
        return f"{self.file.where}, {at}" if at else self.file.where


NOWHERE = Where()


def _line_of(example: Any, file: SourceFile) -> str:
    """The first line with that text; empty if there is none."""
    text = file.text_or_none
    if not isinstance(example, str) or not example.strip() or text is None:
        return ""
    written = json.dumps(example, ensure_ascii=False)
    forms = (written, json.dumps(example), *((example.strip(), written[1:-1]) if len(example.strip()) >= FINDABLE else ()))
    for form in forms:
        place = text.find(form)
        if place >= 0:
            return f"line {text.count(chr(10), 0, place) + 1}"
    return ""


class Oddities(Counter[str]):
    """Counts of what is left out or read otherwise than it is written, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.examples: dict[str, list[str]] = defaultdict(list)
        self._read: set[str] = set()

    def note(self, kind: str, example: Any, where: Where = NOWHERE) -> None:
        """Count something, and keep the first few of its kind, to be shown. The kind says what becomes of it."""
        self._read.add(kind)
        self.leave_out(kind, example, where)

    def leave_out(self, kind: str, example: Any, where: Where = NOWHERE) -> None:
        """[`Oddities.note`] for what is left out, which the kind need not say."""
        self[kind] += 1
        if len(self.examples[kind]) < SHOWN:
            name = where.name(example)
            self.examples[kind].append(f"{name}: {shorten(example)}" if name else shorten(example))

    def warn(self, where: object) -> None:
        """Log each kind once, with its count and its examples.

        Args:
            where: what messages call the source.
        """
        for kind, count in self.items():
            if count:
                # Of files of the source, what is below it is enough.
                shown = [re.sub(rf"^{re.escape(str(where))}(?:, |: |/)", "", text) for text in self.examples[kind]]
                such = f", such as {'; '.join(shown)}" if shown else ""
                left_out = "" if kind in self._read else "left out "
                logger.warning("%s: %s%s%s", where, left_out, counted_kind(count, kind), such)


__all__ = ["NOWHERE", "Oddities", "Where"]
