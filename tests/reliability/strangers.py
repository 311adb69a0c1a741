"""Two small skills of a lamp and a pizzeria, as rows, checkpoints, heads and exports, and what is asked of every answer and refusal."""

from __future__ import annotations

import io
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

REFUSALS = (ValueError, TypeError, OSError)
OPTIONS: dict[str, Any] = {"max_steps": 2, "disable_tqdm": True, "use_cpu": True, "report_to": "none"}
SECONDS = 60


def row(text: str, intent: str, **slots: str) -> dict[str, Any]:
    spans = [
        {"start": text.index(value), "end": text.index(value) + len(value), "label": label} for label, value in slots.items()
    ]
    return {"text": text, "intent": intent, "slots": sorted(spans, key=lambda span: span["start"])}


LAMP = [row(f"turn {s} the {c} lamp", "TurnLamp", state=s, colour=c) for s in ("on", "off") for c in ("red", "blue", "green")]
LAMP += [row(f"is the {c} lamp bright", "AskLamp", colour=c) for c in ("red", "blue")]
PIZZA = [
    row(f"order a {s} {k} pizza", "OrderPizza", size=s, kind=k) for s in ("small", "large") for k in ("ham", "onion", "tuna")
]
PIZZA += [row("cancel my pizza", "CancelPizza"), row("never mind the order", "CancelPizza")]
ROWS = {"lamp": LAMP, "pizza": PIZZA}
CATALOGS = {
    "lamp": {"colour": ["red", "blue", "green"], "state": ["on", "off"]},
    "pizza": {"kind": ["ham", "onion", "tuna"], "size": ["small", "large"]},
}
TEXTS = {name: [each["text"] for each in rows] for name, rows in ROWS.items()}


def relabelled(rows: list[Any], old: str, new: str) -> list[Any]:
    return json.loads(json.dumps(rows).replace(f'"{old}"', f'"{new}"'))


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


def write_skill(folder: Path, name: str) -> Path:
    """A whole folder of rows: training, validation and test rows, catalogs and an invocation name."""
    write_rows(folder / "train.jsonl", ROWS[name])
    write_rows(folder / "validation.jsonl", ROWS[name][::2])
    write_rows(folder / "test.jsonl", ROWS[name][1::2])
    (folder / "catalogs.json").write_text(json.dumps(CATALOGS[name]), encoding="utf-8")
    (folder / "skill.json").write_text(json.dumps({"invocation": f"my {name}"}), encoding="utf-8")
    return folder


class Made:
    """Folders that tests copy from and never write to."""

    def __init__(self, folder: Path, base: Path) -> None:
        import torch
        from transformers import AutoTokenizer

        import headstart
        from headstart.pretraining.embeddings import choose_vocabulary

        self.folder, self.base = folder, base
        pieces = choose_vocabulary(TEXTS["lamp"] + TEXTS["pizza"], min_count=1)
        _, start, stop = headstart.tokenization.order_tokens(pieces)
        config = headstart.HeadstartConfig.from_pretrained(base)
        for name, tokenizer, changes in (
            ("retrained", AutoTokenizer.from_pretrained(base), {}),
            (
                "reworded",
                headstart.tokenization.build_tokenizer(pieces),
                {"vocab_size": len(pieces), "continuation_start": start, "continuation_stop": stop},
            ),
        ):
            torch.manual_seed(1)
            entries = {key: value for key, value in config.to_dict().items() if key not in ("weights_sha256", "auto_map")}
            model = headstart.HeadstartForJointNLU(headstart.HeadstartConfig(**(entries | changes))).eval()
            headstart.NLUPipeline(model=model, tokenizer=tokenizer).save_pretrained(folder / name)
        self.retrained, self.reworded = folder / "retrained", folder / "reworded"
        for name in ROWS:
            write_skill(folder / "skills" / name, name)
            headstart.finetune(self.skill(name), self.run(name), base=str(base), **OPTIONS)
            headstart.finetune(self.skill(name), self.head(name), base=str(base), tune="head", **OPTIONS)
            headstart.export(self.run(name), self.onnx(name))
        headstart.finetune(self.skill("lamp"), self.run("lamp7"), base=str(base), seed=7, **OPTIONS)
        headstart.finetune(self.skill("lamp"), self.run("lamp_reworded"), base=str(self.reworded), **OPTIONS)

    def skill(self, name: str) -> Path:
        return self.folder / "skills" / name

    def run(self, name: str) -> Path:
        return self.folder / "runs" / name

    def head(self, name: str) -> Path:
        return self.folder / "heads" / name

    def onnx(self, name: str) -> Path:
        return self.folder / "onnx" / name


