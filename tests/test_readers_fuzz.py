"""Whatever bytes come in: every reader gives a skill or one line of `DataError` that names the path, and does so soon."""

from __future__ import annotations

import copy
import json
import os
import random
import time
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timing import seconds, yardstick

from headstart import DataError, Skill, load_skill
from headstart.readers import READERS, find_reader
from headstart.readers.source import MAX_BYTES, Source

LOOPS = 200  # of a million steps; for one file, however odd
LUIS = {
    "luis_schema_version": "7.0.0",
    "culture": "en-us",
    "intents": [{"name": "Brew"}, {"name": "None"}],
    "entities": [{"name": "Guest", "roles": ["host"], "children": [{"name": "Age", "instanceOf": "number", "children": []}]}],
    "closedLists": [{"name": "Size", "subLists": [{"canonicalForm": "small", "list": ["tiny"]}]}],
    "prebuiltEntities": [{"name": "number", "roles": []}],
    "phraselists": [{"name": "Guest", "words": "ann,bob"}],
    "patterns": [{"pattern": "a {Size} tea[ please] (now|soon) for {Guest:host}", "intent": "Brew"}],
    "utterances": [{"text": "tea for ann", "intent": "Brew", "entities": [{"entity": "Guest", "startPos": 8, "endPos": 10}]}],
}
CLU_UTTERANCES = [
    {"text": "tea for ann", "intent": "Brew", "language": "en", "entities": [{"category": "Guest", "offset": 8, "length": 3}]},
    {"text": "tea for bob", "intent": "Brew", "dataset": "Test", "entities": []},
]
CLU = {
    "projectFileVersion": "2022-10-01-preview",
    "stringIndexType": "Utf16CodeUnit",
    "assets": {
        "projectKind": "Conversation",
        "intents": [{"category": "Brew"}],
        "entities": [
            {
                "category": "Guest",
                "list": {"sublists": [{"listKey": "ann", "synonyms": [{"language": "en", "values": ["annie"]}]}]},
                "prebuilts": [{"category": "Quantity.Number"}],
            }
        ],
        "utterances": CLU_UTTERANCES,
    },
}
ALEXA = {
    "interactionModel": {
        "languageModel": {
            "invocationName": "tea kettle",
            "intents": [
                {
                    "name": "BrewIntent",
                    "slots": [{"name": "Size", "type": "SIZES"}],
                    "samples": ["a {Size} tea", "{tiny|Size} tea"],
                },
                {"name": "AMAZON.StopIntent", "samples": []},
            ],
            "types": [{"name": "SIZES", "values": [{"id": "s", "name": {"value": "small", "synonyms": ["tiny"]}}]}],
        }
    }
}
JOVO = {
    "invocation": "tea kettle",
    "intents": [{"name": "BrewIntent", "phrases": ["a {size} tea"], "inputs": [{"name": "size", "type": "Sizes"}]}],
    "inputTypes": [{"name": "Sizes", "values": [{"value": "small", "synonyms": ["tiny"]}]}],
}
JOVO_4 = {
    "invocation": "tea kettle",
    "intents": {"BrewIntent": {"phrases": ["a {size} tea"], "entities": {"size": {"type": "Sizes"}}}},
    "entityTypes": {"Sizes": {"values": ["small", {"value": "large", "synonyms": ["big"]}]}},
}
SNIPS = {
    "language": "en",
    "intents": {
        "Brew": {"utterances": [{"data": [{"text": "tea for "}, {"text": "ann", "entity": "guest", "slot_name": "who"}]}]}
    },
    "entities": {"guest": {"data": [{"value": "ann", "synonyms": ["annie"]}], "use_synonyms": True}, "snips/number": {}},
}
PHRASES = [{"id": "1", "data": [{"text": "tea for ", "userDefined": False}, {"text": "ann", "alias": "who", "meta": "@guest"}]}]
DIALOGFLOW = {
    "intents/Brew.json": json.dumps({"id": "2", "name": "Brew", "auto": True, "responses": [], "webhookUsed": False}),
    "intents/Brew_usersays_en.json": json.dumps(PHRASES),
    "entities/guest.json": json.dumps({"name": "guest"}),
    "entities/guest_entries_en.json": json.dumps([{"value": "ann", "synonyms": ["ann", "annie"]}]),
    "agent.json": json.dumps({"language": "en"}),
}
SCHEMA = {
    "intents": [{"intent": "BrewIntent", "slots": [{"name": "Size", "type": "LIST_OF_SIZES"}]}, {"intent": "AMAZON.HelpIntent"}]
}
ALEXA_TEXT = {
    "IntentSchema.json": json.dumps(SCHEMA),
    "SampleUtterances.txt": "BrewIntent a {Size} tea\nBrewIntent make tea\n",
    "customSlotTypes/LIST_OF_SIZES": "small\nlarge\n",
}
RASA = """version: "3.1"
nlu:
- intent: brew
  examples: |
    - tea for [ann](guest)
    - a [big]{"entity": "size", "value": "large"} tea
- lookup: guest
  examples: |
    - bob
- synonym: large
  examples: |
    - big
"""
RASA_JSON = {
    "rasa_nlu_data": {
        "common_examples": [
            {"text": "tea for ann", "intent": "brew", "entities": [{"start": 8, "end": 11, "value": "ann", "entity": "guest"}]}
        ],
        "entity_synonyms": [{"value": "ann", "synonyms": ["annie"]}],
        "lookup_tables": [{"name": "guest", "elements": ["bob"]}],
    }
}
RASA_MARKDOWN = "## intent:brew\n- tea for [ann](guest)\n- make tea\n\n## synonym:large\n- big\n\n## lookup:guest\n- bob\n"
SNIPS_YAML = """---
type: intent
name: brew
slots:
  - name: who
    entity: guest
utterances:
  - tea for [who:guest](ann)
  - tea for [who]
---
type: entity
name: guest
values:
  - [ann, annie]
"""
LU = """> !# @app.name = tea
# Brew
- tea for {Guest=ann}
- [please] a {@Size} tea (now|soon) for {Guest:host}
- {@Order=a {@Size=small} tea}
@ ml Guest hasRoles host
@ list Size =
    - small :
        - tiny
@ prebuilt number
$Colour:red=
- crimson
"""
ROW = {"text": "tea for ann", "intent": "Brew", "slots": [{"start": 8, "end": 11, "label": "guest"}]}
MASSIVE = [
    {
        "id": "0",
        "locale": "en-US",
        "partition": "train",
        "intent": "brew",
        "utt": "tea for ann",
        "annot_utt": "tea for [who : ann]",
    },
    {"id": "1", "locale": "en-US", "partition": "dev", "intent": "brew", "utt": "tea", "annot_utt": "tea"},
]
CONLL = "# intent: Brew\ntea O\nfor O\nann B-guest\nlee I-guest\n\n# intent: Stop\nstop O\n"
TAG_PATTERNS = {
    "intents": [{"tag": "brew", "patterns": ["make tea"], "responses": ["here"]}, {"tag": "stop", "patterns": ["stop"]}]
}
LEX = {
    "metadata": {"schemaVersion": "1.0"},
    "resource": {
        "intents": [{"name": "Brew", "sampleUtterances": ["a {size} tea"], "slots": [{"name": "size", "slotType": "Sizes"}]}],
        "slotTypes": [{"name": "Sizes", "enumerationValues": [{"value": "small", "synonyms": ["tiny"]}]}],
    },
}
LEX_2 = {
    "BotLocales/en_US/Intents/Brew/Intent.json": json.dumps(
        {"name": "Brew", "sampleUtterances": [{"utterance": "a {size} tea"}]}
    ),
    "BotLocales/en_US/Intents/Brew/Slots/size/Slot.json": json.dumps({"name": "size", "slotTypeName": "Sizes"}),
    "BotLocales/en_US/SlotTypes/Sizes/SlotType.json": json.dumps(
        {"name": "Sizes", "slotTypeValues": [{"sampleValue": {"value": "small"}, "synonyms": [{"value": "tiny"}]}]}
    ),
}
CX_PHRASES = [{"parts": [{"text": "tea for "}, {"text": "ann", "parameterId": "who"}], "languageCode": "en"}]
CX = {
    "agent.json": json.dumps({"defaultLanguageCode": "en"}),
    "intents/Brew/Brew.json": json.dumps({"displayName": "Brew", "parameters": [{"id": "who", "entityType": "@guest"}]}),
    "intents/Brew/trainingPhrases/en.json": json.dumps({"trainingPhrases": CX_PHRASES}),
    "entityTypes/guest/guest.json": json.dumps({"displayName": "guest", "kind": "KIND_MAP"}),
    "entityTypes/guest/entities/en.json": json.dumps({"entities": [{"value": "ann", "synonyms": ["ann", "annie"]}]}),
}
CX_API = {
    "intents": [{"displayName": "Brew", "trainingPhrases": CX_PHRASES, "parameters": [{"id": "who", "entityType": "@sys.any"}]}]
}
WATSON = {
    "intents": [{"intent": "brew", "examples": [{"text": "tea for ann", "mentions": [{"entity": "guest", "location": [8, 11]}]}, {"text": "a @guest:bob tea"}]}],
    "entities": [{"entity": "guest", "values": [{"type": "synonyms", "value": "bob", "synonyms": ["bobby"]}]}],
    "language": "en",
}  # fmt: skip
HASSIL = """language: en
intents:
  Brew:
    data:
      - sentences: ["(brew|make) [a] {size} tea", "<now> (tea;{size}) to {0..100,50:level}", "as {hot} as it can be"]
lists:
  size: {values: [small, {in: "(big|huge)", out: large}]}
  hot: {range: {from: 1, to: 3}}
expansion_rules:
  now: "(now|at once)[,]"
"""
PADATIOUS = {
    "locale/en-us/brew.intent": "(brew|make) [a] {size} tea\nstop :0\n",
    "locale/en-us/size.entity": "(big|huge)\nsmall\n",
}
RHASSPY = "[Brew]\nsizes = (small | (very big):large){size}\nbrew [a] <sizes> tea\nmake (0..10,5){count} cups:pots of it\n"
RHASSPY_FOLDER = {"sentences.ini": RHASSPY + "in $color{color}\n", "slots/color": "red\n(dark | deep) blue:navy\n"}
TOP = "tea for ann\ttea for ann\t[IN:BREW tea for [SL:GUEST ann ] ]\nstop\tstop\t[IN:STOP stop ]\n"
MTOP = '1\tIN:BREW\t8:11:SL:GUEST\ttea for ann\ttea\ten_XX\t[IN:BREW [SL:GUEST ann ] ]\t{"tokens": ["tea"]}\n'
SLURP = {
    "slurp_id": 1,
    "sentence": "tea for ann",
    "sentence_annotation": "tea for [guest : ann]",
    "intent": "brew",
    "tokens": [],
    "entities": [],
}
SLURP_TOKENS = {
    "slurp_id": 2, "sentence": "tea for ann", "intent": "brew", "tokens": [{"surface": word} for word in ("tea", "for", "ann")],
    "entities": [{"span": [2], "type": "guest"}],
}  # fmt: skip
TAGGED = {"tokens": ["tea", "for", "ann"], "ner_tags": ["O", "O", "B-guest"], "intent": "brew", "text": "tea for ann"}
TAG_NAMES = {"features": {"ner_tags": {"feature": {"names": ["O", "B-guest"]}}, "intent": {"names": ["brew"]}}}
JSON_SEEDS: dict[str, tuple[str, Any]] = {
    "luis.json": ("luis", LUIS),
    "clu.json": ("luis", CLU),
    "alexa.json": ("alexa", ALEXA),
    "jovo.json": ("jovo", JOVO),
    "jovo4.json": ("jovo", JOVO_4),
    "snips.json": ("snips", SNIPS),
    "rasa.json": ("rasa", RASA_JSON),
    "row.jsonl": ("rows", ROW),
    "massive.jsonl": ("massive", MASSIVE[0]),
    "intents.json": ("tag_patterns", TAG_PATTERNS),
    "lex.json": ("lex", LEX),
    "cx.json": ("dialogflow_cx", CX_API),
    "watson.json": ("watson", WATSON),
    "slurp.jsonl": ("slurp", SLURP),
    "slurps.jsonl": ("slurp", SLURP_TOKENS),
    "tagged.jsonl": ("tagged_rows", TAGGED),
    "tagged.json": ("tagged_rows", [TAGGED]),
}
SEEDS: dict[str, tuple[str, str]] = {
    **{name: (reader, json.dumps(content)) for name, (reader, content) in JSON_SEEDS.items()},
    "rows.jsonl": ("rows", json.dumps(ROW) + "\n" + json.dumps({**ROW, "slots": None})),
    "massives.jsonl": ("massive", "\n".join(map(json.dumps, MASSIVE))),
    "rasa.yml": ("rasa", RASA),
    "rasa.md": ("rasa_markdown", RASA_MARKDOWN),
    "snips.yaml": ("snips", SNIPS_YAML),
    "brew.lu": ("luis_lu", LU),
    "brew.conll": ("conll", CONLL),
    "lines.txt": ("conll", "tea:O for:O ann:B-guest <=> Brew\nstop:O <=> Stop\n"),
    "brew.csv": ("table", 'Text,Intent\n"tea, please",Brew\nstop,Stop\n'),
    "marked.csv": ("table", "text,intent\na [small](size) tea,Brew\nstop,Stop\n"),
    "hassil.yaml": ("hassil", HASSIL),
    "brew.intent": ("padatious", PADATIOUS["locale/en-us/brew.intent"]),
    "brew.ini": ("rhasspy", RHASSPY),
    "top.tsv": ("top", TOP),
    "mtop.txt": ("top", MTOP),
    "brew.tsv": ("table", "tea please\tBrew\ntea now\tBrew\nstop\tStop\n"),
}
FOLDERS: dict[str, tuple[str, dict[str, str]]] = {
    "agent": ("dialogflow", DIALOGFLOW),
    "old_alexa": ("alexa_text", ALEXA_TEXT),
    "triple": ("conll", {"train/seq.in": "tea for ann\n", "train/seq.out": "O O B-guest\n", "train/label": "Brew\n"}),
    "lex": ("lex", LEX_2),
    "cx": ("dialogflow_cx", CX),
    "padatious": ("padatious", PADATIOUS),
    "rhasspy": ("rhasspy", RHASSPY_FOLDER),
    "tagged": (
        "tagged_rows",
        {
            "dataset_info.json": json.dumps(TAG_NAMES),
            "train.jsonl": json.dumps({"tokens": ["tea"], "ner_tags": [1], "intent": 0}),
        },
    ),
    "rows": ("rows", {"train.jsonl": json.dumps(ROW), "test.jsonl": json.dumps(ROW), "catalogs.json": '{"guest": ["bob"]}'}),
}
ODD_VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        3,
        0.5,
        1e308,
        10**30,
        "",
        " ",
        "x",
        "\n",
        "\ud800",
        "\u2028",
        "{",
        "{a|b}",
        "[x](y)",
        "[a : b]",
        "a\x00b",
    ),
    *([], {}, [[]], [None], [{}], {"": None}, {"name": {}}, {"text": []}, ["a", 1], "long " * 300),
]
SYNTAX = "{}[]()|:=@$#-*<>\"'`\\ \t\n,;&!?%é\u2028\U0001f600\x1b0aB_"
FAST_AND_LONG = pytest.mark.parametrize("examples", [60, pytest.param(1500, marks=pytest.mark.slow)])
numbers = count()


