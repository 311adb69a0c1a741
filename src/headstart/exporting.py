"""A skill for onnxruntime: the network as an ONNX graph, and beside it what decoding needs. [`headstart.onnx`] reads it without torch."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from headstart.evaluation import load_pipeline
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.gazetteer_headstart import Gazetteer
from headstart.modeling.layers_headstart import BiLSTM, LinearChainCRF, SkillClassifiers, TaskLayers
from headstart.modeling.losses_headstart import UNSEEN_PRIOR
from headstart.onnx import CATALOGS, CRF, NETWORK, SKILL, TOKENIZER, VERSION
from headstart.tokenization import NLUPipeline
from headstart.version import __version__

OPSET = 17
QUANTIZED = ("LSTM", "MatMul", "Gemm", "Gather")  # operators whose weights are kept as 8-bit integers


def export(model: NLUPipeline | str | Path, out: str | Path, skill: str | None = None, *, int8: bool = False) -> Path:
    """Write a skill for [`headstart.onnx.OnnxNLU`].

    Args:
        model: a pipeline, or the folder or repository of a checkpoint.
        out: folder to write to; what an earlier export wrote there is replaced.
        skill: the skill to export; may be left out if the model has one.
        int8: keep weights as 8-bit integers: a quarter of the size, faster, and a little less accurate.

    Returns:
        the folder: `model.onnx`, `tokenizer.json`, `headstart.json`, and `crf.npz` and `catalogs.json` if the skill has slots and catalogs.

    Raises:
        ValueError: the model has no such skill, or has several and none was named; or `out` is a file.
        ImportError: onnx or onnxruntime is missing.
    """
    nlu = load_pipeline(model) if isinstance(model, (str, Path)) else model
    if not isinstance(nlu, NLUPipeline):
        raise ValueError(f"{str(model)!r} is an exported skill already; name the checkpoint that it was made of.")
    network: HeadstartForJointNLU = nlu.model
    entry = network.skill(skill)
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise ValueError(f"{str(out)!r} is a file; name a folder to write to.")
    out.mkdir(parents=True, exist_ok=True)
    (out / SKILL).unlink(missing_ok=True)  # written last: a folder without it is not complete
    for name in (CRF, CATALOGS):
        (out / name).unlink(missing_ok=True)
    part = _ExportedSkill(network, entry["name"]).eval()
    _write_network(part, out / NETWORK, int8)
    if part.crf is not None:
        start, transitions = map(_to_numpy, part.crf.allowed_scores())
        np.savez(out / CRF, start=start, transitions=transitions, end=_to_numpy(part.crf.end_scores))
    if part.gazetteer is not None:
        (out / CATALOGS).write_text(json.dumps(part.gazetteer.keys(), ensure_ascii=False), encoding="utf-8")
    tokenizer = Tokenizer.from_str(nlu.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(out / TOKENIZER))
    config = network.config
    description = {
        "version": VERSION, "headstart": __version__, "weights": "int8" if int8 else "float32",
        "skill": {**entry, "unseen_prior": UNSEEN_PRIOR}, "max_pieces": nlu.tokenizer.model_max_length,
        "unk_token_id": config.unk_token_id, "continuation_start": config.continuation_start,
        "continuation_stop": config.continuation_stop,
    }  # fmt: skip
    (out / SKILL).write_text(json.dumps(description, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


class _ExportedSkill(nn.Module):
    """One skill's network, from padded pieces to scores, in operators that ONNX has: ragged rows are told apart by their lengths."""

    crf: LinearChainCRF | None

    def __init__(self, model: HeadstartForJointNLU, skill: str) -> None:
        super().__init__()
        self.embeddings, self.trunk = model.trunk.embed_tokens, model.trunk.lstm
        layers = cast(TaskLayers, model.task_layers[model.skill(skill)["task_layers"]])
        classifiers = cast(SkillClassifiers, model.classifiers[skill])
        self.slot_lstm, self.intent_lstm = layers.slot_lstm, layers.intent_lstm
        self.intent_classifier, self.reject_classifier = classifiers.intent_classifier, classifiers.reject_classifier
        self.slot_classifier, self.crf = classifiers.slot_classifier, classifiers.crf
        self.gazetteer = cast(Gazetteer, model.gazetteers[skill]) if skill in model.gazetteers else None

    @property
    def output_names(self) -> list[str]:
        """Names of what `forward` returns."""
        parts = {
            "intent_logits": self.intent_classifier,
            "reject_logits": self.reject_classifier,
            "slot_logits": self.slot_classifier,
        }
        return [name for name, part in parts.items() if part is not None]

    def forward(
        self, input_ids: torch.Tensor, lengths: torch.Tensor, matches: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, ...]:
        """Scores by [`output_names`], before decoding.

        Args:
            input_ids: (batch, tokens) long, padded on the right.
            lengths: (batch,) long, pieces of each row.
            matches: (batch, tokens, 2 * catalogs) float, if the skill has catalogs.
        """
        states = _run(self.trunk, self.embeddings(input_ids), lengths)
        of_slots = of_intents = states
        added: tuple[Any, Any] = (0.0, 0.0)
        if self.gazetteer is not None and matches is not None:
            slot_inputs, intent_inputs = self.gazetteer.inputs(matches)
            of_slots, of_intents = states + slot_inputs, states + intent_inputs
            of_tags, of_all = self.gazetteer.scores(matches)
            added = (of_tags, 0.0 if of_all is None else of_all)
        results = []
        if self.intent_classifier is not None:
            found = _run(self.intent_lstm, of_intents, lengths)
            is_padding = torch.arange(input_ids.shape[1]).unsqueeze(0) >= lengths.unsqueeze(1)
            pooled = found.masked_fill(is_padding.unsqueeze(2), torch.finfo(torch.float32).min).amax(dim=1)
            layers = [layer for layer in (self.intent_classifier, self.reject_classifier) if layer is not None]
            scores = torch.cat([layer(pooled) for layer in layers], dim=1) + added[1]
            results += scores.split([layer.out_features for layer in layers], dim=1)
        if self.slot_classifier is not None:
            results.append(self.slot_classifier(_run(self.slot_lstm, of_slots, lengths)) + added[0])
        return tuple(results)


