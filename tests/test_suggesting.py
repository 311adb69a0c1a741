"""Which utterances of a log are asked next: unsure ones, unlike each other and what is annotated, and each once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart import DataError, load_skill
from headstart.cli import main
from headstart.data.logs import read_log
from headstart.data.rows import read_rows
from headstart.evaluation.suggesting import _doubt, _take, suggest
from headstart.loading import load_pipeline


@pytest.fixture(scope="module")
def nlu(tiny_base: Path) -> Any:
    return load_pipeline(tiny_base)


def test_a_text_is_asked_once_and_not_if_it_is_annotated(nlu: Any) -> None:
    log = ["brew coffee", "Brew  coffee", "stop", "stop", "stop", "book a flight"]
    found = suggest(nlu, log, 10, known=[{"text": "Book a flight", "intent": None, "slots": []}], skill="travel")
    assert {(row["text"], row["count"]) for row in found} == {("brew coffee", 2), ("stop", 3)}
    assert suggest(nlu, ["stop"], known=[{"text": "STOP", "intent": None, "slots": []}], skill="travel") == []


def test_texts_that_are_alike_are_not_asked_together() -> None:
    states = np.array([[1.0, 0.0], [0.999, 0.045], [0.0, 1.0]])
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    assert _take(states, states[:0], np.array([1.0, 0.9, 0.3]), 2) == [0, 2]
    assert _take(states, states[:1], np.array([1.0, 0.9, 0.3]), 1) == [2]
    assert _take(states, states[2:], np.array([0.2, 0.9, 1.0]), 1) == [1]


def test_doubt_is_of_the_intent_of_none_and_of_slots() -> None:
    def answer(best: float, second: float, none: float, slot: float) -> Any:
        ranked = [{"label": "On", "score": best}, {"label": "Off", "score": second}]
        return {"intent": ranked[0], "intents": ranked, "out_of_scope": none, "slots": [{"label": "place", "score": slot}]}

    assert _doubt(answer(0.97, 0.02, 0.01, 0.99)) == (pytest.approx(0.05), "unlike what is annotated")
    assert _doubt(answer(0.5, 0.45, 0.05, 0.99)) == (pytest.approx(0.95), "the intent")
    assert _doubt(answer(0.75, 0.0, 0.25, 0.99))[1] == "none of these"
    assert _doubt(answer(0.97, 0.02, 0.01, 0.4)) == (pytest.approx(0.6), "the slot place")


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("\nlights on\n\n lights on \n", encoding="utf-8")
    assert read_log(log) == ["lights on", "lights on"]
    rows = tmp_path / "log.jsonl"
    rows.write_text('{"text": "stop", "user": 7}\n', encoding="utf-8")
    assert read_log(rows) == ["stop"]
    rows.write_text('{"said": "stop"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 1: found None; allowed: an object such as"):
        read_log(rows)
    log.write_text(" \n", encoding="utf-8")
    with pytest.raises(DataError, match="holds no utterance"):
        read_log(log)


def test_the_command_gives_rows_that_can_be_corrected(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, rows = tmp_path / "log.txt", tmp_path / "rows.jsonl"
    log.write_text("brew coffee\nstop\nbook a flight to oslo\n", encoding="utf-8")
    command = ["suggest", str(tiny_base), "--skill", "travel", "--texts", str(log), "--number", "2"]
    assert main(command) == 0
    lines = capsys.readouterr().out
    assert len(lines.splitlines()) == 2
    assert {"text", "intent", "slots", "count", "doubt", "why"} == set(json.loads(lines.splitlines()[0]))
    assert main([*command, "--out", str(rows)]) == 0
    assert rows.read_text(encoding="utf-8") == lines and len(read_rows(rows)) == 2
    assert load_skill(rows).rows("train")[0]["text"] in log.read_text(encoding="utf-8")
