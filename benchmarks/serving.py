"""`headstart serve` under load, on this machine's loopback: throughput in batches and one at a time, times of answers, memory, reloading and kills.

python benchmarks/serving.py --model EXPORTED --other EXPORTED_INT8 --texts ROWS.jsonl --out benchmarks/results/serving.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from headstart.modeling.folders_headstart import EXPORT
from headstart.onnx import OnnxNLU
from headstart.saving import written_aside

CLIENTS = 64
START_SECONDS = 60


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered.

    Args:
        work: numbers of texts, shared by all clients.
        requests: by number of text, the bytes of its request.
        load: what is noted.
    """

    def __init__(self, work: Iterator[int], requests: list[bytes], load: Load, done: asyncio.Future[None]) -> None:
        self.work, self.requests, self.load, self.done = work, requests, load, done
        self.buffer, self.number, self.start = b"", -1, 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.number = next(self.work, -1)
        if self.number < 0:
            self.transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self.start = time.perf_counter()
        self.transport.write(self.requests[self.number])

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        self.load.note(self.number, time.perf_counter() - self.start, int(head[9:12]), body)
        self.buffer = b""
        self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.load.lost += 1
            self.done.set_result(None)


class Load:
    """What came back: times, statuses, and the different answers to each text."""

    def __init__(self, num_texts: int) -> None:
        self.seconds: list[float] = []
        self.answers: list[set[bytes]] = [set() for _ in range(num_texts)]
        self.errors, self.lost = 0, 0

    def note(self, number: int, seconds: float, status: int, body: bytes) -> None:
        self.seconds.append(seconds)
        if status == 200:
            self.answers[number].add(body)
        else:
            self.errors += 1


async def ask_all(port: int, texts: list[str], count: int, clients: int = CLIENTS) -> tuple[Load, float]:
    """Ask a number of times, in turn for each text, from so many connections at once."""
    requests = [request(text) for text in texts]
    load, work = Load(len(texts)), islice(cycle(range(len(texts))), count)
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    done = [loop.create_future() for _ in range(clients)]
    for future in done:
        await loop.create_connection(lambda future=future: Client(work, requests, load, future), "127.0.0.1", port)
    await asyncio.gather(*done)
    return load, time.perf_counter() - start


def request(text: str) -> bytes:
    body = json.dumps({"text": text}).encode()
    return b"POST /parse HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(body) + body


class Server:
    """A server of its own process."""

    def __init__(self, model: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        code = "import sys; from headstart.cli import main; sys.exit(main(sys.argv[1:]))"
        self.command = [sys.executable, "-c", code, "serve", str(model), "--port", str(self.port), *options]
        self.start()

    def start(self) -> float:
        """Start it; seconds until it is ready."""
        start = time.perf_counter()
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        while time.perf_counter() - start < START_SECONDS:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=1):
                    return time.perf_counter() - start
            except OSError:
                time.sleep(0.02)
            if self.process.poll() is not None:
                break
        raise RuntimeError(f"the server did not start: {self.process.stderr.read() if self.process.stderr else ''}")

    def megabytes(self) -> float:
        return round(psutil.Process(self.process.pid).memory_info().rss / 1e6, 1)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


