"""Rows, tables, archives, texts, options and standard input as no one would wish them."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reliability.strangers import (
    LAMP,
    OPTIONS,
    TEXTS,
    Made,
    check_message,
    command,
    command_refused,
    copy,
    found,
    open_nlu,
    refused,
    refused_or,
    right,
    row,
    write_rows,
)

import headstart
from headstart.onnx import OnnxNLU

pytestmark = pytest.mark.usefixtures("limited")


@pytest.fixture(scope="module", params=["run", "onnx"])
def lamp(made: Made, request: pytest.FixtureRequest) -> Any:
    """The same skill with torch and without."""
    return open_nlu(getattr(made, request.param)("lamp"))


GOOD = json.dumps(LAMP[0])


def rows_of(path: Path) -> list[tuple[str, str, Any]]:
    rows = headstart.load_skill(path).rows("train")
    return [(each["text"], each["intent"], [(s["label"], s["start"], s["end"]) for s in each["slots"] or []]) for each in rows]


# Rows.

TURN = {"text": "turn on the red lamp", "intent": "TurnLamp"}
SPAN = {"start": 5, "end": 7, "label": "state"}


@pytest.mark.parametrize(
    "bad",
    [
        {**TURN, "slots": [{**SPAN, "start": "5"}]},
        {**TURN, "slots": [{**SPAN, "start": 5.5}]},
        {**TURN, "slots": [{**SPAN, "start": False}]},
        {**TURN, "slots": [{**SPAN, "start": -15}]},
        {**TURN, "slots": [{**SPAN, "end": 10**400}]},
        {**TURN, "slots": [{**SPAN, "end": 5}]},
        {**TURN, "slots": [{"start": 5, "stop": 7, "label": "state"}]},
        {**TURN, "slots": [SPAN, {"start": 6, "end": 11, "label": "colour"}]},
        {**TURN, "slots": [SPAN, SPAN]},
        {**TURN, "slots": [None]},
        {**TURN, "slots": {"state": 5}},
        {**TURN, "slots": [{**SPAN, "label": " "}]},
        {**TURN, "slots": [{**SPAN, "label": ["state"]}]},
        {**TURN, "slots": [{"start": 4, "end": 5, "label": "state"}]},
        {"text": 5, "intent": "TurnLamp", "slots": []},
        {"text": " \t", "intent": "TurnLamp", "slots": []},
        {"text": "on", "intent": "", "slots": []},
        {"text": "on", "intent": ["TurnLamp"], "slots": []},
        {"text": "on", "intent": True, "slots": []},
        ["turn on the lamp", "TurnLamp"],
        "turn on the lamp",
        None,
    ],
    ids=["word-start", "fraction", "boolean", "negative", "endless", "empty-span", "stop", "overlap", "twice", "null-slot", "object",
         "blank-label", "list-label", "only-a-space", "number-text", "blank-text", "no-intent", "intents", "true-intent", "list-row",
         "string-row", "null-row"],
)  # fmt: skip
def test_a_row_that_is_not_as_it_must_be_is_refused_with_file_and_line(tmp_path: Path, bad: Any) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [*LAMP, bad])
    assert str(len(LAMP) + 1) in refused(lambda: headstart.load_skill(path), "rows.jsonl")


@pytest.mark.parametrize(
    "line",
    [GOOD.replace('"TurnLamp"', '"TurnLamp", "intent": "AskLamp"'), GOOD.replace('"start": 5', '"start": NaN'), "[" * 100_000,
     GOOD + GOOD, GOOD[:-1], GOOD.replace('"', "'"), "\0" * 512],
    ids=["key-twice", "nan", "deep", "two-in-a-line", "open", "single-quotes", "zeros"],
)  # fmt: skip
def test_a_line_that_is_no_plain_json_is_refused_or_read_as_it_was_meant(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows.jsonl").write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    message = refused(lambda: headstart.load_skill(tmp_path / "rows.jsonl"), "rows.jsonl")
    assert "2" in message


def test_annotations_under_another_name_are_not_taken_for_none(tmp_path: Path) -> None:
    """`entities` for `slots`: an utterance without slots would be learned."""
    path = write_rows(tmp_path / "rows.jsonl", [*LAMP, {**TURN, "entities": [SPAN]}])
    refused_or(lambda: headstart.load_skill(path).rows("train")[-1]["slots"], None, "rows.jsonl")


@pytest.mark.parametrize(
    "encode",
    [lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.replace("\n", "\r\n").encode(), lambda text: text.encode("utf-16"),
     lambda text: gzip.compress(text.encode()), lambda text: text.replace("red", "r\xe9d").encode("latin-1"),
     lambda text: text.replace("\n", "\n\n").encode(), lambda text: text.encode() + bytes(4096)],
    ids=["bom", "crlf", "utf-16", "gzip", "latin-1", "blank-lines", "zeros-at-the-end"],
)  # fmt: skip
def test_rows_in_another_encoding_are_read_rightly_or_refused(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    text = "".join(json.dumps(each) + "\n" for each in LAMP)
    (tmp_path / "rows.jsonl").write_bytes(encode(text))
    refused_or(lambda: rows_of(tmp_path / "rows.jsonl"), right("lamp"), "rows.jsonl")


def test_line_separators_within_a_text_end_no_line(tmp_path: Path) -> None:
    text = "turn on\u2028the\x85red\x0blamp"
    line = json.dumps({"text": text, "intent": "TurnLamp", "slots": [SPAN]}, ensure_ascii=False)
    (tmp_path / "rows.jsonl").write_text(line + "\n", encoding="utf-8")
    assert rows_of(tmp_path / "rows.jsonl") == [(text, "TurnLamp", [("state", 5, 7)])]


@pytest.mark.parametrize("content", ["[]", "{}", '{"colour": "red"}', '{"colour": ["red", 5]}', '{"colour": ["red"], "colour": ["blue"]}',
                                     '{"colour": [" "]}', '{" ": ["red"]}', "null", "", '{"colour": ["red"]', '{"colour": [["red"]]}'])  # fmt: skip
def test_catalogs_that_are_not_as_they_must_be_are_refused(made: Made, tmp_path: Path, content: str) -> None:
    skill = copy(made.skill("lamp"), tmp_path / "lamp")
    (skill / "catalogs.json").write_text(content, encoding="utf-8")
    if content == "{}":
        assert headstart.load_skill(skill).catalogs == {}
    else:
        refused(lambda: headstart.load_skill(skill), "catalogs.json")


def told_or(call: Callable[[], Any], expected: Any, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The right rows, an error, or a warning that names the file; None: no rows are right."""
    with caplog.at_level("WARNING", "headstart"):
        try:
            got = call()
        except (ValueError, OSError) as error:
            check_message(str(error), name)
        else:
            assert got == expected or any(name in record.getMessage() for record in caplog.records), got