def outcome(path: Path, format: str | None = None) -> Skill | str:
    """The skill, or the message of the error."""
    started = time.process_time()
    try:
        result: Skill | str = load_skill(path, format=format)
    except DataError as error:
        result = str(error)
        assert "\n" not in result, result
        assert str(path) in result, result
    assert time.process_time() - started < LOOPS * yardstick()
    return result


def write(folder: Path, name: str, content: bytes) -> Path:
    # Each in a folder of its own: some readers look for what belongs to a file beside it.
    path = folder / str(next(numbers)) / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def write_all(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    root = folder / str(next(numbers)) / name
    for file, content in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content)
    return root


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", SEEDS)
def test_every_seed_is_read_by_its_reader(tmp_path: Path, name: str) -> None:
    reader, text = SEEDS[name]
    path = write(tmp_path, name, encode(text))
    assert find_reader(Source(path)).NAME == reader
    assert isinstance(outcome(path), Skill)
    assert isinstance(outcome(path, reader), Skill)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_is_read_by_its_reader(tmp_path: Path, name: str) -> None:
    reader, files = FOLDERS[name]
    path = write_all(tmp_path, name, {file: encode(text) for file, text in files.items()})
    assert find_reader(Source(path)).NAME == reader
    assert isinstance(outcome(path), Skill)


