"""The Headstart tokenizer: lower-cased word pieces (tokens), words cut between letters, digits and everything else.

The result is a plain `tokenizers` tokenizer in transformers' own fast class, so `AutoTokenizer` loads it without this package.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from .answers_headstart import MAX_TOKENS

PAD, UNKNOWN, MASK = "[PAD]", "[UNK]", "[MASK]"
CONTINUATION = "##"


def order_tokens(tokens: Iterable[str]) -> tuple[list[str], int, int]:
    """Order a vocabulary: special tokens, tokens that continue a word, tokens that begin one.

    Returns:
        the tokens, and the first and one past the last id of those that continue a word (`HeadstartConfig.continuation_start`
        and `continuation_stop`). Tokens added later come last, among those that begin a word.
    """
    distinct = dict.fromkeys(tokens)
    specials = [PAD, UNKNOWN, MASK]
    continuing = [token for token in distinct if token.startswith(CONTINUATION) and token != CONTINUATION]
    beginning = [token for token in distinct if not token.startswith(CONTINUATION) and token not in specials]
    return [*specials, *continuing, *beginning], len(specials), len(specials) + len(continuing)


def build_tokenizer(vocabulary: list[str]) -> PreTrainedTokenizerFast:
    """Make a fast tokenizer from a vocabulary ordered by [`order_tokens`].

    Args:
        vocabulary: the tokens; a token's position is its id.
    """
    tokenizer = Tokenizer(
        models.WordPiece(
            vocab={token: number for number, token in enumerate(vocabulary)},
            unk_token=UNKNOWN,
            continuing_subword_prefix=CONTINUATION,
            max_input_chars_per_word=100,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex("[\u2018\u2019\u02bc]"), "'"),
            normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(r"\p{N}+|[\p{L}\p{M}]+|."), behavior="isolated")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        mask_token=MASK,
        model_max_length=MAX_TOKENS,
        padding_side="right",
        split_special_tokens=True,  # "[PAD]" in a user's text is three words, not the token
        model_input_names=["input_ids", "attention_mask"],
    )


__all__ = ["build_tokenizer", "order_tokens"]
