"""`headstart serve`: loads the models, and answers until it is told to stop."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
from functools import partial
from typing import Any

from headstart.serving.options import ServeOptions

logger = logging.getLogger(__name__)

BACKLOG = 2048  # connections that wait to be accepted
SECONDS_TO_STOP = 30  # that requests may take when the server stops


def serve(options: ServeOptions) -> None:
    """Serve models until SIGTERM or SIGINT: then nothing new is accepted, and what was asked is answered.

    Raises:
        ValueError, OSError: a model can't be loaded, or nothing can be listened to at the address.
        ImportError: what a server needs is missing.
    """
    try:
        import uvicorn

        from headstart.serving.app import make_app
        from headstart.serving.service import Service
    except ImportError as error:
        raise ImportError(f"a server needs {_name(error)}: pip install 'headstart[serve]'") from error
    further = None
    if options.wyoming is not None:
        try:
            from headstart.serving.wyoming_server import wyoming_server
        except ImportError as error:
            raise ImportError(f"Wyoming needs {_name(error)}: pip install 'headstart[wyoming]'") from error
        further = partial(wyoming_server, uri=options.wyoming)
    service = Service(options)
    app = make_app(service, further)
    config = uvicorn.Config(
        app, access_log=False, log_config=None, server_header=False, date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_TO_STOP,
    )  # fmt: skip
    listening = _listen(options.host, options.port)
    host, port = listening.getsockname()[:2]
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    logger.info("%s at %s, its API at %s/docs", ", ".join(service.models.entries), where, where)
    server = uvicorn.Server(config)
    gc.collect()
    gc.freeze()  # the models stay: looking at them again and again for garbage takes time
    # uvicorn raises the signal anew when it has stopped, which is no error here.
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run([listening])
    except SystemExit as error:  # its own way to say that it did not start
        raise OSError("the server could not start; the log above says why.") from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror  # below 0: of names
        raise OSError(f"nothing can listen at {host}:{port} ({reason}); give another --host or --port.") from error


def _ignore(*_: Any) -> None:
    """The server has stopped already."""


def _name(error: ImportError) -> str:
    return (error.name or str(error)).partition(".")[0]


__all__ = ["serve"]
