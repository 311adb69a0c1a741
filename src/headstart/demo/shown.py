"""An answer as HTML. Whatever comes from a text or a label is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from headstart.tokenization.answers_headstart import Answer

NONE = "none of these"
GOLDEN_ANGLE = 137.5  # degrees of hue between one slot label's colour and the next one's


def colours(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each slot label, on which black can be read."""
    return {label: f"hsl({number * GOLDEN_ANGLE % 360:.0f} 75% 78%)" for number, label in enumerate(labels)}


def answer_html(answer: Answer, labels: Sequence[str], milliseconds: float) -> str:
    """The text with its spans, their values and what these stand for, ranked intents, and how long it took.

    Args:
        answer: with `intents`, the best ones.
        labels: slot labels of the skill that answered.
        milliseconds: from the question to the answer.
    """
    skill = "" if answer["skill"] is None else f"{escape(answer['skill'])} · "
    return (
        f'<p class="hs-spans">{"".join(_spans(answer, colours(labels)))}</p>'
        f"{_values(answer)}<div class='hs-intents'>{''.join(_intents(answer))}</div>"
        f'<p class="hs-latency">{skill}{milliseconds:.1f} ms</p>'
    )


def _spans(answer: Answer, colour_of: Mapping[str, str]) -> Iterator[str]:
    text, end = answer["text"], 0
    for slot in answer["slots"]:
        yield escape(text[end : slot["start"]])
        style = f"background:{colour_of[slot['label']]}"
        yield f'<mark style="{style}" data-label="{escape(slot["label"])}">{escape(slot["value"])}</mark>'
        end = slot["end"]
    yield escape(text[end:])


def _values(answer: Answer) -> str:
    if not answer["slots"]:
        return ""
    rows = "".join(
        f"<tr><td>{escape(slot['label'])}</td><td>{escape(slot['value'])}</td><td>{_readings(slot.get('resolution'))}</td>"
        f"<td>{slot['score']:.3f}</td></tr>"
        for slot in answer["slots"]
    )
    return f'<table class="hs-values"><thead><tr><th>slot</th><th>said</th><th>stands for</th><th>probability</th></tr></thead>{rows}</table>'


def _readings(readings: Sequence[Mapping[str, Any]] | None) -> str:
    """What a value stands for: a line for each reading."""
    lines = []
    for reading in readings or ():
        value = reading.get("value")
        rest = {name: found for name, found in reading.items() if name not in ("value", "score")}
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        further = ", ".join(found if isinstance(found, str) else json.dumps(found, ensure_ascii=False) for found in rest.values())
        lines.append(escape(f"{said} ({further})" if further and value is not None else further or said))
    return "<br>".join(lines)


def _intents(answer: Answer) -> Iterator[str]:
    chosen = answer["intent"]["label"]
    lines = [(str(intent["label"]), intent["score"], intent["label"] == chosen) for intent in answer.get("intents", ())]
    if "out_of_scope" in answer:
        lines.append((NONE, answer["out_of_scope"], chosen is None))
    for label, score, is_chosen in lines:
        yield (
            f'<div class="hs-intent{" hs-chosen" if is_chosen else ""}"><span>{escape(label)}</span>'
            f'<meter min="0" max="1" value="{score:.4f}"></meter><output>{score:.3f}</output></div>'
        )


__all__ = ["NONE", "answer_html", "colours"]
