"""Words with their slot tags (IOB1, IOB2, BIOES or BILOU), as one template."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headstart.data.templates import Slot, Template
from headstart.readers.oddities import NOWHERE, Oddities, Where
from headstart.readers.parts import UNANNOTATED, join_text

TAG = re.compile(r"O|[BIESLU]-\S+")


def tagged_template(
    words: Sequence[str], tags: Sequence[str], intent: str | None, oddities: Oddities, where: Where = NOWHERE
) -> Template:
    """The template of tagged words, which are joined by one blank. A tag that continues no slot begins one, which reads IOB1 too.

    Args:
        words: of an utterance.
        tags: as many.
        intent: of the utterance.
        oddities: counts what is no tag.
        where: it stands.
    """
    spans: list[tuple[str | None, list[str]]] = []
    is_open, is_annotated = False, True
    for word, tag in zip(words, tags, strict=True):
        word = " ".join(word.split())
        prefix, _, label = tag.partition("-")
        if tag != "O" and not label.strip():
            oddities.note(f"tags that are no tags, {UNANNOTATED}", f"{tag} of {word}", where)
            is_annotated = False
        if not label.strip():
            spans.append((None, [word]))
        elif spans and is_open and prefix in "IEL" and spans[-1][0] == label:
            spans[-1][1].append(word)
        else:
            spans.append((label, [word]))
        is_open = bool(label.strip()) and prefix in "BI"
    parts: list[str | Slot] = []
    for slot, found in spans:
        value = " ".join(filter(None, found))
        if value:
            parts += [" ", Slot(slot, value) if slot is not None else value]
    return Template(intent, tuple(join_text(parts)), is_annotated)


def word_places(words: list[str], text: str) -> list[tuple[int, int]] | None:
    """Where each word stands in a text that holds nothing but them and blanks, in whatever case; None if it holds something else."""
    lower = text.lower()
    if len(lower) != len(text):
        return None
    places, end = [], 0
    for word in words:
        start = end
        while start < len(text) and text[start].isspace():
            start += 1
        if not lower.startswith(word.lower(), start):
            return None
        end = start + len(word)
        places.append((start, end))
    return places if not text[end:].strip() else None


__all__ = ["TAG", "tagged_template", "word_places"]
