"""A report's files, damaged or of something else: what is lost is named and done again, and nothing old is taken for new."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headstart import DataError
from headstart.cli import main
from headstart.report import engine
from headstart.report.cases import SkillCase
from headstart.report.engine import run_all
from headstart.report.options import SYSTEMS, ReportOptions
from headstart.report.results import RunResult
from headstart.report.systems import Run
from headstart.report.transfer_report import make_report

SCORES = {"utterances": 1, "intent_accuracy": 1.0, "slot_f1": 1.0, "exact_match": 1.0, "semantic_error_rate": 0.0}


@pytest.fixture
def runs(root: Path, tiny_base: Path) -> list[Run]:
    case = SkillCase(root / "examples" / "coffee_machine")
    return [Run(case, SYSTEMS["classical"], seed, str(tiny_base)) for seed in range(4)]


def result(run: Run) -> RunResult:
    scores: Any = {**SCORES, "expected_calibration_error": None}
    return {
        "skill": run.case.name, "group": run.case.group, "system": run.system.name, "seed": run.seed, "train_rows": 5, "validation_rows": 1,
        "test_rows": 1, "intents": 2, "slots": 1, "units": 3, "fingerprint": run.fingerprint, "latency_ms": 1.0, "steps": None, "seconds": 1.0,
        "bytes": 10, "curve": [], "validation": scores, "test": scores,
    }  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the runs that were done, each of which takes no time here."""
    seeds: list[int] = []

    def do(runs: list[Run], jobs: int | None) -> Iterator[engine.Outcome]:
        for run in runs:
            seeds.append(run.seed)
            yield run.key, result(run), ""

    monkeypatch.setitem(engine.BACKENDS, "loky", do)
    return seeds


def written(runs: list[Run]) -> bytes:
    return b"".join(json.dumps(result(run)).encode() + b"\n" for run in runs)


LAST = {
    "cut off": lambda whole: whole[:-40],
    "cut off within a number": lambda whole: whole[:-1],
    "zeros where the disk had nothing": lambda whole: whole[:-40] + b"\0" * 40,
    "zeros and an end": lambda whole: whole[:-40] + b"\0" * 39 + b"\n",
    "not UTF-8": lambda whole: whole[:-40] + b"\xff\xfe\n",
    "a word": lambda whole: whole[: whole[:-1].rindex(b"\n") + 1] + b"null\n",
    "a field short": lambda whole: (
        whole[: whole[:-1].rindex(b"\n") + 1] + whole[whole[:-1].rindex(b"\n") + 1 :].replace(b'"test"', b'"t"')
    ),
}


