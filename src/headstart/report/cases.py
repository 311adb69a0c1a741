"""What a report runs on: label spaces with training, validation and test rows, made anew for each seed."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from headstart.data.corpora import read_domains
from headstart.data.rows import DataError, Row
from headstart.data.skills import PARTS, Skill
from headstart.data.templates import split_rows
from headstart.readers import SKILL_SUFFIXES, load_skill

VALIDATION_SHARE = 0.2
TEST_SHARE = 0.2
STAGES = (25, 50, 100, 200, 400, 800)
MAX_VALIDATION_ROWS = 400  # what is scored at every point of a curve


@dataclass(frozen=True)
class SkillCase:
    """A skill on disk.

    Args:
        path: file or folder, in any format that [`load_skill`] reads.
    """

    path: Path

    def anywhere(self) -> SkillCase:
        """The same by its whole path."""
        return replace(self, path=self.path.absolute())

    @property
    def name(self) -> str:
        """What the runs call it."""
        return self.path.stem if self.path.is_file() else self.path.name

    @property
    def group(self) -> str:
        """The source of the skill: what its name has before a double underscore."""
        return self.name.split("__")[0] if "__" in self.name else "skills"

    def load(self, seed: int) -> Skill:
        """The skill with all three parts. Those that it lacks are held out of its training rows, whole templates at a time: test rows
        by the same choice for all seeds, validation rows by the seed."""
        skill = load_skill(self.path, allow_unseen_labels=True)
        train, validation, test = (skill.rows(part) for part in PARTS)
        if not skill.has("test"):
            train, test = split_rows(train, TEST_SHARE)
        if not skill.has("validation"):
            train, validation = split_rows(train, VALIDATION_SHARE, seed)
        return skill.replace(train=train, validation=_limit(validation, seed), test=test)


@dataclass(frozen=True)
class DomainCase:
    """A domain of a corpus that has grown to some number of utterances.

    Args:
        corpus: folder with train.jsonl, validation.jsonl and test.jsonl, whose rows have a field `domain`.
        domain: its name.
        stage: utterances to train on.
    """

    corpus: Path
    domain: str
    stage: int

    def anywhere(self) -> DomainCase:
        """The same by its whole path."""
        return replace(self, corpus=self.corpus.absolute())

    @property
    def name(self) -> str:
        """What the runs call it."""
        return f"{self.domain}-{self.stage}"

    @property
    def group(self) -> str:
        """The stage."""
        return str(self.stage)

    def load(self, seed: int) -> Skill:
        """The domain with `stage` training rows, those of a smaller stage and more. The first ones are one of each intent, as a
        developer would write them; the rest are drawn at random."""
        rows, validation, test = (
            [row for row, domain in _read_domains(self.corpus / f"{part}.jsonl") if domain == self.domain]
            for part in ("train", "validation", "test")
        )
        random.Random(f"{seed} {self.domain}").shuffle(rows)
        train = _one_of_each_intent_first(rows)[: self.stage]
        return Skill(self.domain, train, _limit(validation, seed), test, allow_unseen_labels=True)


Case = SkillCase | DomainCase

# Every domain and stage reads the same three files.
_read_domains = lru_cache(maxsize=3)(read_domains)


def _one_of_each_intent_first(rows: Sequence[Row]) -> list[Row]:
    by_intent: dict[str | None, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_intent[row["intent"]].append(number)
    first = [numbers[0] for numbers in by_intent.values()]
    return [rows[number] for number in (*first, *sorted(set(range(len(rows))) - set(first)))]


def _limit(rows: list[Row], seed: int) -> list[Row]:
    if len(rows) <= MAX_VALIDATION_ROWS:
        return rows
    # As a `Dataset` is shuffled, so that runs of earlier reports stay comparable.
    chosen = np.random.default_rng(seed).permutation(len(rows))[:MAX_VALIDATION_ROWS]
    return [rows[number] for number in chosen]


def find_skills(folder: Path, names: Sequence[str] | None = None) -> list[SkillCase]:
    """The skills in a folder, in the order of their names.

    Args:
        folder: holds one folder, or one file, for each skill.
        names: take these alone.

    Raises:
        DataError: there is no such folder, no skill in it, or none of a name.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; --skills wants a folder that holds one folder or file for each skill.")
    found: dict[str, SkillCase] = {}
    for case in map(SkillCase, filter(_may_be_skill, sorted(folder.iterdir()))):
        if case.name in found:
            raise DataError(f"{found[case.name].path} and {case.path} would both be called {case.name}; rename one.")
        found[case.name] = case
    missing = sorted(set(names or ()) - set(found))
    if missing or not found:
        raise DataError(f"{folder} holds no skill {missing[0] if missing else ''}; it has: {', '.join(found) or 'none'}.")
    return [case for name, case in found.items() if names is None or name in names]


def _may_be_skill(path: Path) -> bool:
    if path.name.startswith((".", "__")) or path.stem.upper() in ("README", "LICENSE", "NOTICE"):
        return False
    return path.is_dir() or path.suffix.lower() in SKILL_SUFFIXES


def find_domains(corpus: Path, stages: Sequence[int] = STAGES) -> list[DomainCase]:
    """Each domain of a corpus at each stage that it has rows for (a domain with fewer rows than a stage is not in that stage)."""
    sizes: dict[str, int] = defaultdict(int)
    for _, domain in _read_domains(corpus / "train.jsonl"):
        sizes[domain] += 1
    cases = [DomainCase(corpus, domain, stage) for stage in stages for domain in sorted(sizes) if sizes[domain] >= stage]
    if not cases:
        raise DataError(
            f"no domain of {corpus} has {min(stages)} training rows; the largest has {max(sizes.values(), default=0)}."
        )
    return cases


def data_hash(cases: Sequence[Case]) -> str:
    """SHA-256, first 16 digits, of the names and contents of all files that the cases are read from."""
    paths = dict.fromkeys(case.path if isinstance(case, SkillCase) else case.corpus for case in cases)
    return hashlib.sha256("".join(map(_path_hash, paths)).encode()).hexdigest()[:16]


def _path_hash(path: Path) -> str:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("[!.]*") if file.is_file())
    return _files_hash(path.parent, tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=1000)
def _files_hash(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Kept for as long as no file changes: every run of a growing domain asks for that of the same corpus."""
    digest = hashlib.sha256()
    for file, _, _ in files:
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


__all__ = ["Case", "DomainCase", "SkillCase", "data_hash", "find_domains", "find_skills"]
