"""Files that don't belong together, that changed between two steps, or that are damaged: the right content, or one short error that names the place."""

from __future__ import annotations

import io
import json
import logging
import random
import stat
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from headstart import DataError, load_skill
from headstart.readers.source import Source
from headstart.writers import rows as rows_writer

Files = dict[str, str | bytes]
Rows = list[tuple[str | None, str, list[tuple[str, str]] | None]]
ROW = {"text": "make tea", "intent": "Brew", "slots": [{"start": 5, "end": 8, "label": "drink"}]}
OTHER = {"text": "buy shares", "intent": "Trade", "slots": [{"start": 4, "end": 10, "label": "stock"}]}
BREW: Rows = [("Brew", "make tea", [("drink", "tea")])]
RASA = 'version: "3.1"\nnlu:\n- intent: Brew\n  examples: |\n    - make [tea](drink)\n'
RASA_OTHER = RASA.replace("Brew", "Trade").replace("make [tea](drink)", "buy [shares](stock)")
SCHEMA = json.dumps({"intents": [{"intent": "BrewIntent", "slots": [{"name": "Drink", "type": "DRINKS"}]}]})
ALEXA = {
    "interactionModel": {
        "languageModel": {"invocationName": "tea kettle", "intents": [{"name": "Brew", "samples": ["make tea"]}]}
    }
}
CLU = {
    "projectFileVersion": "1",
    "stringIndexType": "TextElements_v8",
    "assets": {
        "intents": [],
        "utterances": [{"text": "make tea", "intent": "Brew", "entities": [{"category": "drink", "offset": 5, "length": 3}]}],
    },
}


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def zipped(*entries: tuple[str, str | bytes], links: tuple[str, ...] = ()) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings(action="ignore"):  # of a name that is there twice
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = ((stat.S_IFLNK if name in links else stat.S_IFREG) | 0o644) << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def flipped(content: bytes, needle: bytes) -> bytes:
    place = content.index(needle)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def triple(part: str, words: str, tags: str, labels: str) -> Files:
    return {f"{part}/seq.in": words, f"{part}/seq.out": tags, f"{part}/label": labels}


