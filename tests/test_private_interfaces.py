"""Interfaces of torch and transformers that nobody has promised to keep: each stands in one module, with its reason, and does what that module wants.

The upper bounds of both libraries' versions in pyproject.toml are those with which this file passes.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModel, Trainer, TrainerControl, TrainerState, TrainingArguments, pipeline
from transformers.dynamic_module_utils import custom_object_save

from headstart import HeadstartForJointNLU, NLUPipeline
from headstart.modeling.gazetteer_headstart import tensor_version
from headstart.modeling.layers_headstart import BiLSTM, RowLengths, run_lstm
from headstart.saving import named_write_errors
from headstart.training.transformers_options import transformers_options

# What is used, as it stands in the code; where; and why nothing public does.
INTERFACES = {
    r"torch\._VF\.lstm": ("modeling/layers_headstart.py", "weights of a head, without putting them into the shared module"),
    r"\._flat_weights\b": ("modeling/layers_headstart.py", "the weights in the kernel's order"),
    r"\._flat_weights_names\b": ("modeling/layers_headstart.py", "their names in that order"),
    r"\._version\b": ("modeling/gazetteer_headstart.py", "whether a tensor was changed in place"),
    r"dynamo=False": ("src/headstart/exporting.py", "the other exporter can't read packed sequences"),
    r"PytorchStreamWriter": ("src/headstart/saving.py", "a full disk is a RuntimeError with such words"),
    r"_is_hf_initialized": ("modeling/pretrained_headstart.py", "loaded weights are not to be made anew"),
    r"_keys_to_ignore_on_load_unexpected": ("modeling/modeling_headstart.py", "a trunk alone is loaded from a whole checkpoint"),
    r"_registered_impl": ("tokenization/pipeline_headstart.py", "whether transformers left an entry in the live configuration"),
    r"PIPELINE_REGISTRY\.supported_tasks": ("modeling/pretrained_headstart.py", "the pipeline's class, which modeling must not import"),
    r"get_class_from_dynamic_module": ("modeling/pretrained_headstart.py", "that class where the package is missing"),
    r"_commit_hash": ("modeling/pretrained_headstart.py", "of the checkpoint that the network came from"),
    r"_run_epoch": ("src/headstart/training/trainer.py", "a finished run that is resumed trains no further"),
    r"_load_rng_state": ("src/headstart/training/trainer.py", "the moment at which a resumed epoch's order is drawn"),
    r"_save_checkpoint": ("src/headstart/training/trainer.py", "a checkpoint is complete before an older one goes"),
    r"_get_train_sampler": ("src/headstart/training/trainer.py", "an order that a resumed epoch can repeat"),
    r"_prepare_inputs": ("src/headstart/training/trainer.py", "a batch goes to the model's device, as in the loss"),
    r"stateful_callbacks": ("src/headstart/training/trainer.py", "whether the run that is resumed had stopped early"),
    r"custom_object_save": ("modeling/pretrained_headstart.py", "the pipeline's code goes where the model's goes"),
    r"_get_output_dir": ("src/headstart/training/trainer.py", "where the checkpoint was saved"),
    r"Could not load model": ("src/headstart/loading.py", "what was wrong stands at the end of a text with tracebacks"),
    r"training_args\.py": ("src/headstart/training/transformers_options.py", "importing the class takes seconds"),
}  # fmt: skip


@pytest.mark.parametrize("pattern", INTERFACES)
def test_it_stands_in_one_module(pattern: str, root: Path) -> None:
    files = [path for folder in ("src", "modeling", "tokenization") for path in (root / folder).rglob("*.py")]
    found = [path.relative_to(root).as_posix() for path in files if re.search(pattern, path.read_text(encoding="utf-8"))]
    assert found == [INTERFACES[pattern][0]]


def test_the_kernel_gives_what_the_module_gives() -> None:
    lstm = BiLSTM(3, 2)
    inputs = torch.randn(2, 4, 3)
    assert [id(weight) for weight in lstm.weight_list] == [id(getattr(lstm, name)) for name in lstm.weight_names]
    assert sorted(lstm.weight_names) == sorted(name for name, _ in lstm.named_parameters())
    rows = RowLengths(torch.tensor([4, 4]), 4, inputs.device)
    assert torch.equal(run_lstm(lstm, inputs, rows), nn.LSTM.forward(lstm, inputs)[0])


def test_a_change_in_place_raises_the_version() -> None:
    tensor = torch.zeros(2)
    before = tensor_version(tensor)
    tensor.add_(1)
    assert tensor_version(tensor) > before
    with torch.inference_mode():
        assert tensor_version(torch.zeros(2)) == 0


def test_a_failed_write_of_torch_is_told_by_its_words(tmp_path: Path) -> None:
    class Full:
        def write(self, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            return None

    with pytest.raises(OSError), named_write_errors(tmp_path):
        torch.save({"a": torch.zeros(9)}, Full())


@pytest.mark.parametrize(
    "name", ["_run_epoch", "_load_rng_state", "_save_checkpoint", "_get_train_sampler", "_get_output_dir", "_prepare_inputs"]
)
def test_the_trainer_calls_what_is_overridden(name: str) -> None:
    assert callable(getattr(Trainer, name))
    assert f"self.{name}" in inspect.getsource(Trainer), f"transformers' Trainer has {name}, but doesn't call it any more"


def test_the_options_that_are_read_are_those_of_the_class() -> None:
    read = transformers_options()
    fields = {field.name: field for field in dataclasses.fields(TrainingArguments) if field.init}
    assert set(read) == set(fields)
    assert all(read[name].help == field.metadata["help"] for name, field in fields.items())
    plain = {name: field.type for name, field in fields.items() if field.type in (bool, int, float, str)}
    assert len(plain) > 50 and all(read[name].kind == kind.__name__ for name, kind in plain.items())


def test_a_saved_state_says_whether_training_was_to_stop() -> None:
    control = TrainerControl(should_training_stop=True)
    state = TrainerState(stateful_callbacks=[control])
    assert state.stateful_callbacks["TrainerControl"]["args"]["should_training_stop"] is True


def test_a_pipeline_knows_whether_it_is_registered(tiny_base: Path) -> None:
    nlu = pipeline("joint-nlu", model=str(tiny_base), skill="travel")
    assert hasattr(NLUPipeline, "_registered_impl") and hasattr(nlu, "_registered_impl")
    assert callable(custom_object_save)


def test_what_can_not_be_loaded_is_told_in_these_words(tmp_path: Path, tiny_base: Path) -> None:
    config = json.loads((tiny_base / "config.json").read_text().replace('"vocab_size"', '"vocab_sizes"'))
    del config["sha256"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    for file in ("model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((tiny_base / file).read_bytes())
    with pytest.raises(ValueError, match="(?s)^Could not load model.*ValueError: .*don't match the configuration"):
        pipeline("joint-nlu", model=str(tmp_path))


def test_a_trunk_alone_is_loaded_without_a_word(tiny_base: Path, caplog: pytest.LogCaptureFixture) -> None:
    from headstart import HeadstartModel

    trunk, info = HeadstartModel.from_pretrained(tiny_base, output_loading_info=True)
    assert not info["unexpected_keys"] and not info["missing_keys"] and not caplog.records
    whole: HeadstartForJointNLU = AutoModel.from_pretrained(tiny_base)
    assert torch.equal(trunk.lstm.weight_hh_l0, whole.trunk.lstm.weight_hh_l0)