# Tables.


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('text,intent\n"turn\non",A\nturn off,B\n', [("turn on", "A", []), ("turn off", "B", [])]),
        ("intent;text\r\nA;turn on, please\r\nB;turn off\r\n", [("turn on, please", "A", []), ("turn off", "B", [])]),
        ("text\tintent\nturn on\tA\nturn off\tB\n", [("turn on", "A", []), ("turn off", "B", [])]),
        ('text,intent\n"turn on,A\nturn off,B\n', None),
        ("text,intent\nturn on, please,A\nturn off,B\n", None),
        ("text,intent\nturn on\nturn off,B\n", None),
        ("text,text,intent\nturn on,turn off,A\n", None),
        ("text,intent\n", None),
        ("text,intent\n,A\nturn off,B\n", None),
        ("text,intent\nturn on, A \nturn off,A\n", [("turn on", "A", []), ("turn off", "A", [])]),
        ("text,intent\nturn\0on,A\n", [("turn\0on", "A", [])]),
    ],
    ids=["line-in-a-cell", "semicolons", "tabs", "open-quote", "comma-in-a-text", "a-cell-less", "two-texts", "header-alone", "no-text",
         "spaces", "nul"],
)  # fmt: skip
def test_a_table_is_read_rightly_or_refused(
    tmp_path: Path, content: str, expected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "table.csv").write_bytes(content.encode())
    told_or(lambda: rows_of(tmp_path / "table.csv"), expected, "table.csv", caplog)


# Archives.

