"""A report on a Ray cluster of two nodes on this machine: the figures of loky, and nothing lost when one of them is killed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from headstart.cli import main

pytestmark = pytest.mark.slow
SECONDS = 400
TIMED = ("seconds", "latency_ms", "curve")  # differ between any two runs; so do the steps of a curve, which fitting is charged to
SYSTEMS, SEEDS, SKILLS = ("transfer", "no_transfer", "classical"), 3, ("coffee_machine", "plant_care")


class Cluster:
    """`ray start`, once for each node: a group of processes, of one CPU."""

    def __init__(self, folder: str) -> None:
        pytest.importorskip("ray", reason="ray is not installed: pip install 'headstart[ray]'")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address, self.folder, self.nodes = f"127.0.0.1:{self.port}", Path(folder), list[subprocess.Popen[bytes]]()
        # A token of its own: whoever has none can't run anything on the nodes meanwhile.
        self.environment = own_environment(self.folder) | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        name = f"node-{len(self.nodes)}"
        command = [
            str(Path(sys.executable).parent / "ray"), "start", "--block", "--node-ip-address", "127.0.0.1", "--num-cpus", "1",
            "--object-store-memory", "100000000", "--disable-usage-stats", "--temp-dir", str(self.folder / name), *arguments,
        ]  # fmt: skip
        log = (self.folder / f"{name}.log").open("w+b")
        node = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self.environment
        )
        self.nodes.append(node)
        said = self.folder / f"{name}.log"
        wait(lambda: b"will now block" in said.read_bytes() or node.poll() is not None)
        assert node.poll() is None, said.read_text()
        return node

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """At once, with all that it started."""
        processes = psutil.Process(node.pid).children(recursive=True) if node.poll() is None else []
        for process in (*processes, node):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        node.wait()


def own_environment(home: Path) -> dict[str, str]:
    """Without what ray was told of other clusters, and a home for what it keeps."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return kept | {"HOME": str(home), "OMP_NUM_THREADS": "1"}


def wait(is_so: Any, *running: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        assert all(process.poll() is None for process in running), "it has ended"
        time.sleep(0.02)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    # Ray's sockets have names of at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(folder)
        try:
            yield cluster
        finally:
            for node in reversed(cluster.nodes):
                cluster.kill(node)


@pytest.fixture
def skills(root: Path, tmp_path: Path) -> Path:
    for name in SKILLS:
        shutil.copytree(root / "examples" / name, tmp_path / "skills" / name)
    return tmp_path / "skills"


def command(out: str, tiny_base: Path, *more: str) -> list[str]:
    return [
        "report", "--skills", "skills", "--out", out, "--base", str(tiny_base), "--seeds", str(SEEDS), "--max_steps", "60",
        "--systems", *SYSTEMS, *more,
    ]  # fmt: skip


def start_report(out: str, folder: Path, tiny_base: Path, environment: dict[str, str], *more: str) -> subprocess.Popen[str]:
    """In a process of its own, with paths that hold in its folder alone."""
    program = "import sys; from headstart.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = command(out, tiny_base, "--backend", "ray", *more)
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def is_running_something(node: subprocess.Popen[bytes]) -> bool:
    found = []
    for process in psutil.Process(node.pid).children(recursive=True):
        try:
            found += process.cmdline()[:1]
        except psutil.NoSuchProcess:
            continue
    return any(name.startswith("ray::_attempt") for name in found)


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def figures(folder: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {
        (run["skill"], run["system"], run["seed"]): {name: value for name, value in run.items() if name not in TIMED}
        for run in json.loads((folder / "report.json").read_text())["runs"]
    }


def test_a_node_is_killed_in_the_middle_and_nothing_is_lost(
    cluster: Cluster, skills: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = cluster.start("--head", "--port", str(cluster.port), "--include-dashboard", "false")
    second = cluster.start("--address", cluster.address)
    log = tmp_path / "on-ray" / "runs.jsonl"
    report = start_report("on-ray", tmp_path, tiny_base, cluster.environment | {"RAY_ADDRESS": cluster.address})
    wait(lambda: len(lines(log)) >= 3 and is_running_something(second), report, head, second)
    before = len(lines(log))
    cluster.kill(second)
    _, errors = report.communicate(timeout=SECONDS)
    assert report.returncode == 0, errors
    wanted = {(skill, system, seed) for skill in SKILLS for system in SYSTEMS for seed in range(SEEDS)}
    assert 3 <= before < len(wanted)
    assert sorted((run["skill"], run["system"], run["seed"]) for run in lines(log)) == sorted(wanted)
    monkeypatch.chdir(tmp_path)
    assert main(command("here", tiny_base)) == 0
    assert figures(tmp_path / "on-ray") == figures(tmp_path / "here") and figures(tmp_path / "here").keys() == wanted


def test_without_a_cluster_one_is_started_and_stopped(skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'headstart[ray]'")
    report = start_report(
        "out", tmp_path, tiny_base, own_environment(tmp_path), "--jobs", "1", "--systems", "classical", "--seeds", "1"
    )
    output, errors = report.communicate(timeout=SECONDS)
    assert report.returncode == 0 and output == "out/report.md\n", errors
    assert len(lines(tmp_path / "out" / "runs.jsonl")) == 2


def test_a_cluster_that_is_not_there_is_named(skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'headstart[ray]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        report = start_report(
            "out", tmp_path, tiny_base, own_environment(tmp_path) | {"RAY_ADDRESS": address}, "--systems", "classical"
        )
        _, errors = report.communicate(timeout=100)
    assert report.returncode == 2
    assert f"the Ray cluster at '{address}' can't be joined" in errors.splitlines()[-1] and "Traceback" not in errors


def test_a_damaged_skill_fails_alone_on_a_cluster(skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'headstart[ray]'")
    (skills / "broken").mkdir()
    (skills / "broken" / "train.jsonl").write_text("{\n")
    report = start_report(
        "out", tmp_path, tiny_base, own_environment(tmp_path), "--jobs", "1", "--systems", "classical", "--seeds", "1"
    )
    _, errors = report.communicate(timeout=SECONDS)
    assert report.returncode == 2 and "1 of 3 runs failed" in errors and "train.jsonl, line 1" in errors, errors
    assert {run["skill"] for run in lines(tmp_path / "out" / "runs.jsonl")} == set(SKILLS)
