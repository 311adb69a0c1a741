"""First weights, saving and loading: what the trunk and the whole network share.

Private in transformers, and used here alone: the mark `_is_hf_initialized` of parameters that were loaded, and how code is put beside a checkpoint.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers import initialization as init
from transformers.dynamic_module_utils import custom_object_save, get_class_from_dynamic_module
from transformers.utils.hub import cached_file, resolve_revision

from .configuration_headstart import HeadstartConfig
from .crf_headstart import ChainCRF
from .folders_headstart import (
    CHECKPOINT,
    CODE,
    CONFIG,
    FURTHER_TOKENIZER,
    PIPELINE_CODE,
    TOKENIZER,
    TOKENIZER_CONFIG,
    check_room,
)
from .hub_headstart import push_saved
from .integrity_headstart import Seal, drop_figures, known_seal, note_hashes, read_seal
from .json_headstart import parse_object
from .lora_headstart import LoraLSTM
from .weights_headstart import read_shapes, write_aside

logger = logging.getLogger(__name__)

TASK = "joint-nlu"
HUB_OPTIONS = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")
TRUNK = "trunk."  # what the names of the trunk's weights begin with in the whole network
CONTINUATION = "##"  # what the names of tokens begin with that continue a word
NO_NUMBERS = "what is no number (NaN or infinity)"

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
    seal: Seal | None = None  # what is known of the files that it was loaded from
    checked: frozenset[str] = frozenset()  # those of them that were compared

    def post_init(self) -> None:
        """Compare what was built, before it takes memory, with the weights that are to be loaded into it; see `transformers.PreTrainedModel.post_init`."""
        super().post_init()  # type: ignore[no-untyped-call]
        wanted = _LOADED.get()
        if wanted is not None and wanted.shapes is not None and wanted.network is type(self):
            shapes = {name: tuple(value.shape) for name, value in self.state_dict().items()}
            skills = [entry["name"] for entry in self.config.skills]
            problems = _mismatches(shapes, wanted.shapes, skills if hasattr(self, "classifiers") else [])
            if problems:
                raise ValueError(_mismatch_message(wanted.path, problems, skills))

    def save_pretrained(self, save_directory: Any, is_main_process: bool = True, *args: Any, **kwargs: Any) -> None:
        """Save weights, configuration, and the code that loads them without this package, the pipeline's too, with the SHA-256 of what is written; see
        `transformers.PreTrainedModel.save_pretrained`. Figures of the weights that it takes the place of go, and their card if it is of other skills.

        Raises:
            ValueError: the folder holds something else.
        """
        folder = Path(save_directory)
        if is_main_process:
            check_room(folder, CHECKPOINT)
        # Otherwise weights that were renamed when they were loaded would be saved under their old names.
        kwargs.setdefault("save_original_format", False)
        is_replaced, old = (folder / CONFIG).is_file(), known_seal(folder, CHECKPOINT)
        super().save_pretrained(save_directory, is_main_process, *args, **kwargs)
        if is_main_process:
            if self.base_model is not self:  # a trunk alone answers nothing
                _save_pipeline(self, folder)
            stem = "model" if kwargs.get("variant") is None else f"model.{kwargs['variant']}"
            weights = (f"{stem}{ending}" for ending in (".safetensors", "-*-of-*.safetensors", ".safetensors.index.json"))
            note_hashes(folder, (*weights, CODE), old.hashes)
            saved = known_seal(folder, CHECKPOINT).hashes
            if is_replaced and any(saved[name] != old.hashes.get(name) for name in saved if name.endswith(".safetensors")):
                drop_figures(old, self.config.skills)
            own = self.seal.hashes.get(TOKENIZER) if self.seal is not None else None
            if own is not None and saved.get(TOKENIZER, own) != own:
                logger.warning(
                    "%s: %s there is not the one that this network was loaded with, which must be saved there, too (NLUPipeline.save_pretrained "
                    "does): with another one its answers are wrong",
                    folder, TOKENIZER,
                )  # fmt: skip

    def note_files(self, save_directory: Any) -> None:
        """Write the SHA-256 of all files of a checkpoint that an answer depends on into its configuration: the last thing that is done to it."""
        note_hashes(Path(save_directory))

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Load a checkpoint; see `transformers.PreTrainedModel.from_pretrained`.

        Raises:
            ValueError: a file is not what was saved, or the weights are no numbers or don't match the skills of the configuration.
        """
        path = pretrained_model_name_or_path
        kwargs["key_mapping"] = {**RENAMED_WEIGHTS, **(kwargs.get("key_mapping") or {})}
        load: Any = super().from_pretrained
        folder = _folder_of(path, kwargs)
        if folder is None:  # nothing but a configuration and a state, or a repository of which transformers says what is wrong
            return load(path, *args, **kwargs)
        seal = read_seal(folder, CHECKPOINT) if (folder / CONFIG).is_file() else Seal(folder, CHECKPOINT, {}, {}, False)
        files = _weight_files(seal, path, kwargs)
        ignores = kwargs.pop("ignore_mismatched_sizes", False)
        wants_info = kwargs.pop("output_loading_info", False)
        # The hashes are computed beside the loading, which is no slower then where two cores are free.
        with ThreadPoolExecutor(1) as pool:
            checking = pool.submit(_check_files, seal)
            try:
                with _loading(None if ignores else _Loaded(cls, path, _shapes_of(seal, files, kwargs["key_mapping"]))):
                    model, info = load(path, *args, **kwargs, ignore_mismatched_sizes=True, output_loading_info=True)
            except Exception as error:
                checking.result()  # says more of what is wrong
                if not isinstance(error, (SafetensorError, RecursionError)):
                    raise
                raise ValueError(f"the weights of {str(path)!r} are damaged: {error}. Copy or save them anew.") from error
            checked = checking.result()
        problems = [f"{key}: {tuple(saved)} in the checkpoint, {tuple(wanted)} in the configuration"
                    for key, saved, wanted in sorted(info["mismatched_keys"])]  # fmt: skip
        problems += [f"{key}: not in the checkpoint" for key in sorted(info["missing_keys"])]
        if problems and not ignores:
            raise ValueError(_mismatch_message(path, problems, [entry["name"] for entry in model.config.skills]))
        known = (model.dtype, frozenset(seal.hashes.get(file.name) for file in files))
        _keep_in_memory(model)
        for name, value in model.state_dict().items() if ignores or known not in _FINITE else ():
            if not is_finite(value):
                raise ValueError(f"the weights of {str(path)!r} are damaged: {name} holds {NO_NUMBERS}. Copy or save them anew.")
        if files and None not in known[1]:
            _FINITE.add(known)
        model.seal, model.checked = seal, checked
        return (model, info) if wants_info else model

    def own_tokenizer(self) -> Any:
        """The tokenizer of the checkpoint that the network was loaded from.

        Raises:
            ValueError: it was not loaded, or its checkpoint has another tokenizer by now.
        """
        if self.seal is None:
            raise ValueError(
                "this network was not loaded from a checkpoint, which would have its tokenizer: give that, as tokenizer=."
            )
        revision = getattr(self.config, "_commit_hash", None) or "main"
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(self.config.name_or_path), revision=revision)
        self.check_tokenizer(tokenizer)
        return tokenizer

    def push_to_hub(self, repo_id: str, *, tokenizer: Any = None, **options: Any) -> str:  # type: ignore[override]
        """Publish the network as the pipeline does: the files of a whole checkpoint in one commit, and no pickle.

        Args:
            repo_id: `owner/name`, or `name` for your own account; made if it is not there.
            tokenizer: its tokenizer; unset: that of the checkpoint that it was loaded from.
            options: `commit_message`, `private`, `revision`, `token`.

        Returns:
            address of the commit.

        Raises:
            ValueError: there is no such option, or it has no tokenizer.
            PublishError: see [`publish`].
        """
        if self.base_model is self:  # a trunk alone answers nothing, and has no pipeline
            publish_trunk: Any = super().push_to_hub
            return str(publish_trunk(repo_id, **options))
        found = self.own_tokenizer() if tokenizer is None else tokenizer
        self.check_tokenizer(found)

        def save(folder: Path) -> None:
            found.save_pretrained(folder)
            self.save_pretrained(folder)
            self.note_files(folder)

        return push_saved(repo_id, options, save)

    def check_tokenizer(self, tokenizer: Any) -> None:
        """See that a tokenizer is the network's: its ids are rows of the embeddings, and its files, if it comes from the same place, those that were saved
        with the weights.

        Raises:
            ValueError: it is not.
        """
        config, seal = self.config, self.seal
        if seal is not None and str(getattr(tokenizer, "name_or_path", "")) == str(config.name_or_path):
            names = [name for name in (TOKENIZER, TOKENIZER_CONFIG, *FURTHER_TOKENIZER) if name not in self.checked]
            missing = [name for name in names if name in seal.hashes and not (seal.folder / name).is_file()]
            if missing:
                raise seal.missing(missing[0])
            seal.check(names)
            _check_code(seal)  # that of the pipeline came after the network's
        if len(tokenizer) != config.vocab_size:
            raise ValueError(
                f"the tokenizer has {len(tokenizer)} tokens, and the network embeddings of {config.vocab_size}: it is another network's; "
                "load both from one checkpoint."
            )
        longest = tokenizer.model_max_length
        if type(longest) is not int or longest < 1:
            raise ValueError(
                f"model_max_length in {TOKENIZER_CONFIG} is {str(longest)[:80]!r}; it must be a whole number, at least 1."
            )
        for field in ("pad_token_id", "unk_token_id"):
            if getattr(tokenizer, field, None) not in (None, getattr(config, field)):
                raise ValueError(
                    f"{field} is {getattr(tokenizer, field)} in the tokenizer and {getattr(config, field)} in the configuration: load both from one checkpoint."
                )
        start, stop = config.continuation_start, config.continuation_stop
        inside, outside = {start, stop - 1} if start < stop else set(), {start - 1, stop, 3}
        for token, continues in [
            *((token, True) for token in inside),
            *((token, False) for token in outside - set(range(start, stop))),
        ]:
            name = tokenizer.convert_ids_to_tokens(token) if 0 <= token < config.vocab_size else None
            if name is not None and continues != (name.startswith(CONTINUATION) and name != CONTINUATION):
                raise ValueError(
                    f"continuation_start and continuation_stop are {start} and {stop} in the configuration, and token {token} of the tokenizer is {name!r}: "
                    "load both from one checkpoint."
                )

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


