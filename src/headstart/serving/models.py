"""The models that a server answers from: which skill of which of them is asked, and how a text finds its skill.

A request is planned once, against the models as they are then, and answered by these, whatever is reloaded meanwhile.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headstart.checkpoints import checkpoint_name
from headstart.loading import load_pipeline
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.resolution_headstart import can_resolve
from headstart.onnx import OnnxNLU, is_exported
from headstart.tokenization.answers_headstart import Answer, check_options, make_no_answer
from headstart.tokenization.values_headstart import ResolveOptions, check_typed_labels, resolve_options

_numbers = itertools.count()


class Asked(NamedTuple):
    """What a request asks of its texts, checked. Texts that ask the same are answered together.

    Args:
        skill, skills, reject_threshold, top_k: as the pipeline has them.
        resolving: `resolve`, `reference_time`, `time_zone` and `slot_types`, those that were given.
        typed: of the last one, labels and types.
    """

    skill: str | None = None
    skills: tuple[str, ...] | None = None
    reject_threshold: float | None = None
    top_k: int | None = None
    resolving: tuple[tuple[str, Any], ...] = ()
    typed: tuple[tuple[str, str], ...] = ()


def ask(
    *,
    skill: str | None = None,
    skills: Sequence[str] | None = None,
    reject_threshold: float | None = None,
    top_k: int | None = None,
    **resolving: Any,
) -> Asked:
    """Check what a request asks.

    Raises:
        ValueError: something is not as it must be.
        ImportError: resolutions are asked for, and what they need is missing.
    """
    check_options(skill=skill, skills=skills, reject_threshold=reject_threshold, top_k=top_k)
    if skills is not None and not skills:
        raise ValueError("skills is empty; give the names of skills, or leave it out.")
    said = resolve_options(**resolving)
    can_resolve(said.get("resolve", False))
    typed = tuple(said.pop("slot_types", {}).items())
    names = None if skills is None else tuple(dict.fromkeys(skills))
    return Asked(skill, names, reject_threshold, top_k, tuple(said.items()), typed)


class Model:
    """One loaded model.

    Args:
        source: the name that it was asked for by.
        nlu: what answers.

    Attributes:
        number: how many were loaded before.
        entries: of its skills, by name.
        routed: those of its skills that can be found without their names: those that can say that a text is none of theirs, of heads
            those with a router.
    """

    def __init__(self, source: str, nlu: Any) -> None:
        self.number = next(_numbers)
        self.source = source
        self.name = checkpoint_name(source)
        self.is_exported = isinstance(nlu, OnnxNLU)
        self._nlu = nlu
        entries: list[SkillEntry] = [nlu.skill()] if self.is_exported else [nlu.model.skill(name) for name in nlu.model.skills]
        self.entries: dict[str, SkillEntry] = {entry["name"]: entry for entry in entries}
        self._with_routers = frozenset(() if self.is_exported else nlu.model.routed_skills)
        if len(entries) == 1:
            self.routed = tuple(entry["name"] for entry in entries if "rejection" in entry and entry["intents"])
        else:
            self.routed = tuple(nlu.model.routed_skills)

    def answer(self, texts: Sequence[str], part: Part, asked: Asked) -> list[Answer]:
        """Answer some texts, all at once.

        Args:
            texts: at least one.
            part: of the plan, this model's.
            asked: what else is asked.
        """
        options: dict[str, Any] = dict(asked.resolving)
        labels = {label for name in part.skills for label in self.entries[name]["slots"]}
        if typed := {label: kind for label, kind in asked.typed if label in labels}:
            options["slot_types"] = typed
        options |= {"reject_threshold": asked.reject_threshold, "top_k": asked.top_k}
        has_routers = part.is_found and self._with_routers.issuperset(part.skills)
        which: dict[str, Any] = {"skills": list(part.skills)} if has_routers else {"skill": part.skills[0]}
        answers: list[Answer] = self._nlu(list(texts), batch_size=len(texts), **which, **options)
        return answers


class Part(NamedTuple):
    """What one model is asked for.

    Args:
        model: the model.
        skills: of its skills, that which is asked, or those among which that of a text is found.
        is_found: whether the skill was not named, so that a text may be for none.
    """

    model: Model
    skills: tuple[str, ...]
    is_found: bool


Plan = tuple[Part, ...]


class Models:
    """The models of a server at one moment.

    Raises:
        ValueError: two of them have a skill of one name.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self._of_skill: dict[str, Model] = {}
        for model in models:
            for name in model.entries:
                if name in self._of_skill:
                    raise ValueError(
                        f"{self._of_skill[name].source!r} and {model.source!r} both have the skill {name!r}: serve one of them."
                    )
                self._of_skill[name] = model
        # Answers of several models are compared by the probability that the text is none of theirs.
        self._routed = [
            name for model in models for name in model.routed if len(models) == 1 or "rejection" in model.entries[name]
        ]

    @property
    def entries(self) -> Mapping[str, SkillEntry]:
        """The entries of all skills, by name."""
        return {name: model.entries[name] for name, model in self._of_skill.items()}

    @property
    def identity(self) -> str:
        """A hash that changes whenever a model is loaded anew."""
        return hashlib.sha256(repr([(model.source, model.number) for model in self.models]).encode()).hexdigest()[:32]

    def plan(self, asked: Asked) -> Plan:
        """Which models are to be asked.

        Raises:
            ValueError: there is no such skill, or it can't be found without its name, or a label whose type was given is none.
        """
        plan = self._find(asked)
        if asked.typed:
            said: ResolveOptions = {"slot_types": dict(asked.typed)}
            check_typed_labels(said, [part.model.entries[name]["slots"] for part in plan for name in part.skills])
        return plan

    def _find(self, asked: Asked) -> Plan:
        if asked.skill is not None:
            return (Part(self._with(asked.skill), (asked.skill,), False),)
        if asked.skills is None and len(self._of_skill) == 1:
            return tuple(Part(model, (name,), False) for name, model in self._of_skill.items())
        if not (names := self._routed if asked.skills is None else asked.skills):
            raise ValueError(f"none of these skills can be found without its name; give one as skill: {self._names()}.")
        found: dict[Model, list[str]] = {}
        for name in names:
            found.setdefault(self._with(name), []).append(name)
            if name not in self._routed:
                raise ValueError(f"the skill {name!r} can't be found without its name; ask it alone, as skill.")
        return tuple(Part(model, tuple(those), True) for model, those in found.items())

    def _with(self, skill: str) -> Model:
        if skill not in self._of_skill:
            raise ValueError(f"there is no skill {skill[:80]!r}. Its skills: {self._names()}.")
        return self._of_skill[skill]

    def _names(self) -> str:
        return ", ".join(self._of_skill)

    def with_model(self, old: Model, new: Model) -> Models:
        """The same with another one in the place of a model."""
        return Models([new if model is old else model for model in self.models])


