"""`headstart serve` asked by clients that others wrote: Wyoming's here; OVOS, opsdroid and a bare environment in environments of their own, which pip fills."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wyoming.asr import Transcript
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize

from headstart import export, finetune
from headstart.onnx import OnnxNLU
from headstart.serving.options import ServeOptions
from headstart.serving.service import Service
from headstart.serving.wyoming_server import wyoming_server

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from test_serving import exports, free_port, wait_for  # noqa: F401  # the first one is a fixture

ROOT = Path(__file__).parent.parent
ORDER, AWAY = "a large latte with oat milk please", "who won the match last night"


def ask_wyoming(service: Service, uri: str, events: list[Event]) -> list[Event]:
    """The answers to some events, one after the other on one connection of Wyoming's own client."""

    async def run() -> list[Event]:
        await service.start()
        found = []
        async with wyoming_server(service, uri), AsyncClient.from_uri(uri) as client:
            for event in events:
                await client.write_event(event)
                answer = await asyncio.wait_for(client.read_event(), 30)
                assert answer is not None
                found.append(answer)
        await service.stop()
        return found

    return asyncio.run(run())


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
def test_wyomings_client(exports: dict[str, Path], tmp_path: Path, scheme: str) -> None:  # noqa: F811
    service = Service(ServeOptions(tuple(map(str, exports.values())), reload_seconds=0, max_chars=2000, language="en"))
    uri = f"tcp://127.0.0.1:{free_port()}" if scheme == "tcp" else f"unix://{tmp_path}/socket"
    texts = [ORDER, "brew", "", "water the ferns", "cancel it", "Ünïcode 🙂"]
    requests = [Recognize(text, context={"id": number}) if number % 2 else Transcript(text) for number, text in enumerate(texts)]
    broken = [Event("recognize"), Recognize("x" * 2001).event()]
    info, *found = ask_wyoming(service, uri, [Describe().event(), *(request.event() for request in requests), *broken])

    (program,) = Info.from_event(info).intent
    assert program.installed and [model.name for model in program.models] == list(exports)
    assert all(model.installed and model.languages == ["en"] for model in program.models)
    answers = asyncio.run(answers_of(Service(service.options), texts))
    kinds = set()
    for number, (event, answer) in enumerate(zip(found, answers, strict=False)):
        kinds.add(event.type)
        if answer["intent"]["label"] is None:
            assert NotRecognized.from_event(event).text == texts[number]
        else:
            intent = Intent.from_event(event)
            assert intent.name == answer["intent"]["label"]
            assert [entity.name for entity in intent.entities] == [slot["label"] for slot in answer["slots"]]
        assert event.data.get("context") == ({"id": number} if number % 2 else None)
    assert kinds == {"intent", "not-recognized"}
    assert [Error.from_event(event).code for event in found[len(texts) :]] == ["bad-request", "422"]


async def answers_of(service: Service, texts: list[str]) -> list[Any]:
    await service.start()
    answers = await service.answer(texts)
    await service.stop()
    return answers


# In environments of their own.


@pytest.fixture(scope="session")
def coffee_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The coffee machine, trained as a user would, and exported."""
    folder = tmp_path_factory.mktemp("coffee")
    finetune(str(ROOT / "examples" / "coffee_machine"), folder / "model", disable_tqdm=True)
    return export(str(folder / "model"), folder / "coffee-onnx")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a copy: setuptools leaves a folder in the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    packed = subprocess.run(
        ["tar", "--null", "-T", "-", "-cf", "-"], cwd=ROOT, input=names.stdout, capture_output=True, check=True
    )
    (folder / "source").mkdir()
    subprocess.run(["tar", "-xf", "-"], cwd=folder / "source", input=packed.stdout, check=True)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), "./source"]
    subprocess.run(build, cwd=folder, check=True)
    (found,) = folder.glob("headstart-*.whl")
    return found


@pytest.fixture
def environment(tmp_path: Path, wheel: Path) -> Callable[..., Path]:
    """Makes an environment with some packages, and headstart without what it depends on, and gives its Python."""

    def make(*packages: str) -> Path:
        python = tmp_path / "environment" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
        pip(python, *packages)
        pip(python, "--no-deps", "--no-index", str(wheel))
        return python

    return make


def pip(python: Path, *arguments: str) -> None:
    done = subprocess.run([str(python), "-m", "pip", "install", "-q", *arguments], capture_output=True, text=True, check=False)
    if done.returncode and re.search("Temporary failure|No matching distribution|ConnectionError", done.stderr):
        pytest.skip(f"needs packages of PyPI: {done.stderr.strip().splitlines()[-1][:200]}")
    assert done.returncode == 0, done.stderr


@contextmanager
def server(*command: str, **environment: str) -> Iterator[int]:
    """A server, by its command without the port; the port."""
    port = free_port()
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **environment}
    process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.PIPE, text=True, env=variables)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=60)


def run(python: Path, code: str, *arguments: object, **environment: str) -> Any:
    """What a program prints in its last line, as JSON."""
    done = subprocess.run(
        [str(python), "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


OURS = "import sys; from headstart.cli import main; sys.exit(main())"
ASK = """
import json, sys, urllib.request
body = json.dumps({"text": json.loads(sys.argv[2])}).encode()
print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/parse", body).read().decode())
"""
OPSDROID = """
import asyncio, gettext, json, sys
gettext.install("opsdroid")  # as its command does
from opsdroid.core import OpsDroid
from opsdroid.events import Message
from opsdroid.matchers import match_rasanlu
from opsdroid.parsers.rasanlu import parse_rasanlu, rasa_usable

config = {"url": f"http://127.0.0.1:{sys.argv[1]}", "token": sys.argv[2], "min-score": 0.5, "train": False}
heard = []

