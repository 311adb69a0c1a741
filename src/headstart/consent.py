"""No code of a checkpoint is run unless somebody said `trust_remote_code=True`.

Where nothing is said, transformers asks on standard input, where `headstart predict` reads utterances: a first "y" would be the consent. Whatever
is loaded by name or folder goes through here. Imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRUST = "trust_remote_code"


def load_without_code(load: Callable[..., Any], source: str | Path, **options: Any) -> Any:
    """Load something that needs no code of its own.

    Args:
        load: `from_pretrained` of one of transformers' Auto classes.
        source: the folder or repository.
        options: what else it is given.

    Raises:
        ValueError: it can't be loaded without running its code.
    """
    with told_in_one_line(source):
        return load(source, **options, trust_remote_code=False)


def said(options: dict[str, Any]) -> dict[str, Any]:
    """The options, with a consent that is True only if that was said."""
    return {**options, TRUST: options.get(TRUST) is True}


@contextmanager
def told_in_one_line(source: str | Path) -> Iterator[None]:
    """Makes one line of transformers' refusals to load what brings code, and of what it says of a name that is neither a folder nor a repository."""
    try:
        yield
    except OSError as error:
        if Path(source).exists():
            raise
        raise OSError(
            f"there is no folder {str(source)!r}, and it can't be loaded from the hub: {' '.join(str(error).split())}"
        ) from error
    except ValueError as error:
        if f"`{TRUST}=True`" not in str(error):
            raise
        raise brings_code(source) from error


def brings_code(source: str | Path) -> ValueError:
    """The error that something can't be loaded without running its code."""
    return ValueError(
        f"{str(source)!r} brings code of its own, which isn't run unless you say so. If you have read it and trust it: "
        f'transformers.pipeline("joint-nlu", model={str(source)!r}, {TRUST}=True) in Python.'
    )


__all__ = ["TRUST", "brings_code", "load_without_code", "said", "told_in_one_line"]
