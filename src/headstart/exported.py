"""The files of an exported skill: read, and compared with what was written and with each other, before anything is run. Without torch."""

from __future__ import annotations

import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer

from headstart.modeling.catalog_headstart import CatalogValue
from headstart.modeling.entries_headstart import CanonicalSize, SkillEntry, check_skill_entry, read_entry
from headstart.modeling.folders_headstart import CATALOGS, CRF, EXPORT, EXPORTED, NETWORK, TOKENIZER, VALUES, kind_of
from headstart.modeling.integrity_headstart import Seal, read_seal
from headstart.modeling.json_headstart import parse_json
from headstart.modeling.labels_headstart import UNSEEN_PRIOR
from headstart.modeling.resolution_headstart import unpack_values

# Of the files of an exported skill; the second one's CRF is factored, which older versions can't read.
VERSION, FACTORED_VERSION = 1, 2
# Fields of headstart.json.
OLD_MAX_TOKENS, MAX_TOKENS = "max_pieces", "max_tokens"
# What numpy and zipfile raise for files that are none of theirs.
_NOT_NUMPY = (EOFError, KeyError, NotImplementedError, OSError, RuntimeError, SyntaxError, ValueError)
MOST_TOKENS = int(1e30)  # what transformers says where a tokenizer names no limit


class Exported(NamedTuple):
    """What an exported skill consists of, but for its network and its CRF.

    Args:
        seal: what is known of its files.
        entry: the skill's.
        tokenizer: what texts are read with.
        unknown: id of the token that is read where a text has none.
        max_tokens: what a text has more of is cut off.
        unseen_prior: the least share of its probability that a label keeps, see [`UNSEEN_PRIOR`].
        catalogs: the keys of each catalog's values; None if the skill has none.
        values: what its catalogs list, by slot label; None if answers don't say what was meant.
    """

    seal: Seal
    entry: SkillEntry
    tokenizer: Tokenizer
    unknown: int
    max_tokens: int
    unseen_prior: float
    catalogs: list[list[str]] | None
    values: dict[str, list[CatalogValue]] | None

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.seal.folder

    def widths(self) -> dict[str, int]:
        """How many scores of each kind its network must give."""
        intents, slots = len(self.entry["intents"]), len(self.entry["slots"])
        widths = {
            "intent_logits": intents,
            "reject_logits": int("rejection" in self.entry),
            "slot_logits": 1 + 2 * slots if slots else 0,
        }
        return {name: width for name, width in widths.items() if width}


def is_exported(folder: str | Path) -> bool:
    """Whether `headstart export` wrote the folder."""
    return kind_of(Path(folder)) is EXPORTED


def read_exported(folder: Path) -> Exported:
    """Read the files of an exported skill.

    Raises:
        ValueError: there is none, it is of another version, or a file is missing or damaged, or not what was exported.
    """
    if not is_exported(folder):
        raise ValueError(f"{str(folder)!r} holds no exported skill (no {EXPORT}); make one: headstart export MODEL --out FOLDER.")
    if missing := [name for name in EXPORTED.needed if not (folder / name).is_file()]:
        raise ValueError(f"{str(folder)!r} lacks {missing[0]}: it is a part of an exported skill; export it anew.")
    version = read_seal(folder, EXPORTED, is_checked=False).content.get("version")
    if type(version) is not int or version not in (VERSION, FACTORED_VERSION):
        raise ValueError(
            f"{str(folder)!r} was exported in version {version!r} of the format; this headstart reads {VERSION} and {FACTORED_VERSION}: "
            "export it anew."
        )
    seal = read_seal(folder, EXPORTED)
    if lost := [name for name in seal.hashes if not (folder / name).is_file()]:
        raise seal.missing(lost[0])
    # The network is by far the largest file: its hash is computed while the others are read, and what will run it is imported.
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(seal.check, [NETWORK])
        seal.check([name for name in seal.hashes if name != NETWORK])
        found = _read_small_files(seal)
        import_runtime()
        checking.result()
    return found


def import_runtime() -> Any:
    """The module onnxruntime.

    Raises:
        ImportError: it is missing.
    """
    try:
        import onnxruntime
    except ImportError as error:  # an optional dependency
        raise ImportError("an exported skill needs onnxruntime: pip install 'headstart[onnx]'") from error
    return onnxruntime


def _read_small_files(seal: Seal) -> Exported:
    entry, unseen_prior = _read_entry(seal)
    tokenizer = _read_tokenizer(seal)
    vocab_size = tokenizer.get_vocab_size()
    max_tokens = _number(seal, MAX_TOKENS if MAX_TOKENS in seal.content else OLD_MAX_TOKENS, 1, MOST_TOKENS)
    unknown = _number(seal, "unk_token_id", 0, vocab_size - 1)
    if entry["slots"]:
        _check_crf(seal, entry)
    catalogs = _read_catalogs(seal, entry, vocab_size) if "gazetteer" in entry else None
    values = _read_values(seal, entry["canonical"]) if "canonical" in entry else None
    return Exported(seal, entry, tokenizer, unknown, max_tokens, unseen_prior, catalogs, values)


