"""Formats of annotated or labelled text: MASSIVE's brackets, CoNLL columns and their relatives, and tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart import DataError, Skill, load_skill
from headstart.readers import find_reader
from headstart.readers.source import Source


def read(tmp_path: Path, name: str, text: str) -> Skill:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return load_skill(path)


def read_lines(tmp_path: Path, *rows: Any, name: str = "rows.jsonl") -> Skill:
    return read(tmp_path, name, "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))


def told(skill: Skill, part: str = "train") -> list[tuple[str | None, str, list[tuple[str, str]] | None]]:
    """The rows of a part, each as intent, text, and labels with their values."""
    rows = []
    for row in skill.rows(part):
        slots = row["slots"]
        spans = None if slots is None else [(slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in slots]
        rows.append((row["intent"], row["text"], spans))
    return rows


def massive(annotated: str, intent: Any = "brew", **fields: Any) -> dict[str, Any]:
    return {"locale": "en-US", "partition": "train", "intent": intent, "annot_utt": annotated, **fields}


def test_massive_brackets_and_partitions(tmp_path: Path) -> None:
    skill = read_lines(
        tmp_path,
        massive("[drink : green tea] for  [guest :ann]", utt="green tea for ann"),
        massive("tea at [time:5:30 pm]", partition="dev"),
        massive("at [time : noon]"),
        massive("make [drink : tea]", partition="test"),
    )
    assert told(skill) == [
        ("brew", "green tea for ann", [("drink", "green tea"), ("guest", "ann")]),
        ("brew", "at noon", [("time", "noon")]),
    ]
    assert told(skill, "validation") == [("brew", "tea at 5:30 pm", [("time", "5:30 pm")])]
    assert told(skill, "test") == [("brew", "make tea", [("drink", "tea")])]


def test_massive_reads_american_english_of_several_locales(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [massive("tee", locale="de-DE"), massive("a cuppa", locale="en-GB"), massive("tea")]
    assert [row[1] for row in told(read_lines(tmp_path, *rows))] == ["tea"]
    assert "of 3 languages, en-US is read; there are also de-DE, en-GB" in caplog.text
    assert [row[1] for row in told(read_lines(tmp_path, rows[0]))] == ["tee"]
    french = [massive(text, locale="fr-FR") for text in ("un the", "deux thes")]
    assert [row[1] for row in told(read_lines(tmp_path, rows[0], *french))] == ["un the", "deux thes"]


def test_massive_plain_rows_and_a_folder_of_parts(tmp_path: Path) -> None:
    row = {"utterance": "tea for [guest : ann]", "intent": "brew"}
    assert told(read_lines(tmp_path, row, {"text": "stop", "intent": "stop"}, name="a/train.jsonl")) == [
        ("brew", "tea for ann", [("guest", "ann")]),
        ("stop", "stop", []),
    ]
    read_lines(tmp_path, row, name="a/dev.jsonl")
    assert told(load_skill(tmp_path / "a"), "validation") == [("brew", "tea for ann", [("guest", "ann")])]


def test_massive_held_out_labels_that_no_training_row_has_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [massive("tea"), massive("for [guest : ann]", partition="test")]
    skill = read_lines(tmp_path, *rows)
    assert "labels of held-out rows that no training row has, which count as errors (1): 'guest'" in caplog.text
    assert skill.slots == [] and skill.rows("test")[0]["slots"] == [{"start": 4, "end": 7, "label": "guest"}]


def test_massive_without_a_training_part_trains_on_what_there_is(tmp_path: Path) -> None:
    assert told(read_lines(tmp_path, massive("tea", partition="test"))) == [("brew", "tea", [])]


def test_massive_odd_rows_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = [massive("tea [ : x]"), massive("[y : ] tea"), massive("tea [z]"), massive("[a : tea]", utt="cocoa")]
    rows = [massive("[a : b : c]"), "no json", massive("tea", intent=3), massive("   "), *broken]
    assert told(read_lines(tmp_path, *rows)) == [("brew", "b : c", [("a", "b : c")])]
    for message in (
        "2 rows with brackets without label or value, such as line 5: 'tea [ : x]'; line 6: '[y : ] tea'",
        "rows with brackets that don't match (1), such as line 7: 'tea [z]'",
        "rows whose 'utt' says something else than 'annot_utt' (1), such as line 8: 'cocoa - [a : tea]'",
        "lines that are not",
        "rows whose intent is no name but a number",
        "rows without",
    ):
        assert message in caplog.text


def test_rows_of_our_own_with_brackets_are_not_taken_for_massive(tmp_path: Path) -> None:
    skill = read_lines(tmp_path, {"text": "tea [a : b]", "intent": "brew", "slots": []})
    assert told(skill) == [("brew", "tea [a : b]", [])]


@pytest.mark.parametrize(
    "text",
    [
        "# intent: Brew\ntea O\nfor O\nann B-guest\nlee I-guest\n",
        "# text = tea for ann lee\n# intent = Brew\r\n1\ttea\tNOUN\tO\r\n2\tfor\tADP\tO\r\n3\tann\tX\tB-guest\r\n4\tlee\tX\tI-guest\r\n",
        "-DOCSTART- -X- O\n\ntea NN O\nfor IN O\nann NN B-guest\nlee NN E-guest\nBrew\n",
        "\n\ntea\tO\nfor\tO\nann\tI-guest\nlee\tI-guest\nBrew",
        "tea:O for:O ann:B-guest lee:L-guest <=> Brew\n",
        "BOS tea for ann lee EOS\tO O O B-guest I-guest Brew\n",
    ],
)
def test_tagged_text_in_its_forms(tmp_path: Path, text: str) -> None:
    assert told(read(tmp_path, "a.txt", text)) == [("Brew", "tea for ann lee", [("guest", "ann lee")])]


def test_tags_of_neighbouring_slots(tmp_path: Path) -> None:
    text = "a B-x\nb B-x\nc I-y\nd S-y\ne U-y\nf E-y\ng O\nh I-x-1\ni I-x-1\n"
    labels = [("x", "a"), ("x", "b"), ("y", "c"), ("y", "d"), ("y", "e"), ("y", "f"), ("x-1", "h i")]
    assert told(read(tmp_path, "a.bio", text)) == [(None, "a b c d e f g h i", labels)]


def test_a_folder_of_three_files_a_part(tmp_path: Path) -> None:
    for part, text in (("train", "tea for ann"), ("valid", "tea for bob")):
        for name, content in (("seq.in", text), ("seq.out", "O O B-guest"), ("label", "Brew")):
            (tmp_path / "skill" / part).mkdir(parents=True, exist_ok=True)
            (tmp_path / "skill" / part / name).write_text(content + "\n", encoding="utf-8")
    skill = load_skill(tmp_path / "skill")
    assert told(skill) == [("Brew", "tea for ann", [("guest", "ann")])]
    assert told(skill, "validation") == [("Brew", "tea for bob", [("guest", "bob")])]
    (tmp_path / "skill" / "train" / "label").write_text("Brew\nBrew\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"files of different lengths \(label 2, seq.in 1, seq.out 1 lines\)"):
        load_skill(tmp_path / "skill")


def test_a_folder_of_tagged_files_beside_others(tmp_path: Path) -> None:
    for part, word in (("train", "tea"), ("dev", "milk"), ("test", "cocoa")):
        (tmp_path / f"{part}.conll").write_text(f"{word} B-drink\nplease O\nBrew\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("Drinks O\n", encoding="utf-8")
    (tmp_path / "photo.bin").write_bytes(b"\xff\x00")
    skill = load_skill(tmp_path)
    assert [told(skill, part)[0][1] for part in ("train", "validation", "test")] == ["tea please", "milk please", "cocoa please"]


def test_lines_without_a_tag_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "tea B-drink\nplease O\n\n" * 200 + "milk\nnow O\n"
    assert told(read(tmp_path, "a.conll", text))[-1] == (None, "now", [])
    assert "lines without a word and its tag (1), such as line 601: 'milk'" in caplog.text
    text = "tea B-drink\nplease O\n\n" * 200 + "milk B-drink\nfor\nann O\n\n"
    assert {row[1] for row in told(read(tmp_path, "b.conll", text))} == {"tea please"}
    assert "sentences with a line without a word and its tag (1), such as 'for'" in caplog.text
    with pytest.raises(DataError, match="no line has a word and its tag; allowed: tags O, B-label and I-label"):
        load_skill(_prose(tmp_path), format="conll")


def _prose(folder: Path) -> Path:
    path = folder / "prose.txt"
    path.write_text("This is a note.\nIt has no tags.\n", encoding="utf-8")
    return path


def test_prose_is_no_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found text that begins with 'This is a note.'"):
        load_skill(_prose(tmp_path))


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["tea", "for", "ann", "'s", "5:30"]), min_size=1, max_size=3),
            st.sampled_from([None, "x", "y"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_spans_survive_iob2_columns(tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[list[str], str | None]]) -> None:
    lines = ["# intent: Brew"]
    for words, label in pieces:
        tags = ["O"] * len(words) if label is None else [f"B-{label}"] + [f"I-{label}"] * (len(words) - 1)
        lines += [f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)]
    path = tmp_path_factory.mktemp("columns") / "a.conll"
    path.write_text("\n".join([*lines, "", "# intent: Stop", "stop\tO", "it\tB-x"]), encoding="utf-8")
    intent, text, slots = told(load_skill(path))[0]
    assert intent == "Brew"
    assert text == " ".join(word for words, _ in pieces for word in words)
    assert slots == [(label, " ".join(words)) for words, label in pieces if label is not None]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'id,Text,Intent\n1,"tea, now",Brew\n2,"say ""hi""\nand stop",Stop\n'),
        ("a.csv", 'category;sentence\nBrew;tea, now\nStop;"say ""hi""\nand stop"\n'),
        ("a.tsv", '\ufeffUTTERANCE\tlabel\ntea, now\tBrew\n\nsay "hi" and stop\tStop\n'),
        ("a.txt", 'query\tclass\r\ntea, now\tBrew\r\nsay "hi"  and stop\tStop\r\n'),
        ("a.csv", '"tea, now",Brew\n"say ""hi"" and stop",Stop\n"tea, now",Brew\n'),
        ("a.tsv", 'tea, now\tBrew\nsay "hi" and stop\tStop\ntea, now\tBrew\n'),
        ("a.tsv", '"tea, now"\tBrew\n"say ""hi"" and stop"\tStop\ntea, now\tBrew\n'),
    ],
)
def test_tables_in_their_forms(tmp_path: Path, name: str, text: str) -> None:
    assert told(read(tmp_path, name, text)) == [("Brew", "tea, now", None), ("Stop", 'say "hi" and stop', None)]


def test_a_quote_out_of_place_is_a_character(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = read(tmp_path, "a.tsv", 'text\tintent\n"tea now\tBrew\na 5" cup\tBrew\n')
    assert [text for _, text, _ in told(skill)] == ['"tea now', 'a 5" cup']
    late = "text\tintent\n" + "".join(f"tea {number}\tBrew\n" for number in range(400)) + '"tea now\tStop\n'
    assert told(read(tmp_path, "a.tsv", late))[-1] == ("Stop", '"tea now', None)
    assert "quotes that open a cell and don't close it, which are read as characters (1), such as" in caplog.text
    assert 'a.tsv, line 402: "tea now' in caplog.text


def test_a_quote_out_of_place_leaves_other_quotes_alone(tmp_path: Path) -> None:
    rows = "".join(f'"tea, please, {number}",Brew\n' for number in range(400))
    skill = read(tmp_path, "a.csv", f'text,intent\n{rows}"stop,Stop\n"""halt"" now",Stop\n"the end" of it,Stop\n')
    found = [text for _, text, _ in told(skill)]
    assert found[:2] == ["tea, please, 0", "tea, please, 1"] and found[-3:] == ['"stop', '"halt" now', '"the end" of it']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "text,intent\nstop,Stop\nturn it up, please,volume_up\n",
            "line 3: found 3 cells where the header has 2: 'turn it up, please,",
        ),
        ("text,intent,note\nstop,Stop\n", "line 2: found 2 cells where the header has 3: 'stop,Stop'"),
        ('text,intent\n"a\nb",Stop\n\nstop,Stop,x\n', "line 5: found 3 cells"),
        ("stop,Stop\nhalt it,Stop\n" * 150 + "no, stop,Stop\n", "line 301: found 3 cells where the first lines have 2"),
        ('text,intent\nstop,Stop\n"tea now,Stop\nbrew,Brew\nhalt",Stop\n', "line 3: a quote opens here and closes in line 5"),
        ('text,intent\n"tea now\nplease,Stop\n', "line 2: found 1 cell"),
        ("text,intent,text\nstop,Stop,x\n", "line 1: found 2 columns 'text'; allowed: one"),
        (
            "text,intent,split\nstop,Stop,train\nhalt,Stop,7\n",
            "line 3, column 'split': found '7'; allowed: train, validation or test",
        ),
    ],
)
def test_a_record_that_does_not_fit_is_an_error_that_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"a.csv, {message}")):
        read(tmp_path, "a.csv", text)


