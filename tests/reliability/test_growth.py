"""Time grows about linearly with size: reading every format, whatever is large in it, aligning, matching and decoding."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from growing_files import FORMATS, write_files
from growing_steps import STEPS
from growth import GROWTHS, LIMIT, Growth, exponents

from headstart import load_skill
from headstart.readers import READERS, find_reader
from headstart.readers.source import Source

QUICK = ("slot labels", "slots in a row", "long texts", *STEPS)
ERRORS = ("many_files",)  # what is no skill


def test_every_reader_is_measured(tmp_path: Path) -> None:
    found = set()
    for name in FORMATS:
        if name not in ERRORS:
            (tmp_path / name).mkdir()
            path = write_files(name, "slot labels", 500, tmp_path / name)
            found.add(find_reader(Source(path)).NAME)
            assert load_skill(path).rows("train"), name
    assert found == set(READERS)


def test_what_grows_too_fast_is_found() -> None:
    def wander(numbers: list[int]) -> None:
        for _ in numbers:
            numbers.index(len(numbers) - 1)

    assert median(exponents(Growth(lambda size, folder: list(range(size)), wander), floor=0.003, rounds=1)) > 1.7
    assert median(exponents(Growth(lambda size, folder: list(range(size)), sum), floor=0.003)) <= LIMIT


def grows(name: str) -> float:
    """The median exponent; of what seems to grow too fast, that of a longer look."""
    found = median(exponents(GROWTHS[name], floor=0.008))
    return found if found <= LIMIT else median(exponents(GROWTHS[name], floor=0.06, rounds=5))


@pytest.mark.parametrize("name", [name for name in GROWTHS if name.split(": ", 1)[1] in QUICK])
def test_time_grows_with_size(name: str) -> None:
    assert grows(name) <= LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GROWTHS if name.split(": ", 1)[1] not in QUICK])
def test_time_grows_with_size_in_every_shape(name: str) -> None:
    assert grows(name) <= LIMIT
