"""What the processes of a report do besides their runs. Imports next to nothing: a worker waits for it before anything else."""

from __future__ import annotations

import os
import threading
import time


def end_with_parent(parent: int) -> None:
    """Let this process end with the one that gave it its runs: loky's workers outlive a killed parent by all the runs that they hold."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


__all__ = ["end_with_parent"]
