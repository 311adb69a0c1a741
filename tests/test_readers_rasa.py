"""Rasa (YAML, Markdown, JSON; read and written), Dialogflow agents, and Snips datasets."""

from __future__ import annotations

import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headstart import Skill, load_skill
from headstart.data.rows import DataError
from headstart.readers import find_reader
from headstart.readers.source import Source
from headstart.writers.rasa import write as write_rasa

RASA = """\
version: "3.1"
nlu:
- intent: order_soup
  examples: |
    - a bowl of [leek](soup) soup
    - [big pot]{ "entity" : "size", "value": "large" } of [lentil](soup) please
    - two  more
- intent: no
  examples:
  - text: |
      nope
    metadata: {sure: yes}
  - text: 'not from [the corner]{"entity": "place", "role": "from"} to [home]{"entity": "place", "role": "to", "group": "1"}'
- intent: chitchat/ask_cook
  examples: |
    - who cooks here
- lookup: soup
  examples: |
    - tomato
    - leek
- lookup: place
  examples: |
    - the station
- synonym: large
  examples: |
    - big pot
    - a whole lot
- synonym: nowhere to be seen
  examples: |
    - absent
- regex: number
  examples: |
    - [0-9]+
"""


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def rows_of(skill: Skill) -> set[tuple[Any, ...]]:
    """Rows that can be compared: text, intent, and `(value, label)` of the slots, or None."""
    return {(row["text"], row["intent"], None if row["slots"] is None else slots_of(row)) for row in skill.rows("train")}


def slots_of(row: dict[str, Any]) -> tuple[tuple[int, str, str], ...]:
    return tuple((slot["start"], row["text"][slot["start"] : slot["end"]], slot["label"]) for slot in row["slots"])


def test_rasa_yaml(tmp_path: Path) -> None:
    skill = load_skill(write(tmp_path / "nlu.yml", RASA))
    assert rows_of(skill) == {
        ("a bowl of leek soup", "order_soup", ((10, "leek", "soup"),)),
        ("big pot of lentil please", "order_soup", ((0, "big pot", "size"), (11, "lentil", "soup"))),
        ("two  more", "order_soup", ()),
        ("nope", "no", ()),
        ("not from the corner to home", "no", ((9, "the corner", "place:from"), (23, "home", "place:to"))),
        ("who cooks here", "chitchat/ask_cook", ()),
    }
    assert skill.catalogs == {
        "soup": ["tomato", "leek"],
        "place:from": ["the station"],
        "place:to": ["the station"],
        "size": ["large", "big pot", "a whole lot"],
    }


def test_rasa_project_and_archive(tmp_path: Path) -> None:
    project = tmp_path / "bot"
    write(project / "domain.yml", "intents:\n- order_soup\n- no\n")
    write(project / "docker-compose.yml", "services: {a: !reset null\n")
    write(project / "data" / "nlu.yml", RASA)
    write(project / "data" / "more" / "hello.md", "## intent:hello\n- good day\n")
    write(project / "data" / "stories.md", "## greeting\n* hello\n  - utter_hello\n")
    (project / "logo.yml").write_bytes(b"\x89PNG\xff\x00")
    assert find_reader(Source(project)).NAME == "rasa"
    skill = load_skill(project)
    assert skill.intents == ["chitchat/ask_cook", "hello", "no", "order_soup"]
    archive = tmp_path / "bot.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for file in project.rglob("*.*"):
            out.write(file, file.relative_to(tmp_path))
    assert rows_of(load_skill(archive)) == rows_of(skill)


def test_rasa_keeps_a_text_that_two_intents_share_and_texts_that_differ_in_case(tmp_path: Path) -> None:
    text = "nlu:\n- intent: a\n  examples: |\n    - Fine\n    - fine\n    - fine\n- intent: b\n  examples: |\n    - fine\n"
    assert rows_of(load_skill(write(tmp_path / "nlu.yml", text))) == {("Fine", "a", ()), ("fine", "a", ()), ("fine", "b", ())}


