"""Where the formats' own parsers are surprising, and right: bf-lu, Jovo's conversion to Alexa's models, Rasa's readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headstart import CatalogValue, Skill, load_skill


def read(folder: Path, name: str, content: Any) -> Skill:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return load_skill(path)


def patterns(skill: Skill) -> list[tuple[str | None, str]]:
    return [(template.intent, template.pattern) for template in skill.templates]


def told(skill: Skill) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (row["text"], [(slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in row["slots"] or []])
        for row in skill.rows("train")
    ]


def test_synonyms_of_a_list_are_parted_by_commas_and_semicolons(tmp_path: Path) -> None:
    text = "# A\n- paint it {color}\n@ list color =\n- red :\n- crimson, scarlet\n    - dark red\n- green:\n- lime; olive\n"
    skill = read(tmp_path, "a.lu", text)
    assert skill.canonical["color"] == [
        CatalogValue("red", None, ("crimson", "scarlet", "dark red")),
        CatalogValue("green", None, ("lime", "olive")),
    ]
    assert {row["text"] for row in skill.rows("train")} <= {f"paint it {value}" for value in skill.catalogs["color"]}


def test_roles_may_stand_behind_a_name_without_a_word_for_it(tmp_path: Path) -> None:
    text = "# A\n- fly to {@toCity=rome}\n- from {city:fromCity}\n- near {@geographyV2:to=rome}\n@ ml city fromCity, toCity\n@ prebuilt geographyV2 from, to\n"
    skill = read(tmp_path, "a.lu", text)
    assert sorted(skill.slots) == ["city:fromCity", "city:toCity", "geographyV2:to"]
    assert skill.slot_types["geographyV2:to"] == "geographyV2" and "from" not in skill.slot_types


def test_values_of_a_list_reach_a_role_of_it(tmp_path: Path) -> None:
    skill = read(tmp_path, "a.lu", "# A\n- paint it {color:bg}\n@ list color bg =\n- red :\n  - crimson\n")
    assert skill.catalogs == {"color:bg": ["red", "crimson"]}


def test_carets_around_a_pattern_are_none_of_its_text(tmp_path: Path) -> None:
    skill = read(tmp_path, "a.lu", "# A\n- ^read {title}^\n- ^[please] stop^\n- ^go\n")
    assert patterns(skill) == [("A", "read {title}"), ("A", "please stop"), ("A", "stop"), ("A", "^go")]


def test_brackets_of_an_utterance_with_a_label_are_text(tmp_path: Path) -> None:
    skill = read(tmp_path, "a.lu", "# A\n- x [opt {@x=a}] (b|c)\n- y [opt] (b|c)\n@ ml x\n")
    assert told(skill)[0] == ("x [opt a] (b|c)", [("x", "a")])
    assert [text for text, _ in told(skill)[1:]] == ["y opt b", "y opt c", "y b", "y c"]


def test_a_backslash_is_text_but_for_brackets(tmp_path: Path) -> None:
    skill = read(
        tmp_path,
        "a.lu",
        "# A\n- mail \\@ me\n- a \\| b\n- a \\{b\\} \\[c\\] \\(d\\)\n- {@x=\\{e\\}} f\n- say (a\\|b|c) {x}\n@ ml x\n",
    )
    assert [template.pattern for template in skill.templates] == [
        "mail \\@ me",
        "a \\| b",
        "a {b} [c] (d)",
        "{x} f",
        "say a|b {x}",
        "say c {x}",
    ]


def test_what_an_intent_of_jovo_has_for_alexa_takes_the_place_of_the_rest(tmp_path: Path) -> None:
    intents = {
        "Brew": {
            "phrases": ["a {size} tea"],
            "entities": {"size": {"type": "Sizes"}},
            "alexa": {"name": "BrewIntent", "samples": ["make {kind} tea"], "slots": [{"name": "kind", "type": "AMAZON.Drink"}]},
        },
        "Ask": {"phrases": ["is it {size}"], "entities": {"size": {"type": "Sizes", "alexa": {"type": "AMAZON.City"}}}},
    }
    types = {"Sizes": {"values": ["small"]}}
    platform = {"interactionModel": {"languageModel": {"types": [{"name": "Sizes", "values": [{"name": {"value": "large"}}]}]}}}
    skill = read(tmp_path, "en.json", {"intents": intents, "entityTypes": types, "alexa": platform})
    assert patterns(skill) == [("BrewIntent", "make {kind} tea"), ("Ask", "is it {size}")]
    assert skill.slot_types == {"kind": "AMAZON.Drink", "size": "AMAZON.City"}
    del intents["Ask"]["entities"]["size"]["alexa"]  # type: ignore[index]
    assert read(tmp_path, "en.json", {"intents": intents, "entityTypes": types, "alexa": platform}).catalogs == {
        "size": ["large"]
    }


def test_examples_that_rasa_leaves_out_are_read_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "nlu:\n- intent: brew\n  examples: |\n    - make tea\n      - make more\n- intent: stop\n  examples: |\n    - stop\n"
    assert [row["text"] for row in read(tmp_path, "nlu.yml", text).rows("train")] == ["make tea", "make more", "stop"]
    assert "examples are indented further than the first, which Rasa itself leaves out" in caplog.text and "(1)" in caplog.text
