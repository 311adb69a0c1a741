"""Text files of words with their slot tags: CoNLL columns, and the line formats of ATIS and SNIPS.

Read are

- columns, one word a line and a blank line between sentences: the word in the first column (the second, if the first counts the words of
  each sentence), the tag in the last, cut at tabs or else at blanks. The intent is a comment `# intent: X` or `# intent = X`, or a last
  line of one column;
- one sentence a line: `word:tag word:tag <=> intent`, or words, a tab, and tags, with the intent as the last tag (`BOS ... EOS`);
- a folder with `seq.in`, `seq.out` and `label`, or with folders for train, valid and test that hold these.

Tags are IOB1, IOB2, BIOES or BILOU. Words are joined by one blank. `-DOCSTART-` lines and other comments and columns are not read.
A folder's files are training, validation and test parts by their names.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headstart.data.rows import DataError, counted, shorten
from headstart.data.skills import Skill
from headstart.data.templates import Template
from headstart.readers.oddities import NOWHERE, Oddities, Where
from headstart.readers.parts import part_of, parts_in, plain_label, skill_of_parts
from headstart.readers.source import Source, SourceFile
from headstart.readers.tags import TAG, tagged_template

logger = logging.getLogger(__name__)

NAME = "conll"
SUFFIXES: tuple[str, ...] = (".bio", ".conll", ".txt")
OTHER_FORMATS = (".json", ".jsonl", ".ndjson", ".md", ".yml", ".yaml", ".csv", ".lu", ".zip", ".py")
INTENT = re.compile(r"#\s*intent\s*[:=]\s*(\S.*)", re.IGNORECASE)
LOOKED_AT = 300  # lines that tell the format


class _Sentence(NamedTuple):
    """Words, their tags, and the intent if it is known."""

    words: Sequence[str]
    tags: Sequence[str]
    intent: str | None
    where: Where = NOWHERE


def detect(source: Source) -> bool:
    """Whether a file's first lines are in one of these forms, or a folder has `seq.in` and `seq.out`."""
    return bool(_triples(source) or _files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no line has words with tags.
    """
    parts: dict[str, list[Template]] = defaultdict(list)
    oddities = Oddities()
    triples = _triples(source)
    for folder, triple in triples.items():
        parts[part_of(folder + "x") or "train"] += _templates(_from_triple(triple), oddities)
    files = [] if triples else source.given or _files(source)
    part_of_file = parts_in(source, files)
    for file in files:
        parts[part_of_file[file.name]] += _templates(_sentences(file, oddities), oddities)
    if not any(parts.values()):
        raise DataError(
            f"{source.path}: no line has a word and its tag; allowed: tags O, B-label and I-label in the last column."
        )
    oddities.warn(source.path)
    return skill_of_parts(name, parts)


def _triples(source: Source) -> dict[str, dict[str, SourceFile]]:
    """By folder (with `/`), its files seq.in, seq.out and label."""
    folders: dict[str, dict[str, SourceFile]] = defaultdict(dict)
    for file in source.files:
        folder, slash, base = file.name.rpartition("/")
        if base in ("seq.in", "seq.out", "label"):
            folders[folder + slash][base] = file
    return {folder: files for folder, files in folders.items() if {"seq.in", "seq.out"} <= set(files)}


def _from_triple(files: dict[str, SourceFile]) -> list[_Sentence]:
    columns = [[line.strip() for line in files[name].text.rstrip("\n").split("\n")] for name in sorted(files)]
    if len({len(column) for column in columns}) > 1:
        sizes = ", ".join(f"{name} {len(column)}" for name, column in zip(sorted(files), columns, strict=True))
        raise DataError(f"{files['seq.in'].where}: files of different lengths ({sizes} lines); one line an utterance in each.")
    sentences = []
    for number, line in enumerate(zip(*columns, strict=True), start=1):
        row = dict(zip(sorted(files), line, strict=True))
        words, tags = row["seq.in"].split(), row["seq.out"].split()
        if len(words) != len(tags):
            raise DataError(
                f"{files['seq.in'].where}, line {number}: found {counted(len(words), 'word')}, and {counted(len(tags), 'tag')} in that line of seq.out; "
                "allowed: as many. Do the files belong together?"
            )
        where = Where(files["seq.in"], f"line {number}")
        sentences.append(_Sentence(words, tags, plain_label(row.get("label", "")) or None, where))
    return sentences


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates() if file.suffix not in OTHER_FORMATS and _is_tagged(file.text_or_none or "")]


def _is_tagged(text: str) -> bool:
    lines = [line for line in text[: 2**18].split("\n")[:LOOKED_AT] if line.strip()]
    if not lines:
        return False
    if all(_line_sentence(line) is not None for line in lines):
        return True
    tagged = [cells for cells in map(_cells, lines) if _is_word(cells)]
    others = [line for line in lines if not _is_word(_cells(line)) and not line.startswith(("#", "-DOCSTART-"))]
    has_labels = any(cells[-1] != "O" for cells in tagged) or any(INTENT.match(line) for line in lines)
    return has_labels and len(tagged) >= 2 and len(others) <= len(tagged) and all(len(_cells(line)) == 1 for line in others)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")] if "\t" in line.strip() else line.split()


def _is_word(cells: Sequence[str]) -> bool:
    return len(cells) >= 2 and bool(cells[0]) and TAG.fullmatch(cells[-1]) is not None


def _line_sentence(line: str) -> _Sentence | None:
    """A sentence that is one line with its intent; None if the line is none."""
    body, arrow, intent = line.rpartition("<=>")
    if arrow and intent.strip():
        pairs = [pair.rpartition(":") for pair in body.split()]
        if not pairs or not all(colon and word and TAG.fullmatch(tag) for word, colon, tag in pairs):
            return None
        return _Sentence([word for word, _, _ in pairs], [tag for _, _, tag in pairs], plain_label(intent))
    cells = line.strip().split("\t")
    if len(cells) != 2:
        return None
    words, tags = cells[0].split(), cells[1].split()
    intent = tags.pop() if tags else ""
    if len(tags) not in (len(words), len(words) - 1) or not tags or not all(map(TAG.fullmatch, tags)) or TAG.fullmatch(intent):
        return None
    if words[-1] == "EOS" and len(tags) < len(words):
        words = words[:-1]
    if words and words[0] == "BOS":
        words, tags = words[1:], tags[1:]
    return _Sentence(words, tags, plain_label(intent)) if words and len(words) == len(tags) else None


def _sentences(file: SourceFile, oddities: Oddities) -> list[_Sentence]:
    lines = file.text.split("\n")
    singles = [
        (line, _line_sentence(line), Where(file, f"line {number}")) for number, line in enumerate(lines, 1) if line.strip()
    ]
    whole = [sentence._replace(where=where) for _, sentence, where in singles if sentence is not None]
    if whole and 2 * len(whole) > len(singles):
        for line, sentence, where in singles:
            if sentence is None:
                oddities.leave_out("lines without words, tags and intent", line, where)
        return whole
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    column = 1 if all(_is_counted(block) for block in blocks if block) else 0
    _name_unread_columns(file, (line for block in blocks for line in block), column)
    found = [_block_sentence(block, column, oddities, Where(file)) for block in blocks if block]
    return [sentence for sentence in found if sentence is not None]


def _name_unread_columns(file: SourceFile, lines: Iterable[str], column: int) -> None:
    """Say which columns lie between those of words and tags, above all if they hold tags too."""
    between: list[list[str]] = [list(cells[column + 1 : -1]) for cells in map(_cells, lines) if _is_word(cells)]
    width = max(map(len, between), default=0)
    if width:
        has_tags = any(TAG.fullmatch(cell) and cell != "O" for cells in between for cell in cells)
        what = (
            "which hold tags as well"
            if has_tags
            else f"such as {shorten(' '.join(next(cells for cells in between if len(cells) == width)))}"
        )
        logger.warning("%s: columns between the word and its last tag are not read (%d, %s)", file.where, width, what)


def _is_counted(block: Sequence[str]) -> bool:
    """Whether the first column numbers the words from 1, which is told from a text of numbers by a third column."""
    rows = [cells for cells in map(_cells, block) if _is_word(cells)]
    return all(len(cells) > 2 and cells[0] == str(number) for number, cells in enumerate(rows, start=1))


def _block_sentence(block: Sequence[str], column: int, oddities: Oddities, where: Where) -> _Sentence | None:
    words, tags, intent = [], [], None
    for position, line in enumerate(block):
        cells = _cells(line)
        found = INTENT.match(line)
        if found is not None:
            intent = found[1].strip()
        elif _is_word(cells) and cells[0] != "-DOCSTART-":
            words.append(cells[column])
            tags.append(cells[-1])
        elif position == len(block) - 1 and words and len(cells) == 1 and not line.startswith("#"):
            intent = intent or cells[0]
        elif not line.startswith(("#", "-DOCSTART-")):
            if position or len(cells) > 1:  # else it may be a heading
                oddities.leave_out("sentences with a line without a word and its tag", line, where)
                return None
            oddities.leave_out("lines without a word and its tag", line, where)
    return _Sentence(words, tags, plain_label(intent or "") or None, where) if words else None


def _templates(sentences: Sequence[_Sentence], oddities: Oddities) -> list[Template]:
    found = [tagged_template(each.words, each.tags, each.intent, oddities, each.where) for each in sentences]
    return [template for template in found if template.parts]


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
