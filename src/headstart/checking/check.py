"""All checks of a skill, in one report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from headstart.checking import intents, slots, texts
from headstart.checking.findings import KINDS, SEVERITIES, Finding, Report
from headstart.checking.utterances import Utterance, list_utterances
from headstart.data.skills import PARTS, Skill
from headstart.readers import load_skill

Check = Callable[[Skill, list[Utterance]], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (*texts.CHECKS, *intents.CHECKS, *slots.CHECKS)


def check(skill: Any, *, ignore: Collection[str] = (), **reading: Any) -> Report:
    """Look through a skill's rows and catalogs for what makes a model worse; no model is needed.

    Args:
        skill: a [`Skill`], or what [`headstart.load_skill`] reads.
        ignore: kinds of findings that are left out.
        reading: options of `load_skill`, such as `language`.

    Raises:
        ValueError: there is no such kind.
        DataError: the skill can't be read.
    """
    unknown = sorted(set(ignore) - set(KINDS))
    if unknown:
        raise ValueError(f"there is no kind of finding {unknown[0]!r}; allowed: {', '.join(KINDS)}.")
    if not isinstance(skill, Skill):
        skill = load_skill(skill, allow_unseen_labels=True, **reading)
    utterances = list_utterances(skill)
    found = [finding for run in CHECKS for finding in run(skill, utterances) if finding.kind not in ignore]
    order = list(KINDS)
    found.sort(key=lambda finding: (SEVERITIES.index(finding.severity), order.index(finding.kind)))
    return Report(skill.name, {part: len(skill.rows(part)) for part in PARTS if skill.has(part)}, found)


__all__ = ["check"]
