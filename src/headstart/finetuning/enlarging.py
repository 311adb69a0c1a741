"""A skill with more labels: the layers that it has, copied, with room for new intents and slot labels behind the ones that it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn

from headstart.data.rows import Row
from headstart.data.skills import label_counts, label_priors
from headstart.modeling import HeadstartForJointNLU
from headstart.modeling.configuration_headstart import check_entry
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.skill_sets_headstart import SKILLS_LOCK, layer_key

# Parts of a network whose shape depends on the number of labels.
SIZED = ("classifiers", "gazetteers", "routers", "novelties")


def enlarged_entry(entry: SkillEntry, rows: Sequence[Row]) -> SkillEntry:
    """The entry of a skill with the labels of these rows behind its own, and with the slots that they have beside its intents."""
    intents, slots = label_counts(rows)
    added: dict[str, Any] = {
        "intents": [*entry["intents"], *(label for label in intents if label not in entry["intents"])] if entry["intents"] else [],
        "slots": [*entry["slots"], *(label for label in slots if label not in entry["slots"])] if entry["slots"] else [],
    }  # fmt: skip
    if "label_priors" in entry:
        seen = {intent: {*labels} for intent, labels in entry["label_priors"].items()}
        for intent, labels in label_priors(rows).items():
            seen.setdefault(intent, set()).update(labels)
        added["label_priors"] = {intent: sorted(labels) for intent, labels in seen.items()}
    return check_entry({**entry, **added})


def enlarged_modules(
    model: HeadstartForJointNLU, entry: SkillEntry, larger: SkillEntry, own: Mapping[str, nn.Module]
) -> dict[str, nn.Module]:
    """Copies of the layers of a skill, of the sizes that a larger entry says; what is new is 0.

    Args:
        model: the network, with the skill.
        entry: its entry.
        larger: see [`enlarged_entry`].
        own: its layers.
    """
    copies: dict[str, nn.Module] = {}
    for part, module in model.new_modules(larger).items():
        if part in SIZED:
            module.to(model.device, model.dtype)
            old = own[part].state_dict()
            grown = {name: _grown(name, old[name], new, entry) for name, new in module.state_dict().items()}
            module.load_state_dict(grown)
            module.requires_grad_(next(own[part].parameters(), torch.empty(0)).requires_grad)
            copies[part] = module.train(own[part].training)
    return copies


def _grown(name: str, old: torch.Tensor, new: torch.Tensor, entry: SkillEntry) -> torch.Tensor:
    """A tensor of the new one's shape, with the old one's numbers where the labels are that it knows."""
    if old.shape == new.shape:
        return old.clone()
    grown = torch.zeros_like(new)
    if name == "crf.stay_scores":  # of all first words, then of all others
        for first, part in zip((0, len(new) // 2), old.chunk(2), strict=True):
            grown[first : first + len(part)] = part
    elif name == "intent_scores.weight" and "rejection" in entry:  # "none of these" stays the last
        grown[: len(old) - 1], grown[-1] = old[:-1], old[-1]
    else:
        grown[tuple(slice(size) for size in old.shape)] = old
    return grown


def swap_skill(model: HeadstartForJointNLU, entry: SkillEntry, parts: Mapping[str, nn.Module]) -> None:
    """Put a skill's entry and layers in the place of those of its name, at once for those who ask meanwhile: they are not changed, but replaced.

    Raises:
        ValueError: there is no skill of that name.
    """
    with SKILLS_LOCK:
        place = model.skill_id(entry["name"])
        for part, module in parts.items():
            cast(Any, getattr(model, part))[layer_key(part, entry)] = module
        model.config.skills = [*model.entries[:place], entry, *model.entries[place + 1 :]]


__all__ = ["SIZED", "enlarged_entry", "enlarged_modules", "swap_skill"]
