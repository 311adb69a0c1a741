import json
import logging
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headstart.data.rows import DataError
from headstart.data.templates import Slot
from headstart.readers import alexa, alexa_text, jovo, load_skill
from headstart.readers.source import Source

ORDER = {
    "name": "OrderIntent",
    "slots": [{"name": "size", "type": "Size"}, {"name": "when", "type": "AMAZON.TIME"}],
    "samples": ["order a {size} coffee", "coffee at {when} please"],
}
STOP = {"name": "AMAZON.StopIntent", "samples": []}
SIZE = {
    "name": "Size",
    "values": [{"id": "1", "name": {"value": "large", "synonyms": ["big", " "]}}, {"name": {"value": "small"}}],
}


def model(*intents, types=(SIZE,), **fields):
    language_model = {"invocationName": "coffee corner", "intents": list(intents or [ORDER, STOP]), "types": list(types)}
    return {"interactionModel": {"languageModel": language_model | fields}}


def load(tmp_path, content, name="model.json", **options):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return load_skill(path, **options)


def intent_of(*samples, slots=("size",), name="OrderIntent"):
    return {"name": name, "slots": [{"name": slot, "type": "Size"} for slot in slots], "samples": list(samples)}


def patterns(skill):
    return [(template.intent, template.pattern) for template in skill.templates]


def only_parts(skill):
    (template,) = skill.templates
    return list(template.parts)


def test_an_interaction_model_becomes_templates_catalogs_and_types(tmp_path):
    skill = load(tmp_path, model(), "coffee-corner.json")
    assert patterns(skill) == [("OrderIntent", "order a {size} coffee"), ("OrderIntent", "coffee at {when} please")]
    assert skill.catalogs == {"size": ["large", "big", "small"]}
    assert skill.slot_types == {"when": "AMAZON.TIME"}
    assert (skill.name, skill.invocation, skill.intents) == ("coffee-corner", "coffee corner", ["OrderIntent"])
    assert {row["text"] for row in skill.rows("train") if "order" in row["text"]} == {
        f"order a {s} coffee" for s in ("large", "big", "small")
    }


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: {"languageModel": inner, "dialog": {}},
        lambda inner: {"interactionModel": inner},
        lambda inner: inner | {"dialog": {}, "prompts": []},
        lambda inner: [{"interactionModel": {"languageModel": inner}, "version": "1"}],
        lambda inner: inner | {"intents": [{"intent": ORDER["name"], **{k: v for k, v in ORDER.items() if k != "name"}}]},
        lambda inner: {"languageModel": {"intents": {"OrderIntent": ORDER}, "types": {"Size": {"values": SIZE["values"]}}}},
    ],
)
def test_the_shapes_of_a_model_are_read_alike(tmp_path, wrap):
    skill = load(tmp_path, wrap(model()["interactionModel"]["languageModel"]))
    assert (skill.intents, skill.slots, len(skill.templates)) == (["OrderIntent"], ["size", "when"], 2)
    assert skill.catalogs["size"] == ["large", "big", "small"]


@pytest.mark.parametrize("odd", [None, {}, 7, "text", [None], [[]], [{"value": "x"}], {"a": 1}])
@pytest.mark.parametrize("field", ["samples", "slots", "types", "values"])
def test_fields_of_a_wrong_type_are_left_out(tmp_path, field, odd):
    broken = {"name": "OtherIntent", "samples": ["something else"]} | ({field: odd} if field != "types" else {})
    types = [SIZE | ({"name": "Other", "values": odd} if field == "values" else {}), SIZE]
    content = model(ORDER, broken, types=types)
    if field == "types":
        content["interactionModel"]["languageModel"]["types"] = odd
    skill = load(tmp_path, content)
    assert "OrderIntent" in skill.intents


def test_absent_samples_slots_and_types_are_no_trouble(tmp_path):
    content = model({"name": "HelloIntent", "samples": ["hello there"]}, {"name": "OtherIntent"})
    del content["interactionModel"]["languageModel"]["types"]
    assert patterns(load(tmp_path, content)) == [("HelloIntent", "hello there")]