def answer(plan: Plan, texts: Sequence[str], asked: Asked) -> list[Answer]:
    """Answer some texts that ask the same."""
    found = [part.model.answer(texts, part, asked) for part in plan]
    if len(found) == 1:
        return found[0]
    return [_best(answers, asked.top_k) for answers in zip(*found, strict=True)]


def _best(answers: Sequence[Answer], top_k: int | None) -> Answer:
    """Of what several models say of a text, the answer of that which is surest that the text is one of its own; if none takes it, that it is for none."""
    taken = [answer for answer in answers if answer["intent"]["label"] is not None]
    if taken:
        return min(taken, key=lambda answer: answer.get("out_of_scope", 0.0))
    return make_no_answer(answers[0]["text"], min(answer.get("out_of_scope", 1.0) for answer in answers), top_k)


def load_model(source: str, base: str | None = None, threads: int = 1) -> Model:
    """Load a model by the name of its folder or repository, or a short name.

    Raises:
        ValueError, OSError, ImportError: it can't be loaded.
    """
    options = {"num_threads": threads} if is_exported(source) else {}
    nlu = load_pipeline(source, base=base, **options)
    if not isinstance(nlu, OnnxNLU):
        import torch

        torch.set_num_threads(threads)
    return Model(source, nlu)


__all__ = ["Asked", "Model", "Models", "Plan", "answer", "ask", "load_model"]
