"""One flipped bit in any file that an answer depends on is found when it is loaded: in a checkpoint, a head and an exported skill.

README.md, metrics.json and run.json change no answer and are left out. A checkpoint's copies of the code change none where the package is
installed: there a push finds it, and loading does where the copies are what is run.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartForJointNLU, NLUPipeline, export
from headstart.hub.push import push
from headstart.loading import load_pipeline
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs
from headstart.modeling.folders_headstart import CARD, CHECKPOINT, KINDS, METRICS, RUN, kind_of
from headstart.modeling.integrity_headstart import read_seal
from headstart.onnx import OnnxNLU

KINDS_OF = {"checkpoint": "config.json", "head": "head.json", "export": "headstart.json"}


class Cafe:
    name, intents, slots = "cafe", ["order", "stop"], ["drink", "size"]


@pytest.fixture(scope="module")
def models(
    tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A checkpoint, a head and an exported skill, with catalogs and all else that there can be."""
    root, model = tmp_path_factory.mktemp("models"), copy.deepcopy(tiny_model)
    catalogs = tokenize_catalogs({"drink": ["latte"], "size": ["small", "large"]}, tokenizer)
    model.add_skill(Cafe(), rank=2, routes=True, catalogs=catalogs, rejects=True, label_priors={"order": ["drink"]})
    nlu = NLUPipeline(model=model.eval(), tokenizer=tokenizer)
    nlu.save_pretrained(root / "checkpoint")
    model.save_skill("cafe", root / "head")
    export(nlu, root / "export", "cafe")
    return root


def covered(folder: Path) -> list[str]:
    """All files but those that no answer depends on."""
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in (CARD, METRICS, RUN))


def flipped(file: Path, places: int) -> Iterator[str]:
    """The file with one bit flipped, as often as there are places; then as it was."""
    content = file.read_bytes()
    draw = random.Random(file.name)
    for _ in range(places):
        changed = bytearray(content)
        place, bit = draw.randrange(len(content)), draw.randrange(8)
        changed[place] ^= 1 << bit
        file.write_bytes(changed)
        yield f"bit {bit} of byte {place} of {file.name}"
    file.write_bytes(content)


def look_at_every_file(kind: str, models: Path, folder: Path, tiny_base: Path, places: int) -> None:
    shutil.copytree(models / kind, folder)
    trunk = HeadstartForJointNLU.from_pretrained(tiny_base)
    load = {"checkpoint": load_pipeline, "head": trunk.load_skill, "export": OnnxNLU}[kind]
    names = covered(folder)
    assert {*read_seal(folder, kind_of(folder) or CHECKPOINT).hashes, KINDS_OF[kind]} == set(names)
    for name in names:
        if name.endswith("_headstart.py"):
            continue
        for place in flipped(folder / name, places):
            try:
                load(folder)
            except (ValueError, OSError) as error:
                assert str(folder) in str(error) or name in str(error), place
            else:
                pytest.fail(f"not found: {place}")
    load(folder)


@pytest.mark.parametrize("kind", KINDS_OF)
def test_a_flipped_bit_in_any_file_is_found(kind: str, models: Path, tiny_base: Path, tmp_path: Path) -> None:
    look_at_every_file(kind, models, tmp_path / kind, tiny_base, 4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS_OF)
def test_a_flipped_bit_in_a_hundred_places_of_any_file_is_found(kind: str, models: Path, tiny_base: Path, tmp_path: Path) -> None:
    look_at_every_file(kind, models, tmp_path / kind, tiny_base, 100)


def look_at_the_code(models: Path, folder: Path, places: int) -> None:
    shutil.copytree(models / "checkpoint", folder)
    code = [name for name in covered(folder) if name.endswith("_headstart.py")]
    assert len(code) > 20
    for name in code:
        for place in flipped(folder / name, places):
            with pytest.raises(ValueError, match=f"{name} is not what config.json was saved with"):
                push(folder, "alice/it", token="hf_none")
                pytest.fail(f"not found: {place}")


def test_a_flipped_bit_in_the_code_is_not_published(models: Path, tmp_path: Path) -> None:
    look_at_the_code(models, tmp_path / "checkpoint", 2)


@pytest.mark.slow
def test_a_flipped_bit_in_a_hundred_places_of_the_code_is_not_published(models: Path, tmp_path: Path) -> None:
    look_at_the_code(models, tmp_path / "checkpoint", 100)


WITHOUT_PACKAGE = """
import json, random, sys
from pathlib import Path

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("headstart", "modeling", "tokenization"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from transformers import pipeline

folder, places = Path(sys.argv[1]), int(sys.argv[2])

def load():
    for name in [name for name in sys.modules if name.startswith("transformers_modules")]:
        del sys.modules[name]
    return pipeline("joint-nlu", model=str(folder), trust_remote_code=True)

load()
missed, said = [], 0
for file in sorted(folder.glob("*_headstart.py")):
    content, draw = file.read_bytes(), random.Random(file.name)
    starts = [place for place in range(len(content)) if content[place : place + 4] == b"the "]  # in words: code as before, or another one
    for place in draw.sample(starts, min(places, len(starts))):
        file.write_bytes(content[:place] + b"tho " + content[place + 4 :])
        try:
            load()
            missed.append(f"{file.name} {place}")
        except Exception as error:
            said += f"{file.name} is not what config.json was saved with" in str(error)
    file.write_bytes(content)
load()
print(json.dumps([missed, said]))
"""


@pytest.mark.slow
def test_changed_code_is_found_where_it_is_what_is_run(models: Path, tmp_path: Path, zygote: Any, client: Any) -> None:
    folder = shutil.copytree(models / "checkpoint", tmp_path / "checkpoint")
    environment = {**client(), "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    done = zygote.run(WITHOUT_PACKAGE, folder, 4, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    missed, said = json.loads(done.stdout.splitlines()[-1])
    assert missed == [] and said > 60


@pytest.mark.parametrize("kind", KINDS_OF)
def test_no_flipped_bit_hides_the_table_of_hashes(kind: str, models: Path, tmp_path: Path) -> None:
    """Every bit of its name, of its own entry's name and of its own hash."""
    folder = Path(shutil.copytree(models / kind, tmp_path / kind))
    mark = folder / KINDS_OF[kind]
    content = mark.read_bytes()
    found = kind_of(folder)
    assert found is not None and found in KINDS.values()
    hashes = json.loads(content)["sha256"]
    for words in (b'"sha256": {', f'"{mark.name}": "{hashes[mark.name]}"'.encode()):
        start = content.index(words)
        for place in range(start, start + len(words)):
            for bit in range(8):
                changed = bytearray(content)
                changed[place] ^= 1 << bit
                mark.write_bytes(changed)
                with pytest.raises(ValueError):
                    read_seal(folder, found)
                    pytest.fail(f"not found: bit {bit} of byte {place - start} of {words.decode()}")
    mark.write_bytes(content)
    read_seal(folder, found)
