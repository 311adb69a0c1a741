"""What a skill costs: headstart (torch, ONNX, ONNX int8), MiniLM with the same heads (likewise) and the classical pair, in one run.

    python benchmarks/speed.py --skills SKILLS/NAME [SKILLS/NAME ...] --out benchmarks/results/speed.json

Everything runs on one thread. Latencies of one utterance are taken in turns, one system after the other, so that whatever else the machine
does meets all of them. Cold start and peak memory are those of a fresh process that loads the skill and answers once. Read the ratios.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from headstart import BASE_EN, export
from headstart.evaluation.evaluate import score_answers
from headstart.exporting import ExportedNetwork, ReadTexts, write_exported
from headstart.onnx import OnnxNLU
from headstart.report.cases import SkillCase
from headstart.report.options import SYSTEMS
from headstart.report.sentence_encoder import SentenceEncoderForJointNLU, SentenceEncoderNLU
from headstart.report.systems import SKILL_NAME, Run, Trained, distill

NAMES = {"transfer": "headstart", "sentence_encoder": "MiniLM", "classical": "classical"}
REPEATS = 3  # of each cold start; the fastest counts: others wait for the machine
COLD = """
import re, sys, time
started = time.perf_counter()
{load}
answer({text!r})
seconds = time.perf_counter() - started
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""  # not ru_maxrss: that of a process which another one started is at least that one's


class ExportedEncoder(ExportedNetwork):
    """MiniLM with joint heads; its special tokens, [CLS] and [SEP], are put around a row's own in the graph."""

    def __init__(self, nlu: SentenceEncoderNLU) -> None:
        super().__init__(nlu.model.classifiers, nlu.model.gazetteer)
        self.encoder = copy.deepcopy(nlu.model.encoder)  # torch's own keeps its faster attention, which ONNX doesn't have
        self.encoder.set_attn_implementation("eager")
        self.first, self.last = nlu.tokenizer.cls_token_id, nlu.tokenizer.sep_token_id

    def states(
        self, input_ids: torch.Tensor, lengths: torch.Tensor, matches: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, None]:
        padded = torch.nn.functional.pad(input_ids, (1, 1))
        positions = torch.arange(padded.shape[1]).unsqueeze(0)
        ends = lengths.unsqueeze(1) + 1
        padded = torch.where(positions == 0, self.first, torch.where(positions == ends, self.last, padded))
        mask = (positions <= ends).long()
        of_words = of_rows = self.encoder(input_ids=padded, attention_mask=mask).last_hidden_state
        if self.gazetteer is not None and matches is not None:
            slots, intents = self.gazetteer.inputs(torch.nn.functional.pad(matches, (0, 0, 1, 1)))
            of_words, of_rows = of_words + slots, of_rows + intents
        weights = mask.unsqueeze(2).float()
        return of_words[:, 1:-1], (of_rows * weights).sum(dim=1) / weights.sum(dim=1), None


def seconds_to_best(facts: dict[str, Any]) -> float | None:
    """Seconds of fine-tuning until the best validation score that the run reaches; None without scored validation rows."""
    curve = facts["curve"]
    best = min((error for _, _, error in curve), default=None)
    return next((seconds for _, seconds, error in curve if error == best), None)


def time_alternating(
    systems: dict[str, Callable[[list[str]], Any]], texts: list[str], rounds: int
) -> dict[str, dict[str, float]]:
    """Median and 95th percentile, in milliseconds, of one utterance at a time; utterances a second of batches of 64."""
    times: dict[str, list[float]] = {name: [] for name in systems}
    for answer in systems.values():
        answer(texts[:5])
    for number in range(rounds):
        for name, answer in systems.items():
            started = time.perf_counter()
            answer([texts[number % len(texts)]])
            times[name].append(time.perf_counter() - started)
    many = [texts[number % len(texts)] for number in range(64)]
    rates: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(8):
        for name, answer in systems.items():
            started = time.perf_counter()
            answer(many)
            rates[name].append(64 / (time.perf_counter() - started))
    return {
        name: {
            "p50_ms": round(1000 * float(np.percentile(times[name], 50)), 4),
            "p95_ms": round(1000 * float(np.percentile(times[name], 95)), 4),
            "utterances_per_second": round(float(np.median(rates[name])), 1),
        }
        for name in systems
    }


