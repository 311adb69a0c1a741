"""Rows and skills on disk; every kind of bad input ends in one error that says where and what."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from headstart import DataError, Skill, load_skill
from headstart.data.rows import read_rows, rows_to_dataset
from headstart.data.skills import skill_name

GOOD = {"text": "go to rome", "intent": "Go", "slots": [{"start": 6, "end": 10, "label": "city"}]}


def write(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def slot(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "slots": [{**GOOD["slots"][0], **changes}]}  # type: ignore[dict-item]


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{text", "line 2: not JSON"),
        ('["a"]', "line 2: found a list; allowed: an object"),
        (without("text"), "line 2: field 'text' is missing; found 'intent', 'slots'"),
        (without("intent"), "line 2: field 'intent' is missing"),
        (without("slots"), "line 2: field 'slots' is missing"),
        ({**GOOD, "text": "  "}, "line 2, field 'text': found '  '; allowed: a string that is not blank"),
        ({**GOOD, "text": 7}, "line 2, field 'text': found 7"),
        (
            '{"text": "a\\ud800", "intent": "Go", "slots": []}',
            "line 2, field 'text': found 'a\\ud800' with half a surrogate pair",
        ),
        ({**GOOD, "intent": ""}, "line 2, field 'intent': found ''; allowed: a name, or null"),
        ({**GOOD, "slots": 7}, "line 2, field 'slots': found a number; allowed: a list of spans, values by slot label, or null"),
        ({**GOOD, "slots": {"city": "Oslo"}}, "line 2, field 'slots': 'Oslo' does not stand in"),
        ({**GOOD, "slots": {"city": ["a"] * 1001}}, "line 2, field 'slots': found 1001 values in one utterance; allowed: 1000"),
        ({**GOOD, "slots": {"city": 7}}, "line 2, field 'slots': found 7 as a value of 'city'"),
        ({**GOOD, "slots": ["city"]}, "line 2, field 'slots[0]': found a string; allowed: an object"),
        ({**GOOD, "slots": [{"start": 6, "end": 10}]}, "field 'slots[0]': field 'label' is missing"),
        (slot(label=" "), "field 'slots[0]', field 'label': found ' '"),
        (slot(start="6"), "field 'slots[0]', field 'start': found '6'; allowed: a whole number of characters"),
        (slot(end=True), "field 'end': found True"),
        (slot(end=11), "field 'slots[0]': found 6-11; allowed: 0 <= start < end <= 10"),
        (slot(start=-1), "found -1-10"),
        (slot(start=10), "found 10-10"),
        (slot(start=5, end=6), "5-6 is only blanks"),
        (slot(value="paris"), "field 'value': found 'paris'; the text has 'rome' at 6-10"),
        (
            {**GOOD, "slots": [{"start": 3, "end": 8, "label": "a"}, {"start": 6, "end": 10, "label": "b"}]},
            "field 'slots': 'a' (3-8) and 'b' (6-10) overlap",
        ),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_field(tmp_path: Path, row: Any, message: str) -> None:
    path = write(tmp_path / "rows.jsonl", GOOD, row)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_rows(path)
    assert str(path) in str(caught.value)


def test_files_that_are_empty_missing_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl: the file is empty; allowed: one row a line"):
        read_rows(write(tmp_path / "rows.jsonl", "", ""))
    with pytest.raises(DataError, match=r"none\.jsonl: there is no such file"):
        read_rows(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(json.dumps(GOOD).encode() + b'\n{"text": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"latin\.jsonl, line 2: not UTF-8 \(byte 0xe9\)"):
        read_rows(tmp_path / "latin.jsonl")


def test_rows_are_read_as_they_are(tmp_path: Path) -> None:
    odd = {"text": "a\u2028b 🎉 e\u0301", "intent": None, "slots": None, "domain": "ignored"}
    path = write(tmp_path / "rows.jsonl", GOOD, odd)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # a byte order mark, as some editors write
    rows = read_rows(path)
    assert rows[0] == GOOD
    assert rows[1] == {"text": odd["text"], "intent": None, "slots": None}


def test_blank_lines_are_counted_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(read_rows(write(tmp_path / "rows.jsonl", GOOD, "", "", GOOD))) == 2
    assert "skipped 2 blank lines" in caplog.text


def test_a_skill_folder(tmp_path: Path) -> None:
    folder = tmp_path / "my skill!"
    folder.mkdir()
    write(folder / "train.jsonl", GOOD)
    write(folder / "test.jsonl", GOOD, slot(label="country"))
    (folder / "catalogs.json").write_text('{"country": ["italy"]}')
    skill = load_skill(folder)
    assert skill.name == "my_skill"
    assert (skill.intents, skill.slots) == (["Go"], ["city", "country"])
    assert skill.validation is None and skill.test is not None and len(skill.test) == 2
    assert skill.catalogs == {"country": ["italy"]}


def test_labels_that_training_lacks(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", GOOD)
    write(tmp_path / "test.jsonl", GOOD, "", slot(label="town"))
    with pytest.raises(
        DataError, match=r"test\.jsonl, line 3, field 'slots': slot label 'town' is in no training row; training has: city"
    ):
        load_skill(tmp_path)
    assert load_skill(tmp_path, allow_unseen_labels=True).slots == ["city"]
    write(tmp_path / "test.jsonl", {**GOOD, "intent": "Stay"})
    with pytest.raises(DataError, match=r"test\.jsonl, line 1, field 'intent': intent 'Stay' is in no training row"):
        load_skill(tmp_path)
    train, test = read_rows(tmp_path / "train.jsonl"), read_rows(tmp_path / "test.jsonl")
    with pytest.raises(DataError, match=r"skill 'trip', test row 1, field 'intent': intent 'Stay'"):
        Skill("trip", train=train, test=test)


def test_spans_given_from_python_are_sorted_and_checked() -> None:
    def rows(*slots: tuple[int, int, str]) -> Any:
        spans = [{"start": start, "end": end, "label": label} for start, end, label in slots]
        return rows_to_dataset([{"text": "play rock by queen now", "intent": "Play", "slots": spans}])

    skill = Skill("music", train=rows((13, 18, "artist"), (5, 9, "genre")))
    assert [slot["label"] for slot in skill.train[0]["slots"]] == ["genre", "artist"]
    with pytest.raises(DataError, match="train row 1.*overlap"):
        Skill("music", train=rows((5, 12, "genre"), (10, 18, "artist")))
    with pytest.raises(DataError, match="test row 1.*2-90"):
        Skill("music", train=rows((5, 9, "genre")), test=rows((2, 90, "genre")))


def test_skills_that_can_not_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        load_skill(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"with notes\.txt, none of which is a skill's file"):
        load_skill(tmp_path)
    rows = rows_to_dataset([GOOD])
    with pytest.raises(DataError, match="intent 'Stop' of skill 'trip' has no rows"):
        Skill("trip", train=rows, intents=["Go", "Stop"])
    with pytest.raises(DataError, match="have slot label 'city'; declared: date"):
        Skill("trip", train=rows, slots=["date"])
    with pytest.raises(DataError, match="has no training row"):
        Skill("trip", train=rows.select([]))
    with pytest.raises(DataError, match="nothing to learn"):
        Skill("trip", train=rows_to_dataset([{"text": "hm", "intent": None, "slots": []}]))


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "found a list"), ("{", "not JSON"), ('{"city": "rome"}', "field 'city': found 'rome'; allowed: a list of strings")],
)
def test_bad_catalogs(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path / "train.jsonl", GOOD)
    (tmp_path / "catalogs.json").write_text(content)
    with pytest.raises(DataError, match=message):
        load_skill(tmp_path)


def test_the_examples_are_whole_skills(root: Path) -> None:
    for folder in sorted(path.parent for path in (root / "examples").glob("*/train.jsonl")):
        skill = load_skill(folder)
        assert 40 <= len(skill.train) <= 150 and skill.test is not None and len(skill.test) >= 20
        assert not set(skill.train["text"]) & set(skill.test["text"])


def test_a_file_named_after_its_part_takes_its_folders_name(tmp_path: Path) -> None:
    (tmp_path / "lamp").mkdir()
    assert load_skill(write(tmp_path / "lamp" / "train.jsonl", GOOD)).name == "lamp"
    assert load_skill(write(tmp_path / "lamp" / "trips.jsonl", GOOD)).name == "trips"


def test_skill_names_are_made_from_anything() -> None:
    assert skill_name("ask__my skill (v2)") == "ask_my_skill_v2"
    assert skill_name("日本") == "skill"
