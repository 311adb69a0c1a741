"""Answers that somebody put right, as rows of a skill."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any

from headstart.data.rows import DataError, Row, check_row
from headstart.demo.shown import colours
from headstart.tokenization.alignment_headstart import Span, Words
from headstart.tokenization.answers_headstart import Answer

OUT_OF_SCOPE = "out_of_scope"  # rows beside the others: utterances that are none of the skill's


class Corrections:
    """Rows that are kept as they come, in a file for each skill, which `headstart finetune` reads.

    Args:
        folder: of the files `SKILL.jsonl`, and `SKILL.out_of_scope.jsonl` for utterances that are none of the skill's (`--out_of_scope`); made with
            the first of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()

    def file(self, skill: str, is_none: bool = False) -> Path:
        """Where the rows of a skill are kept, or the utterances that are none of its."""
        name = "".join(sign if sign.isalnum() or sign in "-_. " else "_" for sign in skill)
        return self.folder / (f"{name}.{OUT_OF_SCOPE}.jsonl" if is_none else f"{name}.jsonl")

    def save(self, skill: str, row: Row, is_none: bool = False) -> Path:
        """Keep a row, after what is there.

        Args:
            skill: whose it is.
            row: what is right.
            is_none: it is none of the skill's; of the row, only the text is kept: no intent is annotated then.

        Returns:
            the file.

        Raises:
            DataError: the row is not as it must be.
            OSError: it can't be written.
        """
        checked = check_row({**row, "intent": None, "slots": []} if is_none else row, "the correction")
        line = json.dumps(checked, ensure_ascii=False)
        file = self.file(skill, is_none)
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(line + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        return file


def editor_value(answer: Answer, words: Words, labels: Sequence[str]) -> dict[str, Any]:
    """What the editor of spans shows: the words of a text with what stands between them, slot labels, and spans of words.

    Everything that is shown is escaped; spans are words by number, both ends included.
    """
    text = answer["text"]
    ends = [0, *words.ends]
    shown = [
        {"before": escape(text[before:start]), "shown": escape(text[start:end])}
        for before, start, end in zip(ends, words.starts, words.ends, strict=False)
    ]
    spans = []
    for slot in answer["slots"]:
        inside = [number for number, start in enumerate(words.starts) if slot["start"] <= start < slot["end"]]
        if inside:
            spans.append({"first": inside[0], "last": inside[-1], "label": labels.index(slot["label"])})
    own = colours(labels)
    chips = [{"shown": escape(label), "colour": own[label]} for label in labels]
    return {"text": text, "words": shown, "labels": chips, "spans": spans, "chosen": None}


def row_of(value: Mapping[str, Any], words: Words, labels: Sequence[str], intent: str | None) -> Row:
    """The row that an editor's value says.

    Args:
        value: as the browser has it.
        words: those of its text.
        labels: slot labels of the skill.
        intent: the right one.

    Raises:
        DataError: it is none that an editor makes.
    """
    try:
        text: str = value["text"]
        marked = [(int(span["first"]), int(span["last"]), int(span["label"])) for span in value["spans"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the spans can't be read ({error}); ask again, and mark them anew.") from error
    if wrong := [span for span in marked if not (0 <= span[0] <= span[1] < len(words) and 0 <= span[2] < len(labels))]:
        raise DataError(f"the spans don't fit the text (words {wrong[0][0]} to {wrong[0][1]}); ask again, and mark them anew.")
    spans: list[Span] = [
        {"start": words.starts[first], "end": words.ends[last], "label": labels[label]} for first, last, label in sorted(marked)
    ]
    return {"text": text, "intent": intent, "slots": spans}


__all__ = ["Corrections", "editor_value", "row_of"]