def test_blank_cells_behind_the_last_column_are_nothing(tmp_path: Path) -> None:
    assert told(read(tmp_path, "a.csv", "text,intent,,\nstop,Stop,,\nhalt,Stop\n"))[1] == ("Stop", "halt", None)


def test_a_column_says_which_part_a_record_is_in(tmp_path: Path) -> None:
    skill = read(tmp_path, "test.csv", "Split,text,intent\ntrain,stop,Stop\nTest,halt,Stop\ndev,whoa,Stop\n")
    found = [[text for _, text, _ in told(skill, part)] for part in ("train", "validation", "test")]
    assert found == [["stop"], ["whoa"], ["halt"]]


SLOT_CELLS: list[tuple[str, Any]] = [
    ("O O O B-guest I-guest", [("guest", "ann lee")]),
    ("['O', 'O', 'O', 'B-guest', 'I-guest']", [("guest", "ann lee")]),
    ('["O", "O", "O", "B-guest", "O"]', [("guest", "ann")]),
    ('[{"start": 13, "end": 20, "label": "guest"}]', [("guest", "ann lee")]),
    ("[{'start': 13, 'end': 20, 'entity': 'guest', 'value': 'Dr. Lee'}]", [("guest", "ann lee")]),
    ('[{"start": 13, "end": 19, "label": "guest", "text": "ann lee"}]', [("guest", "ann lee")]),
    ("[(13, 16, 'guest')]", [("guest", "ann")]),
    ('[{"entity": "guest", "value": "Ann Lee"}, {"slot": "drink", "value": "tea"}]', [("drink", "tea"), ("guest", "ann lee")]),
    ('{"guest": "ann lee", "drink": ["tea"]}', [("drink", "tea"), ("guest", "ann lee")]),
    ("[]", []),
    ("{}", []),
    ("", None),
    ("null", None),
]


