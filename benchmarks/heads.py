"""Heads on one trunk: pushed and pulled, beside 200 others, and found without their names.

    python benchmarks/heads.py --skills SKILLS --data DATA --heads FOLDER --out benchmarks/results/heads.json [--only hub serving routing]

Trains a head for each of 20 skills of SKILLS, the first by the SHA-256 of their names, unless FOLDER has it already. Then:

- hub: ten of them are pushed to a hub on this machine by one process, and pulled by one that has the package and one that has only
  transformers. All three must print the same hashes of their scores.
- serving: 200 heads, being ten copies of each, beside one; latencies of one utterance in turns, on one thread, and memory in processes of their own.
  The scores of a head must be the same to the bit before and after the others come, and after one of them is trained; a head must not load
  on a changed trunk.
- routing: test utterances of all 20 skills, whose skills are not named, and those of clinc150 that are out of scope.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer

from headstart import BASE_EN, HeadstartForJointNLU, NLUPipeline
from headstart.checkpoints import checkpoint_name
from headstart.data.rows import read_rows
from headstart.finetuning.finetune import train_skill
from headstart.modeling.folders_headstart import HEAD, HEAD_WEIGHTS
from headstart.modeling.heads_headstart import WrongTrunkError
from headstart.report.cases import SkillCase
from headstart.report.systems import checkpoint_hash
from headstart.training.options import FinetuneOptions

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from hub_server import HubServer

PARTS = ("hub", "serving", "routing")
NUM_SKILLS, NUM_PUSHED, NUM_COPIES = 20, 10, 10
WARM_UP, REPEATS = 20, 400
SCORES = """
import hashlib, json, sys
texts, names = json.loads(sys.argv[2]), json.loads(sys.argv[3])
batch = tokenizer(texts, padding=True, return_tensors="pt")
for name in names:
    outputs = model(**batch, skill_ids=model.skill_ids([name] * len(texts)))
    scores = [outputs[kind] for kind in ("intent_logits", "slot_logits", "reject_logits") if kind in outputs]
    print(hashlib.sha256(b"".join(score.detach().numpy().tobytes() for score in scores)).hexdigest())
"""
LOAD = """
import sys
{prepare}
import torch
from transformers import AutoModel, AutoTokenizer
torch.set_num_threads(1)
model = AutoModel.from_pretrained({base}, trust_remote_code=True).eval()
tokenizer = AutoTokenizer.from_pretrained({base}, trust_remote_code=True)
"""
WITHOUT_PACKAGE = """
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "headstart":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
"""
MEMORY = """
import re, sys
import torch
torch.set_num_threads(1)
sys.path.insert(0, {benchmarks!r})
from heads import load_heads
nlu = load_heads({folders!r}, {copies})
for name in nlu.model.skills:
    nlu({text!r}, skill=name)
if len(nlu.model.skills) > 1:
    nlu({text!r})
print(int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def choose_skills(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.is_dir()]
    return sorted(found, key=lambda path: hashlib.sha256(("route" + path.name).encode()).hexdigest())[:NUM_SKILLS]


def train_heads(skills: list[Path], folder: Path) -> list[dict[str, Any]]:
    """Train the heads that are not there yet, as `train.py finetune --tune head` does; returns size and labels of each."""
    for path in skills:
        if (folder / path.name / HEAD).is_file():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            said = FinetuneOptions.of(
                output_dir=scratch, skill=path.name, tune="head", allow_unseen_labels=True, disable_tqdm=True, load_best_model_at_end=False,
                report_to="none", logging_strategy="no", use_cpu=True,
            )  # fmt: skip
            trained = train_skill(said, SkillCase(path).load(0))
        trained.nlu.model.save_skill(trained.nlu.model.skill()["name"], folder / path.name, metrics=trained.metrics)
        print(f"trained {path.name}", flush=True)
    heads = []
    for path in skills:
        entry = json.loads((folder / path.name / HEAD).read_text(encoding="utf-8"))["skill"]
        size = sum((folder / path.name / name).stat().st_size for name in (HEAD_WEIGHTS, HEAD))
        heads.append({"skill": path.name, "bytes": size, "intents": len(entry["intents"]), "slots": len(entry["slots"])})
    return heads


def load_heads(folders: list[str], copies: int = 1) -> NLUPipeline:
    """The embedded base with heads instead of its own skills; further copies of a head have a number in their names."""
    model = HeadstartForJointNLU.from_pretrained(BASE_EN).eval()
    own = model.skills
    for number in range(copies):
        for folder in folders:
            model.load_skill(folder, as_name=f"{Path(folder).name}-{number}")
    for name in own:
        model.delete_skill(name)
    return NLUPipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(BASE_EN))


