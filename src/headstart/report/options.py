"""What a report can be asked for, and the systems that it compares. Needs neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from headstart.checkpoints import BASE_EN

EXPERIMENTS = ("skills", "growth")


@dataclass(frozen=True)
class System:
    """Something that learns a skill.

    Args:
        name: what the command line calls it.
        title: what tables call it.
        kind: `finetune` (options are those of [`headstart.training.options.FinetuneOptions`]), `classical` or `sentence_encoder` (their classes' arguments).
        options: see `kind`.
    """

    name: str
    title: str
    kind: str = "finetune"
    options: Mapping[str, Any] = field(default_factory=dict)


SYSTEMS = {
    system.name: system
    for system in (
        System("transfer", "transfer, everything tuned"),
        System("transfer_head", "transfer, head tuned", options={"tune": "head"}),
        System("no_transfer", "no transfer", options={"from_scratch": True}),
        System("embeddings_only", "embeddings only", options={"from_scratch": True, "starting_embeddings": "distilled"}),
        System("classical", "logistic regression and CRF", "classical"),
        System("sentence_encoder", "MiniLM, fine-tuned", "sentence_encoder"),
    )
}
DEFAULT_SYSTEMS = ("transfer", "no_transfer", "embeddings_only", "classical")
QUICK_SYSTEMS = ("transfer", "no_transfer", "classical")  # embeddings take as long to be distilled as all else of a quick report


@dataclass(frozen=True)
class ReportOptions:
    """Options of [`make_report`]; see `headstart report --help`."""

    skills: Path
    out: Path
    _: KW_ONLY
    experiment: str = "skills"
    base: str = BASE_EN
    seeds: int | None = None
    jobs: int | None = None
    systems: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tuned_on: tuple[str, ...] = ()
    max_steps: int | None = None
    backend: str = "loky"
    quick: bool = False
    reasons: Path | None = None


__all__ = ["DEFAULT_SYSTEMS", "EXPERIMENTS", "QUICK_SYSTEMS", "SYSTEMS", "ReportOptions", "System"]