def test_rasa_oddities_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "nlu:\n- intent: a\n  examples: |\n    - a [b]{no json} c\n    a line alone\n    - see [0] and [](x)\n"
        "- intent: {}\n- 7\n- intent: empty\n  examples: [[1], 2]\n- intent: none\n"
        '- intent: several\n  examples:\n  - \'[tea][{"entity": "drink"}, {"entity": "thing"}]\'\n'
    )
    with caplog.at_level(logging.WARNING):
        skill = load_skill(write(tmp_path / "nlu.yml", text))
    assert rows_of(skill) == {
        ("see [0] and [](x)", "a", ()),
        ("2", "empty", ()),
        ("tea", "several", ((0, "tea", "drink"),)),
    }
    for expected in (
        "examples with annotations that are no JSON (1), such as line 4: ' a [b]{no json} c'",
        "lines that do not begin with '-' (1), such as line 5: 'a line alone'",
        "2 items of 'nlu'",
        "intents without examples",
        "examples that are not text",
    ):
        assert expected in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nlu:\n- intent: a\n  examples: |\n    - b\n   - c\n", r"nlu\.yml, line 5: not YAML"),
        ("nlu:\n- intent: a\n  examples: |\n    hello\n", "no intent has an example"),
        ("nlu:\n- intent: a\n  examples: &a [*a]\n", "alias 'a' stands inside"),
        ("nlu:\n- intent: a\n---\nnlu: 3\n", "field 'nlu': found a string; allowed: a list"),
    ],
)
def test_rasa_errors(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        load_skill(write(tmp_path / "nlu.yml", content))
    assert "\n" not in str(error.value)


def test_rasa_markdown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = """\
<!-- the soup
kitchen -->
## intent:order_soup
- a bowl of [leek](soup) soup  <!-- good -->
* one [pot](size:large)
## intent: bye
+ so long
## synonym:leek
- leek and potato
## regex:number
- [0-9]+
## lookup:soup
- tomato
## lookup:size
data/tables/sizes.txt
## lookup:spoon
data/tables/spoons.txt
## intent:never
## story: one
- not an example
"""
    write(tmp_path / "bot" / "nlu.md", text)
    write(tmp_path / "bot" / "README.md", "## intent:wrong\n- an example of the format\n")
    write(tmp_path / "bot" / "tables" / "sizes.txt", "cup\n\nbucket\n")
    with caplog.at_level(logging.WARNING):
        skill = load_skill(tmp_path / "bot")
    assert find_reader(Source(tmp_path / "bot")).NAME == "rasa_markdown"
    assert rows_of(skill) == {
        ("a bowl of leek soup", "order_soup", ((10, "leek", "soup"),)),
        ("one pot", "order_soup", ((4, "pot", "size"),)),
        ("so long", "bye", ()),
    }
    assert skill.catalogs == {"soup": ["tomato", "leek", "leek and potato"], "size": ["cup", "bucket", "large", "pot"]}
    assert "lookup tables whose file is not in the folder" in caplog.text and "(1)" in caplog.text
    assert "intents without examples" in caplog.text


def test_rasa_json(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entities = [
        {"start": 10, "end": 14, "value": "leek", "entity": "soup"},
        {"start": 12, "end": 19, "entity": "dish"},
        {"start": 15, "end": 99, "entity": "dish"},
        {"start": "0", "end": 1, "entity": "article"},
    ]
    data = {
        "common_examples": [
            {"text": "a bowl of leek soup", "intent": "order_soup", "entities": entities},
            {"text": "leek", "entities": [{"start": 0, "end": 4, "entity": "soup"}]},
            {"text": "so long", "intent": "bye"},
            {"text": 5, "intent": "bye"},
            "text",
        ],
        "entity_synonyms": [{"value": "leek", "synonyms": ["leeks", 3]}],
        "lookup_tables": [{"name": "soup", "elements": ["tomato"]}],
        "regex_features": [{"name": "number", "pattern": "[0-9]+"}],
    }
    with caplog.at_level(logging.WARNING):
        skill = load_skill(write(tmp_path / "data.json", {"rasa_nlu_data": data}))
    assert rows_of(skill) == {
        ("a bowl of leek soup", "order_soup", None),  # where its dish is isn't known
        ("leek", None, ((0, "leek", "soup"),)),
        ("so long", "bye", ()),
    }
    assert skill.catalogs == {"soup": ["tomato", "leek", "leeks"]}
    assert "overlapping spans" in caplog.text
    assert "spans with wrong offsets" in caplog.text and "common_examples[0]: '15-99" in caplog.text
    with pytest.raises(DataError, match="field 'common_examples': found"):
        load_skill(write(tmp_path / "data.json", {"rasa_nlu_data": {"common_examples": {}}}))


def make(
    rows: list[tuple[str, str | None, list[tuple[int, int, str]] | None]], catalogs: dict[str, list[str]] | None = None
) -> Skill:
    data = [
        {
            "text": text,
            "intent": intent,
            "slots": None if spans is None else [{"start": start, "end": end, "label": label} for start, end, label in spans],
        }
        for text, intent, spans in rows
    ]
    return Skill("made", train=data, catalogs=catalogs or {})


def round_trip(skill: Skill, folder: Path) -> Skill:
    write_rasa(skill, folder / "nlu.yml")
    return load_skill(folder / "nlu.yml", "made")


def test_written_rasa_looks_as_people_write_it(tmp_path: Path) -> None:
    skill = make([("a bowl of leek soup", "yes", [(10, 14, "soup")]), ("hello", "hello", [])], {"soup": ["leek", "on"]})
    write_rasa(skill, tmp_path / "nlu.yml")
    assert (tmp_path / "nlu.yml").read_text() == (
        "version: \"3.1\"\nnlu:\n- intent: 'yes'\n  examples: |\n    - a bowl of [leek](soup) soup\n"
        "- intent: hello\n  examples: |\n    - hello\n- lookup: soup\n  examples: |\n    - leek\n    - on\n"
    )


def test_rasa_round_trip_of_what_rasa_has_no_words_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = make(
        [
            ("soup", None, [(0, 4, "dish")]),
            ("what", "no_intent", None),
            ("what", None, None),
            ("one\ntwo\u2028three", "lines", [(0, 3, "number")]),
            ("- # 'quoted\": \\n \u00a0", "signs", []),
            ("to[0] or [x", "signs", [(9, 11, "odd {label}: (1)\n")]),
            ("from nyc now", "signs", [(4, 8, "city:from")]),
        ],
        {"dish": ["soup", "-stew", "null", "#1"], "city:from": ["nyc"], "only here": ["x"]},
    )
    read = round_trip(skill, tmp_path)
    assert rows_of(read) == rows_of(skill)
    assert read.catalogs == skill.catalogs
    assert "2 rows without an intent, written as 'no_intent_', such as " in caplog.text
    assert "2 rows whose slots are not annotated, written as if they had none, such as " in caplog.text
    assert "square" not in caplog.text


def test_rasa_round_trip_changes_what_it_must(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = make(
        [
            ("see [a](b)", "x", [(0, 3, "verb")]),
            ("the a]b way", "x", [(4, 7, "path")]),
            ("an [open end", "x", [(8, 12, "place")]),
            ("a [b]c", "x", [(5, 6, "place")]),
            (" blanks ", "x", [(1, 7, "thing")]),
        ],
        {"thing": [" a", "b\nc", " ", "d", "d"], "nothing": []},
    )
    read = round_trip(skill, tmp_path)
    assert rows_of(read) == {
        ("see (a)(b)", "x", ((0, "see", "verb"),)),
        ("the a)b way", "x", ((4, "a)b", "path"),)),
        ("an (open end", "x", ((8, " end", "place"),)),
        ("a (b)c", "x", ((5, "c", "place"),)),
        ("blanks", "x", ((0, "blanks", "thing"),)),
    }
    assert read.catalogs == {"thing": ["a", "b c", "d"]}
    assert "4 rows in which square brackets became round ones, such as " in caplog.text
    assert "rows that lost blanks at their ends (1), such as " in caplog.text
    assert "4 catalog values that changed or are lost, such as " in caplog.text


def rounded(rows: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """The rows with round brackets and other quotes, as the writer makes them where they would be read as markup, or the rest of it."""
    table = str.maketrans('[]{}"', "()()'")
    return {
        (text.translate(table), name, slots and tuple((start, value.translate(table), label) for start, value, label in slots))
        for text, name, slots in rows
    }


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("[](){}\"'-#: \n\t|"), min_size=1, max_size=12)
WORDS = TEXTS.filter(lambda text: bool(text.strip()) and text == text.strip())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.tuples(WORDS, st.none() | WORDS), min_size=1, max_size=4),
    intent=st.none() | WORDS,
    is_open=st.booleans(),
    values=st.lists(WORDS.filter(lambda text: len(text.splitlines()) == 1), min_size=1, unique=True),
)
@example(parts=[("0", "0"), ("}", None)], intent=None, is_open=False, values=["v"])
@example(parts=[("0", "an odd label"), ('"}', None)], intent=None, is_open=False, values=["v"])
@example(parts=[('a "entity": b', None)], intent=None, is_open=False, values=["v"])
@example(parts=[('"', None), ("yesterday", "song"), ('" please', None)], intent="play", is_open=False, values=["v"])
@example(parts=[("a", None)], intent="next\x85line\u2028", is_open=False, values=["v"])
def test_rasa_round_trip_of_any_row(
    tmp_path: Path, parts: list[tuple[str, str | None]], intent: str | None, is_open: bool, values: list[str]
) -> None:
    text, spans = "", []
    for part, label in parts:
        if label is not None:
            spans.append((len(text), len(text) + len(part), label))
        text += part
    skill = make([(text, intent, None if is_open else spans), ("other", "other", [])], {"cata\x85log": values})
    read = round_trip(skill, tmp_path)
    assert rounded(rows_of(read)) == rounded(rows_of(skill))
    assert read.catalogs == {"cata\x85log": values}


def phrase(*pieces: str | tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    data = [
        {"text": piece, "userDefined": False}
        if isinstance(piece, str)
        else {"text": piece[0], "alias": piece[1], "meta": piece[2], "userDefined": True}
        for piece in pieces
    ]
    return {"id": "1", "data": data, "isTemplate": False, "count": 0, **fields}


def intent(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "name": name,
        "auto": True,
        "responses": [],
        "priority": 5,
        "fallbackIntent": False,
        "events": [],
        **fields,
    }


def agent(folder: Path, language: str = "en") -> Path:
    write(folder / "agent.json", {"language": language, "supportedLanguages": []})
    write(folder / "package.json", {"version": "1.0.0"})
    write(folder / "intents" / "water plant.json", intent("water/plant"))
    phrases = [
        phrase("water ", ("the fern", "plant", "@plant"), " on ", (" monday", "when", "@sys.date")),
        phrase("water", " it"),
        phrase("give ", ("some", "", "@sys.ignore"), " water"),
        phrase("soak @plant:plant", isTemplate=True),
        phrase("  "),
    ]
    write(folder / "intents" / f"water plant_usersays_{language}.json", phrases)
    write(folder / "intents" / "Default Fallback Intent.json", intent("Default Fallback Intent", fallbackIntent=True))
    write(folder / "intents" / "unused.json", intent("unused"))
    write(folder / "entities" / "plant.json", {"name": "plant", "isRegexp": False, "isEnum": False})
    entries = [{"value": "fern", "synonyms": ["fern", "big fern"]}, {"value": "@size:size plant", "synonyms": []}, {"value": 3}]
    write(folder / "entities" / f"plant_entries_{language}.json", entries)
    return folder


def test_dialogflow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = agent(tmp_path / "agent")
    write(folder / "intents" / "water plant_usersays_de.json", [phrase("gieße den Farn")])
    with caplog.at_level(logging.WARNING):
        skill = load_skill(folder)
    assert find_reader(Source(folder)).NAME == "dialogflow"
    assert skill.intents == ["water/plant"]
    assert skill.slot_types == {"when": "@sys.date"}
    assert skill.catalogs == {"plant": ["fern", "big fern"]}
    rows = rows_of(skill)
    assert ("water the fern on monday", "water/plant", ((6, "the fern", "plant"), (18, "monday", "when"))) in rows
    assert ("give some water", "water/plant", ()) in rows
    assert ("soak fern", "water/plant", ((5, "fern", "plant"),)) in rows
    assert not any("Farn" in row[0] for row in rows)
    for expected in (
        "intents without phrases (1): unused",
        "phrases without text",
        "entity values made of",
        "entity values that",
    ):
        assert expected in caplog.text


def test_dialogflow_in_another_language_and_as_an_archive(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = agent(tmp_path / "agent", "pt-br")
    with zipfile.ZipFile(tmp_path / "agent.zip", "w") as out:
        for file in folder.rglob("*.json"):
            out.write(file, file.relative_to(folder))
    skill = load_skill(tmp_path / "agent.zip")
    assert skill.catalogs == {"plant": ["fern", "big fern"]}
    assert "its language is pt, but the base model is English" in caplog.text


def test_dialogflow_with_phrases_in_the_intent(tmp_path: Path) -> None:
    content = intent("call", userSays=[phrase("call ", ("Ann", "who", "@person"))])
    write(tmp_path / "old" / "intents" / "call.json", content)
    write(tmp_path / "old" / "entities" / "person.json", {"name": "person", "entries": [{"value": "Ann", "synonyms": ["Annie"]}]})
    skill = load_skill(tmp_path / "old")
    assert rows_of(skill) == {("call Ann", "call", ((5, "Ann", "who"),))}
    assert skill.catalogs == {"who": ["Ann", "Annie"]}
    assert rows_of(load_skill(write(tmp_path / "call.json", content))) == rows_of(skill)


def test_dialogflow_without_phrases(tmp_path: Path) -> None:
    write(tmp_path / "agent" / "intents" / "a.json", intent("a"))
    with pytest.raises(DataError, match="no sample utterance"):
        load_skill(tmp_path / "agent")


SNIPS_YAML = """\
type: intent
name: lights_on
slots:
- name: room
  entity: room_name
utterances:
- turn on the lights in the [room:room_name](living room)
- light up the [room] at [when:snips/datetime](nine o'clock)
- "[room](den) on"
---
type: entity
name: room_name
values:
- [garden, patio]
- den
- on
---
type: entity
name: color
use_synonyms: no
values:
- [red, rose]
"""


def test_snips_yaml(tmp_path: Path) -> None:
    path = write(tmp_path / "lights.yaml", SNIPS_YAML)
    skill = load_skill(path)
    assert find_reader(Source(path)).NAME == "snips"
    assert skill.catalogs == {"room": ["garden", "patio", "den", "on"]}
    assert skill.slot_types == {"when": "snips/datetime"}
    rows = rows_of(skill)
    assert ("turn on the lights in the living room", "lights_on", ((26, "living room", "room"),)) in rows
    assert ("den on", "lights_on", ((0, "den", "room"),)) in rows
    assert len(rows) == 5
    with pytest.raises(DataError, match=r"lights\.yaml, line \d+: not YAML"):
        load_skill(write(path, SNIPS_YAML.replace('"[room](den) on"', "[room](den) on")))


def test_snips_json(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    utterances = [
        {"data": [{"text": "light in the "}, {"text": "den", "slot_name": "room", "entity": "room_name"}, {"text": " please"}]},
        {"data": [{"text": "at "}, {"text": "nine", "slot_name": "when", "entity": "snips/time"}]},
        {"data": [{"text": 3}]},
        7,
    ]
    entities = {
        "room_name": {"data": [{"value": "garden", "synonyms": ["patio"]}, {"value": None}], "use_synonyms": True},
        "snips/time": {},
    }
    content = {"language": "en", "intents": {"lights_on": {"utterances": utterances}, "x": []}, "entities": entities}
    with caplog.at_level(logging.WARNING):
        skill = load_skill(write(tmp_path / "dataset.json", content))
    assert rows_of(skill) == {
        ("light in the den please", "lights_on", ((13, "den", "room"),)),
        ("at nine", "lights_on", ((3, "nine", "when"),)),
    }
    assert skill.catalogs == {"room": ["garden", "patio"]}
    assert skill.slot_types == {"when": "snips/time"}
    assert (
        "utterances with a piece that is not text (1), such as utterance 3 of 'lights_on': {'data': [{'text': 3}]}" in caplog.text
    )
    assert "utterances without text (1), such as utterance 4 of 'lights_on': 7" in caplog.text
    benchmark = {"GetWeather": [{"data": [{"text": "rain in "}, {"text": "Lima", "entity": "city"}]}]}
    assert rows_of(load_skill(write(tmp_path / "train_GetWeather.json", benchmark))) == {
        ("rain in Lima", "GetWeather", ((8, "Lima", "city"),))
    }


def mutated(value: Any, draw: Any, depth: int = 0) -> Any:
    """The content with some values of another type or left out."""
    if draw(st.integers(0, 14)) == 0:
        return draw(st.sampled_from([None, 3, "", " ", "x", [], {}, True, [[]], {"a": 1}]))
    if isinstance(value, dict):
        return {key: mutated(item, draw, depth + 1) for key, item in value.items() if draw(st.integers(0, 19))}
    if isinstance(value, list):
        return [mutated(item, draw, depth + 1) for item in value]
    return value


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_wrong_types_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    span = {"start": 0, "end": 1, "entity": "e", "value": "v"}
    rasa = {
        "common_examples": [{"text": "a b", "intent": "i", "entities": [span]}],
        "entity_synonyms": [{"value": "v", "synonyms": ["w"]}],
        "lookup_tables": [{"name": "e", "elements": ["x"]}],
    }
    nlu = [
        {"intent": "i", "examples": "- a [b](c)\n"},
        {"lookup": "c", "examples": "- d\n"},
        {"intent": "j", "examples": [{"text": "k"}]},
    ]
    chunk = {"text": "den", "slot_name": "room", "entity": "room_name"}
    snips = {
        "intents": {"i": {"utterances": [{"data": [{"text": "a "}, chunk]}]}},
        "entities": {"room_name": {"data": [{"value": "den"}]}},
    }
    document = [{"type": "intent", "name": "i", "slots": [{"name": "s", "entity": "e"}], "utterances": ["a [s](b)"]}]
    says = intent("i", userSays=[phrase("a ", ("b", "c", "@d"))])
    name, content = data.draw(
        st.sampled_from(
            [
                ("rasa", {"rasa_nlu_data": rasa}),
                ("rasa", {"nlu": nlu}),
                ("snips", snips),
                ("snips", document[0]),
                ("dialogflow", says),
            ]
        )
    )
    suffix = ".yml" if "nlu" in content or "type" in content else ".json"
    path = write(tmp_path / f"case{suffix}", mutated(content, data.draw))
    find = find_reader if data.draw(st.booleans()) else None
    try:
        load_skill(path, format=None if find else name)
    except DataError as error:
        assert "\n" not in str(error)