def _run(lstm: BiLSTM, inputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    # The exporter makes of this ONNX's LSTM with sequence lengths, which doesn't need the rows to be sorted; only tracing does.
    states, _ = pad_packed_sequence(lstm(pack_padded_sequence(inputs, lengths, batch_first=True))[0], batch_first=True)
    return states


def _to_numpy(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()


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


def _write_network(part: _ExportedSkill, file: Path, int8: bool) -> None:
    try:
        import onnx  # noqa: F401
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ImportError("exporting needs onnx and onnxruntime: pip install 'headstart[onnx]'") from error
    example: list[torch.Tensor] = [torch.tensor([[5, 6, 7], [5, 6, 0]]), torch.tensor([3, 2])]
    names = ["input_ids", "lengths"]
    if part.gazetteer is not None:
        example.append(torch.zeros(2, 3, 2 * part.gazetteer.num_catalogs))
        names.append("matches")
    of_words, of_rows = {0: "batch", 1: "tokens"}, {0: "batch"}
    axes = {"input_ids": of_words, "lengths": of_rows, "matches": of_words, "slot_logits": of_words, "intent_logits": of_rows,
            "reject_logits": of_rows}  # fmt: skip
    with tempfile.TemporaryDirectory(dir=file.parent) as folder, warnings.catch_warnings(), _without_stderr():
        # The other exporter can't read packed sequences; what this one warns of is what the parity test checks.
        warnings.simplefilter("ignore")
        written = Path(folder) / "network.onnx"
        torch.onnx.export(
            part, tuple(example), str(written), input_names=names, output_names=part.output_names, opset_version=OPSET, dynamo=False,
            dynamic_axes={name: axis for name, axis in axes.items() if name in (*names, *part.output_names)},
        )  # fmt: skip
        if int8:
            quantized = Path(folder) / "int8.onnx"
            quantize_dynamic(written, quantized, op_types_to_quantize=list(QUANTIZED), weight_type=QuantType.QInt8)
            written = quantized
        written.replace(file)


__all__ = ["export"]
