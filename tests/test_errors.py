"""What is told of the errors of a skill, as data and as a page."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from headstart.cli import main
from headstart.evaluation.by_label import NONE, score_labels
from headstart.evaluation.error_report import error_page
from headstart.evaluation.errors import NO_SLOT, Errors, calibration_bins, find_errors


def answer(text: str, intent: str | None, score: float, *slots: tuple[int, int, str]) -> Any:
    spans = [{"start": start, "end": end, "label": label, "value": text[start:end], "score": 0.9} for start, end, label in slots]
    return {"text": text, "skill": "home", "intent": {"label": intent, "score": score}, "slots": spans}


def row(text: str, intent: str | None, *slots: tuple[int, int, str]) -> Any:
    return {
        "text": text,
        "intent": intent,
        "slots": [{"start": start, "end": end, "label": label} for start, end, label in slots],
    }


CASES = [
    (row("lights on", "On"), answer("lights on", "On", 0.97)),
    (row("lamp on <b>", "On"), answer("lamp on <b>", "Off", 0.91)),
    (row("make it bright", "On"), answer("make it bright", "Off", 0.55)),
    (row("dark please", "Off"), answer("dark please", None, 0.62)),
    (row("hall lamp off", "Off", (0, 4, "place")), answer("hall lamp off", "Off", 0.8, (0, 9, "place"))),
    (row("hall on", "On", (0, 4, "place")), answer("hall on", "On", 0.95)),
    (row("red on", "On"), answer("red on", "On", 0.88, (0, 3, "colour"))),
]


@pytest.fixture
def errors() -> Errors:
    references, answers = ([case[part] for case in CASES] for part in (0, 1))
    return find_errors("home", answers, references, score_labels(answers, references))


def test_wrong_texts_come_by_how_sure_the_wrong_answer_was(errors: Errors) -> None:
    assert [(error.text, error.found) for error in errors.wrong[:3]] == [
        ("lamp on <b>", "Off"),
        ("dark please", NONE),
        ("make it bright", "Off"),
    ]
    assert {error.text for error in errors.wrong[3:]} == {"hall lamp off", "hall on", "red on"}
    assert errors.rows == len(CASES)


def test_confusions_are_counted(errors: Errors) -> None:
    assert errors.intent_confusions == {"On": {"On": 3, "Off": 2}, "Off": {NONE: 1, "Off": 1}}
    assert sorted(errors.slot_confusions) == [(NO_SLOT, "colour", 1), ("place", NO_SLOT, 1), ("place", "place", 1)]


def test_advice_begins_with_what_costs_most(errors: Errors) -> None:
    first = errors.advice[0]
    assert first.errors == 2 and "2 of 5 rows of 'On' are taken for 'Off'" in first.what
    assert first.examples == ["lamp on <b>", "make it bright"]
    told = " ".join(advice.what for advice in errors.advice)
    for words in (
        "'Off' are rejected",
        "'place' is not found",
        "'place' is found with other limits",
        "'colour' is found where nothing is annotated",
    ):
        assert words in told


def test_calibration_is_by_tenths_of_the_scores() -> None:
    bins = calibration_bins([(0.91, True), (0.99, False), (1.0, True), (0.12, False)])
    assert [(one.answers, one.right) for one in bins] == [(1, 0.0), (3, 0.6667)]
    assert bins[1].score == pytest.approx(0.9667)


class Tags(HTMLParser):
    """Tags that are open, and what a page asks for from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.foreign += [f"{tag} {name}" for name, _ in attributes if name in ("src", "href")] + [tag] * (
            tag in ("script", "link", "b0")
        )
        if tag not in ("meta", "br", "rect", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "circle"):
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(errors: Errors) -> None:
    page, tags = error_page(errors), Tags()
    tags.feed(page)
    assert not tags.open and not tags.foreign
    assert "lamp on &lt;b&gt;" in page and "lamp on <b>" not in page
    assert page.count("<circle") == len(errors.calibration)


def test_a_page_without_errors_says_so() -> None:
    case = CASES[0]
    page = error_page(find_errors("home", [case[1]], [case[0]], score_labels([case[1]], [case[0]])))
    assert "1 of 1 rows are answered as they are annotated" in page and "Nothing is wrong." in page


def test_the_command_writes_both(tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"text": "book a flight", "intent": "nonsense", "slots": []}) + "\n", encoding="utf-8")
    command = ["evaluate", str(tiny_base), "--skill", "travel", "--data", str(rows), "--quiet"]
    assert main([*command, "--errors", str(tmp_path / "errors.html")]) == 0
    assert main([*command, "--errors", str(tmp_path / "errors.json")]) == 0
    assert "book a flight" in (tmp_path / "errors.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "errors.json").read_text(encoding="utf-8"))["wrong"][0]["wanted"] == "nonsense"
    capsys.readouterr()
    assert main([*command, "--errors", str(tmp_path / "errors.pdf")]) == 2
    assert "a file that ends in .html or .json" in capsys.readouterr().err
