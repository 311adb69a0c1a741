"""The reject option: utterances that are none of a skill's, and the temperature that makes its probabilities honest."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import torch
from datasets import Dataset
from torch import nn
from torch.nn.functional import cross_entropy, normalize
from transformers import PreTrainedTokenizerBase

from headstart.data import DataError, read_text
from headstart.modeling import HeadstartForJointNLU

logger = logging.getLogger(__name__)

TOO_SIMILAR = 0.1  # share of the background that is left out, as what may well be the skill's own
TEMPERATURES = [2 ** (step / 20) for step in range(-40, 61)]  # a quarter to eight


def read_background(path: str | Path | None = None) -> list[str]:
    """Background utterances: one a line; blank lines and lines that begin with `#` are skipped.

    Args:
        path: a text file; the one that comes with the package if it is left out.

    Raises:
        DataError: there is no such file, or nothing in it.
    """
    if path is None:
        text = files("headstart.background").joinpath("en.txt").read_text(encoding="utf-8")
    elif Path(path).is_file():
        text = read_text(Path(path))
    else:
        raise DataError(f"{path}: there is no such file; allowed: a text file with one background utterance a line.")
    lines = [line.strip() for line in text.split("\n")]
    utterances = [line for line in lines if line and not line.startswith("#")]
    if not utterances:
        raise DataError(f"{path}: holds no utterance; allowed: one a line, besides lines that begin with #.")
    return utterances


def choose_background(
    utterances: Sequence[str], own: Sequence[str], embeddings: nn.Embedding, tokenizer: PreTrainedTokenizerBase
) -> list[str]:
    """Leave out the background utterances that are most like the skill's own: they may well be requests to it.

    Utterances are compared by the cosine of the means of their pieces' embeddings, weighted by inverse document frequency; the
    tenth of the background that is nearest to any of the skill's utterances is left out, in the same order as it came.

    Args:
        utterances: the background.
        own: the skill's training utterances.
        embeddings: of word pieces.
        tokenizer: that of the embeddings.
    """
    ids = tokenizer([*utterances, *own], add_special_tokens=False, verbose=False)["input_ids"]
    vectors = _utterance_vectors(ids, embeddings)
    likeness = (vectors[: len(utterances)] @ vectors[len(utterances) :].T).amax(dim=1)
    number = round(len(utterances) * TOO_SIMILAR)
    dropped = set(likeness.topk(number).indices.tolist())
    same = {" ".join(text.lower().split()) for text in own}
    return [text for place, text in enumerate(utterances) if place not in dropped and text.lower() not in same]


@torch.no_grad()
def _utterance_vectors(ids: Sequence[Sequence[int]], embeddings: nn.Embedding) -> torch.Tensor:
    """Unit vectors (utterances, embedding_size)."""
    flat = torch.tensor([piece for row in ids for piece in row])
    owner = torch.tensor([number for number, row in enumerate(ids) for _ in row])
    documents = torch.zeros(embeddings.num_embeddings)
    distinct = torch.tensor(sorted({(number, piece) for number, row in enumerate(ids) for piece in row})).reshape(-1, 2)
    documents.index_add_(0, distinct[:, 1], torch.ones(len(distinct)))
    weights = (len(ids) / documents.clamp(min=1)).log()
    vectors = torch.zeros(len(ids), embeddings.embedding_dim)
    vectors.index_add_(0, owner, embeddings.weight.detach().cpu().float()[flat] * weights[flat].unsqueeze(1))
    return normalize(vectors, dim=1)


def held_out_background(utterances: Sequence[str]) -> tuple[list[str], list[str]]:
    """Background to train on, and every tenth utterance, to calibrate on."""
    return (
        [text for number, text in enumerate(utterances) if number % 10],
        [text for number, text in enumerate(utterances) if number % 10 == 0],
    )


@torch.no_grad()
def calibrate(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, rows: Dataset, unknown: Sequence[str]
) -> float | None:
    """Set the temperature of the model's only skill so that its probabilities fit held-out utterances; known and unknown ones count
    alike.

    Args:
        model: a fine-tuned network that can reject.
        tokenizer: its tokenizer.
        rows: held-out rows of the skill; those without a known intent are left out.
        unknown: held-out utterances that are none of the skill's.

    Returns:
        the temperature; None if there are no rows to calibrate on.
    """
    entry = model.skill()
    known = [(row["text"], entry["intents"].index(row["intent"])) for row in rows.to_list() if row["intent"] in entry["intents"]]
    if not known or not unknown:
        return None
    texts = [text for text, _ in known] + list(unknown)
    labels = torch.tensor([label for _, label in known] + [len(entry["intents"])] * len(unknown))
    logits = torch.cat([_all_logits(model, tokenizer, texts[start : start + 64]) for start in range(0, len(texts), 64)])
    weights = torch.cat([torch.full((len(part),), 0.5 / len(part)) for part in (known, unknown)])
    entry["rejection"]["temperature"] = fit_temperature(logits, labels, weights)
    return float(entry["rejection"]["temperature"])


def _all_logits(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> torch.Tensor:
    """Scores of the intents and of "none of these", (texts, intents + 1)."""
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(model.device)
    outputs = model(batch["input_ids"], batch["attention_mask"])
    return torch.cat([outputs.intent_logits, outputs.reject_logits.unsqueeze(1)], dim=1).float().cpu()


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> float:
    """The temperature with the lowest negative log-likelihood (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

    Args:
        logits: (rows, classes) float, of held-out rows.
        labels: (rows,) long.
        weights: (rows,) float, how much each row counts.
    """
    losses = [(cross_entropy(logits / temperature, labels, reduction="none") * weights).sum() for temperature in TEMPERATURES]
    return round(TEMPERATURES[int(torch.stack(losses).argmin())], 4)


__all__ = ["calibrate", "choose_background", "fit_temperature", "held_out_background", "read_background"]
