"""How honest the probabilities of intents and slots are where a skill has no validation rows, as it is and with other temperatures of the slots' scores.

    python benchmarks/calibration.py --skills SKILLS --data DATA --part tuning --out benchmarks/results/tuning/calibration.json
    python benchmarks/calibration.py --skills SKILLS --data DATA --out benchmarks/results/calibration.json

Skills: of those with at most 500 training rows, by the SHA-256 of their names the first 12 that have slots are for tuning (a quarter of the templates of
their training rows is held out and scored), the next 25 for the report (their test rows are scored). Few-shot SNIPS: 5, 10 and 40 rows an intent; its
validation part is for tuning, its test part for the report. None is fine-tuned with validation rows. Scores are kept in a folder beside the result file.

`pooled`: of all rows of all skills together. A skill has few rows, and chance alone makes an error of them: `by_chance` is what a model that is always as
often right as it says would have with these scores, in the mean of 200 draws (20 for each run).
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from fewshot_snips import FewShotCase
from recipes import choose_skills
from tqdm import tqdm

from headstart import BASE_EN, Skill, finetune, load_skill
from headstart.checkpoints import checkpoint_name
from headstart.data.rows import Row
from headstart.data.templates import split_rows
from headstart.evaluation.metrics import expected_calibration_error
from headstart.modeling.crf_headstart import ChainCRF
from headstart.modeling.layers_headstart import gather_words, slot_label_priors
from headstart.tokenization import NLUPipeline
from headstart.tokenization.alignment_headstart import align_spans, tags_to_spans

TUNING, REPORT, MAX_ROWS, SHOTS = 12, 25, 500, (5, 10, 40)
TEMPERATURES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5)
DRAWS = 200
SNIPS_ROWS = 500
SAVED = ("intents", "right_intents", "slots", "right_slots", "answered")
LEAST = 1e-6  # of a probability, before its logarithm is taken
NEVER = 1e4  # as good as no probability


class Case(NamedTuple):
    """A skill to train, without validation rows, and rows to score, by the part of the benchmark that they are for."""

    group: str
    name: str
    skill: Skill
    rows: dict[str, list[Row]]


class Judged(NamedTuple):
    """Scores of what was answered, (answers,), and whether it is right, (answers,); of slots, (answers, 1 + temperatures), the probability of the whole
    span and the lowest marginal probability of its words with each of [`TEMPERATURES`], and what answers say, (answers,)."""

    intents: np.ndarray
    right_intents: np.ndarray
    slots: np.ndarray
    right_slots: np.ndarray
    answered: np.ndarray | None = None
    temperatures: Sequence[float] = TEMPERATURES


def list_cases(options: argparse.Namespace, seed: int) -> Iterator[Case]:
    for shots in () if options.skills_only else SHOTS:
        case = FewShotCase(options.data / "snips", shots)
        skill = case.load(seed)
        rows = {"tuning": skill.rows("validation")[:SNIPS_ROWS], "report": skill.rows("test")[:SNIPS_ROWS]}
        yield Case(case.name, case.name, skill.replace(validation=None, test=None), rows)
    if options.snips_only:
        return
    paths = [path for path in choose_skills(options.skills, 10**6, MAX_ROWS) if load_skill(path, allow_unseen_labels=True).slots]
    for path in paths[:TUNING] if options.part == "tuning" else paths[TUNING : TUNING + REPORT]:
        skill = load_skill(path, allow_unseen_labels=True)
        if options.part == "tuning":
            kept, held_out = split_rows(skill.rows("train"), 0.25)
            yield Case("skills", path.name, skill.replace(train=kept, validation=None, test=None), {"tuning": held_out})
        else:
            yield Case("skills", path.name, skill.replace(validation=None, test=None), {"report": skill.rows("test")})


def score(case: Case, seed: int, base: str) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as out:
        nlu = finetune(case.skill, out, base=base, seed=seed, allow_unseen_labels=True, disable_tqdm=True)
    found = {"temperatures": np.array(TEMPERATURES)}
    for part, rows in case.rows.items():
        judged = judge(nlu, rows)
        found |= {f"{part}_{name}": getattr(judged, name) for name in SAVED}
    return found


@torch.no_grad()
def judge(nlu: NLUPipeline, rows: list[Row]) -> Judged:
    """What is answered to rows, as [`headstart.evaluate`] scores it."""
    model: Any = nlu.model
    entry = model.skill()
    classifiers: Any = model.skill_set().classifiers(0)
    fields = [scaled(classifiers.crf, temperature) for temperature in TEMPERATURES]
    intents, slots = [], []
    for row in rows:
        read = nlu.preprocess(row["text"])
        starts = read["word_starts"].bool()
        outputs = model(read["input_ids"], read["attention_mask"], word_starts=starts)
        found = model.decode(outputs, read["input_ids"], word_starts=starts)
        best, words = int(found.intents[0]), read["words"]
        if best >= 0 and row["intent"] is not None:
            intents.append((float(found.intent_scores[0]), entry["intents"][best] == row["intent"]))
        if row["slots"] is None or entry["intents"] and best < 0:
            continue
        right = {(span["start"], span["end"], span["label"]) for span in align_spans(row["slots"], words)[0]}
        tags = found.tags[0, : len(words)].tolist()
        spans = tags_to_spans(tags, words, entry["slots"], found.tag_scores[0].tolist())
        if not spans:
            continue
        priors = None
        if "label_priors" in entry and outputs.intent_logits is not None:
            priors = slot_label_priors(outputs.intent_logits, model._seen_slots_of(entry))
        logits = outputs.slot_logits if priors is None else outputs.slot_logits + priors
        emissions, mask, _ = gather_words(logits, starts)
        scores = np.array(
            [
                [span["score"] for span in spans],
                whole_scores(classifiers.crf, emissions, mask, tags),
                *(lowest_scores(field, emissions / t, mask, tags) for field, t in zip(fields, TEMPERATURES, strict=True)),
            ]
        )
        slots += [(*scores[:, number], (span["start"], span["end"], span["label"]) in right) for number, span in enumerate(spans)]
    of_intents = np.array(intents, dtype=float).reshape(-1, 2)
    of_slots = np.array(slots, dtype=float).reshape(-1, len(TEMPERATURES) + 3)
    return Judged(of_intents[:, 0], of_intents[:, 1], of_slots[:, 1:-1], of_slots[:, -1], of_slots[:, 0])


def scaled(field: ChainCRF, temperature: float) -> ChainCRF:
    copied = copy.deepcopy(field)
    for scores in copied.parameters():
        scores.div_(temperature)
    return copied


def spans_of(tags: list[int]) -> list[tuple[int, int, int]]:
    """First word, end and the tag of the first word, of each."""
    found = []
    for first, tag in enumerate(tags):
        if tag % 2:
            end = next((place for place in range(first + 1, len(tags)) if tags[place] != tag + 1), len(tags))
            found.append((first, end, tag))
    return found


def lowest_scores(field: ChainCRF, emissions: torch.Tensor, mask: torch.Tensor, tags: list[int]) -> list[float]:
    certain = field.marginals(emissions, mask)[0]
    return [min(float(certain[place, tags[place]]) for place in range(first, end)) for first, end, _ in spans_of(tags)]


def whole_scores(field: ChainCRF, emissions: torch.Tensor, mask: torch.Tensor, tags: list[int]) -> list[float]:
    """The probability that a span is there, whole and no longer: that of the paths that have it."""
    found, every = [], float(log_partition(field, emissions, mask))
    for first, end, tag in spans_of(tags):
        only = emissions.clone()
        for place in range(first, end):
            only[0, place] = -NEVER
            only[0, place, tags[place]] = emissions[0, place, tags[place]]
        if end < len(tags):
            only[0, end, tag + 1] = -NEVER
        found.append(min(float(np.exp(float(log_partition(field, only, mask)) - every)), 1.0))
    return found


def log_partition(field: Any, emissions: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Of one row: what its path scores together with its negative log-likelihood."""
    none = torch.zeros(1, emissions.shape[1], dtype=torch.long)
    ours, start, end, steps = field._grouped(emissions)
    return field(emissions, none, mask) + field._path_score(ours, none, mask, steps, (start, end))


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities whose log-odds are divided by a temperature."""
    odds = np.log(scores.clip(LEAST, 1 - LEAST)) - np.log((1 - scores).clip(LEAST, 1 - LEAST))
    found: np.ndarray = 1 / (1 + np.exp(-odds / temperature))
    return found


def summarize(judged: list[Judged]) -> dict[str, Any]:
    """Of one group: errors of intents, and of slots by how they are scored."""
    as_they_are = [(one.slots[:, 1], one.right_slots) for one in judged]
    ways = {"probability of the whole span": [(one.slots[:, 0], one.right_slots) for one in judged]}
    answered = [(one.answered, one.right_slots) for one in judged if one.answered is not None]
    if answered:
        ways["as answered"] = answered
    for number, temperature in enumerate(judged[0].temperatures):
        ways[f"CRF at {temperature}"] = [(one.slots[:, 1 + number], one.right_slots) for one in judged]
    for temperature in (1.5, 2.0, 2.5, 3.0):
        ways[f"log-odds at {temperature}"] = [(tempered(scores, temperature), right) for scores, right in as_they_are]
    return {
        "runs": len(judged),
        "intents": errors([(one.intents, one.right_intents) for one in judged]),
        "slots": {way: errors(pairs) for way, pairs in ways.items()},
    }


def errors(pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Of scores and whether they are right, by run."""
    scores, right = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    of_runs = [expected_calibration_error(*pair) for pair in pairs if len(pair[0])]
    rng = np.random.default_rng(0)
    chance = [expected_calibration_error(scores, rng.random(len(scores)) < scores) for _ in range(DRAWS)]
    chance_of_runs = [
        expected_calibration_error(of_run, rng.random(len(of_run)) < of_run)
        for of_run, _ in pairs
        for _ in range(DRAWS // 10 * bool(len(of_run)))
    ]
    sure = scores.clip(LEAST, 1 - LEAST)
    return {
        "answers": len(scores), "right": mean(right), "score": mean(scores), "pooled": mean([expected_calibration_error(scores, right)]),
        "pooled_by_chance": mean(chance), "mean_of_runs": mean(of_runs), "mean_of_runs_by_chance": mean(chance_of_runs),
        "log_loss": mean(-np.where(right > 0, np.log(sure), np.log(1 - sure))),
    }  # fmt: skip


def mean(values: Any) -> float:
    return round(float(np.mean(values)), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results; scores lie in a folder beside it")
    parser.add_argument("--part", choices=("tuning", "report"), default="report")
    parser.add_argument("--base", default=str(BASE_EN), help="checkpoint to start from; unset: the embedded base")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--snips_only", action="store_true", help="leave the skills out")
    parser.add_argument("--skills_only", action="store_true", help="leave few-shot SNIPS out")
    parser.add_argument("--finished", action="store_true", help="summarize what is scored already, and train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = options.out.with_suffix("")
    kept.mkdir(parents=True, exist_ok=True)
    tasks = [(case, seed) for seed in options.seeds for case in list_cases(options, seed)]
    found: dict[str, list[Judged]] = defaultdict(list)
    for case, seed in tqdm(tasks, desc="Fine-tuning"):
        file = kept / f"{case.name}-{seed}.npz"
        if options.finished and not file.exists():
            continue
        if not file.exists():
            np.savez(file, **score(case, seed, options.base))
        with np.load(file) as content:
            saved = {name: content[f"{options.part}_{name}"] for name in SAVED if f"{options.part}_{name}" in content}
            found[case.group].append(Judged(**saved, temperatures=content["temperatures"]))
    groups = {group: summarize(judged) for group, judged in found.items()}
    result = {
        "date": date.today().isoformat(), "part": options.part, "seeds": options.seeds, "base": checkpoint_name(options.base), "groups": groups
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for group, of_group in groups.items():
        print(group, "intents", json.dumps(of_group["intents"]))
        for way, of_way in of_group["slots"].items():
            print(group, way, json.dumps(of_way))


if __name__ == "__main__":
    main()
