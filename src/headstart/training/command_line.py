"""Options of a training stage from a YAML or JSON file and the command line. Needs neither torch nor transformers.

`--help` shows the options that most people want, `--help_all` all of ours and transformers'.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any, TypeVar

import yaml

from headstart.data.rows import read_text, shorten
from headstart.modeling.json_headstart import parse_json
from headstart.training.options import TrainingOptions, check_names, kinds_of, own_options
from headstart.training.transformers_options import transformers_options

TOP_NAME = re.compile(r"^([A-Za-z_]\w*)[ \t]*:", re.MULTILINE)  # of a YAML mapping
OPTION_FILES = (".yaml", ".yml", ".json")
TRUE, FALSE = ("true", "yes", "on", "1", "t", "y"), ("false", "no", "off", "0", "f", "n")
METAVARS: dict[Any, str] = {int: "N", float: "NUMBER"}
Options = TypeVar("Options", bound=TrainingOptions)


def parse_options(kind: type[Options], argv: Sequence[str], prog: str) -> Options:
    """Read options: those of a file, if the command line begins with one, then those of the command line, which win.

    Args:
        kind: the class of the options.
        argv: `[PLACE] [FILE.yaml|FILE.json] [--option value ...]`; PLACE is the value of the option that says what is read.
        prog: name of the command in its help.

    Raises:
        ValueError: an unknown option or file, or a value that is not allowed.
    """
    place, rest = _split_place(kind, list(argv))
    from_file, typed = _split_file(kind, rest)
    names = [argument[2:].split("=")[0].replace("-", "_") for argument in typed if argument.startswith("--")]
    if "help" in names or "-h" in typed:
        _show(_make_parser(kind, prog, (), is_brief=True))
    own = own_options(kind)
    wanted = [name if name in own else name.removeprefix("no_") for name in names if name != "help_all"]
    check_names(wanted, kind, "the command line")
    foreign = [name for name in [*wanted, *from_file] if name not in own]
    everything = [name for name in transformers_options() if name not in own]
    parser = _make_parser(kind, prog, everything if "help_all" in names else foreign)
    if "help_all" in names:
        _show(parser)
    literal = {name: value for name, value in from_file.items() if value is None or value == []}
    words = [word for name, value in from_file.items() if name not in literal for word in _as_typed(name, value)]
    given = [vars(parser.parse_args(part)) for part in (words, _underscored(typed))]
    return kind.of(**{**literal, **given[0], **place, **given[1]})


def _show(parser: argparse.ArgumentParser) -> None:
    parser.print_help()
    parser.exit()


def _split_place(kind: type[Options], argv: list[str]) -> tuple[dict[str, str], list[str]]:
    """What the first argument says is read, if it is neither an option nor a file of options, and no option says it; and the other arguments."""
    is_typed = any(argument.split("=")[0] == f"--{kind.PLACE}" for argument in argv)
    if not argv or argv[0].startswith("-") or is_typed or _holds_options(kind, Path(argv[0])):
        return {}, argv
    return {kind.PLACE: argv[0]}, argv[1:]


def _holds_options(kind: type[Options], path: Path) -> bool:
    """Whether a file is one of options. Skills are JSON and YAML too: then at most half of the names at the top, such as `language`, are those of options."""
    if path.suffix not in OPTION_FILES:
        return False
    try:
        text = read_text(path)
        content = parse_json(text.encode(), str(path)) if path.suffix == ".json" else dict.fromkeys(TOP_NAME.findall(text))
    except (OSError, ValueError):
        return True  # whose reader says what is wrong
    own = own_options(kind)
    if not isinstance(content, dict) or not content:
        return True
    return 2 * sum(name in own or name in transformers_options() for name in content) > len(content)


def _split_file(kind: type[Options], argv: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The options of the file that the first argument names, and the other arguments."""
    if not argv or argv[0].startswith("-"):
        return {}, argv
    content = _read_options(Path(argv[0]))
    check_names(content, kind, argv[0])
    own = own_options(kind)
    for name, value in content.items():
        annotation = str(own[name].type) if name in own else transformers_options()[name].kind
        if problem := _problem_of(name, value, annotation):
            raise ValueError(f"{name} is {'null' if value is None else shorten(value)} in {argv[0]}; {problem}.")
    return content, argv[1:]


def _problem_of(name: str, value: Any, annotation: str) -> str | None:
    """What keeps a value of a file from being typed as that of an option of this annotation."""
    kinds = kinds_of(annotation)
    is_strategy = name.endswith("_strategy") and value is False  # YAML 1.1 reads `eval_strategy: no` as false
    if value is None:
        return None if "None" in annotation else "leave it out for its default, or give a value"
    if isinstance(value, list) and not any(kind.startswith("list[") for kind in kinds):
        return "it must be one value"
    if isinstance(value, list) and not all(
        isinstance(item, str) or (_is_number(item) and "list[float]" in kinds) for item in value
    ):
        return "it must be a list of numbers" if "list[float]" in kinds else "it must be a list of names, in quotes"
    if isinstance(value, dict) and not any(kind.startswith("dict") for kind in kinds):
        return "it must be one value"
    if isinstance(value, dict) and not _is_plain(value):
        return "it must hold what JSON can say"
    if isinstance(value, bool) and "bool" not in kinds and not is_strategy:
        return "it is no truth value; put it in quotes, if it is a name"
    if kinds == {"str"} and not isinstance(value, str | bool):
        return "put it in quotes"
    return None


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # a date, for one, or what holds itself
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _underscored(argv: Sequence[str]) -> list[str]:
    """The arguments with `_` in the names of options, which may be typed with `-`."""
    words = []
    for argument in argv:
        name, equals, value = argument.partition("=")
        words.append(name[:2] + name[2:].replace("-", "_") + equals + value if argument.startswith("--") else argument)
    return words


