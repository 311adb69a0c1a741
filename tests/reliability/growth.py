"""How time grows with size: what is done at 1, 2, 4 and 8 times a size, and the exponent that the times follow.

`GROWTHS` has all that is measured, by name: readers on files of many shapes (see `growing_files`, `growing_shapes`), and what follows them (`growing_steps`).
`python tests/reliability/growth.py [words of names]` prints the exponents.
"""

from __future__ import annotations

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from growing_files import FORMATS, write_files
from growing_shapes import SHAPES, TEXTS
from growing_steps import STEPS

from headstart import DataError, load_skill

TIMES = (1, 2, 4, 8)
LIMIT = 1.2  # of an exponent
LARGEST = 2**17  # of a first size


@dataclass(frozen=True)
class Growth:
    """Something whose time depends on a size.

    Args:
        make: what it is done to, of a size, in a folder that is empty.
        act: does it.
    """

    make: Callable[[int, Path], Any]
    act: Callable[[Any], Any]


def read(path: Path) -> None:
    """Read a skill, or the error that it is none: either is to be soon there."""
    try:
        load_skill(path)
    except DataError:
        pass


GROWTHS = {
    **{
        f"{name}: {shape}": Growth(lambda size, folder, name=name, shape=shape: write_files(name, shape, size, folder), read)  # type: ignore[misc]
        for name in FORMATS
        for shape in (*SHAPES, *TEXTS)
    },
    **{f"steps: {name}": Growth(lambda size, folder, make=make: make(size), act) for name, (make, act) in STEPS.items()},  # type: ignore[misc]
}


def seconds(growth: Growth, thing: Any) -> float:
    """Processor time of doing it once."""
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        growth.act(thing)
        return time.process_time() - started
    finally:
        gc.enable()


def exponents(growth: Growth, floor: float = 0.03, rounds: int = 3) -> list[float]:
    """The exponent of each round: the slope of a line through the logarithms of times and sizes.

    Args:
        growth: what is measured.
        floor: processor seconds that the first size takes at least; sizes are doubled up to there, but not beyond `LARGEST`. Times below a quarter of
            it, as of what is refused at once, are as good as none.
        rounds: how often.
    """
    with tempfile.TemporaryDirectory() as folder:

        def make(size: int) -> Any:
            place = Path(folder, str(size))
            place.mkdir()
            return growth.make(size, place)

        size, things = 16, [make(16)]
        growth.act(things[0])  # what is done once for all
        while seconds(growth, things[0]) < floor and size < LARGEST:
            size, things = 2 * size, [make(2 * size)]
        things += [make(size * factor) for factor in TIMES[1:]]
        return [_slope([max(seconds(growth, thing), floor / 4) for thing in things]) for _ in range(rounds)]


def _slope(times: list[float]) -> float:
    xs, ys = [math.log(factor) for factor in TIMES], [math.log(each) for each in times]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def main() -> None:
    """Print the median exponent of all growths whose name has one of the given words."""
    words = sys.argv[1:]
    for name, growth in GROWTHS.items():
        if not words or any(word in name for word in words):
            started = time.perf_counter()
            print(f"{median(exponents(growth)):6.2f} {time.perf_counter() - started:5.1f} s  {name}", flush=True)


if __name__ == "__main__":
    main()
