"""One pipeline for long, and for many threads at once."""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headstart import NLUPipeline
from headstart.loading import load_pipeline

SERVE = """
import gc, json, random, re, sys
import torch
from headstart.loading import load_pipeline

def resident():
    gc.collect()
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

torch.set_num_threads(1)
nlu, rng, total = load_pipeline(sys.argv[1]), random.Random(0), int(sys.argv[2])
words = ["book", "paris", "tomorrow", "pay", "42", "caf\\u00e9", "\\u2615", "xylophonist", "to", "the"]
curve = []
for number in range(total + 1):
    if number % (total // 10) == 0:
        curve.append(resident())
    length = 400 if number % 1000 == 999 else rng.randint(1, 12)
    text = " ".join(rng.choice(words) + str(rng.randint(0, 9)) * rng.randint(0, 2) for _ in range(length))
    nlu(text if number % 3 else [text, "to paris"], skill=rng.choice(nlu.model.skills))
print(json.dumps(curve))
"""


def test_threads_get_the_answers_of_one(tiny_base: Path) -> None:
    nlu = load_pipeline(tiny_base)
    assert isinstance(nlu, NLUPipeline)
    rng = random.Random(1)
    asked = [
        (
            " ".join(rng.choices(["book", "paris", "pay", "tables", "seven", "now"], k=rng.randint(1, 20))),
            rng.choice(nlu.model.skills),
        )
        for _ in range(400)
    ]
    wanted = [nlu(text, skill=skill) for text, skill in asked]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda pair: nlu(pair[0], skill=pair[1]), asked))
    assert found == wanted


@pytest.mark.parametrize("utterances", [2000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_stays_as_it_is_once_it_is_warm(utterances: int, tiny_base: Path, zygote: Any) -> None:
    done = zygote.run(SERVE, tiny_base, utterances)
    assert done.returncode == 0, done.stderr[-2000:]
    curve = json.loads(done.stdout.splitlines()[-1])
    # Caches for inputs of new shapes fill up over the first ten thousand; a leak of some kilobytes a call would show all the same.
    warm, limit = (5, 10) if utterances > 100_000 else (2, 16)
    assert curve[-1] - curve[warm] < limit, curve  # MB
