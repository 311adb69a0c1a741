"""What is asked and answered, whatever the network runs on: requests are checked, and decoded numbers become labels and characters."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .alignment_headstart import Words, tags_to_spans

logger = logging.getLogger(__name__)

SURROGATES = re.compile("[\ud800-\udfff]")


def check_requests(inputs: Any) -> None:
    """See that the inputs are one text that is not blank, or can be gone through for several.

    Raises:
        ValueError: a single text is blank.
        TypeError: they are neither a string nor several things.
    """
    if isinstance(inputs, str) and not inputs.strip():
        raise ValueError(f"the text {inputs!r} is blank: there is nothing to understand. Give at least one word.")
    if not isinstance(inputs, str) and (isinstance(inputs, (bytes, Mapping)) or not hasattr(inputs, "__iter__")):
        raise TypeError(f"found {type(inputs).__name__}; give a string, or a list of strings for several requests.")


def check_text(text: Any) -> None:
    """Raise `TypeError` if one of several requests is not a string."""
    if not isinstance(text, str):
        raise TypeError(f"found {type(text).__name__}; every request must be a string.")


def readable(text: str) -> str:
    """The text, as long as it was, as a tokenizer can read it: halves of characters (lone surrogates) are characters that it doesn't know."""
    return SURROGATES.sub("\ufffd", text)


def check_threshold(reject_threshold: float | None) -> None:
    """Raise `ValueError` if it is no probability."""
    if reject_threshold is not None and not 0 <= reject_threshold <= 1:
        raise ValueError(f"reject_threshold is {reject_threshold}; it must lie between 0 and 1 (never reject).")


def warn_of_cut(text: str, words: Words, num_pieces: int, max_pieces: int) -> None:
    """Log that the end of a text was not read, if that is so.

    Args:
        text: what was given.
        words: what of it was read.
        num_pieces: its pieces, as they were read.
        max_pieces: more are cut off.
    """
    if num_pieces == max_pieces and text[words.ends[-1] :].strip():
        logger.warning(
            "a text of %d characters was cut after %d (%d pieces): slots behind them are not found",
            len(text), words.ends[-1], max_pieces,
        )  # fmt: skip


def make_answer(
    entry: Mapping[str, Any],
    text: str,
    words: Words,
    intent: int,
    intent_score: float,
    tags: Sequence[int],
    tag_scores: Sequence[float],
) -> dict[str, Any]:
    """The answer to one text; [`NLUPipeline`] says what is in it.

    Args:
        entry: the skill's entry in the configuration.
        text: the text.
        words: its words.
        intent: number of the intent, below 0 if it is none of the skill's.
        intent_score: its probability.
        tags: those of the words; not read if the skill has no slots.
        tag_scores: their probabilities.
    """
    found = None
    if entry["intents"] and len(words):
        found = {"label": entry["intents"][intent] if intent >= 0 else None, "score": intent_score}
    spans: list[dict[str, Any]] = []
    if entry["slots"] and not (found is not None and found["label"] is None):
        spans = tags_to_spans(tags, words, entry["slots"], tag_scores)
    slots = [
        {
            "label": span["label"],
            "start": span["start"],
            "end": span["end"],
            "value": text[span["start"] : span["end"]],
            "score": span["score"],
        }
        for span in spans
    ]
    return {"text": text, "skill": entry["name"], "intent": found, "slots": slots}


def make_no_answer(text: str, score: float) -> dict[str, Any]:
    """The answer to a text that is for none of several skills, with the probability of that; without an intent if it is blank."""
    return {"text": text, "skill": None, "intent": {"label": None, "score": score} if text.strip() else None, "slots": []}


__all__ = ["check_requests", "check_text", "check_threshold", "make_answer", "make_no_answer", "readable", "warn_of_cut"]
