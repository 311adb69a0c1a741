"""The skills of a network as they are at one moment.

Heads are loaded and removed while other threads ask. Whoever answers a request takes the skills once, where it begins, and reads all that it needs of
them from there: entries, layers, and ids, which are places among these skills and mean nothing among others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from .canonical_headstart import CanonicalValues
from .entries_headstart import SkillEntry
from .gazetteer_headstart import Gazetteer
from .layers_headstart import SkillClassifiers, TaskLayers
from .lora_headstart import HeadAdapters
from .novelty_headstart import Novelty
from .resolution_headstart import CatalogResolver, can_resolve
from .routing_headstart import Router

# Parts of a network, each a dict of skills' layers.
MODULES = ("task_layers", "classifiers", "gazetteers", "canonical", "adapters", "routers", "novelties")
# Held while a network's skills are changed or taken: a network that had one of its own could be neither copied nor pickled.
SKILLS_LOCK = threading.RLock()


@dataclass(frozen=True, eq=False)
class SkillSet:
    """Some skills with their layers; the id of each is its place.

    Args:
        entries: those of the skills.
        modules: their layers, by part of the network and by key (see [`layer_key`]).
    """

    entries: Sequence[SkillEntry]
    modules: Mapping[str, Mapping[str, nn.Module]]

    @classmethod
    def of(cls, network: Any) -> SkillSet:
        """The skills that a network has now."""
        with SKILLS_LOCK:
            return cls(network.config.skills or [], {part: dict(getattr(network, part).items()) for part in MODULES})

    @property
    def names(self) -> list[str]:
        """Names of the skills, in the order of their ids."""
        return [entry["name"] for entry in self.entries]

    @property
    def routed(self) -> list[str]:
        """Names of the skills that can be found without their names, in order."""
        return [entry["name"] for entry in self.entries if entry.get("routes")]

    def id(self, name: str | None = None) -> int:
        """The id of a skill. The name may be left out for one skill.

        Raises:
            ValueError: there is no such skill, or none was named and there are several or none.
        """
        if name is None and len(self.entries) == 1:
            return 0
        for place, entry in enumerate(self.entries):
            if entry["name"] == name:
                return place
        problem = f"has no skill {str(name)[:80]!r}" if name is not None else f"has {len(self.entries)} skills: name one"
        raise ValueError(f"this model {problem}. Its skills: {', '.join(self.names) or 'none'}.")

    def ids(self, names: Iterable[str | None], device: torch.device) -> torch.Tensor:
        """Ids of the named skills (len(names),) long, one for each row of a batch; None: the only one."""
        names = list(names)
        found = {name: self.id(name) for name in set(names)}
        return torch.tensor([found[name] for name in names], device=device)

    def classifiers(self, index: int) -> SkillClassifiers:
        """The classifiers of the skill with this id."""
        return cast(SkillClassifiers, self._layers("classifiers", index))

    def task_layers(self, index: int) -> TaskLayers:
        """The task layers of the skill with this id, its own or shared."""
        return cast(TaskLayers, self._layers("task_layers", index))

    def gazetteer(self, index: int) -> Gazetteer | None:
        """The catalogs of the skill with this id; None: it has none."""
        return cast(Gazetteer | None, self._layers("gazetteers", index))

    def resolver(self, index: int, is_asked: bool | None = None) -> CatalogResolver | None:
        """What finds the values of catalogs that are meant, of the skill with this id; None: it has none, or they can't be found (see [`can_resolve`]).

        Raises:
            ValueError: what was loaded is none of a catalog's values.
            ImportError: it is asked, and what compares values is missing.
        """
        found = cast(CanonicalValues | None, self._layers("canonical", index))
        return found.resolver() if found is not None and can_resolve(is_asked) else None

    def adapters(self, index: int) -> HeadAdapters | None:
        """The adapters by which the skill with this id changes the bi-LSTMs that it shares; None: it has its own, or changes none."""
        return cast(HeadAdapters | None, self._layers("adapters", index))

    def novelty(self, index: int) -> Novelty | None:
        """What adds to the score of "none of these" of the skill with this id; None: nothing does."""
        return cast(Novelty | None, self._layers("novelties", index))

    def routers(self, names: Iterable[str]) -> list[Router]:
        """The routers of these skills.

        Raises:
            ValueError: one of them can't be found without its name, or there is none.
        """
        names = list(names)
        known = self.modules["routers"]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise ValueError(
                f"{', '.join(map(repr, unknown)) or 'no skill'} can't be found without being named; these can: "
                f"{', '.join(self.routed) or 'none'}."
            )
        return [cast(Router, known[name]) for name in names]

    def _layers(self, part: str, index: int) -> nn.Module | None:
        return self.modules[part].get(layer_key(part, self.entries[index]))


def layer_key(part: str, entry: SkillEntry) -> str:
    """The name of a skill's layers in a part of the network: task layers may be those of several skills."""
    return str(entry["task_layers" if part == "task_layers" else "name"])


__all__ = ["MODULES", "SKILLS_LOCK", "SkillSet", "layer_key"]
