"""How many tokens of a text are read where the tokenizer names no limit."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from headstart import HeadstartForJointNLU, accept_changes, evaluate, export, finetune
from headstart.data.encoding import encode_list
from headstart.loading import load_pipeline
from headstart.onnx import OnnxNLU
from headstart.tokenization.answers_headstart import MAX_TOKENS, token_limit

SECONDS = 10  # it takes a fraction of one; without a limit, more than a minute


@pytest.fixture
def unlimited(tiny_base: Path, tmp_path: Path) -> Path:
    """A checkpoint whose tokenizer says nothing of a limit, as those of others do."""
    folder = Path(shutil.copytree(tiny_base, tmp_path / "unlimited"))
    file = folder / "tokenizer_config.json"
    said = json.loads(file.read_text())
    del said["model_max_length"]
    file.write_text(json.dumps(said))
    accept_changes(folder)
    assert AutoTokenizer.from_pretrained(folder).model_max_length > 10**20
    return folder


@pytest.fixture
def long_text() -> str:
    return "brew a latte " * 10_000


def test_a_long_text_is_cut_and_that_is_said(
    unlimited: Path, tiny_base: Path, long_text: str, caplog: pytest.LogCaptureFixture
) -> None:
    nlu = load_pipeline(unlimited)
    started = time.perf_counter()
    answer: Any = nlu(long_text, skill="travel")
    assert time.perf_counter() - started < SECONDS
    assert f"({MAX_TOKENS} tokens)" in caplog.text
    assert answer == load_pipeline(tiny_base)(long_text, skill="travel")
    rows = [{"text": long_text, "intent": "book", "slots": [{"start": 129_992, "end": 129_999, "label": "city"}]}]
    started = time.perf_counter()
    assert evaluate(nlu, rows, "travel")["utterances"] == 1  # type: ignore[arg-type]
    assert time.perf_counter() - started < SECONDS


def test_training_rows_are_cut(unlimited: Path, long_text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = AutoTokenizer.from_pretrained(unlimited)
    entry = HeadstartForJointNLU.from_pretrained(unlimited).skill("travel")
    row: Any = {"text": long_text, "intent": "book", "slots": [{"start": 129_989, "end": 129_994, "label": "city"}]}
    (encoded,), counts = encode_list([row], tokenizer, entry)
    assert encoded["length"] == len(encoded["input_ids"]) == MAX_TOKENS and counts.truncated == 1
    rows = [{**row, "text": long_text if number else f"book {number}", "slots": []} for number in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    started = time.perf_counter()
    options: dict[str, Any] = {"max_steps": 1, "disable_tqdm": True, "use_cpu": True, "report_to": "none", "rejection": False}
    finetune(tmp_path / "rows.jsonl", str(tmp_path / "out"), base=str(unlimited), **options)
    assert time.perf_counter() - started < 3 * SECONDS


def test_an_exported_skill_is_told_the_limit_even_by_an_old_file(unlimited: Path, long_text: str, tmp_path: Path) -> None:
    folder = export(str(unlimited), tmp_path / "exported", "travel")
    description = json.loads((folder / "headstart.json").read_text())
    assert description["max_tokens"] == MAX_TOKENS
    wanted = OnnxNLU(folder)(long_text)
    del description["sha256"]  # which an old file hasn't
    (folder / "headstart.json").write_text(json.dumps({**description, "max_tokens": int(1e30)}))
    started = time.perf_counter()
    assert OnnxNLU(folder)(long_text) == wanted
    assert time.perf_counter() - started < SECONDS


@pytest.mark.parametrize("said", [0, -1, None, "many", float("nan"), [512]])
def test_what_is_no_limit_is_refused(said: Any) -> None:
    with pytest.raises(ValueError, match="allowed: a whole number, at least 1"):
        token_limit(said)


@pytest.mark.parametrize(
    ("said", "limit"), [(1, 1), (512, 512), (100_000, 100_000), (int(1e30), MAX_TOKENS), (float("inf"), MAX_TOKENS)]
)
def test_what_is_one_is_kept(said: Any, limit: int) -> None:
    assert token_limit(said) == limit
