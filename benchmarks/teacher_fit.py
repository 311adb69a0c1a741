"""How much of what a sentence encoder says a base's states still tell, on texts that it never saw: no labels, no fine-tuning, a minute a base.

    python benchmarks/teacher_fit.py BASE ... --data DATA --skills SKILLS --out benchmarks/results/tuning/teacher_fit.json [--teacher FOLDER]

A linear map (ridge regression) from pooled IC states to the teacher's sentence embeddings, and one from ST states to its states of words, both less their
means, are fitted on validation texts of the corpora that the base was pretrained on. What is told is 1 - cosine of mapped and true ones on the
validation texts of SNIPS and on training texts of the skills, of each at most 30. Test rows are not read.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cosine_similarity
from transformers import AutoTokenizer

from headstart import HeadstartForJointNLU
from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.data.rows import read_rows
from headstart.modeling.layers_headstart import gather_words
from headstart.pretraining.embeddings import teacher_folder
from headstart.pretraining.teacher_cache import TeacherCache
from headstart.pretraining.teachers import Teacher
from headstart.report.systems import checkpoint_hash

FITTED, OF_A_SKILL, PENALTY, BATCH_SIZE = 500, 30, 1e-3, 64


def texts_of(path: Path, limit: int) -> list[str]:
    texts = sorted({row["text"] for row in read_rows(path)})
    return random.Random(0).sample(texts, min(limit, len(texts)))


@torch.no_grad()
def read(model: Any, tokenizer: Any, texts: list[str], teacher: TeacherCache) -> Iterator[tuple[torch.Tensor, ...]]:
    """Batches of pooled IC states, the teacher's sentences, ST states of words, and the teacher's."""
    for start in range(0, len(texts), BATCH_SIZE):
        part = texts[start : start + BATCH_SIZE]
        batch = tokenizer(part, padding=True, return_tensors="pt")
        found = model(batch["input_ids"], batch["attention_mask"], skill_ids=torch.zeros(len(part), dtype=torch.long))
        said = teacher.said(part)
        words, mask, _ = gather_words(found.slot_states, model.word_starts(batch["input_ids"], batch["attention_mask"]))
        both = min(words.shape[1], said.present.shape[1])
        known = said.present[:, :both] & mask[:, :both]
        of_words = said.words[torch.nn.functional.pad(known, (0, said.present.shape[1] - both))[said.present]]
        yield found.intent_states, said.sentences, words[:, :both][known], of_words


def fit(states: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A linear map, and the means that are taken from what it reads and from what it is to say."""
    means = states.mean(dim=0), wanted.mean(dim=0)
    x, y = states - means[0], wanted - means[1]
    gram = x.T @ x
    return torch.linalg.solve(gram + PENALTY * gram.diagonal().mean() * torch.eye(len(gram)), x.T @ y), *means


def measure(base: str, groups: dict[str, list[str]], teacher: Teacher, folder: Path) -> dict[str, Any]:
    checkpoint = resolve_checkpoint(base)
    model: Any = HeadstartForJointNLU.from_pretrained(checkpoint).eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, trust_remote_code=False)
    cache = TeacherCache([text for texts in groups.values() for text in texts], teacher, tokenizer, folder)
    parts = {
        name: [torch.cat(column) for column in zip(*read(model, tokenizer, texts, cache), strict=True)]
        for name, texts in groups.items()
    }
    results: dict[str, Any] = {"base_hash": checkpoint_hash(checkpoint)}
    for kind, column in (("sentences", 0), ("words", 2)):
        weights, of_states, of_wanted = fit(*parts["corpora"][column : column + 2])
        for name in ("snips", "skills"):
            states, wanted = parts[name][column : column + 2]
            likeness = cosine_similarity((states - of_states) @ weights, wanted - of_wanted, dim=1)
            results[f"{name}, {kind}"] = round(1 - likeness.mean().item(), 4)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bases", nargs="+", help="checkpoints, by folder or short name")
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--out", type=Path, required=True, help="JSON file, to which the bases are added by name")
    parser.add_argument("--teacher", type=Path, help="folder of a sentence encoder; unset: all-MiniLM-L6-v2")
    options = parser.parse_args()
    teacher = Teacher(options.teacher or teacher_folder())
    groups = {
        "corpora": [
            text
            for path in sorted(options.data.glob("*/validation.jsonl"))
            if path.parent.name not in ("snips", "xsid_en", "hwu64")
            for text in texts_of(path, FITTED)
        ],
        "snips": texts_of(options.data / "snips" / "validation.jsonl", 10**6),
        "skills": [text for path in sorted(options.skills.glob("*/train.jsonl")) for text in texts_of(path, OF_A_SKILL)],
    }
    known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for base in options.bases:
            name = checkpoint_name(resolve_checkpoint(base))
            known[name] = {
                "date": date.today().isoformat(),
                "teacher": teacher.name,
                **measure(base, groups, teacher, Path(folder)),
            }
            print(json.dumps({name: known[name]}), flush=True)
    options.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
