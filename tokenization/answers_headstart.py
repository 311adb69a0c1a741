"""What is asked and answered, whatever the network runs on: requests are checked, and decoded numbers become labels and characters."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple, NotRequired, TypedDict, cast

from .alignment_headstart import Words, tags_to_spans
from .values_headstart import Resolution, Resolver

logger = logging.getLogger(__name__)

MAX_TOKENS = 512  # of a text, where its tokenizer names no limit: the time of an answer grows with them
UNLIMITED = 10**20  # from here on, transformers' number for no limit
SURROGATES = re.compile("[\ud800-\udfff]")


class IntentAnswer(TypedDict):
    """The intent of an answer.

    Args:
        label: its name; None if there is none, whatever the reason: the text is none of the skill's intents, it is blank, or the skill has no intents.
        score: its probability, or that of "none of these"; 1 for a blank text and a skill without intents.
    """

    label: str | None
    score: float


class CatalogReading(TypedDict):
    """What the value of a slot means, of those that its catalog lists.

    Args:
        value: the canonical value.
        id: that value's id, if it has one.
        score: 1 if it is listed so; otherwise the probability that it was meant, and misheard or misspelt.
    """

    value: str
    id: NotRequired[str]
    score: float


# Of a slot label and what was said, the readings; None: the label has no catalog.
Resolve = Callable[[str, str], "Sequence[CatalogReading] | None"]


class SlotAnswer(TypedDict):
    """A slot of an answer.

    Args:
        label: the slot label.
        start, end: characters of the text, end exclusive.
        value: `text[start:end]`.
        score: the lowest marginal probability of its words.
        resolution: what the value stands for, its readings, the likeliest first: those of its catalog, then those of its type; none if it can't be
            read. There if the label has a catalog, or a type whose values can be resolved.
    """

    label: str
    start: int
    end: int
    value: str
    score: float
    resolution: NotRequired[list[CatalogReading | Resolution]]


class Answer(TypedDict):
    """The answer to a text.

    Args:
        text: the string that was given.
        skill: the skill that answered; None if none of several was found to be meant.
        intent: its intent.
        out_of_scope: the probability that it is none of the skill's intents, also where one was found; there if the skill can tell. Where no
            skill was named, and none was found, the probability that it is for none of them.
        intents: the most probable intents, the best first, with their probabilities; there if `top_k` was asked for.
        slots: its slots, by start.
    """

    text: str
    skill: str | None
    intent: IntentAnswer
    out_of_scope: NotRequired[float]
    intents: NotRequired[list[IntentAnswer]]
    slots: list[SlotAnswer]


class ChosenIntent(NamedTuple):
    """What was decided of a text's intent.

    Args:
        number: of the intent, below 0 if it is none of the skill's.
        score: its probability, or that of "none of these".
        out_of_scope: the probability of "none of these"; None if the skill can't tell.
        probabilities: of all intents, in the order of their numbers; read where the best ones are asked for.
    """

    number: int
    score: float
    out_of_scope: float | None = None
    probabilities: Sequence[float] = ()


class Labels(TypedDict):
    """What is read of a skill's entry in the configuration: name, intents, slot labels and their types."""

    name: str
    intents: list[str]
    slots: list[str]
    slot_types: NotRequired[dict[str, str]]


def check_requests(inputs: Any) -> None:
    """See that the inputs are one text, or can be gone through for several.

    Raises:
        TypeError: they are neither a string nor several things.
    """
    if not isinstance(inputs, str) and (isinstance(inputs, (bytes, Mapping)) or not hasattr(inputs, "__iter__")):
        raise TypeError(f"found {type(inputs).__name__}; give a string, or a list of strings for several requests.")


def check_options(
    *,
    skill: Any = None,
    skills: Any = None,
    reject_threshold: Any = None,
    top_k: Any = None,
    use_gazetteers: Any = None,
    batch_size: Any = None,
) -> None:
    """See that the options of a request are what they may be; None: left out.

    Raises:
        ValueError: one is not.
    """
    if skill is not None and not isinstance(skill, str):
        raise ValueError(f"skill is {_shown(skill)}; it must be a name.")
    if isinstance(skills, str) or (skills is not None and skill is not None):
        raise ValueError(
            f"skill is {skill!r} and skills is {skills!r}; give one name as skill=, or several in a list as skills=."
        )
    if skills is not None and not (isinstance(skills, Collection) and all(isinstance(name, str) for name in skills)):
        raise ValueError(f"skills is {_shown(skills)}; it must be a list of names.")
    if reject_threshold is not None and not (_is(reject_threshold, Real) and 0 <= reject_threshold <= 1):
        raise ValueError(f"reject_threshold is {_shown(reject_threshold)}; it must lie between 0 and 1 (never reject).")
    if use_gazetteers not in (None, True, False):
        raise ValueError(f"use_gazetteers is {_shown(use_gazetteers)}; it must be True or False.")
    for name, number in (("top_k", top_k), ("batch_size", batch_size)):
        if number is not None and not (_is(number, Integral) and number >= 1):
            raise ValueError(f"{name} is {_shown(number)}; it must be a whole number, at least 1.")


