"""How far one walks through the code: files and switches between files for one request, and how often training rows change their form.

    python benchmarks/walk.py --model FOLDER --skill NAME --text TEXT [--train FILE] [--out FILE.json]

A request is asked twice, and counted the third time (`sys.setprofile`): calls of functions in the package's own files, and how often the next call is in another file. With `--train`, a
skill's file is fine-tuned for two steps, and the conversions of training rows are counted: to and from Arrow, from samples to rows, to ids, to tensors.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from transformers import pipeline

import headstart

MARK = "headstart"  # in the paths of the package's files, wherever it is installed
# Functions that give training rows another form, by what they make of them; Dataset's are those of the library `datasets`.
FORMS = {
    "fill": "sample or template -> row", "encode_list": "row -> ids", "encode_rows": "row -> ids", "row_template": "row -> template",
    "from_dict": "rows -> Arrow", "from_list": "rows -> Arrow", "to_list": "Arrow -> rows",
}  # fmt: skip


def count_request(model: str, skill: str, text: str) -> dict[str, Any]:
    """Calls, files and switches of one request."""
    nlu = pipeline("joint-nlu", model=model, skill=skill, trust_remote_code=False)
    for _ in range(2):
        nlu(text)
    files: list[str] = []

    def note(frame: Any, event: str, argument: object) -> None:
        if event == "call" and MARK in frame.f_code.co_filename and frame.f_code.co_filename.endswith(".py"):
            files.append(Path(frame.f_code.co_filename).name)

    sys.setprofile(note)
    nlu(text)
    sys.setprofile(None)
    switches = sum(one != other for one, other in pairwise(files))
    return {
        "calls": len(files),
        "files": len(set(files)),
        "switches": switches,
        "calls_by_file": dict(Counter(files).most_common()),
    }


def count_forms(path: str) -> dict[str, Any]:
    """How often the functions of [`FORMS`] are called in reading a skill and fine-tuning it for two steps."""
    found: Counter[str] = Counter()

    def note(frame: Any, event: str, argument: object) -> None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        is_own = MARK in file and "modeling" not in file and "_headstart" not in file
        is_arrow = "arrow_dataset" in file
        if event == "call" and ((is_own and name in FORMS) or (is_arrow and name in ("from_dict", "from_list", "to_list"))):
            found[f"{FORMS[name]} ({Path(file).stem}.{name})"] += 1

    with tempfile.TemporaryDirectory() as folder:
        sys.setprofile(note)
        try:
            headstart.finetune(path, folder, max_steps=2, disable_tqdm=True)
        finally:
            sys.setprofile(None)
    return dict(found.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=headstart.BASE_EN, help="folder of a checkpoint; unset: the embedded base")
    parser.add_argument("--skill", default="massive")
    parser.add_argument("--text", default="wake me up at seven am on friday")
    parser.add_argument("--train", help="a skill's file")
    parser.add_argument("--out", type=Path, help="where the result is written")
    options = parser.parse_args()
    result = {"request": count_request(options.model, options.skill, options.text)}
    if options.train:
        result["forms"] = count_forms(options.train)
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
