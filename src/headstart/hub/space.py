"""A model as a Space of a hub: the page of `headstart demo`, or, of what `headstart export --web` wrote, those static files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from headstart.checkpoints import SHORT_NAMES, checkpoint_name, resolve_checkpoint
from headstart.hub.push import complete_kind
from headstart.modeling.folders_headstart import CARD, EXPORTED, HEAD, HEAD_FOLDER, PAGE, PAGE_FILES, FolderKind, find_heads
from headstart.modeling.hub_headstart import SPACE_MARK, publish
from headstart.modeling.json_headstart import parse_object
from headstart.version import __version__

logger = logging.getLogger(__name__)

GRADIO = "6.31.0"  # the version that the page is tested with
MODEL = "model"  # folder of a Space that the model lies in
APP = f'''"""A page to try {{name}} in, and to put its answers right."""

from headstart.demo.app import launch

launch("{MODEL}", "corrections")
'''
# The CPU build of torch: Spaces without a GPU have no room for the other one.
REQUIREMENTS = "--extra-index-url https://download.pytorch.org/whl/cpu\nheadstart[demo,onnx]=={version}\n"
ABOUT_DEMO = """
A page to try `{name}` in, written by `headstart push --space`. What is put right there is kept in `corrections/` until the Space restarts: download it
before, and train with it.
"""
ABOUT_PAGE = """
`{name}` answers in the browser; no text leaves it. Written by `headstart push --space` from what `headstart export --web` made.
"""


def push_space(
    model: str | Path, repo_id: str, *, private: bool | None = None, message: str | None = None, token: str | None = None
) -> str:
    """Publish a page to try a model in as a Space, in one commit.

    Args:
        model: folder or short name of a checkpoint, folder of heads, or an exported skill; of one with a page (`headstart export --web`), that page.
        repo_id: `owner/name`, or `name` for your own account; made if it is not there.
        private: True: nobody else may see it; unset: a new Space is as the account has it.
        message: of the commit.
        token: of the hub; unset: the one that `hf auth login` or HF_TOKEN left.

    Returns:
        address of the commit.

    Raises:
        ValueError: the folder holds no complete model, or heads of a base that nobody else has.
        PublishError: see [`headstart.hub.push.push`]; or the Space holds something else.
    """
    folder = Path(resolve_checkpoint(model))
    sdk, files = space_files(folder)
    name = checkpoint_name(str(folder))
    logger.info("publishing %s", ", ".join(sorted(files)))
    return publish(
        repo_id, files, "space", message or f"{name}, with headstart push --space", private=private, token=token, space=sdk
    )


def space_files(folder: Path) -> tuple[str, dict[str, Path | bytes]]:
    """The SDK and the files of a model's Space.

    Args:
        folder: see [`push_space`].

    Raises:
        ValueError: see [`push_space`].
    """
    name = checkpoint_name(str(folder))
    heads = find_heads(folder)
    kinds = [(part, complete_kind(part)) for part in heads or [folder]]
    is_page = (folder / PAGE).is_file() and kinds[0][1] is EXPORTED
    sdk = "static" if is_page else "gradio"
    mark = {"headstart": __version__, "sdk": sdk}
    files: dict[str, Path | bytes] = {
        CARD: _readme(name, sdk).encode(), SPACE_MARK: (json.dumps(mark) + "\n").encode()
    }  # fmt: skip
    if is_page:
        return sdk, files | _found(folder, (*EXPORTED.published, *PAGE_FILES))
    for part, kind in kinds:
        if kind is HEAD_FOLDER:
            _check_base(part)
        inside = f"{MODEL}/" if part == folder else f"{MODEL}/{part.name}/"
        files |= {inside + place: file for place, file in _published(part, kind).items()}
    files["app.py"] = APP.format(name=name).encode()
    files["requirements.txt"] = REQUIREMENTS.format(version=__version__).encode()
    return sdk, files


def _published(folder: Path, kind: FolderKind) -> Mapping[str, Path | bytes]:
    return _found(folder, kind.published)


def _found(folder: Path, patterns: Iterable[str]) -> dict[str, Path | bytes]:
    """The files of a folder that patterns name, but for its card: the Space has one of its own."""
    files = sorted(file for pattern in patterns for file in folder.glob(pattern) if file.is_file())
    return {str(file.relative_to(folder)): file for file in files if file.relative_to(folder) != Path(CARD)}


def _check_base(head: Path) -> None:
    """Raise `ValueError` if a head was trained on a base that isn't in the package: the Space couldn't load it."""
    trunk = parse_object((head / HEAD).read_bytes(), repr(str(head / HEAD))).get("trunk")
    name = trunk.get("name") if isinstance(trunk, dict) else trunk
    if name not in SHORT_NAMES:
        raise ValueError(
            f"the head {str(head)!r} was trained on {str(name)[:80]!r}, which is not embedded: a Space couldn't load it. Save the whole checkpoint."
        )


def _readme(name: str, sdk: str) -> str:
    """The Space's own card, whose front matter tells a hub how to run it."""
    facts: dict[str, Any] = {
        "title": name, "emoji": "🗣️", "colorFrom": "indigo", "colorTo": "green", "sdk": sdk, "pinned": False, "tags": ["headstart"],
        "short_description": "Intents and slots of what is said",
    }  # fmt: skip
    if sdk == "gradio":
        facts |= {"sdk_version": GRADIO, "app_file": "app.py", "python_version": "3.11"}
    about = (ABOUT_DEMO if sdk == "gradio" else ABOUT_PAGE).format(name=name)
    return f"---\n{yaml.safe_dump(facts, allow_unicode=True, sort_keys=False)}---\n\n# {name}\n{about}"


__all__ = ["push_space", "space_files"]