def test_texts(skill: Path) -> list[str]:
    return [row["text"] for row in SkillCase(skill).load(0).rows("test")]


def measure_hub(skills: list[Path], folder: Path) -> dict[str, Any]:
    """Three processes that must agree: one pushes, one pulls with the package, one without it."""
    skills = skills[:NUM_PUSHED]
    texts = [test_texts(path)[0] for path in skills]
    own_names = [json.loads((folder / path.name / HEAD).read_text(encoding="utf-8"))["skill"]["name"] for path in skills]
    push = [f"model.load_skill({str(folder / path.name)!r})" for path in skills]
    # Half of them into repositories of their own, half into one that all share.
    push += [f"model.push_skill_to_hub({name!r}, 'someone/{name}')" for name in own_names[:5]]
    push += [f"model.push_skill_to_hub({name!r}, 'someone/heads', path_in_repo={name!r})" for name in own_names[5:]]
    pull = [f"model.load_skill('someone/{name}')" for name in own_names[:5]]
    pull += [f"model.load_skill('someone/heads', {name!r})" for name in own_names[5:]]
    package = "import headstart"
    with HubServer({"hf_someone": "someone"}) as hub, tempfile.TemporaryDirectory() as home:

        def run(prepare: str, base: str, lines: list[str]) -> list[str]:
            code = LOAD.format(prepare=prepare, base=base) + "\n".join(lines) + SCORES
            environment = {
                **os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": home, "HF_TOKEN": "hf_someone", "HF_HUB_DISABLE_XET": "1",
                "HF_HUB_OFFLINE": "0",
            }  # fmt: skip
            done = subprocess.run(
                [sys.executable, "-c", code, BASE_EN, json.dumps(texts), json.dumps(own_names)],
                capture_output=True, text=True, env=environment, check=False,
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(done.stderr)
            return done.stdout.split()

        share_base = "from headstart.hub.push import push; push(sys.argv[1], 'someone/base')"
        pushed = run(package, "sys.argv[1]", [*push, share_base])
        pulled = run(package, "sys.argv[1]", pull)
        without = run(WITHOUT_PACKAGE, "'someone/base'", pull)
    return {
        "heads": len(skills),
        "texts": len(texts),
        "equal_with_package": pushed == pulled,
        "equal_without_package": pushed == without,
    }


def measure_serving(skills: list[Path], folder: Path) -> dict[str, Any]:
    folders = [str(folder / path.name) for path in skills]
    texts = [text for path in skills for text in test_texts(path)[:20]]
    one, many = load_heads(folders[:1]), load_heads(folders, NUM_COPIES)
    first = one.model.skills[0]
    times: dict[str, list[float]] = {"one head, named": [], "200 heads, named": [], "200 heads, not named": []}
    for number in range(WARM_UP + REPEATS):
        text = texts[number % len(texts)]
        # A head of its own each time: nobody asks for the same one 200 times.
        asked = many.model.skills[number % len(many.model.skills)]
        for name, nlu, options in (
            ("one head, named", one, {"skill": first}), ("200 heads, named", many, {"skill": asked}), ("200 heads, not named", many, {}),
        ):  # fmt: skip
            started = time.perf_counter()
            nlu(text, **options)
            if number >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - started))
    latencies = {
        name: {"p50_ms": round(float(np.percentile(found, 50)), 3), "p95_ms": round(float(np.percentile(found, 95)), 3)}
        for name, found in times.items()
    }
    memory = {
        "one head": _memory(folders[:1], 1, texts[0]), f"{len(folders) * NUM_COPIES} heads": _memory(folders, NUM_COPIES, texts[0])
    }  # fmt: skip
    p50 = {name: found["p50_ms"] for name, found in latencies.items()}
    return {
        "heads": len(many.model.skills), "latency": latencies,
        "ratio_p50": {name: round(value / p50["one head, named"], 2) for name, value in p50.items()},
        "memory_mb": memory, "more_memory_mb": round(memory[f"{len(folders) * NUM_COPIES} heads"] - memory["one head"], 1),
        "interference": _interference(one, folders, texts), "wrong_trunk": _refusal(folders[0]),
    }  # fmt: skip


