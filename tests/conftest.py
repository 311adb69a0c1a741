"""A tiny base, made once for the whole suite, and real small data: the example skills of the repository."""

from __future__ import annotations

import copy
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test needs the network

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from headstart import HeadstartConfig, HeadstartForJointNLU, NLUPipeline, Skill, load_skill
from headstart.embeddings import choose_pieces
from headstart.tokenization import build_tokenizer, order_pieces

ROOT = Path(__file__).parent.parent
EXAMPLES = ("coffee_machine", "museum_guide", "plant_care")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def coffee() -> Skill:
    return load_skill(ROOT / "examples" / "coffee_machine")


@pytest.fixture(scope="session")
def pieces() -> list[str]:
    texts = [text for name in EXAMPLES for text in load_skill(ROOT / "examples" / name).train["text"]]
    return choose_pieces(texts, min_count=2)


@pytest.fixture(scope="session")
def tokenizer(pieces: list[str]) -> PreTrainedTokenizerBase:
    return build_tokenizer(pieces)


@pytest.fixture(scope="session")
def tiny_model(pieces: list[str]) -> HeadstartForJointNLU:
    _, start, stop = order_pieces(pieces)
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