def test_there_is_a_seed_for_every_reader() -> None:
    assert {reader for reader, _ in [*SEEDS.values(), *FOLDERS.values()]} == set(READERS)


# Damages: each takes a file and gives its bytes damaged somewhere.


def truncate(data: st.DataObject, name: str) -> bytes:
    content = encode(SEEDS[name][1])
    return content[: data.draw(st.integers(0, len(content)))]


def change_bytes(data: st.DataObject, name: str) -> bytes:
    content = bytearray(encode(SEEDS[name][1]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    return bytes(content)


def recode(data: st.DataObject, name: str) -> bytes:
    encodings = ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "utf-7", "utf-8-sig"]
    return (SEEDS[name][1] + "é").encode(data.draw(st.sampled_from(encodings)))


def insert_syntax(data: st.DataObject, name: str) -> bytes:
    text = SEEDS[name][1]
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 6))
        text = text[:position] + data.draw(st.text(SYNTAX, max_size=8)) + text[position + cut :]
    return encode(text)


def shuffle_lines(data: st.DataObject, name: str) -> bytes:
    lines = SEEDS[name][1].split("\n")
    kept = data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=2 * len(lines)))
    ends = data.draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\u2028", ""]))
    return encode(ends.join(lines[number] for number in kept))


def places(content: Any) -> list[tuple[Any, Any]]:
    """Every value of a tree, as what holds it and its key or index."""
    found, level = [], [content]
    while level:
        holder = level.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else []
        found += [(holder, key) for key in keys]
        level += [holder[key] for key in keys]
    return found


