"""How "none of these" is decided: rules and thresholds on validation rows, for skills that are fine-tuned without any.

    python benchmarks/none_of_these.py --skills SKILLS --data DATA --out benchmarks/results/tuning/none_of_these.json

In scope: held-out templates of the training rows of the skills that are for tuning (`common.choose_skills`) and of the next twenty, and 600 validation rows of few-shot SNIPS. Unknown, far: clinc150's
out-of-scope validation utterances, and held-out rows of the other skills (for SNIPS, rows of MASSIVE's validation part whose domains SNIPS lacks); near:
half of the intents are left out of training, and their rows are the unknown ones. Test rows are not read. Scores of intents are computed once and kept in
a folder beside the result file, from which a run that was stopped goes on.

A rule gives a text a number, and texts below what a threshold leaves are rejected: `1 - none` (the probability of all intents together), the probability of
the best intent, or that against "none of these" alone, each at some temperature; and the last one at temperature 1 with what the text's novelty adds to
"none of these" (the product's), at several weights. Compared are the area under the ROC curve, what is accepted of the unknown where 95 % of the right answers
are kept, and, for thresholds that are the same for all skills, how many right answers stay and what is accepted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
from collections import defaultdict
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
from headstart.finetuning.novelty import MIDDLE, WEIGHT

SHOTS, SNIPS_ROWS = (5, 10, 40), 600
# Domains of MASSIVE that SNIPS knows nothing of.
FOREIGN = ("alarm", "calendar", "cooking", "datetime", "email", "iot", "lists", "qa", "social", "takeaway", "transport")
RULES = ("1 - none", "best intent", "best intent against none")
TEMPERATURES, THRESHOLDS, KEPT = (1, 1.5, 2, 3, 5, 10), (0.5, 0.6, 0.7, 0.8, 0.9), 0.95
WEIGHTS, MIDDLES, LIMITS = (5, 10, 20), (0.25, 0.5), (3, 5, None)
LEAST_HALF = 8  # rows of each side, of a skill of which half of the intents are left out


class Case(NamedTuple):
    """A skill to train, rows of it to score, and utterances that are none of its; of some group of cases, of which means are taken."""

    group: str
    name: str
    skill: Skill
    rows: list[Row]
    unknown: list[str]


class Scored(NamedTuple):
    """Of in-scope rows and of the unknown: scores of the intents and, last, of "none of these" without novelty, (texts, intents + 1), and how novel they
    are, (texts,), from 0, as the skill's own, to 1, as out-of-scope utterances; and which rows are right where nothing is rejected, (rows,)."""

    known: np.ndarray
    unknown: np.ndarray
    is_right: np.ndarray
    known_novelty: np.ndarray
    unknown_novelty: np.ndarray


def list_cases(options: argparse.Namespace, seed: int) -> Iterator[Case]:
    oos = read_out_of_scope(options.data / "clinc150" / "validation.jsonl")
    for group, part in (("skills", "tuning"), ("more skills", "report")):
        names = choose_skills(options.skills, part)
        loaded = {name: load(options.skills, name, "tuning") for name in names}  # held-out training rows, of either part
        for name, (skill, rows) in loaded.items():
            others = [row["text"] for other in names if other != name for row in loaded[other][1]]
            yield Case(f"{group}, far", name, skill.replace(validation=None), rows, [*oos, *others])
            yield from halves(f"{group}, near", name, skill, rows)
    foreign = [
        row["text"]
        for row in read_rows(options.data / "massive" / "validation.jsonl")
        if str(row["intent"]).split("_")[0] in FOREIGN
    ]
    for shots in SHOTS:
        case = FewShotCase(options.data / "snips", shots)
        skill = case.load(seed)
        rows = random.Random(seed).sample(skill.rows("validation"), SNIPS_ROWS)  # which are sorted by intent
        yield Case("few-shot SNIPS, far", case.name, skill.replace(validation=None, test=None), rows, [*oos, *foreign])
        yield from halves("few-shot SNIPS, near", case.name, skill, rows)


