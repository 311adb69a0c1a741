"""What pretraining on millions of utterances takes on 2 cores, on one GPU and on eight: a plan on paper, from measured rates.

    python benchmarks/plan.py [--utterances 4000000] [--gpu_utterances_per_second 1200] [--share 0.8]

The rates of the processor, and what a stream's reader and memory take, are those of streaming.json. The rate of a GPU is given: what an NVIDIA H100 did
with batches of 128 (see recipes.md), where it mostly waits for small operations to be launched. Eight GPUs are taken to do `--share` of eight times as
much. Nothing here was run at that size.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"
BYTES_PER_ROW = 150  # of JSON lines, of streaming.py's rows


class Machine(NamedTuple):
    """Something to pretrain on.

    Args:
        name: what the table calls it.
        rate: utterances that it trains on in a second, if they come fast enough.
        processes: which read for themselves.
    """

    name: str
    rate: float
    processes: int = 1


def plan(machine: Machine, utterances: int, reading: float, megabytes: float) -> tuple[str, ...]:
    """A row of the table: how many reading workers each process wants so that training never waits, hours, and memory."""
    is_beside = machine.rate / machine.processes < reading / 10  # then the process reads by itself
    workers = 0 if is_beside else math.ceil(machine.rate / machine.processes / reading)
    seconds = utterances / machine.rate if workers else utterances / machine.rate + utterances / reading
    gigabytes = machine.processes * (1 + workers) * megabytes / 1000
    return (
        machine.name, f"{machine.rate:,.0f}", str(workers), duration(seconds), duration(5 * seconds), f"{gigabytes:.2g} GB"
    )  # fmt: skip


def duration(seconds: float) -> str:
    """Hours, or minutes where it is less than one."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def render(options: argparse.Namespace, streaming: dict[str, Any]) -> str:
    first, largest = streaming["sizes"][0], streaming["sizes"][-1]
    reading = largest["reading"]["rows_per_second"]
    megabytes = max(
        size[name]["most_megabytes"] for size in streaming["sizes"] for name in ("training", "training_taught") if name in size
    )
    gpu = options.gpu_utterances_per_second
    machines = [
        Machine("2 cores, labels alone", largest["training"]["rows_per_second"]),
        Machine("2 cores, with the sentence encoder", first["training_taught"]["rows_per_second"]),
        Machine("one GPU", gpu),
        Machine("eight GPUs", 8 * options.share * gpu, 8),
    ]
    titles = ("on", "utterances a second", "reading workers a process", "one pass", "five passes", "host memory")
    rows = [plan(machine, options.utterances, reading, megabytes) for machine in machines]
    text = (
        f"Measured ({streaming['date']}): a reader gives {reading:,} utterances a second, a training process on a stream holds at most {megabytes:,} MB, and "
        f"the first step comes {largest['training']['first_step_seconds']:.0f} s after the start, however long the stream. The shards take "
        f"{options.utterances * BYTES_PER_ROW / 1e9:.1g} GB. Assumed: the rate of a GPU (see the script), "
        f"without the sentence encoder, and that eight do {options.share:.0%} of eight times as much; a worker is counted as if it held as much as a "
        "training process."
    )
    command = f"python benchmarks/plan.py --utterances {options.utterances} --gpu_utterances_per_second {gpu:g} --share {options.share:g}"
    table = [f"| {' | '.join(row)} |" for row in (titles, ("---",) * len(titles), *rows)]
    return "\n".join([f"# Plan for {options.utterances:,} utterances", "", f"`{command}`", "", *table, "", text, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=4_000_000)
    parser.add_argument("--gpu_utterances_per_second", type=float, default=1200, help="of one GPU (default: %(default)s)")
    parser.add_argument("--share", type=float, default=0.8, help="of eight times that, on eight (default: %(default)s)")
    options = parser.parse_args()
    text = render(options, json.loads((RESULTS / "streaming.json").read_text(encoding="utf-8")))
    (RESULTS / "plan.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
