"""Bots: chatbots' intents of tags and patterns, Amazon Lex, Dialogflow CX, Watson. What each file says was written down before it was read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from headstart import CatalogValue, DataError, Skill, load_skill
from headstart.readers import find_reader
from headstart.readers.source import Source

Annotated = tuple[str, str | None, tuple[tuple[str, str], ...] | None]


def write(folder: Path, files: dict[str, Any]) -> Path:
    """One file, or a folder with several."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder if len(files) > 1 else folder / next(iter(files))


def rows(skill: Skill, part: str = "train") -> list[Annotated]:
    """Text, intent, and label and value of each slot; None where slots are not annotated."""
    return [
        (
            row["text"],
            row["intent"],
            None if row["slots"] is None else tuple((s["label"], row["text"][s["start"] : s["end"]]) for s in row["slots"]),
        )
        for row in skill.rows(part)
    ]


def patterns(skill: Skill) -> list[tuple[str | None, str]]:
    return [(template.intent, template.pattern) for template in skill.templates]


def test_tags_and_patterns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    intents = [
        {"tag": "greeting", "patterns": ["Hi there", "  hello   you "], "responses": ["Hello!"], "context": [""]},
        {"tag": "noanswer", "patterns": [""], "responses": ["Sorry?"]},
        {"tag": "thanks", "patterns": "thanks a lot", "responses": []},
        {"patterns": ["lost"], "responses": []},
    ]
    path = write(tmp_path, {"intents.json": {"intents": intents}})
    assert find_reader(Source(path)).NAME == "tag_patterns"
    assert rows(load_skill(path)) == [
        ("Hi there", "greeting", None),
        ("hello you", "greeting", None),
        ("thanks a lot", "thanks", None),
    ]
    for kind in (
        "patterns that are blank",
        "intents without a pattern (1), such as intent 2: 'noanswer'",
        "intents without a tag",
    ):
        assert kind in caplog.text


def test_intents_of_texts_in_a_list_and_of_other_names(tmp_path: Path) -> None:
    a_list = [{"tag": "bye", "patterns": ["bye", "see you"]}]
    assert rows(load_skill(write(tmp_path / "a", {"data.json": a_list}))) == [("bye", "bye", None), ("see you", "bye", None)]
    others = {
        "intents": [
            {"intent": "Time", "text": ["what time is it"], "responses": ["now"], "entities": []},
            {"name": "x", "examples": []},
        ]
    }
    assert rows(load_skill(write(tmp_path / "b", {"Intent.json": others}))) == [("what time is it", "Time", None)]
    parts = {"train.json": {"intents": a_list}, "test.json": {"intents": [{"tag": "bye", "patterns": ["ciao"], "responses": []}]}}
    skill = load_skill(write(tmp_path / "c", parts))
    assert rows(skill, "test") == [("ciao", "bye", None)] and len(rows(skill)) == 2


LEX_1 = {
    "metadata": {"schemaVersion": "1.0", "importType": "LEX", "importFormat": "JSON"},
    "resource": {
        "name": "Tea",
        "locale": "en-US",
        "intents": [
            {
                "name": "BrewTea",
                "sampleUtterances": ["brew a {size} tea", "tea for {when}", "brew {Size} and {cups} cups"],
                "slots": [
                    {"name": "Size", "slotType": "Sizes", "sampleUtterances": ["a {Size} one"], "slotConstraint": "Required"},
                    {"name": "when", "slotType": "AMAZON.TIME"},
                    {"name": "cups", "slotType": "AMAZON.NUMBER"},
                ],
            },
            {"name": "Nothing", "sampleUtterances": [], "slots": []},
        ],
        "slotTypes": [
            {
                "name": "Sizes",
                "enumerationValues": [{"value": "large", "synonyms": ["big", "huge"]}, {"value": "small"}],
                "valueSelectionStrategy": "TOP_RESOLUTION",
            }
        ],
    },
}