def test_intents_without_samples_are_counted_and_built_in_ones_kept_with_theirs(tmp_path, caplog):
    caplog.set_level(logging.INFO, "headstart")
    stop = {"name": "AMAZON.StopIntent", "samples": ["that will do"]}
    skill = load(tmp_path, model(ORDER, stop, {"name": "AMAZON.HelpIntent", "samples": []}, intent_of(name="EmptyIntent")))
    assert skill.intents == ["AMAZON.StopIntent", "OrderIntent"]
    levels = {record.levelname for record in caplog.records if "built-in intents without samples" in record.getMessage()}
    assert levels == {"INFO"}
    (own,) = [record for record in caplog.records if "EmptyIntent" in record.getMessage()]
    assert own.levelname == "WARNING" and "intents of the skill's own" in own.getMessage()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"order a {size} coffee",', '"order a {size} coffee", // the usual'),
        lambda text: text.replace("]", ",]"),
        lambda text: text.replace("\n   }", ",\n   }"),
        lambda text: text.replace('coffee",', 'coffee"'),
        lambda text: text[: text.index("please") + 6],
        lambda text: "/* made by hand */\n" + text,
        lambda text: text.replace('coffee",', "coffee,"),
        lambda text: text.replace('"intents"', "intents"),
    ],
)
def test_damaged_json_is_repaired_with_a_warning(tmp_path, caplog, damage):
    text = json.dumps(model(), indent=1)
    skill = load(tmp_path, damage(text))
    assert patterns(skill)[:2] == [("OrderIntent", "order a {size} coffee"), ("OrderIntent", "coffee at {when} please")]
    assert sum("was repaired" in record.getMessage() for record in caplog.records) == (0 if damage(text) == text else 1)


def test_a_large_damaged_file_is_repaired_in_linear_time_or_refused(tmp_path):
    many = intent_of(*(f"order {'very ' * (n % 50)}much number {n}" for n in range(4000)))
    text = json.dumps(model(many), indent=1)
    assert len(load(tmp_path, text.replace("]", ",]")).templates) == 4000
    with pytest.raises(DataError, match="damaged too much"):
        load(tmp_path, '{"intents": ["' + 'a"a":' * 40_000)


@pytest.mark.parametrize("text", ['{"a": ' + "[" * 1100 + "]" * 1100 + "}", '{"a": ' + "9" * 5000 + "}", "[" * 5000, '["' * 900])
def test_json_that_no_parser_takes_is_a_data_error(tmp_path, text):
    with pytest.raises(DataError):
        load(tmp_path, text)