def halves(group: str, name: str, skill: Skill, rows: list[Row]) -> Iterator[Case]:
    """Twice, a skill without half of its intents, whose rows are unknown."""
    for draw in range(2):
        intents = random.Random(draw).sample(sorted(skill.intents), len(skill.intents))
        kept = set(intents[: (len(intents) + 1) // 2])
        known = [row for row in rows if row["intent"] in kept]
        unknown = [row["text"] for row in rows if row["intent"] not in kept]
        if min(len(known), len(unknown)) >= LEAST_HALF and len(kept) > 2:
            train = [row for row in skill.rows("train") if row["intent"] in kept]
            yield Case(group, f"{name}-half{draw}", Skill(skill.name, train, catalogs=skill.catalogs), known, unknown)


def score(case: Case, seed: int, base: str) -> Scored:
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(case.skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True)
    intents = nlu.model.skill()["intents"]
    known, known_novelty = all_scores(nlu, [row["text"] for row in case.rows])
    unknown, unknown_novelty = all_scores(nlu, case.unknown)
    is_right = [intents[best] == row["intent"] for best, row in zip(known[:, :-1].argmax(axis=1), case.rows, strict=True)]
    return Scored(known, unknown, np.array(is_right), known_novelty, unknown_novelty)


@torch.no_grad()
def all_scores(nlu: NLUPipeline, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    parts, novelties = [], []
    novelty: Any = nlu.model.novelties[nlu.model.skills[0]]
    for start in range(0, len(texts), 64):
        batch = nlu.tokenizer(texts[start : start + 64], padding=True, truncation=True, return_tensors="pt")
        outputs = nlu.model(batch["input_ids"], batch["attention_mask"])
        means = nlu.model.common_means(batch["input_ids"], batch["attention_mask"], 0)
        added = novelty(means).squeeze(1)
        parts.append(torch.cat([outputs.intent_logits, (outputs.reject_logits - added).unsqueeze(1)], dim=1).numpy())
        # Of a skill that it wasn't fitted to, nothing is added.
        unlimited = novelty.scale[0] * novelty.distances(means) - novelty.scale[1]
        novelties.append((unlimited / WEIGHT + MIDDLE if novelty.scale[0] else unlimited + np.nan).numpy())
    return np.concatenate(parts), np.concatenate(novelties)


def confidences(rule: str, scores: np.ndarray, temperature: float) -> np.ndarray:
    """What a rule says of texts, (texts,): the lower, the sooner one is rejected."""
    exponentials = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    best, none = probabilities[:, :-1].max(axis=1), probabilities[:, -1]
    found: np.ndarray = {"1 - none": 1 - none, "best intent": best, "best intent against none": best / (best + none)}[rule]
    return found


def summarize(scored: list[Scored]) -> list[dict[str, Any]]:
    """Means over cases and seeds, for each rule and temperature, or weight and middle."""
    summary = []
    for rule in RULES:
        for temperature in TEMPERATURES:
            found = [
                (confidences(rule, one.known, temperature), confidences(rule, one.unknown, temperature), one.is_right)
                for one in scored
            ]
            summary.append({"rule": rule, "temperature": temperature, **figures(found)})
    for weight, middle, limit in itertools.product(WEIGHTS, MIDDLES, LIMITS):
        found = [
            (
                with_novelty(one.known, one.known_novelty, weight, middle, limit),
                with_novelty(one.unknown, one.unknown_novelty, weight, middle, limit),
                one.is_right,
            )
            for one in scored
        ]
        said = {"novelty_weight": weight, "novelty_middle": middle, "novelty_limit": limit}
        summary.append({"rule": RULES[-1], **said, **figures(found)})
    return summary


def with_novelty(scores: np.ndarray, novelty: np.ndarray, weight: float, middle: float, limit: float | None) -> np.ndarray:
    """What the last rule says of texts, (texts,), if their novelty counts."""
    added = np.zeros_like(scores)
    of_none = np.nan_to_num(weight * (novelty - middle))
    added[:, -1] = of_none if limit is None else of_none.clip(-limit, limit)
    return confidences(RULES[-1], scores + added, 1)


def figures(found: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Means over cases of what a rule says of in-scope rows and of the unknown, and which of the rows are right."""
    return {
        "auroc": mean(roc_auc(1 - unknown, 1 - known) for known, unknown, _ in found),
        f"accepted_at_{KEPT}": mean(accepted_at_kept(*one) for one in found),
        "calibration_error": mean(expected_calibration_error(known, is_right) for known, _, is_right in found),
        "thresholds": {
            threshold: {
                "right_kept": mean((known[is_right] >= 1 - threshold).mean() for known, _, is_right in found),
                "unknown_accepted": mean((unknown >= 1 - threshold).mean() for _, unknown, _ in found),
            }
            for threshold in THRESHOLDS
        },
    }


def accepted_at_kept(known: np.ndarray, unknown: np.ndarray, is_right: np.ndarray) -> float:
    """The share of the unknown that is accepted where 95 % of the right answers are kept."""
    right = np.sort(known[is_right])[::-1]
    return float((unknown >= right[int(np.ceil(KEPT * len(right))) - 1]).mean())


def compact(value: Any) -> str:
    """JSON, of a list with one line an entry."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return json.dumps(value)
    return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"


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
    scored: dict[str, list[Scored]] = defaultdict(list)
    tasks = [(case, seed) for seed in options.seeds for case in list_cases(options, seed)]
    for case, seed in tqdm(tasks, desc="Fine-tuning"):
        file = kept / f"{case.name}-{seed}.npz"
        if not file.exists():
            np.savez(file, **score(case, seed, options.base)._asdict())
        with np.load(file) as content:
            scored[case.group].append(Scored(**content))
    result = {
        "date": date.today().isoformat(), "base": checkpoint_name(options.base), "seeds": options.seeds,
        **{name: summarize(found) for name, found in scored.items()},
    }  # fmt: skip
    lines = [f" {json.dumps(name)}: {compact(value)}" for name, value in result.items()]
    options.out.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for name, found in scored.items():
        for entry in summarize(found):
            print(name, json.dumps(entry))


if __name__ == "__main__":
    main()
