"""Progress bars, which are for terminals: in a file they are noise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def on_terminal() -> bool:
    """Whether somebody looks at standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def bars_on_terminals(is_wanted: bool = True) -> Iterator[None]:
    """Without transformers' progress bars, of loading and saving, where nobody would see them.

    Args:
        is_wanted: False: not on a terminal either.
    """
    from transformers.utils import logging

    if not logging.is_progress_bar_enabled() or (is_wanted and on_terminal()):
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


__all__ = ["bars_on_terminals", "on_terminal"]
