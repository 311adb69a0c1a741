"""What the stages are run on."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reliability.strangers import Made

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package


@pytest.fixture(scope="session")
def made(tiny_base: Path) -> Made:
    """Skills of strangers.py, with all that was made of them: tests copy what they change."""
    from reliability.strangers import Made  # which waits for the package

    return Made(tiny_base.parent / "strangers", tiny_base)


@pytest.fixture
def limited(made: Made) -> Iterator[None]:
    """What a test takes, without what is made for it, ends after a minute."""
    from reliability.strangers import limit

    with limit():
        yield


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


@pytest.fixture(scope="session")
def begun(root: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an interrupted fine-tuning leaves, with all that it read, and beside it what the uninterrupted one comes to."""
    from interrupted import OUT_OF_SCOPE, interrupt, tune  # which wait for torch

    from headstart.saving import newest_complete

    place = tmp_path_factory.mktemp("begun")
    skill = place / "coffee"
    skill.mkdir()
    for part, source in (("train", "train"), ("validation", "test"), ("test", "test")):
        shutil.copy(root / "examples" / "coffee_machine" / f"{source}.jsonl", skill / f"{part}.jsonl")
    (skill / "catalogs.json").write_text(json.dumps({"drink": ["latte", "flat white"]}))
    shutil.copytree(tiny_base, place / "base")
    (place / "others.txt").write_text("\n".join(OUT_OF_SCOPE))
    tune(place, "whole")
    interrupt(lambda: tune(place, "out"))
    assert newest_complete(place / "out") == place / "out" / "checkpoint-4"
    return place


@pytest.fixture
def work(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which nothing knows of the place where it began."""
    folder = Path(shutil.copytree(begun, tmp_path / "work"))
    monkeypatch.chdir(folder)
    return folder
