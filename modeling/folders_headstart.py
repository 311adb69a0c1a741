"""Which files each kind of folder holds. Whoever finds, loads, publishes, cleans or refuses a folder reads this table; it needs nothing
but Python.

A folder is of one kind: what [`kind_of`] says of it is what loading answers from and what publishing publishes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

CONFIG, CARD = "config.json", "README.md"
METRICS, RUN = "metrics.json", "run.json"  # beside whatever training leaves
HEAD_WEIGHTS, HEAD = "head.safetensors", "head.json"
NETWORK, CRF, TOKENIZER, CATALOGS, EXPORT = "model.onnx", "crf.npz", "tokenizer.json", "catalogs.json", "headstart.json"
WEIGHTS, TOKENIZER_CONFIG = "model.safetensors", "tokenizer_config.json"
# What transformers reads besides if it is there: earlier versions of it wrote such files.
FURTHER_TOKENIZER = ("added_tokens.json", "special_tokens_map.json")
CODE, PIPELINE_CODE = "*_headstart.py", "pipeline_headstart.py"
TRAINING_STATE = "checkpoint-"  # what the folders begin with that training is resumed from; then comes the number of steps
HASHES = "sha256.json"  # in these: written last, so that one without it is not complete
RUN_FACTS = "resume.json"  # in these: written first: which run it is of, and what that is trained on
TRAINER_STATE = "trainer_state.json"  # in these: transformers' own
VALUES = "values.json"  # of an exported skill: what its catalogs list
TRAIN_ROWS, REPORT = "train.jsonl", "report.json"
# Of an exported skill with a page that answers in a browser: what makes it one, and all that the page consists of besides.
PAGE, CHARACTERS = "index.html", "characters.json"
PAGE_FILES = (PAGE, CHARACTERS, "page.css", "page.js", "worker.js", "nlu/*.js", "ort/*")
# What training writes into these folders; whatever else lies there is somebody else's.
TRAINING_FILES = (
    HASHES, RUN_FACTS, TRAINER_STATE, CONFIG, "generation_config.json", "model*.safetensors*", "optimizer.*", "scheduler.pt", "scaler.pt",
    "rng_state*.pth", "training_args.bin", "tokenizer*.json", "special_tokens_map.json", "*_headstart.py", "order.safetensors",
    "stream-*.json", ".unfinished-*",
)  # fmt: skip


@dataclass(frozen=True)
class FolderKind:
    """One kind of folder.

    Args:
        name: what the code calls it.
        title: what messages call it.
        mark: the file that tells it from others. It is written last: a folder without it is not complete.
        needed: files that it must have.
        further: patterns of files that belong to it besides.
        hashed: patterns of the files that an answer depends on, besides the mark, which holds their hashes and its own. Cards, figures and options of training
            change no answer. Code does where it is run, which is not the case where the package is installed.
        remedy: how to make one that is complete.
    """

    name: str
    title: str
    mark: str
    needed: tuple[str, ...]
    further: tuple[str, ...]
    hashed: tuple[str, ...]
    remedy: str

    @property
    def published(self) -> tuple[str, ...]:
        """Patterns of the files that are published. By name: a folder of training holds pickles, states of the optimizer and paths of the
        machine, and may hold anything besides."""
        return (*self.needed, *self.further)

    @property
    def outdated(self) -> tuple[str, ...]:
        """Files of an earlier one in its place, which must not stay beside its own; that without which nothing loads it comes first. Cards and
        figures of training are written anew by whoever has them."""
        files = (self.mark, *self.published)
        return tuple(dict.fromkeys(file for file in files if "*" not in file and file not in (CARD, METRICS, RUN)))


CHECKPOINT = FolderKind(
    name="headstart",
    title="a Headstart checkpoint",
    mark=CONFIG,
    needed=(CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG),
    further=(CODE, METRICS, RUN, CARD),
    hashed=("model*.safetensors", "model*.safetensors.index.json", TOKENIZER, TOKENIZER_CONFIG, *FURTHER_TOKENIZER, CODE),
    remedy="push what finetune saved, or save it with NLUPipeline.save_pretrained",
)
HEAD_FOLDER = FolderKind(
    name="head",
    title="a head",
    mark=HEAD,
    needed=(HEAD_WEIGHTS, HEAD),
    further=(METRICS, RUN, CARD),
    hashed=(HEAD_WEIGHTS,),
    remedy="train it again, or save it with model.save_skill",
)
EXPORTED = FolderKind(
    name="onnx",
    title="an exported skill",
    mark=EXPORT,
    needed=(NETWORK, TOKENIZER, EXPORT),
    further=(CRF, CATALOGS, VALUES, CARD),
    hashed=(NETWORK, TOKENIZER, CRF, CATALOGS, VALUES),
    remedy="export it anew",
)
KINDS = {kind.name: kind for kind in (CHECKPOINT, HEAD_FOLDER, EXPORTED)}

# Folders that hold no model, and where none may be saved.
ROWS = FolderKind(
    name="rows",
    title="rows of a skill",
    mark=TRAIN_ROWS,
    needed=(TRAIN_ROWS,),
    further=("validation.jsonl", "test.jsonl", CATALOGS, "skill.json"),
    hashed=(),
    remedy="convert the skill anew",
)
REPORT_FOLDER = FolderKind(
    name="report",
    title="a transfer report",
    mark=REPORT,
    needed=(REPORT,),
    further=("report.md", "runs.jsonl", "plots/*"),
    hashed=(),
    remedy="give the same command again",
)


def kind_of_names(names: Iterable[str], where: str) -> FolderKind | None:
    """The kind of a folder or repository that holds files of these names; None if it holds no model.

    Args:
        names: of its files.
        where: what messages call it.

    Raises:
        ValueError: it holds models of two kinds: nobody could say which of them is meant.
    """
    there = set(names)
    found = [kind for kind in KINDS.values() if kind.mark in there]
    if len(found) > 1:
        titles = " and ".join(f"{kind.title} ({kind.mark})" for kind in found)
        raise ValueError(f"{where} holds {titles}: move one of them to a folder of its own.")
    return found[0] if found else None


def kind_of(folder: Path) -> FolderKind | None:
    """The kind of a folder; None if it holds no model, or is none. See [`kind_of_names`]."""
    return kind_of_names((kind.mark for kind in KINDS.values() if (folder / kind.mark).is_file()), repr(str(folder)))


def find_heads(folder: Path) -> list[Path]:
    """The folders of heads: that folder, or those in it, in the order of their names; empty if it is of another kind, or holds none."""
    kind = kind_of(folder)
    if kind is not None:
        return [folder] if kind is HEAD_FOLDER else []
    return sorted(path.parent for path in folder.glob(f"*/{HEAD}"))


def check_room(folder: Path, kind: FolderKind) -> None:
    """See that something of a kind may be saved in a folder.

    Raises:
        ValueError: it is a file, or holds something of another kind.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is a file; name a folder to write to.")
    for title in _titles_of_others(folder, kind):
        raise ValueError(f"{str(folder)!r} holds {title}; give {kind.title} a folder of its own.")