def test_lex_1(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, {"Tea_Export.json": LEX_1})
    skill = load_skill(path)
    assert patterns(skill) == [
        ("BrewTea", "brew a {Size} tea"),
        ("BrewTea", "tea for {when}"),
        ("BrewTea", "brew {Size} and {cups} cups"),
    ]
    assert skill.canonical == {"Size": [CatalogValue("large", None, ("big", "huge"))]}
    assert skill.catalogs == {"Size": ["large", "big", "huge", "small"]}
    assert skill.slot_types == {"when": "AMAZON.TIME", "cups": "AMAZON.NUMBER"}
    assert "intents of the skill's own without samples, which are left out (1), such as line 1: 'Nothing'" in caplog.text
    with zipfile.ZipFile(tmp_path / "Tea.zip", "w") as archive:
        archive.write(path, "Tea_Export.json")
    assert patterns(load_skill(tmp_path / "Tea.zip")) == patterns(skill)


def test_lex_1_of_one_intent(tmp_path: Path) -> None:
    resource = {
        "name": "Stop",
        "version": "1",
        "sampleUtterances": ["stop", "stop the {thing}"],
        "slots": [{"name": "thing", "slotType": "Things"}],
    }
    types = [{"name": "Things", "enumerationValues": [{"value": "kettle"}], "valueSelectionStrategy": "ORIGINAL_VALUE"}]
    skill = load_skill(write(tmp_path, {"Stop.json": {"metadata": {}, "resource": {**resource, "slotTypes": types}}}))
    assert patterns(skill) == [("Stop", "stop"), ("Stop", "stop the {thing}")] and skill.catalogs == {"thing": ["kettle"]}


EN, DE = "TeaBot/BotLocales/en_GB", "TeaBot/BotLocales/de_DE"
LEX_2: dict[str, Any] = {
    "Manifest.json": {"metaData": {"schemaVersion": "1", "resourceType": "BOT"}},
    "TeaBot/Bot.json": {"name": "TeaBot", "version": "DRAFT"},
    f"{EN}/BotLocale.json": {"name": "English (UK)", "identifier": "en_GB"},
    f"{EN}/Intents/Brew/Intent.json": {
        "name": "Brew",
        "sampleUtterances": [{"utterance": "brew a {size} tea"}, {"utterance": "tea in {cup.colour}"}, {"utterance": "a {pot}"}],
    },
    f"{EN}/Intents/Brew/Slots/size/Slot.json": {"name": "size", "slotTypeName": "Sizes"},
    f"{EN}/Intents/Brew/Slots/pot/Slot.json": {"name": "pot", "slotTypeName": "Pots"},
    f"{EN}/Intents/Fallback/Intent.json": {"name": "Fallback", "sampleUtterances": None, "parentIntentSignature": "AMAZON.FallbackIntent"},
    f"{EN}/SlotTypes/Sizes/SlotType.json": {
        "name": "Sizes",
        "slotTypeValues": [{"sampleValue": {"value": "large"}, "synonyms": [{"value": "big"}]}, {"sampleValue": {"value": "small"}, "synonyms": None}],
        "valueSelectionSetting": {"resolutionStrategy": "TOP_RESOLUTION"},
    },
    f"{EN}/SlotTypes/Pots/SlotType.json": {
        "name": "Pots",
        "slotTypeValues": [{"sampleValue": {"value": "12"}}],
        "parentSlotTypeSignature": "AMAZON.Number",
        "valueSelectionSetting": {"resolutionStrategy": "ORIGINAL_VALUE"},
    },
    f"{DE}/Intents/Brew/Intent.json": {"name": "Brew", "sampleUtterances": [{"utterance": "einen {size} Tee"}]},
    f"{DE}/Intents/Brew/Slots/size/Slot.json": {"name": "size", "slotTypeName": "AMAZON.AlphaNumeric"},
}  # fmt: skip


