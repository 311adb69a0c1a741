"""Time and size of pages: what `headstart export --web` wrote, in Chromium, beside `OnnxNLU` on the same files, asked in turns.

python benchmarks/page.py --pages FOLDER... --texts examples --out benchmarks/results/page.json

FOLDER holds a page, and is called after its skill in the folder of --texts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnxruntime

import headstart
from headstart.onnx import OnnxNLU
from headstart.web.runtime import VERSION

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser import open_browser, serve
from test_web import ASK, WAIT, close, without_utf16

NUM_TEXTS, TURNS = 40, 5


def measure(folder: Path, rows: Path, browser: Any) -> dict[str, Any]:
    skill = headstart.load_skill(rows)
    texts = [*skill.test["text"], *skill.train["text"]][:NUM_TEXTS]
    nlu = OnnxNLU(folder)
    times: dict[str, list[float]] = {"chromium": [], "python": []}
    with serve(folder.parent) as url:
        started = time.perf_counter()
        browser.get(f"{url}{folder.name}/")
        assert browser.execute_async_script(WAIT) is None
        loading = time.perf_counter() - started
        browser.execute_async_script(ASK, texts)  # compiles what is asked often
        for _ in range(TURNS):
            found = browser.execute_async_script(ASK, texts)
            times["chromium"] += [milliseconds for _, milliseconds in found]
            for text, (answer, _) in zip(texts, found, strict=True):
                started = time.perf_counter()
                wanted = nlu(text, top_k=3, resolve=False)
                times["python"].append(1000 * (time.perf_counter() - started))
                assert close(without_utf16(answer), wanted, 1e-3)
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        "texts": len(texts) * TURNS,
        "seconds_to_load": round(loading, 2),
        # The lowest tenth is what it takes where nothing else runs on the machine.
        "milliseconds": {
            name: {"median": round(statistics.median(found), 2), "lowest_tenth": round(statistics.quantiles(found, n=10)[0], 2)}
            for name, found in times.items()
        },
        "megabytes": round(sum(file.stat().st_size for file in files) / 1e6, 1),
        "megabytes_gzipped": round(sum(len(gzip.compress(file.read_bytes())) for file in files) / 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, nargs="+", required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile)) as browser:
        version = browser.capabilities["browserVersion"]
        skills = {folder.name: measure(folder, options.texts / folder.name, browser) for folder in options.pages}
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python benchmarks/page.py --pages PAGES/* --texts examples --out benchmarks/results/page.json",
        "chromium": version, "onnxruntime-web": VERSION, "onnxruntime": onnxruntime.__version__, "skills": skills,
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(skills, indent=1))


if __name__ == "__main__":
    main()