RASA = "version: '3.1'\nnlu:\n- intent: TurnLamp\n  examples: |\n    - turn on the [red](colour) lamp\n    - turn off the lamp\n"
RASA_ROWS = [("turn on the red lamp", "TurnLamp", [("colour", 12, 15)]), ("turn off the lamp", "TurnLamp", [])]


def archive(path: Path, **entries: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in entries.items():
            opened.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../outside.yml", "{}/outside.yml", "a/../../outside.yml", "C:\\outside.yml"])
def test_an_entry_that_leads_out_of_its_archive_writes_nothing_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    path = archive(tmp_path / "in" / "skill.zip", **{name.format(tmp_path): RASA})
    refused_or(lambda: rows_of(path), RASA_ROWS, "skill.zip")
    assert not (tmp_path / "outside.yml").exists()
    assert [file.name for file in (tmp_path / "in").iterdir()] == ["skill.zip"]


def test_a_link_in_an_archive_is_not_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text(RASA.replace("TurnLamp", "Secret"), encoding="utf-8")
    link = zipfile.ZipInfo("nlu.yml")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "skill.zip", "w") as opened:
        opened.writestr(link, str(tmp_path / "secret.yml"))
    refused(lambda: headstart.load_skill(tmp_path / "skill.zip"), "skill.zip")


def spoiled(path: Path, how: str) -> Path:
    """An archive as a broken download, a wrong suffix or another tool leaves it."""
    archive(path, **{"nlu.yml": RASA})
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[:-30]
    elif how == "flipped":
        content[content.index(b"turn on") + 2] ^= 1
    elif how == "encrypted":
        content[6] |= 1
        content[content.index(b"PK\x01\x02") + 8] |= 1
    elif how == "text":
        content = bytearray(b"not an archive at all\n")
    elif how == "nested":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as opened:
            opened.writestr("skill.zip", bytes(content))
        content = bytearray(buffer.getvalue())
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("how", ["cut", "flipped", "encrypted", "text", "nested"])
def test_a_spoiled_archive_is_refused_by_its_name(tmp_path: Path, how: str) -> None:
    refused(lambda: headstart.load_skill(spoiled(tmp_path / "skill.zip", how)), "skill.zip")


# Other tools' formats.


def rasa(examples: str, intent: str = "TurnLamp") -> str:
    return f"nlu:\n- intent: {intent}\n  examples: |\n    - turn off the lamp\n    - {examples}\n"


def alexa(samples: Any, slots: Any = (), types: Any = (), **more: Any) -> str:
    intent = {"name": "TurnLamp", "samples": samples, "slots": list(slots)}
    model = {"invocationName": "my lamp", "intents": [intent], "types": list(types)} | more
    return json.dumps({"interactionModel": {"languageModel": model}})


