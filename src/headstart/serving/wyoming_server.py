"""Wyoming, the protocol between the parts of Home Assistant's voice pipeline: a server that recognizes intents.

`describe` is answered by `info`; `recognize`, and `transcript`, which Home Assistant sends, by `intent` or `not-recognized`. See
https://github.com/OHF-Voice/wyoming.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, IntentModel, IntentProgram
from wyoming.intent import Entity, Intent, NotRecognized, Recognize
from wyoming.server import AsyncEventHandler, AsyncServer

from headstart.data.rows import counted
from headstart.serving.service import Refused, Service
from headstart.serving.values import typed_value
from headstart.tokenization.answers_headstart import Answer
from headstart.version import __version__

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0  # that answers may take when the server stops
AUTHORS = Attribution(name="The Headstart developers", url="https://pypi.org/project/headstart/")


class _Handler(AsyncEventHandler):
    """Answers the events of one connection."""

    def __init__(self, service: Service, busy: set[object], *streams: Any) -> None:
        super().__init__(*streams)
        self._service, self._busy = service, busy

    async def handle_event(self, event: Event) -> bool:
        """Answer an event; others than those that are known are passed over, as the protocol wants it."""
        if Describe.is_type(event.type):
            await self.write_event(describe(self._service).event())
        elif Recognize.is_type(event.type) or Transcript.is_type(event.type):
            self._busy.add(self)
            try:
                await self.write_event(await self._recognize(event))
            finally:
                self._busy.discard(self)
        return True

    async def _recognize(self, event: Event) -> Event:
        text, context = event.data.get("text"), event.data.get("context")
        if not isinstance(text, str):
            return Error(text=f"{event.type} without a text.", code="bad-request").event()
        try:
            (answer,) = await self._service.answer([text])
        except Refused as refused:
            return Error(text=refused.detail, code=str(refused.status)).event()
        return recognized(answer, context)


def recognized(answer: Answer, context: dict[str, Any] | None = None) -> Event:
    """The event that tells of an answer: an intent with its slots as entities, each with the likeliest reading of its value; or that there is none.

    Args:
        answer: the answer.
        context: of the request, which is given back.
    """
    label = answer["intent"]["label"]
    if label is None:
        return NotRecognized(text=answer["text"], context=context).event()
    entities = [Entity(name=slot["label"], value=typed_value(slot)) for slot in answer["slots"]]
    return Intent(name=label, entities=entities, context=context).event()


def describe(service: Service) -> Info:
    """What the server offers: a program that recognizes intents, with a model for each skill."""
    shared: dict[str, Any] = {"attribution": AUTHORS, "installed": True, "version": __version__}
    models = [
        IntentModel(
            name=name,
            description=f"{counted(len(entry['intents']), 'intent')}, {counted(len(entry['slots']), 'slot')}",
            languages=[service.options.language],
            **shared,
        )
        for name, entry in service.models.entries.items()
    ]
    return Info(intent=[IntentProgram(name="headstart", description="Intents and slots", models=models, **shared)])


@asynccontextmanager
async def wyoming_server(service: Service, uri: str) -> AsyncIterator[None]:
    """A server at an address, until the block ends; what was asked by then is answered."""
    server, busy = AsyncServer.from_uri(uri), set[object]()
    # Not run(), which would take SIGTERM from the server of HTTP.
    await server.start(lambda reader, writer: _Handler(service, busy, reader, writer))
    logger.info("Wyoming at %s", uri)
    try:
        yield
    finally:
        end = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while busy and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)
        await server.stop()


__all__ = ["describe", "recognized", "wyoming_server"]
