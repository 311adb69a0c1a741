"""No code of a checkpoint runs unless `trust_remote_code=True` was said, and nobody asks for it on standard input."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from headstart.modeling.integrity_headstart import note_hashes

NOISE = re.compile(r"^(INFO|WARNING) headstart|^\[transformers\]|it/s]")
TRAP = "trap"  # the file that the code writes if it is run
CODE = f"""
open({TRAP!r}, "w").close()
from transformers import Pipeline, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

class TrapConfig(PreTrainedConfig):
    model_type = "trap"

class TrapModel(PreTrainedModel):
    config_class = TrapConfig

class TrapTokenizer(PreTrainedTokenizerFast):
    pass

class TrapPipeline(Pipeline):
    pass
"""
AUTO_MAP = {"AutoConfig": "code_trap.TrapConfig", "AutoModel": "code_trap.TrapModel"}
TOKENIZER_MAP = {"AutoTokenizer": ["code_trap.TrapTokenizer", "code_trap.TrapTokenizer"]}
PIPELINES = {"joint-nlu": {"impl": "code_trap.TrapPipeline", "pt": ["AutoModel"], "type": "text"}}

# Does one thing after the other, each with consent standing on an input that stays open: whoever reads on waits, and the process is ended.
SCRIPT = """
import faulthandler, io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout, suppress
faulthandler.dump_traceback_later(100, exit=True)
reading, writing = os.pipe()
os.write(writing, b"y\\n" * 1000)
os.dup2(reading, 0)
sys.stdin = open(0, closefd=False)
import headstart
from headstart.cli import main
from headstart.loading import load_pipeline
said = {}
for number, order in enumerate(json.loads(sys.argv[1])):
    output, errors = io.StringIO(), io.StringIO()
    status = 0
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            if isinstance(order, list):
                status = main(order)
            else:
                exec(order)
        except (ValueError, OSError) as error:
            status = 2
            print(f"headstart: {error}", file=errors)
    said[str(number)] = [status, output.getvalue(), errors.getvalue(), os.path.exists("trap")]