def change_tree(data: st.DataObject, name: str) -> bytes:
    """Change types, delete, rename and repeat anywhere in a JSON tree."""
    root = [copy.deepcopy(JSON_SEEDS[name][1])]
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(places(root)))
        change = data.draw(st.sampled_from(["replace", "replace", "wrap", "delete", "repeat", "rename", "move"]))
        if change == "replace":
            holder[key] = copy.deepcopy(data.draw(st.sampled_from(ODD_VALUES)))
        elif change == "wrap":
            holder[key] = data.draw(st.sampled_from([[holder[key]], {"name": holder[key]}, {"value": [holder[key]]}]))
        elif change == "repeat" and isinstance(holder, list):
            holder += [copy.deepcopy(holder[key]) for _ in range(data.draw(st.integers(1, 20)))]
        elif change == "rename" and isinstance(holder, dict):
            holder[data.draw(st.sampled_from(["", "name", "intents", "x" * 500, "\ud83d", *holder]))] = holder.pop(key)
        elif change == "move":
            other, place = data.draw(st.sampled_from(places(root)))
            holder[key] = copy.deepcopy(other[place])
        elif holder is not root:
            del holder[key]
    return encode(json.dumps(root[0] if root else None))


def repeat_keys(data: st.DataObject, name: str) -> bytes:
    """Give a key twice, with values of two types."""
    text = json.dumps(JSON_SEEDS[name][1])
    keys = sorted({str(key) for holder, key in places([JSON_SEEDS[name][1]]) if isinstance(holder, dict)})
    key = json.dumps(data.draw(st.sampled_from(keys)))
    value = json.dumps(data.draw(st.sampled_from(ODD_VALUES)))
    return encode(text.replace(f"{key}:", f"{key}: {value}, {key}:"))


