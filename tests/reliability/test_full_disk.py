"""A disk that is full: every stage ends with an error, leaves no half of a result, and goes on once there is room.

A limit on the size of a file stands for the disk: what is written beyond it fails as on a full one.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from kills import Stage, content_of, finish, is_whole, make_stages, start

NAMES = ("pretraining", "pretraining on a stream", "fine-tuning", "fine-tuning of a head", "export", "report")


def run_in_little_room(stage: Stage, folder: Path, room: int, resumed: bool) -> str:
    """Run it with files of at most `room` bytes; the error that it ended with."""
    said = folder.with_suffix(".error")

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            stage.run(folder, resumed)
        except (OSError, ValueError) as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            said.write_text(str(error))

    said.unlink(missing_ok=True)
    finish(start(work))
    return said.read_text() if said.exists() else ""


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_said_and_leaves_nothing_half_done(
    name: str, tiny_base: Path, material: tuple[Path, Path], tmp_path: Path
) -> None:
    (stage,) = [stage for stage in make_stages(tiny_base, *material) if stage.name == name]
    whole, full = tmp_path / "whole", tmp_path / "full"
    finish(start(lambda: stage.run(whole, False)))
    largest = max(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    for share in (0.02, 0.3, 0.9):
        error = run_in_little_room(stage, full, round(share * largest), full.exists())
        assert "can't be written" in error or "File too large" in error, error
        assert is_whole(stage, full)
    finish(start(lambda: stage.run(full, True)))
    assert all(content_of(whole / name) == content_of(full / name) for name in stage.files)
