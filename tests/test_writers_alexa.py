"""Skills written as Alexa interaction models, and read again."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headstart.data.skills import Skill, make_skill
from headstart.data.templates import Slot, Template, row_template, tidy
from headstart.readers import load_skill
from headstart.writers.alexa import write as write_alexa


def keys(skill):
    return {(row["intent"], tuple(tidy(row_template(row).parts))) for row in skill.rows("train")}


def write_and_read(tmp_path, skill):
    write_alexa(skill, tmp_path / "out.json")
    return load_skill(tmp_path / "out.json")


def row(text, intent, *slots):
    return {"text": text, "intent": intent, "slots": [{"start": s, "end": e, "label": label} for s, e, label in slots]}


def test_rows_come_back_with_their_slots_and_catalogs(tmp_path, caplog):
    rows = [
        row("play abba loud", "Play", (5, 9, "artist")),
        row("Anna's list, now", "Show", (0, 4, "name")),
        row("84° please", "Heat", (0, 2, "temp")),
        row("stop", "AMAZON.StopIntent"),
        row("next friday", "Day", (0, 11, "day")),
        row("a | b", "Bar", (0, 5, "name")),
        row(" two  blanks ", "Blanks", (4, 13, "name")),
    ]
    catalogs = {"artist": ["abba", "queen"], "day": ["friday"], "never": ["x {y}"]}
    skill = Skill("music-1", rows, catalogs=catalogs, slot_types={"day": "AMAZON.DATE", "temp": "AMAZON.NUMBER"})
    again = write_and_read(tmp_path, skill)
    assert {r["text"] for r in again.rows("train")} == {" ".join(r["text"].split()) for r in rows}
    assert keys(again) - keys(skill) == {("Blanks", ("two ", Slot("name", "blanks")))}
    assert (again.catalogs, again.slot_types) == (skill.catalogs, skill.slot_types)
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["interactionModel"]["languageModel"]
    assert written["invocationName"] == "music"
    assert "play {abba|artist} loud" in written["intents"][0]["samples"]
    assert {"name": "never", "type": "never"} in written["intents"][0]["slots"]


def test_open_templates_come_back(tmp_path):
    templates = [
        Template("Order", ("a ", Slot("size"), " ", Slot("size", "very big"), "'s cup")),
        Template("Order", (Slot("when"), " please")),
    ]
    skill = make_skill("x", templates, catalogs={"size": ["big"]}, slot_types={"when": "AMAZON.TIME"}, invocation="my cup")
    again = write_and_read(tmp_path, skill)
    assert again.templates == templates
    assert (again.catalogs, again.slot_types, again.invocation) == (skill.catalogs, skill.slot_types, "my cup")


def test_what_the_format_cannot_express_is_counted(tmp_path, caplog):
    rows = [
        row("nothing known", None),
        {"text": "no slots known", "intent": "A", "slots": None},
        row("take {this} away", "A", (0, 4, "b|c")),
        row("october 12th", "A", (0, 7, "day"), (8, 12, "day")),
        row("twice", "A"),
        row("Twice", "B"),
        row("other 1", "B"),
        row("a lone } and {", "B"),
    ]
    skill = Skill("x", rows, test=rows[-1:], catalogs={"day": ["", "x", "x "], "none": []})
    again = write_and_read(tmp_path, skill)
    assert keys(again) == {
        (None, ("nothing known",)),
        ("A", ("no slots known",)),
        ("A", (Slot("b_c", "take"), " (this) away")),
        ("A", (Slot("day", "october 12th"),)),
        ("A", ("twice",)),
        ("B", ("other 1",)),
        ("B", ("a lone ) and (",)),
    }
    assert again.catalogs == {"day": ["x"]}
    for found in (
        "samples have no intent",
        "samples have no annotated slots",
        "slots have labels with braces",
        "2 samples have braces",
        "samples have values of one slot next to each other",
        "samples are there before",
        "2 values are blank or repeated",
        "validation and test rows",
        "samples have characters that Amazon refuses",
        "names have characters that Amazon refuses",
        "slots have no catalog",
    ):
        assert found in caplog.text, found


def test_slots_of_one_built_in_type_with_different_catalogs(tmp_path, caplog):
    rows = [row("a to b", "Go", (0, 1, "from"), (5, 6, "to"))]
    types = {"from": "AMAZON.City", "to": "AMAZON.City", "AMAZON.X": "@sys.date", "other": "@sys.unheard"}
    skill = Skill("x", rows, catalogs={"from": ["lima"], "AMAZON.X": ["y"], "other": ["z"]}, slot_types=types)
    again = write_and_read(tmp_path, skill)
    assert again.catalogs == skill.catalogs
    assert again.slot_types == {"to": "AMAZON.City", "AMAZON.X": "AMAZON.DATE"}
    assert "another platform's" in caplog.text and "type of their own" in caplog.text


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError, match="can't be written"):
        write_alexa(Skill("x", [row("a", "A")]), tmp_path / "none" / "out.json")


WORDS = st.text(st.sampled_from("abcXYZ é'-.°7|{}\t\u00a0ß"), min_size=1, max_size=8)
PIECES = st.lists(st.tuples(WORDS, st.sampled_from([None, "x", "y", "Z"])), min_size=1, max_size=6)


def row_of(pieces, intent):
    text, slots = "", []
    for piece, label in pieces:
        if label and piece.strip():
            slots.append((len(text), len(text) + len(piece), label))
        text += piece
    return row(text, intent, *slots)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(PIECES, st.sampled_from(["A", "B"])), min_size=1, max_size=5))
def test_any_rows_come_back_or_are_counted(tmp_path, caplog, drawn):
    rows = [r for r in (row_of(*item) for item in drawn) if r["text"].strip()]
    if not rows:
        return
    caplog.clear()
    skill = Skill("x", rows)
    again = write_and_read(tmp_path, skill)
    texts = {" ".join(r["text"].split()) for r in rows}
    if "braces" not in caplog.text and "there before" not in caplog.text:
        assert {r["text"] for r in again.rows("train")} == texts
        if "next to each other" not in caplog.text:
            slots = sorted((r["intent"], " ".join(r["text"].split()), slots_of(r)) for r in distinct(rows))
            assert sorted((r["intent"], r["text"], slots_of(r)) for r in again.rows("train")) == slots


def slots_of(r):
    return [(" ".join(r["text"][s["start"] : s["end"]].split()), s["label"]) for s in r["slots"]]


def distinct(rows):
    return {(r["intent"], " ".join(r["text"].split()), str(slots_of(r))): r for r in rows}.values()
