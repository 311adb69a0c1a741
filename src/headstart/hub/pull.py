"""Pull the heads or the exported skill of a repository into the cache; whole checkpoints are transformers' own business."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from headstart.modeling.folders_headstart import CHECKPOINT, EXPORTED, HEAD_FOLDER, KINDS, find_heads, kind_of
from headstart.modeling.integrity_headstart import read_seal

logger = logging.getLogger(__name__)


def pull(repo_id: str, revision: str | None = None, token: str | bool | None = None) -> Path | None:
    """The folder in the cache with the heads or the exported skill of a repository; None if it holds neither or can't be looked into.

    A whole checkpoint is none of these: transformers loads it, and says what is wrong with a repository that isn't there.

    Args:
        repo_id: its name.
        revision: branch, tag or commit.
        token: of the hub.
    """
    hub: dict[str, Any] = {"revision": revision, "token": token}
    marks = [*(kind.mark for kind in KINDS.values()), f"*/{HEAD_FOLDER.mark}"]
    try:
        folder = Path(snapshot_download(repo_id, allow_patterns=marks, **hub))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        logger.debug("%s was not looked into: %s", repo_id, error)
        return None
    kind = kind_of(folder)
    if kind is CHECKPOINT:
        read_seal(folder, CHECKPOINT)  # before transformers reads it in its own way
        return None
    if kind is EXPORTED:
        return Path(snapshot_download(repo_id, allow_patterns=list(EXPORTED.published), **hub))
    if find_heads(folder):
        patterns = [pattern for name in HEAD_FOLDER.needed for pattern in (name, f"*/{name}")]
        return Path(snapshot_download(repo_id, allow_patterns=patterns, **hub))
    return None


__all__ = ["pull"]
