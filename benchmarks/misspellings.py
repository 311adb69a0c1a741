"""What misspelt words cost, and what fine-tuning with misspelt rows makes of it; validation rows, or test rows with --part test.

    pip install codespell
    python benchmarks/misspellings.py --skills SKILLS --data DATA --unknown DATA_UNKNOWN --out benchmarks/results/misspellings.json

Rows are asked as they are, and with half of those words misspelt of which codespell's dictionary knows how people misspell them; these are other
errors than those that training makes up. Rows without such a word are left out there. Asked are rows of few-shot SNIPS, of small skills (a quarter of the templates of their training
rows) and of HINT3's chat bots (a quarter of their training rows); with --part test, the test rows of all of them. Compared are the package with several `misspell`, MiniLM as its users have it, and
logistic regression with a CRF. An answer that rejects a row is a wrong one.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from common import load, run_all
from fewshot_snips import CHOSEN, FewShotCase
from recipes import choose_skills
from transformers import AutoTokenizer

from headstart import BASE_EN, NLUPipeline, Skill, finetune, load_skill
from headstart.checkpoints import checkpoint_name, resolve_checkpoint
from headstart.consent import load_without_code
from headstart.data.rows import Row
from headstart.evaluation.evaluate import evaluate, score_answers
from headstart.report.systems import checkpoint_hash

SHOTS, MAX_ROWS, NUM_SKILLS = (5, 10, 40), 400, 20
CHAT_BOTS = ("hint3_curekart", "hint3_sofmattress")
FOLDS = 4  # of a chat bot's rows, one is asked
WORD_SHARE = 0.5
MEASURES = ("exact_match", "semantic_error_rate", "intent_accuracy", "slot_f1")
_WORD = re.compile(r"[^\W\d_]{3,}")


def case_names(options: argparse.Namespace) -> list[str]:
    skills = [path.name for path in choose_skills(options.skills, NUM_SKILLS, MAX_ROWS)]
    return [*(f"snips-{shots}" for shots in SHOTS), *CHAT_BOTS, *(f"skill/{name}" for name in skills)]


def load_case(name: str, seed: int, options: argparse.Namespace) -> tuple[Skill, list[Row]]:
    """A skill to train, without validation rows, and the rows to ask."""
    part = "test" if options.part == "test" else "validation"
    if name.startswith("snips-"):
        skill = FewShotCase(options.data / "snips", int(name.removeprefix("snips-"))).load(seed)
        rows = skill.rows(part)
    elif name in CHAT_BOTS:
        skill = load_skill(options.unknown / name, allow_unseen_labels=True)
        rows = skill.rows("test")
        if part == "validation":
            shuffled = random.Random(seed).sample(skill.rows("train"), len(skill.rows("train")))
            rows, train = shuffled[: len(shuffled) // FOLDS], shuffled[len(shuffled) // FOLDS :]
            skill = Skill(name, train, allow_unseen_labels=True)  # with the intents that are left
    else:
        skill, rows = load(options.skills, name.removeprefix("skill/"), "report" if part == "test" else "tuning")
    return skill.replace(validation=None, test=None), rows


@functools.cache
def known_errors() -> dict[str, list[str]]:
    """How people misspell words, by the right word."""
    found = defaultdict(list)
    for line in (files("codespell_lib") / "data" / "dictionary.txt").read_text(encoding="utf-8").splitlines():
        wrong, _, right = line.partition("->")
        if right.isalpha():  # the others have several corrections, or a reason not to correct
            found[right].append(wrong)
    return dict(found)


def misspelt_rows(rows: list[Row], seed: int) -> Iterator[Row]:
    """Copies of the rows that have a word with a known error."""
    choice = random.Random(seed)
    for row in rows:
        words = [word for word in _WORD.finditer(row["text"]) if word.group().lower() in known_errors()]
        edits = [(word, choice.choice(known_errors()[word.group().lower()])) for word in words if choice.random() < WORD_SHARE]
        if edits:
            yield _replace(row, edits)


def _replace(row: Row, edits: list[tuple[re.Match[str], str]]) -> Row:
    def moved(place: int) -> int:
        return place + sum(len(new) - len(word.group()) for word, new in edits if word.end() <= place)

    text, end = "", 0
    for word, new in edits:
        text += row["text"][end : word.start()] + new
        end = word.end()
    spans: Any = [{**span, "start": moved(span["start"]), "end": moved(span["end"])} for span in row["slots"] or ()]
    return {"text": text + row["text"][end:], "intent": row["intent"], "slots": None if row["slots"] is None else spans}


def run(name: str, system: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    skill, rows = load_case(name, seed, options)
    result: dict[str, Any] = {"skill": name, "system": system, "seed": seed}
    with tempfile.TemporaryDirectory() as out:
        nlu = _train(skill, system, seed, str(options.base), out)
        for kind, asked in (("as they are", rows), ("misspelt", list(misspelt_rows(rows, seed)))):
            if asked:
                scores: Any = (
                    evaluate(nlu, asked)
                    if isinstance(nlu, NLUPipeline)
                    else score_answers(nlu([row["text"] for row in asked]), asked)
                )
                result[kind] = {"rows": len(asked), **{measure: scores[measure] for measure in MEASURES}}
    return result


def _train(skill: Skill, system: str, seed: int, base: str, out: str) -> Any:
    name, _, share = system.partition(" ")
    if name == "headstart":
        refill: dict[str, Any] = {"refill": 0} if skill.name == "snips" else {}
        return finetune(
            skill, out, base=base, seed=seed, misspell=float(share), allow_unseen_labels=True, disable_tqdm=True, quiet=True, **refill
        )  # fmt: skip
    if name == "classical":
        from headstart.report.classical import ClassicalNLU

        return ClassicalNLU(skill, load_without_code(AutoTokenizer.from_pretrained, resolve_checkpoint(base)), seed=seed)
    from headstart.report.sentence_encoder import SentenceEncoderNLU

    return SentenceEncoderNLU(skill, seed=seed, **CHOSEN["sentence_encoder"])


def summarize(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the cases and seeds of a group, for each system and kind of rows."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        for kind in ("as they are", "misspelt"):
            if kind in result:
                groups[result["skill"].split("/")[0], kind, result["system"]].append(result[kind])
    return [
        {
            "case": case, "asked": kind, "system": system, "runs": len(runs), "rows": sum(scores["rows"] for scores in runs),
            **{
                measure: round(float(np.mean([scores[measure] for scores in runs if scores[measure] is not None])), 4)
                for measure in MEASURES
                if any(scores[measure] is not None for scores in runs)
            },
        }
        for (case, kind, system), runs in sorted(groups.items())
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skills", type=Path, required=True, help="folder of skill folders")
    parser.add_argument("--data", type=Path, required=True, help="folder of corpora")
    parser.add_argument("--unknown", type=Path, required=True, help="folder of the chat bots")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results; the log of runs lies beside it")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--base", default=BASE_EN, help="checkpoint to start from; unset: the embedded base")
    parser.add_argument(
        "--systems", nargs="+", default=["headstart 0", "headstart 0.25", "headstart 0.5", "classical"], help="or minilm"
    )
    parser.add_argument("--cases", nargs="+", default=["snips", "hint3", "skill"], choices=["snips", "hint3", "skill"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args()
    names = [name for name in case_names(options) if name.startswith(tuple(options.cases))]
    tasks = [(name, system, seed) for seed in options.seeds for name in names for system in options.systems]
    log = options.out.with_suffix(f".{options.part}.{checkpoint_hash(str(options.base))[:8]}.jsonl")
    run_all(run, tasks, log, options.jobs, options)
    results = summarize([json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()])
    content = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
    content[options.part] = {
        "date": date.today().isoformat(), "base": checkpoint_name(str(options.base)), "base_hash": checkpoint_hash(str(options.base)),
        "results": results,
    }  # fmt: skip
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for entry in results:
        print(json.dumps(entry))


if __name__ == "__main__":
    main()
