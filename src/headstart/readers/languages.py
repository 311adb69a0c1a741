"""The base model reads English: what of a source is English, and what is read if there are several languages or another one."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from headstart.data.rows import DataError
from headstart.data.templates import Template
from headstart.data.texts import looks_foreign
from headstart.readers.source import Source, SourceFile

logger = logging.getLogger(__name__)

COUNTRIES = "ae|at|au|be|br|ca|ch|de|es|fr|gb|in|it|jp|mx|nl|pt|sa|uk|us"
LOCALE = re.compile(rf"(?<![a-z])(ar|de|en|es|fr|hi|it|ja|nl|pt)(?:[-_]({COUNTRIES}))?(?![a-z])", re.IGNORECASE)

LOCALE_NAME = re.compile(r"[a-z]{2,3}(?:[-_](?:[A-Za-z]{2,4}|\d{3}))?")  # all that a name of a language is


def is_english(language: str) -> bool:
    """Whether a language's name, such as `en-GB`, is that of some kind of English."""
    return language.lower().startswith("en")


def preference(language: str | None) -> int:
    """The place of a language among those that could be read: American English, other English, none named (None), others."""
    if language is None:
        return 2
    return 0 if language == "en-US" else 1 if is_english(language) else 3


def plain_locale(locale: str) -> str:
    """A language's name as it is compared: `en_US` is `en-us`."""
    return locale.strip().lower().replace("_", "-")


def root_of(locale: str) -> str:
    """The language of a locale, without its region: `en` of `en-US`."""
    return plain_locale(locale).split("-")[0]


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
    chosen = _choose(found, source, own)
    if not is_english(chosen):
        logger.warning("%s: its language is %s, but the base model is English", source.path, chosen)
    return chosen


def _choose(found: Mapping[str, int], source: Source, own: str | None) -> str:
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
    near = [name for name in names if root_of(name) == root_of(plain)]
    return next(iter([*same, *near]), None)


def language_filter(found: Counter[str], source: Source, own: str | None = None) -> Callable[[str], bool]:
    """What says of a language whether it is read: that which [`choose_locale`] takes, with all its regions unless the user names one of them, and what
    names no language ("").

    Args:
        found: the languages that there are, and how much there is of each.
        source: whose they are, and what is asked for.
        own: what the source calls its own language.

    Raises:
        DataError: there is none of the language that the user names.
    """
    wanted = plain_locale(source.language or "")
    has_region = wanted in map(plain_locale, found) and "-" in wanted
    group = plain_locale if has_region else root_of
    sizes: Counter[str] = Counter()
    for language, size in found.items():
        if language:
            sizes[group(language)] += size
    if not sizes:
        return lambda _: True
    chosen = choose_locale(sizes, source, own)
    return lambda language: not language or group(language) == chosen


def choose_file(files: Sequence[SourceFile], source: Source, own: str | None = None) -> SourceFile:
    """Of the same skill's files in several languages, told by their names, the one to read: by its language as [`choose_locale`] says, but one that
    names none before others than English; of several in one language, that which is in the fewest folders, and the largest of these.

    Args:
        files: at least one.
        source: whose they are, and what is asked for.
        own: what the source calls its own language.

    Raises:
        DataError: there is none of the language that the user names.
    """
    by_locale: dict[str | None, list[SourceFile]] = defaultdict(list)
    for file in files:
        by_locale[locale_of(file.name)].append(file)
    sizes = Counter({locale: sum(len(file.content) for file in group) for locale, group in by_locale.items() if locale})
    if source.language is not None and not sizes:
        logger.warning("%s: %r is asked for, but no name of a file says its language", source.path, source.language)
    is_asked = source.language is not None or own is not None or any(map(is_english, sizes))
    locale = _choose(sizes, source, own) if sizes and (is_asked or None not in by_locale) else None
    chosen = min(by_locale[locale], key=lambda file: (file.name.count("/"), -len(file.content), file.name))
    if len(files) > 1:
        others = ", ".join(file.name for file in files if file is not chosen)
        message = "%s: of %d models, %s is read; left out: %s (--language names another language)"
        logger.warning(message, source.path, len(files), chosen.name, others[:200])
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
        text = " ".join(part for template in templates for part in template.parts if isinstance(part, str))
        if not looks_foreign(text):
            return
    elif is_english(locale):
        return
    logger.warning("%s: %s, but the base model is English", file.where, f"its language is {locale}" if locale else "not English")


__all__ = [
    "choose_file",
    "choose_locale",
    "is_english",
    "language_filter",
    "locale_of",
    "plain_locale",
    "preference",
    "root_of",
    "warn_of_language",
]
