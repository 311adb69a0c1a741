"""Checkpoints that are part of the package, and how a checkpoint is named."""

from pathlib import Path

BASE_EN = str(Path(__file__).parent / "headstart-base-en")
SHORT_NAMES = {"headstart-base-en": BASE_EN}


def resolve_checkpoint(name: str | Path) -> str:
    """Folder or repository of a checkpoint: an embedded one for its short name, anything else as it is.

    Raises:
        ValueError: it is none of these.
    """
    name = str(name)
    if name in SHORT_NAMES:
        return SHORT_NAMES[name]
    if not Path(name).is_dir() and (name.count("/") != 1 or name.startswith((".", "/", "~"))):
        # Not even a misspelt short name is asked for on the hub, which takes a minute to fail where there is no network.
        raise ValueError(
            f"there is no folder {name!r}; give the folder of a checkpoint, owner/name of a repository on the hub, or a short "
            f"name: {', '.join(SHORT_NAMES)}."
        )
    return name


def checkpoint_name(name: str) -> str:
    """What to call a checkpoint in cards and logs: its repository, or the last part of its folder."""
    return Path(name).resolve().name if Path(name).is_dir() else name


__all__ = ["BASE_EN", "checkpoint_name", "resolve_checkpoint"]