class _Loaded(NamedTuple):
    """Which weights are being loaded: into which class, from where, and their shapes by name; nothing is compared if these are unknown."""

    network: type
    path: Any
    shapes: dict[str, tuple[int, ...]] | None


# Weights, by dtype and the hashes of their files, that this process has found to be numbers.
_FINITE: set[tuple[torch.dtype, frozenset[str | None]]] = set()
_LOADED: ContextVar[_Loaded | None] = ContextVar("loaded", default=None)


@contextmanager
def _loading(loaded: _Loaded | None) -> Iterator[None]:
    token = _LOADED.set(loaded)
    try:
        yield
    finally:
        _LOADED.reset(token)


def _folder_of(path: Any, options: dict[str, Any]) -> Path | None:
    """The folder of a checkpoint: that one, or that of the hub's cache, where its configuration is downloaded to if need be."""
    if path is None:
        return None
    subfolder = options.get("subfolder") or ""
    folder = Path(str(path)) / subfolder
    if folder.is_dir():
        return folder
    known = {name: options[name] for name in ("cache_dir", "token") if name in options}
    # So that all files come from one state of the repository.
    options["revision"] = resolve_revision(
        path, options.get("revision"), local_files_only=bool(options.get("local_files_only")), **known
    )
    found = _cached(path, CONFIG, options)
    return None if found is None else found.parent


