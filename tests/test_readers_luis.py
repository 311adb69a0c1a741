"""LUIS apps as JSON and as .lu files, and CLU projects."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart import DataError, Skill, load_skill
from headstart.data.templates import Slot
from headstart.readers.patterns import PatternError, expand, scan

APP: dict[str, Any] = {
    "luis_schema_version": "7.0.0",
    "culture": "en-us",
    "intents": [{"name": "Brew"}],
    "entities": [],
    "utterances": [],
}


def read(tmp_path: Path, content: Any, name: str = "app.json") -> Skill:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return load_skill(path)


def app(**fields: Any) -> dict[str, Any]:
    return {**APP, **fields}


def utterance(text: str, *entities: tuple[str, int, int], intent: str = "Brew") -> dict[str, Any]:
    spans = [{"entity": name, "startPos": start, "endPos": end} for name, start, end in entities]
    return {"text": text, "intent": intent, "entities": spans}


def told(skill: Skill, part: str = "train") -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The rows of a part, each as intent, text, and labels with their values."""
    return [
        (row["intent"], row["text"], [(slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in row["slots"]])
        for row in skill.rows(part)
    ]


def texts(skill: Skill) -> set[str]:
    return {row["text"] for row in skill.rows("train")}


def test_ends_are_inclusive_and_the_outermost_span_is_kept(tmp_path: Path) -> None:
    nested = utterance("two black teas for ann", ("Order", 0, 13), ("Count", 0, 2), ("Guest", 19, 21))
    nested["entities"][0]["children"] = [{"entity": "Count", "startPos": 0, "endPos": 2}]
    skill = read(tmp_path, app(utterances=[nested]))
    assert told(skill) == [("Brew", "two black teas for ann", [("Order", "two black teas"), ("Guest", "ann")])]
    assert skill.slots == ["Guest", "Order"]


def test_offsets_count_utf16_units(tmp_path: Path) -> None:
    skill = read(tmp_path, app(utterances=[utterance("\U0001f375 for ann", ("Guest", 7, 9))]))
    assert told(skill)[0][2] == [("Guest", "ann")]


def test_the_first_schema_counts_words(tmp_path: Path) -> None:
    old = app(
        luis_schema_version="1.3.0", bing_entities=["number"], utterances=[utterance("tea, for miss ann.", ("Guest", 3, 4))]
    )
    skill = read(tmp_path, old)
    assert told(skill)[0][2] == [("Guest", "miss ann")]
    assert skill.slot_types == {"number": "number"}


def test_roles_are_labels_with_the_values_and_type_of_their_entity(tmp_path: Path) -> None:
    spoken = utterance("from rome at noon", ("City", 5, 8), ("datetimeV2", 13, 16))
    spoken["entities"][0]["role"] = "start"
    spoken["entities"][1]["role"] = "when"
    skill = read(
        tmp_path,
        app(
            closedLists=[{"name": "City", "subLists": [{"canonicalForm": "rome", "list": ["roma"]}], "roles": ["start"]}],
            prebuiltEntities=[{"name": "datetimeV2", "roles": ["when"]}],
            utterances=[spoken],
            patterns=[{"pattern": "to {City:end}", "intent": "Brew"}],
        ),
    )
    assert skill.slots == ["City:end", "City:start", "datetimeV2:when"]
    assert skill.catalogs == {"City:end": ["rome", "roma"], "City:start": ["rome", "roma"]}
    assert skill.slot_types["datetimeV2:when"] == "datetimeV2"
    assert {"to rome", "to roma"} <= texts(skill)


def test_phrase_lists_and_required_features_give_values_and_hints_do_not(tmp_path: Path) -> None:
    skill = read(
        tmp_path,
        app(
            entities=[
                {"name": "Drink"},
                {"name": "Cup", "features": [{"modelName": "Size", "isRequired": True}]},
                {"name": "Order", "children": [{"name": "Count", "instanceOf": "number"}]},
            ],
            closedLists=[{"name": "Size", "subLists": [{"canonicalForm": "small", "list": []}]}],
            prebuiltEntities=[{"name": "number"}],
            model_features=[{"name": "Drink", "words": "tea, cocoa"}, {"name": "Polite", "words": "please,thanks"}],
            utterances=[utterance("make tea", ("Drink", 5, 7))],
        ),
    )
    assert skill.catalogs == {"Drink": ["tea", "cocoa"], "Size": ["small"], "Cup": ["small"]}
    assert skill.slot_types["Count"] == "number"


def test_patterns_are_written_out(tmp_path: Path) -> None:
    skill = read(tmp_path, app(patterns=[{"pattern": "^[please] brew (black|green) tea[ for {Guest.any}]", "intent": "Brew"}]))
    assert {template.pattern for template in skill.templates} == {
        f"{please}brew {kind} tea{guest}"
        for please in ("please ", "")
        for kind in ("black", "green")
        for guest in ("", " for {Guest.any}")
    }


def test_a_pattern_of_many_forms_is_capped_with_every_word_used(tmp_path: Path) -> None:
    skill = read(tmp_path, app(patterns=[{"pattern": "(a|b|c|d)(e|f|g|h) tea", "intent": "Brew"}]))
    assert len(skill.templates) == 12
    assert set("".join(texts(skill))) >= set("abcdefgh")


@pytest.mark.parametrize("pattern", ["{", "a } b", "(a|b", "a]", "{=x}", "{A=}", "[" * 20 + "a" + "]" * 20, "x" * 3000])
def test_patterns_with_wrong_syntax_are_counted_and_left_out(
    tmp_path: Path, pattern: str, caplog: pytest.LogCaptureFixture
) -> None:
    skill = read(tmp_path, app(utterances=[utterance("tea")], patterns=[{"pattern": pattern, "intent": "Brew"}] * 2))
    assert texts(skill) == {"tea"}
    assert "left out 2 patterns with" in caplog.text


@given(st.text("ab {}[]()|=:@\\", max_size=30))
def test_any_pattern_has_forms_or_is_refused(text: str) -> None:
    try:
        forms = expand(scan(text, str.strip))
    except PatternError:
        return
    assert len(forms) <= 12
    for parts in forms:
        assert all(part for part in parts)
        assert all(part.value is None or part.value.strip() for part in parts if isinstance(part, Slot))


def test_damaged_fields_are_counted_and_the_rest_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    wrong = utterance("tea for ann", ("Guest", 8, 10), ("Guest", 9, 40), ("Age", 4, 8))
    wrong["entities"] += ["x", {"entity": "Guest", "startPos": "8", "endPos": 10}]
    skill = read(
        tmp_path, app(utterances=[wrong, 7, {"text": "", "intent": "Brew"}], closedLists=[{"name": "S", "subLists": 1}, 5])
    )
    assert skill.rows("train") == [{"text": "tea for ann", "intent": "Brew", "slots": None}]  # where its slots are isn't known
    for message in (
        "2 spans without entity, start or end",
        "spans with wrong offsets, whose utterances are read as not annotated with slots (1), such as utterance 1: '9-41 Guest",
        "overlapping spans",
        "2 utterances without text or intent",
        "fields 'subLists' that are no list",
        "closedLists without a name",
    ):
        assert message in caplog.text


@pytest.mark.parametrize("field", ["intents", "utterances"])
def test_a_field_that_must_be_a_list(tmp_path: Path, field: str) -> None:
    with pytest.raises(DataError, match=rf"app\.json, field '{field}': found a string; allowed: a list"):
        read(tmp_path, app(**{field: "x"}))


def test_intents_without_samples_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    skill = read(tmp_path, app(intents=[{"name": name} for name in ("Brew", "None", "Lost")], utterances=[utterance("tea")]))
    assert skill.intents == ["Brew"]
    levels = {record.levelname: record.getMessage() for record in caplog.records if "without samples" in record.getMessage()}
    assert levels["WARNING"].endswith("intents without samples (1): Lost")
    assert levels["INFO"].endswith("intents without samples (1): None")


def test_a_text_in_two_intents_is_two_rows(tmp_path: Path) -> None:
    skill = read(tmp_path, app(utterances=[utterance("stop"), utterance("stop", intent="Halt"), utterance("stop")]))
    assert sorted(str(row["intent"]) for row in skill.rows("train")) == ["Brew", "Halt"]


def test_an_app_without_samples(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"app\.json: skill 'app' has no sample utterance"):
        read(tmp_path, APP)


def test_a_batch_of_labelled_utterances(tmp_path: Path) -> None:
    label = {"entityName": "Guest", "startCharIndex": 8, "endCharIndex": 10, "role": "host"}
    skill = read(tmp_path, [{"text": "tea for ann", "intentName": "Brew", "entityLabels": [label]}])
    assert told(skill) == [("Brew", "tea for ann", [("Guest:host", "ann")])]
    assert told(read(tmp_path, [utterance("tea for ann", ("Guest", 8, 10))])) == [("Brew", "tea for ann", [("Guest", "ann")])]


def clu(*utterances: dict[str, Any], **fields: Any) -> dict[str, Any]:
    guest = {
        "category": "Guest",
        "list": {
            "sublists": [
                {
                    "listKey": "ann",
                    "synonyms": [{"language": "de", "values": ["anna"]}, {"language": "en-us", "values": ["annie"]}],
                }
            ]
        },
        "prebuilts": [{"category": "Person.Name"}],
    }
    assets = {"projectKind": "Conversation", "intents": [{"category": "Brew"}], "entities": [guest], "utterances": utterances}
    return {"projectFileVersion": "2022-10-01-preview", "stringIndexType": "Utf16CodeUnit", "assets": assets, **fields}


def spoken(text: str, offset: int, length: int, **fields: Any) -> dict[str, Any]:
    entities = [{"category": "Guest", "offset": offset, "length": length}]
    return {"text": text, "intent": "Brew", "language": "en-us", "dataset": "Train", "entities": entities, **fields}


def test_a_clu_project(tmp_path: Path) -> None:
    skill = read(
        tmp_path,
        clu(spoken("\U0001f375 for ann", 7, 3), spoken("tea for bob", 8, 3, dataset="Test"), spoken("tee", 0, 3, language="de")),
    )
    assert told(skill) == [("Brew", "\U0001f375 for ann", [("Guest", "ann")])]
    assert told(skill, "test") == [("Brew", "tea for bob", [("Guest", "bob")])]
    assert skill.catalogs == {"Guest": ["ann", "annie"]}
    assert skill.slot_types == {"Guest": "Person.Name"}


def test_a_clu_project_that_counts_characters(tmp_path: Path) -> None:
    project = clu(spoken("\U0001f375 for ann", 6, 3), stringIndexType="UnicodeCodePoint")
    assert told(read(tmp_path, project))[0][2] == [("Guest", "ann")]


def test_lu_labels_keep_their_offsets(tmp_path: Path) -> None:
    skill = read(
        tmp_path,
        """# Book
- what is {FromDate=today}'s plan
- book { @Room = the big {@Floor=third} one }, {City:from=rome} to {@to=oslo}
- {City = bonn }then "home"
- a \\{plain\\} [text (here)
@ ml City hasRoles from, to
@ ml Room
  - @ ml Floor
""",
        "a.lu",
    )
    assert told(skill) == [
        ("Book", "what is today's plan", [("FromDate", "today")]),
        (
            "Book",
            "book the big third one , rome to oslo",
            [("Room", "the big third one"), ("City:from", "rome"), ("City:to", "oslo")],
        ),
        ("Book", 'bonn then "home"', [("City", "bonn")]),
        ("Book", "a {plain} [text (here)", []),
    ]


def test_lu_patterns_and_declarations_of_both_kinds(tmp_path: Path) -> None:
    skill = read(
        tmp_path,
        """> a comment with {braces
> !# @app.name = tea
## Brew
* [please] a {Size} {Colour} tea (now|at {datetimeV2:when})
+ {Drink} please
@ list Size =
\t- small :
\t\t- tiny
\t- large:
@ prebuilt datetimeV2 hasRoles when
@ phraselist Drink(interchangeable) =
    - cocoa, milk
@ phraselist Polite =
    - please,thanks
@ patternany Drink
@ ml Order
    - @ datetimeV2 Day
$Colour:red=
- crimson
$Colour:green=
$PREBUILT:number Roles=many
$Guest:simple
""",
        "a.lu",
    )
    assert skill.catalogs == {
        "Size": ["small", "tiny", "large"],
        "Colour": ["red", "crimson", "green"],
        "Drink": ["cocoa", "milk"],
    }
    assert skill.slot_types == {
        "datetimeV2": "datetimeV2",
        "datetimeV2:when": "datetimeV2",
        "number": "number",
        "Day": "datetimeV2",
    }
    assert {template.pattern for template in skill.templates} == {
        "{Drink} please",
        *(f"{please}a {{Size}} {{Colour}} tea {when}" for please in ("please ", "") for when in ("now", "at {datetimeV2:when}")),
    }


def test_lu_parts_that_are_not_read_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = read(
        tmp_path,
        """- above
[import](other.lu)
# Brew
- tea
- [other](other.lu#Brew)
- {broken
# ? what is tea
- what's tea
```
- a drink
```
# ?how
# Lost
""",
        "a.lu",
    )
    assert texts(skill) == {"tea"}
    for message in (
        "samples above the first intent",
        "imports of other files",
        "links to utterances",
        "2 question-and-answer sections",
        "patterns with braces",
        "intents without samples (1): Lost",
    ):
        assert message in caplog.text


def test_lu_sections_without_samples_of_their_own_are_no_lost_intents(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(tmp_path, "# Drinks\n## Brew\n- tea\n", "a.lu")
    assert "without samples" not in caplog.text


def test_a_folder_of_lu_files_in_several_languages_is_read_in_english(tmp_path: Path) -> None:
    for name, text in (("tea.en-us.lu", "tea"), ("milk.en-us.lu", "milk"), ("tea.de-de.lu", "tee")):
        (tmp_path / name).write_text(f"# Brew\n- {text}\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing\n", encoding="utf-8")
    assert texts(load_skill(tmp_path)) == {"tea", "milk"}


def test_a_folder_of_apps_in_several_languages_is_read_in_english(tmp_path: Path) -> None:
    for culture, text in (("en-gb", "tea"), ("fr-fr", "the")):
        content = json.dumps(app(culture=culture, utterances=[utterance(text)]))
        (tmp_path / f"{culture}.json").write_text(content, encoding="utf-8")
    assert texts(load_skill(tmp_path)) == {"tea"}
