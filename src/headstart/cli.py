"""The command line: `headstart` and its commands."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from headstart.checkpoints import BASE_EN
from headstart.data.rows import DataError, counted, shorten
from headstart.data.templates import FILLS, MAX_UTTERANCES
from headstart.improving import UnfitError, add_check, add_learn, add_suggest, path_word, size_word
from headstart.readers import READERS, load_skill
from headstart.report.options import DEFAULT_SYSTEMS, EXPERIMENTS, SYSTEMS, ReportOptions
from headstart.serving.options import add_arguments, options_of
from headstart.version import __version__
from headstart.writers import WRITERS

if TYPE_CHECKING:
    from headstart.training.options import FinetuneOptions, PretrainOptions

# What a command needs besides is imported when it runs: only those that train or run a network in torch wait for it.

TRAINING = {
    "pretrain": "train a base on corpora: pretrain FOLDER",
    "finetune": "train a skill on a base: finetune SKILL --output_dir OUT",
}
STOPPED = {  # what Ctrl-C is answered with, besides that it stopped
    "finetune": "; if it saved checkpoints (--save_steps N), it goes on with --resume_from_checkpoint last",
    "report": "; it goes on with the same command",
}
TELLERS = ("headstart.data.corpora", "headstart.training.telling")
DIGITS = 4  # of a score
ERROR_SUFFIXES = (".html", ".json")  # of what is told of errors
BATCH_SIZE = 64
KEPT = "\0"  # stands for "--": no argument holds a NUL


def main(argv: Sequence[str] | None = None) -> int:
    """The command `headstart`; returns the exit status, 2 for a user's mistake."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in TRAINING:
        return _run(lambda: _print_results(_train(arguments[0], arguments[1:])), STOPPED["finetune"])
    parser, commands = _make_parser()
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    _check_command(arguments[0], commands, parser)
    # argparse takes away not only the first "--", but also a text that reads so.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = [*arguments[: end + 1], *(KEPT if word == "--" else word for word in arguments[end + 1 :])]
    options, rest = parser.parse_known_args(words)
    # It also gives up on texts that follow an option: predict MODEL --skill NAME TEXT.
    end = rest.index("--") if "--" in rest else len(rest)
    if rest and (not hasattr(options, "texts") or any(text.startswith("-") for text in rest[:end])):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if hasattr(options, "texts"):
        options.texts = ["--" if text == KEPT else text for text in (*options.texts, *rest[:end], *rest[end + 1 :])]
    for name, value in vars(options).items():
        if value == "":  # a variable of the shell that isn't set: Path("") would be this folder
            parser.error(f"{name} is empty; leave it out, or give a value")
    return _run(lambda: _print_results(options.run(options)), STOPPED.get(arguments[0], ""))


