"""Memory, start and speed of pretraining on streams of growing size.

    python benchmarks/streaming.py --data DATA --work FOLDER --out benchmarks/results/streaming.json [--rows 300000 1000000 4000000]

The streams are made of the corpora of configs/base.yaml: rows are drawn again and again, with other values of the same slots and another casing. FOLDER
holds them (about 150 bytes a row) and is not deleted. Each size is read through once, as training reads it, and trained on for some steps.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import transformers
import yaml
from tqdm.auto import tqdm
from transformers import AutoTokenizer, TrainerCallback

from headstart import BASE_EN
from headstart.data.batches import BatchStream
from headstart.data.corpora import LabelKinds, stream_sources
from headstart.data.rows import Row, read_rows
from headstart.data.streaming import write_labels
from headstart.data.templates import row_template
from headstart.pretraining.pretrain import RowEncoder, run_pretraining
from headstart.training.collator import JointNLUCollator
from headstart.training.command_line import parse_options
from headstart.training.options import PretrainOptions

RECIPE = Path(__file__).parent.parent / "configs" / "base.yaml"
SHARD = 50_000  # rows
BATCH = 128


def recipe() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    return found


def vary(rows: list[Row], domains: list[Any], choice: random.Random) -> Iterator[dict[str, Any]]:
    """Rows without an end: one drawn at random, its values replaced by others of the same slot half of the time, sometimes with a capital first."""
    templates = [row_template(row, trim=True) for row in rows]
    values: dict[str, list[str]] = {}
    for template in templates:
        for slot in template.slots:
            values.setdefault(slot.label, []).append(str(slot.value))
    while True:
        number = choice.randrange(len(rows))
        template = templates[number]
        row = rows[number]
        if template.slots:
            row = template.fill(
                [choice.choice(values[slot.label]) if choice.random() < 0.5 else str(slot.value) for slot in template.slots]
            )
        text = (
            row["text"].capitalize()
            if choice.random() < 0.3 and len(row["text"].capitalize()) == len(row["text"])
            else row["text"]
        )
        yield {**row, "text": text, "domain": domains[number]}


def read_corpus(path: Path) -> tuple[list[Row], list[Any]]:
    """Rows, and their domains."""
    with path.open(encoding="utf-8") as lines:
        return read_rows(path), [json.loads(line).get("domain") for line in lines if line.strip()]


def make_corpora(data: Path, folder: Path, num_rows: int) -> None:
    """Shards of `num_rows` rows in all, each corpus with its share of them."""
    names = recipe()["sources"]
    corpora = {name: read_corpus(data / name / "train.jsonl") for name in names}
    total = sum(len(rows) for rows, _ in corpora.values())
    for name in tqdm(names, desc=f"Writing {num_rows} rows"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        rows, domains = corpora[name]
        source = vary(rows, domains, random.Random(name))
        count = round(num_rows * len(rows) / total)
        for shard, start in enumerate(range(0, count, SHARD)):
            with (folder / name / f"train-{shard:05}.jsonl").open("w", encoding="utf-8") as file:
                for row in islice(source, min(SHARD, count - start)):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
        shutil.copy(data / name / "test.jsonl", folder / name / "test.jsonl")
        with (data / name / "validation.jsonl").open(
            encoding="utf-8"
        ) as lines:  # a training run ends with an evaluation on all of them
            (folder / name / "validation.jsonl").write_text("".join(islice(lines, 200)), encoding="utf-8")


def memory() -> int:
    """Megabytes that this process holds."""
    return round(psutil.Process().memory_info().rss / 1e6)


def read_through(folder: Path, num_rows: int) -> dict[str, Any]:
    """Read as many rows as there are as batches, as training does, and note the memory 20 times."""
    started = time.perf_counter()
    options = recipe()
    kinds = LabelKinds(**{entry.name: options[entry.name] for entry in fields(LabelKinds)})
    sources = stream_sources(str(folder), options["sources"], kinds)
    tokenizer = AutoTokenizer.from_pretrained(BASE_EN)
    skills = [{"name": source.name, "intents": source.intents, "slots": source.slots} for source in sources]
    batches = iter(BatchStream(sources, RowEncoder(tokenizer, skills), JointNLUCollator(0), batch_size=BATCH))
    next(batches)
    opened = time.perf_counter()
    curve = []
    for part in range(20):
        for _ in islice(batches, num_rows // BATCH // 20):
            pass
        curve.append([round(num_rows * (part + 1) / 20), memory()])
    return {
        "first_batch_seconds": round(opened - started, 1),
        "rows_per_second": round(num_rows / (time.perf_counter() - opened)),
        "megabytes": curve,
    }


class _Clock(TrainerCallback):
    """Notes when the first step was done."""

    first: float = 0.0

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        type(self).first = type(self).first or time.perf_counter()


def train(folder: Path, out: Path, steps: int, streaming: bool, is_taught: bool = False) -> dict[str, Any]:
    """Pretrain for some steps, and say how long the first took to come, and how much memory was held at most; `is_taught`: with the sentence
    encoder, which reads every batch."""
    transformers.trainer.DEFAULT_CALLBACKS.append(_Clock)
    weight = "5" if is_taught else "0"
    argv = [str(RECIPE), "--data_dir", str(folder), "--output_dir", str(out), "--max_steps", str(steps)]
    argv += ["--sentence_loss", weight, "--word_loss", weight, "--auto_bf16", "yes" if is_taught else "no"]
    argv += ["--eval_strategy", "no", "--save_strategy", "no", "--load_best_model_at_end", "no", "--report_to", "none"]
    said = parse_options(PretrainOptions, [*argv, "--streaming", "yes" if streaming else "no"], "pretrain")
    started = time.perf_counter()
    run_pretraining(said)
    seconds = json.loads((out / "metrics.json").read_text())["eval_runtime"]
    return {
        "steps": steps,
        "first_step_seconds": round(_Clock.first - started, 1),
        "rows_per_second": round(BATCH * (steps - 1) / (time.perf_counter() - seconds - _Clock.first)),
        "most_megabytes": round(peak_memory() / 1e6),
    }


def peak_memory() -> int:
    """Bytes that this process has held at most."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def alone(work: str, **options: Any) -> dict[str, Any]:
    """What this script prints in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps({"work": work, **options})]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def child(options: dict[str, Any]) -> dict[str, Any]:
    work, folder = options.pop("work"), Path(options.pop("folder"))
    return read_through(folder, **options) if work == "read" else train(folder, Path(options.pop("out")), **options)


def measure(num_rows: int, options: argparse.Namespace, loaded: bool) -> dict[str, Any]:
    """All figures of one size; `loaded`: those of training with the sentence encoder, and without streaming, too."""
    folder = options.work / str(num_rows)
    if not (folder / "made").exists():
        make_corpora(options.data, folder, num_rows)
        started = time.perf_counter()
        write_labels(str(folder))
        (folder / "made").write_text(str(round(time.perf_counter() - started, 1)))
    found: dict[str, Any] = {"rows": num_rows, "labels_seconds": float((folder / "made").read_text())}
    found["reading"] = alone("read", folder=str(folder), num_rows=num_rows)
    found["training"] = alone("train", folder=str(folder), out=fresh(options.work / "out"), steps=options.steps, streaming=True)
    taught = {"steps": options.steps, "streaming": True, "is_taught": True}
    if loaded:
        found["training_taught"] = alone("train", folder=str(folder), out=fresh(options.work / "out"), **taught)
        whole = folder.with_name(f"{num_rows}-whole")
        join_shards(folder, whole)
        found["training_loaded"] = alone(
            "train", folder=str(whole), out=fresh(options.work / "out"), steps=options.steps, streaming=False
        )
    return found


def fresh(folder: Path) -> str:
    """An empty place for a run."""
    shutil.rmtree(folder, ignore_errors=True)
    return str(folder)


def join_shards(folder: Path, whole: Path) -> None:
    """The same corpora in one file each, which loading wants."""
    for source in folder.iterdir():
        if source.is_dir():
            (whole / source.name).mkdir(parents=True, exist_ok=True)
            (whole / source.name / "train.jsonl").write_bytes(
                b"".join(shard.read_bytes() for shard in sorted(source.glob("train-*")))
            )
            for part in ("validation", "test"):
                shutil.copy(source / f"{part}.jsonl", whole / source.name / f"{part}.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help="folder of the corpora")
    parser.add_argument("--work", type=Path, help="folder for the streams")
    parser.add_argument("--out", type=Path, help="JSON file of results")
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 1_000_000, 4_000_000])
    parser.add_argument("--steps", type=int, default=100, help="trained for, of each size (default: %(default)s)")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return
    if not (options.data and options.work and options.out):
        parser.error("--data, --work and --out are needed")
    content: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/streaming.py --data DATA --work FOLDER --rows {' '.join(map(str, options.rows))} --steps {options.steps}",
        "batch": BATCH,
        "sizes": [],
    }
    for num_rows in options.rows:
        content["sizes"].append(measure(num_rows, options, loaded=num_rows == min(options.rows)))
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(content["sizes"][-1]), flush=True)


if __name__ == "__main__":
    main()