@pytest.mark.parametrize("name", ["slot_labels", "Slots", "entities"])
@pytest.mark.parametrize(("cell", "slots"), SLOT_CELLS)
def test_slots_in_a_column(tmp_path: Path, name: str, cell: str, slots: Any) -> None:
    text = f"text\t{name}\tintent\nmake tea for ann lee\t{cell}\tBrew\n"
    assert told(read(tmp_path, "a.tsv", text)) == [("Brew", "make tea for ann lee", slots)]


def test_offsets_in_a_column_may_count_utf_16(tmp_path: Path) -> None:
    cell = '[{"start": 7, "end": 10, "label": "drink", "text": "tea"}]'
    assert told(read(tmp_path, "a.tsv", f"text\tslots\tintent\n\U0001f375 for tea\t{cell}\tBrew\n"))[0][2] == [("drink", "tea")]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("O O B-drink", "found 3 tags for the 2 words of 'make tea'; allowed: one each"),
        ("drink=tea", 'found \'drink=tea\'; allowed: {"size": "large"}; a tag for each word, such as'),
        ('[{"start": 5, "end": 9, "label": "drink"}]', "allowed: 0 <= start < end <= 8"),
        ('[{"start": 0, "end": 4, "label": "drink", "text": "tea"}]', "found 'tea' at 0-4, where the text 'make tea' has 'make'"),
        ('[{"entity": "drink", "value": "milk"}]', "'milk' does not stand in 'make tea'; allowed: whole words"),
        ('[{"start": 5, "end": 8}]', "in which no slot is named"),
        ("[5]", "in which no slot is named"),
        ('{"drink": 5}', "allowed: 0 <= start < end"),
    ],
)
def test_a_slot_cell_that_does_not_fit_is_an_error(tmp_path: Path, cell: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)) as error:
        read(tmp_path, "a.tsv", f"text\tentities\tintent\nmake tea\t{cell}\tBrew\n")
    assert "a.tsv, line 2, column 'entities'" in str(error.value)


