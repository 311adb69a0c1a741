"""A folder that any static server can serve: an exported skill, and beside it the page that answers from it in the browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tokenizers import Tokenizer

from headstart.exporting import export
from headstart.loading import load_pipeline
from headstart.modeling.folders_headstart import CHARACTERS, EXPORTED, PAGE, TOKENIZER, check_room
from headstart.modeling.weights_headstart import file_hash
from headstart.onnx import OnnxNLU
from headstart.saving import locked, written_aside
from headstart.tokenization import NLUPipeline
from headstart.web.characters import check_supported, make_table
from headstart.web.runtime import runtime_files

STATIC = Path(__file__).parent / "static"


def export_web(
    model: NLUPipeline | str | Path,
    out: str | Path,
    skill: str | None = None,
    *,
    int8: bool = True,
    runtime: str | Path | None = None,
) -> Path:
    """Write a skill as static files that answer in a browser as [`headstart.onnx.OnnxNLU`] does, which reads the same folder.

    Values are left as they were said: without resolutions, and with pieces of one value apart, as with `resolve=False`.

    Args:
        model: a pipeline, or the folder or repository of a checkpoint.
        out: folder to write to; what an earlier export wrote there is replaced.
        skill: the skill to export; may be left out if the model has one.
        int8: weights as 8-bit integers, a quarter of the size. What the layers read stays as it is, so that all browsers answer alike.
        runtime: folder or archive of the npm package onnxruntime-web; unset: npm fetches it.

    Returns:
        the folder: an exported skill, `index.html` with its scripts, `characters.json` (how texts are read), `nlu/` (the decoder) and `ort/` (onnxruntime-web).

    Raises:
        ValueError: see [`headstart.export`]; or `runtime` is no onnxruntime-web, or the skill has a tokenizer that the page can't read texts with.
        ImportError: onnx, onnxruntime or npm is missing.
    """
    out = Path(out)
    check_room(out, EXPORTED)
    nlu = load_pipeline(model) if isinstance(model, (str, Path)) else model
    if isinstance(nlu, OnnxNLU):
        raise ValueError(f"{str(model)!r} is an exported skill already; name the checkpoint that it was made of.")
    check_supported(Tokenizer.from_str(nlu.tokenizer.backend_tokenizer.to_str()))
    with runtime_files(runtime) as files:
        export(nlu, out, skill, int8=int8, rounds_inputs=False)
        with locked(out), written_aside(out, PAGE) as folder:
            shutil.copytree(STATIC, folder, dirs_exist_ok=True)
            tokenizer = Tokenizer.from_file(str(out / TOKENIZER))
            table = {"tokenizer": file_hash(out / TOKENIZER), **make_table(tokenizer)}
            content = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
            (folder / CHARACTERS).write_text(content + "\n", encoding="utf-8")
            (folder / "ort").mkdir()
            for name, file in files.items():
                # Not every server knows that .mjs is JavaScript, and browsers run no module of another type.
                shutil.copyfile(file, folder / "ort" / name.replace(".mjs", ".js"))
    return out


__all__ = ["export_web"]
