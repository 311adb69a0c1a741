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
from reader_seeds import ALEXA, FOLDERS, JOVO_4, JSON_SEEDS, LUIS, SEEDS
from timing import seconds, yardstick

from headstart import DataError, Skill, load_skill
from headstart.readers import READERS, find_reader
from headstart.readers.source import MAX_BYTES, Source

LOOPS = 200  # of a million steps; for one file, however odd
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
