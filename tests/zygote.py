"""Fresh interpreters that start at once: forks of a process that has imported what takes long and says nothing of Headstart.

It has torch and what transformers wants of others, but neither transformers, nor huggingface_hub, nor headstart: these read the environment when
they are imported, and how they are imported is what tests ask about. A child gets an environment and a program of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

# What transformers and datasets import, without themselves.
PRELOADED = (
    "torch", "torch._dynamo", "torch.distributed.tensor", "torch.distributed.fsdp", "torch.utils.data", "torch.fx.experimental.symbolic_shapes",
    "numpy", "pandas", "pyarrow", "scipy.optimize", "scipy.sparse", "sklearn.metrics", "httpx", "yaml", "regex", "PIL.Image", "fsspec", "tqdm.auto", "safetensors",
)  # fmt: skip
SERVE = f"""
import gc, importlib, json, os, sys
for name in {PRELOADED!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
forbidden = [name for name in ("transformers", "huggingface_hub", "datasets", "tokenizers", "headstart") if name in sys.modules]
assert not forbidden, forbidden
gc.freeze()
print("ready", flush=True)
for line in iter(sys.stdin.readline, ""):
    order = json.loads(line)
    process = os.fork()
    if process:
        print(process, flush=True)
        _, status = os.waitpid(process, 0) if order["waits"] else (0, 0)
        if order["waits"]:
            print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"])
    for number, name in ((1, "output"), (2, "errors")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)
    os.chdir(order["folder"])
    sys.argv = ["-c", *order["arguments"]]
    sys.path[:] = order["path"]
    code = 1
    try:
        exec(compile(order["code"], "<string>", "exec"), {{"__name__": "__main__"}})
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
"""


class Child:
    """A process that was started, and is not waited for."""

    def __init__(self, number: int) -> None:
        self.number = number

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.number, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while Path(f"/proc/{self.number}/stat").exists() and " Z " not in Path(f"/proc/{self.number}/stat").read_text():
            time.sleep(0.01)


class Zygote:
    """Starts fresh interpreters, one after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._path: list[str] = []

    def _order(self, **order: Any) -> Any:
        if self._process is None:
            command = [sys.executable, "-c", SERVE]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert self._answer() == "ready"
            # As an interpreter of its own would have it, without what pytest adds.
            found = subprocess.run(
                [sys.executable, "-c", "import json, sys; print(json.dumps(sys.path))"],
                capture_output=True,
                text=True,
                check=True,
            )
            self._path = json.loads(found.stdout)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**order, "path": self._path}) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that starts others has ended"
        return line.strip()

    def run(
        self, code: str, *arguments: Any, environment: dict[str, str] | None = None, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program, as `python -c CODE ARGUMENTS` would, to its end."""
        with tempfile.TemporaryDirectory() as place:
            output, errors = Path(place) / "output", Path(place) / "errors"
            self._start(code, arguments, environment, folder, (output, errors), waits=True)
            status = int(self._answer())
            texts = [path.read_text(encoding="utf-8", errors="replace") for path in (output, errors)]
        return subprocess.CompletedProcess(["python", "-c", code], status, *texts)

    def start(self, code: str, *arguments: Any, environment: dict[str, str] | None = None) -> Child:
        """Start a program, whose output goes nowhere."""
        return Child(self._start(code, arguments, environment, None, (Path(os.devnull), Path(os.devnull)), waits=False))

    def _start(
        self,
        code: str,
        arguments: tuple[Any, ...],
        environment: dict[str, str] | None,
        folder: Path | None,
        files: tuple[Path, Path],
        *,
        waits: bool,
    ) -> int:
        number: int = self._order(
            code=code, arguments=[str(argument) for argument in arguments], environment=dict(environment or os.environ),
            folder=str(folder or Path.cwd()), output=str(files[0]), errors=str(files[1]), waits=waits,
        )  # fmt: skip
        return number

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
