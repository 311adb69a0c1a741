"""Pushing and pulling with the real client, against a hub on this machine."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from headstart import Skill, export, finetune
from headstart.hub.push import push
from headstart.loading import load_pipeline
from headstart.onnx import OnnxNLU

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from hub_server import DROPPED, HELD, Fault, HubServer

COMMAND = "import sys; from headstart.cli import main; sys.exit(main(sys.argv[1:]))"
COMMANDS = "import json, sys; from headstart.cli import main; sys.exit(sum(map(main, json.loads(sys.argv[1]))))"
PUSH = """
import sys
from headstart.hub.push import push
try:
    print(push(sys.argv[1], sys.argv[2], **eval(sys.argv[3]) if len(sys.argv) > 3 else {}))
except (OSError, ValueError) as error:
    sys.exit(f"headstart: {error}")
"""  # as the command does, without waiting for torch

PUSHES = """
import json, sys
from headstart.hub.push import push
for model, repo, options in json.loads(sys.argv[1]):
    try:
        print(push(model, repo, **options))
    except (OSError, ValueError) as error:
        print(error)
"""


def test_cards_are_valid_for_a_hub(run: Any, root: Path, coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path / "head", base=str(tiny_base), tune="head", max_steps=2, disable_tqdm=True, dataset="me/coffee")
    wrong = tmp_path / "wrong.md"
    wrong.write_text("---\nlicense: My own\ndatasets: [a/b/c]\n---\n# lamp\n")
    cards = [
        *(path for path in (root / "model_cards").glob("*.md") if "template" not in path.name),
        tmp_path / "head" / "README.md",
        wrong,
    ]
    code = (
        "import sys\n"
        "from huggingface_hub import ModelCard\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        print(ModelCard(open(path).read()).validate())\n"
        "    except ValueError as error:\n"
        "        print(str(error).count('is not allowed'), 'errors')\n"
    )
    assert run(code, *cards).stdout.split("\n")[:-1] == ["None"] * (len(cards) - 1) + ["2 errors"]


def test_a_checkpoint_is_pushed_and_loaded(hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "model")
    more = ("training_args.bin", "trainer_state.json", "credentials.json", "script.py", "checkpoint-5/config.json")
    for name in more:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    done = run(COMMAND, "push", folder, "alice/tiny", "--message", "first")
    assert done.returncode == 0 and done.stdout.startswith(f"{hub.url}/alice/tiny/commit/"), done.stderr
    assert "not published: checkpoint-5, credentials.json, script.py, trainer_state.json, training_args.bin" in done.stderr
    files = hub.files("alice/tiny")
    made = {".gitattributes", "handler.py", "requirements.txt"}
    assert set(files) - made == {path.name for path in tiny_base.iterdir() if path.is_file()} and made < set(files)
    assert all(content == (folder / path).read_bytes() for path, content in files.items() if path not in made)

    # Whoever lacks the package can load it too.
    code = (
        "import json; from transformers import pipeline; "
        "nlu = pipeline('joint-nlu', model='alice/tiny', skill='travel', trust_remote_code=True); print(json.dumps(nlu('to paris')))"
    )
    answer = run(code, token=None)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == load_pipeline(str(tiny_base))("to paris", skill="travel")

    # What an endpoint does with what it downloaded.
    code = (
        "import json, sys; from huggingface_hub import snapshot_download; folder = snapshot_download('alice/tiny'); sys.path.insert(0, folder); "
        "from handler import EndpointHandler; handler = EndpointHandler(folder); parameters = {'skill': 'travel'}; "
        "print(json.dumps([handler({'inputs': given, 'parameters': parameters}) for given in ('to paris', ['to paris', 'to rome'])]))"
    )
    answer = run(code, token=None)
    assert answer.returncode == 0, answer.stderr
    nlu = load_pipeline(str(tiny_base))
    assert json.loads(answer.stdout)[0] == nlu("to paris", skill="travel")
    assert [one["text"] for one in json.loads(answer.stdout)[1]] == ["to paris", "to rome"]
    named = files["requirements.txt"].decode()
    assert re.search("^transformers[<>]", named, re.MULTILINE) and "marisa-trie" in named and "torch" not in named

    commits = len(hub.repos["alice/tiny"].commits)
    assert run(PUSH, folder, "alice/tiny").returncode == 0
    assert len(hub.repos["alice/tiny"].commits) == commits  # the same once more is no commit


def test_a_private_repository_and_a_branch_of_it(hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    private = {"private": True, "token": "hf_alice"}
    assert run(PUSH, tiny_base, "tiny", private, token=None).returncode == 0
    folder = shutil.copytree(tiny_base, tmp_path / "model")
    (folder / "README.md").write_text("a card")
    done = run(PUSH, folder, "tiny", {**private, "revision": "next"}, token=None)
    assert done.returncode == 0, done.stderr
    repo = hub.repos["alice/tiny"]
    assert repo.private and sorted(repo.branches) == ["main", "next"]
    assert hub.files("alice/tiny", "next")["README.md"] == b"a card" and "README.md" not in hub.files("alice/tiny")
    code = "from huggingface_hub import hf_hub_download as load; print(load('alice/tiny', 'README.md', revision='next'))"
    assert Path(run(code).stdout.strip()).read_text() == "a card"
    assert run(code, token="hf_bob", HF_HOME=str(tmp_path / "bob")).returncode != 0
    done = run(PUSH, tiny_base, "alice/tiny", token="hf_bob")
    assert done.returncode == 1 and "this token may not write to alice/tiny" in done.stderr


def test_what_shall_be_private_is_not_published(hub: HubServer, run: Any, tiny_base: Path) -> None:
    code = "from huggingface_hub import create_repo; create_repo('tiny')"
    assert run(code).returncode == 0
    done = run(PUSH, tiny_base, "alice/tiny", {"private": True})
    assert done.returncode == 1 and "alice/tiny is there already, and public" in done.stderr
    assert list(hub.files("alice/tiny")) == [".gitattributes"]


def test_an_exported_skill(hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    assert export(str(tiny_base), tmp_path / "travel", "travel")
    done = run(PUSH, tmp_path / "travel", "alice/travel-onnx")
    assert done.returncode == 0, done.stderr
    code = "import sys; from huggingface_hub import snapshot_download; print(snapshot_download('alice/travel-onnx'))"
    folder = Path(run(code, token=None).stdout.strip())
    assert OnnxNLU(folder)("to paris") == OnnxNLU(tmp_path / "travel")("to paris")
    asked = run(COMMAND, "predict", "alice/travel-onnx", "to paris", token=None, HF_HOME=str(tmp_path / "another"))
    assert asked.returncode == 0 and json.loads(asked.stdout) == OnnxNLU(tmp_path / "travel")("to paris"), asked.stderr
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from handler import EndpointHandler; "
        "print(json.dumps(EndpointHandler(sys.argv[1])({'inputs': 'to paris'})))"
    )
    answer = run(code, folder, token=None)
    assert answer.returncode == 0 and json.loads(answer.stdout) == OnnxNLU(folder)("to paris"), answer.stderr
    assert hub.files("alice/travel-onnx")["requirements.txt"].startswith(b"headstart[onnx]==")
    (tmp_path / "travel" / "handler.py").write_text("# my own\n")
    assert run(PUSH, tmp_path / "travel", "alice/travel-onnx").returncode == 0
    assert hub.files("alice/travel-onnx")["handler.py"] == b"# my own\n"
    for branch in (None, "next"):
        done = run(PUSH, tiny_base, "alice/travel-onnx", {"revision": branch})
        assert done.returncode == 1 and "alice/travel-onnx holds an exported skill already; push to another name" in done.stderr
    assert list(hub.repos["alice/travel-onnx"].branches) == ["main"]


MAKE_HEADS = """
import sys
from types import SimpleNamespace
import torch
from headstart import HeadstartForJointNLU
model = HeadstartForJointNLU.from_pretrained(sys.argv[1])
for number, name in enumerate(("lamp", "door", "radio")):
    skill = SimpleNamespace(name=name, intents=["on", "off"], slots=["room"])
    model.add_skill(skill, rank=2, routes=True, rejects=True, catalogs={"room": [[5], [6, 7]]})
    for modules in (model.classifiers, model.adapters, model.gazetteers, model.routers):
        for parameter in modules[name].parameters():
            torch.nn.init.normal_(parameter, std=0.3)