def _memory(folders: list[str], copies: int, text: str) -> float:
    code = MEMORY.format(benchmarks=str(Path(__file__).parent), folders=folders, copies=copies, text=text)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return round(float(done.stdout.split()[-1]), 1)


def _interference(nlu: NLUPipeline, folders: list[str], texts: list[str]) -> dict[str, bool]:
    """Whether one head's scores stay the same to the bit while others come, are trained, and go."""
    model, name = nlu.model, nlu.model.skills[0]
    batch = nlu.tokenizer(texts, padding=True, return_tensors="pt")

    def scores() -> list[torch.Tensor]:
        with torch.no_grad():
            outputs = model(**batch, skill_ids=model.skill_ids([name] * len(texts)))
        return [value for value in outputs.values() if value.dim()]

    before = scores()

    def unchanged() -> bool:
        return all(torch.equal(old, new) for old, new in zip(before, scores(), strict=True))

    added = [model.load_skill(folder, as_name=f"other-{number}") for number, folder in enumerate(folders)]
    found = {"after adding": unchanged()}
    model.set_tune("head")
    adapters = model.adapters[added[0]].float()
    optimizer = torch.optim.SGD(adapters.parameters(), lr=0.1)
    labels = torch.zeros(len(texts), dtype=torch.long)
    model(**batch, intent_labels=labels, skill_ids=model.skill_ids([added[0]] * len(texts))).loss.backward()
    optimizer.step()
    found["after training another"] = unchanged()
    for other in added:
        model.delete_skill(other)
    return {**found, "after removing": unchanged()}


def _refusal(folder: str) -> str:
    """The message with which a head is refused by a trunk with one changed number."""
    model = HeadstartForJointNLU.from_pretrained(BASE_EN)
    with torch.no_grad():
        model.trunk.lstm.weight_hh_l0[0, 0] += 1e-4
    try:
        model.load_skill(folder)
    except WrongTrunkError as error:
        return str(error).replace(str(Path(folder).parent), "FOLDER")
    raise RuntimeError("a head was loaded on the wrong trunk")


def measure_routing(skills: list[Path], folder: Path, data: Path) -> dict[str, Any]:
    nlu = load_heads([str(folder / path.name) for path in skills])
    pairs: Counter[tuple[str, str]] = Counter()
    of_skills = {}
    for path in skills:
        answers = nlu(test_texts(path), batch_size=64)
        found = Counter((answer["skill"] or "none").removesuffix("-0") for answer in answers)
        of_skills[path.name] = {"utterances": len(answers), "right": found[path.name]}
        pairs.update({(path.name, other): count for other, count in found.items() if other != path.name})
    rows = read_rows(data / "clinc150" / "test.jsonl")
    out_of_scope = [row["text"] for row in rows if row["intent"] in ("oos", None)]
    answers = nlu(out_of_scope, batch_size=64)
    right, total = (sum(counts[name] for counts in of_skills.values()) for name in ("right", "utterances"))
    return {
        "utterances": total, "right": round(right / total, 4),
        "right_mean_of_skills": round(float(np.mean([counts["right"] / counts["utterances"] for counts in of_skills.values()])), 4),
        "out_of_scope": len(out_of_scope),
        "out_of_scope_for_no_skill": round(sum(answer["skill"] is None for answer in answers) / len(out_of_scope), 4),
        "out_of_scope_rejected": round(sum(answer["intent"]["label"] is None for answer in answers) / len(out_of_scope), 4),
        "skills": of_skills,
        "confusions": [{"skill": name, "found": other, "utterances": count} for (name, other), count in pairs.most_common(15)],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--heads", type=Path, required=True, help="where heads are, or are trained")
    parser.add_argument("--out", type=Path, required=True, help="JSON file; parts that are not measured keep what it says")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="unset: everything")
    options = parser.parse_args()
    torch.set_num_threads(1)
    skills = choose_skills(options.skills)
    result = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    heads = train_heads(skills, options.heads)
    result |= {
        "date": date.today().isoformat(), "base": checkpoint_name(BASE_EN), "base_hash": checkpoint_hash(BASE_EN), "heads": heads,
        "largest_head_bytes": max(head["bytes"] for head in heads),
    }  # fmt: skip
    if "hub" in options.only:
        result["hub"] = measure_hub(skills, options.heads)
    if "serving" in options.only:
        result["serving"] = measure_serving(skills, options.heads)
    if "routing" in options.only:
        result["routing"] = measure_routing(skills, options.heads, options.data)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: result.get(name) for name in PARTS}, indent=1))


if __name__ == "__main__":
    main()
