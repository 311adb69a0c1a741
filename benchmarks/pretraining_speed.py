"""Pretraining throughput on real batches, against the machine's matrix rate, and where the time goes.

python benchmarks/pretraining_speed.py --data DATA --out benchmarks/results/pretraining_speed.json [--precisions float32 bfloat16]

As configs/base.yaml has it, but for the sentence encoder's loss: the embeddings are not trained. The matrix rate is measured in the same precision.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import torch
import yaml
from datasets import concatenate_datasets
from torch.profiler import profile
from transformers import AutoTokenizer, set_seed
from transformers.trainer_pt_utils import LengthGroupedSampler

from headstart import BASE_EN, HeadstartForJointNLU
from headstart.corpora import load_sources
from headstart.data import rows_to_dataset
from headstart.features import JointNLUCollator, encode_rows

RECIPE = Path(__file__).parent.parent / "configs" / "base.yaml"


def batches(model: HeadstartForJointNLU, options: argparse.Namespace, batch_size: int) -> list[dict[str, torch.Tensor]]:
    """Real batches of all sources in their proportions, of similar length each, as the trainer draws them."""
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    names = ("sources", "intents_with_domain", "without_intents", "without_slots")
    sources = load_sources(options.data, *(recipe[name] for name in names))
    tokenizer = AutoTokenizer.from_pretrained(options.base)
    encoded = []
    for skill_id, source in enumerate(sources):
        rows = rows_to_dataset(source.train.shuffle(seed=0).select(range(len(source.train) // 20)).to_list())
        encoded.append(encode_rows(rows, tokenizer, model.config.skills[skill_id], skill_id))
    rows = concatenate_datasets(encoded)
    order = list(LengthGroupedSampler(batch_size, lengths=rows["length"], generator=torch.Generator().manual_seed(0)))
    starts = torch.randperm(len(rows) // batch_size, generator=torch.Generator().manual_seed(0))[: options.steps]
    collate = JointNLUCollator(model.config.pad_token_id)
    return [collate(rows.select(order[start * batch_size : (start + 1) * batch_size]).to_list()) for start in starts.tolist()]


def train_steps(
    model: HeadstartForJointNLU, optimizer: torch.optim.Optimizer, work: list[dict[str, torch.Tensor]], dtype: torch.dtype
) -> None:
    for batch in work:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()


def matrix_rate(dtype: torch.dtype) -> float:
    """Multiply-adds a second of a large product, best of 5."""
    one, two = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        one @ two
        best = min(best, time.perf_counter() - started)
    return 2048**3 / best


def network_cost(model: HeadstartForJointNLU) -> int:
    """Multiply-adds of the bi-LSTMs for one piece, forward and backward (three times forward)."""
    lstms = [module for module in model.modules() if isinstance(module, torch.nn.LSTM)]
    return 3 * sum(parameter.numel() for lstm in lstms for parameter in lstm.parameters() if parameter.ndim == 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=BASE_EN, help="checkpoint whose network and label spaces are trained on")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, required=True, help="JSON file of results")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16"), default=["float32"])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch_size", type=int, default=128)
    options = parser.parse_args()

    set_seed(0)
    model = HeadstartForJointNLU.from_pretrained(options.base).train()
    model.trunk.embed_tokens.requires_grad_(bool(yaml.safe_load(RECIPE.read_text(encoding="utf-8"))["train_embeddings"]))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    work = batches(model, options, options.batch_size)
    pieces = sum(int(batch["attention_mask"].sum()) for batch in work)
    utterances = options.batch_size * len(work)
    runs = []
    for precision in options.precisions:
        dtype = getattr(torch, precision)
        for threads in options.threads:
            torch.set_num_threads(threads)
            train_steps(model, optimizer, work, dtype)  # kernels for new shapes are compiled in the first pass
            rate = matrix_rate(dtype)
            started = time.perf_counter()
            train_steps(model, optimizer, work, dtype)
            seconds = time.perf_counter() - started
            runs.append(
                {
                    "precision": precision,
                    "threads": threads,
                    "utterances_per_second": round(utterances / seconds),
                    "pieces_per_second": round(pieces / seconds),
                    "matrix_gigaflops": round(2 * rate / 1e9, 1),
                    "share_of_floor": round(network_cost(model) * pieces / rate / seconds, 3),
                }
            )
            print(json.dumps(runs[-1]), flush=True)
    torch.set_num_threads(options.threads[0])
    with profile() as recorded:
        train_steps(model, optimizer, work[:10], getattr(torch, options.precisions[0]))
    costs: Counter[str] = Counter()
    for event in recorded.key_averages():
        costs[event.key] += event.self_cpu_time_total
    total = sum(costs.values())
    content: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/pretraining_speed.py --data DATA --precisions {' '.join(options.precisions)} "
        f"--threads {' '.join(map(str, options.threads))}",
        "processor": torch.cpu.get_capabilities().get("cpu_name"),
        "pieces_per_utterance": round(pieces / utterances, 2),
        "throughput": runs,
        "profile": {"precision": options.precisions[0], "threads": options.threads[0]},
        "largest_costs": [{"operation": name, "share": round(cost / total, 3)} for name, cost in costs.most_common(8)],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content["largest_costs"], indent=1))


if __name__ == "__main__":
    main()