def start_cold(load: str, text: str) -> dict[str, float]:
    """Seconds from a fresh interpreter to the first answer, imports included, and megabytes at the peak."""
    runs = []
    for _ in range(REPEATS):
        code = COLD.format(load=load, text=text)
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)  # its errors are shown
        runs.append([float(value) for value in done.stdout.split()[-2:]])
    return {
        "cold_start_s": round(min(seconds for seconds, _ in runs), 3),
        "peak_mb": round(float(np.median([mb for _, mb in runs])), 1),
    }


def size_of(folder: Path) -> float:
    """Megabytes."""
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6, 2)


def load_encoder(folder: Path, case: str) -> SentenceEncoderNLU:
    """MiniLM as `save_encoder` left it."""
    skill = SkillCase(Path(case)).load(0).replace(name=SKILL_NAME)
    nlu = SentenceEncoderNLU.__new__(SentenceEncoderNLU)
    nlu.tokenizer, nlu.skill = AutoTokenizer.from_pretrained(folder, trust_remote_code=False), skill
    nlu.entry = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    nlu.model = SentenceEncoderForJointNLU(skill, nlu.tokenizer).eval()
    nlu.model.load_state_dict(load_file(folder / "model.safetensors"))
    return nlu


def save_encoder(nlu: SentenceEncoderNLU, folder: Path) -> Path:
    folder.mkdir()
    save_file(nlu.model.state_dict(), folder / "model.safetensors")
    nlu.tokenizer.save_pretrained(folder)
    (folder / "entry.json").write_text(json.dumps(nlu.entry), encoding="utf-8")
    return folder


def export_all(trained: dict[str, Trained], work: Path) -> dict[str, Path]:
    """A folder for every system."""
    headstart, encoder, classical = (trained[name].nlu for name in NAMES)
    headstart.save_pretrained(work / "headstart")
    folders = {"headstart": work / "headstart", "MiniLM": save_encoder(encoder, work / "MiniLM")}
    gazetteer = encoder.model.gazetteer
    entry = dict(encoder.entry)
    if gazetteer is not None:
        tokens, values = (len(gazetteer.get_buffer(name)) for name in ("token_ids", "lengths"))
        entry["gazetteer"] = {"slots": entry["slots"][: gazetteer.num_catalogs], "values": values, "tokens": tokens}
    texts = ReadTexts(encoder.tokenizer, encoder.tokenizer.unk_token_id, 510)
    for suffix, int8 in (("ONNX", False), ("ONNX int8", True)):
        folders[f"headstart {suffix}"] = export(headstart, work / f"headstart-{suffix}", int8=int8)
        network = ExportedEncoder(encoder)
        folders[f"MiniLM {suffix}"] = write_exported(network, entry, texts, work / f"MiniLM-{suffix}", int8=int8)
    (work / "classical").mkdir()
    (work / "classical" / "model.pickle").write_bytes(pickle.dumps(classical))
    folders["classical"] = work / "classical"
    return folders


def loading_code(name: str, folder: Path, case: Path) -> str:
    if "ONNX" in name:
        return f"from headstart.onnx import OnnxNLU; answer = OnnxNLU({str(folder)!r})"
    if name == "headstart":
        return f"import headstart; from transformers import pipeline; answer = pipeline('joint-nlu', model={str(folder)!r})"
    if name == "MiniLM":
        path = str(Path(__file__).parent)
        return (
            f"sys.path.insert(0, {path!r}); from pathlib import Path; from speed import load_encoder; "
            f"nlu = load_encoder(Path({str(folder)!r}), {str(case.resolve())!r}); answer = lambda text: nlu([text])"
        )
    file = str(folder / "model.pickle")
    return f"import pickle; nlu = pickle.load(open({file!r}, 'rb')); answer = lambda text: nlu([text])"