def test_half_a_surrogate_pair_does_no_harm(tmp_path):
    skill = load(tmp_path, json.dumps(model(intent_of("order \ud83d now", "order \U0001f600 now"))))
    assert patterns(skill) == [("OrderIntent", "order \ufffd now"), ("OrderIntent", "order \U0001f600 now")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_line_ends_and_escapes(tmp_path, encoding):
    text = json.dumps(model(intent_of("un café {size}")), indent="\t").replace("\n", "\r\n")
    (tmp_path / "model.json").write_bytes(text.encode(encoding))
    assert patterns(load_skill(tmp_path / "model.json")) == [("OrderIntent", "un café {size}")]


def test_white_space_is_normalised(tmp_path):
    skill = load(tmp_path, model(intent_of("  order\ta  {size}\u00a0 coffee \n", "{ size } please")))
    assert patterns(skill) == [("OrderIntent", "order a {size} coffee"), ("OrderIntent", "{size} please")]


def test_of_the_same_sample_the_first_is_kept(tmp_path, caplog):
    other = intent_of("Coffee now", "tea now", name="OtherIntent")
    skill = load(tmp_path, model(intent_of("coffee now", "coffee  now", "a {size} one", "a {size} one"), other))
    assert patterns(skill) == [("OrderIntent", "coffee now"), ("OrderIntent", "a {size} one"), ("OtherIntent", "tea now")]
    text = caplog.text
    assert "samples that another intent has too" in text and "2 samples that are empty or occur before" in text and "(1)" in text


def test_slots_that_are_not_declared_stay_slots(tmp_path, caplog):
    skill = load(tmp_path, model(intent_of("a {size} {flavour} coffee", "{flavour} please")))
    assert skill.slots == ["flavour", "size"]
    assert "2 references to slots that their intents don't declare" in caplog.text


def test_slot_names_match_exactly_and_then_without_case(tmp_path):
    both = intent_of("one {Size}", "two {size}", slots=("size", "Size"))
    one = intent_of("three {SIZE}", slots=("Size",), name="OtherIntent")
    skill = load(tmp_path, model(both, one))
    assert [template.slots[0].label for template in skill.templates] == ["Size", "size", "Size"]


def test_types_that_are_not_as_usual(tmp_path, caplog):
    slots = {
        "animal": "AMAZON.Animal",
        "missing": "NOWHERE",
        "said": "LITERAL",
        "old": "AMAZON.LITERAL",
        "track": "Tracks",
        "plain": "Plain",
        "unused": "Size",
    }
    intent = {"name": "A", "slots": [{"name": name, "type": kind} for name, kind in slots.items()]}
    intent["samples"] = ["look at {animal} {missing} {said} {old}", "{track} or {plain}"]
    types = [
        SIZE,
        {"name": "AMAZON.Animal", "values": [{"name": {"value": "axolotl"}}]},
        {"name": "Tracks", "valueSupplier": {"type": "CatalogValueSupplier", "valueCatalog": {"catalogId": "x"}}},
        {"slotTypeReference": {"id": "x"}},
        {"name": "Plain", "values": ["one", {"value": "two", "synonyms": "zwei"}, {"name": "three"}, 4, "", None, {"name": {}}]},
    ]
    skill = load(tmp_path, model(intent, types=types))
    assert skill.slot_types == {"animal": "AMAZON.Animal", "said": "LITERAL", "old": "AMAZON.LITERAL"}
    assert skill.catalogs == {
        "animal": ["axolotl"],
        "unused": ["large", "big", "small"],
        "plain": ["one", "two", "zwei", "three", "4"],
    }
    for found in ("slots of types that are not in the file", "outside of the file", "'types' without a name"):
        assert found in caplog.text


def test_a_label_with_several_types_has_the_values_of_all(tmp_path):
    first = {"name": "A", "slots": [{"name": "x", "type": "Size"}], "samples": ["a {x}"]}
    second = {"name": "B", "slots": [{"name": "x", "type": "Cup"}, {"name": "y"}, {"type": "Size"}], "samples": ["b {x}"]}
    skill = load(tmp_path, model(first, second, types=[SIZE, {"name": "Cup", "values": [{"name": {"value": "mug"}}]}]))
    assert skill.catalogs == {"x": ["large", "big", "small", "mug"]}


@pytest.mark.parametrize(
    ("sample", "parts"),
    [
        ("set {romantic evening|mood} now", ["set ", Slot("mood", "romantic evening"), " now"]),
        ("{it's|size} {cold|size}  {here|size}", [Slot("size", "it's cold here")]),
        ("{a|size} or {b|size}", [Slot("size", "a"), " or ", Slot("size", "b")]),
        ("{a|size} {b|mood}", [Slot("size", "a"), " ", Slot("mood", "b")]),
        ("{a|b|size} {c d|SIZE}", [Slot("size", "a|b c d")]),
        ("{size} {size}", [Slot("size"), " ", Slot("size")]),
        ("{ |size}", [Slot("size")]),
        ("{size}", [Slot("size")]),
        ("{size} s number", [Slot("size"), " s number"]),
        ("{size}'s {size}s {size}, {size}-wide", [
            Slot("size"), "'s ", Slot("size"), "s ", Slot("size"), ", ", Slot("size"), "-wide",
        ]),
        ("go {} there {big|}", ["go there big"]),
    ],
)  # fmt: skip
def test_slots_in_samples(tmp_path, sample, parts):
    assert only_parts(load(tmp_path, model(intent_of(sample, slots=("size", "mood"))))) == parts


def test_samples_with_braces_that_dont_match_are_left_out_and_named(tmp_path, caplog):
    skill = load(tmp_path, model(intent_of("an {open one", "odd { {size} }", "a {size} one")))
    assert patterns(skill) == [("OrderIntent", "a {size} one")]
    assert "2 samples with braces that don't match, which are left out, such as line 1: 'an {open one'; line 1: " in caplog.text


def test_values_beside_a_suffix_keep_their_offsets(tmp_path):
    skill = load(tmp_path, model(intent_of("{anna|size}'s cup", "{x|size}")))
    (row,) = [row for row in skill.rows("train") if row["text"] == "anna's cup"]
    assert row["slots"] == [{"start": 0, "end": 4, "label": "size"}]


def test_values_with_braces_are_values(tmp_path):
    types = [{"name": "Size", "values": [{"name": {"value": "{huge}"}}]}]
    skill = load(tmp_path, model(intent_of("a {size} one"), types=types))
    assert skill.rows("train")[0]["text"] == "a {huge} one"


def test_the_dialog_model_gives_no_training_text(tmp_path):
    intent = intent_of("order coffee")
    intent["slots"][0]["samples"] = ["make it {size}"]
    content = model(intent)
    content["interactionModel"] |= {
        "dialog": {"intents": [{"name": "OrderIntent", "slots": [{"name": "size", "type": "Size"}]}]},
        "prompts": [{"id": "a", "variations": [{"type": "PlainText", "value": "How large, {size}?"}]}],
    }
    assert patterns(load(tmp_path, content)) == [("OrderIntent", "order coffee")]


def test_large_cross_products_are_capped_and_rows_are_not(tmp_path):
    types = [{"name": "Size", "values": [{"name": {"value": f"value {n}"}} for n in range(9000)]}]
    skill = load(tmp_path, model(intent_of(*(f"{chr(97 + n % 26) * (n // 26 + 1)} {{size}}" for n in range(5200))), types=types))
    assert len(skill.rows("train")) == 5000 and len(skill.templates) == 5200
    rows = load(tmp_path, model(intent_of(*(f"{chr(97 + n % 26) * (n // 26 + 1)} {{v|size}}" for n in range(5200)))))
    assert len(rows.rows("train")) == 5200


GERMAN = ["bitte öffne das fenster", "mach {size} aus", "wie ist das wetter", "ich will nach hause"]
JAPANESE = ["電気をつけて", "窓を開けて"]


@pytest.mark.parametrize(
    ("name", "samples", "is_foreign"),
    [
        ("model.json", GERMAN, True),
        ("model.json", JAPANESE, True),
        ("model.json", ["what is the time", "open it"], False),
        ("de-DE.json", ["ok"], True),
        ("de.json", ["ok"], True),
        ("en-GB.json", ["ok"], False),
        ("de-luxe.json", ["what is the time"], False),
    ],
)
def test_a_model_that_is_not_english_gets_a_warning(tmp_path, caplog, name, samples, is_foreign):
    assert len(load(tmp_path, model(intent_of(*samples)), name).intents) == 1
    assert ("base model is English" in caplog.text) == is_foreign


def test_the_english_model_of_a_folder_or_archive(tmp_path, caplog):
    folder = "skill-package/interactionModels/custom"
    for locale in ("de-DE", "en-AU", "en-US", "fr-FR"):
        load(tmp_path, model(intent_of(f"sample of {locale}")), f"skill/{folder}/{locale}.json")
    load_names = {"package.json": {"name": "x", "version": "1"}, "lambda/data.json": [1, 2]}
    for name, content in load_names.items():
        (tmp_path / "skill" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "skill" / name).write_text(json.dumps(content))
    (tmp_path / "skill" / "broken.json").write_bytes(b'{"a": \xff}')
    assert patterns(load_skill(tmp_path / "skill")) == [("OrderIntent", "sample of en-us")]
    assert "of 4 models, skill-package/interactionModels/custom/en-US.json is read" in caplog.text
    with zipfile.ZipFile(tmp_path / "skill.zip", "w") as archive:
        archive.writestr("models/en-GB.json", json.dumps(model(intent_of("british"))))
        archive.writestr("models/it-IT.json", json.dumps(model(intent_of("italian"))))
    assert patterns(load_skill(tmp_path / "skill.zip")) == [("OrderIntent", "british")]


def test_a_folder_with_another_language_alone_is_read_with_a_warning(tmp_path, caplog):
    load(tmp_path, model(), "skill/models/de-DE.json")
    caplog.clear()
    assert load_skill(tmp_path / "skill").intents == ["OrderIntent"]
    assert "language is de-DE, but the base model is English" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        [{"service_name": "Banks_1", "intents": [{"name": "Check", "is_transactional": False, "required_slots": []}]}],
        {"metadata": {"type": "INTENT"}, "resource": {"name": "Order", "sampleUtterances": ["order"], "slots": []}},
        {"intents": [{"name": "Order", "sampleUtterances": ["order"]}]},
        {"intents": [{"tag": "greet", "patterns": ["hi"], "responses": ["hello"]}]},
        {"intents": [{"intent": "greet", "examples": [{"text": "hi"}]}], "entities": []},
        {"name": "Corpus", "locale": "en-US", "data": [{"intent": "greet", "utterances": ["hi"], "answers": ["hello"]}]},
        {"intents": []},
        {"interactionModel": {"languageModel": []}},
        {"intents": ["greet", "bye"]},
    ],
)
def test_files_that_only_resemble_a_model_are_not_claimed(tmp_path, content):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(content))
    assert not any(reader.detect(Source(path)) for reader in (alexa, alexa_text, jovo))
    with pytest.raises(DataError) as error:
        load_skill(path, format="alexa")
    assert "\n" not in str(error.value)