def _titles_of_others(folder: Path, kind: FolderKind) -> Iterator[str]:
    """What a folder holds that is of another kind."""
    if (folder / TRAINER_STATE).is_file() and (folder / HASHES).is_file():
        yield "a checkpoint of training, to resume from"
    for other in (*KINDS.values(), ROWS, REPORT_FOLDER):
        if (folder / other.mark).is_file() and other is not kind:
            yield other.title
    if kind.name in KINDS and kind_of(folder) is None and (heads := find_heads(folder)):
        yield f"heads in folders of their own ({', '.join(head.name for head in heads[:3])}), which would be hidden by it"
    if kind is CHECKPOINT and (folder / CONFIG).is_file() and not _is_ours(folder / CONFIG):
        yield f"a {CONFIG} that is none of Headstart's"


def _is_ours(config: Path) -> bool:
    """Whether a configuration is of a Headstart checkpoint; one that can't be read is nobody's."""
    try:
        content = json.loads(config.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("model_type") == CHECKPOINT.name


def check_file_room(file: Path) -> None:
    """See that a file of another kind may be written: that it doesn't take the place of a model's.

    Raises:
        ValueError: it is one of the files of the model that its folder holds.
    """
    for kind in KINDS.values():
        if (file.parent / kind.mark).is_file() and any(fnmatch(file.name, pattern) for pattern in kind.published):
            raise ValueError(f"{str(file)!r} is a file of {kind.title}; give another name, or another folder.")


def check_card_room(folder: Path) -> None:
    """See that a card may be written in a folder.

    Raises:
        ValueError: it holds no model, but a text in the card's place.
    """
    card = folder / CARD
    if card.is_file() and kind_of(folder) is None and b"library_name: headstart" not in card.read_bytes():
        raise ValueError(f"{str(card)!r} is there, and no card of a model: give the model a folder of its own.")


def training_states(folder: Path) -> list[Path]:
    """The folders that training can be resumed from, in a run's output folder; those of most steps come first."""
    found = [path for path in folder.glob(f"{TRAINING_STATE}*") if path.name.removeprefix(TRAINING_STATE).isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix(TRAINING_STATE)), reverse=True)


__all__ = [
    "CARD",
    "CATALOGS",
    "CHARACTERS",
    "CHECKPOINT",
    "CODE",
    "CONFIG",
    "CRF",
    "EXPORT",
    "EXPORTED",
    "FURTHER_TOKENIZER",
    "HASHES",
    "HEAD",
    "HEAD_FOLDER",
    "HEAD_WEIGHTS",
    "KINDS",
    "METRICS",
    "NETWORK",
    "PAGE",
    "PAGE_FILES",
    "PIPELINE_CODE",
    "REPORT",
    "REPORT_FOLDER",
    "ROWS",
    "RUN",
    "RUN_FACTS",
    "TOKENIZER",
    "TOKENIZER_CONFIG",
    "TRAINER_STATE",
    "TRAINING_FILES",
    "TRAINING_STATE",
    "TRAIN_ROWS",
    "VALUES",
    "WEIGHTS",
    "FolderKind",
    "check_card_room",
    "check_file_room",
    "check_room",
    "find_heads",
    "kind_of",
    "kind_of_names",
    "training_states",
]