COLOUR = [{"name": "colour", "type": "COLOUR"}]
COLOURS = [{"name": "COLOUR", "values": [{"name": {"value": "red"}}]}]
OFF = ("turn off the lamp", "TurnLamp", [])


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("nlu.yml", rasa("turn on", "no"), [("turn off the lamp", "no", []), ("turn on", "no", [])]),
        ("nlu.yml", rasa("turn on", "2020-01-01"), [("turn off the lamp", "2020-01-01", []), ("turn on", "2020-01-01", [])]),
        ("nlu.yml", rasa("turn on", "1e3"), [("turn off the lamp", "1e3", []), ("turn on", "1e3", [])]),
        ("nlu.yml", rasa("the [red](colour lamp"), [OFF, ("the [red](colour lamp", "TurnLamp", [])]),
        ("nlu.yml", rasa("the [](colour) lamp"), [OFF, ("the [](colour) lamp", "TurnLamp", [])]),
        ("nlu.yml", rasa('the [red]{"entity": "colour", "value": "crimson"} lamp'), [OFF, ("the red lamp", "TurnLamp", [("colour", 4, 7)])]),
        ("nlu.yml", rasa('the [red]{"entity": "colour" lamp'), [OFF, ('the [red]{"entity": "colour" lamp', "TurnLamp", [])]),
        ("nlu.yml", RASA + RASA.replace("TurnLamp", "AskLamp"), None),
        ("nlu.yml", "nlu: !!python/object/apply:os.system ['touch hacked']\n", None),
        ("nlu.yml", "nlu: &a\n- intent: A\n  examples: *a\n", None),
        ("nlu.md", "## intent:TurnLamp\n- turn off the lamp\n- the [red](colour lamp\n", [OFF, ("the [red](colour lamp", "TurnLamp", [])]),
        ("en-US.json", alexa(["turn off the lamp", "the {colour} lamp"]), None),
        ("en-US.json", alexa(["turn off the lamp", "the {colour lamp"], COLOUR, COLOURS), None),
        ("en-US.json", alexa(["the {colour} lamp"], COLOUR), None),
        ("en-US.json", alexa("turn off the lamp"), [OFF]),
        ("en-US.json", alexa([None, 5]), None),
        ("en-US.json", alexa([]), None),
        ("en-US.json", alexa(["turn off the lamp"], types=[{"name": "COLOUR", "values": "red"}]), None),
        ("en-US.json", alexa(["turn off the lamp"]).replace("]}]", "],}],").replace("}}}", "},}}"), [OFF]),
        ("en-US.json", alexa(["turn off the lamp"])[:-2], [OFF]),
        ("en-US.json", alexa(["turn off the lamp"], intents=[]), None),
        ("rows.conll", "turn B-state TurnLamp\nred\tO\n\n", None),
        ("words.conll", "# intent: A\nturn\tO\nred\tI-colour\n\n# intent: A\nturn\tB-\n\n", None),
        ("skill.lu", "# TurnLamp\n- turn off the lamp\n- the {@colour=red lamp\n", None),
        ("massive.jsonl", '{"intent": "A", "utt": "turn on", "annot_utt": "turn [state : on"}\n', None),
        ("massive.jsonl", '{"intent": "A", "utt": "turn on", "annot_utt": "switch [state : on]"}\n', [("switch on", "A", [("state", 7, 9)])]),
        ("luis.json", json.dumps({"luis_schema_version": "7.0.0", "name": "lamp", "intents": [{"name": "A"}], "entities": [{"name": "c"}],
          "utterances": [{"text": "red", "intent": "A", "entities": [{"entity": "c", "startPos": 2, "endPos": 0}]}]}), None),
        ("luis.json", json.dumps({"luis_schema_version": "7.0.0", "name": "lamp", "intents": [{"name": "A"}], "entities": [{"name": "c"}],
          "utterances": [{"text": "red", "intent": "A", "entities": [{"entity": "c", "startPos": 0, "endPos": 99}]}]}), None),
        ("snips.json", json.dumps({"language": "en", "entities": {}, "intents": {"A": {"utterances": [{"data": [{"text": 5}]}]}}}), None),
    ],
    ids=["rasa-no", "rasa-date", "rasa-float", "rasa-open", "rasa-empty-value", "rasa-synonym", "rasa-open-json", "rasa-key-twice",
         "rasa-python", "rasa-anchor-in-itself", "markdown-open", "alexa-unknown-slot", "alexa-open-brace", "alexa-unknown-type",
         "alexa-samples-string", "alexa-samples-null", "alexa-no-samples", "alexa-values-string", "alexa-commas", "alexa-cut",
         "alexa-no-intent", "conll-columns", "conll-empty-tag", "lu-open", "massive-open", "massive-other-text", "luis-backwards",
         "luis-beyond", "snips-number"],
)  # fmt: skip
def test_a_file_of_another_tool_is_read_rightly_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: str, expected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text(content, encoding="utf-8")
    told_or(lambda: rows_of(tmp_path / file), expected, file, caplog)
    assert [each.name for each in tmp_path.iterdir()] == [file]


def test_aliases_within_aliases_are_no_examples(tmp_path: Path) -> None:
    aliases = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 2)}]\n" for n in range(1, 4))
    (tmp_path / "nlu.yml").write_text("l0: &l0 [lol]\n" + aliases + "nlu: *l3\n", encoding="utf-8")
    refused(lambda: headstart.load_skill(tmp_path / "nlu.yml"), "nlu.yml")


# Texts.

RED = ("TurnLamp", "on", "red")