def measure(path: Path, rounds: int, seed: int) -> dict[str, Any]:
    """All figures of one skill."""
    case = SkillCase(path)
    skill = case.load(seed).replace(name=SKILL_NAME)
    rows = skill.rows("test")
    texts = [row["text"] for row in rows]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        base = str(BASE_EN)
        trained = {kind: Run(case, SYSTEMS[kind], seed, base, distilled=distill(base, work)).train(skill) for kind in NAMES}
        folders = export_all(trained, work)
        systems: dict[str, Callable[[list[str]], Any]] = {NAMES[kind]: trained[kind].answer for kind in NAMES}
        for title, folder in folders.items():
            if "ONNX" in title:
                systems[title] = partial(OnnxNLU(folder), batch_size=64)
        figures: dict[str, dict[str, Any]] = time_alternating(systems, texts, rounds)
        for title, folder in folders.items():
            scores = score_answers(systems[title](texts), rows)
            figures[title] |= {
                "exact_match": round(scores["exact_match"], 4),
                "semantic_error_rate": round(scores["semantic_error_rate"], 4),
                "size_mb": size_of(folder),
                **start_cold(loading_code(title, folder, path), texts[0]),
            }
        for kind, title in NAMES.items():
            facts = trained[kind].facts
            figures[title] |= {
                "steps": facts["steps"], "fine_tuning_s": facts["seconds"], "seconds_to_best_validation_score": seconds_to_best(facts),
            }  # fmt: skip
    return {"skill": path.name, "train_rows": len(skill.rows("train")), "test_rows": len(rows), "systems": figures}


def ratios(results: list[dict[str, Any]]) -> dict[str, float]:
    """MiniLM against headstart in the same form, medians over skills: how many times as much it takes (of throughput, how many times less it gives)."""
    found = {}
    for suffix in ("", " ONNX", " ONNX int8"):
        for figure in (
            "p50_ms",
            "p95_ms",
            "cold_start_s",
            "utterances_per_second",
            "peak_mb",
            "size_mb",
            "fine_tuning_s",
            "seconds_to_best_validation_score",
        ):
            if figure in ("cold_start_s", "peak_mb") and not suffix:
                continue  # MiniLM starts through this file's imports, which are more than it needs
            pairs = [
                (result["systems"][f"MiniLM{suffix}"].get(figure), result["systems"][f"headstart{suffix}"].get(figure))
                for result in results
            ]
            values = [first / second for first, second in pairs if first and second]
            if values:
                median = float(np.median(values))
                found[f"{figure}{suffix}"] = round(1 / median if figure == "utterances_per_second" else median, 2)
    return found


def int8_losses(results: list[dict[str, Any]]) -> dict[str, float]:
    """Points of exact match that int8 weights cost, over the test rows of all skills together."""
    rows = np.array([result["test_rows"] for result in results])
    exact = {name: np.array([result["systems"][name]["exact_match"] for result in results]) for name in results[0]["systems"]}
    return {
        name: round(100 * float(np.average(exact[f"{name} ONNX"] - exact[f"{name} ONNX int8"], weights=rows)), 2)
        for name in ("headstart", "MiniLM")
    }


def summarize(results: list[dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    """What the result file holds after some of the skills."""
    return {
        "date": date.today().isoformat(),
        "command": " ".join(["python benchmarks/speed.py --skills", *(f"SKILLS/{result['skill']}" for result in results)]),
        "seed": options.seed, "rounds": options.rounds, "MiniLM_against_headstart": ratios(results),
        "points_of_exact_match_lost_by_int8": int8_losses(results), "skills": results,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, nargs="+", required=True, help="skills, a folder or file each")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--rounds", type=int, default=300, help="utterances of each system that are timed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the fresh processes
    results: list[dict[str, Any]] = []
    for path in options.skills:
        results.append(measure(path, options.rounds, options.seed))
        content = summarize(results, options)  # an error in a later skill shall not lose this one
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(
        json.dumps({name: content[name] for name in ("MiniLM_against_headstart", "points_of_exact_match_lost_by_int8")}, indent=1)
    )


if __name__ == "__main__":
    main()