def _check_command(word: str, commands: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Name the command that was meant, where one is misspelt."""
    near = [] if word.startswith("-") or word in commands else difflib.get_close_matches(word, commands, n=1)
    if near:
        parser.error(f"there is no command {word!r}. Did you mean {near[0]}? All: headstart --help.")


def train_main(argv: Sequence[str] | None = None) -> int:
    """What `train.py` does: the training commands of [`main`], from a clone that is not installed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in TRAINING:
        return main(arguments)
    parser = argparse.ArgumentParser(prog="train.py", description="headstart pretrain and headstart finetune, by another name.")
    stages = parser.add_subparsers(metavar="{pretrain,finetune}", required=True)
    for name, text in TRAINING.items():
        stages.add_parser(name, help=text)
    parser.parse_args(arguments)
    return 2  # argparse has said why


def _train(stage: str, argv: list[str]) -> Iterator[str]:
    """The results of a training command, which runs when they are asked for; its options are read, or its help shown, at once."""
    from headstart.training.command_line import parse_options
    from headstart.training.options import FinetuneOptions, PretrainOptions

    prog, words = f"headstart {stage}", [word for word in argv if word != "--json"]
    if stage == "pretrain":
        results = _pretrain(parse_options(PretrainOptions, words, prog))
    else:
        results = _finetune(parse_options(FinetuneOptions, words, prog))
    return results if len(words) < len(argv) else _run_only(results)


def _run_only(results: Iterator[str]) -> Iterator[str]:
    for _ in results:
        pass
    yield from ()


def _pretrain(options: PretrainOptions) -> Iterator[str]:
    from headstart.pretraining.pretrain import PretrainSummary, run_pretraining

    heard: list[PretrainSummary] = []
    run_pretraining(options, heard.append)
    for summary in heard:
        yield json.dumps(dataclasses.asdict(summary), allow_nan=False)


def _finetune(options: FinetuneOptions) -> Iterator[str]:
    if options.quiet:
        logging.getLogger("headstart").setLevel(logging.WARNING)
    # Mistakes in its files are told before torch is there.
    skill = load_skill(str(options.skill), options.skill_name, options.allow_unseen_labels, language=options.language)
    from headstart.finetuning.finetune import run_finetuning
    from headstart.finetuning.telling import FinetuneSummary

    heard: list[FinetuneSummary] = []
    run_finetuning(options, skill, heard.append)
    for summary in heard:
        yield json.dumps(dataclasses.asdict(summary), allow_nan=False)


def _make_parser() -> tuple[argparse.ArgumentParser, list[str]]:
    """The parser, and the names of the commands."""
    parser = argparse.ArgumentParser(
        prog="headstart",
        description="Train voice-assistant skills (intents and slots) on a pretrained base, ask, measure, export and publish them.",
        epilog="To begin with: headstart finetune SKILL --output_dir OUT, then headstart predict OUT 'a request'.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"headstart {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    commands.add_parser("finetune", help=TRAINING["finetune"])
    predict = commands.add_parser("predict", allow_abbrev=False, help="intent and slots of texts, one JSON object a line")
    predict.add_argument("model", metavar="MODEL", help="folder, repository or short name of a checkpoint, or folder of heads")
    predict.add_argument(
        "texts", metavar="TEXT", nargs="*", default=[], help="a request; without any, one is read from each input line"
    )
    predict.add_argument(
        "--reference_time",
        metavar="TIME",
        help="what 'tomorrow' is relative to, in ISO 8601, such as 2026-11-18T10:30 (default: now)",
    )
    predict.add_argument(
        "--time_zone", metavar="ZONE", help="of that time, and of the values, such as Europe/Berlin (default: local)"
    )
    predict.add_argument(
        "--without_resolutions", action="store_true", help="values as they were said alone, and no resolutions of them"
    )
    predict.set_defaults(run=_predict)
    scores = commands.add_parser("evaluate", allow_abbrev=False, help="scores on annotated rows, one JSON object")
    scores.add_argument("model", metavar="MODEL", help="folder, repository or short name of a checkpoint")
    scores.add_argument(
        "--data",
        required=True,
        metavar="FILE",
        help="annotated rows, in any format that a skill is read in; of a folder, its test rows",
    )
    scores.add_argument(
        "--out_of_scope", metavar="FILE", help="utterances that are none of the skill's: rows (.jsonl), or one a line"
    )
    scores.add_argument(
        "--errors", type=path_word, metavar="FILE", help="what is wrong and what would help: a page (.html), or all of it (.json)"
    )
    scores.add_argument("--quiet", action="store_true", help="no table of intents and slots on standard error")
    scores.set_defaults(run=_evaluate)
    _add_calibrate(commands)
    add_check(commands)
    add_learn(commands)
    add_suggest(commands)
    _add_convert(commands)
    _add_report(commands)
    _add_export(commands)
    _add_demo(commands)
    _add_push(commands)
    _add_serve(commands)
    labels = commands.add_parser(
        "labels", allow_abbrev=False, help="count corpora's rows and labels, once, for pretraining by streaming"
    )
    labels.add_argument(
        "data_dir", metavar="DATA", help="folder of corpora, one folder of train*.jsonl each; labels.json is written into these"
    )
    labels.add_argument("--sources", nargs="+", metavar="NAME", help="these corpora alone")
    labels.set_defaults(run=_labels)
    predict.add_argument(
        "--top_k", type=size_word, metavar="N", help="rank so many intents, with their probabilities (default: the best alone)"
    )
    for command in (predict, scores):
        command.add_argument("--skill", help="the skill to ask; needed if the model has several, unless they are heads")
        command.add_argument("--base", help="checkpoint that heads were trained on; unset: the embedded one of that name")
        command.add_argument(
            "--reject_threshold",
            type=float,
            metavar="P",
            help="reject over this probability of 'none of these', against the best intent alone; 1: never",
        )
        command.add_argument("--without_gazetteers", action="store_true", help="answer as if no word were in a catalog")
        command.add_argument(
            "--batch_size", type=size_word, help=f"texts read at once (default: {BATCH_SIZE}; of standard input, 1)"
        )
    commands.add_parser("pretrain", help=TRAINING["pretrain"])
    return parser, list(commands.choices)


def _add_calibrate(commands: Any) -> None:
    calibrate = commands.add_parser(
        "calibrate", allow_abbrev=False, help="choose when 'none of these' is said, on data of one's own, one JSON object"
    )
    calibrate.add_argument("model", metavar="MODEL", help="folder of a checkpoint, a head or an exported skill, which is changed")
    calibrate.add_argument(
        "--unknown", required=True, metavar="FILE", help="utterances that are none of the skill's: rows (.jsonl), or one a line"
    )
    calibrate.add_argument(
        "--data", required=True, metavar="ROWS.jsonl", help="rows of the skill that it was not trained on: validation rows"
    )
    calibrate.add_argument(
        "--kept", type=float, default=0.95, metavar="SHARE",
        help="share of the right answers that must stay right, of those that never rejecting gives (default: %(default)s)",
    )  # fmt: skip
    calibrate.add_argument("--skill", help="the skill; needed if the checkpoint has several")
    calibrate.add_argument("--base", help="checkpoint that a head was trained on; unset: the embedded one of that name")
    calibrate.add_argument("--dry_run", action="store_true", help="measure and choose, and leave the model as it is")
    calibrate.set_defaults(run=_calibrate)


def _add_convert(commands: Any) -> None:
    command = commands.add_parser("convert", allow_abbrev=False, help="a skill's files in another format")
    command.add_argument("path", metavar="FILE_OR_FOLDER", help="the skill, in any format that is known")
    command.add_argument("--out", required=True, help="file, or folder of rows, to write")
    command.add_argument(
        "--format",
        choices=sorted(WRITERS),
        metavar="FORMAT",
        help=f"what to write: {', '.join(sorted(WRITERS))}; unset: from the suffix of OUT",
    )
    command.add_argument(
        "--from", dest="source_format", choices=sorted(READERS), metavar="FORMAT",
        help=f"what is read: {', '.join(sorted(READERS))}; unset: found from the content",
    )  # fmt: skip
    command.add_argument(
        "--language",
        help="which of several languages is read, such as de-DE; unset: as its manifest says, else English, else that with most",
    )
    command.add_argument("--skill_name", dest="name", help="name of the skill; unset: from the file or folder")
    command.add_argument(
        "--test_share", type=float, default=0.0, help="share of the templates that becomes test.jsonl of a folder"
    )
    command.add_argument("--max_utterances", type=size_word, help=f"rows made of templates at most (default: {MAX_UTTERANCES})")
    command.add_argument("--fills", type=size_word, help=f"rows made of each template with open slots (default: {FILLS})")
    command.add_argument("--seed", type=int, default=0, help="of the choice of values and templates (default: %(default)s)")
    command.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> Iterator[str]:
    from headstart.conversion import convert

    filling = {name: value for name in ("max_utterances", "fills") if (value := getattr(options, name)) is not None}
    convert(
        options.path, options.out, options.format, source_format=options.source_format, language=options.language, name=options.name,
        test_share=options.test_share, seed=options.seed, **filling,
    )  # fmt: skip
    yield from ()


def _add_report(commands: Any) -> None:
    command = commands.add_parser(
        "report", allow_abbrev=False, help="what transfer gives on your skills: errors, learning and convergence, compared",
        description="Fine-tune every skill with every system and write report.json, report.md and plots. A report that was stopped goes "
        "on where it was when the same command is given again. Skills without validation or test rows have some held out.",
    )  # fmt: skip
    command.add_argument("--skills", required=True, type=path_word, metavar="FOLDER",
                         help="folder of skills, one folder or file each; for growth, a corpus whose rows have a domain")  # fmt: skip
    command.add_argument("--out", required=True, type=path_word, metavar="FOLDER", help="where the report is written")
    command.add_argument("--experiment", choices=EXPERIMENTS, default="skills",
                         help="skills: each as it is; growth: each domain of a corpus at 25 to 800 utterances (default: %(default)s)")  # fmt: skip
    command.add_argument("--base", default=BASE_EN, help="checkpoint that transfer starts from; unset: the embedded base")
    command.add_argument("--seeds", type=int, help="runs of each skill and system (default: 3; quick: 1)")
    command.add_argument(
        "--jobs", type=int, help="runs at once, of one thread each (default: 2; ray: all that the cluster has CPUs for)"
    )
    command.add_argument("--systems", nargs="+", choices=sorted(SYSTEMS), default=(), metavar="SYSTEM",
                         help=f"of: {', '.join(SYSTEMS)}; unset: {', '.join(DEFAULT_SYSTEMS)}")  # fmt: skip
    command.add_argument("--only", nargs="+", default=(), metavar="SKILL", help="these skills alone")
    command.add_argument(
        "--tuned_on", nargs="+", default=(), metavar="SKILL", help="skills that settings were tuned on: left out of the tables"
    )
    command.add_argument("--max_steps", type=int, help="steps of every network; unset: chosen by the number of training rows")
    command.add_argument("--backend", choices=("loky", "ray"), default="loky",
                         help="loky: processes here; ray: the Ray cluster at RAY_ADDRESS, or the one that runs here, or a new one (default: %(default)s)")  # fmt: skip
    command.add_argument("--reasons", type=path_word, metavar="FILE",
                         help="JSON file of remarks by the names of skills, for those where transfer gains least")  # fmt: skip
    command.add_argument(
        "--quick",
        action="store_true",
        help="see that it works, in two minutes: 4 skills, 1 seed, 60 steps, without embeddings_only",
    )
    command.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> Iterator[str]:
    from headstart.report.transfer_report import make_report

    fields: dict[str, Any] = {field.name: getattr(options, field.name) for field in dataclasses.fields(ReportOptions)}
    for name in ("systems", "only", "tuned_on"):
        fields[name] = tuple(fields[name])
    make_report(ReportOptions(**fields))
    yield str(options.out / "report.md")


def _add_export(commands: Any) -> None:
    command = commands.add_parser(
        "export", allow_abbrev=False, help="a skill for onnxruntime, which needs no torch; or as a page that answers in a browser"
    )
    command.add_argument("model", metavar="MODEL", help="folder, repository or short name of a checkpoint")
    command.add_argument("--out", required=True, metavar="FOLDER", help="where it is written; an earlier export is replaced")
    command.add_argument("--skill", help="the skill to export; needed if the model has several")
    command.add_argument("--base", help="checkpoint that a head was trained on; unset: the embedded one of that name")
    weights = command.add_mutually_exclusive_group()
    weights.add_argument("--int8", action="store_true", help="weights as 8-bit integers: a quarter of the size, and faster")
    weights.add_argument("--float32", action="store_true", help="of a page: weights as they are, and not as 8-bit integers")
    command.add_argument(
        "--web",
        action="store_true",
        help="beside it, a page that answers in the browser: static files, for any server, and offline",
    )
    command.add_argument(
        "--runtime", type=path_word, metavar="PATH",
        help="of a page: folder or archive of the npm package onnxruntime-web; unset: npm fetches it",
    )  # fmt: skip
    command.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> Iterator[str]:
    if not options.web and (options.float32 or options.runtime):
        raise DataError("--float32 and --runtime are for pages: add --web, or leave them out.")
    from headstart.exporting import export
    from headstart.loading import load_pipeline

    nlu: Any = load_pipeline(options.model, base=options.base)  # export says so of one that is exported already
    if options.web:
        from headstart.web.folder import export_web

        yield str(export_web(nlu, options.out, options.skill, int8=not options.float32, runtime=options.runtime))
    else:
        yield str(export(nlu, options.out, options.skill, int8=options.int8))


def _add_demo(commands: Any) -> None:
    command = commands.add_parser("demo", allow_abbrev=False, help="a page to try a model in, and to put its answers right")
    command.add_argument("model", metavar="MODEL", help="folder, repository or short name of a checkpoint, or folder of heads")
    command.add_argument("--base", help="checkpoint that heads were trained on; unset: the embedded one of that name")
    command.add_argument(
        "--out", type=path_word, default="corrections", metavar="FOLDER",
        help="where corrections are kept as rows, a file for each skill (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--host", default="127.0.0.1", help="address to serve at; 0.0.0.0: for others too (default: %(default)s)"
    )
    command.add_argument("--port", type=size_word, default=7860, help="(default: %(default)s)")
    command.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> Iterator[str]:
    from headstart.demo.app import launch

    page, address = launch(
        options.model, options.out, base=options.base,
        server_name=options.host, server_port=options.port, prevent_thread_lock=True, quiet=True,
    )  # fmt: skip
    yield str(address)
    page.block_thread()  # until Ctrl-C


def _add_push(commands: Any) -> None:
    command = commands.add_parser("push", allow_abbrev=False, help="publish a checkpoint, a head or an exported skill on a hub")
    command.add_argument("model", metavar="MODEL", help="its folder, or a short name")
    command.add_argument("repo_id", metavar="REPO", help="owner/name, or a name of your own account; made if it is not there")
    command.add_argument("--path_in_repo", metavar="NAME", help="for a head: its folder in a repository of several heads")
    command.add_argument("--private", action="store_true", default=None, help="a new repository is yours alone to see")
    command.add_argument("--revision", metavar="BRANCH", help="branch to push to, made if it is not there (default: main)")
    command.add_argument("--message", help="of the commit")
    command.add_argument(
        "--space", action="store_true", help="as a Space: the page of headstart demo, or the one that export --web wrote"
    )
    command.set_defaults(run=_push)


def _push(options: argparse.Namespace) -> Iterator[str]:
    if options.space:
        if options.path_in_repo or options.revision:
            raise DataError("--path_in_repo and --revision are for models: leave them out, or leave out --space.")
        from headstart.hub.space import push_space

        yield push_space(options.model, options.repo_id, private=options.private, message=options.message)
        return
    from headstart.hub.push import push

    names = ("path_in_repo", "private", "revision", "message")
    yield push(options.model, options.repo_id, **{name: getattr(options, name) for name in names})


def _add_serve(commands: Any) -> None:
    command = commands.add_parser(
        "serve", allow_abbrev=False, help="answer over HTTP, also to clients of Rasa, and Wyoming (Home Assistant)",
        description="Answer over HTTP: POST /parse, or POST /model/parse for clients of Rasa; the API is shown at /docs. Folders that change "
        "are loaded anew. Needs headstart[serve], and no torch where every MODEL is an exported skill.",
    )  # fmt: skip
    add_arguments(command)
    command.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> Iterator[str]:
    from headstart.serving.server import serve

    serve(options_of(options))
    yield from ()


def _labels(options: argparse.Namespace) -> Iterator[str]:
    from headstart.data.streaming import write_labels

    for name, found in write_labels(options.data_dir, options.sources).items():
        sizes = {"row": found["rows"], "intent": len(found["intents"]), "slot label": len(found["slots"])}
        yield f"{name}: {', '.join(counted(size, noun) for noun, size in sizes.items())}"


def _predict(options: argparse.Namespace) -> Iterator[str]:
    from headstart.loading import finds_skills, load_pipeline, skill_entry
    from headstart.tokenization.answers_headstart import SURROGATES, readable

    for text in options.texts:
        if SURROGATES.search(text):
            raise DataError(f"the text {shorten(text)} is not UTF-8; give it in UTF-8, whatever the locale.")
    nlu: Any = load_pipeline(options.model, base=options.base)
    skill = options.skill if finds_skills(nlu) else skill_entry(nlu, options.skill)["name"]
    further: dict[str, object] = {
        "reject_threshold": options.reject_threshold, "top_k": options.top_k, "use_gazetteers": not options.without_gazetteers,
        "resolve": False if options.without_resolutions else None, "reference_time": options.reference_time, "time_zone": options.time_zone,
    }  # fmt: skip
    if len(options.texts) == 1:
        answers = [nlu(options.texts[0], skill=skill, **further)]
    elif options.texts:
        answers = nlu(options.texts, skill=skill, batch_size=options.batch_size or BATCH_SIZE, **further)
    else:
        # Whoever writes a line waits for its answer.
        answers = nlu(_read_lines(), skill=skill, batch_size=options.batch_size or 1, **further)
    for answer in answers:
        yield readable(json.dumps(answer, ensure_ascii=False, allow_nan=False))


def _read_lines() -> Iterator[str]:
    """The lines of standard input in UTF-8, whatever the locale, without their ends, and without a byte-order mark before the first one: it is no
    character of a text, and would shift every offset of the answer."""
    if sys.stdin is None:
        raise DataError("there is no standard input to read requests from; give them on the command line.")
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise DataError(
                f"standard input, line {number}: not UTF-8 (byte 0x{byte:02x}); give one request a line in UTF-8."
            ) from error
        if "\0" in text:
            raise DataError(f"standard input, line {number}: found a NUL, as in UTF-16; give one request a line in UTF-8.")
        yield text.removesuffix("\n").removesuffix("\r")


def _evaluate(options: argparse.Namespace) -> Iterator[str]:
    from headstart.evaluation.by_label import label_table
    from headstart.evaluation.error_report import error_page
    from headstart.evaluation.evaluate import evaluate_errors
    from headstart.loading import load_pipeline
    from headstart.modeling.folders_headstart import check_file_room
    from headstart.saving import write_file

    if options.errors is not None:
        if options.errors.suffix not in ERROR_SUFFIXES:
            raise DataError(f"--errors is {str(options.errors)!r}; allowed: a file that ends in {' or '.join(ERROR_SUFFIXES)}.")
        check_file_room(options.errors)
    scores, errors = evaluate_errors(
        load_pipeline(options.model, base=options.base), options.data, options.skill, options.batch_size or BATCH_SIZE,
        out_of_scope=options.out_of_scope, reject_threshold=options.reject_threshold,
        use_gazetteers=not options.without_gazetteers,
    )  # fmt: skip
    if options.errors is not None:
        content = error_page(errors) if options.errors.suffix == ".html" else json.dumps(errors.as_json(), ensure_ascii=False)
        write_file(options.errors, content)
    if not options.quiet:
        print(label_table(errors.labels), file=sys.stderr)
    yield json.dumps(
        {name: round(value, DIGITS) if isinstance(value, float) else value for name, value in scores.items()}, allow_nan=False
    )


def _calibrate(options: argparse.Namespace) -> Iterator[str]:
    from headstart.evaluation.calibration import calibrate

    found = calibrate(
        options.model, options.unknown, options.data,
        kept=options.kept, skill=options.skill, base=options.base, writes=not options.dry_run,
    )  # fmt: skip
    yield json.dumps(found, allow_nan=False)


def _print_results(lines: Iterator[str]) -> None:
    """Print the results of a command one by one, in UTF-8, and nothing besides: what libraries print goes where the log goes.

    Raises:
        OSError: there is no standard output, or it is full.
    """
    output = sys.stdout
    if output is None:
        raise OSError("standard output is closed; results have nowhere to go.")
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(encoding="utf-8", errors="surrogateescape")  # names of files may be no UTF-8
    with redirect_stdout(sys.stderr):
        for line in lines:
            try:
                print(line, file=output, flush=True)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise OSError(f"standard output can't be written: {error.strerror}") from error


class _Lines(logging.Formatter):
    """What a training tells is text for people; of the rest of the log, they may want to know where it comes from."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as it is printed."""
        return record.getMessage() if record.name in TELLERS else super().format(record)


def _in_words(error: Exception) -> str:
    """An error as a user reads it; the system's own are the file and what is wrong with it."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{str(error.filename)!r}: {error.strerror}"
    return str(error)


def _run(command: Callable[[], None], stopped: str) -> int:
    """Run a command; a user's mistake (`ValueError`, a missing file), a training that diverged or Ctrl-C becomes one line on stderr.

    Args:
        command: to run.
        stopped: what to say besides, if it is Ctrl-C.
    """
    if sys.stderr is None:  # print would take None for standard output
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("headstart").setLevel(logging.INFO)
    try:
        command()
    except UnfitError:
        return 1
    except BrokenPipeError:  # whoever read the results has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # python flushes once more at its end
        return 141  # 128 + SIGPIPE, as shells have it
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        if os.environ.get("HEADSTART_TRACEBACK"):
            raise
        print(f"headstart: {_in_words(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"headstart: stopped{stopped}", file=sys.stderr)
        return 130  # 128 + SIGINT, as shells have it
    return 0


__all__ = ["main", "train_main"]
