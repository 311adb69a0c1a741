"""Numbers that stand for labels, and which slot labels each intent was seen with. Needs nothing but Python, so that an exported skill
reads the same table without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

IGNORED = -100  # label of a position or a row without annotation, as everywhere in transformers
REJECTED = -1  # number of an intent: none of the skill's
# Least share of its probability that a slot's word keeps with an intent which has the slot in no training row.
UNSEEN_PRIOR = 0.02
POOLINGS = ("max", "max_mean")  # how one state is made of an utterance's, see `layers_headstart.pool_states`


def seen_slots(intents: Sequence[str], slots: Sequence[str], label_priors: Mapping[str, Sequence[str]]) -> list[list[float]]:
    """For each intent and each slot label 1 where the intent was seen with the label, or where that says nothing, 0 elsewhere.

    An intent that `label_priors` lacks says nothing, and neither does a label that no intent was seen with.

    Args:
        intents: the skill's.
        slots: the skill's slot labels.
        label_priors: by intent, the slot labels that it was seen with in training.
    """
    seen = {intent: set(labels) for intent, labels in label_priors.items()}
    free = set(slots).difference(*seen.values())
    return [[float(intent not in seen or label in seen[intent] or label in free) for label in slots] for intent in intents]


__all__ = ["IGNORED", "POOLINGS", "REJECTED", "UNSEEN_PRIOR", "seen_slots"]
