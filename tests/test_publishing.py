"""Pushing and pulling with the real client, against a hub on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headstart import export
from headstart.onnx import OnnxNLU

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from hub_server import Fault, HubServer

COMMAND = "import sys; from headstart.cli import main; sys.exit(main(sys.argv[1:]))"
PUSH = """
import sys
from headstart.publishing import push
try:
    print(push(sys.argv[1], sys.argv[2], **eval(sys.argv[3]) if len(sys.argv) > 3 else {}))
except (OSError, ValueError) as error:
    sys.exit(f"headstart: {error}")
"""  # as the command does, without waiting for torch


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer({"hf_alice": "alice", "hf_bob": "bob"}) as server:
        yield server


@pytest.fixture
def run(hub: HubServer, tmp_path: Path) -> Any:
    """Run Python in a process of its own, as a client of the hub: its settings are read when it is imported."""

    def run(code: str, *arguments: Any, token: str | None = "hf_alice", **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1",
        } | environment  # fmt: skip
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        if token is not None:
            settings["HF_TOKEN"] = token
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=inherited | settings, check=False, timeout=300)

    return run


def test_a_checkpoint_is_pushed_and_loaded(hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    (tiny_base / "training_args.bin").write_bytes(b"a pickle")
    (tiny_base / "checkpoint-5").mkdir(exist_ok=True)
    (tiny_base / "checkpoint-5" / "config.json").write_text("{}")
    try:
        done = run(COMMAND, "push", tiny_base, "alice/tiny", "--message", "first")
    finally:
        (tiny_base / "training_args.bin").unlink()
        (tiny_base / "checkpoint-5" / "config.json").unlink()
        (tiny_base / "checkpoint-5").rmdir()
    assert done.returncode == 0 and done.stdout.startswith(f"{hub.url}/alice/tiny/commit/"), done.stderr
    assert "not published: checkpoint-5, training_args.bin" in done.stderr
    files = hub.files("alice/tiny")
    assert files["model.safetensors"] == (tiny_base / "model.safetensors").read_bytes()
    assert {path for path in files if path != ".gitattributes"} == {path.name for path in tiny_base.iterdir() if path.is_file()}
    code = (
        "import sys, json; import headstart; from transformers import pipeline; "
        "print(json.dumps(pipeline('joint-nlu', model='alice/tiny', skill='travel')('to paris')))"
    )
    answer = run(code, token=None)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == json.loads(run(COMMAND, "predict", tiny_base, "--skill", "travel", "to paris").stdout)

    # The same once more is no commit; a branch and a tag keep their states.
    commits = len(hub.repos["alice/tiny"].commits)
    assert run(PUSH, tiny_base, "alice/tiny").returncode == 0
    assert len(hub.repos["alice/tiny"].commits) == commits


def test_a_branch_and_a_private_repository(hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    assert run(PUSH, tiny_base, "tiny", {"private": True, "revision": "next"}).returncode == 0
    repo = hub.repos["alice/tiny"]
    assert repo.private and sorted(repo.branches) == ["main", "next"]
    assert "model.safetensors" in hub.files("alice/tiny", "next") and "model.safetensors" not in hub.files("alice/tiny")
    code = "import sys; from headstart import HeadstartForJointNLU as H; print(H.from_pretrained('alice/tiny', revision='next').skills)"
    assert run(code).stdout == "['travel', 'bank', 'tables']\n"
    assert run(code, token="hf_bob", HF_HOME=str(tmp_path / "bob")).returncode != 0
    done = run(PUSH, tiny_base, "alice/tiny", token="hf_bob")
    assert done.returncode == 1 and done.stderr.strip().count("\n") == 0
    assert "this token may not write" in done.stderr or "is not there, or is private" in done.stderr


def test_an_exported_skill(hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    assert export(str(tiny_base), tmp_path / "travel", "travel")
    done = run(PUSH, tmp_path / "travel", "alice/travel-onnx")
    assert done.returncode == 0, done.stderr
    code = "import sys; from huggingface_hub import snapshot_download; print(snapshot_download('alice/travel-onnx'))"
    folder = Path(run(code, token=None).stdout.strip())
    assert OnnxNLU(folder)("to paris") == OnnxNLU(tmp_path / "travel")("to paris")
    done = run(PUSH, tiny_base, "alice/travel-onnx")
    assert done.returncode == 1 and "alice/travel-onnx holds an exported skill already; push to another name" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("alice/x",), {"token": None}, "there is no token for the hub"),
        (("alice/x",), {"token": "hf_stolen"}, "doesn't accept the token"),
        (("bob/x",), {}, "may not write to bob/x"),
        (("a/b/c",), {}, "is no name of a repository"),
        (("alice/x",), {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        (("alice/x",), {"HF_ENDPOINT": "http://127.0.0.1:9"}, "can't be reached"),
    ],
)
def test_what_keeps_a_push_from_going_through(
    run: Any, tiny_base: Path, arguments: tuple[str, ...], options: dict[str, Any], message: str
) -> None:
    done = run(PUSH, tiny_base, *arguments, **options)
    assert done.returncode == 1, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("headstart: ")]
    assert len(said) == 1 and message in said[0], done.stderr


@pytest.mark.parametrize(
    "fault",
    [Fault("PUT", "/objects/", 400, times=9), Fault("POST", "/commit/", 500, times=9), Fault("POST", "/commit/", 412)],
    ids=["the upload is refused", "the commit fails", "somebody was faster"],
)
def test_a_push_that_breaks_off_leaves_the_hub_as_it_was(hub: HubServer, run: Any, tiny_base: Path, fault: Fault) -> None:
    with hub.failing(fault):
        done = run(PUSH, tiny_base, "alice/tiny")
    assert done.returncode == 1 and "push again" in done.stderr, done.stderr
    assert list(hub.files("alice/tiny")) == [".gitattributes"]
    assert run(PUSH, tiny_base, "alice/tiny").returncode == 0
    assert "model.safetensors" in hub.files("alice/tiny")


def test_a_dropped_connection_is_tried_again(hub: HubServer, run: Any, tiny_base: Path) -> None:
    with hub.failing(Fault("PUT", "/objects/", 0)):
        done = run(PUSH, tiny_base, "alice/tiny")
    assert done.returncode == 0, done.stderr
    assert hub.files("alice/tiny")["model.safetensors"] == (tiny_base / "model.safetensors").read_bytes()


def test_what_is_no_model(run: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    for folder, message in ((tmp_path, "its model_type is 'bert'"), (tmp_path / "none", "no folder")):
        done = run(PUSH, folder, "alice/x")
        assert done.returncode == 1 and message in done.stderr, done.stderr