def test_lex_2_as_folder_and_zip(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "TeaBot-export", LEX_2)
    skill = load_skill(path)
    assert patterns(skill) == [("Brew", "brew a {size} tea"), ("Brew", "tea in {cup.colour}"), ("Brew", "a {pot}")]
    assert skill.canonical["size"] == [CatalogValue("large", None, ("big",))]
    assert skill.catalogs == {"size": ["large", "big", "small"], "pot": ["12"]}
    assert skill.slot_types == {"pot": "AMAZON.Number"}
    assert "of 2 languages, en_GB is read; there are also de_DE" in caplog.text
    with zipfile.ZipFile(tmp_path / "bot.zip", "w") as archive:
        for name, content in LEX_2.items():
            archive.writestr(name, json.dumps(content))
    assert patterns(load_skill(tmp_path / "bot.zip")) == patterns(skill)
    german = load_skill(tmp_path / "bot.zip", language="de-DE")
    assert patterns(german) == [("Brew", "einen {size} tee")] and german.slot_types == {"size": "AMAZON.AlphaNumeric"}


CX: dict[str, Any] = {
    "agent.json": {"displayName": "tea", "defaultLanguageCode": "en", "timeZone": "Europe/Vienna"},
    "intents/order tea/order tea.json": {
        "name": "0000", "displayName": "order.tea", "priority": 500000,
        "parameters": [{"id": "size", "entityType": "@size"}, {"id": "when", "entityType": "@sys.date-time"}, {"id": "kind", "entityType": "@kind"}],
    },
    "intents/order tea/trainingPhrases/en.json": {
        "trainingPhrases": [
            {"id": "1", "repeatCount": 1, "languageCode": "en",
             "parts": [{"text": "a ", "auto": True}, {"text": "big", "parameterId": "size", "auto": True}, {"text": " tea ", "auto": True}, {"text": " at noon", "parameterId": "when"}]},
            {"parts": [{"text": "make me "}, {"text": "earl grey", "parameterId": "kind"}]},
            {"parts": [{"text": "broken "}, {}]},
        ]
    },
    "intents/order tea/trainingPhrases/de.json": {"trainingPhrases": [{"parts": [{"text": "ein Tee"}]}]},
    "intents/Default Negative Intent/Default Negative Intent.json": {"displayName": "Default Negative Intent", "isFallback": True},
    "entityTypes/size/size.json": {"displayName": "size", "kind": "KIND_MAP"},
    "entityTypes/size/entities/en.json": {"entities": [{"value": "L", "synonyms": ["big", "large"], "languageCode": "en"}, {"value": "small", "synonyms": ["small"]}]},
    "entityTypes/kind/kind.json": {"displayName": "kind", "kind": "KIND_LIST"},
    "entityTypes/kind/entities/en.json": {"entities": [{"value": "green", "synonyms": ["green"]}, {"value": "@size pot", "synonyms": ["@size pot"]}]},
    "flows/Default Start Flow/Default Start Flow.json": {"displayName": "Default Start Flow"},
}  # fmt: skip


def test_dialogflow_cx_as_a_package(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "agent", CX)
    assert find_reader(Source(path)).NAME == "dialogflow_cx"
    skill = load_skill(path)
    assert rows(skill) == [
        ("a big tea at noon", "order.tea", (("size", "big"), ("when", "at noon"))),
        ("make me earl grey", "order.tea", (("kind", "earl grey"),)),
    ]
    assert skill.canonical["size"] == [
        CatalogValue("L", None, ("big", "large"), is_said=False),
    ]
    assert skill.catalogs == {"size": ["big", "large", "small"], "kind": ["green"]}
    assert skill.slot_types == {"when": "@sys.date-time"}
    assert (
        "left out phrases without text" in caplog.text
        and "entity values made of other types" in caplog.text
        and "(1)" in caplog.text
    )
    assert rows(load_skill(path, language="de")) == [("ein Tee", "order.tea", ())]


def test_dialogflow_cx_as_its_api_lists_intents(tmp_path: Path) -> None:
    kind = "projects/p/locations/global/agents/a/entityTypes/sys.number"
    phrases = [
        {"parts": [{"text": "2", "parameterId": "count"}, {"text": " teas"}], "languageCode": "en"},
        {"parts": [{"text": "zwei Tees"}], "languageCode": "de"},
    ]
    intent = {"displayName": "order", "trainingPhrases": phrases, "parameters": [{"id": "count", "entityType": kind}]}
    skill = load_skill(write(tmp_path, {"intents.json": {"intents": [intent]}}))
    assert rows(skill) == [("2 teas", "order", (("count", "2"),))] and skill.slot_types == {"count": "@sys.number"}
    assert rows(load_skill(write(tmp_path / "one", {"order.json": {**intent, "parameters": []}}), language="de")) == [
        ("zwei Tees", "order", ())
    ]