model.save_skill("lamp", sys.argv[2])
"""
ASK_HEADS = """
import hashlib
batch = {"input_ids": torch.tensor([[5, 6, 7, 8], [9, 4, 0, 0]]), "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])}
model.eval()
for name in ("lamp", "door", "radio"):
    outputs = model(**batch, skill_ids=model.skill_ids([name, name]))
    scores = [outputs.intent_logits, outputs.slot_logits, outputs.reject_logits, model.route(**batch, skills=[name])]
    print(hashlib.sha256(b"".join(score.detach().numpy().tobytes() for score in scores)).hexdigest())
"""
PUSH_HEADS = """
model.push_skill_to_hub("lamp", "alice/lamp", metrics={"exact_match": 0.5})
model.push_skill_to_hub("door", "alice/heads", path_in_repo="door")
model.push_skill_to_hub("radio", "alice/heads", path_in_repo="radio", revision="next")
"""
MISSING_HEAD = """
try:
    model.load_skill("alice/heads", "window")
except ValueError as error:
    print(error, file=sys.stderr)
"""
PULL_HEADS = """
model.load_skill("alice/lamp")
model.load_skill("alice/heads", "door")
model.load_skill("alice/heads", "radio", revision="next")
"""
WITHOUT_PACKAGE = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "headstart":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import torch
from transformers import AutoModel
model = AutoModel.from_pretrained("alice/base", trust_remote_code=True)
assert type(model).__module__.startswith("transformers_modules")
"""
WITH_PACKAGE = """
import sys, torch
from headstart import HeadstartForJointNLU
model = HeadstartForJointNLU.from_pretrained(sys.argv[1])
"""


def test_heads_are_pushed_and_pulled_with_the_package_and_without(
    hub: HubServer, run: Any, tiny_base: Path, tmp_path: Path
) -> None:
    pushed = run(MAKE_HEADS + ASK_HEADS + PUSH_HEADS, tiny_base, tmp_path / "lamp")
    assert pushed.returncode == 0, pushed.stderr
    assert set(hub.files("alice/lamp")) == {".gitattributes", "head.json", "head.safetensors"}
    assert json.loads(hub.files("alice/lamp")["head.json"])["metrics"] == {"exact_match": 0.5}
    assert {path for path in hub.files("alice/heads", "next") if "/" in path} == {
        f"{name}/head.{kind}" for name in ("door", "radio") for kind in ("json", "safetensors")
    }
    assert run(PUSH, tiny_base, "alice/base").returncode == 0
    for code in (WITH_PACKAGE, WITHOUT_PACKAGE):
        pulled = run(
            code + PULL_HEADS + ASK_HEADS + MISSING_HEAD, tiny_base, token=None, HF_MODULES_CACHE=str(tmp_path / "modules")
        )
        assert pulled.returncode == 0, pulled.stderr
        assert pulled.stdout == pushed.stdout and len(pulled.stdout.split()) == 3
        assert "there is no head in 'alice/heads', skill 'window'" in pulled.stderr

    # The command publishes the folder of a head; a repository of one kind takes no other.
    done = run(COMMAND, "push", tmp_path / "lamp", "alice/heads", "--path_in_repo", "lamp")
    assert done.returncode == 0 and "lamp/head.json" in hub.files("alice/heads"), done.stderr
    # It asks the heads of a repository, too: one, or all that it holds; the second time from the cache.
    questions = [("alice/lamp", "lamp"), ("alice/heads", "door"), ("alice/heads", "lamp")]
    commands = [["predict", repo, "--base", str(tiny_base), "--skill", skill, "to paris"] for repo, skill in questions]
    for settings in ({}, {"HF_HUB_OFFLINE": "1"}):
        options = {"token": None, "HF_HOME": str(tmp_path / "another"), **settings}
        asked = run(COMMANDS, json.dumps(commands), **options)
        assert asked.returncode == 0, asked.stderr
        assert [json.loads(line)["skill"] for line in asked.stdout.splitlines()] == [skill for _, skill in questions]
    refused = (
        (tiny_base, "alice/lamp", {}, "alice/lamp holds a head already"),
        (tmp_path / "lamp", "alice/base", {}, "alice/base holds a Headstart checkpoint already"),
        (tiny_base, "alice/heads", {"path_in_repo": "x"}, "path_in_repo is for heads"),
        (tmp_path / "lamp", "alice/heads", {"path_in_repo": "a/b"}, "must be one folder's name"),
    )
    orders = json.dumps([[str(model), repo, options] for model, repo, options, _ in refused])
    errors = run(PUSHES, orders).stdout.splitlines()
    assert len(errors) == len(refused) and all(case[-1] in error for case, error in zip(refused, errors, strict=True)), errors


def test_a_push_and_a_pull_over_xet(launch: Any, run: Any, tiny_base: Path, tmp_path: Path) -> None:
    """Large files go in chunks to Xet's own store, and come back from it: hf_xet does that on this machine for an address that begins with local://."""
    pytest.importorskip("hf_xet")
    store = tmp_path / "store"
    store.mkdir()
    with HubServer({"hf_alice": "alice"}, xet=store) as hub:
        settings = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "0"}
        done = run(PUSH, tiny_base, "alice/tiny", **settings)
        assert done.returncode == 0, done.stderr
        assert not hub.objects and list(store.rglob("*.mdb"))
        code = "from huggingface_hub import snapshot_download; print(snapshot_download('alice/tiny'))"
        pulled = run(code, token=None, HF_HOME=str(tmp_path / "another"), **settings)
        assert pulled.returncode == 0, pulled.stderr
        folder = Path(pulled.stdout.strip())
        assert (folder / "model.safetensors").read_bytes() == (tiny_base / "model.safetensors").read_bytes()
        with hub.failing(Fault("GET", "xet-write-token", 503)):  # tried again
            assert run(PUSH, tiny_base, "alice/second", **settings).returncode == 0


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
    [Fault("PUT", "/objects/", 400, times=9), Fault("POST", "/commit/", 503, times=9), Fault("POST", "/commit/", 412)],
    ids=["the upload is refused", "the commit fails", "somebody was faster"],
)
def test_a_push_that_breaks_off_leaves_the_hub_as_it_was(hub: HubServer, run: Any, tiny_base: Path, fault: Fault) -> None:
    with hub.failing(fault):
        done = run(PUSH, tiny_base, "alice/tiny")
    assert done.returncode == 1 and "push again" in done.stderr, done.stderr
    assert list(hub.files("alice/tiny")) == [".gitattributes"]
    assert run(PUSH, tiny_base, "alice/tiny").returncode == 0
    assert "model.safetensors" in hub.files("alice/tiny")