@pytest.mark.parametrize("name", LAST)
def test_a_damaged_last_line_is_dropped_and_its_run_done_again(
    name: str, runs: list[Run], asked: list[int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "runs.jsonl"
    log.write_bytes(LAST[name](written(runs)))
    assert [entry["seed"] for entry in run_all(runs, log)] == [0, 1, 2, 3] and asked == [3]
    assert re.search(r"runs\.jsonl: the last line, 4, is (damaged|cut off); its run is done again", caplog.text)
    assert log.read_bytes() == written(runs)
    caplog.clear()
    run_all(runs, log)
    assert asked == [3] and "again" not in caplog.text


MIDDLE = {
    "cut off": b'{"skill": "coffee_ma',
    "two in one": b"{}{}",
    "not UTF-8": b'{"skill": "caf\xe9"}',
    "a list": b"[1]",
    "a field short": b'{"skill": "a", "system": "b", "seed": 1}',
    "nested deeply": b"[" * 100_000,
}


@pytest.mark.parametrize("name", MIDDLE)
def test_a_damaged_line_before_the_last_is_named_and_the_file_is_left(
    name: str, runs: list[Run], asked: list[int], tmp_path: Path
) -> None:
    log = tmp_path / "runs.jsonl"
    content = written(runs[:2]) + MIDDLE[name] + b"\n" + written(runs[2:])
    log.write_bytes(content)
    with pytest.raises(DataError, match=r"runs\.jsonl, line 3: .*Take the line out; its run is done again\.$") as error:
        run_all(runs, log)
    assert len(str(error.value)) < 600 and not asked and log.read_bytes() == content


def test_runs_of_other_settings_are_named_and_stay_in_the_log(
    runs: list[Run], asked: list[int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "runs.jsonl"
    others = [{**result(run), "fingerprint": "of another base"} for run in runs]
    log.write_text("".join(json.dumps(entry) + "\n" for entry in others))
    run_all(runs, log)
    assert asked == [0, 1, 2, 3] and len(log.read_text().splitlines()) == 8
    assert "4 runs of another base, data, options or version; done again: coffee_machine, classical, 0; " in caplog.text
    # Back and forth between two settings: each is found again, whichever was written last.
    log.write_bytes(written(runs) + log.read_bytes()[: -len(written(runs))])
    run_all(runs, log)
    assert asked == [0, 1, 2, 3]


def test_a_result_of_other_data_is_not_taken(runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on another machine, or where the files changed while the report ran."""

    def do(runs: list[Run], jobs: int | None) -> Iterator[engine.Outcome]:
        for run in runs:
            yield run.key, {**result(run), "fingerprint": "other" if run.seed == 2 else run.fingerprint}, ""

    monkeypatch.setitem(engine.BACKENDS, "loky", do)
    with pytest.raises(
        ValueError, match="1 of 4 runs failed.*\n  coffee_machine, classical, 2: the data, the base or the version"
    ):
        run_all(runs, tmp_path / "runs.jsonl")
    assert [json.loads(line)["seed"] for line in (tmp_path / "runs.jsonl").read_text().splitlines()] == [0, 1, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"coffee_machine": "caf\xe9"}', r"reasons\.json, line 1: not UTF-8"),
        ('{"a": "b"}'.encode("utf-16-le"), r"reasons\.json, line 1: found a NUL"),
        (b"[" * 100_000, r"reasons\.json is not JSON"),
        (b"", r"reasons\.json is not JSON"),
    ],
)  # fmt: skip
def test_damaged_reasons(content: bytes, message: str, root: Path, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "reasons.json").write_bytes(content)
    options = ReportOptions(root / "examples", tmp_path / "out", base=str(tiny_base), reasons=tmp_path / "reasons.json")
    with pytest.raises(DataError, match=message):
        make_report(options)


def test_reasons_with_a_byte_order_mark_and_of_a_skill_that_is_not_there(
    root: Path, tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.report.plots.draw_plots", lambda *arguments: [])
    (tmp_path / "reasons.json").write_bytes("\ufeff".encode() + b'{"coffee_machine": "two intents mean the same", "tea": "x"}')
    options = ReportOptions(
        root / "examples", tmp_path / "out", base=str(tiny_base), reasons=tmp_path / "reasons.json", seeds=1, jobs=1,
        systems=("classical",), only=("coffee_machine",),
    )  # fmt: skip
    content = make_report(options)
    assert content["reasons"]["coffee_machine"] == "two intents mean the same"
    assert "no skill of the report is called 'tea'" in caplog.text


def test_a_report_is_not_written_into_its_data(root: Path, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "skills").mkdir()
    options = ReportOptions(tmp_path / "skills", tmp_path / "skills" / "report", base=str(tiny_base))
    with pytest.raises(ValueError, match="written among the skills, into .*; give it a folder of its own"):
        make_report(options)


def test_ray_that_is_not_installed_is_told_at_once(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.report.cluster.find_spec", lambda name: None)
    assert main(["report", "--skills", str(root / "examples"), "--out", str(tmp_path / "out"), "--backend", "ray"]) == 2
    assert capsys.readouterr().err == "headstart: the backend ray is not installed: pip install 'headstart[ray]'\n"
    assert not (tmp_path / "out").exists()


@pytest.fixture(autouse=True)
def _warnings_are_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
