"""Many threads ask one model while others load, delete and rename its heads: each answer is that of the skills at one moment."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from headstart import HeadstartForJointNLU, NLUPipeline
from headstart.loading import load_pipeline

WORDS = ["book", "paris", "pay", "tables", "seven", "now", "latte", "brew", "the", "light"]
TEXTS = [" ".join(random.Random(number).choices(WORDS, k=1 + number % 9)) for number in range(12)]
# Heads of all forms: with adapters, with nothing changed, and with task layers of their own.
FORMS: list[dict[str, Any]] = [{"rank": 2, "routes": True}, {"rank": 0, "routes": True}, {}]
NAMES = [f"head_{number}" for number in range(6)]
ASKING, CHANGING = 16, 4
MISSING, NOT_ROUTED = "has no skill", "can't be found without being named"


@pytest.fixture(scope="module")
def heads(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of heads whose labels hold their names, so that one of another head shows."""
    folder = tmp_path_factory.mktemp("heads")
    nlu: Any = load_pipeline(tiny_base)
    model: HeadstartForJointNLU = nlu.model
    torch.manual_seed(3)
    for number, (name, form) in enumerate(zip(NAMES, itertools.cycle(FORMS), strict=False)):
        intents, slots = [f"{name}_intent{label}" for label in range(number + 2)], [f"{name}_slot{label}" for label in range(3)]
        catalogs = {slots[0]: [nlu.tokenizer(word)["input_ids"] for word in WORDS[:3]]} if number % 2 else None
        labels = SimpleNamespace(name=name, intents=intents, slots=slots)
        model.add_skill(labels, catalogs=catalogs, rejects=number % 2 == 0, label_priors={intents[0]: slots[:1]}, **form)
        for part, module in model.modules_of(model.skill(name)).items():
            if part != "task_layers":  # which may be shared
                for parameter in module.parameters():
                    torch.nn.init.normal_(parameter, std=0.7)
        model.save_skill(name, folder / name)
    return folder


class Asker:
    """Asks until all answers are there, and counts what is wrong with them.

    Args:
        nlu: the pipeline.
        wanted: the answers to each text by the name of a skill.
        total: how many answers are wanted of all threads together.
    """

    def __init__(self, nlu: NLUPipeline, wanted: dict[str, list[Any]], total: int) -> None:
        self.nlu, self.wanted, self.total = nlu, wanted, total
        self.answered, self.missing = itertools.count(1), Counter[str]()
        self.is_done, self.wrong = threading.Event(), list[str]()

    def ask(self, seed: int) -> None:
        rng = random.Random(seed)
        while not self.is_done.is_set():
            number, name = rng.randrange(len(TEXTS)), rng.choice(NAMES)
            is_routed = rng.random() < 0.2
            try:
                answer: Any = self.nlu(TEXTS[number]) if is_routed else self.nlu(TEXTS[number], skill=name)
            except ValueError as error:  # of a skill that is away at this moment: the message says so
                kind = MISSING if f"{MISSING} {name!r}" in str(error) else str(error)
                self.missing[kind if not is_routed else str(error)] += 1
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it must be told
                self.wrong.append(f"{type(error).__name__}: {error}")
                continue
            if next(self.answered) >= self.total:
                self.is_done.set()
            if is_routed and answer["skill"] is None:
                continue
            if answer != self.wanted[answer["skill"] if is_routed else name][number]:
                self.wrong.append(f"{TEXTS[number]!r}, {name}: {answer}")

    def change(self, seed: int, folder: Path) -> None:
        """Load, rename and delete heads, each thread some of its own."""
        rng, model, own = random.Random(seed), self.nlu.model, NAMES[seed % CHANGING :: CHANGING]
        while not self.is_done.is_set():
            name = rng.choice(own)
            if name not in model.skills:
                away = f"{name}_away"
                if rng.random() < 0.5:
                    model.load_skill(folder / name)
                else:
                    model.load_skill(folder / name, as_name=away)
                    model.rename_skill(away, name)
            elif rng.random() < 0.5:
                model.delete_skill(name)
            else:
                model.rename_skill(name, f"{name}_away")
                model.delete_skill(f"{name}_away")
            time.sleep(0.002)


@pytest.mark.parametrize("total", [600, pytest.param(20_000, marks=pytest.mark.slow)])
def test_no_answer_is_that_of_another_skill(total: int, tiny_base: Path, heads: Path) -> None:
    nlu = load_pipeline(tiny_base)
    assert isinstance(nlu, NLUPipeline)
    for name in nlu.model.skills[1:]:
        nlu.model.delete_skill(name)
    (first,) = nlu.model.skills
    for name in NAMES:
        nlu.model.load_skill(heads / name)
    wanted = {name: [nlu(text, skill=name) for text in TEXTS] for name in (first, *NAMES)}
    for name in NAMES:  # under a name of its own, each would be away from all the others
        wanted[f"{name}_away"] = [{**answer, "skill": f"{name}_away"} for answer in wanted[name]]
    asker = Asker(nlu, wanted, total)
    with ThreadPoolExecutor(ASKING + CHANGING) as pool:
        changes = [pool.submit(asker.change, seed, heads) for seed in range(CHANGING)]
        list(pool.map(asker.ask, range(ASKING)))
        for change in changes:
            change.result()
    assert not asker.wrong, asker.wrong[:3]
    others = [message for message in asker.missing if message != MISSING and NOT_ROUTED not in message]
    assert not [message for message in others if "skills: name one" not in message], others
    assert asker.missing[MISSING] > total // 100  # heads were away while they were asked for