left = os.read(reading, 10_000)  # what python read ahead of it is gone, but it read only if somebody asked
print(json.dumps([said, len(left)]))
"""


def trap_folder(folder: Path, tiny_base: Path, *, config: dict[str, Any], tokenizer_config: dict[str, Any]) -> str:
    """A copy of a checkpoint whose files say that code belongs to it."""
    shutil.copytree(tiny_base, folder)
    for file in folder.glob("*.py"):
        file.unlink()
    for name, more in (("config.json", config), ("tokenizer_config.json", tokenizer_config)):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**content, **more}))
    (folder / "code_trap.py").write_text(CODE)
    note_hashes(folder)  # as whoever means harm would
    return folder.name


TRAPS: dict[str, dict[str, dict[str, Any]]] = {
    "another model": {
        "config": {"model_type": "trap", "auto_map": AUTO_MAP, "custom_pipelines": PIPELINES},
        "tokenizer_config": {"auto_map": TOKENIZER_MAP, "tokenizer_class": "TrapTokenizer"},
    },
    "another model with our tokenizer": {
        "config": {"model_type": "trap", "auto_map": AUTO_MAP | TOKENIZER_MAP, "custom_pipelines": PIPELINES},
        "tokenizer_config": {},
    },
    "code in another repository": {
        "config": {"model_type": "trap", "auto_map": {"AutoConfig": "somebody/code--code_trap.TrapConfig"}},
        "tokenizer_config": {"auto_map": {"AutoTokenizer": [None, "somebody/code--code_trap.TrapTokenizer"]}, "tokenizer_class": "X"},
    },
}  # fmt: skip


def run(zygote: Any, orders: list[list[str] | str], tmp_path: Path) -> tuple[list[tuple[int, str, str, bool]], int]:
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HUB_OFFLINE": "1"}
    done = zygote.run(SCRIPT, json.dumps(orders), environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    said, left = json.loads(done.stdout.splitlines()[-1])
    return list(said.values()), left


@pytest.mark.parametrize("name", TRAPS)
def test_nothing_of_a_checkpoint_runs_whatever_stands_on_standard_input(
    name: str, root: Path, tiny_base: Path, tmp_path: Path, zygote: Any
) -> None:
    trap = trap_folder(tmp_path / "model", tiny_base, **TRAPS[name])
    rows, skill = (str(root / "examples" / "coffee_machine" / part) for part in ("test.jsonl", ""))
    finetune = ["finetune", "--skill", skill, "--output_dir", "out", "--base", trap, "--max_steps", "1", "--disable_tqdm", "true"]
    orders: list[list[str] | str] = [
        ["predict", trap],
        ["predict", trap, "--skill", "travel", "to paris"],
        ["evaluate", trap, "--data", rows],
        ["export", trap, "--out", "exported"],
        ["push", trap, "somebody/model"],
        finetune,
        [*finetune, "--tune", "head"],
        [*finetune, "--from_scratch", "true"],
        ["report", "--skills", str(root / "examples"), "--out", "report", "--base", trap, "--quick"],
        ["report", "--skills", str(root / "examples"), "--out", "report", "--base", trap, "--quick", "--systems", "classical"],
        f"load_pipeline({trap!r})",
        f"load_pipeline({trap!r}, trust_remote_code=None)",
        f"load_pipeline({trap!r}, trust_remote_code='no')",
        f"headstart.evaluate({trap!r}, {rows!r})",
        f"headstart.export({trap!r}, 'exported')",
        f"headstart.finetune({skill!r}, 'out', base={trap!r}, max_steps=1)",
        f"headstart.HeadstartForJointNLU.from_pretrained({trap!r})",
        f"headstart.HeadstartModel.from_pretrained({trap!r})",
        f"headstart.HeadstartConfig.from_pretrained({trap!r})",
        f"headstart.HeadstartForJointNLU.from_pretrained({str(tiny_base)!r}).load_skill({trap!r})",
        f"from headstart.onnx import OnnxNLU; OnnxNLU({trap!r})",
        f"from headstart.pretraining.embeddings import distill_embeddings; distill_embeddings(['[PAD]', '[UNK]', '[MASK]', 'a'], 2, {trap!r})",
        f"from headstart.pretraining.teachers import Teacher; from pathlib import Path; Teacher(Path({trap!r})).model",
        f"from headstart.report.systems import distill; from pathlib import Path; distill({trap!r}, Path('distilled'))",
    ]  # fmt: skip
    results, left = run(zygote, orders, tmp_path)
    for order, (status, output, errors, is_caught) in zip(orders, results, strict=True):
        assert not is_caught, order
        assert status == 2 and not output, (order, output, errors)
        lines = [line for line in errors.splitlines() if line and not NOISE.search(line)]
        assert len(lines) == 1 and lines[0].startswith("headstart: ") and len(lines[0]) < 600, (order, errors)
    assert left == 2000, "somebody read what was not for it"
    assert any("trust_remote_code=True" in errors for _, _, errors, _ in results)
    for result in results[:4]:
        assert "transformers.pipeline(\"joint-nlu\", model='model', trust_remote_code=True)" in result[2]


def test_a_head_asks_no_more_for_its_base(root: Path, tiny_base: Path, tmp_path: Path, zygote: Any) -> None:
    trap = trap_folder(tmp_path / "model", tiny_base, **TRAPS["another model"])
    skill = str(root / "examples" / "coffee_machine")
    finetune = [
        "finetune",
        "--skill",
        skill,
        "--output_dir",
        "head",
        "--base",
        str(tiny_base),
        "--tune",
        "head",
        "--max_steps",
        "1",
    ]
    orders: list[list[str] | str] = [
        finetune,
        ["predict", "head", "--base", trap],
        ["evaluate", "head", "--base", trap, "--data", f"{skill}/test.jsonl"],
        ["export", "head", "--base", trap, "--out", "exported"],
    ]
    results, left = run(zygote, orders, tmp_path)
    assert [status for status, _, _, _ in results] == [0, 2, 2, 2] and left == 2000
    assert all("trust_remote_code=True" in errors and not is_caught for _, _, errors, is_caught in results[1:])


def test_our_own_checkpoints_need_no_consent_and_their_code_is_not_run(tiny_base: Path, tmp_path: Path, zygote: Any) -> None:
    config = {"auto_map": AUTO_MAP | TOKENIZER_MAP, "custom_pipelines": PIPELINES}
    trap = trap_folder(tmp_path / "model", tiny_base, config=config, tokenizer_config={"auto_map": TOKENIZER_MAP})
    results, _ = run(zygote, [f"load_pipeline({trap!r})", ["predict", trap, "--skill", "travel", "to paris"]], tmp_path)
    assert [status for status, _, _, _ in results] == [0, 0] and not any(is_caught for _, _, _, is_caught in results)


def test_code_runs_for_whoever_says_so(tiny_base: Path, tmp_path: Path, zygote: Any) -> None:
    """The trap is one: otherwise the tests above would say nothing."""
    trap = trap_folder(tmp_path / "model", tiny_base, **TRAPS["another model"])
    results, left = run(zygote, [f"with suppress(Exception): load_pipeline({trap!r}, trust_remote_code=True)"], tmp_path)
    assert results[0][3] and left == 2000


def test_whatever_is_loaded_by_name_says_whether_it_trusts(root: Path) -> None:
    """Auto classes ask where nothing is said; ours, such as HeadstartConfig, never run code of a checkpoint."""
    for folder in ("src", "modeling", "tokenization", "benchmarks"):
        for file in (root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and re.fullmatch(r"Auto\w+\.from_pretrained|pipeline", ast.unparse(node.func)):
                    assert "trust_remote_code" in ast.unparse(node) or "BASE_EN" in ast.unparse(node), (file, ast.unparse(node))
