"""What users said, as a server logs it: one utterance a line, or JSON lines that have a text."""

from __future__ import annotations

import json
from pathlib import Path

from headstart.data.rows import SUFFIXES, DataError, kind_of, read_text, shorten


def read_log(path: Path) -> list[str]:
    """The utterances of a log, as often as they are in it; blank lines are left out.

    Args:
        path: a text file with one utterance a line, or JSON lines (`.jsonl`) with a field `text`, whatever else they have.

    Raises:
        DataError: there is no such file, a line is not as it must be, or none has an utterance.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such file; allowed: a text file with one utterance a line, or JSON lines with a text."
        )
    lines = [(number, line.strip()) for number, line in enumerate(read_text(path).split("\n"), start=1)]
    is_json = path.suffix.lower() in SUFFIXES
    texts = [_text_of(line, f"{path}, line {number}") if is_json else line for number, line in lines if line]
    if not any(text.strip() for text in texts):
        raise DataError(f"{path}: holds no utterance; give one a line.")
    return [text for text in texts if text.strip()]


def _text_of(line: str, where: str) -> str:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON: {shorten(line)}; one object a line, with a text.") from error
    text = content.get("text") if isinstance(content, dict) else None
    if not isinstance(text, str):
        found = shorten(text) if isinstance(content, dict) else kind_of(content)
        raise DataError(f'{where}: found {found}; allowed: an object such as {{"text": "stop"}}.')
    return text


__all__ = ["read_log"]