def _is(value: Any, kind: type[Real | Integral]) -> bool:
    """Whether it is a number of that kind, which a truth value is to Python alone."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return repr(value)[:80]


def readable(text: Any) -> str:
    """The text, as long as it was, as a tokenizer can read it: halves of characters (lone surrogates) are characters that it doesn't know.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(text, str):
        raise TypeError(f"found {type(text).__name__}; every request must be a string.")
    return SURROGATES.sub("\ufffd", text)


def token_limit(said: Any) -> int:
    """How many tokens of a text are read: `model_max_length` of the tokenizer, or [`MAX_TOKENS`] where it says none.

    Raises:
        ValueError: it is no number of tokens.
    """
    if not isinstance(said, int | float) or not said >= 1:
        raise ValueError(
            f"tokens that are read of a text: found {said!r}; allowed: a whole number, at least 1 (model_max_length in tokenizer_config.json, "
            "max_tokens in headstart.json)."
        )
    return int(said) if said < UNLIMITED else MAX_TOKENS


def warn_of_cut(text: str, words: Words, num_tokens: int, max_tokens: int) -> None:
    """Log that the end of a text was not read, if that is so.

    Args:
        text: what was given.
        words: what of it was read.
        num_tokens: its tokens, as they were read.
        max_tokens: more are cut off.
    """
    if num_tokens == max_tokens and text[words.ends[-1] :].strip():
        logger.warning(
            "a text of %d characters was cut after %d (%d tokens): slots behind them are not found",
            len(text), words.ends[-1], max_tokens,
        )  # fmt: skip


def make_answer(
    skill: Labels,
    text: str,
    words: Words,
    *,
    intent: ChosenIntent,
    tags: Iterable[int],
    tag_scores: Sequence[float],
    top_k: int | None = None,
    resolver: Resolver | None = None,
    catalogs: Resolve | None = None,
) -> Answer:
    """The answer to one text; [`NLUPipeline`] says what is in it.

    Args:
        skill: the skill's entry in the configuration.
        text: the text.
        words: its words.
        intent: what was decided of its intent; not read if the skill has none, or the text no words.
        tags: those of the words; not read if the skill has no slots.
        tag_scores: their probabilities.
        top_k: how many intents are ranked; None: the best alone is said.
        resolver: how values of types are resolved; None: they are not, and neighbouring pieces of one stay apart.
        catalogs: finds which values of catalogs are meant; None: that is not asked.
    """
    if not words.starts:
        return _nothing(text, skill["name"], 1.0, None if intent.out_of_scope is None else 1.0, top_k)
    if not skill["intents"]:
        intent = ChosenIntent(-1, 1.0)
    answer = _nothing(text, skill["name"], intent.score, intent.out_of_scope, top_k)
    if intent.number >= 0:
        answer["intent"]["label"] = skill["intents"][intent.number]
    if top_k is not None:
        best = sorted(range(len(intent.probabilities)), key=lambda number: -intent.probabilities[number])[:top_k]
        answer["intents"] = [{"label": skill["intents"][number], "score": intent.probabilities[number]} for number in best]
    slots = answer["slots"]
    if skill["slots"] and (intent.number >= 0 or not skill["intents"]):
        spans = tags_to_spans(list(tags), words, skill["slots"], tag_scores)
        found_values = resolver.read(spans, text, skill.get("slot_types")) if resolver else [(span, None) for span in spans]
        for span, readings in found_values:
            start, end = span["start"], span["end"]
            slots.append({"label": span["label"], "start": start, "end": end, "value": text[start:end], "score": span["score"]})
            listed = None if catalogs is None else catalogs(span["label"], text[start:end])
            if readings is not None or listed is not None:
                slots[-1]["resolution"] = [*(listed or ()), *(readings or ())]
    return answer


def make_no_answer(text: str, score: float, top_k: int | None = None) -> Answer:
    """The answer to a text that is for none of several skills, with the probability of that."""
    return _nothing(text, None, score, score, top_k)


def _nothing(text: str, skill: str | None, score: float, out_of_scope: float | None, top_k: int | None) -> Answer:
    """The one form of nothing: an intent without a label, and no slots."""
    asked: dict[str, object] = {} if out_of_scope is None else {"out_of_scope": out_of_scope}
    if top_k is not None:
        asked["intents"] = []
    return cast(Answer, {"text": text, "skill": skill, "intent": {"label": None, "score": score}, **asked, "slots": []})


__all__ = [
    "MAX_TOKENS",
    "SURROGATES",
    "Answer",
    "CatalogReading",
    "ChosenIntent",
    "IntentAnswer",
    "Labels",
    "Resolve",
    "SlotAnswer",
    "check_options",
    "check_requests",
    "make_answer",
    "make_no_answer",
    "readable",
    "token_limit",
    "warn_of_cut",
]