WORKSPACE: dict[str, Any] = {
    "name": "tea",
    "language": "en",
    "intents": [
        {
            "intent": "brew",
            "examples": [
                {"text": "a large tea \U0001f375 at 5", "mentions": [{"entity": "size", "location": [2, 7]}, {"entity": "sys-time", "location": [14, 18]}]},
                {"text": "tea", "mentions": []},
                {"text": "a @size tea for @sys-number, @size:(very big) me@mail"},
                {"text": "no such place", "mentions": [{"entity": "size", "location": [40, 44]}]},
            ],
        },
        {"intent": "stop", "examples": [{"text": "stop it"}]},
        {"intent": "silent", "examples": []},
    ],
    "entities": [
        {"entity": "size", "fuzzy_match": True, "values": [{"type": "synonyms", "value": "large", "synonyms": ["big"]}, {"type": "patterns", "value": "cup", "patterns": ["\\d+"]}]},
        {"entity": "sys-number", "values": []},
    ],
    "counterexamples": [{"text": "what is the weather"}],
    "dialog_nodes": [],
}  # fmt: skip


def test_watson(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, {"workspace.json": WORKSPACE})
    assert find_reader(Source(path)).NAME == "watson"
    skill = load_skill(path)
    assert rows(skill)[0] == ("a large tea \U0001f375 at 5", "brew", (("size", "large"), ("sys-time", "at 5")))
    assert patterns(skill) == [
        ("brew", "a {size} tea \U0001f375 {sys-time}"), ("brew", "tea"), ("brew", "a {size} tea for {sys-number}, {size} me@mail"),
        ("brew", "no such place"), ("stop", "stop it"),
    ]  # fmt: skip
    assert ("no such place", "brew", None) in rows(skill)
    assert skill.canonical == {"size": [CatalogValue("large", None, ("big",))]}
    assert skill.slot_types == {"sys-time": "@sys-time", "sys-number": "@sys-number"}
    for kind in (
        "values that are patterns",
        "counterexamples",
        "intents without examples",
        "mentions with wrong offsets",
    ):
        assert kind in caplog.text


def test_watson_in_an_exported_skill_and_with_offsets_of_javascript(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    example = {"text": "\U0001f375 a large tea", "mentions": [{"entity": "size", "location": [5, 10]}]}
    wrapped = {
        "skill_id": "1",
        "workspace": {"language": "en", "intents": [{"intent": "brew", "examples": [example]}], "entities": []},
    }
    assert rows(load_skill(write(tmp_path, {"skill.json": wrapped}))) == [
        ("\U0001f375 a large tea", "brew", (("size", "large"),))
    ]
    assert "files whose offsets fit if they count UTF-16 units" in caplog.text


def test_watson_in_two_languages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def workspace(language: str, text: str) -> dict[str, Any]:
        return {"language": language, "intents": [{"intent": "hi", "examples": [{"text": text}]}], "entities": []}

    path = write(tmp_path, {"de.json": workspace("de", "guten Tag"), "en.json": workspace("en", "good day")})
    assert rows(load_skill(path)) == [("good day", "hi", ())]
    assert "of 2 languages, en is read; there are also de" in caplog.text
    assert rows(load_skill(path, language="de")) == [("guten Tag", "hi", ())]


@pytest.mark.parametrize(
    "format", ["tag_patterns", "lex", "dialogflow_cx", "watson", "hassil", "rhasspy", "top", "slurp", "tagged_rows"]
)
def test_a_file_of_something_else_is_refused_with_what_is_allowed(tmp_path: Path, format: str) -> None:
    with pytest.raises(DataError, match="allowed: "):
        load_skill(write(tmp_path, {"a.json": {"nothing": 1}}), format=format)
