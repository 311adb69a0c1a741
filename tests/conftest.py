"""A tiny base, made once for the whole suite, and real small data: the example skills of the repository."""

from __future__ import annotations

import copy
import gc
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test needs the network

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartConfig, HeadstartForJointNLU, NLUPipeline, Skill, load_skill
from headstart.pretraining.embeddings import choose_vocabulary
from headstart.tokenization import build_tokenizer, order_tokens

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from hub_server import HubServer

ROOT = Path(__file__).parent.parent
EXAMPLES = ("coffee_machine", "museum_guide", "plant_care")


@pytest.fixture(scope="session", autouse=True)
def _nothing_imported_is_garbage() -> None:
    """accelerate collects garbage after every training: of what was imported, which stays, that takes half of a short one's time."""
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def coffee() -> Skill:
    return load_skill(ROOT / "examples" / "coffee_machine")


@pytest.fixture(scope="session")
def pieces() -> list[str]:
    texts = [text for name in EXAMPLES for text in load_skill(ROOT / "examples" / name).train["text"]]
    return choose_vocabulary(texts, min_count=2)


@pytest.fixture(scope="session")
def tokenizer(pieces: list[str]) -> PreTrainedTokenizerBase:
    return build_tokenizer(pieces)


@pytest.fixture(scope="session")
def tiny_model(pieces: list[str]) -> HeadstartForJointNLU:
    _, start, stop = order_tokens(pieces)
    torch.manual_seed(0)
    config = HeadstartConfig(
        vocab_size=len(pieces),
        continuation_start=start,
        continuation_stop=stop,
        embedding_size=12,
        hidden_size=10,
        task_hidden_size=8,
        skills=[
            {"name": "travel", "intents": ["book", "cancel", "ask"], "slots": ["city", "date"], "task_layers": "shared"},
            {"name": "bank", "intents": ["pay", "balance"], "slots": [], "task_layers": "shared"},
            {"name": "tables", "intents": [], "slots": ["people", "time", "name"], "task_layers": "shared"},
        ],
    )
    model = HeadstartForJointNLU(config).eval()
    for classifiers in model.classifiers.values():  # the CRF starts at 0, where a wrong transition would not show
        if classifiers.crf is not None:
            for parameter in classifiers.crf.parameters():
                torch.nn.init.normal_(parameter)
    return model


@pytest.fixture
def model(tiny_model: HeadstartForJointNLU) -> HeadstartForJointNLU:
    return copy.deepcopy(tiny_model)


@pytest.fixture(scope="session")
def tiny_base(
    tiny_model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A saved checkpoint with three skills."""
    folder = tmp_path_factory.mktemp("base") / "tiny-base"
    NLUPipeline(model=copy.deepcopy(tiny_model), tokenizer=tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer({"hf_alice": "alice", "hf_bob": "bob"}) as server:
        yield server


@pytest.fixture
def launch(hub: HubServer, tmp_path: Path) -> Any:
    """Start Python in a process of its own, as a client of the hub: its settings are read when it is imported."""

    def launch(code: str, *arguments: Any, token: str | None = "hf_alice", **environment: str) -> subprocess.Popen[str]:
        settings = {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1",
        } | environment  # fmt: skip
        foreign = re.compile(r"(HF_|HUGGING).*|.*_proxy", re.IGNORECASE)
        inherited = {name: value for name, value in os.environ.items() if not foreign.fullmatch(name)}
        if token is not None:
            settings["HF_TOKEN"] = token
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=inherited | settings)

    return launch


@pytest.fixture
def run(launch: Any) -> Any:
    """Likewise, and wait for its end."""

    def run(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        with launch(*arguments, **options) as process:
            output, errors = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    return run
