"""Encoded rows become batches of tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from headstart.modeling.labels_headstart import IGNORED


@dataclass
class JointNLUCollator:
    """Pads encoded rows on the right into one batch of tensors.

    Args:
        pad_token_id: id of the padding token.
    """

    pad_token_id: int = 0

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Return `input_ids`, `attention_mask`, `slot_labels` (batch, tokens), `intent_labels` and `skill_ids` (batch,), all long."""
        width = max(1, max(len(row["input_ids"]) for row in rows))

        def pad(name: str, value: int) -> torch.Tensor:
            return torch.tensor([list(row[name]) + [value] * (width - len(row[name])) for row in rows])

        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        return {
            "input_ids": pad("input_ids", self.pad_token_id),
            "attention_mask": (torch.arange(width) < lengths.unsqueeze(1)).long(),
            "slot_labels": pad("slot_labels", IGNORED),
            "intent_labels": torch.tensor([row["intent_labels"] for row in rows]),
            "skill_ids": torch.tensor([row["skill_ids"] for row in rows]),
        }


__all__ = ["JointNLUCollator"]
