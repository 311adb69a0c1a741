"""The tokenizer, the alignment of words, characters and tags, and the pipeline from text to slots and back."""

from .alignment_headstart import SpanCounts, Words, find_words, spans_to_tags, tags_to_spans
from .pipeline_headstart import NLUPipeline
from .tokenization_headstart import build_tokenizer, order_pieces

__all__ = [
    "NLUPipeline",
    "SpanCounts",
    "Words",
    "build_tokenizer",
    "find_words",
    "order_pieces",
    "spans_to_tags",
    "tags_to_spans",
]