@contextmanager
def serving(model: Path, *options: str) -> Iterator[Server]:
    server = Server(model, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def cpu_seconds(server: Server) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


def figure(server: Server, name: str) -> float:
    """One of what the server tells Prometheus."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def run(port: int, texts: list[str], count: int, clients: int = CLIENTS) -> tuple[Load, dict[str, Any]]:
    load, seconds = asyncio.run(ask_all(port, texts, count, clients))
    times = np.array(load.seconds) * 1000
    return load, {
        "requests": len(load.seconds), "clients": clients, "errors": load.errors + load.lost, "seconds": round(seconds, 2),
        "requests_a_second": round(len(load.seconds) / seconds, 1),
        **{f"p{share}_ms": round(float(np.percentile(times, share)), 2) for share in (50, 95, 99, 99.9)},
    }  # fmt: skip


def differences(load: Load, alone: list[dict[str, Any]]) -> dict[str, Any]:
    """How far answers are from those of single texts: of how many texts one has another label or span, and the largest difference of scores."""
    changed, largest, missing = 0, 0.0, 0
    for found, single in zip(load.answers, alone, strict=True):
        missing += not found
        answers = [json.loads(body) for body in found]
        changed += any(without_scores(answer) != without_scores(single) for answer in answers)
        largest = max(
            [largest, *(abs(a - b) for answer in answers for a, b in zip(scores(answer), scores(single), strict=False))]
        )
    return {
        "texts": len(alone),
        "texts_never_answered": missing,
        "texts_with_another_answer": changed,
        "largest_difference_of_scores": largest,
    }


def without_scores(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: without_scores(value) for name, value in answer.items() if name not in ("score", "out_of_scope")}
    return [without_scores(value) for value in answer] if isinstance(answer, list) else answer


def scores(answer: Any) -> list[float]:
    if isinstance(answer, dict):
        own = [value for name, value in answer.items() if name in ("score", "out_of_scope")]
        return own + [found for value in answer.values() for found in scores(value)]
    return [found for value in answer for found in scores(value)] if isinstance(answer, list) else []


def throughput(model: Path, texts: list[str], count: int, rounds: int) -> dict[str, Any]:
    """The same server one at a time (`--max_batch 1`) and in batches, in turns."""
    found: dict[str, list[dict[str, Any]]] = {"one_at_a_time": [], "batches": []}
    for _ in range(rounds):
        for name, options in (("one_at_a_time", ("--max_batch", "1")), ("batches", ())):
            with serving(model, *options) as server:
                run(server.port, texts, 500)
                before = cpu_seconds(server)
                _, result = run(server.port, texts, count)
                result["server_cpu_ms_a_request"] = round(1000 * (cpu_seconds(server) - before) / count, 3)
                result["texts_a_batch"] = round(
                    figure(server, "headstart_batch_texts_sum") / figure(server, "headstart_batch_texts_count"), 1
                )
            found[name].append(result)
            print(name, json.dumps(result), flush=True)
    rates = {name: [entry["requests_a_second"] for entry in entries] for name, entries in found.items()}
    cpu = {name: float(np.median([entry["server_cpu_ms_a_request"] for entry in entries])) for name, entries in found.items()}
    return {
        "median_requests_a_second": {name: float(np.median(values)) for name, values in rates.items()},
        "times_as_many": round(float(np.median(rates["batches"]) / np.median(rates["one_at_a_time"])), 2),
        "of_each_round": [round(b / a, 2) for a, b in zip(rates["one_at_a_time"], rates["batches"], strict=True)],
        "median_server_cpu_ms_a_request": cpu,
        "cpu_times_as_much": round(cpu["one_at_a_time"] / cpu["batches"], 2),
        "rounds": found,
    }  # fmt: skip


def long_load(model: Path, texts: list[str], alone: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Many requests to one server, with its memory after every tenth of them."""
    with serving(model) as server:
        memory, results, times = [server.megabytes()], [], []
        whole = Load(len(texts))
        for _ in range(10):
            load, result = run(server.port, texts, count // 10)
            times += load.seconds
            results.append(result)
            whole.answers = [a | b for a, b in zip(whole.answers, load.answers, strict=True)]
            memory.append(server.megabytes())
        code = server.stop()
    seconds = sum(result["seconds"] for result in results)
    return {
        "requests": len(times), "clients": CLIENTS, "errors": sum(result["errors"] for result in results), "seconds": round(seconds, 1),
        "requests_a_second": round(len(times) / seconds, 1),
        **{f"p{share}_ms": round(float(np.percentile(times, share)) * 1000, 1) for share in (50, 95, 99, 99.9)},
        "answers": differences(whole, alone), "megabytes": memory, "exit_code_after_sigterm": code,
    }  # fmt: skip


def replace(folder: Path, source: Path) -> None:
    """As headstart saves: what tells the kind goes first and comes last, the others are renamed into their places."""
    with written_aside(folder, EXPORT) as aside:
        for file in source.iterdir():
            shutil.copy(file, aside / file.name)


def copy_slowly(folder: Path, source: Path) -> None:
    """As somebody copies who doesn't think of it: in place, the file that tells the kind among the others, the network in two parts."""
    for file in sorted(source.iterdir()):
        content = file.read_bytes()
        with (folder / file.name).open("wb") as stream:
            stream.write(content[: len(content) // 2])
            stream.flush()
            time.sleep(0.5)
            stream.write(content[len(content) // 2 :])


def reload_under_load(model: Path, other: Path, texts: list[str], count: int) -> dict[str, Any]:
    """The folder is written anew, in turns with another export of the skill, while it is asked; every other time it is half there for some seconds."""
    right = [
        [without_scores(answer) for answer in pair] for pair in zip(OnnxNLU(model)(texts), OnnxNLU(other)(texts), strict=True)
    ]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "skill"
        shutil.copytree(model, folder)
        with serving(folder, "--reload_seconds", "0.2") as server:
            end = threading.Event()
            writes = 0

            def write() -> None:
                nonlocal writes
                for number in cycle(range(4)):
                    (replace if number < 2 else copy_slowly)(folder, (other, model)[number % 2])
                    writes += 1
                    if end.wait(2):
                        return

            writer = threading.Thread(target=write)
            writer.start()
            load, result = run(server.port, texts, count)
            end.set()
            writer.join()
            time.sleep(3)
            loaded, refused = (figure(server, f'headstart_reloads_total{{succeeded="{said}"}}') for said in (True, False))
    wrong = sum(
        without_scores(json.loads(body)) not in right[number] for number, found in enumerate(load.answers) for body in found
    )
    return {
        **result,
        "writes": writes,
        "loaded_anew": loaded,
        "half_written_and_not_loaded": refused,
        "answers_of_neither": wrong,
    }


def kill_and_restart(model: Path, texts: list[str], alone: list[dict[str, Any]]) -> dict[str, Any]:
    """kill -9 in the middle of a load, and the same server again."""
    with serving(model) as server:
        threading.Timer(2, server.process.kill).start()
        load, result = run(server.port, texts, 10**6)
        server.process.communicate()
        seconds = server.start()
        again, after = run(server.port, texts, 5000)
        return {
            "answered_before": result["requests"], "connections_lost": load.lost, "seconds_until_ready_again": round(seconds, 2),
            "after": after, "answers": differences(again, alone),
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="an exported skill")
    parser.add_argument("--other", type=Path, required=True, help="another export of it, to be replaced by")
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="rows (.jsonl) whose texts are asked")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts = [json.loads(line)["text"] for file in options.texts for line in file.read_text(encoding="utf-8").splitlines()]
    texts = list(dict.fromkeys(texts))
    alone = OnnxNLU(options.model)(texts)
    result: dict[str, Any] = {
        "date": date.today().isoformat(),
        "command": f"python benchmarks/serving.py --requests {options.requests} --rounds {options.rounds}",
        "skill": alone[0]["skill"], "texts": len(texts), "cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg(),
    }  # fmt: skip
    parts = {
        "throughput": lambda: throughput(options.model, texts, options.requests // 20, options.rounds),
        "long_load": lambda: long_load(options.model, texts, alone, options.requests),
        "reload_under_load": lambda: reload_under_load(options.model, options.other, texts, options.requests // 10),
        "kill_and_restart": lambda: kill_and_restart(options.model, texts, alone),
    }
    for name, part in parts.items():
        result[name] = part()
        print(name, json.dumps({key: value for key, value in result[name].items() if key != "rounds"}), flush=True)
        result["load_after"] = os.getloadavg()
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
