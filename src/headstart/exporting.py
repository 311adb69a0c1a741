"""A skill for onnxruntime: the network as an ONNX graph, and beside it what decoding needs. [`headstart.onnx`] reads it without torch."""

from __future__ import annotations

import copy
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import PreTrainedTokenizerBase

from headstart.exported import FACTORED_VERSION, MAX_TOKENS, VERSION
from headstart.loading import load_pipeline
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.canonical_headstart import CanonicalValues
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.folders_headstart import CATALOGS, CRF, EXPORT, EXPORTED, NETWORK, TOKENIZER, VALUES, check_room
from headstart.modeling.gazetteer_headstart import Gazetteer
from headstart.modeling.integrity_headstart import hashed_files, sealed
from headstart.modeling.labels_headstart import UNSEEN_PRIOR
from headstart.modeling.layers_headstart import BiLSTM, SkillClassifiers, TaskLayers, add_inputs, pool_states
from headstart.modeling.lora_headstart import merged
from headstart.modeling.novelty_headstart import Novelty, common_means
from headstart.onnx import OnnxNLU
from headstart.saving import locked, written_aside
from headstart.tokenization import NLUPipeline
from headstart.tokenization.answers_headstart import token_limit
from headstart.version import __version__

OPSET = 17
QUANTIZED = ("LSTM", "MatMul", "Gemm", "Gather")  # operators whose weights are kept as 8-bit integers
LEAST_ROUNDED = 2**16  # bytes of a weight that is rounded alone: less is not worth it


def export(
    model: NLUPipeline | str | Path, out: str | Path, skill: str | None = None, *, int8: bool = False, rounds_inputs: bool = True
) -> Path:
    """Write a skill for [`headstart.onnx.OnnxNLU`].

    Args:
        model: a pipeline, or the folder or repository of a checkpoint.
        out: folder to write to; what an earlier export wrote there is replaced.
        skill: the skill to export; may be left out if the model has one.
        int8: keep weights as 8-bit integers: a quarter of the size, faster, and a little less accurate. What the layers read is then rounded
            by the largest values of a whole batch, so that scores depend a little on the other texts of a batch.
        rounds_inputs: False: of an int8 export, only the weights are rounded: scores are then the same on all processors, and whatever the batch.

    Returns:
        the folder: `model.onnx`, `tokenizer.json`, `headstart.json`, `crf.npz` if the skill has slots, and `catalogs.json` and `values.json` if it has catalogs.

    Raises:
        ValueError: the model has no such skill, or has several and none was named; or `out` is a file or holds a checkpoint.
        TypeError: `model` is none of these.
        ImportError: onnx or onnxruntime is missing.
    """
    nlu = load_pipeline(model) if isinstance(model, (str, Path)) else model
    if isinstance(nlu, OnnxNLU):
        raise ValueError(f"{str(model)!r} is an exported skill already; name the checkpoint that it was made of.")
    if not isinstance(nlu, NLUPipeline):
        raise TypeError(f"found {type(nlu).__name__}; give a pipeline, or the folder or repository of a checkpoint.")
    entry = nlu.model.skill(skill)
    network = _ExportedSkill(nlu.model, entry["name"])
    texts = ReadTexts(nlu.tokenizer, nlu.model.config.unk_token_id, token_limit(nlu.tokenizer.model_max_length))
    values = cast(CanonicalValues, nlu.model.canonical[entry["name"]]).content() if "canonical" in entry else None
    return write_exported(network, entry, texts, out, int8=int8, values=values, rounds_inputs=rounds_inputs)


class ReadTexts(NamedTuple):
    """How texts are read.

    Args:
        tokenizer: a fast tokenizer; its special tokens are left out.
        unknown: id of the token that is read where a text has none.
        max_tokens: what a text has more of is cut off.
    """

    tokenizer: PreTrainedTokenizerBase
    unknown: int
    max_tokens: int


def write_exported(
    network: ExportedNetwork,
    entry: SkillEntry,
    texts: ReadTexts,
    out: str | Path,
    *,
    int8: bool = False,
    values: bytes | None = None,
    rounds_inputs: bool = True,
) -> Path:
    """Write any network that scores one skill's intents and tags; see [`export`].

    Args:
        network: what is run.
        entry: the skill's entry in the configuration.
        texts: how texts are read.
        out: folder to write to.
        int8: keep weights as 8-bit integers.
        values: of its catalogs, packed, which answers say were meant.
        rounds_inputs: see [`export`].
    """
    out = Path(out)
    check_room(out, EXPORTED)
    # A copy, on the CPU and in float32 whatever the model is in, and out of training.
    network = copy.deepcopy(network).cpu().float().eval()
    with locked(out), written_aside(out, EXPORTED.mark, EXPORTED.outdated) as folder:
        _write_network(network, folder / NETWORK)
        if int8:
            (_round_all if rounds_inputs else _round_weights)(folder / NETWORK)
        if network.classifiers.crf is not None:
            arrays: Any = {name: _to_numpy(part) for name, part in network.classifiers.crf.arrays().items()}
            np.savez(folder / CRF, **arrays)
        if network.gazetteer is not None:
            (folder / CATALOGS).write_text(json.dumps(network.gazetteer.keys(), ensure_ascii=False), encoding="utf-8")
        if values is not None:
            (folder / VALUES).write_bytes(values)
        backend = Tokenizer.from_str(cast(Any, texts.tokenizer).backend_tokenizer.to_str())
        backend.no_truncation()
        backend.no_padding()
        backend.save(str(folder / TOKENIZER))
        description = {
            "version": FACTORED_VERSION if "crf" in entry else VERSION, "headstart": __version__, "weights": "int8" if int8 else "float32",
            "skill": {**_without_novelty(entry), "unseen_prior": UNSEEN_PRIOR}, MAX_TOKENS: texts.max_tokens, "unk_token_id": texts.unknown,
        }  # fmt: skip
        (folder / EXPORT).write_bytes(sealed(description, EXPORT, hashed_files(folder, EXPORTED.hashed)))
    return out


