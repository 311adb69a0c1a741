"""A model as a Space, pushed with the real client to a hub on this machine, and started from what was pushed."""

from __future__ import annotations

import copy
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from hub_server import File, HubServer, Repo
from test_web import runtime  # noqa: F401
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, Skill, export, finetune
from headstart.hub.space import space_files
from headstart.web.folder import export_web

COMMAND = "import sys; from headstart.cli import main; sys.exit(main(sys.argv[1:]))"


def metadata(hub: HubServer, name: str) -> Any:
    match = re.match(r"---\n(.*?)\n---", hub.files(name)["README.md"].decode(), re.DOTALL)
    assert match is not None
    return yaml.safe_load(match[1])


def test_a_model_is_pushed_as_a_space_and_another_takes_its_place(
    hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path
) -> None:
    done = run(COMMAND, "push", tiny_base, "alice/try-it", "--space", "--private")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.startswith(f"{hub.url}/") and hub.repos["alice/try-it"].sdk == "gradio" and hub.repos["alice/try-it"].private
    )
    files = hub.files("alice/try-it")
    assert {path for path in files if not path.startswith("model/")} == {
        ".gitattributes", "README.md", "app.py", "headstart_space.json", "requirements.txt"
    }  # fmt: skip
    assert files["model/model.safetensors"] == (tiny_base / "model.safetensors").read_bytes()
    assert metadata(hub, "alice/try-it")["app_file"] == "app.py" and b"headstart[demo,onnx]==" in files["requirements.txt"]
    compile(files["app.py"], "app.py", "exec")

    export(tiny_base, tmp_path / "bank", "bank")
    assert run(COMMAND, "push", tmp_path / "bank", "alice/try-it", "--space").returncode == 0
    inside = {path for path in hub.files("alice/try-it") if path.startswith("model/")}
    assert inside == {"model/headstart.json", "model/model.onnx", "model/tokenizer.json"}  # nothing of the checkpoint's stays


def test_a_page_is_pushed_as_static_files(hub: HubServer, run: Any, tiny_base: Path, runtime: Path, tmp_path: Path) -> None:  # noqa: F811
    export_web(tiny_base, tmp_path / "bank", "bank", runtime=runtime)
    (tmp_path / "bank" / "notes.txt").write_text("not for others")
    done = run(COMMAND, "push", tmp_path / "bank", "alice/page", "--space")
    assert done.returncode == 0, done.stderr
    files = hub.files("alice/page")
    written = {str(path.relative_to(tmp_path / "bank")) for path in (tmp_path / "bank").rglob("*") if path.is_file()}
    assert set(files) == (written - {"notes.txt"}) | {".gitattributes", "README.md", "headstart_space.json"}
    assert metadata(hub, "alice/page")["sdk"] == "static" == hub.repos["alice/page"].sdk


def test_somebody_elses_space_is_left_alone(hub: HubServer, run: Any, tiny_base: Path) -> None:
    repo = hub.repos["alice/mine"] = Repo("alice/mine", False, "gradio")
    repo.add("main", {"app.py": File(b"print(1)", False)}, "mine", "alice")
    done = run(COMMAND, "push", tiny_base, "alice/mine", "--space")
    assert done.returncode == 2 and "the Space alice/mine holds something else already (app.py)" in done.stderr
    assert hub.files("alice/mine") == {"app.py": b"print(1)"}
    done = run(COMMAND, "push", tiny_base, "alice/mine", "--space", "--revision", "x")
    assert done.returncode == 2 and "leave out --space" in done.stderr


def test_a_head_of_a_base_that_nobody_else_has_is_no_space(
    tiny_base: Path, coffee: Skill, tmp_path: Path, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase
) -> None:
    finetune(coffee, tmp_path / "head", base=str(tiny_base), tune="head", max_steps=2, disable_tqdm=True)
    with pytest.raises(ValueError, match="was trained on 'tiny-base', which is not embedded: a Space couldn't load it"):
        space_files(tmp_path / "head")
    NLUPipeline(model=copy.deepcopy(model), tokenizer=tokenizer).save_pretrained(tmp_path / "whole")
    assert "model/config.json" in space_files(tmp_path / "whole")[1]


@pytest.mark.slow
def test_what_is_pushed_answers(tiny_base: Path, tmp_path: Path) -> None:
    _, files = space_files(tiny_base)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    surroundings = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    url = f"http://127.0.0.1:{port}/gradio_api/call/ask"
    with subprocess.Popen([sys.executable, "app.py"], cwd=tmp_path, env=surroundings, start_new_session=True) as served:
        try:
            body = json.dumps({"data": ["to paris", "travel"]}).encode()
            for _ in range(600):
                time.sleep(0.5)
                assert served.poll() is None
                try:
                    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
                    event = json.load(urllib.request.urlopen(request))["event_id"]
                    break
                except urllib.error.URLError:
                    continue
            answer = urllib.request.urlopen(f"{url}/{event}").read().decode()
        finally:
            served.terminate()
    assert "event: complete" in answer and "hs-spans" in answer
