"""What every HTTP request passes before it is looked at: the key, the size of its body, and the counting."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from headstart.serving.metrics import Metrics

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Without a key: what tells nothing of the skills, or whether the server is well. Rasa's clients ask for the version without one.
OPEN = frozenset({"/health", "/ready", "/version", "/docs", "/openapi.json"})


class _TooLarge(Exception):
    pass


class Gate:
    """An ASGI application in front of another one.

    Args:
        app: the other one.
        api_key: what a request must carry as `Authorization: Bearer KEY`, as `X-API-Key`, or, as Rasa's clients do, as `?token=KEY`; None: nothing.
        max_body: bytes.
        metrics: what counts.
        paths: those that are counted by name.
    """

    def __init__(self, app: Application, *, api_key: str | None, max_body: int, metrics: Metrics, paths: Iterable[str]) -> None:
        self._app, self._max_body, self._metrics = app, max_body, metrics
        self._digest = None if api_key is None else _digest(api_key.encode())
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500
        path = scope["path"] if scope["path"] in self._paths else "other"

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._pass(scope, receive, counted)
        finally:
            self._metrics.requests.labels(path, status).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - start)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN and not self._has_key(headers, scope["query_string"]):
            await _refuse(send, 401, "a key is needed: Authorization: Bearer KEY, X-API-Key: KEY, or ?token=KEY.")
            return
        too_large = f"the request has more than {self._max_body} bytes."
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body:
            await _refuse(send, 413, too_large)
            return
        size, has_begun = 0, False

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_body:
                raise _TooLarge
            return message

        async def noticed(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, limited, noticed)
        except _TooLarge:
            if has_begun:
                raise
            await _refuse(send, 413, too_large)

    def _has_key(self, headers: dict[bytes, bytes], query: bytes) -> bool:
        if self._digest is None:
            return True
        given = [headers.get(b"x-api-key", b"")]
        scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            given.append(key.strip())
        given += [token.encode() for token in parse_qs(query.decode("latin-1")).get("token", ())]
        # Of digests, which are of one length, all of them: the time tells nothing of the key.
        return sum(hmac.compare_digest(_digest(key), self._digest) for key in given) > 0


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))  # what is left of a body is not read
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


__all__ = ["OPEN", "Gate"]
