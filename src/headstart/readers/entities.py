"""The entities of a skill as platforms have them: lists of values with synonyms, and the slots whose values they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headstart.data.templates import Template
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.normal_forms import catalog_value, said_forms
from headstart.readers.oddities import NOWHERE, Oddities, Where


class _Entry(NamedTuple):
    """A value of an entity, other ways to say it, its id, whether the platform finds the value itself in texts, and where it stands."""

    value: str
    synonyms: Sequence[str]
    id: str | None
    is_found: bool
    where: Where


class Entities:
    """What is known of entities, entry by entry, and the catalogs that they are.

    Args:
        oddities: counts what is left out.
    """

    def __init__(self, oddities: Oddities) -> None:
        self.slot_types: dict[str, str] = {}
        self._oddities = oddities
        self._entries: dict[str, list[_Entry]] = defaultdict(list)
        self._entities: dict[str, dict[str, None]] = defaultdict(dict)  # of each label, in order

    def add(
        self,
        entity: str,
        value: str,
        synonyms: Iterable[str] = (),
        *,
        id: str | None = None,
        is_found: bool = False,
        where: Where = NOWHERE,
    ) -> None:
        """Add a value. Blank ones are dropped.

        Args:
            entity: whose it is.
            value: the canonical value.
            synonyms: other ways to say it; the value itself may be among them.
            id: what a program knows it by, if the format has one.
            is_found: the platform finds the canonical value in texts, as it does the synonyms.
            where: it stands.
        """
        forms = list(dict.fromkeys(" ".join(form.split()) for form in synonyms))
        value = " ".join(value.split())
        if value:
            self._entries[entity].append(_Entry(value, [form for form in forms if form], id, is_found, where))

    def use(self, label: str, entity: str, builtin: str | None = None) -> None:
        """Say that a slot's values are an entity's, or a built-in type's."""
        if builtin is not None:
            self.slot_types.setdefault(label, builtin)
        self._entities[label][entity] = None

    def catalogs(self, templates: Iterable[Template]) -> dict[str, list[CatalogValue]]:
        """The values of each slot label, once all is added.

        Args:
            templates: of the skill, whose own values are said.
        """
        said = said_forms(slot.value for template in templates for slot in template.slots if slot.value)
        said |= said_forms(form for entries in self._entries.values() for entry in entries for form in entry.synonyms)
        values = {
            entity: [
                catalog_value(
                    entry.value, entry.synonyms, said, self._oddities, id=entry.id, is_found=entry.is_found, where=entry.where
                )
                for entry in self._entries.get(entity, ())
            ]
            for entity in {entity for entities in self._entities.values() for entity in entities}
        }
        found = {
            label: list(dict.fromkeys(value for entity in entities for value in values[entity]))
            for label, entities in self._entities.items()
        }
        return {label: listed for label, listed in found.items() if listed}


__all__ = ["Entities"]
