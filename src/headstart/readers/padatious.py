"""Sentences of Padatious and its kind (Mycroft, OVOS): `NAME.intent` files of one sentence a line, and `NAME.entity` files of one value a line.

    brew.intent                              drink.entity
    (brew|make) [me] (a|some) {drink}        (green|black) tea
    # a comment                              coffee

Read are `(a|b)`, `[optional]` and `{entity}`, whose values are those of the file of its name, in whatever case; a sentence becomes at most 24 templates with open
slots (see `headstart.readers.sentences`). `:0`, any word, and `#`, any digit in a value, stand for nothing that can be said: such lines are left out
and counted. Of folders named after languages (`locale/en-us`, `vocab/en-us`) one is read: see `--language`. Intents of Adapt (`.voc`, `.rx`) and dialogs
(`.dialog`) are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.entities import Entities
from headstart.readers.languages import choose_locale
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import skill_of_templates
from headstart.readers.sentences import Expander, Parser, Reference, SentenceError
from headstart.readers.source import Source, SourceFile

NAME = "padatious"
SUFFIXES: tuple[str, ...] = (".intent",)
FILES = (".intent", ".entity")
LOCALE = re.compile(r"[a-z]{2,3}(?:[-_][a-z]{2,4})?", re.IGNORECASE)
ANY_WORD = re.compile(r"(?:^|[\s(|\[]):0(?:$|[\s)|\]])")
UNNAMED = ""  # the language of files whose folders name none
PARSER = Parser("()[]{}|", lambda written: Reference(written.strip().lower(), written.strip().lower()))


def detect(source: Source) -> bool:
    """Whether there is a file called `.intent` with a sentence."""
    return any(file.suffix == ".intent" and (file.text_or_none or "").strip() for file in source.files)


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no intent has a sentence that can be read.
    """
    intents = source.given or source.find(".intent")
    counts = Counter(_language(file) for file in intents)
    chosen = choose_locale(counts, source) if set(counts) - {UNNAMED} else UNNAMED
    oddities = Oddities()
    entities = Entities(oddities)
    for file in source.find(".entity"):
        if _language(file) in (chosen, UNNAMED):
            _add_values(file, entities, oddities)
    expander = Expander({}, lambda reference: entities.use(reference.label, reference.name))
    templates = [template for file in intents if _language(file) == chosen for template in _templates(file, expander, oddities)]
    catalogs = entities.catalogs(templates)
    oddities.warn(source.path)
    if not templates:
        raise DataError(
            f"{source.path}: no .intent file has a sentence that can be read; allowed: one a line, such as 'play {{song}}'."
        )
    return skill_of_templates(name, templates, catalogs=catalogs, limits_open=True)


def _language(file: SourceFile) -> str:
    """The folder next to the file that is named after a language."""
    *folders, _ = file.name.split("/")
    return next((folder for folder in reversed(folders) if LOCALE.fullmatch(folder) and folder not in ("ui", "res")), UNNAMED)


def _lines(file: SourceFile) -> Iterator[tuple[str, Where]]:
    for number, line in enumerate(file.text.split("\n"), start=1):
        line = line.strip()
        if line and not line.startswith("#"):
            yield line, Where(file, f"line {number}")


def _templates(file: SourceFile, expander: Expander, oddities: Oddities) -> Iterator[Template]:
    for line, where in _lines(file):
        if ANY_WORD.search(line):
            oddities.leave_out("sentences with ':0', any word", line, where)
            continue
        try:
            forms = expander.expand(PARSER.parse(line))
        except SentenceError as error:
            oddities.leave_out(f"sentences with {error}", line, where)
            continue
        for form in forms:
            yield Template(file.stem, tuple(form))


def _add_values(file: SourceFile, entities: Entities, oddities: Oddities) -> None:
    values = Expander({})
    for line, where in _lines(file):
        if "#" in line or ANY_WORD.search(line):
            oddities.leave_out("values with '#', any digit, or ':0', any word", line, where)
            continue
        try:
            for value in values.texts(PARSER.parse(line)):
                entities.add(file.stem.lower(), value, where=where)
        except SentenceError as error:
            oddities.leave_out(f"values with {error}", line, where)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