def test_columns_that_are_not_read_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(tmp_path, "a.csv", ",text,intent,phrase,note\n1,stop,Stop,x,y\n")
    assert "a.csv: columns that are not read: number 1, phrase, note; read are text, intent" in caplog.text


def test_fields_files_and_columns_of_other_formats_that_are_not_read_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"text": "stop", "intent": "Stop", "slots": []}
    read_lines(tmp_path, {**row, "entities": []}, row, {**row, "split": "test"}, name="a/train.jsonl")
    assert "a/train.jsonl: fields that are not read: entities, split; read are text, intent, slots" in caplog.text
    (tmp_path / "a/dev.jsonl").write_text(json.dumps(row))
    load_skill(tmp_path / "a")
    assert "a: files that are not read: dev.jsonl; read are train.jsonl, validation.jsonl, test.jsonl" in caplog.text
    read_lines(tmp_path, massive("tea", entities=[], id="1"))
    assert "rows.jsonl: fields that are not read: entities\n" in caplog.text
    read(tmp_path, "a.conll", "tea NN O B-drink\nnow RB O O\n")
    assert "columns between the word and its last tag are not read (2, such as 'NN O')" in caplog.text
    read(tmp_path, "a.conll", "tea B-milk B-drink\nnow O O\n")
    assert "columns between the word and its last tag are not read (1, which hold tags as well)" in caplog.text
    jovo = {"intents": [{"name": "Stop", "phrases": ["stop"], "dialogflow": {"priority": 1}}], "inputTypes": []}
    read(tmp_path, "jovo.json", json.dumps(jovo))
    assert "intents whose own 'dialogflow' is not read (1), such as line 1: 'Stop'" in caplog.text


