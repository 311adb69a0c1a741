"""A small file, or folder, of every format that is read, which tests of readers damage."""

from __future__ import annotations

import json
from typing import Any

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
