"""What options `transformers.TrainingArguments` has, read from its source: importing it would take seconds, to say no more than a typing error.

The source of a dataclass is no public interface; tests/test_private_interfaces.py compares what is read with what the class has.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Option:
    """One option.

    Args:
        kind: its annotation, such as `float | None`.
        help: what its class says of it.
    """

    kind: str
    help: str


@lru_cache(maxsize=1)
def transformers_options() -> dict[str, Option]:
    """The options of `transformers.TrainingArguments` by name; transformers is not imported.

    Raises:
        ImportError: transformers is missing, or keeps them elsewhere.
    """
    spec = find_spec("transformers")
    source = None if spec is None or spec.origin is None else Path(spec.origin).parent / "training_args.py"
    if source is None or not source.is_file():
        raise ImportError("training needs transformers, with its TrainingArguments: pip install 'headstart'")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return {
        node.target.id: Option(ast.unparse(node.annotation), _help_of(node.value))
        for node in classes["TrainingArguments"].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _help_of(value: ast.expr | None) -> str:
    """The text in `field(..., metadata={"help": text})`; empty if there is none that can be read."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    for keyword in keywords:
        if keyword.arg == "metadata" and isinstance(keyword.value, ast.Dict):
            for text in keyword.value.values:
                if isinstance(text, ast.Constant):
                    return str(text.value)
    return ""


__all__ = ["Option", "transformers_options"]
