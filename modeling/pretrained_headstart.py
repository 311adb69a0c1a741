"""First weights, saving and loading: what the trunk and the whole network share.

Private in transformers, and used here alone: the mark `_is_hf_initialized` of parameters that were loaded, and how code is put beside a checkpoint.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.dynamic_module_utils import custom_object_save, get_class_from_dynamic_module

from .configuration_headstart import HeadstartConfig
from .crf_headstart import ChainCRF
from .folders_headstart import CHECKPOINT, CONFIG, PIPELINE_CODE, check_room
from .lora_headstart import LoraLSTM
from .weights_headstart import check_hashes, note_hashes, write_aside

logger = logging.getLogger(__name__)

TASK = "joint-nlu"

# Weights as headstart 0.1 called them, and how they are called today.
RENAMED_WEIGHTS = {
    r"^changes\.(.+)\.down$": r"adapters.\1.lora_A",
    r"^changes\.(.+)\.up$": r"adapters.\1.lora_B",
    r"^changes\.(.+)\.bias$": r"adapters.\1.bias",
    r"^gazetteers\.(.*)pieces$": r"gazetteers.\1token_ids",
}


class HeadstartPreTrainedModel(PreTrainedModel):
    """Weight initialisation and loading, shared by the trunk and the whole network."""

    config_class = HeadstartConfig
    base_model_prefix = "trunk"
    main_input_name = "input_ids"
    accepts_loss_kwargs = False

    def save_pretrained(self, save_directory: Any, is_main_process: bool = True, *args: Any, **kwargs: Any) -> None:
        """Save weights, configuration, and the code that loads them without this package, the pipeline's too, with the weights' SHA-256; see
        `transformers.PreTrainedModel.save_pretrained`.

        Raises:
            ValueError: the folder holds something else.
        """
        if is_main_process:
            check_room(Path(save_directory), CHECKPOINT)
        # Otherwise weights that were renamed when they were loaded would be saved under their old names.
        kwargs.setdefault("save_original_format", False)
        super().save_pretrained(save_directory, is_main_process, *args, **kwargs)
        if is_main_process:
            if self.base_model is not self:  # a trunk alone answers nothing
                _save_pipeline(self, Path(save_directory))
            note_hashes(Path(save_directory), kwargs.get("variant"))

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Load a checkpoint; see `transformers.PreTrainedModel.from_pretrained`.

        Raises:
            ValueError: a folder's weights are not those that were saved there.
        """
        folder = Path(str(pretrained_model_name_or_path)) / (kwargs.get("subfolder") or "")
        if folder.is_dir():
            check_hashes(folder)
        load: Any = super().from_pretrained
        try:
            return load(pretrained_model_name_or_path, *args, **kwargs)
        except SafetensorError as error:
            raise ValueError(
                f"the weights of {str(pretrained_model_name_or_path)!r} are damaged: {error}. Copy or save them anew."
            ) from error

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.LSTM):
            _init_lstm(module)
        elif isinstance(module, nn.Linear):
            init.normal_(module.weight, std=self.config.initializer_range)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight)
            if module.padding_idx is not None and not getattr(module.weight, "_is_hf_initialized", False):
                init.zeros_(module.weight[module.padding_idx])
        elif isinstance(module, ChainCRF):
            for parameter in module.parameters():
                init.zeros_(parameter)
        elif isinstance(module, LoraLSTM):
            # `lora_B @ lora_A` then moves as far in one step as a weight of its own would (Adam moves every number by the learning rate).
            init.normal_(module.lora_A, std=module.lora_A.shape[1] ** -0.5)
            init.zeros_(module.lora_B)
            init.zeros_(module.bias)


