"""The packaging tables and the rules that remote code forces on modeling/ and tokenization/."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from transformers.dynamic_module_utils import get_imports, get_relative_imports

ROOT = Path(__file__).parent.parent
TRAVELLING = sorted(
    path for folder in ("modeling", "tokenization") for path in (ROOT / folder).glob("*.py") if path.stem != "__init__"
)


def test_every_folder_of_code_is_packaged() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    tops = [ROOT / "src", *(ROOT / name for name in ("checkpoints", "model_cards", "modeling", "tokenization"))]
    found = {path.parent.relative_to(ROOT).as_posix() for top in tops for path in top.rglob("__init__.py")}
    assert found == set(tool["package-dir"].values())
    assert sorted(tool["packages"]) == sorted(tool["package-dir"])


@pytest.mark.parametrize("path", TRAVELLING, ids=lambda path: path.name)
def test_module_can_follow_a_checkpoint(path: Path) -> None:
    for name in get_relative_imports(path):
        assert (path.parent / f"{name}.py").exists(), f"from .{name}: no such sibling"
    assert "headstart" not in get_imports(path)
    assert not re.search(r"^\s*from \. import", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_flat_file_names_are_unique() -> None:
    names = [path.name for path in TRAVELLING]
    assert len(names) == len(set(names))