@pytest.mark.parametrize(
    "text",
    ["TURN ON THE RED LAMP", "turn\u00a0on\u00a0the\u00a0red\u00a0lamp", "  turn   on\tthe\r\nred lamp ", "turn on the re\u0301d lamp",
     "\ufeffturn on the red lamp", "turn on the red\u200b lamp"],
    ids=["capitals", "no-break-spaces", "spaces", "combining-accent", "byte-order-mark", "zero-width-space"],
)  # fmt: skip
def test_a_text_that_looks_the_same_is_answered_the_same(lamp: Any, text: str) -> None:
    _, intent, slots = found(lamp(text))
    assert intent == "TurnLamp"
    values = [(label, text[start:end].lower().replace("\u0301", "").strip("\u200b")) for label, start, end in slots]
    assert values == [("state", "on"), ("colour", "red")]


@pytest.mark.parametrize(
    "text",
    ["🟥💡", "🇩🇪👩‍👩‍👧 on", "أطفئ المصباح", "İSTANBUL ﬁrst ß ŉ", "\0\0", "\ud83d on", "[MASK] [PAD] [UNK]", "?!", "e" + "\u0301" * 400, "on " * 2000,
     "x" * 50_000, "\u2028", "\u200b", "<s>on</s>", "{colour}", "a\u202eb on", "ｔｕｒｎ　ｏｎ", "１２３on４５６", "\x1b[31mred"],
    ids=["emoji", "joined-emoji", "right-to-left", "grows-in-lower-case", "nul", "half-a-pair", "special-tokens", "marks", "accents", "long",
         "one-long-word", "line-separator", "zero-width", "tags", "braces", "overridden", "full-width", "digits", "escape"],
)  # fmt: skip
def test_an_odd_text_has_spans_of_its_own_alone_and_with_others(lamp: Any, text: str) -> None:
    try:
        alone = lamp(text)
    except ValueError as error:  # a blank text
        assert not text.strip(" \u2028\u200b\0") or "512" in str(error)
        return
    assert alone["text"] == text
    found(alone)
    together = lamp([TEXTS["lamp"][0], text, TEXTS["lamp"][-1]], batch_size=3)
    assert found(together) == [right("lamp")[0], found(alone), right("lamp")[-1]]


@pytest.mark.parametrize("asked", [None, 5, b"on", ["on", None], [["on"]], {"text": "on"}, True, [5]], ids=repr)
def test_what_is_no_text_is_refused(lamp: Any, asked: Any) -> None:
    refused(lambda: lamp(asked))


def test_no_texts_have_no_answers(lamp: Any) -> None:
    assert list(lamp([])) == [] and list(lamp(text for text in ())) == []


@pytest.mark.parametrize(
    "options",
    [{"reject_threshold": float("nan")}, {"reject_threshold": -0.1}, {"reject_threshold": 2}, {"reject_threshold": "high"},
     {"batch_size": 0}, {"batch_size": -1}, {"batch_size": 1.5}, {"skill": "pizza"}, {"skill": 5}, {"skil": "lamp"}, {"skill": ["lamp"]},
     {"use_gazetteers": "no"}, {"reject_threshold": True}, {"batch_size": "8"}, {"skills": "lamp"}, {"skills": 5}, {"skills": ["lamp", 5]}],
    ids=str,
)  # fmt: skip
def test_an_odd_option_of_a_request_is_refused(lamp: Any, options: dict[str, Any]) -> None:
    refused(lambda: lamp([TEXTS["lamp"][0]], **options), next(iter(options)))


