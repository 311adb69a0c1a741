"""What it costs to look whether files are what was saved: loading with and without the checks, in turns.

    python benchmarks/integrity.py --out benchmarks/results/integrity.json

The embedded base, a head on it, and an exported skill. First: a fresh process, from its start to the loaded model. Again: later in the
same process, which looks at no large file twice as long as nobody has written it. Each process loads with the checks or without them, and the
two take turns. Of wall time the fastest process counts, since others wait for the machine; of processor time, which is that of all threads (large files
are hashed beside the loading, where a core is free), the median. Without: hashes, numbers, sizes and tokenizer are not looked at. The exit status
is 1 if a ratio of wall time is over 1.05.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from headstart import BASE_EN, HeadstartForJointNLU, NLUPipeline, Skill, export
from headstart.data.rows import rows_to_dataset
from headstart.loading import load_pipeline
from headstart.modeling.catalog_tokens_headstart import tokenize_catalogs

ALLOWED = 1.05
LOADED = {
    "checkpoint": "from headstart.loading import load_pipeline; load = lambda: load_pipeline({folder!r})",
    "head": "from headstart.loading import load_pipeline; load = lambda: load_pipeline({folder!r})",
    "export": "from headstart.onnx import OnnxNLU; load = lambda: OnnxNLU({folder!r})",
}
CHILD = """
import json, sys, time
{imports}
if {without}:
    from headstart.modeling.integrity_headstart import Seal
    Seal.check = Seal.check_strays = lambda *_: None
    if {kind!r} == "export":
        import headstart.exported, headstart.onnx
        headstart.exported._check_crf = headstart.onnx._check_scores = lambda *_: None
    else:
        import headstart.modeling.pretrained_headstart as pretrained, headstart.modeling.heads_headstart as heads
        pretrained.is_finite = heads.is_finite = lambda _: True
        pretrained._shapes_of = lambda *_: None
        pretrained.HeadstartPreTrainedModel.check_tokenizer = lambda *_: None
load()
first = [time.time() - float(sys.argv[1]), time.process_time()]  # since the process was started
again = []
for _ in range({repeats}):
    started, used = time.perf_counter(), time.process_time()
    load()
    again.append([time.perf_counter() - started, time.process_time() - used])
print(json.dumps({{"first": first, "again": again[len(again) // 2 :]}}))
"""


def make_models(work: Path) -> dict[str, str]:
    """The folders that are loaded."""
    nlu = load_pipeline(BASE_EN)
    assert isinstance(nlu, NLUPipeline) and isinstance(nlu.model, HeadstartForJointNLU)
    rows = rows_to_dataset([{"text": "a large latte", "intent": "order", "slots": [{"start": 2, "end": 7, "label": "size"}]}])
    catalogs = tokenize_catalogs({"size": ["small", "large", "medium"]}, nlu.tokenizer)
    nlu.model.add_skill(Skill("cafe", rows), rank=8, routes=True, catalogs=catalogs, rejects=True)
    nlu.model.save_skill("cafe", work / "head")
    export(nlu, work / "export", "cafe")
    return {"checkpoint": BASE_EN, "head": str(work / "head"), "export": str(work / "export")}


def load_once(kind: str, folder: str, repeats: int, without: bool) -> dict[str, Any]:
    """Seconds of a fresh process."""
    code = CHILD.format(imports=LOADED[kind].format(folder=folder), without=without, kind=kind, repeats=repeats)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(time.time())], check=True, capture_output=True, text=True, env=environment
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(kind: str, folder: str, rounds: int, repeats: int) -> dict[str, Any]:
    """Seconds with and without the checks."""
    runs: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for number in range(rounds):
        for without in (True, False) if number % 2 else (False, True):
            runs[without].append(load_once(kind, folder, repeats, without))
    figures: dict[str, Any] = {}
    for moment in ("first", "again"):
        for place, (clock, choose) in enumerate((("wall_s", min), ("cpu_s", statistics.median))):
            with_checks, without_checks = (
                choose(
                    [run[place] for found in runs[without] for run in ([found["first"]] if moment == "first" else found["again"])]
                )
                for without in (False, True)
            )
            figures[f"{moment}_{clock}"] = {
                "with": round(with_checks, 4), "without": round(without_checks, 4), "ratio": round(with_checks / without_checks, 4)
            }  # fmt: skip
    return figures


def main() -> int:
    """Measure and write; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/integrity.json"), help="file to write the figures to"
    )
    parser.add_argument("--models", nargs="+", choices=LOADED, default=list(LOADED), help="what is loaded")
    parser.add_argument("--rounds", type=int, default=9, help="fresh processes with the checks, and as many without")
    parser.add_argument(
        "--repeats", type=int, default=12, help="further loadings in each process, of which the later half counts"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = make_models(Path(name))
        found = {kind: measure(kind, folders[kind], options.rounds, options.repeats) for kind in options.models}
    result = {
        "date": date.today().isoformat(), "python": platform.python_version(), "cores": os.cpu_count(), "rounds": options.rounds,
        "allowed": ALLOWED, "models": found,
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for kind, figures in found.items():
        print(
            kind,
            *(f"{name}: {values['with']} / {values['without']} = {values['ratio']}" for name, values in figures.items()),
            sep="\n  ",
        )
    return int(any(values["ratio"] > ALLOWED for figures in found.values() for name, values in figures.items() if "wall" in name))


if __name__ == "__main__":
    sys.exit(main())
