"""What the stages are run on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def material(root: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A skill with validation rows, and two corpora."""
    for name in ("coffee_machine", "plant_care"):
        folder = tmp_path / "corpora" / name
        folder.mkdir(parents=True)
        for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
            shutil.copy(root / "examples" / name / f"{source}.jsonl", folder / f"{part}.jsonl")
    skill = tmp_path / "skills" / "coffee_machine"
    shutil.copytree(tmp_path / "corpora" / "coffee_machine", skill)
    return skill, tmp_path / "corpora"
