"""Annotations that contradict themselves or are damaged: put right and said, or left out and named; never a wrong span, label or value without a word."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from timing import seconds

from headstart import DataError, Skill, finetune, load_skill
from headstart.conversion import convert
from headstart.data.corpora import stream_sources
from headstart.data.rows import Row, parse_row
from headstart.data.skills import make_skill
from headstart.data.streaming import write_labels
from headstart.data.templates import Slot, Template, fill_templates, row_template, value_sources, whole_words
from headstart.readers.alexa_parts import parse_sample
from headstart.readers.normal_forms import looks_said
from headstart.readers.oddities import Oddities
from headstart.readers.parts import annotate, join_text
from headstart.readers.rasa_markdown import parse_markup

KITE = "\U0001fa81"  # two UTF-16 units, four bytes


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def told(skill: Skill, part: str = "train") -> list[tuple[str, list[str] | None]]:
    """Texts, each with the values of its slots; None where slots are not annotated."""
    return [
        (row["text"], None if row["slots"] is None else [row["text"][slot["start"] : slot["end"]] for slot in row["slots"]])
        for row in skill.rows(part)
    ]


COUNTS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "UTF-16 units": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes": lambda text: len(text.encode()),
}


# ---- offsets


def counted(text: str, value: str, count: Callable[[str], int]) -> tuple[int, int]:
    place = text.index(value)
    return count(text[:place]), count(text[: place + len(value)])


def as_rows(text: str, value: str, start: int, end: int) -> tuple[str, Any]:
    slot = {"start": start, "end": end, "label": "size", "value": value}
    return "skill.jsonl", lines({"text": text, "intent": "show", "slots": [slot]})


def as_rasa(text: str, value: str, start: int, end: int) -> tuple[str, Any]:
    entity = {"start": start, "end": end, "value": value, "entity": "size"}
    return "nlu.json", {"rasa_nlu_data": {"common_examples": [{"text": text, "intent": "show", "entities": [entity]}]}}


def as_luis(text: str, value: str, start: int, end: int) -> tuple[str, Any]:
    entity = {"entity": "size", "startPos": start, "endPos": end - 1}
    return "luis.json", {"luis_schema_version": "7.0.0", "utterances": [{"text": text, "intent": "show", "entities": [entity]}]}


def as_batch(text: str, value: str, start: int, end: int) -> tuple[str, Any]:
    label = {"entityName": "size", "startCharIndex": start, "endCharIndex": end - 1}
    return "batch.json", [{"text": text, "intentName": "show", "entityLabels": [label]}]


def as_clu(text: str, value: str, start: int, end: int) -> tuple[str, Any]:
    entity = {"category": "size", "offset": start, "length": end - start}
    utterance = {"text": text, "intent": "show", "entities": [entity]}
    assets = {"projectKind": "Conversation", "intents": [], "entities": [], "utterances": [utterance]}
    return "clu.json", {"projectFileVersion": "1", "stringIndexType": "Utf16CodeUnit", "assets": assets}


@pytest.mark.parametrize("form", [as_rows, as_rasa, as_luis, as_batch, as_clu])
@pytest.mark.parametrize("unit", COUNTS)
def test_offsets_in_any_unit_are_those_of_the_value(
    tmp_path: Path, unit: str, form: Callable[..., tuple[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    text = f"{KITE}{KITE} show me huge kites"
    name, content = form(text, "huge", *counted(text, "huge", COUNTS[unit]))
    path = write(tmp_path / name, content)
    assert told(load_skill(path)) == [(text, ["huge"])]
    own = "UTF-16 units" if form in (as_luis, as_batch, as_clu) else "characters"
    is_said = [record.getMessage() for record in caplog.records if name in record.getMessage()]
    assert bool(is_said) == (unit != own)  # with file and example
    assert all("kites" in message or "huge" in message for message in is_said)


@pytest.mark.parametrize("form", [as_rows, as_rasa])
@pytest.mark.parametrize("shift", [(-1, -1), (1, 1), (0, -1), (0, 1), (3, 0), (40, 40)])
def test_offsets_that_are_shifted_are_put_right(
    tmp_path: Path, shift: tuple[int, int], form: Callable[..., tuple[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    text = "show me huge kites"
    start, end = counted(text, "huge", len)
    name, content = form(text, "huge", start + shift[0], end + shift[1])
    assert told(load_skill(write(tmp_path / name, content))) == [(text, ["huge"])]
    # A blank at the end of a span is no contradiction.
    assert (name in caplog.text and "huge" in caplog.text) == (shift != (0, 1))


def test_of_two_that_are_as_near_none_is_chosen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    name, content = as_rows("big xxx big", "big", 4, 7)
    with pytest.raises(
        DataError, match=r"skill\.jsonl, line 1, field 'slots\[0\]', field 'value': found 'big'; the text has 'xxx'"
    ):
        load_skill(write(tmp_path / name, content))
    name, content = as_rasa("bigger xx bigger now", "bigger", 5, 11)
    assert told(load_skill(write(tmp_path / name, content))) == [("bigger xx bigger now", None)]
    assert "spans with wrong offsets, whose utterances are read as not annotated" in caplog.text and "(1)" in caplog.text
    assert "common_examples[0]: '5-11 bigger in bigger xx bigger now'" in caplog.text


def test_a_value_in_rasa_may_be_canonical_where_offsets_cut_no_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    name, content = as_rasa("fly to oslo now", "NO-03", 7, 11)
    skill = load_skill(write(tmp_path / name, content))
    assert told(skill) == [("fly to oslo now", ["oslo"])] and skill.catalogs == {"size": ["oslo"]}
    assert (
        "canonical values that nobody says" in caplog.text
        and "common_examples[0]: 'NO-03'" in caplog.text
        and "(1)" in caplog.text
    )
    name, content = as_rasa("fly to oslo now", "NO-03", 8, 11)
    assert told(load_skill(write(tmp_path / name, content))) == [("fly to oslo now", None)]


def test_a_value_that_stands_elsewhere_than_whole_words_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    name, content = as_rasa("show huge red kites", "red", 5, 9)
    assert told(load_skill(write(tmp_path / name, content))) == [("show huge red kites", None)]
    assert "'5-9 red in show huge red kites'" in caplog.text


def test_offsets_without_a_value_follow_the_file(tmp_path: Path) -> None:
    text = f"{KITE} show me huge kites"
    examples = [
        {"text": text, "intent": "show", "entities": [{"start": 11, "end": 15, "entity": "size", "value": "huge"}]},
        {"text": f"{KITE} a b c", "intent": "show", "entities": [{"start": 5, "end": 6, "entity": "size"}]},
    ]
    path = write(tmp_path / "nlu.json", {"rasa_nlu_data": {"common_examples": examples}})
    assert told(load_skill(path)) == [(text, ["huge"]), (f"{KITE} a b c", ["b"])]


def test_refilling_makes_no_word_of_a_value_and_the_rest_of_another(tmp_path: Path) -> None:
    row: Row = {"text": "show me huge kites", "intent": "show", "slots": [{"start": 8, "end": 11, "label": "size"}]}
    template = row_template(row, trim=True)
    assert template.fill(["small"])["text"] == "show me small kites"
    cut = Template("show", ("show me ", Slot("size", "hug"), "e kites"))
    assert value_sources(["size"], {}, {}, [cut])["size"].values == ["huge"]
    rows = fill_templates([cut, Template("show", ("a ", Slot("size"), " one"))])
    assert {found["text"] for found in rows} == {"show me huge kites", "a huge one"}
    text = 'nlu:\n- intent: show\n  examples: |\n    - a [hug]{"entity": "size", "value": "large"}e kite\n    - a [wide]{"entity": "size", "value": "large"} one\n'
    assert load_skill(write(tmp_path / "nlu.yml", text)).catalogs == {"size": ["large", "wide"]}


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["a", Slot("x", "b"), "c d"], [Slot("x", "abc"), " d"]),
        ([Slot("x", "ab"), Slot("y", "cd")], [Slot("x", "abcd")]),
        ([Slot("x", "ab"), Slot("y", "cd ef")], [Slot("x", "abcd"), " ", Slot("y", "ef")]),
        (["at ", Slot("x", "7"), "pm"], ["at ", Slot("x", "7"), "pm"]),  # two words to the tokenizer
        ([Slot("x"), "s"], [Slot("x"), "s"]),
        (["say ", Slot("x", "\u9ad8"), "\u5174"], ["say ", Slot("x", "\u9ad8"), "\u5174"]),
        (["e", Slot("x", "\u0301t"), "."], [Slot("x", "e\u0301t"), "."]),
    ],
)
def test_values_are_whole_words(parts: list[str | Slot], whole: list[str | Slot]) -> None:
    assert whole_words(parts) == whole


def test_massive_that_contradicts_its_plain_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [
        {"utt": "wake me at six", "annot_utt": "wake me at [time : six]", "intent": "wake"},
        {"utt": "wake me at six", "annot_utt": "wake me at [time : seven]", "intent": "wake"},
    ]
    assert told(load_skill(write(tmp_path / "m.jsonl", lines(*rows)))) == [("wake me at six", ["six"])]
    assert "line 2: 'wake me at six - wake me at [time : seven]'" in caplog.text


# ---- canonical values

CODES = ["NO-03", "au-wa", "nok", "light_1", "2031-05-02T00:00:00", "12", "kitchenLight", "AU WA", "#ff0000", "lamp1", "NBA"]
SAID = ["large", "New York City", "T-shirt", "ice cream", "channel 5", "\u6771\u4eac", "S\u00e3o Paulo", "o'clock"]


@pytest.mark.parametrize("value", CODES + SAID)
def test_what_looks_said(value: str) -> None:
    assert looks_said(value) == (value in SAID)


def synonyms_in(form: str, value: str) -> tuple[str, Any]:
    """A skill with `value` as what `western place` stands for, and an utterance with the latter."""
    utterance = "go to western place now"
    if form == "rasa":
        return "nlu.yml", f"nlu:\n- intent: go\n  examples: |\n    - go to [western place](size:{value}) now\n"
    if form == "rasa synonym":
        return (
            "nlu.yml",
            f"nlu:\n- intent: go\n  examples: |\n    - go to [western place](size) now\n- synonym: {value!r}\n  examples: |\n    - western place\n",
        )
    if form == "rasa json":
        entity = {"start": 6, "end": 19, "value": value, "entity": "size"}
        return "nlu.json", {"rasa_nlu_data": {"common_examples": [{"text": utterance, "intent": "go", "entities": [entity]}]}}
    if form == "luis":
        closed = [{"name": "size", "subLists": [{"canonicalForm": value, "list": ["western place"]}]}]
        pattern = [{"pattern": "go to {size} now", "intent": "go"}]
        return "luis.json", {"luis_schema_version": "7.0.0", "closedLists": closed, "patterns": pattern, "utterances": []}
    if form == "lu":
        return "a.lu", f"# go\n- go to {{size}} now\n@ list size =\n- {value} :\n  - western place\n"
    if form == "clu":
        name, content = as_clu(utterance, "western place", 6, 19)
        values = [{"language": "en", "values": ["western place"]}]
        content["assets"]["entities"] = [{"category": "size", "list": {"sublists": [{"listKey": value, "synonyms": values}]}}]
        return name, content
    data = [{"text": "go to "}, {"text": "western place", "entity": "size", "slot_name": "size"}, {"text": " now"}]
    entities = {"size": {"data": [{"value": value, "synonyms": ["western place"]}], "use_synonyms": True}}
    return "snips.json", {"language": "en", "intents": {"go": {"utterances": [{"data": data}]}}, "entities": entities}


FORMS = ["rasa", "rasa synonym", "rasa json", "luis", "lu", "clu", "snips"]


@pytest.mark.parametrize("form", FORMS)
def test_an_id_is_no_value(tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / synonyms_in(form, "au-wa")[0], synonyms_in(form, "au-wa")[1])
    skill = load_skill(path)
    assert skill.catalogs == {"size": ["western place"]}
    assert {text for text, _ in told(skill)} == {"go to western place now"}
    assert "canonical values that nobody says" in caplog.text and "au-wa" in caplog.text and "(1)" in caplog.text


@pytest.mark.parametrize("form", FORMS)
def test_words_that_synonyms_stand_for_are_values(tmp_path: Path, form: str) -> None:
    name, content = synonyms_in(form, "the outback")
    assert set(load_skill(write(tmp_path / name, content)).catalogs["size"]) == {"the outback", "western place"}


def dialogflow(folder: Path, entries: list[dict[str, Any]], said: str) -> Path:
    phrase = {"data": [{"text": "go to "}, {"text": said, "alias": "size", "meta": "@size"}]}
    write(folder / "intents" / "go_usersays_en.json", [phrase])
    write(folder / "entities" / "size_entries_en.json", entries)
    write(folder / "entities" / "size.json", {"name": "size"})
    return folder


@pytest.mark.parametrize(
    ("entry", "said", "values"),
    [
        ({"value": "au-wa", "synonyms": ["western place"]}, "western place", ["western place"]),
        ({"value": "au-wa", "synonyms": ["au-wa", "western place"]}, "western place", ["au-wa", "western place"]),
        ({"value": "au-wa", "synonyms": ["western place"]}, "AU-WA", ["au-wa", "western place"]),
        ({"value": "au-wa", "synonyms": []}, "western place", ["au-wa"]),
        ({"value": "outback", "synonyms": ["western place"]}, "western place", ["outback", "western place"]),
    ],
)
def test_dialogflows_values_are_said_if_they_are_among_their_synonyms(
    tmp_path: Path, entry: dict[str, Any], said: str, values: list[str]
) -> None:
    assert list(dict.fromkeys(load_skill(dialogflow(tmp_path / "agent", [entry], said)).catalogs["size"])) == values


def test_alexas_values_are_said_and_its_ids_are_not(tmp_path: Path) -> None:
    values = [{"id": "light_1", "name": {"value": "AC/DC", "synonyms": ["acdc"]}}]
    intent = {"name": "play", "slots": [{"name": "band", "type": "Band"}], "samples": ["play {band}"]}
    model = {"intents": [intent], "types": [{"name": "Band", "values": values}]}
    assert load_skill(write(tmp_path / "en-US.json", model)).catalogs == {"band": ["AC/DC", "acdc"]}


# ---- the same text twice


def row(text: str, intent: str | None = "a", *spans: tuple[int, int, str]) -> dict[str, Any]:
    return {
        "text": text,
        "intent": intent,
        "slots": [{"start": start, "end": end, "label": label} for start, end, label in spans],
    }


CONTRADICTIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "two intents": ([row("stop"), row("Stop ", "b")], "texts are in two intents (1): 'stop', 'a' in row 1, 'b' in row 2"),
    "other slots": (
        [row("red kite", "a", (0, 3, "colour")), row("red kite", "a", (0, 8, "toy"))],
        "texts of one intent have different slots (1): 'red kite', (('colour', 'red'),) in row 1",
    ),
    "quotes": (
        [row("x", "tank"), row("y", '"tank"')],
        "intents have names that are nearly the same (1): '\"tank\"' (train row 2) and 'tank'",
    ),
    "blanks": (
        [row("x", "a b"), row("y", "a  b ")],
        "intents have names that are nearly the same (1): 'a  b ' (train row 2) and 'a b' (train row 1)",
    ),
    "case": (
        [row("x", "Tank"), row("y", "tank")],
        "intents have names that are nearly the same (1): 'tank' (train row 2) and 'Tank' (train row 1)",
    ),
    "forms of Unicode": ([row("x", "caf\u00e9"), row("y", "cafe\u0301")], "intents have names that are nearly the same (1)"),
    "zero-width": ([row("x", "tank"), row("y", "ta\u200bnk")], "intents have names that are nearly the same (1)"),
    "punctuation": ([row("x", "tank"), row("y", "tank.")], "intents have names that are nearly the same (1)"),
    "slot labels": (
        [row("x y", "a", (0, 1, "Size")), row("x z", "a", (0, 1, "size"))],
        "slot labels are nearly the same (1): 'size' (train row 2) and 'Size' (train row 1)",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions_are_said_of_any_skill(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows, message = CONTRADICTIONS[name]
    path = write(tmp_path / "skill.jsonl", lines(*rows))
    assert len(load_skill(path).rows("train")) == 2
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{path}: {message}")


def test_a_text_in_two_intents_of_other_formats(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_skill(write(tmp_path / "a.csv", "text,intent\nstop it,a\nstop it,b\ngo,a\n"))
    load_skill(
        write(
            tmp_path / "nlu.yml", "nlu:\n- intent: a\n  examples: |\n    - stop it\n- intent: b\n  examples: |\n    - stop it\n"
        )
    )
    for name in ("a.csv", "nlu.yml"):
        assert f"{name}: texts are in two intents (1): 'stop it', 'a' in row 1, 'b' in row 2" in caplog.text


def test_contradictions_are_said_of_a_skill_in_memory(tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = Skill("odd", [row("stop"), row("stop", "b"), row("go", "B")])
    finetune(skill, tmp_path / "out", base=str(tiny_base), max_steps=1, disable_tqdm=True, use_cpu=True, report_to="none")
    assert "skill 'odd': texts are in two intents (1): 'stop', 'a' in row 1, 'b' in row 2" in caplog.text
    assert "skill 'odd': intents have names that are nearly the same (1): 'B' (train row 3) and 'b' (train row 2)" in caplog.text


def test_spans_that_encoding_changes_are_named(tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = Skill("odd", [row("go"), row("show huge kites", "b", (5, 8, "size"))])
    finetune(skill, tmp_path / "out", base=str(tiny_base), max_steps=1, disable_tqdm=True, use_cpu=True, report_to="none")
    assert "widened to the word that they cut: 1" in caplog.text and "such as in row 2, 'show huge kites'" in caplog.text


def test_quotes_around_a_label_are_none_of_it_in_lines_of_text(tmp_path: Path) -> None:
    skill = load_skill(write(tmp_path / "a.tsv", "text\tintent\nfill it up\ttank\nempty it\t'tank'\ngo\t \"tank\" \n"))
    assert skill.intents == ["tank"]
    assert load_skill(write(tmp_path / "a.conll", '# intent: "tank"\nfill O\nit B-what\n')).intents == ["tank"]


def test_training_texts_in_held_out_parts_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for part, texts in (("train", ["go", "stop"]), ("validation", ["other", "STOP"]), ("test", ["more"])):
        write(tmp_path / "skill" / f"{part}.jsonl", lines(*map(row, texts)))
    load_skill(tmp_path / "skill")
    assert "validation rows have the text of a training row (1): row 2, 'STOP', is row 2" in caplog.text
    assert "test rows have" not in caplog.text


def test_what_does_not_contradict_itself_gets_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [row("go"), row("go"), row("stop", "b"), row("x y", "b", (0, 1, "s")), {"text": "x y", "intent": "b", "slots": None}]
    load_skill(write(tmp_path / "skill.jsonl", lines(*rows)))
    assert not caplog.records


# ---- damaged markup

BROKEN = {
    "a brace in a value": '- fly to [lyon]{"entity": "city", "value": "ly}on"} now',  # whole, in fact
    "no end of the object": '- fly to [lyon]{"entity": "city" now',
    "a quote too many": '- fly to [lyon]{"entity": "city"}"} now',
    "a brace in the middle": '- fly to [lyon]{"entity": "ci}ty", "value": Lyon"} now',
    "no end of the name": "- fly to [lyon](city now",
    "no end of the value": "- fly to [lyon(city) now",
    "no beginning": "- fly to lyon](city) now",
    "a blank name": "- fly to [lyon]( ) now",
    "a blank value": "- fly to [ ](city) now",
    "an object for nothing": '- fly to lyon {"entity": "city"} now',
    "no entity": '- fly to [lyon]{"role": "from"} now',
    "nested deeply": '- fly to [lyon]{"entity": ' + "[" * 5000 + "]" * 5000 + "} now",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("suffix", [".md", ".yml"])
def test_damaged_markup_leaves_its_example_out(name: str, suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = "## intent:fly\n" if suffix == ".md" else "nlu:\n- intent: fly\n  examples: |\n    - home\n"
    text = head + (f"- home\n{BROKEN[name]}\n" if suffix == ".md" else f"    {BROKEN[name]}\n")
    path = write(tmp_path / f"nlu{suffix}", text)
    try:
        rows = told(load_skill(path))
    except DataError as error:  # brackets deeper than any YAML file's
        assert name == "nested deeply" and suffix == ".yml" and "nlu.yml" in str(error)
        return
    if name == "a brace in a value":
        assert rows == [("home", []), ("fly to lyon now", ["lyon"])]
        return
    assert rows == [("home", [])]
    assert "left out examples with annotations" in caplog.text and "(1)" in caplog.text
    assert f"such as line {text.count(chr(10))}: " in caplog.text


def test_damaged_annotations_of_other_formats_leave_their_utterance_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    snips = "type: intent\nname: fly\nutterances:\n- go home\n- to [city](lyon now\n- to [city:place now\n- to city](lyon)\n"
    assert told(load_skill(write(tmp_path / "snips.yml", snips))) == [("go home", [])]
    assert "left out 3 utterances with brackets that are no slot, such as line 5: 'to [city](lyon now'; line 6" in caplog.text
    data = [{"text": "to "}, {"text": 5, "entity": "city"}, {"text": " now"}]
    content = {"intents": {"fly": {"utterances": [{"data": data}, {"data": [{"text": "go home"}]}]}}, "entities": {}}
    assert told(load_skill(write(tmp_path / "snips.json", content))) == [("go home", [])]
    phrases = [{"data": [{"text": "to "}, {"meta": "@city"}]}, {"data": [{"text": "go home"}]}]
    write(tmp_path / "agent" / "intents" / "fly_usersays_en.json", phrases)
    assert told(load_skill(tmp_path / "agent")) == [("go home", [])]
    assert (
        "phrases without text, or with a piece without text (1), such as intents/fly_usersays_en.json, number 1: " in caplog.text
    )


def test_what_is_counted_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = "nlu:\n- intent: fly\n  examples: |\n    - home\n" + "".join(f"    - to [x{n}](city now\n" for n in range(5))
    write(tmp_path / "bot" / "data" / "nlu.yml", content)
    load_skill(tmp_path / "bot")
    message = next(record.getMessage() for record in caplog.records if "left out 5" in record.getMessage())
    assert all(f"data/nlu.yml, line {line}: ' to [x{line - 5}](city now'" in message for line in (5, 6, 7))
    assert "line 8" not in message


# ---- what can't be written or encoded


@pytest.mark.parametrize(
    "fields",
    [
        {"catalogs": {"s": ["a\ud800"]}},
        {"catalogs": {"s\udfff": ["a"]}},
        {"catalogs": {"s": ["a", None]}},
        {"catalogs": {"s": [5]}},
        {"slot_types": {"s": "\ud800"}},
        {"invocation": "\ud800"},
        {"train": [row("x", "\ud800")]},
        {"train": [row("x", "a", (0, 1, "\ud800"))]},
        {"train": [row("\ud800")]},
        {"train": [row("  ")]},
        {"train": [{"utterance": "x"}]},
        {"train": ["x"]},
        {"train": [{**row("x"), "slots": ({"start": 0},)}]},
    ],
    ids=repr,
)
def test_what_no_file_can_hold_is_refused_when_the_skill_is_made(fields: dict[str, Any]) -> None:
    with pytest.raises(DataError) as error:
        Skill("odd", **{"train": [row("x")], **fields})
    assert str(error.value).isprintable() and len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("catalogs.json", '{"s": ["a\\ud800"]}'),
        ("catalogs.json", '{"s\\ud800": ["a"]}'),
        ("skill.json", '{"slot_types": {"s": "\\ud800"}}'),
        ("skill.json", '{"invocation": "\\ud800"}'),
        ("train.jsonl", '{"text": "x", "intent": "\\ud800", "slots": []}\n'),
        ("train.jsonl", '{"text": "x", "intent": "a", "slots": [{"start": 0, "end": 1, "label": "\\ud800"}]}\n'),
        *(
            (name, text)
            for deep in ("[" * 900 + "]" * 900, "[" * 200_000)
            for name, text in (
                ("catalogs.json", f'{{"s": {deep}}}'),
                ("skill.json", f'{{"invocation": {deep}}}'),
                ("skill.json", f'{{"slot_types": {deep}}}'),
                ("train.jsonl", f'{{"text": {deep}, "intent": "a", "slots": []}}\n'),
                ("train.jsonl", f'{{"text": "x", "intent": {deep}, "slots": []}}\n'),
                ("train.jsonl", f'{{"text": "x", "intent": "a", "slots": {deep}}}\n'),
                ("train.jsonl", f'{{"text": "x", "intent": "a", "slots": [{deep}]}}\n'),
                ("train.jsonl", f'{{"text": "x", "intent": "a", "slots": [{{"start": {deep}, "end": 1, "label": "a"}}]}}\n'),
            )
        ),
    ],
)
def test_files_of_a_folder_that_hold_halves_or_depths(name: str, content: str, tmp_path: Path) -> None:
    write(tmp_path / "skill" / "train.jsonl", lines(row("x", "a", (0, 1, "s"))))
    write(tmp_path / "skill" / name, content)
    with pytest.raises(DataError) as error:
        load_skill(tmp_path / "skill")
    message = str(error.value)
    assert str(tmp_path / "skill") in message and "\n" not in message and len(message) < 600
    with pytest.raises(DataError):
        convert(tmp_path / "skill", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_locale_or_domain_that_is_nested_deeply(tmp_path: Path) -> None:
    deep = "[" * 900 + "]" * 900
    text = f'{{"annot_utt": "tea [a : b]", "intent": "x", "locale": {deep}}}\n{{"annot_utt": "tea", "intent": "x", "locale": "en-US"}}\n'
    assert told(load_skill(write(tmp_path / "m.jsonl", text))) == [("tea", [])]


def corpus(folder: Path, rows: int = 3000) -> Path:
    words = random.Random(0)
    text = lines(*(row(f"say {words.getrandbits(64)}") for _ in range(rows)))
    for part in ("validation", "test"):
        write(folder / "one" / f"{part}.jsonl", lines(row(part)))
    for number in range(2):
        (folder / "one" / f"train-{number}.jsonl.gz").write_bytes(gzip.compress(text.replace("say", f"say{number}").encode()))
    return folder


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data[:200] + bytes(100) + data[300:], lambda data: b"x" + data]
)
def test_a_damaged_shard_is_named(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    folder = corpus(tmp_path)
    write_labels(str(folder))
    shard = folder / "one" / "train-1.jsonl.gz"
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.raises(DataError, match=r"train-1\.jsonl\.gz: damaged or cut off"):
        write_labels(str(folder))
    (source,) = stream_sources(str(folder), ["one"])
    with pytest.raises(DataError, match=r"train-1\.jsonl\.gz: damaged or cut off"):
        list(source.streamed.read())


@pytest.mark.parametrize("content", ["[" * 200_000, "{" * 200_000])
def test_labels_that_are_nested_deeply(content: str, tmp_path: Path) -> None:
    folder = corpus(tmp_path, rows=3)
    write_labels(str(folder))
    write(folder / "one" / "labels.json", content)
    with pytest.raises(DataError, match=r"labels\.json"):
        stream_sources(str(folder), ["one"])


# ---- growth

MANY = 4_000


def spans_of_letters(count: int) -> str:
    """One row of `count` words, each of them a slot."""
    slots = [{"start": 4 * number, "end": 4 * number + 3, "label": "s", "value": "abc"} for number in range(count)]
    return json.dumps({"text": "abc " * count, "intent": "a", "slots": slots})


def pieces(count: int) -> list[str | Slot]:
    return [part for number in range(count) for part in ("a", Slot("s", "b"))]


def cut_word(count: int) -> Template:
    return row_template(
        {"text": "ab" * count, "intent": "a", "slots": [{"start": 2 * n, "end": 2 * n + 1, "label": "s"} for n in range(count)]},
        trim=True,
    )


GROWING: dict[str, Callable[[int], Any]] = {
    "a row of many spans": lambda count: parse_row(spans_of_letters(count), "x", []),
    "a skill of a row of many spans": lambda count: Skill("x", [json.loads(spans_of_letters(count))]),
    "a template of a word that is cut often": cut_word,
    "values of a word that is cut often": lambda count: value_sources(["s"], {}, {}, [Template("a", tuple(pieces(count)))]),
    "a filled template of many slots": lambda count: fill_templates([Template("a", tuple(pieces(count)))]),
    "a skill of a template of many slots": lambda count: make_skill("x", [Template("a", tuple(pieces(count)))]),
    "spans in a text": lambda count: annotate("ab " * count, [(3 * n, 3 * n + 2, "s") for n in range(count)], "a", Oddities()),
    "text in pieces": lambda count: join_text(["ab"] * count),
    "Rasa's markup": lambda count: parse_markup("[a](b) " * count),
    "Alexa's words of one value": lambda count: parse_sample("{a|b} " * count, "a"),
}


@pytest.mark.parametrize("name", GROWING)
def test_time_grows_with_the_number_of_spans(name: str) -> None:
    run = GROWING[name]
    run(100)
    small = min(seconds(lambda: run(MANY)) for _ in range(3))
    large = min(seconds(lambda: run(8 * MANY)) for _ in range(2))
    assert large < 8**1.4 * max(small, 0.001)  # an exponent of 1.4 for garbage and caches; squares would be 64 times
