"""The tokenizer, the alignment of words, characters and tags, and the pipeline from text to slots and back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .alignment_headstart import SpanCounts, Words, find_words, spans_to_tags, tags_to_spans

if TYPE_CHECKING:
    from .pipeline_headstart import NLUPipeline
    from .tokenization_headstart import build_tokenizer, order_tokens


def __getattr__(name: str) -> Any:
    # Imported when first asked for: alignment_headstart is of use without torch.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "pipeline_headstart" if name == "NLUPipeline" else "tokenization_headstart"
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "NLUPipeline",
    "SpanCounts",
    "Words",
    "build_tokenizer",
    "find_words",
    "order_tokens",
    "spans_to_tags",
    "tags_to_spans",
]
