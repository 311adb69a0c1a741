"""Whatever comes in ends in an answer or in one clear error: nothing hangs, runs what it is given, or writes outside its folder."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headstart
from headstart import DataError, HeadstartForJointNLU, NLUPipeline, Skill, export, finetune
from headstart.conversion import convert
from headstart.data.rows import rows_to_dataset
from headstart.loading import load_pipeline
from headstart.modeling.integrity_headstart import note_hashes
from headstart.onnx import OnnxNLU
from headstart.saving import mark_complete

SECONDS = 60  # more than any of these takes beside another test
CLEAR = (ValueError, TypeError, OSError)  # DataError is a ValueError
QUICK: dict[str, Any] = {"max_steps": 2, "disable_tqdm": True, "use_cpu": True, "report_to": "none"}
TRAP = "trap"  # the file that code writes if it is run


class Trap:
    """A pickle of this writes a file where it is loaded."""

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {TRAP}",))


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder to work in; all around it, and what must not appear in it, is looked at afterwards."""
    inside = tmp_path / "outside" / "inside"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)

    def ring(number: int, frame: Any) -> None:
        raise AssertionError(f"it took more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    yield inside
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert [path.name for path in inside.parent.iterdir()] == ["inside"] and [path.name for path in tmp_path.iterdir()] == [
        "outside"
    ]
    assert not (inside / TRAP).exists()


@pytest.fixture(scope="module")
def nlu(tiny_base: Path) -> NLUPipeline:
    pipeline = load_pipeline(tiny_base)
    assert isinstance(pipeline, NLUPipeline)
    return pipeline


def refused(action: Callable[[], Any], *kinds: type[Exception]) -> str:
    """Do it, and return the message, which must be one of a user's mistakes and short."""
    with pytest.raises(kinds or CLEAR) as error:
        action()
    message = str(error.value)
    assert message and len(message) < 2000
    return message


# ---- requests

ANSWERED = {
    "control characters": "\x00\x01\x1b[31mbrew\x7f",
    "line ends and tabs": "\r\n\tbrew\v\f",
    "one megabyte, one word": "a" * 1_000_000,
    "one megabyte, many words": "brew " * 200_000,
    "one megabyte of punctuation": "?!" * 500_000,
    "a lone surrogate": "brew \ud800 coffee",
    "right-to-left marks": "\u202ebrew\u202c coffee\u200f",
    "zero-width joiners": "b\u200dr\u200ce\u200bw",
    "a byte-order mark": "\ufeffbrew",
    "emoji": "☕\U0001f469\u200d\U0001f680" * 1000,
    "combining marks": "e" + "\u0301" * 10_000,
    "the last code point": "\U0010ffff",
    "another script": "ให้กาแฟฉันหน่อย",
    "digits": "1" * 10_000,
    "format strings": "%s %n {0} {{}} ${x} $(touch trap) `touch trap`",
    "markup": "<script>alert(1)</script><![CDATA[",
    "SQL": "'; DROP TABLE skills; --",
    "a path": "../../../../etc/passwd",
}


@pytest.mark.parametrize("name", ANSWERED)
def test_any_text_is_answered(name: str, nlu: NLUPipeline, sandbox: Path) -> None:
    text = ANSWERED[name]
    answer: Any = nlu(text, skill="travel")
    assert answer["text"] == text and answer["intent"]["label"] in nlu.model.skill("travel")["intents"]
    assert all(0 <= slot["start"] < slot["end"] <= len(text) for slot in answer["slots"])
    assert nlu([text, "to paris"], skill="travel")[1]["intent"] == nlu("to paris", skill="travel")["intent"]


@pytest.mark.parametrize(
    "request_",
    [b"brew", None, 42, 1.5, ["brew", None], ["brew", b"x"], {"text": "brew"}, [["brew"]], Path("brew")],
    ids=repr,
)
def test_what_is_no_text_is_refused(request_: Any, nlu: NLUPipeline, sandbox: Path) -> None:
    assert "string" in refused(lambda: nlu(request_, skill="travel"))


@pytest.mark.parametrize("skill", ["", "../travel", "Travel", "nobody"])
def test_a_skill_that_is_not_there(skill: str, nlu: NLUPipeline, sandbox: Path) -> None:
    assert "travel, bank, tables" in refused(lambda: nlu("brew", skill=skill))


def test_a_skill_whose_name_is_none(nlu: NLUPipeline, sandbox: Path) -> None:
    assert "skill is 7; it must be a name" in refused(lambda: nlu("brew", skill=7))


# ---- rows

ROW = {"text": "brew a latte", "intent": "Brew", "slots": [{"start": 7, "end": 12, "label": "drink"}]}


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def slot(**fields: Any) -> bytes:
    return lines({**ROW, "slots": [{**ROW["slots"][0], **fields}]})


WRONG_ROWS = {
    "nothing": b"",
    "blank lines": b"\n\n \n",
    "binary": bytes(range(256)) * 10,
    "cut off": lines(ROW)[:-20],
    "nested deeply": b"[" * 100_000,
    "a list": b"[1, 2]\n",
    "null": b"null\n",
    "no text": lines({"intent": "Brew"}),
    "text is null": lines({**ROW, "text": None}),
    "text is a number": lines({**ROW, "text": 5}),
    "intent is a list": lines({**ROW, "intent": ["Brew"]}),
    "intent is empty": lines({**ROW, "intent": ""}),
    "slots is a dict": lines({**ROW, "slots": {"drink": 5}}),
    "negative offsets": slot(start=-5),
    "offsets past the end": slot(end=99),
    "reversed offsets": slot(start=12, end=7),
    "an empty span": slot(start=7, end=7),
    "fractional offsets": slot(start=7.5),
    "infinite offsets": b'{"text": "brew", "intent": "Brew", "slots": [{"start": 0, "end": Infinity, "label": "x"}]}\n',
    "enormous offsets": slot(end=10**30),
    "offsets are words": slot(start="seven"),
    "a label is null": slot(label=None),
    "a label is a list": slot(label=["drink"]),
    "UTF-16": lines(ROW).decode().encode("utf-16"),
    "Latin-1": '{"text": "café", "intent": "Brew"}\n'.encode("latin-1"),
    "a pickle": pickle.dumps(Trap()),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_wrong_rows_are_refused(name: str, sandbox: Path) -> None:
    Path("rows.jsonl").write_bytes(WRONG_ROWS[name])
    assert "rows.jsonl" in refused(lambda: headstart.load_skill("rows.jsonl"), DataError)


READ_ROWS = {
    "CRLF": lines(ROW).replace(b"\n", b"\r\n"),
    "a byte-order mark": b"\xef\xbb\xbf" + lines(ROW),
    "unknown fields": lines({**ROW, "__class__": "os.system", "extra": [1]}),
    "a surrogate": b'{"text": "brew \\ud800 coffee", "intent": "Brew", "slots": []}\n',
    "one megabyte": lines({**ROW, "text": "brew a latte " + "x" * 1_000_000}),
    "no end of line": lines(ROW).rstrip(),
}


@pytest.mark.parametrize("name", READ_ROWS)
def test_odd_rows_are_read(name: str, sandbox: Path) -> None:
    Path("rows.jsonl").write_bytes(READ_ROWS[name])
    try:
        skill = headstart.load_skill("rows.jsonl")
    except DataError as error:
        assert name == "a surrogate" and "rows.jsonl" in str(error)
        return
    assert skill.intents == ["Brew"] and len(skill.train) == 1


LABELS = {
    "slashes": ["a/b", "/etc/passwd", "c\\d"],
    "dots": ["..", ".", "../../x"],
    "spaces": ["a b", " a", "b\t"],
    "emoji": ["☕", "\U0001f469\u200d\U0001f680"],
    "case": ["Brew", "brew", "BREW"],
    "digits": ["1", "2.0", "-3"],
    "long": ["x" * 10_000, "y" * 10_000],
    "one": ["Brew"],
    "markup": ["<b>", "{{ x }}", "{% raw %}", "| a |", "---"],
    "names of Python": ["__class__", "weight", "keys", "None", "true"],
    "control characters": ["a\nb", "a\x00b", "\x1b[31m"],
}


@pytest.mark.parametrize("name", LABELS)
def test_any_label_is_trained_saved_exported_and_answered(name: str, tiny_base: Path, sandbox: Path) -> None:
    labels = LABELS[name]
    rows = [
        {"text": f"say {'yes ' * number}now", "intent": label, "slots": [{"start": 0, "end": 3, "label": label}]}
        for number, label in enumerate(labels, start=1)
        for _ in range(2)
    ]
    trained = finetune(Skill("odd", rows_to_dataset(rows)), "out", base=str(tiny_base), **QUICK)
    assert trained.model.skill()["intents"] == sorted(labels)
    asked = load_pipeline("out")("say now", reject_threshold=1.0)
    assert asked["intent"]["label"] in labels
    exported = OnnxNLU(export("out", "exported"))("say now", reject_threshold=1.0)
    assert exported["intent"]["label"] == asked["intent"]["label"]
    finetune(Skill("odd", rows_to_dataset(rows)), "head", base=str(tiny_base), tune="head", **QUICK)
    assert load_pipeline("head", base=tiny_base)("say now", reject_threshold=1.0)["intent"]["label"] in labels


def test_five_thousand_intents(tiny_base: Path, sandbox: Path) -> None:
    rows = [{"text": f"say {number}", "intent": f"intent {number}", "slots": []} for number in range(5000)]
    trained = finetune(Skill("many", rows_to_dataset(rows)), "out", base=str(tiny_base), **QUICK, probe=False, refill=0.0)
    answer: Any = trained("say 7")
    assert len(trained.model.skill()["intents"]) == 5000 and answer["intent"]["label"] is not None


# ---- names


@pytest.mark.parametrize(
    "name", ["../../x", "/tmp/x", "", ".", "..", "a/b", "a b", "a\0b", "☕", "keys", "training", "a" * 5000 + "/"]
)
def test_a_skill_is_not_named_like_a_path(name: str, tiny_base: Path, sandbox: Path) -> None:
    rows = rows_to_dataset([ROW])
    refused(lambda: finetune(Skill(name, rows), "out", base=str(tiny_base), **QUICK))
    model = HeadstartForJointNLU.from_pretrained(tiny_base)
    refused(lambda: model.load_skill(sandbox, name))
    refused(lambda: model.save_skill(name, sandbox))


def test_a_head_that_names_itself_like_a_path(tiny_base: Path, coffee: Skill, sandbox: Path) -> None:
    finetune(coffee, "head", base=str(tiny_base), tune="head", **QUICK)
    head = json.loads(Path("head/head.json").read_text())
    head["skill"]["name"] = "../../x"
    del head["sha256"]  # as whoever means harm would
    Path("head/head.json").write_text(json.dumps(head))
    model = HeadstartForJointNLU.from_pretrained(tiny_base)
    assert "../../x" in refused(lambda: model.load_skill("head"))


# ---- files


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 9)}]\n" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
WRONG_FILES = {
    "a zip that climbs out": ("skill.zip", zipped(**{"../../evil.json": b"{}", "/tmp/evil": b"x"})),
    "a zip bomb": ("skill.zip", zipped(**{"nlu.yml": b"0" * 300_000_000})),
    "a cut zip": ("skill.zip", zipped(**{"nlu.yml": b"version: 3"})[:40]),
    "an empty zip": ("skill.zip", zipped()),
    "a YAML bomb": ("nlu.yml", f'version: "3.1"\n{BOMB}nlu:\n- intent: *i\n  examples: "- x"\n'.encode()),
    "YAML that calls": ("nlu.yml", b'version: "3.1"\nnlu: !!python/object/apply:os.system ["touch trap"]\n'),
    "JSON nested deeply": ("model.json", b'{"interactionModel": ' + b"[" * 100_000),
    "JSON of one number": ("model.json", b"5"),
    "a table with zero bytes": ("rows.csv", b"text,intent\n\x00\x00,\x00\n"),
    "a table without columns": ("rows.csv", b"x,y\n1,2\n"),
    "CoNLL without words": ("seq.conll", b"\n\n\n"),
    "a pickle": ("rows.pkl", pickle.dumps(Trap())),
    "torch's pickle": ("rows.pt", pickle.dumps({"x": Trap()})),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_files_are_refused(name: str, sandbox: Path) -> None:
    file, content = WRONG_FILES[name]
    Path(file).write_bytes(content)
    refused(lambda: headstart.load_skill(file), DataError)
    refused(lambda: convert(file, "out"), DataError)
    assert not Path("out").exists()


def test_links_and_what_is_no_file(sandbox: Path) -> None:
    Path("loop.jsonl").symlink_to("loop.jsonl")
    os.mkfifo("pipe.jsonl")
    Path("zero.jsonl").symlink_to("/dev/zero")
    Path("folder.jsonl").mkdir()
    for name in ("loop.jsonl", "pipe.jsonl", "zero.jsonl", "folder.jsonl", "missing.jsonl", "", "."):
        refused(lambda name=name: headstart.load_skill(name), DataError, OSError)  # type: ignore[misc]


@pytest.mark.parametrize("content", ["[]", '{"drink": 5}', '{"drink": [5]}', '{"drink": null}', "{", '{"": ["x"]}'])
def test_wrong_catalogs_are_refused(content: str, sandbox: Path) -> None:
    Path("skill").mkdir()
    Path("skill/train.jsonl").write_bytes(lines(ROW))
    Path("skill/catalogs.json").write_text(content)
    assert "catalogs.json" in refused(lambda: headstart.load_skill("skill"), DataError)


# ---- checkpoints


def copied(tiny_base: Path) -> Path:
    return Path(shutil.copytree(tiny_base, "model"))


def test_code_beside_a_checkpoint_is_not_run(tiny_base: Path, sandbox: Path) -> None:
    for file in copied(tiny_base).glob("*.py"):
        file.write_text(f"open({TRAP!r}, 'w')\nraise SystemExit('run')\n")
    assert load_pipeline("model")("to paris", skill="travel") == load_pipeline(tiny_base)("to paris", skill="travel")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_pickle_in_a_checkpoint_is_not_loaded(file: str, tiny_base: Path, sandbox: Path) -> None:
    (copied(tiny_base) / file).write_bytes(pickle.dumps(Trap()))
    if file == "model.safetensors":
        note_hashes(Path("model"))  # as whoever means harm would
    refused(lambda: load_pipeline("model"))


def test_pickled_weights_are_not_looked_for(tiny_base: Path, sandbox: Path) -> None:
    folder = copied(tiny_base)
    (folder / "model.safetensors").unlink()
    torch.save(Trap(), folder / "pytorch_model.bin")
    refused(lambda: load_pipeline("model"))


def test_a_pickle_in_an_exported_skill_is_not_loaded(tiny_base: Path, sandbox: Path) -> None:
    export(str(tiny_base), "exported", "travel")
    for file, content in (("crf.npz", None), ("model.onnx", pickle.dumps(Trap())), ("headstart.json", pickle.dumps(Trap()))):
        folder = Path(shutil.copytree("exported", f"exported-{file}"))
        if content is None:
            np.savez(folder / file, **{name: np.array([Trap()], dtype=object) for name in ("start", "transitions", "end")})
        else:
            (folder / file).write_bytes(content)
        refused(lambda folder=folder: OnnxNLU(folder)("to paris"), Exception)  # type: ignore[misc]


def test_a_pickle_in_a_checkpoint_of_training_is_not_loaded(coffee: Skill, tiny_base: Path, sandbox: Path) -> None:
    options = {**QUICK, "base": str(tiny_base), "save_strategy": "steps", "save_steps": 1}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("headstart.finetuning.finetune.remove_checkpoint", lambda folder: None)  # what it kept to resume from
        finetune(coffee, "out", **options)
    checkpoint = Path("out/checkpoint-1")
    for file in ("optimizer.pt", "rng_state.pth", "scheduler.pt"):
        kept = (checkpoint / file).read_bytes()
        torch.save(Trap(), checkpoint / file)
        mark_complete(checkpoint)  # as whoever means harm would
        message = refused(lambda: finetune(coffee, "out", resume_from_checkpoint=str(checkpoint), **options))
        assert "holds what training doesn't write" in message
        (checkpoint / file).write_bytes(kept)


@pytest.mark.parametrize("place", ["file", "file/below", "nowhere/\0"])
def test_where_nothing_can_be_written(place: str, coffee: Skill, tiny_base: Path, sandbox: Path) -> None:
    Path("file").write_text("x")
    refused(lambda: finetune(coffee, place, base=str(tiny_base), **QUICK))
    refused(lambda: export(str(tiny_base), place, "travel"))
    assert Path("file").read_text() == "x"
