"""Values of catalogs with their ids and synonyms: what a skill keeps of them, and what readers and writers make of them."""

from __future__ import annotations

import dataclasses
import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart import CatalogValue, DataError, Skill, convert, load_skill
from headstart.data.skills import make_skill
from headstart.data.templates import Slot, Template
from headstart.writers import alexa as alexa_writer
from headstart.writers import rasa as rasa_writer
from headstart.writers import rows as rows_writer

ROW = {"text": "a big one", "intent": "order", "slots": [{"start": 2, "end": 5, "label": "size"}]}
LARGE = CatalogValue("large", "L", ("big", "huge"))
OSLO = CatalogValue("NO-03", None, ("oslo", "christiania"), is_said=False)


def made(**fields: Any) -> Skill:
    return Skill("cafe", [ROW], **fields)


def test_what_is_said_for_a_canonical_value_is_in_the_catalog() -> None:
    skill = made(catalogs={"size": ["small", "big"]}, canonical={"size": [LARGE], "city": [OSLO]})
    assert skill.catalogs == {"size": ["small", "big", "large", "huge"], "city": ["oslo", "christiania"]}
    assert skill.canonical == {"size": [LARGE], "city": [OSLO]}
    assert skill.slots == ["city", "size"]
    assert skill.listed("size") == ["small", LARGE]


def test_plain_lists_stay_as_they_are() -> None:
    skill = made(catalogs={"size": ["small", "small", " "]})
    assert (skill.catalogs, skill.canonical, skill.listed("size")) == (
        {"size": ["small", "small", " "]},
        {},
        ["small", "small", " "],
    )
    assert made(canonical={"size": [CatalogValue("small"), CatalogValue("tiny", None, ("tiny",))]}).canonical == {}


def test_a_value_that_is_listed_twice_is_one_and_one_with_two_ids_is_two() -> None:
    twice = [CatalogValue("large", "L", ("big",)), CatalogValue("large", "L", ("huge",)), CatalogValue("large", "XL")]
    assert made(canonical={"size": twice}).canonical["size"] == [LARGE, CatalogValue("large", "XL")]


def test_other_fields_of_a_skill_are_replaced_without_losing_values() -> None:
    skill = made(canonical={"size": [LARGE, CatalogValue("small", "S")]})
    assert skill.replace(invocation="cafe").canonical == dataclasses.replace(skill, name="x").canonical == skill.canonical
    assert skill.replace(catalogs={"size": ["small"]}).canonical == {"size": [CatalogValue("small", "S")]}
    assert skill.replace(catalogs={}).catalogs == {}


@pytest.mark.parametrize(
    "value", ["large", CatalogValue(" "), CatalogValue("a", ""), CatalogValue("a", None, ("",)), CatalogValue("a\ud800")]
)
def test_values_that_stand_for_nothing_are_refused(value: Any) -> None:
    with pytest.raises(DataError, match="skill 'cafe', canonical values of"):
        made(canonical={"size": [value]})


def test_a_text_is_no_list_of_synonyms() -> None:
    with pytest.raises(TypeError, match="synonyms of 'large' is 'big'; it must be a tuple of texts"):
        CatalogValue("large", synonyms="big")  # type: ignore[arg-type]
    assert CatalogValue("large", synonyms=["big"]) == CatalogValue("large", synonyms=("big",))  # type: ignore[arg-type]


def test_templates_are_filled_with_synonyms() -> None:
    skill = make_skill("cafe", [Template("order", ("a ", Slot("size")))], catalogs={"size": [LARGE, "small"]}, fills=4)
    assert {row["text"] for row in skill.rows("train")} == {"a large", "a big", "a huge", "a small"}
    assert skill.listed("size") == [LARGE, "small"]


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def alexa(folder: Path) -> Path:
    values = [{"id": "L", "name": {"value": "large", "synonyms": ["big", "huge"]}}, {"id": "", "name": {"value": "small"}}]
    intents = [{"name": "order", "slots": [{"name": "size", "type": "SIZE"}], "samples": ["a {size}"]}]
    model = {"languageModel": {"intents": intents, "types": [{"name": "SIZE", "values": values}]}}
    return write(folder / "en-US.json", {"interactionModel": model})


