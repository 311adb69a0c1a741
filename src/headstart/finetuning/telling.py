"""What a fine-tuning says of a skill before it begins, and of the result."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headstart.data.rows import counted
from headstart.data.skills import PARTS, Skill
from headstart.evaluation.by_label import LabelScores, label_table
from headstart.finetuning.plan import FinetunePlan
from headstart.modeling.folders_headstart import CHECKPOINT, HEAD_FOLDER, kind_of
from headstart.modeling.integrity_headstart import read_seal
from headstart.readers.table import SUFFIXES as TABLES
from headstart.training.epochs import EpochRows
from headstart.training.options import FinetuneOptions
from headstart.training.telling import scores_in_words, tell

logger = logging.getLogger(__name__)

IN_MEMORY = "in memory"  # where a skill comes from that is no file
HOW_GOOD = {None: ", so nothing says how good it is", "validation": ", and validation rows chose the result, which flatters it"}
FEW_ROWS = 5  # of an intent


@dataclass(frozen=True)
class FinetuneSummary:
    """What a fine-tuning came to, as `headstart finetune --json` prints it.

    Args:
        output_dir: where it was saved.
        skill: its name.
        tune: `all` or `head`.
        rows: numbers of rows by part.
        metrics: the content of `metrics.json`.
        part: the part that labels were scored on: test, or validation where there is no test; None where there is neither.
        labels: scores of each intent and slot label of that part.
    """

    output_dir: str
    skill: str
    tune: str
    rows: dict[str, int]
    metrics: Mapping[str, object]
    part: str | None = None
    labels: LabelScores = field(default_factory=lambda: LabelScores([], []))


def warn_of_threshold(options: FinetuneOptions) -> None:
    """Say that an earlier result's border of "none of these", which `headstart calibrate` may have chosen, is not the new one's: the probabilities are
    others, so that it would have to be chosen anew."""
    folder = options.output_path
    kind = kind_of(folder)
    if kind not in (CHECKPOINT, HEAD_FOLDER):
        return
    try:
        content = read_seal(folder, kind, is_checked=False).content
    except ValueError:  # it is damaged, and is replaced
        return
    entries = content["skills"] if kind is CHECKPOINT else [content["skill"]]
    old = (entries[0].get("rejection") or {}).get("threshold") if len(entries) == 1 else None
    if old not in (None, options.reject_threshold):
        logger.warning(
            "%s: what is there says 'none of these' over a probability of %g, the new one over %g: choose it anew with headstart calibrate, or "
            "give --reject_threshold %g",
            options.output_dir, old, options.reject_threshold, old,
        )  # fmt: skip


def tell_skill(skill: Skill) -> None:
    """What was read."""
    counts = ", ".join(f"{len(skill.rows(part))} {part}" for part in PARTS if skill.has(part))
    listed = {label: len(values) for label, values in skill.catalogs.items() if values}
    tell(
        "read: skill %s, rows: %s; %s, %s%s%s",
        skill.name, counts, counted(len(skill.intents), "intent"), counted(len(skill.slots), "slot"),
        f"; catalogs of {counted(len(listed), 'slot')} with {counted(sum(listed.values()), 'value')}" if listed else "",
        f"; built-in types of {', '.join(skill.slot_types)}" if skill.slot_types else "",
    )  # fmt: skip
    sizes = {intent: sum(row["intent"] == intent for row in skill.rows("train")) for intent in skill.intents}
    few = [f"{intent} ({count})" for intent, count in sizes.items() if count < FEW_ROWS]
    if few:
        tell("      intents with fewer than %d training rows, which more would make surer: %s", FEW_ROWS, _some(few))
    if not skill.has("validation"):
        tell("      no validation rows: the last step is kept, and probabilities are not calibrated")


def tell_plan(plan: FinetunePlan, rows: EpochRows, options: FinetuneOptions) -> None:
    """What will be done."""
    start = "from a random start" if options.from_scratch else f"from {options.base or 'the embedded base'}"
    tell(
        "plan: %s of %s %s, %s; an epoch has %s, of which none of the skill's: %d, names of intents: %d; peak learning rate %g, of the trunk %g",
        counted(plan.max_steps, "step"), counted(plan.per_device_train_batch_size, "row"), start, "a head alone" if options.is_head else "everything is tuned", counted(len(rows), "row"),
        rows.num_out_of_scope, len(rows.names), plan.learning_rate, 0 if options.is_head else plan.trunk_learning_rate,
    )  # fmt: skip


def tell_result(summary: FinetuneSummary, skill: Skill, source: str) -> None:
    """What came of it, and what to do next.

    Args:
        summary: what came of it.
        skill: the skill.
        source: where it was read from.
    """
    folder, part = shlex.quote(summary.output_dir), summary.part
    if part is not None:
        prefix = "test_" if part == "test" else "eval_"
        tell("%s rows: %s\n%s", part, scores_in_words(summary.metrics, prefix), label_table(summary.labels))
    if part != "test":
        tell("There were no test rows%s. %s", HOW_GOOD[part], _how_to_test(source))
    text = (skill.rows("test") or skill.rows("train"))[0]["text"]
    tell("saved: %s, %s with its card", summary.output_dir, "a head" if summary.tune == "head" else "a checkpoint")
    tell("next: headstart predict %s %s", folder, shlex.quote(text))


def _how_to_test(source: str) -> str:
    if source == IN_MEMORY:
        return "Give some that training does not see, by part: {'train': rows, 'test': others}."
    if Path(source).suffix.lower() in TABLES:
        return "Mark some rows, which training then does not see, as test in a column called split."
    return (
        "Put some that training does not see into test.jsonl of the skill's folder, or hold some out: "
        f"headstart convert {shlex.quote(source)} --out FOLDER --test_share 0.2"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


__all__ = ["IN_MEMORY", "FinetuneSummary", "tell_plan", "tell_result", "tell_skill", "warn_of_threshold"]
