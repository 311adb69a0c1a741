"""Folders that are watched: a model that was saved anew takes the place of the one that was loaded, when it is whole.

A folder is whole when what loads it says so: the file that tells its kind is written last, holds the hashes of the others, and they are compared. What is half written or half
copied is left out, and tried again when a file changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from headstart.checkpoints import SHORT_NAMES
from headstart.modeling.folders_headstart import find_heads, kind_of
from headstart.serving.models import Model, Models, load_model

logger = logging.getLogger(__name__)

# Of a folder: names, times of change in nanoseconds, sizes and numbers of its files.
Print = tuple[tuple[str, int, int, int], ...]


def fingerprint(source: str) -> Print:
    """How the files look that a model is loaded from; nothing if it is no folder here, or holds no model now."""
    folder = Path(source)
    if source in SHORT_NAMES or not folder.is_dir():
        return ()
    found = []
    for place in [folder] if kind_of(folder) is not None else find_heads(folder):
        kind = kind_of(place)
        for pattern in () if kind is None else {kind.mark, *kind.hashed}:
            for file in place.glob(pattern):
                seen = file.stat()
                found.append((str(file), seen.st_mtime_ns, seen.st_size, seen.st_ino))
    return tuple(sorted(found))


class Reloader:
    """Holds the models, and loads those anew whose folders have changed.

    Args:
        sources: names of folders, repositories or short names.
        base: checkpoint that heads were trained on.
        threads: of the network.
        heard: is told of every loading whether it succeeded.

    Attributes:
        models: as they are now.

    Raises:
        ValueError, OSError, ImportError: one can't be loaded.
    """

    def __init__(
        self,
        sources: tuple[str, ...],
        base: str | None = None,
        threads: int = 1,
        heard: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self._base, self._threads, self._heard = base, threads, heard
        self._seen: dict[str, Print] = {}
        loaded = []
        for source in dict.fromkeys(sources):
            self._seen[source] = fingerprint(source)
            loaded.append(load_model(source, self._base_for(source), threads))
        self.models = Models(loaded)

    def _base_for(self, source: str) -> str | None:
        """The base, if it is for that model: whole ones have none."""
        return self._base if Path(source).is_dir() and find_heads(Path(source)) else None

    def look(self) -> None:
        """Look at every folder once, and load what has changed."""
        for model in self.models.models:
            try:
                now = fingerprint(model.source)
            except (OSError, ValueError) as error:  # a file went while it was looked at; or two kinds of models lie there
                logger.debug("%s was not looked at: %s", model.source, error)
                continue
            if now and now != self._seen[model.source]:
                self._seen[model.source] = now
                self._reload(model, now)

    def _reload(self, old: Model, seen: Print) -> None:
        try:
            new = load_model(old.source, self._base_for(old.source), self._threads)
            if fingerprint(old.source) != seen:
                raise ValueError("its files changed meanwhile")
            self.models = self.models.with_model(old, new)
        except (ValueError, OSError, ImportError) as error:
            logger.warning("%s was changed, and is not loaded: %s The model from before answers.", old.source, error)
            self._heard(False)
        except Exception:  # of the libraries that load it: the server goes on all the same
            logger.exception("%s was changed, and is not loaded; the model from before answers", old.source)
            self._heard(False)
        else:
            logger.info("%s was loaded anew: %s", old.source, ", ".join(new.entries))
            self._heard(True)

    async def watch(self, seconds: float) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.look)


__all__ = ["Print", "Reloader", "fingerprint"]
