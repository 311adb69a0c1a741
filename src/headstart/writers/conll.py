"""A skill's training rows as columns, as CoNLL's shared tasks have them: a word and its tag a line, with `# intent: NAME` above each utterance.

    # intent: Brew
    make	O
    green	B-drink
    tea	I-drink

`headstart.readers.conll` reads the same rows from it, up to blanks. What is not the same is counted in a warning:

- a value that begins or ends inside of a word: blanks part it from what is beside it;
- labels with blanks, which become `_`, and intents with line ends or quotes around them;
- rows whose slots are not annotated, which are written as if they had none;
- catalogs, types, the invocation, and validation and test rows, which are not written.
"""

from __future__ import annotations

from pathlib import Path

from headstart.data.rows import Row
from headstart.data.skills import PARTS, Skill
from headstart.readers.oddities import Oddities
from headstart.readers.parts import plain_label
from headstart.saving import write_file

NAME = "conll"
SUFFIXES: tuple[str, ...] = (".conll", ".bio")


def write(skill: Skill, path: Path) -> None:
    """Write the training rows of a skill.

    Args:
        skill: what to write.
        path: the file; one that is there is replaced.

    Raises:
        OSError: it can't be written.
    """
    changes = Oddities()
    blocks = [block for row in skill.rows("train") if (block := _block(row, changes))]
    for label in skill.catalogs:
        changes.note("catalogs are not written", label)
    for part in PARTS[1:]:
        for row in skill.rows(part):
            changes.note("validation and test rows are not written", row["text"])
    write_file(Path(path), "\n".join(blocks))
    changes.warn(path)


def _block(row: Row, changes: Oddities) -> str:
    lines = []
    if row["intent"] is not None:
        intent = plain_label(row["intent"])
        if intent != row["intent"]:
            changes.note("intents have line ends, or blanks or quotes around them, which are left out", row["intent"])
        lines.append(f"# intent: {intent}")
    if row["slots"] is None:
        changes.note("rows have no annotated slots and are written as if they had none", row["text"])
    tagged, end = [], 0
    for slot in row["slots"] or []:
        tagged += [(word, "O") for word in row["text"][end : slot["start"]].split()]
        label = "_".join(slot["label"].split())
        if label != slot["label"]:
            changes.note("labels have blanks, which become '_'", slot["label"])
        words = row["text"][slot["start"] : slot["end"]].split()
        tagged += [(word, f"{'I' if number else 'B'}-{label}") for number, word in enumerate(words)]
        end = slot["end"]
    tagged += [(word, "O") for word in row["text"][end:].split()]
    if " ".join(word for word, _ in tagged) != " ".join(row["text"].split()):
        changes.note("values begin or end inside of a word, which is parted there", row["text"])
    if any(word == "-DOCSTART-" for word, _ in tagged):
        changes.note("texts have a word that begins documents, and will not be read", row["text"])
    return "\n".join([*lines, *(f"{word}\t{tag}" for word, tag in tagged), ""])


__all__ = ["NAME", "SUFFIXES", "write"]
