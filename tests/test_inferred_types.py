"""Slots whose values are all numbers, dates, times or durations get that type, and nothing else does."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path

import pytest

from headstart import Skill
from headstart.data.builtin.values import builtin_values
from headstart.data.inferred_types import (
    DATE,
    DATE_TIME,
    DURATION,
    FOUR_DIGITS,
    NUMBER,
    TIME,
    infer_types,
    kinds_of,
    type_of_values,
    with_inferred_types,
)
from headstart.data.rows import Row
from headstart.finetuning.finetune import load_skill_of, run_finetuning
from headstart.training.command_line import parse_options
from headstart.training.options import FinetuneOptions


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("twenty five;7;a hundred and two", NUMBER),
        ("3.5;12;1,000", NUMBER),
        ("two and a half;half a dozen;6", NUMBER),
        ("10 minutes;an hour and a half;twenty-five seconds", DURATION),
        ("half an hour;2 days;three weeks", DURATION),
        ("next monday;the fifth of May;2031-05-02", DATE),
        ("tomorrow;christmas eve;in two weeks", DATE),
        ("7 am;half past eight;noon;nine", TIME),
        ("8:30 p.m.;quarter to ten;at 6 o'clock", TIME),
        ("tomorrow at noon;monday evening;next week;5 pm", DATE_TIME),
        ("1984;2001;nineteen ninety nine", FOUR_DIGITS),
        ("seven;7", None),  # too few
        ("small;large;two", None),
        ("one way;two way;three", None),
        ("red;green;blue", None),
        ("seven eleven;five guys;subway", None),
        ("7;8;nine lives;ten;11;12;13;14;15;16;17", NUMBER),  # one in ten may be otherwise
        ("7;8;nine lives;ten", None),
        ("1" * 70 + ";2" + ";3 " * 40, None),
    ],
)
def test_the_type_of_values(values: str, expected: str | None) -> None:
    assert type_of_values(set(values.split(";"))) == expected


@pytest.mark.parametrize("kind", [NUMBER, DATE, TIME, DURATION])
def test_what_is_made_for_a_type_is_of_it(kind: str) -> None:
    draw = builtin_values(kind)
    assert draw is not None
    values = [draw(random.Random(number)) for number in range(500)]
    allowed = {kind, "hour"} if kind == TIME else {kind}
    assert sum(bool(kinds_of(value) & allowed) for value in values) > 0.95 * len(values)


@pytest.mark.parametrize(
    "kind",
    [
        "AMAZON.City",
        "AMAZON.Food",
        "AMAZON.Artist",
        "AMAZON.FirstName",
        "AMAZON.Color",
        "AMAZON.PhoneNumber",
        "AMAZON.SearchQuery",
    ],
)
def test_values_of_other_types_are_none_of_these(kind: str) -> None:
    draw = builtin_values(kind)
    assert draw is not None
    values = {draw(random.Random(number)) for number in range(300)}
    assert type_of_values(values) is None
    assert sum(bool(kinds_of(value)) for value in values) < 0.03 * len(values)


def row(before: str, value: str, label: str = "count") -> Row:
    return {
        "text": before + value,
        "intent": "add",
        "slots": [{"start": len(before), "end": len(before) + len(value), "label": label}],
    }


ROWS = [row("add to the list of my ", value) for value in ("5", "twenty five", "two hundred")]


def test_a_skill_gets_the_types_of_slots_that_have_none_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    skill = Skill("eggs", ROWS)
    assert infer_types(skill) == {"count": NUMBER}
    with caplog.at_level(logging.INFO):
        assert with_inferred_types(skill).slot_types == {"count": NUMBER}
    assert "types told by the values of slots that have none, count: AMAZON.NUMBER (--no_infer leaves them)" in caplog.text


def test_a_type_or_a_catalog_of_its_own_stays() -> None:
    assert infer_types(Skill("eggs", ROWS, slot_types={"count": "@sys.age"})) == {}
    assert infer_types(Skill("eggs", ROWS, catalogs={"count": ["5", "6", "7"]})) == {}
    assert with_inferred_types(Skill("eggs", ROWS, slot_types={"count": "@sys.age"})).slot_types == {"count": "@sys.age"}


def test_of_another_language_nothing_is_told() -> None:
    rows = [row("leg mir bitte auf die Liste der Eier und der ", value) for value in ("5", "6", "7")]
    assert infer_types(Skill("eier", rows)) == {}


@pytest.mark.parametrize("option", [[], ["--no_infer"]])
def test_fine_tuning_asks_for_types_unless_it_is_told_not_to(
    tmp_path: Path, tiny_base: Path, option: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "eggs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in ROWS), encoding="utf-8")
    words = [
        "--skill",
        str(tmp_path / "eggs.jsonl"),
        "--output_dir",
        str(tmp_path / "out"),
        "--base",
        str(tiny_base),
        "--max_steps",
        "1",
    ]
    options = parse_options(
        FinetuneOptions, [*words, "--disable_tqdm", "true", "--language", "en", *option], "headstart finetune"
    )
    assert (options.infer, options.language) == (not option, "en")
    with caplog.at_level(logging.INFO):
        run_finetuning(options, load_skill_of(options))
    assert ("types told by the values of slots that have none, count: AMAZON.NUMBER" in caplog.text) == (not option)
