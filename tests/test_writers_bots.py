"""Skills as bots of Lex, agents of Dialogflow, sentences of hassil, and columns of CoNLL: what is written is read again, and what can't be said is counted."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headstart import CatalogValue, Skill, convert, load_skill
from headstart.cli import main
from headstart.data.skills import make_skill
from headstart.data.templates import Slot, Template
from headstart.readers import find_reader
from headstart.readers.source import Source
from headstart.writers import WRITERS

OUT = {"lex": "bot.zip", "dialogflow": "agent.zip", "hassil": "tea.yaml", "conll": "tea.conll"}
LARGE = CatalogValue("large", None, ("big", "huge"))


def templates() -> Skill:
    samples = [
        Template("Brew", ("a ", Slot("size"), " tea for ", Slot("cups"), " people")),
        Template("Brew", ("make tea",)),
        Template("Stop", ("stop the ", Slot("pot"))),
    ]
    kinds = {"cups": "AMAZON.NUMBER", "pot": "AMAZON.SearchQuery"}
    return make_skill("tea", samples, catalogs={"size": [LARGE, "small"]}, slot_types=kinds, invocation="tea kettle")


def rows(*found: tuple[str, str | None, list[tuple[int, int, str]] | None], **more: Any) -> Skill:
    data = [
        {
            "text": text,
            "intent": intent,
            "slots": None if spans is None else [dict(zip(("start", "end", "label"), span, strict=True)) for span in spans],
        }
        for text, intent, spans in found
    ]
    return Skill("tea", data, **more)


def written(skill: Skill, folder: Path, format: str) -> Skill:
    path = folder / OUT[format]
    WRITERS[format].write(skill, path)
    assert find_reader(Source(path)).NAME == format
    return load_skill(path, "tea")


def told(skill: Skill) -> list[tuple[str | None, str, list[tuple[str, str]]]]:
    return sorted(
        ((row["intent"], " ".join(row["text"].split()), [(slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in row["slots"] or []]) for row in skill.rows("train")),
        key=str,
    )  # fmt: skip


def patterns(skill: Skill) -> list[tuple[str | None, str]]:
    return sorted((str(template.intent), template.pattern) for template in skill.templates)


@pytest.mark.parametrize("format", ["lex", "dialogflow", "hassil"])
def test_templates_values_and_types_come_back(tmp_path: Path, format: str) -> None:
    skill = templates()
    read = written(skill, tmp_path, format)
    assert patterns(read) == patterns(skill)
    assert read.canonical == {"size": [LARGE]} or format == "hassil"
    assert set(read.catalogs["size"]) == {"large", "big", "huge", "small"} and "pot" not in read.catalogs
    expected = {
        "lex": {"cups": "AMAZON.Number", "pot": "AMAZON.FreeFormInput"},
        "dialogflow": {"cups": "@sys.number", "pot": "@sys.any"},
        "hassil": {"pot": "AMAZON.SearchQuery"},
    }
    assert read.slot_types == expected[format]
    if format == "hassil":
        assert {"0", "hundred"} <= {word for value in read.catalogs["cups"] for word in value.split()}


ANNOTATED = rows(
    ("make a large tea", "Brew", [(7, 12, "size")]),
    ("Ann's green tea, please", "Brew", [(0, 3, "guest"), (6, 15, "kind")]),
    ("stop", "Stop", []),
    catalogs={"size": ["large", "small"]},
)


def test_annotated_rows_come_back_from_dialogflow(tmp_path: Path) -> None:
    read = written(ANNOTATED, tmp_path, "dialogflow")
    assert told(read) == told(ANNOTATED)
    assert read.catalogs["size"] == ["large", "small"]


def test_annotated_rows_come_back_from_columns_with_blanks_beside_what_is_cut(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(written(ANNOTATED, tmp_path, "conll")) == [
        ("Brew", "Ann 's green tea , please", [("guest", "Ann"), ("kind", "green tea")]),
        ("Brew", "make a large tea", [("size", "large")]),
        ("Stop", "stop", []),
    ]
    assert "values begin or end inside of a word" in caplog.text and "catalogs are not written" in caplog.text


@pytest.mark.parametrize("format", ["lex", "hassil"])
def test_values_of_rows_become_values_of_slots_where_samples_are_open(
    tmp_path: Path, format: str, caplog: pytest.LogCaptureFixture
) -> None:
    read = written(ANNOTATED, tmp_path, format)
    assert patterns(read) == [("Brew", "make a {size} tea"), ("Brew", "{guest}'s {kind}, please"), ("Stop", "stop")]
    assert read.catalogs == {"size": ["large", "small"], "guest": ["Ann"], "kind": ["green tea"]}
    assert "2 samples have values in their slots, which become values of these" in caplog.text


@pytest.mark.parametrize("format", OUT)
def test_what_a_format_cannot_say_is_counted(tmp_path: Path, format: str, caplog: pytest.LogCaptureFixture) -> None:
    skill = rows(
        ("a {b} [c] @x:y large", None, [(15, 20, "the size|x")]), ("tea", "Brew it", None), ("more", "Brew it", [(0, 4, "AMAZON.size")]),
        test=[{"text": "held out", "intent": None, "slots": []}], canonical={"the size|x": [CatalogValue("large", "L")]},
    )  # fmt: skip
    read = written(skill, tmp_path, format)
    assert len(read.rows("train")) >= 3 and len(read.slots) == 2
    message = {
        "lex": "samples have braces",
        "dialogflow": "names have characters",
        "hassil": "labels with signs",
        "conll": "labels have blanks",
    }[format]
    assert message in caplog.text and "validation and test rows are not written" in caplog.text
    assert "no annotated slots" in caplog.text
    assert format == "conll" or (
        "have no intent and are in NoIntent" in caplog.text and "ids of values are not written" in caplog.text
    )
    assert format == "conll" or read.intents[-1] == "NoIntent"


def test_the_archive_of_a_bot_is_as_the_console_writes_it(tmp_path: Path) -> None:
    WRITERS["lex"].write(templates(), tmp_path / "bot.zip")
    with zipfile.ZipFile(tmp_path / "bot.zip") as archive:
        files = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    root = "tea/BotLocales/en_US"
    assert files["Manifest.json"]["metaData"] == {"schemaVersion": "1", "fileFormat": "LexJson", "resourceType": "BOT"}
    assert files[f"{root}/Intents/Brew/Intent.json"]["sampleUtterances"] == [
        {"utterance": "a {size} tea for {cups} people"},
        {"utterance": "make tea"},
    ]
    assert files[f"{root}/Intents/Brew/Slots/cups/Slot.json"]["slotTypeName"] == "AMAZON.Number"
    assert files[f"{root}/Intents/FallbackIntent/Intent.json"]["parentIntentSignature"] == "AMAZON.FallbackIntent"
    size = files[f"{root}/SlotTypes/size/SlotType.json"]
    assert size["valueSelectionSetting"] == {"resolutionStrategy": "TOP_RESOLUTION"}
    assert size["slotTypeValues"][0] == {"sampleValue": {"value": "large"}, "synonyms": [{"value": "big"}, {"value": "huge"}]}
    first = (tmp_path / "bot.zip").read_bytes()
    WRITERS["lex"].write(templates(), tmp_path / "bot.zip")
    assert (tmp_path / "bot.zip").read_bytes() == first


def test_sentences_are_as_home_assistant_writes_them(tmp_path: Path) -> None:
    WRITERS["hassil"].write(templates(), tmp_path / "tea.yaml")
    content = yaml.safe_load((tmp_path / "tea.yaml").read_text(encoding="utf-8"))
    assert content["intents"]["Brew"] == {"data": [{"sentences": ["a {size} tea for {cups} people", "make tea"]}]}
    assert content["lists"]["size"] == {"values": [*({"in": form, "out": "large"} for form in ("large", "big", "huge")), "small"]}
    assert content["lists"]["pot"] == {"wildcard": True} and content["lists"]["cups"] == {"range": {"from": 0, "to": 100}}


def test_the_command_line_names_the_format(tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(root / "examples" / "city_bike" / "en-US.json")
    for format, out in OUT.items():
        named = ["--format", format] if format != "conll" else []
        assert main(["convert", model, "--out", str(tmp_path / out), *named]) == 0
        read, given = load_skill(tmp_path / out), load_skill(model)
        assert set(read.intents) == set(given.intents)
        assert format == "conll" or {template.pattern for template in read.templates} == {t.pattern for t in given.templates}
    assert main(["convert", model, "--out", str(tmp_path / "bot.json"), "--format", "lex"]) == 2
    assert "what is written is a .zip file; call it so" in capsys.readouterr().err
    convert(model, tmp_path / "bot.zip", "lex")  # an earlier one is replaced
    (tmp_path / "other.zip").write_text("somebody's")
    assert main(["convert", model, "--out", str(tmp_path / "other.zip"), "--format", "lex"]) == 2
    assert "is there, and no skill of the format lex" in capsys.readouterr().err


TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("[](){}<>|;\\@:#-'\" "), min_size=1, max_size=10
)
WORDS = TEXTS.map(lambda text: " ".join(text.split())).filter(bool)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(WORDS, st.none() | st.sampled_from(["size", "guest"])), min_size=1, max_size=4))
@example(parts=[("@x:y", None), ("z", "size")])
@example(parts=[("# intent: a", None)])
@example(parts=[("-DOCSTART-x", None), ("(a|b)", "size")])
def test_any_row_comes_back(tmp_path: Path, parts: list[tuple[str, str | None]]) -> None:
    text, spans = "well", []
    for part, label in parts:
        text += " "
        if label is not None:
            spans.append((len(text), len(text) + len(part), label))
        text += part
    skill = rows((text, "Brew", spans), ("stop it now", "Stop", []))
    assert told(written(skill, tmp_path, "dialogflow")) == told(skill)
    assert told(written(skill, tmp_path, "conll")) == told(skill)
    for format in ("lex", "hassil"):
        path = tmp_path / OUT[format]
        WRITERS[format].write(skill, path)
        read = {template.pattern for template in load_skill(path).templates}
        expected = {
            pattern.translate(str.maketrans("{}", "()")) for pattern in (t.pattern for t in map(_open, skill.rows("train")))
        }
        assert {pattern.translate(str.maketrans("{}", "()")) for pattern in read} == expected


def _open(row: Any) -> Template:
    from headstart.data.templates import row_template

    return row_template(row)
