"""Training, export and report are killed and taken up again. benchmarks/reliability.py does it more often."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from kills import make_stages, survive

NAMES = ("pretraining", "fine-tuning", "fine-tuning of a head", "export", "report")


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


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_stage_is_taken_up_again(name: str, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path) -> None:
    (stage,) = [stage for stage in make_stages(tiny_base, *material) if stage.name == name]
    outcome = survive(stage, tmp_path, kills=2, rng=random.Random(0))
    assert (outcome.kills, outcome.broken, outcome.is_same) == (2, 0, True)
