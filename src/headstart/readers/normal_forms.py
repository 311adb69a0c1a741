"""Canonical values: which of them are said, so that they belong in a catalog, and which only tell a program what was meant.

A synonym stands for a value: `big pot` for `large`, but also `oslo` for `NO-03`, `tomorrow` for `2031-05-02T00:00:00`, `the lamp` for `light_1`. A catalog
holds what people say, for slots are filled from it. A canonical value is taken for said if it

- has no synonyms, and so is all there is to say;
- is said somewhere: it is one of the synonyms, or of the listed or annotated values of the skill; or
- looks like words: letters, and numbers beside them, parted by blanks, hyphens or apostrophes; not all capitals, no camelCase, no hyphen between short
  pieces (`au-wa`), and no single short word (`nok`), unless the platform itself finds the value in a text.

Others are left out of catalogs, and named in the log, so that a developer can list one among the synonyms that is said after all. They stay canonical
values (`Skill.canonical`): answers give them where one of their synonyms was said.

What is canonical is each format's own, and its reader says which of its values are: those of Rasa's synonyms and annotations, and of the lists of
LUIS, CLU, Dialogflow and Snips. Alexa and Jovo have a field of its own for what is not said, `id`: all their values are said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence

from headstart.data.texts import plain_text
from headstart.modeling.catalog_headstart import CatalogValue
from headstart.readers.oddities import NOWHERE, Oddities, Where

KIND = "canonical values that nobody says: what is said are their synonyms (if one is said, list it among these)"
SHORT = 3  # letters of what is rather a code than a word
WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*[.,]?|\d+")


def catalog_value(
    canonical: str,
    synonyms: Sequence[str],
    said: Container[str],
    oddities: Oddities,
    *,
    id: str | None = None,
    is_found: bool = False,
    where: Where = NOWHERE,
) -> CatalogValue:
    """The value of a catalog that these are, which says whether the canonical value is said itself.

    Args:
        canonical: the value that they stand for.
        synonyms: ways to say it.
        id: what a program knows it by, if the format has one.
        said: values that are said elsewhere in the skill, as [`said_forms`] gives them.
        oddities: counts those that are not said.
        is_found: the platform finds the canonical value in texts, as it does its synonyms.
        where: it stands.
    """
    plain = plain_text(canonical)
    if not synonyms or plain in said or plain in map(plain_text, synonyms) or looks_said(canonical, is_found):
        return CatalogValue(canonical, id, tuple(synonyms))
    oddities.note(KIND, canonical, where)
    return CatalogValue(canonical, id, tuple(synonyms), is_said=False)


def said_forms(values: Iterable[str]) -> set[str]:
    """Values as they are compared: in whatever case."""
    return {plain_text(value) for value in values}


def looks_said(value: str, is_found: bool = False) -> bool:
    """Whether a value looks like words, not like a code, an id or a date; `is_found`: see [`catalog_value`]."""
    letters = "".join(character for character in value if not unicodedata.category(character).startswith("M"))
    words = letters.split()
    has_letters = any(map(str.isalpha, letters))
    if not has_letters or value.isupper() or not all(map(WORD.fullmatch, words)):
        return False
    if any(piece[1:] not in (piece[1:].lower(), piece[1:].upper()) for piece in re.split(r"\W", letters)):  # camelCase
        return False
    has_case = letters.lower() != letters.upper()
    if len(words) > 1 or not has_case or max(map(len, re.split(r"\W", letters))) > SHORT:
        return True
    return is_found and letters.isalpha()


__all__ = ["catalog_value", "looks_said", "said_forms"]
