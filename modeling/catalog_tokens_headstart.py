"""Catalogs of a skill as the network's gazetteers want them: values as tokens."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)


def tokenize_catalogs(catalogs: Mapping[str, Sequence[str]], tokenizer: PreTrainedTokenizerBase) -> dict[str, list[list[int]]]:
    """The distinct values of each catalog as ids of their tokens.

    Args:
        catalogs: values by slot label. Values with a token that the vocabulary lacks are left out: any other unknown word would match
            them; values that hold no word are left out too. Both are counted in the log.
        tokenizer: the base's.
    """
    tokenized: dict[str, list[list[int]]] = {}
    lost = total = 0
    for label, values in catalogs.items():
        encoded = tokenizer(list(values), add_special_tokens=False, verbose=False)["input_ids"] if values else []
        distinct = {tuple(ids) for ids in encoded if ids and tokenizer.unk_token_id not in ids}
        lost += sum(not ids or tokenizer.unk_token_id in ids for ids in encoded)
        total += len(encoded)
        tokenized[label] = [list(ids) for ids in sorted(distinct)]
    if lost:
        logger.warning(
            "%d of %d catalog values hold a character that the vocabulary lacks, or no word: they are no features", lost, total
        )
    return tokenized


__all__ = ["tokenize_catalogs"]
