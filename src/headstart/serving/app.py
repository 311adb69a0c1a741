"""The HTTP application: paths of our own, and those of Rasa's clients.

Bodies are read and written here rather than by FastAPI, whose checks of both take longer than an answer; the page of the API is FastAPI's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ValidationError
from starlette.routing import Route

from headstart.serving import rasa
from headstart.serving.gate import OPEN, Gate
from headstart.serving.metrics import CONTENT_TYPE
from headstart.serving.schemas import ParseAnswer, ParseRequest, Problem, RasaAnswer, RasaRequest, SkillInfo, Status
from headstart.serving.service import Refused, Service
from headstart.version import __version__

DESCRIPTION = (
    "Intents and slots of what users say. `POST /parse` is Headstart's own; `POST /model/parse`, `/status` and `/version` are "
    "Rasa's, for its clients."
)
Body = TypeVar("Body", bound=BaseModel)
Further = Callable[[Service], AbstractAsyncContextManager[None]]


def make_app(service: Service, further: Further | None = None) -> FastAPI:
    """The application.

    Args:
        service: what answers; it begins and ends with the application.
        further: what else runs meanwhile, such as a server of another protocol.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            if further is None:
                yield
            else:
                async with further(service):
                    yield
        finally:
            await service.stop()

    app = FastAPI(title="Headstart", version=__version__, description=DESCRIPTION, redoc_url=None, lifespan=lifespan)
    _add_parse(app, service)
    _add_rasa(app, service)
    _add_state(app, service)
    options = service.options
    paths = [str(getattr(route, "path", "")) for route in app.routes]
    app.add_middleware(Gate, api_key=options.api_key, max_body=options.max_body, metrics=service.metrics, paths=paths)
    app.openapi = lambda: _openapi(app, has_key=options.api_key is not None)  # type: ignore[method-assign]  # as FastAPI documents
    return app


def _add_parse(app: FastAPI, service: Service) -> None:
    @app.post(
        "/parse",
        summary="Intent and slots of texts",
        responses={
            200: {"model": ParseAnswer | list[ParseAnswer], "description": "of one text its answer, of a list a list"},
            **_problems(),
        },
        openapi_extra=_reads(ParseRequest),
    )
    async def parse(request: Request) -> Response:
        """Of one text, or of several that ask the same."""
        try:
            found = _read(ParseRequest, await request.body())
            texts = [found.text] if isinstance(found.text, str) else found.text
            answers = await service.answer(texts, **{name: getattr(found, name) for name in _OPTIONS})
        except Refused as refused:
            return _problem(refused)
        return _json(answers[0] if isinstance(found.text, str) else answers)

    _answer_at_once(app, "/parse", parse)


_OPTIONS = tuple(name for name in ParseRequest.model_fields if name != "text")


def _add_rasa(app: FastAPI, service: Service) -> None:
    @app.post(
        "/model/parse",
        summary="Rasa's: intent and entities of a message",
        responses={200: {"model": RasaAnswer}, **_problems()},
        openapi_extra=_reads(RasaRequest),
    )
    async def parse_message(request: Request) -> Response:
        """As Rasa Open Source 3 answers it; `emulation_mode` is not known."""
        try:
            if "emulation_mode" in request.query_params:
                raise Refused(400, "emulation_mode is not known; the answer is Rasa's own.")
            found = _read(RasaRequest, await request.body(), status=400)
            answers = await service.answer([found.text], top_k=rasa.RANKING)
        except Refused as refused:
            reason = {400: "BadRequest", 422: "BadRequest", 503: "Overloaded"}.get(refused.status, "ParsingError")
            return _json(rasa.failure(refused.status, reason, refused.detail), refused.status)
        return _json(rasa.parse_message(answers[0]))

    _answer_at_once(app, "/model/parse", parse_message)

    @app.get("/version", summary="Rasa's: which version of its API this is")
    async def version() -> dict[str, str]:
        """Of Rasa's API, and of headstart."""
        return rasa.version()

    @app.get("/status", summary="Rasa's: which models answer", response_model=Status)
    async def status() -> Status:
        """The models, and their skills."""
        models = service.models
        found = {name for model in models.models for name in model.routed}
        skills = [
            SkillInfo(name=name, model=model.name, intents=entry["intents"], slots=entry["slots"], is_found=name in found)
            for model in models.models
            for name, entry in model.entries.items()
        ]
        names = [model.name for model in models.models]
        return Status(model_file=", ".join(names), model_id=models.identity, num_active_training_jobs=0, skills=skills)


def _answer_at_once(app: FastAPI, path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
    """Put a route in front of FastAPI's, which looks for what an endpoint depends on, and stays for the page of the API."""
    app.router.routes.insert(0, Route(path, endpoint, methods=["POST"], include_in_schema=False))


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="Whether the server runs")
    async def health() -> dict[str, str]:
        """It does."""
        return {"status": "ok"}

    @app.get("/ready", summary="Whether texts are answered", responses={503: {"model": Problem}})
    async def ready() -> Response:
        """Not, while it stops."""
        return _json({"status": "ready"}) if service.is_ready else _problem(Refused(503, "no texts are answered now."))

    @app.get("/metrics", summary="Counters, for Prometheus", response_class=Response)
    async def metrics() -> Response:
        """In Prometheus' text format."""
        return Response(service.metrics.page(), media_type=CONTENT_TYPE)


def _read(kind: type[Body], body: bytes, status: int = 422) -> Body:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "extra_forbidden":
            allowed = ", ".join(kind.model_fields)
            raise Refused(status, f"there is no field {str(first['loc'][-1])[:80]!r}; allowed: {allowed}.") from error
        # Of a union's members, which pydantic names too, nobody outside knows.
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in kind.model_fields)
        raise Refused(status, f"{where or 'the body'}: {first['msg']}.") from error


def _json(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode(), status, media_type="application/json")


def _problem(refused: Refused) -> Response:
    response = _json({"detail": refused.detail}, refused.status)
    if refused.status == 503:
        response.headers["Retry-After"] = "1"
    return response


def _reads(kind: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}


def _problems() -> dict[int | str, dict[str, Any]]:
    titles = {
        401: "the key is missing, or another one",
        413: "the body is too large",
        422: "the request is not as it must be",
        500: "a text could not be answered",
        503: "too many texts wait",
    }
    return {status: {"model": Problem, "description": title} for status, title in titles.items()}


def _openapi(app: FastAPI, *, has_key: bool) -> dict[str, Any]:
    """The description of the API, with the key where one is needed."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        if has_key:
            schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, operations in schema["paths"].items():
                if path not in OPEN:
                    for operation in operations.values():
                        operation["security"] = [{"key": []}]
        app.openapi_schema = schema
    return app.openapi_schema


__all__ = ["make_app"]