# Files, and rows that are right, with what the log says.
READ: dict[str, tuple[Files, Rows, str]] = {
    "a table behind another one": ({"a.csv": "text,intent\nmake tea,Brew\n\ufefftext,intent\nstop,Stop\n"}, [("Brew", "make tea", None), ("Stop", "stop", None)], "line 3: found the header again"),
    "a table with carriage returns alone": ({"a.csv": "text,intent\rmake tea,Brew\r"}, [("Brew", "make tea", None)], ""),
    "a table of UTF-16": ({"a.csv": "text,intent\nmake tea,Brew\n".encode("utf-16")}, [("Brew", "make tea", None)], ""),
    "tables cut in two ways": (
        {"a.csv": "text,intent\n\"tea, now\",Brew\n", "b.csv": "intent;text\nBrew;milk, now\n"},
        [("Brew", "tea, now", None), ("Brew", "milk, now", None)],
        "",
    ),
    "a table whose test part has other columns": ({"train.csv": "text,intent\nmake tea,Brew\n", "test.csv": "question,answer\nmilk,Brew\n"}, [("Brew", "make tea", None)], "which are not read: test.csv"),
    "quotes within cells": ({"a.csv": 'text,intent\nmake a 5" tea,Brew\n"say ""tea"", now",Brew\n'}, [("Brew", 'make a 5" tea', None), ("Brew", 'say "tea", now', None)], ""),
    "a column of tags and one of notes": ({"a.tsv": "text\tbio_tags\tnote\tintent\nmake tea\tO B-drink\tx\tBrew\n"}, BREW, "columns that are not read: note"),
    "an entry that is in an archive twice": ({"a.zip": zipped(("nlu.yml", RASA_OTHER), ("nlu.yml", RASA))}, BREW, ""),
    "an archive of Windows": ({"a.zip": zipped(("data\\nlu.yml", RASA), ("tests\\nlu.yml", RASA.replace("make", "do make")))}, BREW, "test rows by the names of their files: tests/nlu.yml"),
    "an archive with a link": ({"a.zip": zipped(("nlu.yml", RASA), ("x.yml", "/etc/passwd"), links=("x.yml",))}, BREW, "links that are not followed"),
    "Rasa: a file of Latin-1 beside": ({"nlu.yml": RASA, "more.yml": RASA.replace("tea", "thé").encode("latin-1")}, BREW, "more.yml, line 5: not UTF-8 text"),
    "Rasa: a conflict beside": ({"nlu.yml": RASA, "more.yml": f"<<<<<<< HEAD\n{RASA}=======\n{RASA_OTHER}>>>>>>> other\n"}, BREW, "more.yml, line 1: a conflict of git's"),
    "Rasa: stories and a domain beside": ({"data/nlu.yml": RASA, "domain.yml": "intents:\n- Trade\n", "tests/stories.yml": "stories:\n- story: a\n"}, BREW, ""),
    "Alexa: a second skill's model": ({"en-US.json": json.dumps(ALEXA), "old/en-US.json": json.dumps(ALEXA).replace("Brew", "Stop")}, [("Brew", "make tea", [])], "left out: old/en-US.json"),
    "Alexa: a type that no slot has": (
        {"IntentSchema.json": SCHEMA, "SampleUtterances.txt": "BrewIntent make {tea|Drink}\n", "customSlotTypes/DRINKS": "milk\n", "customSlotTypes/STOCKS": "shares\n"},
        [("BrewIntent", "make tea", [("Drink", "tea")])],
        "files of slot types that no slot has, which are not read (1), such as 'customSlotTypes/STOCKS'",
    ),
    "fields twice with one value": ({"a.json": json.dumps(ALEXA).replace('"name": "Brew"', '"name": "Brew", "name": "Brew"')}, [("Brew", "make tea", [])], ""),
    "CLU: text elements, of ASCII": ({"a.json": json.dumps(CLU)}, BREW, ""),
    "rows: another part beside": ({"train.jsonl": lines(ROW), "dev.jsonl": lines(OTHER)}, BREW, "files that are not read: dev.jsonl"),
    "rows: fields of another tool": ({"a.jsonl": lines({**ROW, "spans": [[5, 8, "food"]]})}, BREW, "fields that are not read: spans"),
}  # fmt: skip
# Files, and what the error says.
REFUSED: dict[str, tuple[Files, str]] = {
    "a table of an unquoted comma": ({"a.csv": "text,intent\nturn it up, please,Volume\n"}, "a.csv, line 2: found 3 cells where the header has 2"),
    "a table cut within a cell": ({"a.csv": 'text,intent\nstop,Stop\n"make te'}, "a.csv, line 3: found 1 cell"),
    "a table with a quote too many": ({"a.csv": 'text,intent\ntea,Brew\n"milk,Brew\nstop,Brew\nhalt",Stop\n'}, "a.csv, line 3: a quote opens here and closes in line 5"),
    "tables with their columns in two orders": ({"a.csv": "text,intent\nmake tea,Brew\nintent,text\nStop,stop\n"}, "a.csv, line 3: found a header with its columns in another order"),
    "a table with tags of another text": ({"a.csv": "text,intent,slot_labels\nmake tea,Brew,O O B-drink\n"}, "a.csv, line 2, column 'slot_labels': found 3 tags for the 2 words"),
    "a table with entities of another text": ({"a.csv": 'text,intent,entities\nmake tea,Brew,"[{""start"": 0, ""end"": 4, ""text"": ""tea"", ""label"": ""drink""}]"\n'}, "found 'tea' at 0-4"),
    "a table in conflict": ({"a.csv": "text,intent\n<<<<<<< HEAD\ntea,Brew\n=======\ntea,Stop\n>>>>>>> other\n"}, "a.csv, line 2: a conflict of git's"),
    "a table of Latin-1": ({"a.csv": "text,intent\nthé,Brew\n".encode("latin-1")}, "a.csv, line 2: not UTF-8 text"),
    "a table of parts by number": ({"a.csv": "text,intent,split\ntea,Brew,0\n"}, "a.csv, line 2, column 'split': found '0'"),
    "tags of another part": (triple("train", "make tea\nstop\n", "O B-drink\nO O\n", "Brew\nStop\n"), "seq.in, line 2: found 1 word, and 2 tags"),
    "tags with a line too few": (triple("train", "make tea\nstop\n", "O B-drink\n", "Brew\nStop\n"), "files of different lengths (label 2, seq.in 2, seq.out 1 lines)"),
    "Alexa: utterances of another skill": ({"IntentSchema.json": SCHEMA, "SampleUtterances.txt": "TradeIntent buy shares\nTradeIntent sell\n"}, "formats are known"),
    "Alexa: a field twice": ({"a.json": json.dumps(ALEXA).replace('"name": "Brew"', '"name": "Brew", "name": "Stop"')}, "a.json: an object has the field 'name' twice"),
    "Alexa: a field twice, and damaged": ({"a.json": json.dumps(ALEXA).replace('"name": "Brew"', '"name": "Brew", "name": "Stop",,')}, "a.json: an object has the field 'name' twice"),
    "rows: a field twice": ({"a.jsonl": lines(ROW, ROW).replace('"end": 8', '"end": 8, "end": 9')}, "a.jsonl, line 1: not JSON that can be read (an object has 'end' twice)"),
    "a table: a slot twice as JSON": ({"a.csv": 'text,intent,slots\nmake tea,Brew,"{""drink"": ""tea"", ""drink"": ""make""}"\n'}, "'drink' twice"),
    "a table: a slot twice as Python": ({"a.csv": "text,intent,slots\nmake tea,Brew,\"{'drink': 'tea', 'drink': 'make'}\"\n"}, "'drink' twice"),
    "Rasa: two lists in a file": ({"nlu.yml": RASA + RASA_OTHER.split("\n", 1)[1]}, "nlu.yml, line 6: the field 'nlu' is there twice"),
    "Rasa: tests of another assistant": ({"data/nlu.yml": RASA, "tests/nlu.yml": RASA_OTHER}, "intent 'Trade' is in no training row"),
    "CLU: text elements": ({"a.json": json.dumps(CLU).replace("make tea", "\U0001f375 x tea")}, "field 'stringIndexType': found 'TextElements_v8'"),
    "MASSIVE: an unknown partition": ({"a.jsonl": lines({"annot_utt": "make [drink : tea]", "intent": "brew", "partition": "holdback"})}, "field 'partition': found 'holdback'"),
    "MASSIVE: a field twice": ({"a.jsonl": '{"annot_utt": "make [drink : tea]", "intent": "brew", "intent": "trade"}\n'}, "a.jsonl"),
    "rows: a validation part of another skill": ({"train.jsonl": lines(ROW), "validation.jsonl": lines(ROW, OTHER)}, "validation.jsonl, line 2, field 'intent': intent 'Trade' is in no training row"),
    "rows: a row of another format among them": ({"a.jsonl": lines(ROW, {"annot_utt": "make [drink : tea]", "intent": "brew"})}, "a.jsonl, line 2: field 'text' is missing"),
    "rows: text changed below its spans": ({"a.jsonl": lines({**ROW, "text": "tea"})}, "a.jsonl, line 1, field 'slots[0]': found 5-8"),
    "rows: a pointer of Git LFS": ({"a.jsonl": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"}, "a pointer of Git LFS"),
    "a web page that was saved as a table": ({"a.csv": "<!DOCTYPE html>\n<html><body>text,intent</body></html>\n"}, "a web page"),
    "an archive with a flipped bit": ({"a.zip": flipped(zipped(("nlu.yml", RASA)), b"make")}, "a damaged or protected zip archive"),
    "an archive cut off": ({"a.zip": zipped(("nlu.yml", RASA))[:-30]}, "a.zip"),
    "an archive in an archive": ({"a.zip": zipped(("b.zip", zipped(("nlu.yml", RASA))))}, "found a folder or archive with b.zip"),
}  # fmt: skip


def write(files: Files, folder: Path) -> Path:
    """Write the files, and give the one that there is, or the folder of several."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / next(iter(files)) if len(files) == 1 else folder


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_read_right(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    files, expected, said = READ[name]
    rows = load_skill(write(files, tmp_path / "skill"), allow_unseen_labels=True).rows("train")
    found = [
        (row["intent"], row["text"], None if row["slots"] is None else [(slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in row["slots"]])
        for row in rows
    ]  # fmt: skip
    assert found == expected
    assert said in caplog.text


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_short_error(name: str, tmp_path: Path) -> None:
    files, message = REFUSED[name]
    path = write(files, tmp_path / "skill")
    with pytest.raises(DataError) as error:
        load_skill(path)
    said = str(error.value)
    assert message in said and str(path) in said and len(said) < 700 and "\n" not in said


def test_a_file_that_is_gone_before_it_is_read(tmp_path: Path) -> None:
    path = write({"nlu.yml": RASA}, tmp_path)
    source = Source(path)
    path.unlink()
    with pytest.raises(DataError, match=r"nlu.yml: not readable \(No such file"):
        _ = source.files


def test_a_file_that_changes_while_it_is_read_is_read_once(tmp_path: Path) -> None:
    source = Source(write({"nlu.yml": RASA}, tmp_path))
    assert source.files[0].text == RASA
    source.path.write_text(RASA_OTHER)
    assert source.files[0].text == RASA and source.only is source.files[0]


def test_lines_of_two_tables_that_are_shuffled_are_never_taken_for_others(tmp_path: Path) -> None:
    """Of two tables with their columns in another order, whatever their lines' order: an error, or every text has its own intent."""
    first = [f'"tea, {number}",Brew' for number in range(5)]
    second = [f'Stop,"halt, {number}",x' for number in range(5)]
    for seed in range(30):
        mixed = [*first, *second]
        random.Random(seed).shuffle(mixed)
        path = write({"a.csv": "\n".join(["text,intent", *mixed[: 3 + seed % 5]])}, tmp_path / str(seed))
        try:
            rows = load_skill(path).rows("train")
        except DataError as error:
            assert "found 3 cells where the header has 2" in str(error)
        else:
            assert all(row["text"].startswith("tea, ") and row["intent"] == "Brew" for row in rows)


def test_a_line_with_a_field_twice_is_not_read_as_its_last(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = {"annot_utt": "make [drink : tea]", "intent": "brew"}
    twice = '{"annot_utt": "buy [stock : shares]", "intent": "brew", "intent": "trade"}\n'
    skill = load_skill(write({"a.jsonl": lines(good) + twice}, tmp_path))
    assert skill.intents == ["brew"]
    assert "left out lines that are not a JSON object, or have a field twice (1), such as line 2" in caplog.text


def test_a_blank_value_of_a_catalog_is_not_written_where_it_would_be_refused(tmp_path: Path) -> None:
    skill = load_skill(write({"b.jsonl": lines(ROW)}, tmp_path)).replace(catalogs={"drink": ["tea", " "]})
    rows_writer.write(skill, tmp_path / "again")
    assert load_skill(tmp_path / "again").catalogs == {"drink": ["tea"]}
