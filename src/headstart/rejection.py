"""The reject option: utterances that are none of a skill's, and the temperature that makes its probabilities honest."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import torch
from datasets import Dataset
from torch.nn.functional import cross_entropy, normalize
from transformers import PreTrainedTokenizerBase

from headstart.data import SUFFIXES, DataError, read_rows, read_text
from headstart.modeling import HeadstartForJointNLU

logger = logging.getLogger(__name__)

NEAREST = 0.1  # share of the background that is left out because it is most like the skill's own utterances
CROWDED = 0.4  # a domain is left out whole if more of it than this is among the nearest
NEIGHBOURS = 3
TEMPERATURES = [2 ** (step / 20) for step in range(-40, 61)]  # a quarter to eight


def read_background(path: str | Path | None = None) -> dict[str, list[str]]:
    """Background utterances by domain.

    Args:
        path: a file of rows (`.jsonl`), or a text file with one utterance a line, where `## name` opens a domain and other lines
            that begin with `#` are skipped; the one that comes with the package if it is left out.

    Raises:
        DataError: there is no such file, or nothing in it.
    """
    if path is None:
        text = files("headstart.background").joinpath("en.txt").read_text(encoding="utf-8")
    elif Path(path).suffix.lower() in SUFFIXES:
        return {"": list(read_rows(path)["text"])}
    elif Path(path).is_file():
        text = read_text(Path(path))
    else:
        raise DataError(f"{path}: there is no such file; allowed: a text file with one background utterance a line.")
    domains: dict[str, list[str]] = {}
    domain = ""
    for line in (line.strip() for line in text.split("\n")):
        if line.startswith("## "):
            domain = line[3:].strip()
        elif line and not line.startswith("#"):
            domains.setdefault(domain, []).append(line)
    if not domains:
        raise DataError(f"{path}: holds no utterance; allowed: one a line, besides lines that begin with #.")
    return domains


def choose_background(
    domains: Mapping[str, Sequence[str]],
    own: Sequence[str],
    model: HeadstartForJointNLU,
    tokenizer: PreTrainedTokenizerBase,
) -> list[str]:
    """Leave out the background utterances that may well be requests to the skill itself.

    Utterances are compared by the pooled states of the skill's IC bi-LSTM before fine-tuning: the cosine of standardised
    states, averaged over the three most similar of the skill's own. The nearest tenth of the background is left out, and so are whole
    domains of which over two fifths are among it.

    Args:
        domains: the background.
        own: the skill's training utterances.
        model: the network before fine-tuning, with the skill as its only one.
        tokenizer: its tokenizer.
    """
    utterances = [text for texts in domains.values() for text in texts]
    states = _intent_states(model, tokenizer, [*utterances, *own])
    background = states[: len(utterances)]
    states = normalize((states - background.mean(dim=0)) / background.std(dim=0).clamp(min=1e-6), dim=1)
    likeness = states[: len(utterances)] @ states[len(utterances) :].T
    nearest = likeness.topk(min(NEIGHBOURS, len(own)), dim=1).values.mean(dim=1).topk(round(len(utterances) * NEAREST)).indices
    left_out = {utterances[place] for place in nearest.tolist()}
    left_out |= {
        text for name, texts in domains.items() if name and len(left_out & set(texts)) > CROWDED * len(texts) for text in texts
    }
    return without_own([text for text in utterances if text not in left_out], own)


def without_own(utterances: Sequence[str], own: Sequence[str]) -> list[str]:
    """Leave out what the skill's own utterances say too, in whatever case."""
    same = {" ".join(text.lower().split()) for text in own}
    return [text for text in utterances if " ".join(text.lower().split()) not in same]


@torch.no_grad()
def _intent_states(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> torch.Tensor:
    """Pooled states of the IC bi-LSTM of the model's only skill, (texts, 2 * task_hidden_size), without dropout."""
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(texts), 64):
        batch = tokenizer(list(texts[start : start + 64]), padding=True, truncation=True, return_tensors="pt").to(model.device)
        states = model.task_states(batch["input_ids"], batch["attention_mask"], use_gazetteers=False).states
        parts.append(states[0][1].float().cpu())
    model.train(was_training)
    return torch.cat(parts)


def held_out_background(utterances: Sequence[str]) -> tuple[list[str], list[str]]:
    """Background to train on, and every tenth utterance, to calibrate on."""
    return (
        [text for number, text in enumerate(utterances, start=1) if number % 10],
        [text for number, text in enumerate(utterances, start=1) if number % 10 == 0],
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


__all__ = ["calibrate", "choose_background", "fit_temperature", "held_out_background", "read_background", "without_own"]
