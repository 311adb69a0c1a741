"""Bracket trees of TOP, TOPv2 and MTOP: `[IN:GET_WEATHER what is it like in [SL:LOCATION paris ] ]` in tables without quotes.

TOP has three columns (utterance, its tokens, tree), TOPv2 `domain`, `utterance`, `semantic_parse`, and MTOP an id, intent, slots as `start:end:SL:NAME`, utterance,
domain, locale, tree and tokens; one of the columns is a tree, and the others are known by what is in them.

Trees are flattened: the intent is the outermost one, without `IN:`, and the slots are its own, without `SL:`, each over all that it holds. Intents within slots,
and slots within those, are not read, which the log counts; so are utterances without an intent or with several trees (`[IN:COMBINE`) as any other. The text is the
utterance where the tree's tokens stand in it, and else the tokens, joined by one blank. In MTOP, whose trees leave words out, slots are at their offsets.

Of several locales one is read: see `--language`. Files are parts by their names (`train.tsv`, `eval.txt`, `test.tsv`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.languages import LOCALE_NAME, choose_locale
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import annotate, parts_in, skill_of_parts
from headstart.readers.source import Source, SourceFile
from headstart.readers.tags import word_places

NAME = "top"
SUFFIXES: tuple[str, ...] = (".tsv", ".txt")
TREE = re.compile(r"\[IN:\S")
OFFSETS = re.compile(r"\d+:\d+:SL:[^,\s]+(?:,\d+:\d+:SL:[^,\s]+)*")
LOOKED_AT = 20  # lines that tell the format
MAX_NESTING = 60


class _Tree(NamedTuple):
    """The outermost intent, its words, and its own slots as words: start, end (exclusive) and label; how many intents are within."""

    intent: str
    words: list[str]
    slots: list[tuple[int, int, str]]
    nested: int


class TreeError(ValueError):
    """A tree that is none; the message is what is wrong with it."""


def parse_tree(text: str) -> _Tree:
    """The tree with its outermost intent and that one's slots.

    Raises:
        TreeError: brackets don't match, or it begins with no intent.
    """
    words: list[str] = []
    slots: list[tuple[int, int, str]] = []
    stack: list[tuple[str, int]] = []  # label, and the word at which it begins
    intent, nested = "", 0
    for token in text.split():
        if token.startswith("[") and token[1:4] in ("IN:", "SL:") and len(token) > 4:
            if (not stack and intent) or len(stack) >= MAX_NESTING:
                raise TreeError("several trees, or nested too deeply")
            stack.append((token[1:], len(words)))
            intent = intent or token[1:]
            nested += len(stack) > 1 and token.startswith("[IN:")
        elif token == "]":
            if not stack:
                raise TreeError("brackets that don't match")
            label, start = stack.pop()
            if len(stack) == 1 and label.startswith("SL:") and start < len(words):
                slots.append((start, len(words), label[3:]))
        else:
            if not stack:
                raise TreeError("words outside of the tree")
            words.append(token)
    if stack or not intent.startswith("IN:"):
        raise TreeError("brackets that don't match, or no intent")
    return _Tree(intent[3:], words, slots, nested)


def detect(source: Source) -> bool:
    """Whether a file's first lines have a column that is a tree."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no line has a tree, or none is in the wanted language.
    """
    files = _files(source) or source.given
    part_of_file = parts_in(source, files)
    oddities = Oddities()
    lines = [(file, where, cells) for file in files for where, cells in _lines(file, oddities)]
    locales = Counter(filter(None, (_locale(cells) for _, _, cells in lines)))
    chosen = choose_locale(locales, source) if locales else None
    parts: dict[str, list[Template]] = defaultdict(list)
    for file, where, cells in lines:
        if chosen is None or _locale(cells) in (chosen, None):
            template = _template(cells, oddities, where)
            if template is not None:
                parts[part_of_file[file.name]].append(template)
    oddities.warn(source.path)
    if not any(parts.values()):
        raise DataError(
            f"{source.path}: no line has a tree; allowed: columns parted by tabs, one of them such as '[IN:BREW make [SL:DRINK tea ] ]'."
        )
    return skill_of_parts(name, parts)


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates(*SUFFIXES) if _is_table(file.text_or_none or "")]


def _is_table(text: str) -> bool:
    lines = [line for line in text[: 2**16].split("\n")[:LOOKED_AT] if line.strip()]
    trees = sum(_tree_of(line.split("\t")) is not None for line in lines)
    return trees > 0 and 2 * trees >= len(lines) - 1  # one may be a header


def _tree_of(cells: list[str]) -> str | None:
    """The last column that is a tree: of MTOP, its first is the name of an intent alone."""
    return next((cell.strip() for cell in reversed(cells) if TREE.match(cell.strip())), None)


def _lines(file: SourceFile, oddities: Oddities) -> Iterator[tuple[Where, list[str]]]:
    for number, line in enumerate(file.text.split("\n"), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        where = Where(file, f"line {number}")
        if _tree_of(cells) is not None:
            yield where, cells
        elif line.strip() and number > 1:  # else it may be the header
            oddities.leave_out("lines without a tree", line, where)


def _locale(cells: list[str]) -> str | None:
    """The locale of MTOP's line."""
    return next((cell for cell in cells[4:7] if LOCALE_NAME.fullmatch(cell)), None) if len(cells) >= 7 else None


def _template(cells: list[str], oddities: Oddities, where: Where) -> Template | None:
    tree_cell = _tree_of(cells) or ""
    try:
        tree = parse_tree(tree_cell)
    except TreeError as error:
        oddities.leave_out(f"trees with {error}", tree_cell, where)
        return None
    if tree.nested:
        oddities.note("trees with intents within slots, of which the outermost slots are read", tree_cell, where)
    if len(cells) >= 7 and (cells[2] == "" or OFFSETS.fullmatch(cells[2])):  # MTOP
        found = [span.split(":", 3) for span in cells[2].split(",") if span]
        spans = [(int(start), int(end), label) for start, end, _, label in found]
        return annotate(cells[3], spans, tree.intent, oddities, where)
    for text in cells:
        places = word_places(tree.words, text) if text is not tree_cell and not TREE.match(text) else None
        if places:
            spans = [(places[start][0], places[end - 1][1], label) for start, end, label in tree.slots]
            return annotate(text, spans, tree.intent, oddities, where)
    if not tree.words:
        oddities.leave_out("trees without words", tree_cell, where)
        return None
    ends = [0]
    for word in tree.words:
        ends.append(ends[-1] + len(word) + 1)
    spans = [(ends[start], ends[end] - 1, label) for start, end, label in tree.slots]
    return annotate(" ".join(tree.words), spans, tree.intent, oddities, where)


__all__ = ["NAME", "SUFFIXES", "detect", "parse_tree", "read"]
