"""The page to try a model in: what it shows, and what becomes of corrections; and all of it in Chromium."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import open_browser
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, finetune, load_skill
from headstart.cli import main
from headstart.data.out_of_scope import list_out_of_scope
from headstart.data.rows import DataError, read_rows
from headstart.demo.app import ANY, MAX_CHARACTERS, Demo, make_demo
from headstart.demo.corrections import Corrections, editor_value, row_of
from headstart.demo.shown import NONE, answer_html
from headstart.tokenization.alignment_headstart import Words

TEXT = "to <b>Paris</b> on monday"
LABELS = ["city", "day"]
WORDS = Words([0, 3, 4, 5, 6, 11, 12, 13, 14, 16, 19], [2, 4, 5, 6, 11, 12, 13, 14, 15, 18, 25], list(range(11)))


def answer(**changes: Any) -> Any:
    slots = [{"label": "city", "start": 6, "end": 11, "value": "Paris", "score": 0.75},
             {"label": "day", "start": 19, "end": 25, "value": "monday", "score": 0.5,
              "resolution": [{"type": "datetime", "value": "2026-12-07", "grain": "day"}]}]  # fmt: skip
    found = {"text": TEXT, "skill": "travel", "intent": {"label": "book", "score": 0.9}, "out_of_scope": 0.05,
             "intents": [{"label": "book", "score": 0.9}, {"label": "<i>", "score": 0.05}], "slots": slots}  # fmt: skip
    return {**found, **changes}


@pytest.fixture
def nlu(tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase) -> NLUPipeline:
    return NLUPipeline(model=copy.deepcopy(tiny_model), tokenizer=tokenizer)


def test_an_answer_shows_spans_values_and_what_they_stand_for_and_runs_nothing() -> None:
    html = answer_html(answer(), LABELS, 1.234)
    assert 'data-label="city">Paris</mark>' in html and "2026-12-07 (datetime, day)" in html and "1.2 ms" in html
    assert "&lt;b&gt;" in html and "<b>" not in html and "&lt;i&gt;" in html and "<i>" not in html
    assert html.index("book") < html.index(NONE) and html.count("hs-chosen") == 1
    html = answer_html(answer(intent={"label": None, "score": 0.9}, out_of_scope=0.9, slots=[], skill=None), [], 1)
    assert f'hs-chosen"><span>{NONE}' in html and "<table" not in html


def test_the_editor_begins_with_what_was_found_and_gives_a_row() -> None:
    value = json.loads(json.dumps(editor_value(answer(), WORDS, LABELS)))  # as it goes to the browser and back
    assert value["spans"] == [{"first": 4, "last": 4, "label": 0}, {"first": 10, "last": 10, "label": 1}]
    assert "".join(word["before"] + word["shown"] for word in value["words"]) == TEXT.replace("<", "&lt;").replace(">", "&gt;")
    value["spans"] = [{"first": 9, "last": 10, "label": 1}, {"first": 4, "last": 4, "label": 0}]
    assert row_of(value, WORDS, LABELS, "ask") == {
        "text": TEXT, "intent": "ask", "slots": [{"start": 6, "end": 11, "label": "city"}, {"start": 16, "end": 25, "label": "day"}]
    }  # fmt: skip
    for first, last, label in ((4, 40, 0), (-1, 4, 0), (4, 3, 0), (4, 4, 2), (4, 4, -1)):
        value["spans"] = [{"first": first, "last": last, "label": label}]
        with pytest.raises(DataError, match="the spans don't fit the text"):
            row_of(value, WORDS, LABELS, "ask")


def test_corrections_are_rows_that_finetune_reads(nlu: NLUPipeline, tmp_path: Path) -> None:
    demo = Demo(nlu, Corrections(tmp_path / "rows"))
    assert demo.choices == ["travel", "bank", "tables"] and demo.intents("bank") == ["pay", "balance", NONE]
    asked = demo.ask("to Paris, 🙂 on monday", "travel")
    assert asked.skill == "travel" and asked.intent in demo.intents("travel")
    editor = {**asked.editor, "spans": [{"first": 1, "last": 1, "label": 0}, {"first": 5, "last": 5, "label": 1}]}
    file = demo.correct("travel", "book", editor)
    demo.correct("travel", "a new one", {**editor, "spans": []})
    assert demo.correct("travel", NONE, {**editor, "text": "what a\nday"}).name == "travel.out_of_scope.jsonl"
    row = {"text": "to Paris, 🙂 on monday", "intent": "book",
           "slots": [{"start": 3, "end": 8, "label": "city"}, {"start": 15, "end": 21, "label": "date"}]}  # fmt: skip
    assert file == tmp_path / "rows" / "travel.jsonl" and read_rows(file) == [row, {**row, "intent": "a new one", "slots": []}]
    assert list_out_of_scope(tmp_path / "rows" / "travel.out_of_scope.jsonl") == ["what a\nday"]
    skill = load_skill(file)
    assert skill.name == "travel" and list(skill.intents) == ["a new one", "book"]


def test_what_is_no_correction(nlu: NLUPipeline, tmp_path: Path) -> None:
    demo = Demo(nlu, Corrections(tmp_path / "rows"))
    editor = {**demo.ask("to paris", "travel").editor, "spans": []}
    overlapping = {**editor, "spans": [{"first": 0, "last": 1, "label": 0}, {"first": 1, "last": 1, "label": 1}]}
    for skill, intent, value, said in (
        (None, "book", editor, "ask something first"),
        ("travel", None, editor, "the intent is missing"),
        ("travel", "book", {**editor, "text": " "}, "allowed: a string that is not blank"),
        ("travel", "book", {**editor, "text": "x" * 3000}, "the text is too long"),
        ("travel", "book", {}, "the spans can't be read"),
        ("travel", "book", overlapping, "overlap"),
    ):
        with pytest.raises(DataError, match=said):
            demo.correct(skill, intent, value)
    with pytest.raises(DataError, match=f"at most {MAX_CHARACTERS}"):
        demo.ask("x" * 3000, "travel")
    assert not (tmp_path / "rows").exists()
    assert Corrections(tmp_path).file("../../a b").parent == tmp_path


def test_without_gradio_the_error_says_what_to_install(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["demo", str(tiny_base)]) == 2
    assert "pip install 'headstart[demo]'" in capsys.readouterr().err


# ---- in Chromium


def until(done: Callable[[], Any]) -> Any:
    """What `done` gives, as soon as it is something."""
    for _ in range(600):
        if found := done():
            return found
        time.sleep(0.2)
    raise TimeoutError("the page doesn't show it")


@pytest.mark.slow
def test_in_chromium_an_answer_is_seen_and_put_right(root: Path, tmp_path: Path) -> None:
    """Screenshots at two widths lie in the test's folder."""
    from selenium.webdriver.common.action_chains import ActionChains

    from headstart.demo.app import launch

    nlu = finetune(load_skill(root / "examples" / "coffee_machine"), tmp_path / "coffee", max_steps=100, disable_tqdm=True)
    page, address = launch(nlu, tmp_path / "rows", prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    try:
        with open_browser(tmp_path / "profile") as browser:
            browser.implicitly_wait(60)
            browser.get(address)
            by = "css selector"
            browser.find_element(by, "#text input, #text textarea").send_keys("brew two large lattes")
            browser.find_element(by, "#ask").click()
            marks = until(
                lambda: [(mark.text, mark.get_attribute("data-label")) for mark in browser.find_elements(by, "#answer mark")]
            )
            assert ("large", "size") in marks and "ms" in browser.find_element(by, ".hs-latency").text
            browser.find_element(by, "#wrong button").click()
            words = until(lambda: [word for word in browser.find_elements(by, "[data-word]") if word.is_displayed()])
            assert len(words) == 4
            browser.save_screenshot(tmp_path / "wide.png")
            # Draw over "large lattes", which is a drink then.
            ActionChains(browser).move_to_element(words[2]).click_and_hold().move_to_element(words[3]).release().perform()
            until(lambda: len(browser.find_elements(by, ".hs-is-chosen")) == 2)
            next(chip for chip in browser.find_elements(by, "#editor [data-label]") if chip.text == "drink").click()
            until(lambda: browser.find_element(by, "[data-word='3']").text.replace("\n", "") == "lattesdrink")
            intent = browser.find_element(by, "#intent input")
            intent.click()
            browser.find_element(by, "ul[role=listbox] [aria-label='ScheduleBrew']").click()
            browser.find_element(by, "#save").click()
            until(lambda: browser.find_element(by, "#said").text == "Saved in coffee_machine.jsonl.")
            browser.set_window_size(500, 900)
            browser.save_screenshot(tmp_path / "narrow.png")
            assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
            problems = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
            assert not problems, problems
    finally:
        page.close()
    rows = read_rows(tmp_path / "rows" / "coffee_machine.jsonl")
    assert rows == [{"text": "brew two large lattes", "intent": "ScheduleBrew",
                     "slots": [{"start": 5, "end": 8, "label": "count"}, {"start": 9, "end": 21, "label": "drink"}]}]  # fmt: skip


def test_any_skill_is_a_choice_where_they_can_be_found(nlu: NLUPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.demo.app.finds_skills", lambda _: True)
    assert Demo(nlu, Corrections(tmp_path)).choices[0] == ANY


def test_the_page_is_made_of_a_name(tiny_base: Path, tmp_path: Path) -> None:
    page = make_demo(tiny_base, tmp_path)
    assert page.title == "travel · bank · tables"
