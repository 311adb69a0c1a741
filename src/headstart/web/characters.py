"""What a tokenizer makes of each character, as a table: the page then reads texts as Python does, whatever Unicode its browser knows.

The tokenizer itself is asked: every character once, alone between two letters or signs. That says all, as it normalizes characters one by one
([`UnsupportedTokenizer`] otherwise), but for the order of combining marks, which it changes by their classes.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from tokenizers import Tokenizer

from headstart.tokenization import build_tokenizer

Table = dict[str, Any]

# Every character that is one, but for the planes in which none is assigned, nor will be soon.
CODES = (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE1000), *range(0xF0000, 0x110000))
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by a rule that every browser knows
# Characters of other classes of combining marks than those beside them: what is read of both tells whether they change places.
LOW_MARK, HIGH_MARK = "\U0001d165", "\U0001d16d"  # of classes 216 and 226
BATCH = 4096


class UnsupportedTokenizer(ValueError):
    """A tokenizer that a page can't read texts with."""


def make_table(tokenizer: Tokenizer) -> Table:
    """The table: ranges of characters that are dropped, part words, stand alone, or are letters, numbers or marks; what others become; classes of
    marks that change places.

    Raises:
        UnsupportedTokenizer: it is none that Headstart makes.
    """
    check_supported(tokenizer)
    read = dict(zip(CODES, _normalized(tokenizer, CODES), strict=True))
    made = sorted(set(chain.from_iterable(read.values())))
    pieces = tokenizer.pre_tokenizer
    letters, of_letters = _beside(pieces, made, "a")
    numbers, of_numbers = _beside(pieces, made, "1")
    spaces = set(map(ord, made)) - letters - numbers - of_letters - of_numbers
    return {
        "dropped": _ranges(code for code, found in read.items() if not found),
        "padded": _ranges(code for code, found in read.items() if found.strip(" ") != found and found.strip(" ")),
        "spaces": _ranges({code for code, found in read.items() if found == " "} | spaces),
        "letters": _ranges(letters),
        "numbers": _ranges(numbers),
        # Those that `find_words` adds to the word before them.
        "marks": _ranges(code for code in CODES if unicodedata.category(chr(code)) in ("Mn", "Me", "Mc", "Cf")),
        "mapped": {chr(code): found.strip(" ") for code, found in read.items() if _is_mapped(code, found)},
        "order": [
            [sign, unicodedata.combining(sign)] for sign in map(chr, CODES) if _changes_places(tokenizer, sign, read[ord(sign)])
        ],
    }


def check_supported(tokenizer: Tokenizer) -> None:
    """Raise `UnsupportedTokenizer` if a tokenizer reads texts otherwise than Headstart's do."""
    own, found = (
        json.loads(one.to_str()) for one in (build_tokenizer(["[PAD]", "[UNK]", "[MASK]"]).backend_tokenizer, tokenizer)
    )
    for part in ("normalizer", "pre_tokenizer"):
        if found[part] != own[part]:
            raise UnsupportedTokenizer(
                f"a page reads texts with Headstart's own tokenizer; this one has another {part}: {json.dumps(found[part])[:200]}."
            )
    if found["model"]["type"] != own["model"]["type"]:
        raise UnsupportedTokenizer(f"a page reads texts with a WordPiece tokenizer; this one is a {found['model']['type']}.")
    if added := [token["content"] for token in found["added_tokens"] if not token["special"]]:
        raise UnsupportedTokenizer(f"a page can't read tokens that were added to a tokenizer later: {', '.join(added)[:200]}.")


def _normalized(tokenizer: Tokenizer, codes: Sequence[int]) -> Iterator[str]:
    """What becomes of each character, with a blank before and after one that stands alone."""
    normalize = tokenizer.normalizer.normalize_str
    for start in range(0, len(codes), BATCH):
        batch = codes[start : start + BATCH]
        found = normalize("".join(f"|{chr(code)}|\n" for code in batch)).removeprefix("|").removesuffix("| ").split("| |")
        # Where a character's own result holds the separator, one by one.
        yield from found if len(found) == len(batch) else (normalize(f"|{chr(code)}|")[1:-1] for code in batch)


def _beside(pieces: Any, signs: Sequence[str], before: str) -> tuple[set[int], set[int]]:
    """Those of some characters that are of one word with the one before them, and those that begin another word; others are of none."""
    joined, apart = set[int](), set[int]()
    for start in range(0, len(signs), BATCH):
        batch = signs[start : start + BATCH]
        for _, (first, stop) in pieces.pre_tokenize_str("".join(f"{before}{sign} " for sign in batch)):
            if stop % 3 == 2:
                (apart if first % 3 else joined).add(ord(batch[first // 3]))
    return joined, apart


def _is_mapped(code: int, found: str) -> bool:
    if code in HANGUL and found == unicodedata.normalize("NFD", chr(code)):
        return False
    return found.strip(" ") not in ("", chr(code))


def _changes_places(tokenizer: Tokenizer, mark: str, found: str) -> bool:
    """Whether a combining mark changes places with others; those that are dropped do so before."""
    own = unicodedata.combining(mark)
    if not own or not found or mark in (LOW_MARK, HIGH_MARK):
        return own > 0
    pair = HIGH_MARK + mark if own < unicodedata.combining(HIGH_MARK) else mark + LOW_MARK
    return bool(tokenizer.normalizer.normalize_str(f"a{pair}") != f"a{pair}")


def _ranges(codes: Iterable[int]) -> list[int]:
    """Ranges as pairs: how many characters lie between the last one and this one, and how many are in it."""
    found: list[int] = []
    end = 0
    for code in sorted(codes):
        if found and code == end:
            found[-1] += 1
        else:
            found += [code - end, 1]
        end = code + 1
    return found


__all__ = ["UnsupportedTokenizer", "check_supported", "make_table"]