def _read_entry(seal: Seal) -> tuple[SkillEntry, float]:
    skill = seal.content.get("skill")
    if not isinstance(skill, dict):
        raise seal.damaged(f"{EXPORT} has no skill")
    fields = dict(skill)
    least = fields.pop("unseen_prior", UNSEEN_PRIOR)
    if type(least) not in (int, float) or not 0 < least <= 1:
        raise seal.damaged(f"unseen_prior in {EXPORT} is {str(least)[:80]!r}; it must be over 0 and at most 1")
    try:
        return check_skill_entry(read_entry(fields)), least
    except ValueError as error:
        raise seal.damaged(f"{EXPORT} holds no skill ({str(error).rstrip('.')})") from error


def _number(seal: Seal, name: str, least: int, most: int) -> int:
    value = seal.content.get(name)
    if type(value) is not int or not least <= value <= most:
        raise seal.damaged(f"{name} in {EXPORT} is {str(value)[:80]!r}; it must be a whole number from {least} to {most}")
    return value


def _read_tokenizer(seal: Seal) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(seal.folder / TOKENIZER))
    except Exception as error:  # tokenizers raises nothing else
        raise seal.damaged(f"{TOKENIZER} can't be read ({str(error).splitlines()[0][:200]})") from error
    tokenizer.encode_special_tokens = True  # "[PAD]" in a user's text is three words, not the token
    return tokenizer


def _read_catalogs(seal: Seal, entry: SkillEntry, vocab_size: int) -> list[list[str]]:
    file = seal.folder / CATALOGS
    if not file.is_file():
        raise seal.missing(CATALOGS)
    try:
        found: Any = parse_json(file.read_bytes(), CATALOGS)
    except ValueError as error:
        raise seal.damaged(str(error)) from error
    are_keys = isinstance(found, list) and all(
        isinstance(keys, list) and all(isinstance(key, str) and key for key in keys) for keys in found
    )
    size = entry["gazetteer"]
    if not are_keys or len(found) != len(size["slots"]) or sum(map(len, found)) != size["values"]:
        raise seal.damaged(
            f"{CATALOGS} doesn't hold the {size['values']} values of {', '.join(size['slots'])[:200]} that {EXPORT} tells of"
        )
    highest = token_of(max((max(key) for keys in found for key in keys), default="\x01"))
    if sum(len(key) for keys in found for key in keys) != size["tokens"] or highest >= vocab_size:
        raise seal.damaged(f"{CATALOGS} doesn't fit the vocabulary in {TOKENIZER}, or the sizes in {EXPORT}")
    keys: list[list[str]] = found
    return keys


def _read_values(seal: Seal, size: CanonicalSize) -> dict[str, list[CatalogValue]]:
    file = seal.folder / VALUES
    if not file.is_file():
        raise seal.missing(VALUES)
    content = file.read_bytes()
    if len(content) != size["bytes"]:
        raise seal.damaged(f"{VALUES} has {len(content)} bytes, and {EXPORT} tells of {size['bytes']}")
    try:
        return unpack_values(size["slots"], content)
    except ValueError as error:
        raise seal.damaged(f"{VALUES}: {error}") from error


def token_of(character: str) -> int:
    """The token that a character of a key stands for (see [`headstart.modeling.catalog_headstart.token_key`])."""
    code = ord(character)
    return code - 1 if code < 0xD800 else code - 0x801


def _check_crf(seal: Seal, entry: SkillEntry) -> None:
    """See that the scores of transitions are those of as many tags, before they take memory, and numbers, or -inf where IOB2 forbids."""
    file = seal.folder / CRF
    if not file.is_file():
        raise seal.missing(CRF)
    num_slots = len(entry["slots"])
    num_tags = 1 + 2 * num_slots
    wanted: dict[str, tuple[int, ...]] = {"start": (num_tags,), "end": (num_tags,)}
    if "crf" in entry:
        wanted |= {"stay": (2 * num_slots,), "leave": (num_tags,), "enter": (1 + num_slots,), "again": (num_tags,)}
    else:
        wanted["transitions"] = (num_tags, num_tags)
    try:
        with zipfile.ZipFile(file) as archive:
            found = {name.removesuffix(".npy"): _npy_shape(archive, name) for name in archive.namelist()}
            # Nothing that says it is larger is read.
            arrays = {name: np.lib.format.read_array(archive.open(f"{name}.npy")) for name in wanted if found == wanted}
    except (*_NOT_NUMPY, zipfile.BadZipFile, zlib.error) as error:
        raise seal.damaged(f"{CRF} can't be read ({error})") from error
    if found != wanted:
        raise seal.damaged(f"{CRF} holds {found}, and the labels in {EXPORT} need {wanted}")
    for name, values in arrays.items():
        if values.dtype.kind != "f" or np.isnan(values).any() or (values == np.inf).any():
            raise seal.damaged(f"{name} in {CRF} holds what is no number")


def _npy_shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    """The shape of an array in a file of numpy, as its header has it."""
    with archive.open(name) as stream:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f"{name} is of another version")
        shape: tuple[int, ...] = np.lib.format.read_array_header_1_0(stream)[0]
    return shape


__all__ = ["FACTORED_VERSION", "MAX_TOKENS", "VERSION", "Exported", "import_runtime", "is_exported", "read_exported"]
