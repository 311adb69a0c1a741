"""What is written comes whole or not at all, and what is damaged is refused with one line."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from safetensors.torch import load_file

import headstart
from headstart import HeadstartForJointNLU, NLUPipeline, Skill, finetune
from headstart.loading import load_pipeline
from headstart.modeling import weights_headstart
from headstart.saving import newest_complete, written_aside

QUICK: dict[str, Any] = {"max_steps": 6, "per_device_train_batch_size": 16, "disable_tqdm": True, "use_cpu": True}


class Killed(BaseException):
    """As if the process had ended there."""


def fill(folder: Path, version: str, names: tuple[str, ...]) -> None:
    with written_aside(folder, "config", outdated=("old", "older")) as aside:
        for name in names:
            (aside / name).write_text(version)


def test_a_folder_is_old_or_new_or_no_model_wherever_its_writer_is_killed(tmp_path: Path) -> None:
    """Killed at each of the moves that put the files in their places."""
    replace, unlink = Path.replace, Path.unlink
    for moment in range(20):
        folder = tmp_path / str(moment)
        fill(folder, "first", ("config", "old", "older", "weights"))
        calls = 0

        def step(path: Path, *args: Any, moment: int = moment, original: Any = None, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > moment:
                raise Killed
            return original(path, *args, **kwargs)

        with (
            patch.object(Path, "replace", lambda self, *a, **k: step(self, *a, original=replace, **k)),
            patch.object(Path, "unlink", lambda self, *a, **k: step(self, *a, original=unlink, **k)),
        ):
            try:
                fill(folder, "second", ("config", "weights"))
            except Killed:
                pass
        contents = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
        if "config" in contents:
            assert contents in (
                {"config": "first", "old": "first", "older": "first", "weights": "first"},
                {"config": "second", "weights": "second"},
            )
        if calls <= moment:
            assert contents["config"] == "second" and moment == 5
            return
    pytest.fail("the writer never came to its end")


def test_what_fails_leaves_the_folder_as_it_was_and_what_was_killed_is_cleared_away(tmp_path: Path) -> None:
    fill(tmp_path, "first", ("config",))
    with pytest.raises(OSError, match="No space left"), written_aside(tmp_path, "config") as aside:
        (aside / "config").write_text("sec")
        raise OSError(28, "No space left on device")
    assert [path.name for path in tmp_path.iterdir()] == ["config"] and (tmp_path / "config").read_text() == "first"
    (tmp_path / ".unfinished-99999999-abc").mkdir()  # of a process that is no more
    (tmp_path / ".unfinished-99999999-abc" / "weights").write_text("half")
    (tmp_path / f".unfinished-{os.getpid()}-metrics.json").write_text("half")
    with pytest.raises(ValueError, match="config must be one of them"):
        fill(tmp_path, "third", ("weights",))
    fill(tmp_path, "second", ("config",))
    assert [path.name for path in tmp_path.iterdir()] == ["config"] and (tmp_path / "config").read_text() == "second"


@pytest.fixture
def checkpoint(tiny_model: HeadstartForJointNLU, tiny_base: Path, tmp_path: Path) -> Path:
    nlu = load_pipeline(tiny_base)
    assert isinstance(nlu, NLUPipeline)
    nlu.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def flip(file: Path, position: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def change(file: Path, **fields: Any) -> None:
    content = json.loads(file.read_text())
    content.pop("sha256")  # as whoever changes it deliberately would
    content.update(fields)
    file.write_text(json.dumps(content))


def without_hashes(folder: Path) -> Path:
    """As a checkpoint of an earlier version is."""
    content = json.loads((folder / "config.json").read_text())
    del content["sha256"]
    (folder / "config.json").write_text(json.dumps(content))
    return folder / "model.safetensors"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: flip(folder / "model.safetensors", -1), "model.safetensors is not what config.json was saved with"),
        (lambda folder: flip(folder / "model.safetensors", 20), "model.safetensors is not what config.json was saved with"),
        (lambda folder: cut(folder / "model.safetensors"), "model.safetensors is not what config.json was saved with"),
        (lambda folder: (folder / "model.safetensors").unlink(), "lacks model.safetensors"),
        (lambda folder: cut(without_hashes(folder)), "the weights of .* are damaged"),
        (lambda folder: cut(folder / "config.json"), "config.json can't be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "config.json holds no JSON object"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer"),
        (lambda folder: (folder / "tokenizer_config.json").unlink(), "lacks tokenizer_config.json"),
        (lambda folder: change(folder / "config.json", hidden_size=11), "don't match the configuration"),
        (lambda folder: change(folder / "config.json", skills=[{"name": "x", "intents": ["a"], "slots": []}]), "don't match"),
        (lambda folder: change(folder / "config.json", hidden_size="many"), "hidden_size is 'many'; it must be a whole number"),
    ],
)  # fmt: skip
def test_a_damaged_checkpoint_is_refused(damage: Any, message: str, checkpoint: Path) -> None:
    damage(checkpoint)
    with pytest.raises((ValueError, OSError), match=message):
        load_pipeline(checkpoint)


def test_what_was_changed_on_purpose_is_loaded_once_that_is_said(checkpoint: Path) -> None:
    flip(checkpoint / "model.safetensors", -1)
    config = (checkpoint / "config.json").read_text()
    (checkpoint / "config.json").write_text(config.replace('"word_dropout": 0.1', '"word_dropout": 0.2'))
    with pytest.raises(ValueError, match=r"call headstart.accept_changes\('.*model'\)\.$"):
        HeadstartForJointNLU.from_pretrained(checkpoint)
    assert headstart.accept_changes(checkpoint) == ["model.safetensors", "config.json"]
    assert headstart.accept_changes(checkpoint) == []
    model = HeadstartForJointNLU.from_pretrained(checkpoint)
    assert model.config.word_dropout == 0.2
    load_pipeline(checkpoint)


def test_whoever_takes_the_hashes_away_loads_what_is_there(checkpoint: Path) -> None:
    flip(without_hashes(checkpoint), -1)
    model = HeadstartForJointNLU.from_pretrained(checkpoint)
    model.save_pretrained(checkpoint)  # from here on it has some again
    hashes = json.loads((checkpoint / "config.json").read_text())["sha256"]
    assert {"config.json", "model.safetensors", "modeling_headstart.py"} <= set(hashes) and "tokenizer.json" not in hashes
    HeadstartForJointNLU.from_pretrained(checkpoint)


def test_a_large_file_is_read_once_until_it_is_written_again(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    hashed = weights_headstart.file_hash
    monkeypatch.setattr(weights_headstart, "file_hash", lambda path: read.append(path.name) or hashed(path))
    monkeypatch.setattr(weights_headstart, "LARGE", 1)
    load_pipeline(checkpoint)
    load_pipeline(checkpoint)
    assert read.count("model.safetensors") == 2  # it was written a moment ago
    monkeypatch.setattr(weights_headstart, "SETTLED", 0)
    for _ in range(3):
        load_pipeline(checkpoint)
    assert read.count("model.safetensors") == 3
    flip(checkpoint / "model.safetensors", -1)
    with pytest.raises(ValueError, match="model.safetensors is not what"):
        load_pipeline(checkpoint)


def test_training_goes_on_from_the_newest_checkpoint_that_is_whole(
    coffee: Skill, tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {**QUICK, "base": str(tiny_base), "save_strategy": "steps", "save_steps": 2, "save_total_limit": 3}
    with patch("headstart.finetuning.finetune.remove_checkpoint"):  # what it kept to resume from
        finetune(coffee, tmp_path / "whole", **options)
    checkpoints = [tmp_path / "whole" / f"checkpoint-{steps}" for steps in (2, 4, 6)]
    flip(checkpoints[2] / "optimizer.pt", 2000)
    (checkpoints[1] / "sha256.json").unlink()  # killed before it was written
    with caplog.at_level(logging.WARNING):
        assert newest_complete(tmp_path / "whole") == checkpoints[0]
    assert "checkpoint-6 is left out: optimizer.pt is damaged" in caplog.text
    assert "checkpoint-4 is left out: it is not complete" in caplog.text
    with pytest.raises(ValueError, match="can't be resumed from .*checkpoint-6': optimizer.pt is damaged"):
        finetune(coffee, tmp_path / "whole", resume_from_checkpoint=str(checkpoints[2]), **options)
    wanted = load_file(tmp_path / "whole" / "model.safetensors")
    finetune(coffee, tmp_path / "whole", resume_from_checkpoint="last", **options)
    found = load_file(tmp_path / "whole" / "model.safetensors")
    assert all(found[name].equal(value) for name, value in wanted.items())


def test_a_loss_that_is_no_number_stops_training_before_it_reaches_the_weights(
    coffee: Skill, tiny_base: Path, tmp_path: Path
) -> None:
    options = {
        **QUICK,
        "base": str(tiny_base),
        "save_strategy": "steps",
        "save_steps": 2,
        "max_steps": 20,
        "probe": False,
        "refill": 0.0,
    }
    losses = iter([1.0, 1.0, 1.0, float("nan")])
    forward = HeadstartForJointNLU.forward

    def breaks(self: HeadstartForJointNLU, *args: Any, **kwargs: Any) -> Any:
        outputs = forward(self, *args, **kwargs)
        outputs.loss = outputs.loss * next(losses)
        return outputs

    with patch.object(HeadstartForJointNLU, "forward", breaks), pytest.raises(FloatingPointError) as error:
        finetune(coffee, tmp_path, rejection=False, **options)
    message = str(error.value)
    assert message.startswith("the loss is nan after 3 steps") and f"{tmp_path / 'checkpoint-2'}" in message
    shown = message.split("look at these rows: ")[1]
    assert sum(text.lower() in shown for text in coffee.train["text"]) >= 10
    assert newest_complete(tmp_path) == tmp_path / "checkpoint-2" and not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("save_strategy", ["steps", "no"])
def test_weights_that_are_no_numbers_are_not_saved(save_strategy: str, coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"(the loss is nan|no number)"):
        finetune(
            coffee,
            tmp_path,
            base=str(tiny_base),
            **{**QUICK, "save_strategy": save_strategy, "save_steps": 1, "learning_rate": 1e38},
        )
    assert not (tmp_path / "model.safetensors").exists()
    checkpoint = newest_complete(tmp_path)
    if checkpoint is not None:
        assert all(value.isfinite().all() for value in load_file(checkpoint / "model.safetensors").values())
