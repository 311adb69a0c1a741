"""The base model reads English: what of a source is English, and what is read if there are several languages or another one."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from headstart.data.rows import DataError
from headstart.data.templates import Template
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

COUNTRIES = "ae|at|au|be|br|ca|ch|de|es|fr|gb|in|it|jp|mx|nl|pt|sa|uk|us"
LOCALE = re.compile(rf"(?<![a-z])(ar|de|en|es|fr|hi|it|ja|nl|pt)(?:[-_]({COUNTRIES}))?(?![a-z])", re.IGNORECASE)

LOCALE_NAME = re.compile(r"[a-z]{2,3}(?:[-_](?:[A-Za-z]{2,4}|\d{3}))?")  # all that a name of a language is

# Words that are frequent in one language and rare in the others: me, in, a, do, was and the like are words of several.
ENGLISH = re.compile(r"\b(?:the|my|what|is|for|of|to|how|tell|give|you|it|and|please|show|about|start|with|want|can|open)\b")
OTHERS = re.compile(
    r"\b(?:der|das|ich|und|ein|eine|mir|bitte|wie|ist|nicht|den|dem|zum|von|mit|auf|für|kann"  # German
    r"|le|la|les|un|une|des|du|je|que|moi|est|pour|donne|quel|quelle|avec|dans|mon"  # French
    r"|el|los|una|por|qué|cual|cuál|es|para|dime|quiero|del|mi|como|cómo"  # Spanish
    r"|il|di|che|uno|è|della|dimmi|voglio|mio|mia|quale|sono|ho|gli"  # Italian
    r"|os|um|uma|não|quero|meu|minha|qual|da|dos|eu|em"  # Portuguese
    r"|het|een|ik|mijn|wat|voor|van|niet)\b"  # Dutch
)


def is_english(language: str) -> bool:
    """Whether a language's name, such as `en-GB`, is that of some kind of English."""
    return language.lower().startswith("en")


def preference(language: str | None) -> int:
    """The place of a language among those that could be read: American English, other English, none named (None), others."""
    if language is None:
        return 2
    return 0 if language == "en-US" else 1 if is_english(language) else 3


def choose_language(found: Counter[str], own: str = "en") -> str:
    """The one language to read: English, American before other kinds, or else the own one, or the most frequent.

    Args:
        found: the languages that there are, and how much there is of each.
        own: what the source calls its own, which is taken if nothing is found, too.
    """
    english = [language for language in found if is_english(language)]
    if english:
        return min(english, key=preference)
    return own if own in found or not found else found.most_common(1)[0][0]


def plain_locale(locale: str) -> str:
    """A language's name as it is compared: `en_US` is `en-us`."""
    return locale.strip().lower().replace("_", "-")


def choose_locale(found: Mapping[str, int], source: Source, own: str | None = None) -> str:
    """The one of several languages to read: that which the user names, exactly or up to its region; else the source's own; else English,
    which the base model reads, American before other kinds; else the one of which there is most. The log says which it is, and which there are.

    Args:
        found: the languages that there are, as the source writes them, and how much there is of each; at least one.
        source: whose they are, and what is asked for.
        own: what the source, in a manifest or so, calls its own language.

    Raises:
        DataError: there is none of the language that the user names.
    """
    names = sorted(found, key=lambda name: (-found[name], name))
    wanted = source.language
    chosen = None if wanted is None else _nearest(wanted, names)
    if wanted is not None and chosen is None:
        raise DataError(f"{source.path}: found nothing in {wanted!r}; its languages: {', '.join(sorted(found))}.")
    if chosen is None and own is not None:
        chosen = _nearest(own, names)
    if chosen is None:
        chosen = min(names, key=lambda name: (preference(name.replace("_", "-")) if is_english(name) else 3, names.index(name)))
    others = sorted(name for name in found if name != chosen)
    if others and wanted is None:
        message = "%s: of %d languages, %s is read; there are also %s (--language names another one)"
        logger.warning(message, source.path, len(found), chosen, ", ".join(others)[:200])
    return chosen


def _nearest(wanted: str, names: Sequence[str]) -> str | None:
    """The name that is this language, or else the first that is in another region, or of none."""
    plain = plain_locale(wanted)
    same = [name for name in names if plain_locale(name) == plain]
    root = plain.split("-")[0]
    near = [name for name in names if plain_locale(name).split("-")[0] == root]
    return next(iter([*same, *near]), None)


def english_filter(languages: Iterable[str]) -> Callable[[str], bool]:
    """What says of a language whether it is read: if English is among these, it and what names none (""); otherwise all are."""
    has_english = any(map(is_english, languages))
    return lambda language: not has_english or not language or is_english(language)


def choose_file(files: Sequence[SourceFile], where: str) -> SourceFile:
    """Of the same skill's files in several languages, told by their names, the one to read, as [`preference`] says.

    Args:
        files: at least one.
        where: what messages call the folder.
    """
    chosen = min(files, key=lambda file: (preference(locale_of(file.name)), file.name.count("/"), file.name))
    if len(files) > 1:
        others = ", ".join(file.name for file in files if file is not chosen)
        logger.warning("%s: of %d models, %s is read; left out: %s", where, len(files), chosen.name, others[:200])
    return chosen


def locale_of(name: str) -> str | None:
    """The language, and the country where there is one, that a file's name or else a folder's says, such as `en-US`; None without.

    Args:
        name: path with `/`.
    """
    steps = PurePosixPath(name).parts
    for number, step in enumerate(reversed(steps)):
        for match in reversed(list(LOCALE.finditer(step))):
            # A language alone can be part of any name (de-luxe), unless it is all of one.
            if match[2]:
                return f"{match[1].lower()}-{match[2].upper()}"
            if match[0] == (PurePosixPath(step).stem if number == 0 else step):
                return match[1].lower()
    return None


def warn_of_language(file: SourceFile, templates: Iterable[Template]) -> None:
    """Warn if a file seems not to be English, by its name or else by its words."""
    locale = locale_of(file.name)
    if locale is None:
        if not _looks_foreign(templates):
            return
    elif is_english(locale):
        return
    logger.warning("%s: %s, but the base model is English", file.where, f"its language is {locale}" if locale else "not English")


def _looks_foreign(templates: Iterable[Template]) -> bool:
    text = " ".join(part for template in templates for part in template.parts if isinstance(part, str)).lower()
    letters = [character for character in text if character.isalpha()]
    if sum(ord(letter) > 0x24F for letter in letters) > 0.3 * len(letters):  # of no Latin script
        return True
    return len(OTHERS.findall(text)) > len(ENGLISH.findall(text))


__all__ = [
    "choose_file",
    "choose_language",
    "choose_locale",
    "english_filter",
    "is_english",
    "locale_of",
    "plain_locale",
    "preference",
    "warn_of_language",
]
