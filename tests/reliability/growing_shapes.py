"""Skills of any size and odd shape: many samples, intents, slots, values; long texts of blanks, brackets, quotes. `growing_files` writes them in every format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Piece = str | tuple[str, str]  # text, or a slot's label and value
Sample = Sequence[Piece]
Files = dict[str, str]


class Made(NamedTuple):
    """A skill: samples by intent, values by slot label, and whether the samples are validation rows too."""

    intents: dict[str, list[Sample]]
    values: dict[str, list[str]] = {}  # noqa: RUF012
    held_out: bool = False


def one(*samples: Sample, values: dict[str, list[str]] | None = None) -> Made:
    """Samples of one intent, and a small one of another."""
    return Made({"Brew": list(samples), "Stop": [["stop it"], ["halt ", ("now", "at once")]]}, values or {})


SHAPES: dict[str, Callable[[int], Made]] = {
    "samples": lambda n: one(*([f"tea number {i} ", ("guest", f"ann {i}")] for i in range(n))),
    "the same sample": lambda n: one(*(["tea for ", ("guest", "ann")] for _ in range(n))),
    "intents": lambda n: Made({f"Brew{i}": [[f"tea number {i}"]] for i in range(n)}),
    "a sample in all intents": lambda n: Made({f"Brew{i}": [["make tea"]] for i in range(n)}),
    "slot labels": lambda n: one(*([f"tea {i} for ", (f"guest{i}", "ann")] for i in range(n))),
    "slots in a row": lambda n: one([piece for i in range(n) for piece in (("guest", f"ann{i}"), " and ")]),
    "labels in a row": lambda n: one([piece for i in range(n) for piece in ((f"guest{i}", "ann"), " and ")]),
    "neighbouring slots": lambda n: one([piece for i in range(n) for piece in (("guest", f"ann{i}"), " ")]),
    "values": lambda n: one(["tea for ", ("guest", "ann")], values={"guest": [f"ann {i}" for i in range(n)]}),
    "values of all labels": lambda n: one(
        *([f"tea {i} for ", (f"guest{i}", "ann")] for i in range(n)), values={f"guest{i}": [f"ann {i}"] for i in range(n)}
    ),
    "held-out intents": lambda n: Made({f"Brew{i}": [[f"tea number {i}"]] for i in range(n)}, held_out=True),
    "a long value": lambda n: one(["tea for ", ("guest", "ann " * n)], values={"guest": ["bob " * n]}),
    "a long label": lambda n: one(["tea for ", ("g" * n, "ann")]),
}

TEXTS = {
    **{
        f"a text of {signs!r}": lambda n, signs=signs: one(["tea "], [signs * n])  # type: ignore[misc]
        for signs in (
            *("a", "tea ", "{", "}", "[", "]", "(", ")", "|", '"', "'", ":", "\\", "@", "#", "-", "*", "$", "<", "=", ",", ";", "\U0001f375 "),
            *("{a}", "{a", "{a ", "{a|", "{a|b} ", "{@a=b} ", "{@a=", "[a]", "[a](", "[a](b) ", "[a]{", '[a]{"entity": "b"} ', "[a][{", "[a : b] ", "[:"),
            *("(a|b) ", "[a|", "@a:b ", "a:O ", "a:B-b ", "<!--", "-->", '""', '","', "a,", "$a:", "^ ", "#@", "//", "`"),
        )
    },
    "a text of blanks": lambda n: one(["tea" + " " * n + "please"]),
    "a text of tabs": lambda n: one(["tea" + "\t" * n + "please"]),
    "a text that ends in blanks": lambda n: one(["tea" + " " * n]),
    "blanks within braces": lambda n: one(["tea {" + " " * n + "a please"]),
    "blanks within brackets": lambda n: one(["tea [a" + " " * n + ":" + " " * n + "b please"]),
    "blanks behind a colon": lambda n: one(["{a" + " :" * n]),
}  # fmt: skip


# Those texts that most patterns that go back and forth are found by.
TEXTS["long texts"] = lambda n: Made(
    {
        "Brew": [sample for text in LONG for sample in TEXTS[text](n).intents["Brew"]],
        "Stop": [["stop it"], ["halt ", ("now", "at once")]],
    }
)
LONG = (
    *(
        "a text of blanks",
        "a text that ends in blanks",
        "blanks within braces",
        "blanks within brackets",
        "blanks behind a colon",
    ),
    *("a text of '{a|'", "a text of '[a]('", "a text of '\"'", "a text of ':'", "a text of 'tea '"),
)


def plain(sample: Sample) -> str:
    """The text of a sample."""
    return "".join(piece if isinstance(piece, str) else piece[1] for piece in sample)


def marked(sample: Sample, form: str) -> str:
    """The text of a sample with its slots in that form, of `{0}` the label and `{1}` the value."""
    return "".join(piece if isinstance(piece, str) else form.format(*piece) for piece in sample)


def spans(sample: Sample) -> list[tuple[int, int, str]]:
    """Start, end and label of the slots, in UTF-16 units."""
    found, end = [], 0
    for piece in sample:
        start, text = end, piece if isinstance(piece, str) else piece[1]
        end += len(text.encode("utf-16-le")) // 2
        if not isinstance(piece, str):
            found.append((start, end, piece[0]))
    return found


def tagged(sample: Sample) -> tuple[list[str], list[str]]:
    """Words and tags."""
    words, tags = [], []
    for piece in sample:
        label, text = ("", piece) if isinstance(piece, str) else piece
        found = text.split()
        words += found
        tags += [f"{'I' if number else 'B'}-{label}" if label else "O" for number in range(len(found))]
    return words, tags


def pairs(made: Made) -> list[tuple[str, Sample]]:
    """Every sample with its intent."""
    return [(intent, sample) for intent, samples in made.intents.items() for sample in samples]


def labels(samples: Sequence[Sample]) -> list[str]:
    """The slot labels of samples."""
    return list(dict.fromkeys(piece[0] for sample in samples for piece in sample if not isinstance(piece, str)))


def lines(*objects: Any) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects)
