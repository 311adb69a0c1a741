"""A tiny base, made once for the whole suite, and real small data: the example skills of the repository."""

from __future__ import annotations

import copy
import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test needs the network
gc.disable()  # until all is imported: looking for garbage takes a quarter of that time, and there is none

import pytest

# pytest-xdist imports this in a process that runs no test, before it starts those that do: torch and transformers come with the first fixture.
import headstart
from headstart.data import out_of_scope

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from headstart import HeadstartForJointNLU, Skill

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package
from hub_server import HubServer
from zygote import Zygote

EMBEDDED = out_of_scope.EMBEDDED
ROOT = Path(__file__).parent.parent
EXAMPLES = ("coffee_machine", "museum_guide", "plant_care")


@pytest.fixture(scope="session", autouse=True)
def _nothing_imported_is_garbage() -> None:
    """accelerate collects garbage after every training: of what was imported, which stays, that takes half of a short one's time."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _few_out_of_scope_utterances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every eighth of the package's: reading all of them takes a third of a short training's time. See [`whole_package`]."""
    folder = Path(out_of_scope.__file__).parent
    lines = (folder / EMBEDDED).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines) if line.startswith("#") or number % 8 == 0]
    few = tmp_path_factory.mktemp("out_of_scope") / EMBEDDED
    few.write_text("".join(kept), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("headstart.data.out_of_scope.EMBEDDED", str(few))
        patched.setattr("headstart.evaluation.latency.TIMED_TEXTS", 1)  # the time of a request is what no test asks for
        # How often the workers of a loader look whether they are wanted: one that was left in the middle waits for that.
        patched.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2)
        yield


@pytest.fixture
def whole_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the package's out-of-scope utterances."""
    monkeypatch.setattr("headstart.data.out_of_scope.EMBEDDED", EMBEDDED)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def coffee() -> Skill:
    return headstart.load_skill(ROOT / "examples" / "coffee_machine")


@pytest.fixture(scope="session")
def pieces() -> list[str]:
    from headstart.pretraining.embeddings import choose_vocabulary

    texts = [text for name in EXAMPLES for text in headstart.load_skill(ROOT / "examples" / name).train["text"]]
    return choose_vocabulary(texts, min_count=2)


@pytest.fixture(scope="session")
def tokenizer(pieces: list[str]) -> PreTrainedTokenizerBase:
    return headstart.tokenization.build_tokenizer(pieces)


@pytest.fixture(scope="session")
def tiny_model(pieces: list[str]) -> HeadstartForJointNLU:
    import torch

    _, start, stop = headstart.tokenization.order_tokens(pieces)
    torch.manual_seed(0)
    config = headstart.HeadstartConfig(
        vocab_size=len(pieces),
        continuation_start=start,
        continuation_stop=stop,
        embedding_size=12,
        hidden_size=10,
        task_hidden_size=8,
        intent_pooling="max_mean",
        residual_embeddings=True,
        skills=[
            {"name": "travel", "intents": ["book", "cancel", "ask"], "slots": ["city", "date"], "task_layers": "shared"},
            {"name": "bank", "intents": ["pay", "balance"], "slots": [], "task_layers": "shared"},
            {"name": "tables", "intents": [], "slots": ["people", "time", "name"], "task_layers": "shared"},
        ],
    )
    model = headstart.HeadstartForJointNLU(config).eval()
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
    headstart.NLUPipeline(model=copy.deepcopy(tiny_model), tokenizer=tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer({"hf_alice": "alice", "hf_bob": "bob"}) as server:
        yield server


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Starts fresh interpreters."""
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture
def client(hub: HubServer, tmp_path: Path) -> Any:
    """The environment of a client of the hub: its settings are read when it is imported."""

    def client(token: str | None = "hf_alice", **environment: str) -> dict[str, str]:
        settings = {
            "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1",
        } | environment  # fmt: skip
        foreign = re.compile(r"(HF_|HUGGING).*|.*_proxy", re.IGNORECASE)
        inherited = {name: value for name, value in os.environ.items() if not foreign.fullmatch(name)}
        return inherited | settings | ({} if token is None else {"HF_TOKEN": token})

    return client


@pytest.fixture
def launch(zygote: Zygote, client: Any) -> Any:
    """Start Python in a process of its own, as a client of the hub."""
    return lambda code, *arguments, **options: zygote.start(code, *arguments, environment=client(**options))


@pytest.fixture
def run(zygote: Zygote, client: Any) -> Any:
    """Likewise, and wait for its end."""
    return lambda code, *arguments, **options: zygote.run(code, *arguments, environment=client(**options))