def jovo(folder: Path) -> Path:
    values = [{"id": "L", "value": "large", "synonyms": ["big", "huge"]}, "small"]
    return write(
        folder / "en.json",
        {
            "intents": {"order": {"phrases": ["a {size}"], "entities": {"size": {"type": "SIZE"}}}},
            "entityTypes": {"SIZE": {"values": values}},
        },
    )


def dialogflow(folder: Path) -> Path:
    phrase = {"data": [{"text": "a "}, {"text": "big", "alias": "size", "meta": "@SIZE"}]}
    write(folder / "agent" / "intents" / "order.json", {"name": "order", "auto": True, "responses": [], "priority": 1})
    write(folder / "agent" / "intents" / "order_usersays_en.json", [phrase])
    entries = [{"value": "large", "synonyms": ["large", "big", "huge"]}, {"value": "small", "synonyms": ["small"]}]
    write(folder / "agent" / "entities" / "SIZE_entries_en.json", entries)
    return folder / "agent"


def snips(folder: Path) -> Path:
    chunks = [{"text": "a "}, {"text": "big", "entity": "SIZE", "slot_name": "size"}]
    data = [{"value": "large", "synonyms": ["big", "huge"]}, {"value": "small", "synonyms": []}]
    entities = {"SIZE": {"data": data, "use_synonyms": True}}
    return write(
        folder / "data.json", {"intents": {"order": {"utterances": [{"data": chunks}]}}, "entities": entities, "language": "en"}
    )


def luis(folder: Path) -> Path:
    lists = [
        {
            "name": "size",
            "subLists": [{"canonicalForm": "large", "list": ["big", "huge"]}, {"canonicalForm": "small", "list": []}],
        }
    ]
    spans = [{"entity": "size", "startPos": 2, "endPos": 4}]
    app = {"luis_schema_version": "7.0.0", "intents": [{"name": "order"}], "closedLists": lists}
    return write(folder / "app.json", app | {"utterances": [{"text": "a big", "intent": "order", "entities": spans}]})


def clu(folder: Path) -> Path:
    sublists = [
        {"listKey": key, "synonyms": [{"language": "en", "values": values}]}
        for key, values in (("large", ["big", "huge"]), ("small", []))
    ]
    assets = {
        "projectKind": "Conversation",
        "intents": [{"category": "order"}],
        "entities": [{"category": "size", "list": {"sublists": sublists}}],
    }
    spans = [{"category": "size", "offset": 2, "length": 3}]
    assets["utterances"] = [{"text": "a big", "language": "en", "intent": "order", "entities": spans}]
    return write(folder / "project.json", {"projectFileVersion": "2023-04-01", "assets": assets})


def lu(folder: Path) -> Path:
    return write(folder / "app.lu", "# order\n- a {@size=big}\n\n@ list size =\n- large :\n  - big\n  - huge\n- small :\n")


def rasa(folder: Path) -> Path:
    return write(
        folder / "nlu.yml",
        'version: "3.1"\nnlu:\n- intent: order\n  examples: |\n    - a [big](size)\n- lookup: size\n  examples: |\n    - small\n'
        "- synonym: large\n  examples: |\n    - big\n    - huge\n",
    )


def rasa_markdown(folder: Path) -> Path:
    return write(
        folder / "nlu.md", "## intent:order\n- a [big](size)\n\n## lookup:size\n- small\n\n## synonym:large\n- big\n- huge\n"
    )


