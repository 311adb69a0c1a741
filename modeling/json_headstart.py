"""JSON that is read strictly: a name that an object has twice, a number that is none, and nesting without end are errors of one line, not
something that each reader takes in its own way. Needs nothing but Python."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any


def parse_object(content: bytes, name: str) -> dict[str, Any]:
    """The object that the bytes of a JSON file hold.

    Args:
        content: UTF-8.
        name: what messages call the file.

    Raises:
        ValueError: it is no JSON, or holds no object.
    """
    found = parse_json(content, name)
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds no JSON object")
    return found


def parse_json(content: bytes, name: str) -> Any:
    """What the bytes of a JSON file hold.

    Raises:
        ValueError: it is no JSON; the message names the file.
    """
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=distinct, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(f"{name} can't be read (it is nested too deeply)") from error
    except ValueError as error:
        raise ValueError(f"{name} can't be read ({error})") from error


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these names, as an `object_pairs_hook`: `json` alone keeps the last of several values of one name.

    Raises:
        ValueError: a name is there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"an object has {repeated[:80]!r} twice")
    return found


def _no_number(literal: str) -> Any:
    raise ValueError(f"{literal} is no number of JSON")


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError(f"the number {literal[:40]} is too large")
    return value


__all__ = ["distinct", "parse_json", "parse_object"]