def test_the_same_text_in_two_intents_is_two_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = read(tmp_path, "a.csv", "text,intent\nstop,Stop\nstop,Halt\nstop,Stop\n,Stop\nstop,\n")
    assert [intent for intent, _, _ in told(skill)] == ["Stop", "Halt"]
    assert "samples that are empty or occur before (1)" in caplog.text
    assert "2 records without text or intent" in caplog.text


def test_a_folder_of_tables_in_parts(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,category\nstop,Stop\n", encoding="utf-8")
    (tmp_path / "test.csv").write_text("text,category\nhalt,Stop\n", encoding="utf-8")
    (tmp_path / "prices.csv").write_text("drink,price\ntea,3\nmilk,3\n", encoding="utf-8")
    skill = load_skill(tmp_path)
    assert (told(skill), told(skill, "test")) == ([("Stop", "stop", None)], [("Stop", "halt", None)])


def test_more_rows_than_templates_are_filled_to_are_all_read(tmp_path: Path) -> None:
    skill = read(tmp_path, "a.csv", "text,intent\n" + "".join(f"tea {number},Brew{number % 7}\n" for number in range(6000)))
    assert len(skill.rows("train")) == 6000


@pytest.mark.parametrize(
    "text",
    [
        "2010/01/01 00:00,39.4\n2010/01/01 01:00,39.4\n",
        "date,temp\n2010/01/01 00:00,39.4\n2010/01/01 01:00,39.4\n",
        "name,colour\ntea,green\nmilk,white\ncocoa,brown\n",
        "a b,1,x\nc d,2,x\n",
        "text,score\ngood tea,5\nbad tea,1\n",
    ],
)
def test_tables_of_other_things_are_not_claimed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="its first line must name the columns"):
        find_reader(Source(path))


def test_a_table_that_is_named_one_but_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\nd,e,f\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.csv: found no table; allowed: columns text/utterance/query/sentence/phrase and"):
        load_skill(path, format="table")
