"""What Hugging Face's Inference Endpoints need beside a model: a handler, and what is to be installed for it."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

from headstart.modeling.folders_headstart import CHECKPOINT, EXPORTED, FolderKind
from headstart.version import __version__

HANDLER, REQUIREMENTS = "handler.py", "requirements.txt"
HANDLERS = Path(__file__).parent.parent / "serving"  # of code that is published, and not run here
# What the code of a checkpoint imports, of headstart's own dependencies; torch is on every endpoint.
OF_CHECKPOINTS = ("jellyfish", "marisa-trie", "rapidfuzz", "transformers")


def endpoint_files(folder: Path, kind: FolderKind) -> dict[str, Path | bytes]:
    """The handler of a model and its requirements, by name; those that lie in its folder, if somebody has written their own."""
    code = "handler_of_checkpoints.py" if kind is CHECKPOINT else "handler_of_skills.py"
    made = {HANDLER: (HANDLERS / code).read_bytes(), REQUIREMENTS: _requirements(kind)}
    return {name: folder / name if (folder / name).is_file() else content for name, content in made.items()}


def _requirements(kind: FolderKind) -> bytes:
    if kind is CHECKPOINT:
        named = {re.split(r"[<>=!~;\[ ]", said)[0]: said for said in requires("headstart") or () if "extra ==" not in said}
        lines = [named[name] for name in OF_CHECKPOINTS]
    else:
        lines = [f"headstart{'[onnx]' if kind is EXPORTED else ''}=={__version__}"]
    return "".join(f"{line}\n" for line in lines).encode()


__all__ = ["HANDLER", "REQUIREMENTS", "endpoint_files"]
