"""Training, export and report are killed and taken up again. benchmarks/reliability.py does it more often."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from kills import make_stages, survive

NAMES = ("pretraining", "pretraining on a stream", "fine-tuning", "fine-tuning of a head", "export", "report")


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_stage_is_taken_up_again(name: str, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path) -> None:
    (stage,) = [stage for stage in make_stages(tiny_base, *material) if stage.name == name]
    outcome = survive(stage, tmp_path, kills=2, rng=random.Random(0))
    assert (outcome.kills, outcome.broken, outcome.is_same) == (2, 0, True)