@pytest.mark.parametrize(
    "options",
    [{"seed": -1}, {"seed": 2**70}, {"max_steps": -5}, {"max_steps": 1.5}, {"max_steps": "many"}, {"max_steps": 0}, {"max_steps": True},
     {"num_train_epochs": 0}, {"num_train_epochs": 10**400}, {"trunk_learning_rate": -1}, {"warmup_steps": -1}, {"early_stopping_patience": 0},
     {"gradient_accumulation_steps": 0}, {"weight_decay": float("nan")}, {"rejection": "no"}, {"use_cpu": "no"}, {"skill_name": ["lamp"]},
     {"seed": None}, {"refill": 1.5}, {"refill": float("nan")},
     {"gazetteer_dropout": -1}, {"rank": 0, "tune": "head"}, {"rank": 5}, {"reject_threshold": 7}, {"learning_rate": float("nan")},
     {"learning_rate": -1.0}, {"learning_rate": float("inf")}, {"per_device_train_batch_size": -1}, {"skill_name": "../up"},
     {"out_of_scope": "no/such/file"}, {"out_of_scope_share": -0.5}, {"tune": "tail"}, {"reset": "all"}, {"starting_embeddings": "gold"},
     {"trunk_learning_rate": float("nan")}, {"num_train_epochs": float("nan"), "max_steps": -1}, {"base": ""}],
    ids=str,
)  # fmt: skip
def test_an_odd_option_of_fine_tuning_is_refused_before_anything_is_written(
    made: Made, tmp_path: Path, options: dict[str, Any]
) -> None:
    out, (name, value) = tmp_path / "out", next(iter(options.items()))
    message = refused(lambda: headstart.finetune(made.skill("lamp"), out, **OPTIONS | {"base": str(made.base)} | options))
    assert name.replace("_", " ") in message.lower().replace("_", " ") or str(value or "base") in message, message
    assert not out.exists() or not any(out.iterdir())