def _save_pipeline(model: Any, folder: Path) -> None:
    """Put the pipeline's code beside a saved network, and name it in the configuration."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    try:
        pipeline = _pipeline_class(model)
    except (OSError, ImportError, AttributeError) as error:
        logger.warning("%s is saved without the pipeline %s, whose code is not there any more: %s", folder, TASK, error)
        config.pop("custom_pipelines", None)
    else:
        custom_object_save(pipeline, folder)
        impl = f"{pipeline.__module__.rpartition('.')[2]}.{pipeline.__name__}"
        config["custom_pipelines"] = {TASK: {"impl": impl, "pt": ["AutoModel"]}}
    write_aside(folder / CONFIG, (json.dumps(config, indent=2, sort_keys=True) + "\n").encode())


def _pipeline_class(model: Any) -> Any:
    """The class of the pipeline: the package's, or the one that lies beside the checkpoint that the network came from.

    Raises:
        OSError, ImportError, AttributeError: that checkpoint has none any more.
    """
    from transformers.pipelines import PIPELINE_REGISTRY  # not needed to load a network

    if TASK in PIPELINE_REGISTRY.supported_tasks:
        return PIPELINE_REGISTRY.supported_tasks[TASK]["impl"]
    name, stem = "NLUPipeline", Path(PIPELINE_CODE).stem
    sibling = sys.modules.get(f"{type(model).__module__.rpartition('.')[0]}.{stem}")
    if sibling is not None:
        return getattr(sibling, name)
    revision = getattr(model.config, "_commit_hash", None)
    return get_class_from_dynamic_module(f"{stem}.{name}", model.config.name_or_path, revision=revision)


def _init_lstm(lstm: nn.LSTM) -> None:
    """Orthogonal recurrent weights and Xavier input weights for each gate; forget-gate bias 1 (Jozefowicz et al., 2015)."""
    hidden = lstm.hidden_size
    for name, parameter in lstm.named_parameters():
        if getattr(parameter, "_is_hf_initialized", False):
            continue
        if name.startswith("weight_hh"):
            for gate in parameter.chunk(4):
                init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            for gate in parameter.chunk(4):
                init.xavier_uniform_(gate)
        else:
            init.zeros_(parameter)
            if name.startswith("bias_ih"):
                init.ones_(parameter[hidden : 2 * hidden])  # torch orders the gates: input, forget, cell, output


def load_whole(load: Any, path: Any, *args: Any, **options: Any) -> Any:
    """Load the whole network; weights that don't fit the configuration are an error.

    Args:
        load: `from_pretrained` of transformers.
        path: of the checkpoint.
        args, options: what else it is given.

    Raises:
        ValueError: the checkpoint's heads don't match the skills of the configuration.
    """
    options["key_mapping"] = {**RENAMED_WEIGHTS, **(options.get("key_mapping") or {})}
    if options.pop("ignore_mismatched_sizes", False):
        return load(path, *args, **options, ignore_mismatched_sizes=True)
    wants_info = options.pop("output_loading_info", False)
    model, info = load(path, *args, **options, ignore_mismatched_sizes=True, output_loading_info=True)
    problems = [f"{key}: {tuple(saved)} in the checkpoint, {tuple(wanted)} in the configuration"
                for key, saved, wanted in sorted(info["mismatched_keys"])]  # fmt: skip
    problems += [f"{key}: not in the checkpoint" for key in sorted(info["missing_keys"])]
    if problems:
        raise ValueError(_mismatch_message(path, problems, model.skills))
    return (model, info) if wants_info else model


def renamed(key: str) -> str:
    """The name of a weight, which headstart 0.1 may have written, as it is today."""
    return next((re.sub(pattern, name, key) for pattern, name in RENAMED_WEIGHTS.items() if re.match(pattern, key)), key)


def rename_weights(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """A hook of `load_state_dict`: see [`renamed`]."""
    for key in list(state):
        if key.startswith(prefix) and (name := prefix + renamed(key.removeprefix(prefix))) != key:
            state[name] = state.pop(key)


def _mismatch_message(path: Any, problems: list[str], skills: list[str]) -> str:
    concerned = [
        name for name in skills if any(f"{part}.{name}." in line for part in ("classifiers", "gazetteers") for line in problems)
    ]
    of_skills = f" (skill {', '.join(map(repr, concerned))})" if concerned else ""
    shown = "\n".join(f"  {line}" for line in problems[:8])
    more = f"\n  and {len(problems) - 8} more" if len(problems) > 8 else ""
    return (
        f"the weights of {str(path)!r} don't match the configuration{of_skills}:\n{shown}{more}\n"
        "Load the checkpoint with its own configuration, then give it the new skill:\n"
        f"  model = HeadstartForJointNLU.from_pretrained({str(path)!r})\n"
        "  model.add_skill(skill)\n"
        "or, if the checkpoint is a trunk without heads, without any skill:\n"
        f"  model = HeadstartForJointNLU.from_pretrained({str(path)!r}, skills=[])\n"
        "  model.add_skill(skill, reset='task_layers')"
    )


__all__ = ["HeadstartPreTrainedModel", "load_whole", "rename_weights", "renamed"]