def test_training_publishes_what_is_finished_and_no_pickle(
    hub: HubServer, run: Any, root: Path, tiny_base: Path, tmp_path: Path
) -> None:
    common = [
        "--skill",
        str(root / "examples/coffee_machine"),
        "--base",
        str(tiny_base),
        "--max_steps",
        "2",
        "--save_strategy",
        "steps",
    ]
    common += ["--save_steps", "1", "--push_to_hub", "true", "--hub_private_repo", "true", "--disable_tqdm", "true"]
    tunes = {"all": "model.safetensors", "head": "head.safetensors"}
    commands = [
        ["finetune", *common, "--tune", tune, "--output_dir", str(tmp_path / tune), "--hub_model_id", f"alice/{tune}"]
        for tune in tunes
    ]
    done = run(COMMANDS, json.dumps(commands))
    assert done.returncode == 0 and done.stderr.count("published: ") == 2, done.stderr
    for tune, name in tunes.items():
        files = hub.files(f"alice/{tune}")
        assert hub.repos[f"alice/{tune}"].private and {name, "README.md", "metrics.json"} <= set(files)
        assert not [path for path in files if path.endswith((".bin", ".pt", ".pth", ".pkl")) or "checkpoint-" in path]
        assert len(hub.repos[f"alice/{tune}"].commits) == 2  # the first one is the hub's own