def _make_parser(
    kind: type[TrainingOptions], prog: str, foreign: Sequence[str], is_brief: bool = False
) -> argparse.ArgumentParser:
    own = own_options(kind)
    shown = {name: entry for name, entry in own.items() if entry.metadata["brief"] or not is_brief}
    further = f"{len(own) - len(shown)} more of ours, and every option of transformers.TrainingArguments: --help_all."
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [{kind.PLACE.upper()}] [FILE.yaml|FILE.json] [--option value ...]",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        description=kind.ABOUT,
        epilog=further if is_brief else "Every option of transformers.TrainingArguments can be given: --help_all lists them.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34),
    )
    parser.add_argument("--json", action="store_true", help="print what came of it, as one object of JSON")
    parser.add_argument("--help_all", action="store_true", help="show all options, those of transformers.TrainingArguments too")
    group = parser.add_argument_group("options of the stage")
    for name, entry in shown.items():
        text = entry.metadata["brief" if is_brief else "help"]
        _add_option(group, name, str(entry.type), text + _shown_default(entry.default))
    others = parser.add_argument_group("options of transformers.TrainingArguments")
    for name in dict.fromkeys(foreign):
        found = transformers_options()[name]
        _add_option(others, name, found.kind, " ".join(found.help.split()))
    return parser


def _shown_default(default: Any) -> str:
    if default in (None, False) or default is MISSING:
        return ""
    return f" (default: {str(default).lower() if isinstance(default, bool) else default})"


def _add_option(group: Any, name: str, kind: str, text: str) -> None:
    """Add an option of an annotated kind, such as `float | None`."""
    kinds = kinds_of(kind)
    text = text.replace("%", "%%")
    if kinds == {"bool"}:
        group.add_argument(f"--{name}", type=_truth, nargs="?", const=True, metavar="true|false", help=text)
        group.add_argument(f"--no_{name}", dest=name, action="store_false", help=argparse.SUPPRESS)
        return
    if kinds & {"list[str]", "list[float]"}:
        item: Any = str if "list[str]" in kinds else float
        group.add_argument(f"--{name}", type=item, nargs="+", action="extend", metavar="VALUE", help=text)
        return
    convert: Any = float if "float" in kinds else int if "int" in kinds else _text_or_truth if "bool" in kinds else str
    if any(part.startswith("dict[") for part in kinds) and "str" not in kinds:
        convert = _json
    group.add_argument(f"--{name}", type=convert, metavar=METAVARS.get(convert, "TEXT"), help=text)


def _json(text: str) -> Any:
    try:
        return parse_json(text.encode(), "JSON")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _truth(word: str) -> bool:
    if word.lower() not in (*TRUE, *FALSE):
        raise argparse.ArgumentTypeError(f"found {word!r}; allowed: true or false")
    return word.lower() in TRUE


def _text_or_truth(word: str) -> str | bool:
    return _truth(word) if word.lower() in ("true", "false") else word


def _as_typed(name: str, value: Any) -> list[str]:
    """An option of a file as it would be typed, so that the parser converts and checks both alike; in words that each name it, so that none is
    taken for another option."""
    if isinstance(value, bool):
        return [f"--{name}={'no' if name.endswith('_strategy') else str(value).lower()}"]
    if isinstance(value, list):
        return [f"--{name}={item}" for item in value]
    return [f"--{name}={json.dumps(value) if isinstance(value, dict) else value}"]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML takes the last of two values of one name; a file of options with two is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """What a mapping stands for.

        Raises:
            yaml.YAMLError: a name stands in it twice.
        """
        seen: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.YAMLError(f"{name} stands in line {seen[name]} and in line {line}.")
            seen[name] = line
        return dict(super().construct_mapping(node, deep=deep))


def _read_options(path: Path) -> dict[str, Any]:
    if path.suffix not in OPTION_FILES or not path.is_file():
        raise ValueError(f"{path} is not a file of options; allowed: a .yaml or .json file, or --option value.")
    try:
        text = read_text(path)
        options = parse_json(text.encode(), str(path)) if path.suffix == ".json" else yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}, " if mark else ""
        problem = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise ValueError(f"{path} is not YAML that can be read: {line}{problem}") from error
    if not isinstance(options, dict) or not all(isinstance(name, str) for name in options):
        raise ValueError(f"{path} must hold options by name, such as 'learning_rate: 0.002'.")
    return options


__all__ = ["parse_options"]
