"""Labels as words: what a developer calls an intent says what its users want."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headstart.data.rows import Row

PLATFORMS = re.compile(r"^AMAZON\.")
KINDS = re.compile(r"[\W_]*intent$", re.IGNORECASE)
BORDERS = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Za-z])|[\W_]+")


def label_words(label: str) -> str:
    """The words of a label, lower case, without the platform and the word "intent"; empty if nothing but numbers is left.

    >>> label_words("AMAZON.PlayNextSongIntent"), label_words("create_new_drive_file")
    ('play next song', 'create new drive file')
    """
    words = [word.lower() for word in BORDERS.split(KINDS.sub("", PLATFORMS.sub("", label))) if word]
    return " ".join(words) if any(word != "intent" and not word.isdigit() for word in words) else ""


def rows_of_names(intents: Sequence[str]) -> list[Row]:
    """One row for each intent whose name has words: these, without annotated slots."""
    return [{"text": words, "intent": intent, "slots": None} for intent in intents if (words := label_words(intent))]


__all__ = ["label_words", "rows_of_names"]
