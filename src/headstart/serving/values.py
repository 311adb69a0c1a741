"""What a slot's value is to a program: where other protocols have room for one value alone."""

from __future__ import annotations

from headstart.tokenization.answers_headstart import SlotAnswer


def typed_value(slot: SlotAnswer) -> str | int | float | bool:
    """The likeliest reading of a slot's value (a catalog's canonical value, a number, a time in ISO 8601); what was said, if there is none."""
    readings = slot.get("resolution")
    return readings[0]["value"] if readings else slot["value"]


__all__ = ["typed_value"]
