"""Pretraining throughput on real batches, against the machine's matrix rate, and where the time goes.

    python benchmarks/pretraining_speed.py --data DATA --out benchmarks/results/pretraining_speed.json [--precisions float32 bfloat16]
    python benchmarks/pretraining_speed.py --data DATA --out benchmarks/results/pretraining_speed_gpu.json --device cuda --threads 1

As configs/base.yaml has it, but for the sentence encoder's losses: the embeddings are not trained. Batches are drawn from all rows in both ways that
the trainer has (see --equal_lengths). The matrix rate is measured in the same precision, on the same device; on a GPU, a product in float32 does without
TF32, which cuDNN's LSTM uses.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import Counter
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from datasets import Dataset, concatenate_datasets
from torch.profiler import profile
from transformers import AutoTokenizer, set_seed
from transformers.trainer_pt_utils import get_length_grouped_indices

from headstart import BASE_EN, HeadstartForJointNLU
from headstart.data.corpora import LabelKinds, load_sources
from headstart.data.encoding import encode_rows
from headstart.training.collator import JointNLUCollator
from headstart.training.trainer import equal_length_order

RECIPE = Path(__file__).parent.parent / "configs" / "base.yaml"
ORDERS = {
    "length_grouped": get_length_grouped_indices,
    "equal_lengths": equal_length_order,
}  # as the trainer draws batches, see --equal_lengths


def encode_corpora(model: HeadstartForJointNLU, options: argparse.Namespace) -> Dataset:
    """The training rows of all sources of the recipe."""
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    kinds = LabelKinds(**{entry.name: recipe[entry.name] for entry in fields(LabelKinds)})
    sources = load_sources(options.data, recipe["sources"], kinds)
    tokenizer = AutoTokenizer.from_pretrained(options.base, trust_remote_code=False)
    skills = model.config.skills
    return concatenate_datasets([encode_rows(source.loaded, tokenizer, skills[i], i) for i, source in enumerate(sources)])


def draw_batches(rows: Dataset, order: str, batch_size: int, num_batches: int, pad: int) -> list[dict[str, torch.Tensor]]:
    """Some of the batches of an epoch."""
    numbers = ORDERS[order](list(rows["length"][:]), batch_size, generator=torch.Generator().manual_seed(0))
    starts = torch.randperm(len(rows) // batch_size, generator=torch.Generator().manual_seed(0))[:num_batches]
    collate = JointNLUCollator(pad)
    return [collate(rows.select(numbers[start * batch_size : (start + 1) * batch_size]).to_list()) for start in starts.tolist()]


def train_steps(
    model: HeadstartForJointNLU, optimizer: torch.optim.Optimizer, work: list[dict[str, torch.Tensor]], dtype: torch.dtype
) -> None:
    """One optimizer step on each batch; back when the last one is done."""
    device = model.device
    for batch in work:
        on_device = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = model(**on_device).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    wait_for(device)


def wait_for(device: torch.device) -> None:
    """Until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """Multiply-adds a second of a large product, best of 5."""
    size = 8192 if device.type == "cuda" else 2048
    one, two = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        wait_for(device)
        started = time.perf_counter()
        one @ two
        wait_for(device)
        best = min(best, time.perf_counter() - started)
    return size**3 / best


def device_name(device: torch.device) -> str | None:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else torch.cpu.get_capabilities().get("cpu_name")


def network_cost(model: HeadstartForJointNLU) -> int:
    """Multiply-adds of the bi-LSTMs for one token, forward and backward (three times forward)."""
    lstms = [module for module in model.modules() if isinstance(module, torch.nn.LSTM)]
    return 3 * sum(parameter.numel() for lstm in lstms for parameter in lstm.parameters() if parameter.ndim == 2)


def num_tokens(batch: dict[str, torch.Tensor]) -> int:
    return int(batch["attention_mask"].sum())