class ExportedNetwork(nn.Module):
    """From padded tokens to scores of intents and tags, in operators that ONNX has.

    Args:
        classifiers: what reads the states.
        gazetteer: the skill's catalogs, if it has any.
    """

    def __init__(self, classifiers: SkillClassifiers, gazetteer: Gazetteer | None) -> None:
        super().__init__()
        self.classifiers, self.gazetteer = classifiers, gazetteer

    @property
    def output_names(self) -> list[str]:
        """Names of what `forward` returns."""
        parts = {
            "intent_logits": self.classifiers.intent_classifier,
            "reject_logits": self.classifiers.reject_classifier,
            "slot_logits": self.classifiers.slot_classifier,
        }
        return [name for name, part in parts.items() if part is not None]

    def states(
        self, input_ids: torch.Tensor, lengths: torch.Tensor, matches: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """What tags are read from, (batch, tokens, width), intents, (batch, width), and what is added to the score of "none of these", (batch, 1), if
        anything is; see `forward`. A network's own."""
        raise TypeError(f"{type(self).__name__} doesn't say what its classifiers read: define its method states.")

    def forward(
        self, input_ids: torch.Tensor, lengths: torch.Tensor, matches: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, ...]:
        """Scores by [`output_names`], before decoding.

        Args:
            input_ids: (batch, tokens) long, padded on the right.
            lengths: (batch,) long, tokens of each row.
            matches: (batch, tokens, 2 * catalogs) float, if the skill has catalogs.
        """
        of_words, of_rows, novelty = self.states(input_ids, lengths, matches)
        of_catalogs = None if self.gazetteer is None or matches is None else self.gazetteer.scores(matches)
        intents, tags = self.classifiers(of_words, of_rows, of_catalogs, novelty)
        results: list[torch.Tensor] = []
        if intents is not None:
            rejects = self.classifiers.reject_classifier is not None
            results += intents.split([intents.shape[1] - 1, 1], dim=1) if rejects else [intents]
        return (*results, tags) if tags is not None else tuple(results)


class _ExportedSkill(ExportedNetwork):
    """One skill of a Headstart model; rows of different lengths are told apart by these."""

    def __init__(self, model: HeadstartForJointNLU, skill: str) -> None:
        gazetteer = cast(Gazetteer, model.gazetteers[skill]) if skill in model.gazetteers else None
        super().__init__(cast(SkillClassifiers, model.classifiers[skill]), gazetteer)
        layers = cast(TaskLayers, model.task_layers[model.skill(skill)["task_layers"]])
        adapters: Any = model.adapters_of(skill)
        self.embeddings = model.trunk.embed_tokens
        self.trunk = merged(model.trunk.lstm, adapters and adapters.trunk)
        self.slot_lstm = merged(layers.slot_lstm, adapters and adapters.slot_lstm)
        self.intent_lstm = merged(layers.intent_lstm, adapters and adapters.intent_lstm)
        self.pooling = layers.pooling
        self.novelty = cast(Novelty, model.novelties[skill]) if skill in model.novelties else None

    def states(
        self, input_ids: torch.Tensor, lengths: torch.Tensor, matches: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """See [`ExportedNetwork.states`]."""
        embedded = self.embeddings(input_ids)
        own = _own_states(self.trunk, embedded, lengths)
        of_slots = of_intents = add_inputs(own, embedded) if self.trunk.residual else own
        is_padding = (torch.arange(input_ids.shape[1]).unsqueeze(0) >= lengths.unsqueeze(1)).unsqueeze(2)
        novelty = None if self.novelty is None else self.novelty(common_means(own, None, is_padding))
        if self.gazetteer is not None and matches is not None:
            slot_inputs, intent_inputs = self.gazetteer.inputs(matches)
            of_slots, of_intents = of_slots + slot_inputs, of_intents + intent_inputs
        pooled = pool_states(_run(self.intent_lstm, of_intents, lengths), is_padding, self.pooling)
        return _run(self.slot_lstm, of_slots, lengths), pooled, novelty


def _without_novelty(entry: SkillEntry) -> dict[str, Any]:
    """The entry as readers of exported skills know it: what novelty adds is in the graph."""
    return {name: value for name, value in entry.items() if name != "novelty"}


def _run(lstm: BiLSTM, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    states = _own_states(lstm, inputs, lengths)
    return add_inputs(states, inputs) if lstm.residual else states  # anything at padding: only what is pooled is told from it


def _own_states(lstm: BiLSTM, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    # The exporter makes of this ONNX's LSTM with sequence lengths, which doesn't need the rows to be sorted; only tracing does.
    states, _ = pad_packed_sequence(lstm(pack_padded_sequence(inputs, lengths, batch_first=True))[0], batch_first=True)
    return states


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().numpy()


@contextmanager
def _without_stderr() -> Iterator[None]:
    """The exporter's C++ code prints warnings of its own, past Python's sys.stderr; errors are exceptions."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _write_network(network: ExportedNetwork, file: Path) -> None:
    _import_onnx()
    example: list[torch.Tensor] = [torch.tensor([[5, 6, 7], [5, 6, 0]]), torch.tensor([3, 2])]
    names = ["input_ids", "lengths"]
    if network.gazetteer is not None:
        example.append(torch.zeros(2, 3, 2 * network.gazetteer.num_catalogs))
        names.append("matches")
    of_words, of_rows = {0: "batch", 1: "tokens"}, {0: "batch"}
    axes = {"input_ids": of_words, "lengths": of_rows, "matches": of_words, "slot_logits": of_words, "intent_logits": of_rows,
            "reject_logits": of_rows}  # fmt: skip
    with warnings.catch_warnings(), _without_stderr():
        # The other exporter can't read packed sequences; what this one warns of is what the parity test checks.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, tuple(example), str(file), input_names=names, output_names=network.output_names, opset_version=OPSET, dynamo=False,
            dynamic_axes={name: axis for name, axis in axes.items() if name in (*names, *network.output_names)},
        )  # fmt: skip


def _import_onnx() -> Any:
    """The module onnx, where onnxruntime is too.

    Raises:
        ImportError: one of them is missing.
    """
    try:
        import onnx
        import onnxruntime.quantization  # noqa: F401
    except ImportError as error:
        raise ImportError("exporting needs onnx and onnxruntime: pip install 'headstart[onnx]'") from error
    return onnx


def _is_exact(node: Any) -> bool:
    """Whether a node's weights stay as they are: differences of large squares don't stand rounding."""
    return "/novelty/" in node.name


def _round_all(file: Path) -> None:
    """Weights as 8-bit integers, and what the layers read too, when they read it."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    exact = [node.name for node in _import_onnx().load(str(file)).graph.node if _is_exact(node)]
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, warnings.catch_warnings(), _without_stderr():
        warnings.simplefilter("ignore")
        rounded = Path(folder) / "int8.onnx"
        quantize_dynamic(file, rounded, op_types_to_quantize=list(QUANTIZED), weight_type=QuantType.QInt8, nodes_to_exclude=exact)
        rounded.replace(file)


def _round_weights(file: Path) -> None:
    """Weights as 8-bit integers, each row with a scale of its own: those of layers become floats when the network is loaded, those of tokens when they
    are read."""
    onnx = _import_onnx()
    network = onnx.load(str(file))
    weights = {weight.name: weight for weight in network.graph.initializer}
    nodes = []
    for node in network.graph.node:
        names = [name for name in node.input if name in weights] if node.op_type in QUANTIZED and not _is_exact(node) else []
        large = [name for name in names if len(weights[name].raw_data) >= LEAST_ROUNDED]
        for name in large:
            rounded = _add_rounded(network.graph, weights.pop(name), onnx)
            if node.op_type != "Gather":
                nodes += _as_floats(rounded, name, onnx)
                continue
            _, where = node.input
            read = [f"{part}_of_{node.output[0]}" for part in rounded]
            nodes += [
                onnx.helper.make_node("Gather", [part, where], [out]) for part, out in zip(rounded, read, strict=True)
            ] + _as_floats(read, node.output[0], onnx)
        if not (large and node.op_type == "Gather"):
            nodes.append(node)
    del network.graph.node[:]
    network.graph.node.extend(nodes)
    onnx.save(network, str(file))


def _add_rounded(graph: Any, weight: Any, onnx: Any) -> list[str]:
    """Put 8-bit integers and their scales in the place of a weight; their names."""
    values = onnx.numpy_helper.to_array(weight)
    scales = np.maximum(np.abs(values).max(axis=-1, keepdims=True) / np.float32(127), np.finfo(np.float32).tiny)
    parts = {f"{weight.name}_int8": np.round(values / scales).astype(np.int8), f"{weight.name}_scales": scales}
    graph.initializer.remove(weight)
    graph.initializer.extend(onnx.numpy_helper.from_array(part, name) for name, part in parts.items())
    return list(parts)


def _as_floats(rounded: Sequence[str], name: str, onnx: Any) -> list[Any]:
    """The nodes that make floats of integers and scales."""
    integers, scales = rounded
    whole = f"{integers}_as_floats"
    return [
        onnx.helper.make_node("Cast", [integers], [whole], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Mul", [whole, scales], [name]),
    ]


__all__ = ["ExportedNetwork", "export", "write_exported"]