def rows(folder: Path) -> Path:
    write(folder / "cafe" / "train.jsonl", json.dumps(ROW) + "\n")
    write(folder / "cafe" / "catalogs.json", {"size": [{"value": "large", "id": "L", "synonyms": ["big", "huge"]}, "small"]})
    return folder / "cafe"


def lex(folder: Path) -> Path:
    intent = {"name": "order", "sampleUtterances": ["a {size}"], "slots": [{"name": "size", "slotType": "SIZE"}]}
    values = [{"value": "large", "synonyms": ["big", "huge"]}, {"value": "small", "synonyms": []}]
    resource = {"intents": [intent], "slotTypes": [{"name": "SIZE", "enumerationValues": values}]}
    return write(folder / "bot.json", {"metadata": {}, "resource": resource})


def dialogflow_cx(folder: Path) -> Path:
    phrase = {"parts": [{"text": "a "}, {"text": "big", "parameterId": "size"}]}
    intent = {"displayName": "order", "trainingPhrases": [phrase], "parameters": [{"id": "size", "entityType": "@SIZE"}]}
    entries = [{"value": "large", "synonyms": ["large", "big", "huge"]}, {"value": "small", "synonyms": ["small"]}]
    return write(folder / "agent.json", {"intents": [intent], "entityTypes": [{"displayName": "SIZE", "entities": entries}]})


def watson(folder: Path) -> Path:
    examples = [{"text": "a big", "mentions": [{"entity": "size", "location": [2, 5]}]}]
    values = [{"type": "synonyms", "value": "large", "synonyms": ["big", "huge"]}, {"type": "synonyms", "value": "small"}]
    workspace = {"intents": [{"intent": "order", "examples": examples}], "entities": [{"entity": "size", "values": values}]}
    return write(folder / "workspace.json", workspace)


def hassil(folder: Path) -> Path:
    return write(
        folder / "order.yaml",
        "language: en\nintents: {order: {data: [{sentences: ['a {size}']}]}}\nlists: {size: {values: [{in: (big|huge), out: large}, small]}}\n",
    )


def rhasspy(folder: Path) -> Path:
    write(folder / "profile" / "slots" / "size", "(big | huge):large\nsmall\n")
    write(folder / "profile" / "sentences.ini", "[order]\na $size{size}\n")
    return folder / "profile"


WITH_IDS = (alexa, jovo, rows)
FORMATS = (
    *(*WITH_IDS, dialogflow, snips, luis, clu, lu, rasa, rasa_markdown),
    *(lex, dialogflow_cx, watson, hassil, rhasspy),
)


@pytest.mark.parametrize("make", FORMATS)
def test_readers_keep_synonyms_and_ids(tmp_path: Path, make: Any) -> None:
    skill = load_skill(make(tmp_path))
    assert [
        dataclasses.replace(value, synonyms=tuple(s for s in value.synonyms if s != value.value))
        for value in skill.canonical["size"]
    ] == [LARGE if make in WITH_IDS else dataclasses.replace(LARGE, id=None)]
    assert sorted(skill.catalogs["size"]) == ["big", "huge", "large", "small"]


@pytest.mark.parametrize("out", ["folder", "model.json", "nlu.yml"])
@pytest.mark.parametrize("make", FORMATS)
def test_writers_write_them_back(tmp_path: Path, make: Any, out: str) -> None:
    given = convert(make(tmp_path / "in"), tmp_path / "out" / out)
    read = load_skill(tmp_path / "out" / out)
    has_ids = out != "nlu.yml"
    assert read.canonical == {
        "size": [value if has_ids else dataclasses.replace(value, id=None) for value in given.canonical["size"]]
    }
    assert sorted(read.catalogs["size"]) == sorted(given.catalogs["size"])


