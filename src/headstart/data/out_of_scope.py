"""Out-of-scope utterances: what is none of a skill's intents."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from headstart.data.rows import SUFFIXES, DataError, read_rows, read_text
from headstart.data.texts import plain_text

TABLES = (".csv", ".tsv")
EMBEDDED = "out_of_scope.en.txt"  # beside this module


def read_out_of_scope(path: str | Path | None = None) -> dict[str, list[str]]:
    """Out-of-scope utterances by domain.

    Args:
        path: a file of rows (`.jsonl`), or a text file with one utterance a line, where `## name` opens a domain and other lines
            that begin with `#` are skipped; the one that comes with the package if it is left out.

    Raises:
        DataError: there is no such file, or nothing in it.
    """
    if path is None:
        text = files(__package__).joinpath(EMBEDDED).read_text(encoding="utf-8")
    elif Path(path).suffix.lower() in SUFFIXES:
        return {"": [row["text"] for row in read_rows(path)]}
    elif Path(path).suffix.lower() in TABLES:
        raise DataError(f"{path}: is a table; allowed: a text file with one out-of-scope utterance a line, or rows (.jsonl).")
    elif Path(path).is_file():
        text = read_text(Path(path))
    else:
        raise DataError(f"{path}: there is no such file; allowed: a text file with one out-of-scope utterance a line.")
    domains: dict[str, list[str]] = {}
    domain = ""
    for line in (line.strip() for line in text.split("\n")):
        if line.startswith("## "):
            domain = line[3:].strip()
        elif line and not line.startswith("#"):
            domains.setdefault(domain, []).append(line)
    if not domains:
        raise DataError(f"{path}: holds no utterance; allowed: one a line, besides lines that begin with #.")
    return domains


def list_out_of_scope(path: str | Path | None = None) -> list[str]:
    """[`read_out_of_scope`], of all domains."""
    return [text for texts in read_out_of_scope(path).values() for text in texts]


def without_own(utterances: Sequence[str], own: Sequence[str]) -> list[str]:
    """Leave out what the skill's own utterances say too, in whatever case."""
    same = {plain_text(text) for text in own}
    return [text for text in utterances if plain_text(text) not in same]


__all__ = ["list_out_of_scope", "read_out_of_scope", "without_own"]
