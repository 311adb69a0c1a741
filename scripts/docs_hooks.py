"""Hooks of the documentation's build: pages and figures that are made of other files, and a navigation of the pages that are there.

mkdocs build --strict
"""

from __future__ import annotations

import re
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from headstart.training.options import FinetuneOptions, PretrainOptions, own_options

ROOT = Path(__file__).parent.parent
PLOT = ROOT / "benchmarks" / "results" / "report" / "plots" / "errors.svg"
ABOUT = """# Options

Of `headstart finetune` and `headstart pretrain`, on the command line, in Python (`headstart.finetune(skill, out, seed=1)`), or in a YAML or JSON file. Every
option of `transformers.TrainingArguments` can be given besides; `--help_all` lists those, too.
"""
CODE_LINK = re.compile(r"\[(<code>[^<]+</code>)\]")  # in docstrings: a name of the code, in brackets
PART_DEFAULT = re.compile(r">_Part(</\w+>)\(\)")


def on_config(config: Any) -> Any:
    """Leave pages out of the navigation that are not there."""
    folder = Path(config["docs_dir"])

    def kept(entries: list[Any]) -> list[Any]:
        found = []
        for entry in entries:
            (title, place) = next(iter(entry.items()))
            if isinstance(place, list):
                found.append({title: kept(place)})
            elif (folder / place).is_file():
                found.append(entry)
        return found

    config["nav"] = kept(config["nav"])
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the figure of README."""
    files.append(File.generated(config, "plots/errors.svg", abs_src_path=str(PLOT)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Pages that are made of other files; what lies in their places says so to who reads them in the repository."""
    if page.file.src_path == "options.md":
        return options_page()
    if page.file.src_path == "changelog.md":
        changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        return re.sub(r"\[([^\]]+\.md)\]\(\1\)", r"`\1`", changes)  # files that the site lacks
    return markdown


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Docstrings name code in brackets, for who reads the source; on a page, the code is enough. The parts of a [`Skill`] are descriptors, for the same
    reader."""
    if page.file.src_path != "api.md":
        return html
    html = PART_DEFAULT.sub(r">None\1", html)
    return CODE_LINK.sub(r"\1", html).replace(">_Part<", ">list | Dataset<")


def options_page() -> str:
    """The options of both stages, as the command line has them."""
    parts = [ABOUT]
    for title, kind in (("Fine-tuning", FinetuneOptions), ("Pretraining", PretrainOptions)):
        rows = "".join(_row(name, entry) for name, entry in own_options(kind).items())
        parts.append(f"\n## {title}\n\n{kind.ABOUT}\n\n| option | kind | default | meaning |\n| --- | --- | --- | --- |\n{rows}")
    return "".join(parts)


def _row(name: str, entry: Any) -> str:
    default = entry.default if entry.default is not MISSING else None
    shown = "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    kind = str(entry.type).replace(" | None", "").replace("|", "\\|")
    text = entry.metadata["help"].replace("|", "\\|")
    return f"| `--{name}` | {kind} | {shown} | {text} |\n"
