"""Commands in odd company: whatever stands on standard input, in arguments, in files of options and in the environment ends in answers on
standard output, or in one line on standard error and a status that is not 0."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headstart import export

SECONDS = 120
PROGRAM = "import sys; from headstart.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def exported(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A skill that is answered without torch, which these commands need not wait for."""
    return export(str(tiny_base), tmp_path_factory.mktemp("exported") / "skill", "travel")


def run(
    *arguments: str | bytes | Path,
    given: bytes = b"",
    folder: Path | None = None,
    flags: tuple[str, ...] = (),
    **environment: str,
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *flags, "-c", PROGRAM, *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, cwd=folder, env={**os.environ, **environment}, timeout=SECONDS, check=False
    )


def answers(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    """What was answered, one JSON object a line and nothing besides."""
    found = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    for answer in found:
        assert all(answer["text"][slot["start"] : slot["end"]] == slot["value"] for slot in answer["slots"])
    return found


def mistake(done: subprocess.CompletedProcess[bytes], status: int = 2) -> str:
    """The one line that says what is wrong."""
    text = done.stderr.decode()
    assert done.returncode == status and "Traceback" not in text, text
    lines = [line for line in text.splitlines() if line.startswith("headstart") and ": " in line]
    assert len(lines) == 1 and len(lines[0]) < 600, text
    return lines[0]


# ---- standard input

READ = {
    "a byte-order mark": (b"\xef\xbb\xbffly to paris\nstop\n", ["fly to paris", "stop"]),
    "a byte-order mark alone": (b"\xef\xbb\xbf\nstop\n", ["", "stop"]),
    "a mark that is not the first": (b"stop\n\xef\xbb\xbfstop\n", ["stop", "\ufeffstop"]),
    "CRLF": (b"fly to paris\r\nstop\r\n", ["fly to paris", "stop"]),
    "no end of the last line": (b"fly to paris\nstop", ["fly to paris", "stop"]),
    "a return within a line": (b"fly\rto paris\n", ["fly\rto paris"]),
    "other ends of lines": ("fly\u2028to\u0085paris\x0c\n".encode(), ["fly\u2028to\u0085paris\x0c"]),
    "blank lines": (b"\n \n\t\n", ["", " ", "\t"]),
    "nothing": (b"", []),
    "control characters": (b"\x01\x1b[31mfly\x7f\n", ["\x01\x1b[31mfly\x7f"]),
    "one line of a megabyte": (b"fly " * 250_000 + b"\nstop\n", ["fly " * 250_000, "stop"]),
    "answers to questions that nobody asked": (b"y\nyes\n1\n", ["y", "yes", "1"]),
}


@pytest.mark.parametrize("name", READ)
def test_lines_are_answered_as_they_stand(name: str, exported: Path) -> None:
    given, texts = READ[name]
    done = run("predict", exported, given=given)
    found = answers(done)
    assert done.returncode == 0 and [answer["text"] for answer in found] == texts
    assert [answer["intent"]["label"] is None for answer in found] == [not text.strip() for text in texts]


def test_offsets_count_what_follows_the_mark(exported: Path) -> None:
    plain, marked = (
        answers(run("predict", exported, given=mark + b"fly to paris tomorrow\n")) for mark in (b"", b"\xef\xbb\xbf")
    )
    assert plain == marked


@pytest.mark.parametrize(
    ("given", "answered", "message"),
    [
        (b"fly\n\xff\nstop\n", 1, "standard input, line 2: not UTF-8 (byte 0xff)"),
        ("fly café\n".encode("latin-1"), 0, "standard input, line 1: not UTF-8 (byte 0xe9)"),
        ("fly\n".encode("utf-16"), 0, "standard input, line 1: not UTF-8 (byte 0xff)"),
        ("fly\n".encode("utf-16-le"), 0, "standard input, line 1: found a NUL, as in UTF-16"),
        (b"fly\nto\0paris\n", 1, "standard input, line 2: found a NUL"),
        (b"\xed\xa0\x80\n", 0, "standard input, line 1: not UTF-8 (byte 0xed)"),  # half a surrogate pair
        (b"fly \xc3", 0, "standard input, line 1: not UTF-8 (byte 0xc3)"),
    ],
)
def test_what_is_no_text_ends_the_answers_with_its_line(given: bytes, answered: int, message: str, exported: Path) -> None:
    done = run("predict", exported, given=given)
    assert message in mistake(done) and len(answers(done)) == answered


def test_no_standard_input(exported: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -c "{PROGRAM}" predict "{exported}" <&-'],
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert "there is no standard input to read requests from" in mistake(done)


# ---- where results go


def shell(exported: Path, rest: str) -> subprocess.CompletedProcess[bytes]:
    command = f'yes stop | head -2000 | "{sys.executable}" -c "{PROGRAM}" predict "{exported}" {rest}'
    return subprocess.run(["bash", "-c", command], capture_output=True, timeout=SECONDS, check=False)


def test_a_reader_that_has_enough_ends_it_quietly(exported: Path) -> None:
    done = shell(exported, "| head -1; exit ${PIPESTATUS[2]}")
    assert done.returncode == 141 and done.stderr == b"" and len(answers(done)) == 1


def test_a_full_disk_and_a_closed_output_are_told(exported: Path) -> None:
    assert "standard output can't be written" in mistake(shell(exported, "> /dev/full"))
    assert "standard output is closed" in mistake(shell(exported, ">&-"))


def test_without_standard_error_nothing_but_answers_is_printed(exported: Path) -> None:
    done = shell(exported, "--skill nobody 2>&-")
    assert done.returncode == 2 and done.stdout == b""
    assert len(answers(shell(exported, "2>&-"))) == 2000


LOCALES = {
    "ASCII": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ASCII by name": {"PYTHONIOENCODING": "ascii"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
    "UTF-16": {"PYTHONIOENCODING": "utf-16"},
    "a locale that is not there": {"LC_ALL": "xx_YY.KOI8-R", "LANG": "none"},
}


@pytest.mark.parametrize("name", LOCALES)
def test_input_and_output_are_utf_8_in_any_locale(name: str, exported: Path) -> None:
    text = "fly to orléans ☕"
    found = answers(run("predict", exported, given=f"{text}\n".encode(), **LOCALES[name]))
    assert [answer["text"] for answer in found] == [text]


# ---- arguments

ARGUMENTS: dict[str, tuple[list[str | bytes], str]] = {
    "a text that is no UTF-8": (["predict", "MODEL", b"fly \xff"], r"the text 'fly \udcff' is not UTF-8"),
    "one of several": (["predict", "MODEL", "fly", b"\xe9"], r"the text '\udce9' is not UTF-8"),
    "an empty model": (["predict", "", "fly"], "model is empty"),
    "an empty skill": (["predict", "MODEL", "fly", "--skill", ""], "skill is empty"),
    "an empty base": (["predict", "MODEL", "fly", "--base", ""], "base is empty"),
    "an empty place to export to": (["export", "MODEL", "--out="], "out is empty"),
    "an empty place to convert to": (["convert", "MODEL", "--out", ""], "out is empty"),
    "an empty place for a report": (["report", "--skills", ".", "--out", ""], "argument --out: it is empty"),
    "an empty folder of skills": (["report", "--skills", "", "--out", "x"], "argument --skills: it is empty"),
    "a rank that is none": (["predict", "MODEL", "fly", "--top_k", "0"], "allowed: a whole number, at least 1"),
    "a threshold that is no number": (["predict", "MODEL", "fly", "--reject_threshold", "nan"], "must lie between 0 and 1"),
    "an infinite threshold": (["predict", "MODEL", "fly", "--reject_threshold=-inf"], "must lie between 0 and 1"),
    "no rows at once": (["predict", "MODEL", "fly", "--batch_size", "0"], "allowed: a whole number, at least 1"),
    "less than none": (["predict", "MODEL", "fly", "--batch_size=-3"], "allowed: a whole number, at least 1"),
    "half a row": (["predict", "MODEL", "fly", "--batch_size", "1.5"], "allowed: a whole number, at least 1"),
    "Arabic digits that are no ASCII": (["predict", "MODEL", "fly", "--batch_size", "²"], "allowed: a whole number, at least 1"),
    "a model whose name is no UTF-8": (["predict", b"./mod\xe9l", "fly"], "there is no folder"),
    "rows that are a folder": (["evaluate", "MODEL", "--data", "."], "none of which is a skill's file"),
    "a share that is no number": (["convert", "ROWS", "--out", "out", "--test_share", "nan"], "test_share"),
    "a share of more than all": (["convert", "ROWS", "--out", "out", "--test_share", "1.5"], "test_share"),
    "fewer than no rows": (["convert", "ROWS", "--out", "out", "--fills", "-1"], "allowed: a whole number, at least 1"),
    "no utterances": (["convert", "ROWS", "--out", "out", "--max_utterances", "0"], "allowed: a whole number, at least 1"),
    "a command that there is not": (["predct", "MODEL", "fly"], "there is no command 'predct'. Did you mean predict?"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_odd_arguments_are_one_line_and_nothing_is_written(name: str, exported: Path, root: Path, tmp_path: Path) -> None:
    arguments, message = ARGUMENTS[name]
    places = {"MODEL": str(exported), "ROWS": str(root / "examples" / "coffee_machine")}
    done = run(*(places.get(part, part) if isinstance(part, str) else part for part in arguments), folder=tmp_path)
    assert message in mistake(done) and done.stdout == b"" and not list(tmp_path.iterdir())


def test_a_text_in_an_argument_is_never_an_option_or_a_file(exported: Path, tmp_path: Path) -> None:
    texts = ["-5 degrees", "--help", "@arguments", "*", "$(touch trap)", "%s%n", "a\nb", "--"]
    (tmp_path / "arguments").write_text("--version")
    done = run("predict", exported, "--", *texts, folder=tmp_path)
    assert [answer["text"] for answer in answers(done)] == texts and not (tmp_path / "trap").exists()


def test_a_file_whose_name_is_no_utf_8_is_written_and_named(root: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yml")
    assert run("convert", root / "examples" / "coffee_machine", "--out", os.fsencode(tmp_path / name)).returncode == 0
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [b"caf\xe9.yml"]


# ---- files that commands read

MARK = b"\xef\xbb\xbf"
OPTIONS = {
    "a byte-order mark": (MARK + b"skill: nowhere\noutput_dir: out\n", "nowhere: there is no such file or folder"),
    "CRLF": (b"skill: nowhere\r\noutput_dir: out\r\n", "nowhere: there is no such file or folder"),
    "Latin-1": (b"skill: caf\xe9\n", "options.yaml, line 1: not UTF-8 (byte 0xe9)"),
    "UTF-16": ("skill: a\n".encode("utf-16"), "options.yaml, line 1: not UTF-8 (byte 0xff)"),
    "UTF-16 without a mark": ("skill: a\n".encode("utf-16-le"), "options.yaml, line 1: found a NUL"),
    "nested deeply": (b"skill: " + b"[" * 5000, "is not YAML"),
    "YAML that calls": (b'skill: !!python/object/apply:os.system ["touch trap"]\n', "is not YAML"),
    "a list": (b"- skill\n", "must hold options by name"),
    "nothing": (b"", "must hold options by name"),
    "numbers for names": (b"1: 2\n", "must hold options by name"),
    "an option twice": (b"skill: nowhere\nskill: elsewhere\n", "skill stands in line 1 and in line 2"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_files_of_options(name: str, tmp_path: Path) -> None:
    content, message = OPTIONS[name]
    (tmp_path / "options.yaml").write_bytes(content)
    assert message in mistake(run("finetune", "options.yaml", folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["options.yaml"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("who won?\n".encode("utf-16-le"), "unknown.txt, line 1: found a NUL"),
        (b"who won?\ncaf\xe9\n", "unknown.txt, line 2: not UTF-8"),
        (b"# nothing\n", "holds no utterance"),
        (MARK, "holds no utterance"),
    ],
)
def test_utterances_that_are_none_of_the_skill(content: bytes, message: str, exported: Path, root: Path, tmp_path: Path) -> None:
    (tmp_path / "unknown.txt").write_bytes(content)
    from headstart.data.out_of_scope import list_out_of_scope

    with pytest.raises(ValueError) as error:
        list_out_of_scope(tmp_path / "unknown.txt")
    assert message in str(error.value)
    (tmp_path / "unknown.txt").write_bytes(MARK + b"who won?\r\n")
    assert list_out_of_scope(tmp_path / "unknown.txt") == ["who won?"]


def test_rows_with_a_byte_order_mark_are_scored(exported: Path, tmp_path: Path) -> None:
    row = {"text": "fly to paris", "intent": "book", "slots": [{"start": 7, "end": 12, "label": "city"}]}
    scored = []
    for mark, end in ((b"", b"\n"), (MARK, b"\r\n")):
        (tmp_path / "rows.jsonl").write_bytes(mark + json.dumps(row).encode() + end)
        done = run("evaluate", exported, "--data", "rows.jsonl", folder=tmp_path)
        scored.append(json.loads(done.stdout))
    assert scored[0] == scored[1] and scored[0]["utterances"] == 1


# ---- the interpreter


def test_without_docstrings_and_assertions(exported: Path) -> None:
    """`python -OO`: whatever reads a docstring finds None."""
    for command in ("", "predict", "evaluate", "convert", "report", "export", "push", "labels", "pretrain", "finetune"):
        done = run(*command.split(), "--help", flags=("-OO",))
        assert done.returncode == 0 and done.stdout.startswith(b"usage: headstart"), done.stderr
    done = run("predict", exported, "fly to paris", flags=("-OO",))
    assert answers(done) == answers(run("predict", exported, "fly to paris"))


@pytest.mark.slow
def test_a_network_is_trained_asked_and_scored_without_docstrings(root: Path, tiny_base: Path, tmp_path: Path) -> None:
    skill = root / "examples" / "coffee_machine"
    options = ["--output_dir", "out", "--base", str(tiny_base), "--max_steps", "2", "--disable_tqdm", "true"]
    assert run("finetune", "--skill", skill, *options, folder=tmp_path, flags=("-OO",)).returncode == 0
    asked = [run("predict", "out", "a large latte", folder=tmp_path, flags=flags) for flags in (("-OO",), ())]
    assert answers(asked[0]) == answers(asked[1]) != []
    done = run("evaluate", "out", "--data", skill / "test.jsonl", folder=tmp_path, flags=("-OO",))
    assert json.loads(done.stdout)["utterances"] == 22  # what libraries print is not among it
    done = run("export", "out", "--out", "exported", folder=tmp_path, flags=("-OO",))
    assert done.stdout == b"exported\n"
    metric = "from headstart.evaluation.joint_nlu_metric import JointNLUMetric as metric; print(metric().inputs_description[:6].split())"
    checked = subprocess.run([sys.executable, "-OO", "-c", metric], capture_output=True, check=False)
    assert checked.returncode == 0 and checked.stdout.endswith(b"['Args:']\n"), checked.stderr


def test_warnings_that_are_errors_and_an_odd_home(exported: Path, tmp_path: Path) -> None:
    wanted = answers(run("predict", exported, "fly to paris"))
    assert answers(run("predict", exported, "fly to paris", HOME=str(tmp_path / "nowhere"))) == wanted
    assert answers(run("predict", exported, "fly to paris", HOME="", TMPDIR=str(tmp_path / "nowhere"))) == wanted
    assert answers(run("predict", exported, "fly to paris", flags=("-X", "utf8=0", "-B", "-I"))) == wanted
    assert answers(run("predict", exported, "fly to paris", flags=("-X", "dev"))) == wanted


def test_a_module_in_the_folder_is_not_taken_for_one_of_ours(exported: Path, tmp_path: Path) -> None:
    """`headstart` is started by its file: nothing of the folder that it is called in is imported."""
    for name in ("json", "yaml", "numpy", "headstart", "tokenizers"):
        (tmp_path / f"{name}.py").write_text("open('trap', 'w').close()\nraise SystemExit('taken')\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "headstart", "predict", exported, "fly"],
        capture_output=True,
        cwd=tmp_path,
        timeout=SECONDS,
        check=False,
    )
    assert len(answers(done)) == 1 and not (tmp_path / "trap").exists()