def test_luis_files_are_not_claimed(tmp_path):
    path = tmp_path / "luis.json"
    path.write_text(json.dumps({"luis_schema_version": "3.2.0", "intents": [{"name": "A"}], "utterances": [], "entities": []}))
    assert not alexa.detect(Source(path)) and not jovo.detect(Source(path))


def test_a_model_without_any_sample_says_what_it_found(tmp_path):
    with pytest.raises(DataError, match="model.json: no intent has a sample .intents: AMAZON.StopIntent.; allowed"):
        load(tmp_path, model(STOP))


# The format until 2017


SCHEMA = {
    "intents": [
        {"intent": "TripIntent", "slots": [{"name": "City", "type": "LIST_OF_CITIES"}, {"name": "Day", "type": "AMAZON.DATE"}]},
        {"intent": "AMAZON.HelpIntent"},
    ]
}
UTTERANCES = """TripIntent take me to {City}
TripIntent\tbook {City} for {day}

# a comment
// another
TripIntent: go {tomorrow|Day}
tripintent fly away
ByeIntent see you
AMAZON.HelpIntent what now
nothing
and this is a note
"""


def old_skill(folder, schema="IntentSchema.json", utterances="SampleUtterances.txt", cities="customSlotTypes/LIST_OF_CITIES"):
    for name, text in {schema: json.dumps(SCHEMA), utterances: UTTERANCES, cities: "lima\n oslo \n\nlima\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


OLD_PATTERNS = [
    ("TripIntent", "take me to {City}"),
    ("TripIntent", "book {City} for {Day}"),
    ("TripIntent", "go {Day}"),
    ("TripIntent", "fly away"),
    ("ByeIntent", "see you"),
    ("AMAZON.HelpIntent", "what now"),
]


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"schema": "speechAssets/intents.json", "utterances": "speechAssets/UTTERANCES", "cities": "slots/list_of_cities.txt"},
        {"schema": "IntentSchema.txt", "utterances": "sample_utterances.txt"},
    ],
)
def test_a_folder_of_the_old_format(tmp_path, caplog, names):
    skill = load_skill(old_skill(tmp_path / "trip", **names))
    assert patterns(skill) == OLD_PATTERNS
    assert (skill.catalogs, skill.slot_types) == ({"City": ["lima", "oslo"]}, {"Day": "AMAZON.DATE"})
    for found in ("lines of intents that the schema does not have", "lines without", "lines that don't begin"):
        assert found in caplog.text


