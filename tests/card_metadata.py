"""What a hub refuses in the metadata of a model card."""

from __future__ import annotations

import re
from typing import Any


def metadata_errors(metadata: dict[str, Any]) -> list[str]:
    """What a hub refuses in a model card (hub-docs/modelcard.md), as far as our cards come near it."""
    repo_name = re.compile(r"([\w.-]+/)?[\w.-]{1,96}")
    wanted = {
        "license": lambda value: re.fullmatch(r"[a-z0-9.-]+", value),
        "language": lambda value: all(
            re.fullmatch(r"[a-z]{2,3}", code) for code in ([value] if isinstance(value, str) else value)
        ),
        "tags": lambda value: isinstance(value, list) and all(isinstance(tag, str) for tag in value),
        "library_name": lambda value: isinstance(value, str),
        "base_model": lambda value: repo_name.fullmatch(value),
        "datasets": lambda value: all(repo_name.fullmatch(name) for name in value),
    }
    errors = [
        f'"{name}" is not allowed: {metadata[name]!r}'
        for name, fits in wanted.items()
        if name in metadata and not fits(metadata[name])
    ]
    for model in metadata.get("model-index", []):
        for result in model["results"]:
            fields = {
                "task.type": result.get("task", {}).get("type"),
                **{f"dataset.{name}": result.get("dataset", {}).get(name) for name in ("type", "name")},
            }
            errors += [f'"model-index[].results[].{name}" is required' for name, value in fields.items() if not value]
            errors += [
                '"model-index[].results[].metrics[]" wants type and value'
                for metric in result["metrics"]
                if not metric.get("type") or "value" not in metric
            ]
        if not model.get("name"):
            errors.append('"model-index[].name" is required')
    return errors


def space_errors(metadata: dict[str, Any]) -> list[str]:
    """What a hub refuses in the card of a Space (hub-docs/spaces-config-reference.md), as far as ours come near it."""
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    wanted = {
        "sdk": lambda value: value in ("gradio", "docker", "static"),
        "sdk_version": lambda value: re.fullmatch(r"\d+\.\d+\.\d+", value),
        "colorFrom": lambda value: value in colours,
        "colorTo": lambda value: value in colours,
        "emoji": lambda value: 0 < len(value) < 4 and not value.isascii(),
        "short_description": lambda value: len(value) <= 60,
        "python_version": lambda value: re.fullmatch(r"3\.\d+", value),
        "pinned": lambda value: isinstance(value, bool),
    }
    missing = [f'"{name}" is required' for name in ("sdk", "emoji", "colorFrom", "colorTo") if name not in metadata]
    return missing + [
        f'"{name}" is not allowed: {metadata[name]!r}'
        for name, fits in wanted.items()
        if name in metadata and not fits(metadata[name])
    ]