@pytest.mark.parametrize(
    "options",
    [("--test_share", "1"), ("--test_share", "-0.1"), ("--test_share", "nan"), ("--fills", "-1"), ("--max_utterances", "0"), ("--from", "rasa"), ("--seed", "one")],
    ids=" ".join,
)  # fmt: skip
def test_an_odd_option_of_converting_is_refused_before_anything_is_written(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], options: tuple[str, str]
) -> None:
    command_refused(capfd, "convert", root / "examples" / "city_bike" / "en-US.json", "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


# Standard input.


@pytest.mark.parametrize(
    ("sent", "texts"),
    [(b"turn on the red lamp\r\nturn off the blue lamp\r\n", ["turn on the red lamp", "turn off the blue lamp"]),
     (b"\xef\xbb\xbfturn on the red lamp\n", ["turn on the red lamp"]), (b"turn on the red lamp", ["turn on the red lamp"]), (b"", []),
     ("turn on\u2028the\x85red lamp\n".encode(), ["turn on\u2028the\x85red lamp"])],
    ids=["crlf", "byte-order-mark", "no-last-line-break", "nothing", "other-line-breaks"],
)  # fmt: skip
def test_each_line_of_standard_input_is_one_text(
    made: Made, capfd: pytest.CaptureFixture[str], sent: bytes, texts: list[str]
) -> None:
    status, output, errors = command(capfd, "predict", made.onnx("lamp"), stdin=sent)
    assert status == 0 and not errors
    answers = [json.loads(line) for line in output.split("\n") if line]
    assert [answer["text"] for answer in answers] == texts
    assert all(answer["intent"]["label"] == "TurnLamp" for answer in answers)


def test_bytes_that_are_no_text_on_standard_input_stop_no_other_line(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    status, output, errors = command(
        capfd, "predict", made.onnx("lamp"), stdin=b"turn on the red lamp\n\xff\xfe\nturn off the red lamp\n"
    )
    answers = [json.loads(line) for line in output.splitlines()]
    if status == 0:
        assert [found(answers[0])[1], found(answers[2])[1], len(answers)] == ["TurnLamp", "TurnLamp", 3]
    else:
        assert status == 2 and len(errors) == 1 and "2" in errors[0]


# Odd labels and sizes.


def test_labels_that_look_like_something_else_stay_what_they_are(made: Made, tmp_path: Path) -> None:
    intents = ["None", "null", "O", "a/b", "../x", "ünï cöde", "__class__", "weight"]
    labels = ["O", "B-O", "I-", "a.b", "../x", "weight", "None", "ünï"]
    words = ["apple", "bread", "cheese", "dates", "eggs", "figs", "grapes", "honey"]
    rows = [row(f"{verb} {word} now", intent, **{label: word}) for intent, label, word in zip(intents, labels, words, strict=True)
            for verb in (f"fetch {word[0] * 3}", f"bring {word[0] * 3}")]  # fmt: skip
    write_rows(tmp_path / "odd.jsonl", rows)
    options = OPTIONS | {"base": str(made.base), "max_steps": 60, "learning_rate": 0.05, "rejection": False}
    nlu = headstart.finetune(tmp_path / "odd.jsonl", tmp_path / "run", **options)
    headstart.export(tmp_path / "run", tmp_path / "onnx")
    texts = [each["text"] for each in rows]
    expected = [(each["text"], each["intent"], [(s["label"], s["start"], s["end"]) for s in each["slots"]]) for each in rows]
    assert found(nlu(texts)) == expected
    assert found(open_nlu(tmp_path / "run")(texts)) == expected
    assert found(OnnxNLU(tmp_path / "onnx")(texts)) == expected


@pytest.mark.parametrize("rows", [LAMP[:1], [{**each, "intent": None} for each in LAMP], [{**each, "slots": None} for each in LAMP]],
                         ids=["one-row", "no-intents", "no-slots"])  # fmt: skip
def test_a_skill_of_next_to_nothing_is_learned_or_refused(made: Made, tmp_path: Path, rows: list[Any]) -> None:
    path = write_rows(tmp_path / "small.jsonl", rows)
    expected = [
        (each["text"], each["intent"], [(s["label"], s["start"], s["end"]) for s in each["slots"] or []]) for each in rows
    ]
    options = OPTIONS | {"base": str(made.base), "rejection": rows[0]["intent"] is not None}

    def learn() -> Any:
        headstart.finetune(path, tmp_path / "run", **options)
        return found(open_nlu(tmp_path / "run")([each["text"] for each in rows]))

    refused_or(learn, expected, "small")


def test_training_rows_of_thousands_of_words_are_cut_or_refused_but_not_learned_wrongly(made: Made, tmp_path: Path) -> None:
    late = row("please " * 2000 + "turn on the red lamp", "TurnLamp", state="on", colour="red")
    path = write_rows(tmp_path / "long.jsonl", [*LAMP, late])

    def learn() -> Any:
        nlu = headstart.finetune(path, tmp_path / "run", **OPTIONS, base=str(made.base))
        return found(nlu(TEXTS["lamp"]))

    refused_or(learn, right("lamp"), "long.jsonl")


# Files of options.


@pytest.mark.parametrize(
    ("content", "named"),
    [("max_step: 2\n", "max_step"), ("max_steps: two\n", "max_steps"), ("- max_steps\n", "options.yaml"), ("max_steps: [2, 3]\n", "max_steps"),
     ("", "options.yaml"), ("max_steps: 2\nmax_steps: 3\n", "max_steps"), ("a: !!python/object/apply:os.mkdir [{}]\n", "options.yaml"),
     ("max_steps: 2\n\tseed: 1\n", "options.yaml"), ("\x00\x01", "options.yaml"), ("refill: .nan\n", "refill"), ("seed: true\n", "seed")],
    ids=["typo", "word", "list", "list-value", "empty", "twice", "python-object", "tab", "binary", "nan", "boolean-seed"],
)  # fmt: skip
def test_an_option_file_that_was_spoiled_is_named(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str, named: str
) -> None:
    (tmp_path / "options.yaml").write_text(content.replace("{}", str(tmp_path / "made by yaml")), encoding="utf-8")
    rest = ("--disable_tqdm", "true", "--use_cpu", "true", "--report_to", "none")
    out = tmp_path / "out"
    arguments = ("--skill", made.skill("lamp"), "--base", made.base, "--output_dir", out, *rest)
    if content:
        command_refused(capfd, "finetune", tmp_path / "options.yaml", *arguments, names=(named,))
        assert not out.exists() or not any(out.iterdir())
    else:
        assert command(capfd, "finetune", tmp_path / "options.yaml", *arguments, "--max_steps", 1)[0] in (0, 2)
    assert not (tmp_path / "made by yaml").exists()


def test_the_command_line_wins_over_the_option_file(made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = {
        **OPTIONS,
        "max_steps": 3,
        "skill": str(made.skill("pizza")),
        "base": str(made.base),
        "output_dir": str(tmp_path / "out"),
    }
    (tmp_path / "options.json").write_text(json.dumps(options), encoding="utf-8")
    status, _, errors = command(capfd, "finetune", tmp_path / "options.json", "--skill", made.skill("lamp"), "--max_steps", 2)
    assert status == 0, errors
    assert json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))["steps"] == 2
    assert found(open_nlu(tmp_path / "out")(TEXTS["lamp"])) == right("lamp")
