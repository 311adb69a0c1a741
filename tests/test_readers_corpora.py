"""Corpora: bracket trees of TOP, SLURP, rows of words and tags, tables with marks. What each file says was written down before it was read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_readers_bots import rows, write  # type: ignore[import-not-found]

from headstart import DataError, load_skill
from headstart.readers import find_reader
from headstart.readers.source import Source
from headstart.readers.top import TreeError, parse_tree


def lines(*objects: Any) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects)


TOP = (
    "Wake me, at 7am!\tWake me , at 7 am !\t[IN:CREATE_ALARM Wake me , [SL:DATE_TIME at 7 am ] ! ]\n"
    "way to the game of anna\tway to the game of anna\t"
    "[IN:GET_DIRECTIONS way to [SL:DESTINATION [IN:GET_EVENT [SL:NAME the game ] of [SL:ORGANIZER anna ] ] ] ]\n"
    "stop\tstop\t[IN:STOP stop ]\n"
    "broken\tbroken\t[IN:STOP broken\n"
)


def test_top(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path, {"train.tsv": TOP})
    assert find_reader(Source(path)).NAME == "top"
    assert rows(load_skill(path)) == [
        ("Wake me, at 7am!", "CREATE_ALARM", (("DATE_TIME", "at 7am"),)),
        ("way to the game of anna", "GET_DIRECTIONS", (("DESTINATION", "the game of anna"),)),
        ("stop", "STOP", ()),
    ]
    assert "trees with intents within slots, of which the outermost slots are read" in caplog.text and "(1)" in caplog.text
    assert "left out trees with brackets that don't match" in caplog.text and "(1)" in caplog.text


def test_top_2_in_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    header = "domain\tutterance\tsemantic_parse\n"
    files = {
        "alarm_train.tsv": header + "alarm\tset an alarm for 7am\t[IN:CREATE_ALARM set an alarm [SL:DATE_TIME for 7 am ] ]\n",
        "alarm_eval.tsv": header + "alarm\tset two\t[IN:CREATE_ALARM set [SL:AMOUNT two ] ]\n",
        "alarm_test.tsv": header + "alarm\twords differ\t[IN:CREATE_ALARM other words ]\n",
    }
    skill = load_skill(write(tmp_path, files))
    assert "labels of held-out rows that no training row has, which count as errors (1): 'AMOUNT'" in caplog.text
    assert rows(skill) == [("set an alarm for 7am", "CREATE_ALARM", (("DATE_TIME", "for 7am"),))]
    assert rows(skill, "validation") == [("set two", "CREATE_ALARM", (("AMOUNT", "two"),))]
    assert rows(skill, "test") == [("other words", "CREATE_ALARM", ())]


def mtop(number: int, text: str, slots: str, tree: str, locale: str) -> str:
    tokens = json.dumps({"tokens": text.split(), "tokenType": "UNKNOWN"})
    return "\t".join([str(number), "IN:SEND_MESSAGE", slots, text, "messaging", locale, tree, tokens]) + "\n"


def test_mtop_in_two_languages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    english = mtop(
        1,
        "tell mum I'm late",
        "5:8:SL:RECIPIENT,9:17:SL:CONTENT",
        "[IN:SEND_MESSAGE [SL:RECIPIENT mum ] [SL:CONTENT I 'm late ] ]",
        "en_XX",
    )
    german = mtop(2, "sag mir was", "", "[IN:SEND_MESSAGE ]", "de_XX")
    path = write(tmp_path, {"train.txt": english + german})
    assert rows(load_skill(path)) == [("tell mum I'm late", "SEND_MESSAGE", (("RECIPIENT", "mum"), ("CONTENT", "I'm late")))]
    assert "of 2 languages, en_XX is read; there are also de_XX" in caplog.text
    assert rows(load_skill(path, language="de")) == [("sag mir was", "SEND_MESSAGE", ())]


@pytest.mark.parametrize(
    "tree", ["[IN:A a", "a ]", "a", "[SL:B a ]", "[IN:A a ] [IN:B b ]", "[IN:A a ] b", "[IN:A " * 70 + "] " * 70]
)
def test_what_is_no_tree_is_refused(tree: str) -> None:
    with pytest.raises(TreeError):
        parse_tree(tree)


def slurp(sentence: str, annotation: str | None, **more: Any) -> dict[str, Any]:
    row = {"slurp_id": 1, "sentence": sentence, "intent": "alarm_set", "action": "set", "scenario": "alarm", "recordings": []}
    return {**row, **({"sentence_annotation": annotation} if annotation else {}), **more}


def test_slurp_in_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    words = [{"surface": word, "id": number} for number, word in enumerate(["wake", "bob", "at", "noon"])]
    spans = [{"span": [1], "type": "person"}, {"span": [2, 3], "type": "time"}]
    files = {
        "train.jsonl": lines(
            slurp("wake me at seven", "wake me at [time : seven]"),
            slurp("wake bob at noon", None, tokens=words, entities=spans),
            slurp("wake me", "wake them"),
            slurp("wake up", None),
        ),
        "devel.jsonl": lines(slurp("at [time", "wake [time : now]"), slurp("wake anna", "wake [person : anna]")),
    }
    path = write(tmp_path, files)
    assert find_reader(Source(path)).NAME == "slurp"
    skill = load_skill(path, allow_unseen_labels=True)
    assert rows(skill) == [
        ("wake me at seven", "alarm_set", (("time", "seven"),)),
        ("wake bob at noon", "alarm_set", (("person", "bob"), ("time", "at noon"))),
        ("wake up", "alarm_set", ()),
    ]
    assert rows(skill, "validation") == [("wake anna", "alarm_set", (("person", "anna"),))]
    assert "left out 2 rows whose annotation says something else than the sentence" in caplog.text


def test_slurp_in_one_file_and_with_lines_that_are_none(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.jsonl": lines(slurp("stop", "stop")) + "{broken\n"})
    assert rows(load_skill(path)) == [("stop", "alarm_set", ())]
    wrong = slurp("wake bob", None, tokens=[{"surface": "wake"}], entities=[{"span": [0], "type": "x"}])
    with pytest.raises(DataError, match="no row has a sentence with an intent"):
        load_skill(write(tmp_path, {"b.jsonl": lines(wrong)}))


TAGGED = [
    {"id": "0", "tokens": ["make", "a", "large", "green", "tea", "!"], "ner_tags": ["O", "O", "B-size", "B-kind", "I-kind", "O"], "text": "make a large green tea!", "intent": "brew"},
    {"id": "1", "tokens": ["stop"], "ner_tags": ["O"], "intent": "stop", "note": "x"},
    {"id": "2", "tokens": ["hm"], "ner_tags": ["O"], "text": "aha"},
]  # fmt: skip


def test_rows_of_words_and_tags_in_lines_and_in_a_list(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = [
        ("make a large green tea!", "brew", (("size", "large"), ("kind", "green tea"))),
        ("stop", "stop", ()),
        ("hm", None, ()),
    ]
    for name, text in (
        ("a.jsonl", lines(*TAGGED)),
        ("b.json", json.dumps(TAGGED)),
        ("train.jsonl", lines(*TAGGED[1:], TAGGED[0])),
    ):
        path = write(tmp_path / name, {name: text})
        assert find_reader(Source(path)).NAME == "tagged_rows"
        assert sorted(rows(load_skill(path)), key=str) == sorted(expected, key=str)
    assert "fields that are not read: note" in caplog.text
    assert (
        "rows whose words don't stand in their text, and which are read from their words" in caplog.text and "(1)" in caplog.text
    )


def test_numbers_get_the_names_of_the_dataset(tmp_path: Path) -> None:
    tags = {"feature": {"names": ["O", "B-size", "I-size"], "_type": "ClassLabel"}, "_type": "List"}
    info = {"features": {"ner_tags": tags, "label": {"names": ["brew", "stop"], "_type": "ClassLabel"}}}
    row = {"tokens": ["very", "large", "tea"], "ner_tags": [1, 2, 0], "label": 0, "split": "train"}
    held_out = {"tokens": ["stop"], "ner_tags": [0], "label": 1, "split": "dev"}
    path = write(tmp_path, {"dataset_info.json": info, "data.jsonl": lines(row, {**held_out, "split": "train"}, held_out)})
    skill = load_skill(path)
    assert rows(skill) == [("very large tea", "brew", (("size", "very large"),)), ("stop", "stop", ())]
    assert rows(skill, "validation") == [("stop", "stop", ())]
    with pytest.raises(
        DataError,
        match=r"data.jsonl, line 1, field 'label': found numbers, \[0\], whose names are not known; give the dataset itself",
    ):
        load_skill(path / "data.jsonl")


def test_texts_with_tags_and_texts_with_intents(tmp_path: Path) -> None:
    tagged = {"utterance": "a large tea", "slot_labels": "O B-size O", "intent": "brew"}
    assert rows(load_skill(write(tmp_path, {"a.jsonl": lines(tagged)}))) == [("a large tea", "brew", (("size", "large"),))]
    plain = [{"text": "hi  there", "label": "greet"}, {"text": "bye", "label": "leave"}]
    assert rows(load_skill(write(tmp_path, {"b.json": plain}))) == [("hi there", "greet", None), ("bye", "leave", None)]
    assert rows(load_skill(write(tmp_path, {"d.jsonl": lines(*plain)}))) == [("hi there", "greet", None), ("bye", "leave", None)]
    with pytest.raises(DataError, match="field 'slots' is missing"):
        load_skill(write(tmp_path, {"e.jsonl": lines({"text": "hi", "intent": "greet"})}))
    with pytest.raises(DataError, match="line 1: found 2 tags for 3 words"):
        load_skill(write(tmp_path, {"c.jsonl": lines({**tagged, "slot_labels": "O O"})}))


def test_tables_with_marks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = 'text,intent\na [large](size) tea,brew\n"stop, now",stop\na [huge]{"entity": "size"} cup,brew\n[x](size broken,brew\n'
    table = table.replace('[huge]{"entity": "size"}', "[huge](size)")
    expected = [
        ("a large tea", "brew", (("size", "large"),)),
        ("stop, now", "stop", ()),
        ("a huge cup", "brew", (("size", "huge"),)),
    ]
    assert rows(load_skill(write(tmp_path, {"a.csv": table}))) == expected
    assert "left out records with annotations without an entity or a value (1), such as 'a.csv, line 5" in caplog.text
    beside = "text\tintent\tentities\nlarge tea\tbrew\t[large](size) tea\nstop\tstop\t\na big cup\tbrew\ta [big](size) cup\n"
    expected = [("large tea", "brew", (("size", "large"),)), ("stop", "stop", None), ("a big cup", "brew", (("size", "big"),))]
    assert rows(load_skill(write(tmp_path, {"b.tsv": beside}))) == expected
    with pytest.raises(DataError, match="found 'a .small..size. tea' beside the text 'large tea'"):
        load_skill(write(tmp_path, {"c.tsv": "text\tintent\tslots\nlarge tea\tbrew\ta [small](size) tea\n"}))


def test_tables_with_brackets_that_are_text(tmp_path: Path) -> None:
    table = "text,intent\nread [1] aloud,read\nread [2] (twice),read\n"
    assert rows(load_skill(write(tmp_path, {"a.csv": table}))) == [
        ("read [1] aloud", "read", None),
        ("read [2] (twice)", "read", None),
    ]


def test_tables_with_a_column_of_parts(tmp_path: Path) -> None:
    table = "text,intent,split,slots\nlarge tea,brew,train,B-size O\nstop,stop,train,O\nhuge tea,brew,test,B-size O\n"
    skill = load_skill(write(tmp_path, {"a.csv": table}))
    assert rows(skill, "test") == [("huge tea", "brew", (("size", "huge"),))] and len(rows(skill)) == 2


def test_a_folder_of_words_and_tags_is_not_taken_for_one_of_rows(tmp_path: Path) -> None:
    tagged = {"text": "large tea", "tokens": ["large", "tea"], "ner_tags": ["B-size", "O"], "intent": "brew"}
    of_text = {"text": "large tea", "intent": "brew", "slots": "B-size O"}
    for number, row in enumerate((tagged, of_text, {**of_text, "slots": ["B-size", "O"]})):
        path = write(tmp_path / str(number), {"train.jsonl": lines(row), "test.jsonl": lines(row)})
        assert find_reader(Source(path)).NAME == "tagged_rows"
        assert rows(load_skill(path)) == rows(load_skill(path), "test") == [("large tea", "brew", (("size", "large"),))]
    own = {"text": "large tea", "intent": "brew", "slots": [{"start": 0, "end": 5, "label": "size"}], "tokens": ["large", "tea"]}
    assert find_reader(Source(write(tmp_path / "own", {"train.jsonl": lines(own), "test.jsonl": lines(own)}))).NAME == "rows"


def test_a_list_of_texts_in_the_folder_of_another_skill_is_none(tmp_path: Path) -> None:
    model = {"languageModel": {"intents": [{"name": "Quote", "samples": ["tell me a quote"]}]}}
    quotes = [{"text": "well begun is half done", "category": "work"}]
    path = write(tmp_path / "skill", {"models/en-US.json": {"interactionModel": model}, "lambda/quotes.json": quotes})
    assert rows(load_skill(path)) == [("tell me a quote", "Quote", ())]
    skill = load_skill(write(tmp_path / "parts", {"train.json": quotes, "test.json": quotes}))
    assert rows(skill) == rows(skill, "test") == [("well begun is half done", "work", None)]
