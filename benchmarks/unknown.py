"""What a skill makes of utterances that are none of its: real users' of two chat bots, clinc150's, and other skills'; beside it MiniLM and logistic regression.

    python benchmarks/unknown.py --skills SKILLS --data DATA --unknown DATA_UNKNOWN --out benchmarks/results/unknown.json [--cases hint3 clinc150 skills]

Cases: HINT3's curekart and sofmattress, which nothing is chosen on; clinc150 with 10 and with 50 rows of each intent, drawn by the seed, and its
out-of-scope test rows (clinc150 is among the corpora that the base was pretrained on, its out-of-scope class too); and the skills of `rejection.py`, asked clinc150's
out-of-scope test rows and the test rows of the others. Test rows throughout: rules and thresholds are chosen by `none_of_these.py`.

Every system learns "none of these" from the same out-of-scope utterances, those that the package chooses for the skill. MiniLM gets as many in an epoch as
the network; logistic regression gets all of them as rows of one more intent. A text is ranked by its best intent's probability against "none of these";
"novelty" adds the distance from the skill's own texts (of MiniLM's mean states, for MiniLM). `before` is the rule until 2026-11-30: the probability of all intents together.

For each: accuracy in scope where nothing is rejected; the area under the ROC curve; what is accepted of the unknown where 95 % of the right answers are kept; both
at the package's own threshold; and of risk and coverage, the share of wrong answers (an unknown text's is) among the most certain tenths of all texts.
Runs are appended to a .jsonl file beside the result, from which a run that was stopped goes on; the result is of all runs of this base that it holds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from common import choose_skills, load, run_all
from fewshot_snips import CHOSEN, draw
from none_of_these import KEPT, RULES, accepted_at_kept, confidences
from rejection import read_out_of_scope
from transformers import AutoTokenizer

from headstart import BASE_EN, Skill, finetune, load_skill
from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.consent import load_without_code
from headstart.data.rows import Row, read_rows
from headstart.data.templates import row_template
from headstart.evaluation.metrics import roc_auc
from headstart.finetuning.novelty import measure_novelty
from headstart.finetuning.rejection import choose_out_of_scope
from headstart.finetuning.starting_model import starting_model
from headstart.modeling.entries_headstart import REJECT_THRESHOLD
from headstart.modeling.novelty_headstart import Novelty
from headstart.report.classical import ClassicalNLU
from headstart.report.systems import checkpoint_hash
from headstart.training.options import FinetuneOptions

NONE = "none of these"
PARTS_OF_COVERAGE = 10


class Case(NamedTuple):
    """A skill without validation rows, rows of it to score, and utterances that are none of its."""

    skill: Skill
    rows: list[Row]
    unknown: list[str]


class Asked(NamedTuple):
    """Scores of intents and, last, of "none of these", (texts, intents + 1), and what novelty adds to that, (texts,); of the rows, and of the unknown."""

    known: np.ndarray
    known_novelty: np.ndarray
    unknown: np.ndarray
    unknown_novelty: np.ndarray


def case_names(skills: Path, groups: list[str]) -> list[str]:
    named = {
        "hint3": ["hint3_curekart", "hint3_sofmattress"], "clinc150": ["clinc150-10", "clinc150-50"],
        "skills": [f"skills/{name}" for name in choose_skills(skills, "report")],
    }  # fmt: skip
    return [name for group in groups for name in named[group]]


def load_case(name: str, seed: int, options: argparse.Namespace) -> Case:
    if name.startswith("hint3_"):
        skill = load_skill(options.unknown / name, allow_unseen_labels=True)
        unknown = [
            json.loads(line)["text"] for line in (options.unknown / name / "unknown.jsonl").read_text("utf-8").splitlines()
        ]
        return Case(skill.replace(validation=None, test=None), skill.rows("test"), unknown)
    oos = read_out_of_scope(options.data / "clinc150" / "test.jsonl")
    if name.startswith("clinc150-"):
        train, test = (
            [row for row in read_rows(options.data / "clinc150" / f"{part}.jsonl") if row["intent"] != "oos"]
            for part in ("train", "test")
        )
        return Case(Skill("clinc150", draw(train, int(name.split("-")[1]), seed), allow_unseen_labels=True), test, oos)
    own = name.removeprefix("skills/")
    skill, rows = load(options.skills, own, "report")
    others = [
        row["text"]
        for other in choose_skills(options.skills, "report")
        if other != own
        for row in load(options.skills, other, "report")[1]
    ]
    return Case(skill.replace(validation=None), rows, [*oos, *others])


def ask_headstart(case: Case, seed: int, base: str) -> Asked:
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(case.skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True, quiet=True)
    novelty: Any = nlu.model.novelties[nlu.model.skills[0]]

    @torch.no_grad()
    def read(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        scores, added = [], []
        for start in range(0, len(texts), 64):
            batch = nlu.tokenizer(texts[start : start + 64], padding=True, truncation=True, return_tensors="pt")
            found = nlu.model(batch["input_ids"], batch["attention_mask"])
            added.append(novelty(nlu.model.common_means(batch["input_ids"], batch["attention_mask"], 0))[:, 0])
            scores.append(torch.cat([found.intent_logits, (found.reject_logits - added[-1]).unsqueeze(1)], dim=1))
        return torch.cat(scores).numpy(), torch.cat(added).numpy()

    return Asked(*read([row["text"] for row in case.rows]), *read(case.unknown))


def out_of_scope_of(case: Case, base: str) -> list[str]:
    """The utterances that the package takes to train "none of these" of the skill."""
    said = FinetuneOptions.of(output_dir="nowhere", skill=case.skill.name, allow_unseen_labels=True)
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, resolve_checkpoint(base))
    return choose_out_of_scope(
        case.skill, starting_model(resolve_checkpoint(base), case.skill, said, tokenizer), tokenizer, said
    )[0]


def ask_minilm(case: Case, seed: int, base: str) -> Asked:
    from headstart.report.sentence_encoder import SentenceEncoderNLU

    out_of_scope = out_of_scope_of(case, base)
    nlu = SentenceEncoderNLU(
        case.skill, seed=seed, out_of_scope=out_of_scope, out_of_scope_share=FinetuneOptions.out_of_scope_share,
        **{**CHOSEN["sentence_encoder"], "refill": FinetuneOptions.refill},
    )  # fmt: skip
    rows = case.skill.rows("train")
    intents = torch.tensor([case.skill.intents.index(row["intent"]) for row in rows])
    own, others = (nlu.intent_scores(texts)[1] for texts in ([row["text"] for row in rows], out_of_scope))
    novelty = Novelty(own.shape[1], len(case.skill.intents))
    measure_novelty(novelty, own, intents, [row_template(row).pattern for row in rows], others)

    def read(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        scores, states = nlu.intent_scores(texts)
        return scores.numpy(), novelty(states)[:, 0].numpy()

    return Asked(*read([row["text"] for row in case.rows]), *read(case.unknown))


def ask_classical(case: Case, seed: int, base: str) -> Asked:
    tokenizer = load_without_code(AutoTokenizer.from_pretrained, resolve_checkpoint(base))
    extra = [Row(text=text, intent=NONE, slots=[]) for text in out_of_scope_of(case, base)]
    skill = Skill(
        case.skill.name, [*({**row, "slots": []} for row in case.skill.rows("train")), *extra], catalogs=case.skill.catalogs
    )
    model = ClassicalNLU(skill, tokenizer, seed=seed).intents
    order = [list(model.classes_).index(intent) for intent in (*case.skill.intents, NONE)]

    def read(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return np.log(model.predict_proba([(text, []) for text in texts])[:, order]), np.zeros(len(texts))

    return Asked(*read([row["text"] for row in case.rows]), *read(case.unknown))


ASK = {"headstart": ask_headstart, "minilm": ask_minilm, "classical": ask_classical}


def run(name: str, system: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    case = load_case(name, seed, options)
    started = time.perf_counter()
    asked = ASK[system](case, seed, str(options.base))
    seconds = round(time.perf_counter() - started, 1)
    right = np.array([
        row["intent"] in case.skill.intents and case.skill.intents.index(row["intent"]) == best
        for row, best in zip(case.rows, asked.known[:, :-1].argmax(axis=1), strict=True)
    ])  # fmt: skip
    rules = {
        "before": (RULES[0], 0.0), "without novelty": (RULES[-1], 0.0), **({"novelty": (RULES[-1], 1.0)} if system != "classical" else {}),
    }  # fmt: skip
    return {
        "skill": name, "system": system, "seed": seed, "train_rows": len(case.skill.rows("train")), "rows": len(right),
        "unknown": len(case.unknown), "seconds": seconds, "accuracy": round(float(right.mean()), 4),
        "rules": {said: judge(*(told(asked, part, *rule) for part in ("known", "unknown")), right) for said, rule in rules.items()},
    }  # fmt: skip


def told(asked: Asked, part: str, rule: str, share: float) -> np.ndarray:
    """What a rule says of the texts, (texts,), the lower, the sooner one is rejected; with a share of what novelty adds."""
    scores = getattr(asked, part).copy()
    scores[:, -1] += share * getattr(asked, f"{part}_novelty")
    return confidences(rule, scores, 1)


def judge(known: np.ndarray, unknown: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """The figures of one rule; see the top."""
    everything, is_wrong = np.concatenate([known, unknown]), np.concatenate([~right, np.ones(len(unknown), dtype=bool)])
    is_wrong = is_wrong[np.argsort(-everything, kind="stable")]
    return {
        "auroc": round(roc_auc(1 - unknown, 1 - known), 4),
        f"accepted_at_{KEPT}": round(accepted_at_kept(known, unknown, right), 4),
        "at_threshold": {
            "right_kept": round(float((known[right] >= 1 - REJECT_THRESHOLD).mean()), 4),
            "unknown_accepted": round(float((unknown >= 1 - REJECT_THRESHOLD).mean()), 4),
        },
        "risk_at_coverage": [
            round(float(is_wrong[: max(round(len(is_wrong) * part / PARTS_OF_COVERAGE), 1)].mean()), 4) for part in range(1, PARTS_OF_COVERAGE + 1)
        ],
    }  # fmt: skip


def summarize(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds, and over the skills of a group, of each system and rule."""
    groups: dict[tuple[str, str, str], list[tuple[dict[str, Any], dict[str, Any]]]] = defaultdict(list)
    for result in results:
        for rule, found in result["rules"].items():
            groups[result["skill"].split("/")[0], result["system"], rule].append((result, found))
    summary = []
    for (case, system, rule), runs in groups.items():

        def mean(values: Any) -> Any:
            return np.round(np.mean(list(values), axis=0), 4).tolist()

        summary.append({
            "case": case, "system": system, "rule": rule, "runs": len(runs), "seeds": sorted({result["seed"] for result, _ in runs}),
            "accuracy": mean(result["accuracy"] for result, _ in runs),
            **{name: mean(found[name] for _, found in runs) for name in ("auroc", f"accepted_at_{KEPT}", "risk_at_coverage")},
            **{name: mean(found["at_threshold"][name] for _, found in runs) for name in ("right_kept", "unknown_accepted")},
        })  # fmt: skip
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument(
        "--unknown", type=Path, required=True, help="folder of skills with utterances of real users that are none of theirs"
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results; the log of runs lies beside it")
    parser.add_argument("--base", default=BASE_EN, help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--cases", nargs="+", default=["hint3", "clinc150", "skills"], choices=["hint3", "clinc150", "skills"])
    parser.add_argument("--systems", nargs="+", default=list(ASK), choices=list(ASK))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args()
    tasks = [
        (name, system, seed)
        for seed in options.seeds
        for name in case_names(options.skills, options.cases)
        for system in options.systems
    ]
    log = options.out.with_suffix(f".{checkpoint_hash(str(options.base))[:8]}.jsonl")
    run_all(run, tasks, log, options.jobs, options)
    results = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    content = {
        "date": date.today().isoformat(), "base": checkpoint_name(str(options.base)), "base_hash": checkpoint_hash(str(options.base)),
        "results": summarize(results),
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in content["results"]:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