@FAST_AND_LONG
@pytest.mark.parametrize("damage", [truncate, change_bytes, recode, insert_syntax, shuffle_lines, change_tree, repeat_keys])
def test_a_damaged_file_is_a_skill_or_an_error(
    tmp_path: Path, damage: Callable[[st.DataObject, str], bytes], examples: int
) -> None:
    names = st.sampled_from(sorted(JSON_SEEDS if damage in (change_tree, repeat_keys) else SEEDS))

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        name = data.draw(names)
        path = write(tmp_path, name, damage(data, name))
        # Forced on a file that is no longer known, too.
        outcome(path, data.draw(st.sampled_from([None, SEEDS[name][0]])))

    check()


@FAST_AND_LONG
def test_a_file_in_another_format_than_named(tmp_path: Path, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(sorted(SEEDS)), st.sampled_from(sorted(READERS)), st.sampled_from(["", ".json", ".txt", ".md", ".zip"])
    )
    def check(name: str, format: str, suffix: str) -> None:
        outcome(write(tmp_path, name + suffix, encode(SEEDS[name][1])), format)

    check()


@FAST_AND_LONG
def test_a_damaged_folder_is_a_skill_or_an_error(tmp_path: Path, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        reader, texts = FOLDERS[data.draw(st.sampled_from(sorted(FOLDERS)))]
        files = {name: encode(text) for name, text in texts.items()}
        name = data.draw(st.sampled_from(sorted(files)))
        change = data.draw(st.sampled_from(["delete", "empty", "truncate", "odd", "swap", "binary", "rename"]))
        if change == "delete":
            del files[name]
        elif change == "truncate":
            files[name] = files[name][: data.draw(st.integers(0, len(files[name])))]
        elif change == "swap":
            files[name] = files[data.draw(st.sampled_from(sorted(files)))]
        elif change == "rename":
            files[data.draw(st.sampled_from(["a.json", "x/y.txt", "seq.in", "README.md", "intents/A_usersays_.json"]))] = (
                files.pop(name)
            )
        else:
            odd = encode(json.dumps(data.draw(st.sampled_from(ODD_VALUES))))
            files[name] = {"empty": b"", "odd": odd, "binary": b"\xff\x00\x80"}[change]
        path = write_all(tmp_path, "skill", files)
        path.mkdir(parents=True, exist_ok=True)
        outcome(path, data.draw(st.sampled_from([None, reader])))

    check()


@FAST_AND_LONG
def test_any_bytes_and_any_text(tmp_path: Path, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(st.binary(max_size=300), st.text(SYNTAX, max_size=200).map(encode), st.text(max_size=60).map(encode)),
        st.sampled_from(
            [
                "a.json",
                "a.jsonl",
                "a.yml",
                "a.md",
                "a.lu",
                "a.conll",
                "a.txt",
                "a.csv",
                "a.tsv",
                "a.ini",
                "a.intent",
                "a.zip",
                "a",
            ]
        ),
        st.sampled_from([None, *READERS]),
    )
    def check(content: bytes, name: str, format: str | None) -> None:
        outcome(write(tmp_path, name, content), format)

    check()


def hostile_texts() -> dict[str, str]:
    """Texts that make parsers recurse, expand or go back and forth without end."""
    many = 100_000
    aliases = "nlu: &a0 [x, x]\n" + "".join(f"k{n}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(30))
    merged = "a0: &a0 {x: 1}\n" + "".join(f"a{n + 1}: &a{n + 1} {{p{n}: *a{n}, q{n}: *a{n}}}\n" for n in range(30))
    return {
        **{
            f"{many} of {signs!r}": signs * many
            for signs in ("[", "{", '{"intents":[', "(", "- ", '"', "\\", " ", "\n", "{a", "[a]", ",")
        },
        **{
            f"{many} of {signs!r}": signs * many
            for signs in ("[:", "[a](", "{@a=", "a:O ", "?", "&a ", "* ", "\t", "a,b\n", "a O\n", "|")
        },
        "brackets that close": "[" * many + "]" * many,
        "brackets in an intent": '{"intents": [{"name": "A", "samples": ' + "[" * many + "]" * many + "}]}",
        "an object 500 deep": '{"intents":' * 500 + "1" + "}" * 500,
        "aliases of aliases": aliases,
        "objects of aliases": merged,
        "an alias of itself": "nlu: &a [*a]\n",
        "YAML 900 deep": "\n".join(" " * n + "nlu:" for n in range(900)),
        "a number of 100,000 digits": '{"intents": ' + "1" * many + "}",
        "a YAML number of 100,000 digits": "nlu: " + "1" * many,
        "odd YAML tags": "nlu: !!timestamp x\nversion: !!int ''\n",
        "an object of Python's": "nlu: !!python/object/apply:os.getcwd []\n",
        "groups in groups": "# A\n- " + "(a|b)" * 300 + "\n- " + "[" * 60 + "a" + "]" * 60 + "\n@ list Size =\n",
        "a pattern of many forms": json.dumps({**LUIS, "patterns": [{"intent": "Brew", "pattern": "(a|b)[c]" * 200}]}),
        "alternatives in sentences": "[a]\n"
        + "(a|b)" * 300
        + "\n"
        + "[" * 60
        + "a"
        + "]" * 60
        + "\n"
        + "(a;b;c;d;e;f;g;h;i;j)\n" * 50,
        "rules of rules": "[a]\n" + "".join(f"r{n} = <r{n + 1}> <r{n + 1}>\n" for n in range(300)) + "r300 = x\nsay <r0>\n",
        "braces in rows": "## intent:a\n- " + "[a](" * 20_000 + "\n# A\n- " + "{a=" * 20_000,
        "surrogate halves": json.dumps({**LUIS, "utterances": [{"text": "a\ud800b", "intent": "\udfff", "entities": []}]}),
        "a line of a megabyte": "## intent:a\n- " + "word " * 200_000,
    }


@pytest.mark.parametrize("hostile", hostile_texts())
def test_a_hostile_text_is_answered_soon(tmp_path: Path, hostile: str) -> None:
    content = encode(hostile_texts()[hostile])
    for name in ("a.json", "a.jsonl", "a.yml", "a.md", "a.lu", "a.txt", "a.csv", "a.ini", "a.intent"):
        outcome(write(tmp_path, name, content))


@pytest.mark.slow
@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("hostile", hostile_texts())
def test_a_hostile_text_is_answered_soon_by_every_reader(tmp_path: Path, hostile: str, format: str) -> None:
    outcome(write(tmp_path, "a.json", encode(hostile_texts()[hostile])), format)


def test_a_sparse_file_of_100_mb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.touch()
    os.truncate(path, 100_000_000)
    assert "too large" in str(outcome(path))
    assert "too large" in str(outcome(tmp_path))
    assert seconds(lambda: outcome(path)) < seconds(path.read_bytes)


def test_archives_that_lie_or_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "skill.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("alexa.json", json.dumps(ALEXA))
    assert isinstance(outcome(path), Skill)
    good = path.read_bytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("alexa.json", bytes(MAX_BYTES + 1))
    assert "too large" in str(outcome(path))
    size = (MAX_BYTES + 1).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    assert "zip archive" in str(outcome(path))
    dice = random.Random(0)
    for _ in range(150):
        damaged = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged[: dice.choice([None, dice.randrange(len(damaged))])])
        outcome(path)


def test_a_name_with_a_line_end_leaves_the_message_one_line(tmp_path: Path) -> None:
    content = {**JOVO_4, "intents": {"Brew\nTea": {"phrases": []}}}
    assert "Tea" in str(outcome(write(tmp_path, "jovo.json", encode(json.dumps(content)))))


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / ("a" * 3000), tmp_path / "a\x00b"):
        with pytest.raises(DataError, match="no such file"):
            load_skill(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "no such file" in str(outcome(tmp_path / "pipe"))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DataError):
        load_skill(tmp_path / "loop")