@pytest.mark.parametrize(("out", "said"), [("folder", ["oslo"]), ("nlu.yml", ["oslo"]), ("model.json", ["NO-03", "oslo"])])
def test_a_value_that_nobody_says_stays_one_where_the_format_can_say_so(
    tmp_path: Path, out: str, said: list[str], caplog: Any
) -> None:
    path = write(
        tmp_path / "nlu.yml",
        'version: "3.1"\nnlu:\n- intent: go\n  examples: |\n    - to [oslo](city)\n- synonym: NO-03\n  examples: |\n    - oslo\n',
    )
    given = convert(path, tmp_path / "out" / out)
    assert given.canonical == {"city": [CatalogValue("NO-03", None, ("oslo",), is_said=False)]}
    read = load_skill(tmp_path / "out" / out)
    assert read.canonical["city"][0].value == "NO-03"
    assert sorted(read.catalogs["city"]) == said
    assert (out == "model.json") == any("that nobody says are written" in record.getMessage() for record in caplog.records)


def test_what_rasa_cannot_say_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    both = {"size": [LARGE], "mood": [CatalogValue("great", "G", ("big",))]}
    row = {"text": "big", "intent": "say", "slots": [{"start": 0, "end": 3, "label": "mood"}]}
    skill = Skill("x", [ROW, row], catalogs={"kind": ["huge"]}, canonical=both)
    with caplog.at_level(logging.WARNING):
        rasa_writer.write(skill, tmp_path / "nlu.yml")
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "2 ids of values, which are lost" in told
    assert "synonyms that stand for another value before, and are lost (1), such as 'big of mood'" in told
    assert "values that become synonyms, since they are some of another label (1), such as 'huge of kind'" in told


texts = st.text("abAB é1", min_size=1, max_size=4).map(str.strip).filter(bool).map(lambda text: " ".join(text.split()))
values = st.builds(CatalogValue, texts, st.none() | texts, st.lists(texts, max_size=3).map(tuple), is_said=st.booleans())


@settings(max_examples=25, deadline=None)
@given(listed=st.lists(values | texts, min_size=1, max_size=6))
def test_rows_and_alexa_models_give_back_any_values(
    listed: list[str | CatalogValue], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("values")
    skill = make_skill("x", [Template("say", ("well",))], catalogs={"size": listed})
    rows_writer.write(skill, folder / "rows")
    read = load_skill(folder / "rows")
    meant = set(skill.canonical.get("size", []))
    assert (set(read.canonical.get("size", [])), set(read.catalogs["size"])) == (meant, set(skill.catalogs["size"]))
    alexa_writer.write(skill, folder / "model.json")
    of_alexa = load_skill(folder / "model.json").canonical
    assert set(of_alexa.get("size", [])) == {dataclasses.replace(value, is_said=True) for value in meant}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"value": "large", "synonims": []}, "found 'synonims' in a value; allowed: value, id, synonyms, is_said"),
        ({"synonyms": ["big"]}, "where None is"),
        ({"value": "large", "id": 3}, "where 3 is"),
        ({"value": "large", "synonyms": "big"}, 'allowed: {"value": text'),
        ({"value": "large", "synonyms": [" "]}, "where ' ' is"),
        ({"value": "large", "is_said": "no"}, '"is_said": true or false'),
        (7, "a list of strings, or of objects with 'value'"),
    ],
)
def test_a_value_of_a_catalog_file_that_is_none_is_refused(tmp_path: Path, value: Any, told: str) -> None:
    folder = rows(tmp_path)
    write(folder / "catalogs.json", {"size": ["small", value]})
    with pytest.raises(DataError) as caught:
        load_skill(folder)
    assert told in str(caught.value) and "catalogs.json, field 'size'" in str(caught.value)


def test_a_zipped_agent_keeps_its_entries(tmp_path: Path) -> None:
    folder = dialogflow(tmp_path)
    with zipfile.ZipFile(tmp_path / "agent.zip", "w") as archive:
        for path in folder.rglob("*.json"):
            archive.write(path, path.relative_to(folder))
    assert load_skill(tmp_path / "agent.zip").canonical["size"][0].value == "large"