def measure(
    model: HeadstartForJointNLU,
    optimizer: torch.optim.Optimizer,
    work: dict[str, list[dict[str, torch.Tensor]]],
    precision: str,
    rounds: int,
) -> list[dict[str, Any]]:
    """Utterances and tokens a second of training on the batches of each order, and what share of the matrix rate that is.

    The orders take turns, and the matrix rate is measured before and after each of them: the machine's varies. Medians over rounds.
    """
    dtype, device = getattr(torch, precision), model.device
    for batches in work.values():
        train_steps(model, optimizer, batches, dtype)  # kernels for new shapes are compiled in the first pass
    figures: dict[str, list[list[float]]] = {order: [] for order in work}
    for _ in range(rounds):
        for order, batches in work.items():
            before = matrix_rate(dtype, device)
            started = time.perf_counter()
            train_steps(model, optimizer, batches, dtype)
            seconds = time.perf_counter() - started
            rate = (before + matrix_rate(dtype, device)) / 2
            tokens = sum(map(num_tokens, batches))
            share = network_cost(model) * tokens / rate / seconds
            figures[order].append(
                [sum(len(batch["input_ids"]) for batch in batches) / seconds, tokens / seconds, 2e-9 * rate, share]
            )
    found = []
    for order, batches in work.items():
        utterances, tokens_a_second, rate, share = np.median(figures[order], axis=0).tolist()
        cells = sum(batch["input_ids"].numel() for batch in batches)
        found.append(
            {
                "order": order, "padding": round(1 - sum(map(num_tokens, batches)) / cells, 3), "utterances_per_second": round(utterances),
                "tokens_per_second": round(tokens_a_second), "matrix_gigaflops": round(rate, 1), "share_of_floor": round(share, 3),
                "shares_of_rounds": [round(values[3], 3) for values in figures[order]],
            }
        )  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=BASE_EN, help="checkpoint whose network and label spaces are trained on")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16"), default=["float32"])
    parser.add_argument("--steps", type=int, default=40, help="batches of each order and size")
    parser.add_argument("--rounds", type=int, default=5, help="passes over them")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[128])
    options = parser.parse_args()

    set_seed(0)
    device = torch.device(options.device)
    model = HeadstartForJointNLU.from_pretrained(options.base).train().to(device)
    model.trunk.embed_tokens.requires_grad_(bool(yaml.safe_load(RECIPE.read_text(encoding="utf-8"))["train_embeddings"]))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    rows, pad = encode_corpora(model, options), model.config.pad_token_id
    work = {
        size: {order: draw_batches(rows, order, size, options.steps, pad) for order in ORDERS} for size in options.batch_sizes
    }
    runs = []
    for size, precision, threads in itertools.product(options.batch_sizes, options.precisions, options.threads):
        torch.set_num_threads(threads)
        for figures in measure(model, optimizer, work[size], precision, options.rounds):
            runs.append({"batch_size": size, "precision": precision, "threads": threads, **figures})
            print(json.dumps(runs[-1]), flush=True)
    first = work[options.batch_sizes[0]]["equal_lengths"]
    torch.set_num_threads(options.threads[0])
    with profile() as recorded:
        train_steps(model, optimizer, first[:10], getattr(torch, options.precisions[0]))
    costs: Counter[str] = Counter()
    for event in recorded.key_averages():
        costs[event.key] += event.self_device_time_total if device.type == "cuda" else event.self_cpu_time_total
    total = sum(costs.values())
    content: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/pretraining_speed.py --data DATA --device {device} --precisions {' '.join(options.precisions)} "
        f"--threads {' '.join(map(str, options.threads))} --batch_sizes {' '.join(map(str, options.batch_sizes))} --steps {options.steps} "
        f"--rounds {options.rounds}",
        "torch": torch.__version__,
        "processor": device_name(device),
        "tokens_per_utterance": round(sum(rows["length"][:]) / len(rows), 2),
        "throughput": runs,
        "profile": {
            "precision": options.precisions[0], "threads": options.threads[0], "batch_size": options.batch_sizes[0], "order": "equal_lengths",
        },
        "largest_costs": [{"operation": name, "share": round(cost / total, 3)} for name, cost in costs.most_common(8)],
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content["largest_costs"], indent=1))


if __name__ == "__main__":
    main()