def _cached(path: Any, name: str, options: dict[str, Any]) -> Path | None:
    hub = {field: options[field] for field in HUB_OPTIONS if options.get(field) is not None}
    try:
        found = cached_file(str(path), name, **hub)
    except OSError:  # transformers says it better when it looks for it
        return None
    return None if found is None else Path(found)


def _weight_files(seal: Seal, path: Any, options: dict[str, Any]) -> list[Path]:
    """The files of safetensors that will be loaded, which are downloaded if need be."""
    variant = options.get("variant")
    stem = "model" if variant is None else f"model.{variant}"

    def find(name: str) -> Path | None:
        file = seal.folder / name
        return file if file.is_file() else None if Path(str(path)).is_dir() else _cached(path, name, options)

    whole = find(f"{stem}.safetensors")
    if whole is not None:
        return [whole]
    index = find(f"{stem}.safetensors.index.json")
    if index is None:
        if any(name.startswith(f"{stem}.") and name.endswith(".safetensors") for name in seal.hashes):
            raise seal.missing(f"{stem}.safetensors")
        return []
    try:
        shards = sorted(set(parse_object(index.read_bytes(), index.name)["weight_map"].values()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise seal.damaged(f"{index.name} can't be read ({error})") from error
    files = [(shard, find(str(shard))) for shard in shards]
    for shard, file in files:
        if file is None:
            raise seal.missing(str(shard))
    return [file for _, file in files if file is not None]


def _shapes_of(seal: Seal, files: list[Path], names: dict[str, str]) -> dict[str, tuple[int, ...]] | None:
    """The shapes of the weights in some files, by the names of today; None if there are none."""
    try:
        found = {name: shape for file in files for name, shape in read_shapes(file).items()}
    except ValueError as error:
        raise ValueError(f"the weights of {str(seal.folder)!r} are damaged: {error}. Copy or save them anew.") from error
    for pattern, new in names.items():
        found = {re.sub(pattern, new, name): shape for name, shape in found.items()}
    return found or None


def _mismatches(wanted: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]], skills: list[str]) -> list[str]:
    """What of a network's weights a checkpoint lacks or has in another shape, or has besides of these skills; the trunk's have its name before
    theirs in a whole network."""
    bare = {name.removeprefix(TRUNK): shape for name, shape in found.items()}
    problems = []
    for name, shape in wanted.items():
        saved = found.get(name, bare.get(name.removeprefix(TRUNK)))
        if saved is None:
            problems.append(f"{name}: not in the checkpoint")
        elif saved != shape:
            problems.append(f"{name}: {saved} in the checkpoint, {shape} in the configuration")
    for name in found.keys() - wanted.keys():
        if name.split(".")[1] in skills and not name.startswith(TRUNK):
            problems.append(f"{name}: {found[name]} in the checkpoint, not in the configuration")
    return sorted(problems)


