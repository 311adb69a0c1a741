"""The commands that make a skill better once it is written: `headstart check`, `learn` and `suggest`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.checking.findings import KINDS, SEVERITIES
from headstart.checking.telling import report_lines
from headstart.data.logs import read_log
from headstart.data.rows import DataError
from headstart.readers import READERS, load_skill


class UnfitError(Exception):
    """What was looked at has failed the look; all has been said."""


def path_word(word: str) -> Path:
    """A path that is not empty, as argparse reads an option."""
    if not word:
        raise argparse.ArgumentTypeError("it is empty; leave it out, or give a value")  # Path("") is this folder
    return Path(word)


def size_word(word: str) -> int:
    """A whole number from 1 on, as argparse reads an option."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"found {word!r}; allowed: a whole number, at least 1")
    return int(word)


def add_check(commands: Any) -> None:
    """Add `headstart check` to the commands."""
    command = commands.add_parser(
        "check", allow_abbrev=False, help="what of a skill's rows and catalogs will make a model worse, and what to do",
        description="Look through a skill's rows and catalogs; no model is needed. The exit status is 1 if there is a finding as grave as "
        "--fail_on says, so that a pipeline of yours can stop.",
    )  # fmt: skip
    command.add_argument("path", metavar="SKILL", help=f"file or folder, in one of: {', '.join(READERS)}")
    command.add_argument("--json", action="store_true", help="one JSON object, with all rows and remedies")
    command.add_argument(
        "--all", dest="show_all", action="store_true", help="every finding, and not the first five of a kind alone"
    )
    command.add_argument("--fail_on", choices=(*SEVERITIES, "never"), default="error",
                         help="the least grave finding that makes the exit status 1 (default: %(default)s)")  # fmt: skip
    command.add_argument("--ignore", nargs="+", choices=KINDS, default=(), metavar="KIND", help=f"leave out: {', '.join(KINDS)}")
    command.add_argument(
        "--from", dest="source_format", choices=sorted(READERS), help="what is read; unset: found from the content"
    )
    command.add_argument("--language", help="which of several languages is read, such as de-DE")
    command.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> Iterator[str]:
    from headstart.checking.check import check

    logging.getLogger("headstart.data.contradictions").setLevel(logging.ERROR)  # findings say the same, with their rows
    report = check(options.path, ignore=options.ignore, format=options.source_format, language=options.language)
    if options.json:
        yield json.dumps(report.as_json(), ensure_ascii=False)
    else:
        yield from report_lines(report, options.show_all)
    if options.fail_on != "never" and report.fails(options.fail_on):
        raise UnfitError


def add_learn(commands: Any) -> None:
    """Add `headstart learn` to the commands."""
    command = commands.add_parser(
        "learn", allow_abbrev=False, help="teach a trained skill corrections and new intents in a moment, or take them back",
        description="Changes the model in its place. What it was taught is kept beside it, in learned.json, so that it can be taken back.",
    )  # fmt: skip
    command.add_argument("model", metavar="MODEL", help="folder of a checkpoint or a head, which is changed")
    command.add_argument("--rows", metavar="FILE", help="annotated rows to learn, in any format that a skill is read in")
    command.add_argument("--text", help="one utterance to learn, with --intent and --slots")
    command.add_argument("--intent", help="its intent; unset: that says nothing of it")
    command.add_argument("--slots", type=json.loads, metavar="JSON",
                         help='its slots, such as \'{"room": "kitchen"}\'; {}: it has none; unset: that says nothing of them')  # fmt: skip
    command.add_argument("--trained_on", metavar="SKILL", help="the skill's file or folder, whose rows keep what it knew")
    command.add_argument("--undo", nargs="?", const="all", metavar="CALLS", help="take back the last calls, or all of them")
    command.add_argument("--skill", help="the skill; needed if the checkpoint has several")
    command.add_argument("--base", help="checkpoint that a head was trained on; unset: the embedded one of that name")
    command.set_defaults(run=_learn)


def _learn(options: argparse.Namespace) -> Iterator[str]:
    given = [name for name in ("rows", "text", "undo") if getattr(options, name) is not None]
    if len(given) != 1:
        raise DataError(
            f"found {', '.join(f'--{name}' for name in given) or 'nothing to learn'}; give one of --rows, --text and --undo."
        )
    if options.undo not in (None, "all") and not options.undo.isdecimal():
        raise DataError(f"--undo is {options.undo!r}; allowed: a number of calls, or nothing for all of them.")
    rows = load_skill(options.rows, allow_unseen_labels=True).rows("train") if options.rows is not None else None
    known = load_skill(options.trained_on, allow_unseen_labels=True) if options.trained_on is not None else None
    from headstart.finetuning.learning import learn, unlearn
    from headstart.finetuning.lessons import change_folder

    def change(nlu: Any) -> Any:
        if options.undo is not None:
            return unlearn(nlu, None if options.undo == "all" else int(options.undo), skill=options.skill, skill_rows=known)
        if rows is not None:
            return learn(nlu, rows, skill=options.skill, skill_rows=known)
        return learn(nlu, options.text, options.intent, options.slots, skill=options.skill, skill_rows=known)

    found = change_folder(options.model, change, skill=options.skill, base=options.base)
    yield json.dumps(dataclasses.asdict(found), ensure_ascii=False, allow_nan=False)


def add_suggest(commands: Any) -> None:
    """Add `headstart suggest` to the commands."""
    command = commands.add_parser(
        "suggest", allow_abbrev=False, help="which utterances of a log to annotate next, one row a line, as the skill answers now",
        description="Rows to correct: with text, intent and slots as the skill answers now, and how often the log has it, how unsure the skill is, and of what.",
    )  # fmt: skip
    command.add_argument("model", metavar="MODEL", help="folder, repository or short name of a checkpoint, or folder of a head")
    command.add_argument(
        "--texts", dest="log", required=True, metavar="LOG", help="what users said: one utterance a line, or rows (.jsonl)"
    )
    command.add_argument("--number", type=size_word, default=20, metavar="N", help="suggestions, at most (default: %(default)s)")
    command.add_argument("--out", type=path_word, metavar="FILE.jsonl", help="file to write the rows in; unset: they are printed")
    command.add_argument(
        "--known", metavar="SKILL", help="rows that are annotated already, in any format: they are not asked again"
    )
    command.add_argument("--skill", help="the skill; needed if the model has several")
    command.add_argument("--base", help="checkpoint that a head was trained on; unset: the embedded one of that name")
    command.set_defaults(run=_suggest)


def _suggest(options: argparse.Namespace) -> Iterator[str]:
    texts = read_log(Path(options.log))
    known = load_skill(options.known, allow_unseen_labels=True).rows("train") if options.known is not None else []
    from headstart.evaluation.suggesting import suggest
    from headstart.loading import load_pipeline
    from headstart.saving import check_suffix, write_file

    if options.out is not None:
        check_suffix(options.out, ".jsonl")
    nlu: Any = load_pipeline(options.model, base=options.base)
    found = suggest(nlu, texts, options.number, known=known, skill=options.skill)
    lines = [json.dumps(suggestion, ensure_ascii=False, allow_nan=False) for suggestion in found]
    if options.out is None:
        yield from lines
    else:
        write_file(options.out, "".join(f"{line}\n" for line in lines))


__all__ = ["UnfitError", "add_check", "add_learn", "add_suggest", "path_word", "size_word"]
