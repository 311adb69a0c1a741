"""How "none of these" is decided: rules and thresholds on validation rows, for skills that are fine-tuned without any.

    python benchmarks/none_of_these.py --skills SKILLS --data DATA --out benchmarks/results/tuning/none_of_these.json

In scope: held-out templates of the skills that are for tuning (`common.choose_skills`), and 600 validation rows of few-shot SNIPS. Unknown: clinc150's
out-of-scope validation utterances, and held-out rows of the other skills (for SNIPS, rows of MASSIVE's validation part whose domains SNIPS lacks). Test
rows are not read. Scores of intents are computed once and kept in a folder beside the result file, from which a run that was stopped goes on.

A rule gives a text a number, and texts below what a threshold leaves are rejected: `1 - none` (the probability of all intents together), the probability of
the best intent, or that against "none of these" alone (which the product has, at temperature 1), each at some temperature. Compared are the area under the ROC curve, what is accepted of the unknown where 95 % of the right answers
are kept, and, for thresholds that are the same for all skills, how many right answers stay and what is accepted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from common import choose_skills, load
from fewshot_snips import FewShotCase
from rejection import read_out_of_scope
from tqdm import tqdm

from headstart import BASE_EN, NLUPipeline, Skill, finetune
from headstart.checkpoints import checkpoint_name
from headstart.data.rows import Row, read_rows
from headstart.evaluation.metrics import expected_calibration_error, roc_auc

SHOTS, SNIPS_ROWS = (5, 10, 40), 600
# Domains of MASSIVE that SNIPS knows nothing of.
FOREIGN = ("alarm", "calendar", "cooking", "datetime", "email", "iot", "lists", "qa", "social", "takeaway", "transport")
RULES = ("1 - none", "best intent", "best intent against none")
TEMPERATURES, THRESHOLDS, KEPT = (1, 1.5, 2, 3, 5, 10), (0.5, 0.6, 0.7, 0.8, 0.9), 0.95


class Case(NamedTuple):
    """A skill to train, rows of it to score, and utterances that are none of its."""

    name: str
    skill: Skill
    rows: list[Row]
    unknown: list[str]


class Scored(NamedTuple):
    """Scores of the intents and, last, of "none of these", (texts, intents + 1): of in-scope rows and of the unknown; and which rows are right where
    nothing is rejected, (rows,)."""

    known: np.ndarray
    unknown: np.ndarray
    is_right: np.ndarray


def list_cases(options: argparse.Namespace, seed: int) -> Iterator[Case]:
    oos = read_out_of_scope(options.data / "clinc150" / "validation.jsonl")
    names = choose_skills(options.skills, "tuning")
    loaded = {name: load(options.skills, name, "tuning") for name in names}
    for name, (skill, rows) in loaded.items():
        others = [row["text"] for other in names if other != name for row in loaded[other][1]]
        yield Case(name, skill.replace(validation=None), rows, [*oos, *others])
    foreign = [
        row["text"]
        for row in read_rows(options.data / "massive" / "validation.jsonl")
        if str(row["intent"]).split("_")[0] in FOREIGN
    ]
    for shots in SHOTS:
        case = FewShotCase(options.data / "snips", shots)
        skill = case.load(seed)
        yield Case(case.name, skill.replace(validation=None, test=None), skill.rows("validation")[:SNIPS_ROWS], [*oos, *foreign])


def score(case: Case, seed: int, base: str) -> Scored:
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(case.skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True)
    intents = nlu.model.skill()["intents"]
    known = all_scores(nlu, [row["text"] for row in case.rows])
    is_right = [intents[best] == row["intent"] for best, row in zip(known[:, :-1].argmax(axis=1), case.rows, strict=True)]
    return Scored(known, all_scores(nlu, case.unknown), np.array(is_right))


@torch.no_grad()
def all_scores(nlu: NLUPipeline, texts: list[str]) -> np.ndarray:
    parts = []
    for start in range(0, len(texts), 64):
        batch = nlu.tokenizer(texts[start : start + 64], padding=True, truncation=True, return_tensors="pt")
        outputs = nlu.model(batch["input_ids"], batch["attention_mask"])
        parts.append(torch.cat([outputs.intent_logits, outputs.reject_logits.unsqueeze(1)], dim=1).numpy())
    return np.concatenate(parts)


def confidences(rule: str, scores: np.ndarray, temperature: float) -> np.ndarray:
    """What a rule says of texts, (texts,): the lower, the sooner one is rejected."""
    exponentials = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    best, none = probabilities[:, :-1].max(axis=1), probabilities[:, -1]
    found: np.ndarray = {"1 - none": 1 - none, "best intent": best, "best intent against none": best / (best + none)}[rule]
    return found


def summarize(scored: list[Scored]) -> list[dict[str, Any]]:
    """Means over cases and seeds, for each rule and temperature."""
    summary = []
    for rule in RULES:
        for temperature in TEMPERATURES:
            found = [
                (confidences(rule, one.known, temperature), confidences(rule, one.unknown, temperature), one.is_right)
                for one in scored
            ]
            at_kept = []
            for known, unknown, is_right in found:
                right = np.sort(known[is_right])[::-1]
                at_kept.append((unknown >= right[int(np.ceil(KEPT * len(right))) - 1]).mean())
            summary.append({
                "rule": rule, "temperature": temperature,
                "auroc": mean(roc_auc(1 - unknown, 1 - known) for known, unknown, _ in found),
                f"accepted_at_{KEPT}": mean(at_kept),
                "calibration_error": mean(expected_calibration_error(known, is_right) for known, _, is_right in found),
                "thresholds": {
                    threshold: {
                        "right_kept": mean((known[is_right] >= 1 - threshold).mean() for known, _, is_right in found),
                        "unknown_accepted": mean((unknown >= 1 - threshold).mean() for _, unknown, _ in found),
                    }
                    for threshold in THRESHOLDS
                },
            })  # fmt: skip
    return summary


def mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON file of results; the scores of intents lie in a folder beside it"
    )
    parser.add_argument("--base", default=str(BASE_EN), help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = options.out.with_suffix("")
    kept.mkdir(parents=True, exist_ok=True)
    scored: dict[str, list[Scored]] = {"skills": [], "few-shot SNIPS": []}
    tasks = [(case, seed) for seed in options.seeds for case in list_cases(options, seed)]
    for case, seed in tqdm(tasks, desc="Fine-tuning"):
        file = kept / f"{case.name}-{seed}.npz"
        if not file.exists():
            np.savez(file, **score(case, seed, options.base)._asdict())
        with np.load(file) as content:
            scored["few-shot SNIPS" if case.name.startswith("snips-") else "skills"].append(Scored(**content))
    result = {
        "date": date.today().isoformat(), "base": checkpoint_name(options.base), "seeds": options.seeds,
        **{name: summarize(found) for name, found in scored.items()},
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, found in scored.items():
        for entry in summarize(found):
            print(name, json.dumps(entry))


if __name__ == "__main__":
    main()
