"""Checkpoints that are part of the package."""

from pathlib import Path

BASE_EN = str(Path(__file__).parent / "headstart-base-en")

__all__ = ["BASE_EN"]
