"""README and the documentation: every block of code runs as it stands, and what it is said to print is printed."""

from __future__ import annotations

import ast
import doctest
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest import SkipTest

import pytest
import yaml
from sybil import Document, Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from headstart.cli import main
from headstart.data.rows import check_row
from headstart.finetuning.recipe import choose_recipe
from headstart.readers import READERS, find_reader, load_skill
from headstart.readers.source import Source

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_CODE = ("text", "csv", "markdown", "xml")  # what a file looks like
MOST_LINES = 150  # of README
FIRST_ANSWER = 40  # line of README by which there is one
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NUMBER = re.compile(r"\d\.\d+")


class Run:
    """Runs the blocks of one page, in the order in which they stand, in one namespace.

    Args:
        is_whole: trainings have all their steps, so that answers are what the page says.
    """

    def __init__(self, is_whole: bool) -> None:
        self.is_whole = is_whole
        self.done, self.skipped = 0, list[str]()

    def parsers(self) -> list[Any]:
        kinds: dict[str, Callable[[Example], None]] = {
            "python": self.python,
            "bash": self.bash,
            "json": self.json,
            "yaml": self.yaml,
        }
        return [SkipParser(), *(CodeBlockParser(language, evaluator) for language, evaluator in kinds.items())]

    def python(self, example: Example) -> None:
        source, namespace = str(example.parsed), example.document.namespace
        printed: dict[int, str] = {}

        def record(*values: object, sep: str = " ") -> None:
            printed[sys._getframe(1).f_lineno] = sep.join(map(str, values))

        namespace["print"] = record
        exec(compile(source, f"{example.path}, line {example.line}", "exec"), namespace)  # noqa: S102
        for line, expected in expected_outputs(source).items():
            if self.is_whole or not NUMBER.search(expected):
                found = printed[line]
                assert doctest.OutputChecker().check_output(expected, found, SAME), f"{example.path}: {expected!r} is {found!r}"
        self.done += 1

    def bash(self, example: Example) -> None:
        others: list[str] = []
        for line in [*str(example.parsed).splitlines(), "headstart"]:
            if not line.startswith("headstart"):
                others.append(line)
                continue
            if others:
                subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(others)], check=True)
            others = []
            if line != "headstart":
                assert main(shlex.split(line, comments=True)[1:]) == 0, line
        self.done += 1

    def json(self, example: Example) -> None:
        text = str(example.parsed)
        try:
            contents = [json.loads(text)]
        except json.JSONDecodeError:
            contents = [json.loads(line) for line in text.splitlines()]
        for content in contents:
            if isinstance(content, dict) and {"text", "intent", "slots"} == set(content):
                check_row(cast(Any, content), f"{example.path}, line {example.line}")
        self.done += 1

    def yaml(self, example: Example) -> None:
        assert yaml.safe_load(str(example.parsed)) is not None
        self.done += 1

    def page(self, path: Path) -> None:
        sybil = Sybil(parsers=self.parsers(), patterns=["*.md"], path=str(ROOT))
        document: Document = sybil.parse(path)
        for example in document.examples():
            try:
                example.evaluate()
            except SkipTest as reason:
                self.skipped.append(str(reason))


def expected_outputs(source: str) -> dict[int, str]:
    """By line of a `print` at the top, what the comments right below it say."""
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        is_print = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "print"
        following = lines[cast(int, node.end_lineno) :]
        said = []
        for line in following if is_print else ():
            if not line.startswith("# "):
                break
            said.append(line[2:])
        if said:
            found[node.lineno] = "\n".join(said)
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a page takes for the repository."""
    for name in ("examples", "configs", "train.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of a few steps, where a page doesn't say how many."""

    def few_steps(*args: Any, **kwargs: Any) -> Any:
        return replace(choose_recipe(*args, **kwargs), steps=3)

    monkeypatch.setattr("headstart.finetuning.plan.choose_recipe", few_steps)
    monkeypatch.setattr("headstart.pretraining.recipe.LEAST_STEPS", 3)
    monkeypatch.setattr("headstart.pretraining.recipe.EPOCHS", 1)


@pytest.mark.usefixtures("short", "place")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_block_of_a_page_runs(path: Path) -> None:
    Run(is_whole=False).page(path)


@pytest.mark.slow
@pytest.mark.usefixtures("place", "whole_package")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_answers_are_what_a_page_says(path: Path) -> None:
    Run(is_whole=True).page(path)


def blocks(path: Path) -> Iterator[tuple[str, str | None]]:
    """The languages of a page's blocks, each with the reason for which it is not run."""
    reason = None
    is_inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if (found := re.match(r"<!--- skip: next(?: \"(.+)\")? -->", line)) is not None:
            reason = found[1] or ""
        elif line.startswith("```"):
            if not is_inside:
                yield line[3:], reason
                reason = None
            is_inside = not is_inside


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_block_says_its_language_and_why_it_is_not_run(path: Path) -> None:
    for language, reason in blocks(path):
        assert language in ("python", "bash", "json", "yaml", *NOT_CODE), language
        assert reason is None or len(reason) > 15


def test_readme_is_a_page_with_an_answer_in_its_first_lines() -> None:
    lines = PAGES[0].read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    first = next(number for number, line in enumerate(lines, start=1) if "'value': 'ten percent'" in line)
    assert first <= FIRST_ANSWER


def test_the_documentation_is_built_strictly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in PAGES[1:]} - {"index"}
    assert all((tmp_path / "site" / page / "index.html").is_file() for page in {*pages, "options", "changelog"})
    html = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html"))
    assert not re.search(
        r'<(?:script|link|img)[^>]+(?:src|href)="https?://(?!headstart)', html
    )  # nothing is loaded from elsewhere


@pytest.mark.slow
def test_the_notebook_runs(place: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "examples" / "first_skill.ipynb", as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    outputs = [str(output) for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("ten percent" in output for output in outputs)


def samples_of_formats() -> dict[str, dict[str, str]]:
    """By format, the files that docs/formats.md shows a sample in."""
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").split("## Samples")[1]
    found = {}
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        files = re.findall(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
        found[section.split("`")[1]] = dict(files)
    return found


def test_there_is_a_sample_of_each_format() -> None:
    assert set(samples_of_formats()) == set(READERS)


@pytest.mark.parametrize("name", samples_of_formats())
def test_a_sample_is_read_as_what_it_is_called(name: str, tmp_path: Path) -> None:
    files = samples_of_formats()[name]
    for place, text in files.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text, encoding="utf-8")
    path = tmp_path / next(iter(files)) if len(files) == 1 else tmp_path
    assert find_reader(Source(path)) is READERS[name]
    skill = load_skill(path)
    assert skill.intents and [label.lower() for label in skill.slots] == ["floor"] * (name != "tag_patterns")