def _keep_in_memory(model: nn.Module) -> None:
    """Copy the weights that transformers leaves in their file, mapped into memory: whoever writes into it would change answers."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.device.type == "cpu":
            tensor.data = tensor.data.clone()


def _check_files(seal: Seal) -> frozenset[str]:
    """Compare the files of a checkpoint with their hashes; those of which nothing is known must at least be JSON where they are to be.

    Returns:
        names of the files that are there.
    """
    there = [name for name in seal.hashes if not name.endswith(CODE[1:]) and (seal.folder / name).is_file()]
    seal.check(there)
    _check_code(seal)
    if TOKENIZER in seal.hashes:
        seal.check_strays(FURTHER_TOKENIZER)
    for name in (TOKENIZER, TOKENIZER_CONFIG):
        if name not in seal.hashes and (seal.folder / name).is_file():
            try:
                parse_object((seal.folder / name).read_bytes(), name)
            except ValueError as error:
                raise seal.damaged(str(error)) from error
    return frozenset(there)


def _check_code(seal: Seal) -> None:
    """Compare a checkpoint's code, and the copy that transformers made of it, where that is what is run: not where the package is installed."""
    if __name__.startswith("transformers_modules"):
        code = [name for name in seal.hashes if name.endswith(CODE[1:])]
        seal.check(code)
        seal.check(code, Path(__file__).parent)


def is_finite(tensor: torch.Tensor) -> bool:
    """Whether all are numbers: neither NaN nor infinite."""
    if not tensor.is_floating_point() or tensor.is_meta:
        return True
    # A sum of numbers may be too large itself, which is rare; then they are looked at one by one.
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


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
        name
        for name in skills
        if any(f"{part}.{name}." in line for part in ("classifiers", "gazetteers", "canonical") for line in problems)
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


__all__ = ["NO_NUMBERS", "HeadstartPreTrainedModel", "is_finite", "rename_weights", "renamed"]