def test_a_push_that_is_killed_leaves_the_hub_as_it_was(hub: HubServer, launch: Any, run: Any, tiny_base: Path) -> None:
    with hub.failing(Fault("PUT", "/objects/", HELD)), launch(PUSH, tiny_base, "alice/tiny") as process:
        assert hub.held.wait(100)  # in the middle of an upload
        process.kill()
    assert list(hub.files("alice/tiny")) == [".gitattributes"]
    assert run(PUSH, tiny_base, "alice/tiny").returncode == 0
    assert hub.files("alice/tiny")["model.safetensors"] == (tiny_base / "model.safetensors").read_bytes()


def test_a_dropped_connection_is_tried_again(hub: HubServer, run: Any, tiny_base: Path) -> None:
    with hub.failing(Fault("PUT", "/objects/", DROPPED)):
        done = run(PUSH, tiny_base, "alice/tiny")
    assert done.returncode == 0, done.stderr
    assert hub.files("alice/tiny")["model.safetensors"] == (tiny_base / "model.safetensors").read_bytes()


def test_what_the_hub_says_is_passed_on(hub: HubServer, run: Any, tiny_base: Path) -> None:
    with hub.failing(Fault("POST", "/branch/", 422)):
        done = run(PUSH, tiny_base, "alice/tiny", {"revision": "next"})
    assert done.returncode == 1 and "refused with status 422 (this goes wrong)" in done.stderr and "again" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", '{"model_type": "bert"}', "its model_type is 'bert'"),
        ("config.json", "[]", "holds no JSON object"),
        ("config.json", "{", "config.json' can't be read"),
        ("pipeline_headstart.py", None, "it lacks pipeline_headstart.py"),
        ("tokenizer_config.json", None, "it lacks tokenizer_config.json"),
        ("headstart.json", "{}", "holds a Headstart checkpoint (config.json) and an exported skill (headstart.json)"),
    ],
)
def test_what_is_no_complete_model(tiny_base: Path, tmp_path: Path, name: str, content: str | None, message: str) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "model")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        push(folder, "alice/x", token="hf_alice")
    with pytest.raises(ValueError, match="is no folder"):
        push(tmp_path / "none", "alice/x", token="hf_alice")


def test_several_heads_are_pushed_one_by_one(tmp_path: Path) -> None:
    for name in ("door", "lamp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "head.json").write_text("{}")
    with pytest.raises(ValueError, match=r"holds several heads \(door, lamp\): push them one by one, each with --path_in_repo"):
        push(tmp_path, "alice/x", token="hf_alice")