def copy(source: Path, target: Path, **files: Path) -> Path:
    """A copy of a folder, with some files of another: `tokenizer="of/another"`; the suffix is the one that is there."""
    shutil.copytree(source, target)
    for stem, other in files.items():
        (there,) = [path for path in target.iterdir() if path.stem == stem]
        shutil.copy(other / there.name, there)
    return target


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file as a user's editor would."""
    content = json.loads(path.read_text(encoding="utf-8"))
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed), encoding="utf-8")


def open_nlu(folder: Path) -> Any:
    """As the commands do: what `transformers.pipeline` raises is transformers' own, with tracebacks in it."""
    from headstart.loading import load_pipeline

    return load_pipeline(folder)


def found(answer: Any) -> Any:
    """Labels and spans of an answer, or of several, without scores; what each span is must be what it says."""
    if isinstance(answer, list):
        return [found(each) for each in answer]
    for slot in answer["slots"]:
        assert answer["text"][slot["start"] : slot["end"]] == slot["value"], answer
    intent = answer["intent"]
    return answer["text"], intent and intent["label"], [(slot["label"], slot["start"], slot["end"]) for slot in answer["slots"]]


def right(name: str) -> Any:
    """What a skill's own rows say."""
    return [(each["text"], each["intent"], [(s["label"], s["start"], s["end"]) for s in each["slots"]]) for each in ROWS[name]]


def check_message(message: str, *names: str) -> None:
    assert 0 < len(message) < 2000, message
    assert "Traceback" not in message
    for name in names:
        assert name.lower().replace("_", " ") in message.lower().replace("_", " "), f"{name!r} is not named in: {message}"


def refused(call: Callable[[], Any], *names: str) -> str:
    """One short error that names the thing."""
    with pytest.raises(REFUSALS) as caught:
        call()
    check_message(str(caught.value), *names)
    return str(caught.value)


def refused_or(call: Callable[[], Any], expected: Any, *names: str) -> None:
    """The right content, or one short error that names the thing."""
    try:
        got = call()
    except REFUSALS as error:
        check_message(str(error), *names)
    else:
        assert got == expected


def warned(caplog: pytest.LogCaptureFixture) -> str:
    """What was said in warnings: commands of earlier tests may have let information through."""
    return "\n".join(record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR"))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def command(capfd: pytest.CaptureFixture[str], *arguments: Any, stdin: bytes | None = None) -> tuple[int, str, list[str]]:
    """Exit status, output, and lines of stderr but for progress bars and warnings."""
    from headstart.cli import main

    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patched:
        if stdin is not None:
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        try:
            status = main([str(each) for each in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
    output, errors = capfd.readouterr()
    lines = [line for line in errors.replace("\r", "\n").splitlines() if line.strip() and "%|" not in line]
    return status, output, [line for line in lines if not line.startswith(("WARNING", "[transformers]", "INFO"))]


def command_refused(capfd: pytest.CaptureFixture[str], *arguments: Any, names: tuple[str, ...] = (), **options: Any) -> str:
    """Exit status 2, and one line on stderr that names the thing."""
    status, output, errors = command(capfd, *arguments, **options)
    assert status == 2, (status, output, errors)
    said = [line for line in errors if not line.startswith(("usage:", " "))]
    assert len(said) == 1, errors
    check_message(said[0], *names)
    return said[0]


@contextmanager
def limit(seconds: float = SECONDS) -> Iterator[None]:
    """Fail what hangs. The exception is none that a test could take for a refusal."""

    def stop(*_: Any) -> None:
        pytest.fail(f"still not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
