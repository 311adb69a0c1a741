"""The reject option: utterances that are none of a skill's, and the temperature that makes its probabilities honest."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn.functional import normalize
from transformers import PreTrainedTokenizerBase

from headstart.data.label_names import rows_of_names
from headstart.data.out_of_scope import read_out_of_scope, without_own
from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.evaluation.calibration import fit_temperature
from headstart.modeling import HeadstartForJointNLU
from headstart.training.options import FinetuneOptions

logger = logging.getLogger(__name__)

NEAREST = 0.1  # share of the utterances that is left out because they are most like the skill's own utterances
CROWDED = 0.4  # a domain is left out whole if more of it than this is among the nearest
NEIGHBOURS = 3


def choose_out_of_scope(
    skill: Skill, model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, options: FinetuneOptions
) -> tuple[list[str], list[str]]:
    """Utterances that train the reject option and, if there are validation rows to calibrate on too, some that are held out.

    Args:
        skill: the skill.
        model: the network before fine-tuning, with the skill.
        tokenizer: its tokenizer.
        options: where the utterances come from.
    """
    if "rejection" not in model.skill(skill.name):
        return [], []
    names = rows_of_names(skill.intents) if options.name_rows else []
    own = [row["text"] for row in [*skill.rows("train"), *names]]
    domains = read_out_of_scope(options.out_of_scope)
    if options.out_of_scope is None:
        utterances = leave_out_similar(domains, own, model, tokenizer, skill.name)
    else:  # whoever writes such a file knows what is none of the skill's
        utterances = without_own([text for texts in domains.values() for text in texts], own)
    return hold_out(utterances) if skill.has("validation") else (utterances, [])


def leave_out_similar(
    domains: Mapping[str, Sequence[str]],
    own: Sequence[str],
    model: HeadstartForJointNLU,
    tokenizer: PreTrainedTokenizerBase,
    skill: str | None = None,
) -> list[str]:
    """The utterances without those that may well be requests to the skill itself.

    Utterances are compared by the pooled states of the skill's IC bi-LSTM before fine-tuning: the cosine of standardised
    states, averaged over the three most similar of the skill's own. The nearest tenth is left out, and so are whole
    domains of which over two fifths are among it.

    Args:
        domains: out-of-scope utterances by domain.
        own: the skill's training utterances.
        model: the network before fine-tuning, with the skill.
        tokenizer: its tokenizer.
        skill: name of the skill; it may be left out if the network has no other.
    """
    utterances = [text for texts in domains.values() for text in texts]
    states = _intent_states(model, tokenizer, [*utterances, *own], skill)
    others = states[: len(utterances)]
    states = normalize((states - others.mean(dim=0)) / others.std(dim=0).clamp(min=1e-6), dim=1)
    likeness = states[: len(utterances)] @ states[len(utterances) :].T
    nearest = likeness.topk(min(NEIGHBOURS, len(own)), dim=1).values.mean(dim=1).topk(round(len(utterances) * NEAREST)).indices
    left_out = {utterances[place] for place in nearest.tolist()}
    left_out |= {
        text for name, texts in domains.items() if name and len(left_out & set(texts)) > CROWDED * len(texts) for text in texts
    }
    return without_own([text for text in utterances if text not in left_out], own)


@torch.no_grad()
def _intent_states(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], skill: str | None
) -> torch.Tensor:
    """Pooled states of the IC bi-LSTM of a skill, (texts, 2 * task_hidden_size), without dropout."""
    skill_id = model.skill_id(skill)
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(texts), 64):
        batch = tokenizer(list(texts[start : start + 64]), padding=True, truncation=True, return_tensors="pt").to(model.device)
        skill_ids = torch.full((len(batch["input_ids"]),), skill_id, device=model.device)
        states = model.task_states(batch["input_ids"], batch["attention_mask"], skill_ids, use_gazetteers=False).states
        parts.append(states[skill_id][1].float().cpu())
    model.train(was_training)
    return torch.cat(parts)


def hold_out(utterances: Sequence[str]) -> tuple[list[str], list[str]]:
    """Utterances to train on, and every tenth, to calibrate on."""
    return (
        [text for number, text in enumerate(utterances, start=1) if number % 10],
        [text for number, text in enumerate(utterances, start=1) if number % 10 == 0],
    )


@torch.no_grad()
def set_temperature(
    model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], out_of_scope: Sequence[str]
) -> float | None:
    """Set the temperature of the model's only skill so that its probabilities fit held-out utterances; in-scope and out-of-scope ones count
    alike.

    Args:
        model: a fine-tuned network that can reject.
        tokenizer: its tokenizer.
        rows: held-out rows of the skill; those without a known intent are left out.
        out_of_scope: held-out utterances that are none of the skill's.

    Returns:
        the temperature; None if there are no rows to calibrate on.
    """
    entry = model.skill()
    in_scope = [(row["text"], entry["intents"].index(row["intent"])) for row in rows if row["intent"] in entry["intents"]]
    if not in_scope or not out_of_scope:
        return None
    texts = [text for text, _ in in_scope] + list(out_of_scope)
    labels = np.array([label for _, label in in_scope] + [len(entry["intents"])] * len(out_of_scope))
    logits = torch.cat([_all_logits(model, tokenizer, texts[start : start + 64]) for start in range(0, len(texts), 64)])
    weights = np.concatenate([np.full(len(part), 0.5 / len(part)) for part in (in_scope, out_of_scope)])
    entry["rejection"]["temperature"] = fit_temperature(logits.numpy(), labels, weights)
    return float(entry["rejection"]["temperature"])


def _all_logits(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> torch.Tensor:
    """Scores of the intents and of "none of these", (texts, intents + 1)."""
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(model.device)
    outputs = model(batch["input_ids"], batch["attention_mask"])
    return torch.cat([outputs.intent_logits, outputs.reject_logits.unsqueeze(1)], dim=1).float().cpu()


__all__ = ["choose_out_of_scope", "hold_out", "leave_out_similar", "set_temperature"]