async def main():
    with OpsDroid(config={}, loopless=True) as opsdroid:
        @match_rasanlu("BrewCoffee")
        async def brew(opsdroid, config, message):
            heard.append({name: entity["value"] for name, entity in message.entities.items()})

        @match_rasanlu("nlu_fallback")
        async def other(opsdroid, config, message):
            heard.append("fallback")

        for function in (brew, other):
            function.config = {}
            opsdroid.skills.append(function)
        usable = await rasa_usable(config)
        for text in json.loads(sys.argv[3]):
            for found in await parse_rasanlu(opsdroid, opsdroid.skills, Message(text), config):
                await found["skill"](opsdroid, found["config"], found["message"])
        wrong = await parse_rasanlu(opsdroid, opsdroid.skills, Message("a latte"), {**config, "token": "another"})
    print(json.dumps([usable, heard, len(wrong)]))

asyncio.run(main())
"""
OVOS = """
import json, sys, threading
from ovos_bus_client.message import Message
from ovos_bus_client.session import Session
from ovos_core.intent_services import IntentService
from ovos_utils.fakebus import FakeBus
from ovos_workshop.skills import OVOSSkill

heard, done = [], threading.Event()

class Coffee(OVOSSkill):
    def initialize(self):
        self.add_event(f"{self.skill_id}:brew.intent", self.brew)

    def brew(self, message):
        heard.append({name: message.data.get(name) for name in ("size", "drink", "milk", "utterance")})

bus = FakeBus()
service = IntentService(bus, preload_pipelines=True)
plugin = service.pipeline_plugins["headstart-pipeline-plugin"]
skill = Coffee(skill_id="coffee.example", bus=bus)
for name in ("complete_intent_failure", "coffee.example:brew.intent"):
    bus.on(name, lambda message: heard.append(message.msg_type))
pipeline = [f"headstart-pipeline-plugin-{level}" for level in ("high", "medium", "low")]
for text, lang in json.loads(sys.argv[1]):
    session = Session("tried", pipeline=pipeline, lang=lang)
    service.handle_utterance(Message("recognizer_loop:utterance", {"utterances": [text], "lang": lang}, {"session": session.serialize()}))
print(json.dumps(heard))
"""


@pytest.mark.slow
def test_opsdroids_matcher_for_rasa(coffee_export: Path, environment: Any) -> None:
    python = environment("opsdroid==0.31.0", "setuptools<80")  # which has the pkg_resources that it imports
    key = "a-key-of-some-length"
    with server(sys.executable, "-c", OURS, "serve", str(coffee_export), HEADSTART_API_KEY=key) as port:
        usable, heard, wrong = run(python, OPSDROID, port, key, json.dumps([ORDER, AWAY]))
    slots = {slot["label"]: slot["value"] for slot in OnnxNLU(coffee_export)(ORDER)["slots"]}
    assert usable and slots and heard == [slots, "fallback"] and wrong == 0


@pytest.mark.slow
def test_a_pipeline_of_ovos(coffee_export: Path, environment: Any, tmp_path: Path) -> None:
    python = environment("ovos-core==2.1.1", "onnxruntime", "numpy", "tokenizers", "safetensors", "rapidfuzz", "jellyfish")
    config = {
        "model": str(coffee_export),
        "skill_ids": {"coffee_machine": "coffee.example"},
        "intents": {"BrewCoffee": "brew.intent"},
    }
    home = tmp_path / "config" / "mycroft"
    home.mkdir(parents=True)
    (home / "mycroft.conf").write_text(json.dumps({"intents": {"headstart-pipeline-plugin": config}, "lang": "en-US"}))
    places = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "CACHE", "STATE")}
    asked = [(ORDER, "en-US"), (AWAY, "en-US"), (ORDER, "de-DE")]
    heard = run(python, OVOS, json.dumps(asked), **places, HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    slots = {"size": "large", "drink": "latte", "milk": "oat milk", "utterance": ORDER}
    assert [entry for entry in heard if not isinstance(entry, str)] == [slots]
    assert [entry for entry in heard if isinstance(entry, str)] == [
        "coffee.example:brew.intent",
        *["complete_intent_failure"] * 2,
    ]


@pytest.mark.slow
def test_the_image_has_what_an_exported_skill_needs_and_is_small(coffee_export: Path, wheel: Path, tmp_path: Path) -> None:
    """The Dockerfile's own commands, but for the place, and headstart being the wheel."""
    folder, packages = ROOT / "docker", tmp_path / "packages"
    said = (folder / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [line.removeprefix("RUN ") for line in said.splitlines() if line.startswith("RUN ")]
    for command in commands:
        here = command.replace("/packages", str(packages)).replace("--no-deps headstart", f"--no-deps --no-index {wheel}")
        here = re.sub(r"^pip ", f"{shlex.quote(sys.executable)} -m pip --isolated ", here)
        done = subprocess.run(here, shell=True, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    size = sum(file.stat().st_size for file in packages.rglob("*") if file.is_file())
    assert size < 150e6, size
    base = Path(os.path.realpath(sys.executable))  # not the environment's own
    alone = {"PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}
    code = (
        "import importlib.util as found; print([name for name in ('torch', 'transformers', 'datasets') if found.find_spec(name)])"
    )
    assert run(base, code, **alone) == []
    with server(str(base), "-c", OURS, "serve", str(coffee_export), **alone) as port:
        answers = run(base, ASK, port, json.dumps([ORDER, AWAY]))
    assert answers == OnnxNLU(coffee_export)([ORDER, AWAY])
    assert answers[0]["intent"]["label"] == "BrewCoffee" and answers[0]["slots"][0]["resolution"]