def test_an_archive_of_the_old_format(tmp_path):
    folder = old_skill(tmp_path / "trip")
    with zipfile.ZipFile(tmp_path / "trip.zip", "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, "trip/" + file.relative_to(folder).as_posix())
    assert patterns(load_skill(tmp_path / "trip.zip")) == OLD_PATTERNS


@pytest.mark.parametrize("name", ["IntentSchema.json", "SampleUtterances.txt"])
def test_one_file_of_the_old_format_finds_the_others_beside_it(tmp_path, name):
    skill = load_skill(old_skill(tmp_path / "trip") / name)
    assert patterns(skill) == OLD_PATTERNS and skill.catalogs == {"City": ["lima", "oslo"]}


def test_a_schema_without_utterances_says_what_is_missing(tmp_path):
    with pytest.raises(DataError, match="found an intent schema but no sample utterances"):
        load(tmp_path, SCHEMA, "IntentSchema.json")


def test_files_beside_a_schema_are_not_looked_for_in_a_large_folder(tmp_path):
    folder = old_skill(tmp_path / "trip")
    for number in range(80):
        (folder / f"{number}.txt").write_text("x")
    with pytest.raises(DataError, match="sample utterances"):
        load_skill(folder / "IntentSchema.json")


def test_utterances_alone(tmp_path):
    skill = load(tmp_path, "TripIntent go to {City}\nStopIntent stop it\n", "SampleUtterances.txt")
    assert patterns(skill) == [("TripIntent", "go to {City}"), ("StopIntent", "stop it")]


def test_an_interaction_model_beside_the_old_files_is_read_instead(tmp_path):
    folder = old_skill(tmp_path / "trip")
    load(tmp_path, model(), "trip/models/en-US.json")
    assert load_skill(folder).intents == ["OrderIntent"]


# Jovo


JOVO_3 = {
    "invocation": "my coffee",
    "intents": [
        {
            "name": "OrderIntent",
            "phrases": ["a {size} coffee", "{count} cups"],
            "inputs": [
                {"name": "size", "type": "Size"},
                {"name": "count", "type": {"dialogflow": "@sys.number", "alexa": "AMAZON.NUMBER"}},
                {"name": "day", "type": {"dialogflow": "@sys.date"}},
            ],
        },
        {"name": "EndIntent", "phrases": []},
    ],
    "inputTypes": [{"name": "Size", "values": [{"value": "large", "synonyms": ["big"]}, {"value": "small"}]}],
    "alexa": {
        "interactionModel": {
            "languageModel": {"intents": [STOP, {"name": "AMAZON.HelpIntent", "samples": ["help me out"]}], "types": []}
        }
    },
    "dialogflow": {"intents": []},
}
JOVO_4 = {
    "invocation": {"alexa": {"de-DE": "mein kaffee", "en-US": "my coffee"}},
    "version": "4.0",
    "intents": {
        "OrderIntent": {
            "phrases": ["a {size} coffee", "{count} cups"],
            "entities": {"size": {"type": "Size"}, "count": {"type": {"alexa": "AMAZON.NUMBER"}}, "day": {"type": "@sys.date"}},
        },
        "EndIntent": {"phrases": []},
        "AMAZON.HelpIntent": {"phrases": ["help me out"]},
    },
    "entityTypes": {"Size": {"values": ["large", {"value": "big"}, {"value": "small", "id": "s"}]}},
}


@pytest.mark.parametrize("content", [JOVO_3, JOVO_4])
def test_jovo_models(tmp_path, content):
    skill = load(tmp_path, content, "models/en-US.json")
    assert patterns(skill) == [
        ("OrderIntent", "a {size} coffee"),
        ("OrderIntent", "{count} cups"),
        ("AMAZON.HelpIntent", "help me out"),
    ]
    assert skill.catalogs == {"size": ["large", "big", "small"]}
    assert skill.slot_types == {"count": "AMAZON.NUMBER", "day": "@sys.date"}
    assert skill.invocation == "my coffee"


def test_jovo_folders_and_missing_commas(tmp_path, caplog):
    load(tmp_path, JOVO_3, "skill/models/de.json")
    load(tmp_path, json.dumps(JOVO_3).replace('coffee", "', 'coffee"\n"'), "skill/models/en.json")
    caplog.clear()
    skill = load_skill(tmp_path / "skill")
    assert len(skill.templates) == 3 and "en.json is read" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        {"intents": [{"name": "A", "phrases": []}]},
        {"intents": {"A": {"phrases": 3}}, "entityTypes": {}},
        {"intents": {"A": 1}, "inputTypes": []},
    ],
)
def test_jovo_models_without_phrases(tmp_path, content):
    with pytest.raises(DataError, match="no intent has a sample"):
        load(tmp_path, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["{x}", "AMAZON.DATE", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "samples", "type"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths_of(content, path=()):
    yield path
    for key, value in content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ():
        yield from paths_of(value, (*path, key))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_change_is_read_or_refused_in_one_line(tmp_path, data):
    base = data.draw(st.sampled_from([model(), JOVO_3, JOVO_4, SCHEMA]))
    content = json.loads(json.dumps(base))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths_of(content))[1:] or [()]))
        if not path:
            break
        parent = content
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = data.draw(JSON)
    text = json.dumps(content)
    text = text[: data.draw(st.integers(0, len(text)))] if data.draw(st.booleans()) else text
    for form in ("alexa", "jovo", "alexa_text", None):
        try:
            assert len(load(tmp_path, text, format=form).rows("train"))
        except DataError as error:
            assert "\n" not in str(error)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(["TripIntent", "{City}", " ", "\n", ":", "\t", "x", "#", "{", "a|", "ByeIntent"]), max_size=20))
def test_any_lines_of_utterances_are_read_or_refused(tmp_path: Path, pieces):
    folder = old_skill(tmp_path / "trip")
    (folder / "SampleUtterances.txt").write_text("".join(pieces))
    try:
        assert len(load_skill(folder, format="alexa_text").rows("train"))
    except DataError as error:
        assert "\n" not in str(error)
