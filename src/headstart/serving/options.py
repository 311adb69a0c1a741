"""What a server is started with, checked before anything is loaded."""

from __future__ import annotations

import argparse
import ipaddress
import os
from dataclasses import KW_ONLY, dataclass
from typing import Any
from urllib.parse import urlsplit

PORT = 5005  # Rasa's: its clients need no new address
API_KEY = "HEADSTART_API_KEY"
WYOMING_SCHEMES = ("tcp", "unix")
LEAST_KEY = 16  # characters


@dataclass(frozen=True)
class ServeOptions:
    """Options of [`headstart.serving.server.serve`]; see `headstart serve --help`.

    Args:
        models: folders, repositories or short names.
        host, port: what HTTP is listened to at; port 0: any that is free.
        api_key: what requests must carry; None: nothing.
        wyoming: where Wyoming is spoken, `tcp://HOST:PORT` or `unix://PATH`; None: nowhere.
        open_wyoming: Wyoming, which knows no keys, may be spoken where other machines can reach it.
        language: of the models, as Wyoming's clients are told.
        base: checkpoint that heads were trained on.
        threads: of the network.
        max_batch: texts that are answered at once, at most; 1: one after the other.
        max_waiting: texts that wait, at most; more are refused.
        max_chars: of a text.
        max_texts: of a request.
        max_body: bytes of a request.
        reload_seconds: how often folders are looked at for changes; 0: never.

    Raises:
        ValueError: one is not as it must be, or the server could be reached without a key.
    """

    models: tuple[str, ...]
    _: KW_ONLY
    host: str = "127.0.0.1"
    port: int = PORT
    api_key: str | None = None
    wyoming: str | None = None
    open_wyoming: bool = False
    language: str = "en"
    base: str | None = None
    threads: int = 1
    max_batch: int = 64
    max_waiting: int = 4096
    max_chars: int = 4096
    max_texts: int = 256
    max_body: int = 1 << 20
    reload_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("nothing to serve; give at least one model.")
        if not 0 <= self.port < 1 << 16:
            raise ValueError(f"port is {self.port}; allowed: 0 (any) to 65535.")
        for name in ("threads", "max_batch", "max_waiting", "max_chars", "max_texts", "max_body"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.reload_seconds < float("inf"):
            raise ValueError(f"reload_seconds is {self.reload_seconds}; allowed: seconds, or 0 for never.")
        if self.max_waiting < self.max_texts:
            raise ValueError(f"max_waiting is {self.max_waiting}, and a request may have {self.max_texts} texts (max_texts).")
        if self.api_key is not None and (len(self.api_key) < LEAST_KEY or not self.api_key.isascii()):
            raise ValueError(f"the key must have at least {LEAST_KEY} ASCII characters, such as `openssl rand -hex 16` gives.")
        if self.api_key is None and not is_loopback(self.host):
            raise ValueError(
                f"{self.host!r} can be reached from other machines: set {API_KEY} or --api_key, or listen at 127.0.0.1."
            )
        if self.wyoming is not None:
            self._check_wyoming(self.wyoming)

    def _check_wyoming(self, uri: str) -> None:
        found = urlsplit(uri)
        try:
            is_whole = bool(found.path) if found.scheme == "unix" else bool(found.hostname and found.port)
        except ValueError:  # its port is none
            is_whole = False
        if found.scheme not in WYOMING_SCHEMES or not is_whole:
            raise ValueError(f"wyoming is {uri!r}; give tcp://127.0.0.1:10500 or unix:///run/headstart.sock.")
        if found.scheme == "tcp" and not is_loopback(str(found.hostname)) and not self.open_wyoming:
            raise ValueError(
                f"{uri!r} can be reached from other machines, and Wyoming knows no keys: listen at 127.0.0.1, or, in a network where "
                "everybody may ask, add --open_wyoming."
            )


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address; of names, `localhost` alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `headstart serve`."""
    command.add_argument(
        "models", metavar="MODEL", nargs="+", help="exported skill, checkpoint, head or heads: a folder, repository or short name"
    )
    command.add_argument("--host", default=ServeOptions.host, help="address to listen at (default: %(default)s)")
    command.add_argument("--port", type=int, default=PORT, help="0: any that is free (default: %(default)s, as Rasa)")
    command.add_argument(
        "--api_key",
        metavar="KEY",
        default=os.environ.get(API_KEY) or None,
        help=f"what requests must carry; needed for an address that other machines reach (default: the variable {API_KEY})",
    )
    command.add_argument("--wyoming", metavar="URI", help="speak Wyoming (Home Assistant) too, such as tcp://127.0.0.1:10500")
    command.add_argument(
        "--open_wyoming", action="store_true", help="allow that at an address that other machines reach, where everybody may ask"
    )
    command.add_argument("--language", default=ServeOptions.language, help="of the models, for Wyoming (default: %(default)s)")
    command.add_argument("--base", help="checkpoint that heads were trained on; unset: the embedded one of that name")
    numbers = {
        "threads": "threads of the network",
        "max_batch": "texts answered at once, of those that wait",
        "max_waiting": "texts that wait; more are refused with 503",
        "max_chars": "characters of a text; more are refused with 422",
        "max_texts": "texts of a request; more are refused with 422",
        "max_body": "bytes of a request; more are refused with 413",
    }
    for name, text in numbers.items():
        command.add_argument(
            f"--{name}", type=int, metavar="N", default=getattr(ServeOptions, name), help=f"{text} (default: %(default)s)"
        )
    command.add_argument(
        "--reload_seconds", type=float, metavar="S", default=ServeOptions.reload_seconds,
        help="how often folders are looked at for changes; 0: never (default: %(default)s)",
    )  # fmt: skip


def options_of(arguments: argparse.Namespace) -> ServeOptions:
    """The options that [`add_arguments`] has read."""
    given: dict[str, Any] = {name: value for name, value in vars(arguments).items() if name in ServeOptions.__dataclass_fields__}
    return ServeOptions(tuple(given.pop("models")), **given)


__all__ = ["API_KEY", "PORT", "ServeOptions", "add_arguments", "is_loopback", "options_of"]
