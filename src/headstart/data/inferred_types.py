"""Slots that hold numbers, dates, times or durations, told by their values: rows and some formats have no types, and a slot with one is trained with more
values than its own.

What counts is what is said in English, in words or digits: `twenty five`, `next monday`, `half past eight`, `10 minutes`. A slot gets a type if it has none and
no catalog, if it has at least [`LEAST`] different values, and all but one in ten of them are of the type. Numbers alone may be times too (`at seven`), if the
others are times.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict

from headstart.data.skills import Skill
from headstart.data.texts import looks_foreign

logger = logging.getLogger(__name__)

LEAST = 3  # different values of a slot
MOST_OTHERS = 0.1  # share of values that may be of no such kind
MAX_LENGTH = 60  # characters of a value that is looked at
NUMBER, DATE, TIME, DURATION = "AMAZON.NUMBER", "AMAZON.DATE", "AMAZON.TIME", "AMAZON.DURATION"
FOUR_DIGITS, DATE_TIME = "AMAZON.FOUR_DIGIT_NUMBER", "@sys.date-time"

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth thirtieth"
)
_MONTHS = "january february march april may june july august september october november december jan feb mar apr jun jul aug sept sep oct nov dec"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun"
_HOLIDAYS = (
    "christmas easter halloween thanksgiving hanukkah diwali ramadan eid carnival pentecost boxing_day good_friday independence_day labor_day memorial_day "
    "columbus_day chinese_new_year new_year's valentine's mother's_day father's_day saint_patrick's"
)


def _any(words: str) -> str:
    return "(?:" + "|".join(sorted((word.replace("_", " ") for word in words.split()), key=len, reverse=True)) + ")"


_SPOKEN = rf"(?:{_any(_TENS)}(?: {_any(_ONES)})?|{_any(_ONES)})"  # below 100
_SMALL = rf"(?:\d{{1,2}}|{_SPOKEN})"  # of a clock, a day or a month
_HUNDREDS = rf"(?:{_SPOKEN} hundred(?:(?: and)? {_SPOKEN})?|{_SPOKEN})"
_N = rf"(?:\d{{1,4}}(?:[.,]\d{{1,3}})*|{_HUNDREDS}(?: (?:million|thousand)(?:(?: and)? {_HUNDREDS}(?: thousand(?:(?: and)? {_HUNDREDS})?)?)?)?)"
_YEAR = rf"(?:(?:19|20)\d\d|(?:nineteen|twenty|two thousand)(?:(?: and| oh)? {_SMALL})?)"
_ORDINAL = rf"(?:\d{{1,2}}(?:st|nd|rd|th)|(?:(?:twenty|thirty) )?{_any(_ORDINALS)})"
_MONTH, _DAY = _any(_MONTHS), _any(_DAYS)
_PART = "(?:(?:early |late )?(?:morning|afternoon|evening|night|midnight|noon|lunchtime|dinner time))"
_NEAR = "(?:this coming|the coming|the following|the previous|the next|the last|this|next|last|coming|following|previous|the|every|on|by|until|till|for)"
_GRAIN = "(?:seconds?|minutes?|hours?|days?|weeks?|weekends?|fortnights?|months?|quarters?|years?|decades?)"
_UNIT = "(?:seconds?|secs?|s|minutes?|mins?|min|hours?|hrs?|hr|h|days?|nights?|weeks?|fortnights?|months?|years?|decades?)"
_SEASON = "(?:spring|summer|autumn|fall|winter)"
_HALF = "(?: and a (?:half|quarter))"
_AMOUNT = rf"(?:{_N}{_HALF}?(?: more)?|an?(?: few| couple of| couple)?|half an?|a half|a quarter of an|three quarters of an|several|a few)"
_MERIDIEM = r"(?:[ap]m|[ap] m)"
_CLOCK = rf"(?:\d{{1,2}}(?::\d\d){{1,2}}|{_SMALL}(?: (?:oh )?{_SMALL})?)"
_WHEN = rf"(?:sharp|tonight|(?:in the|at|this|tomorrow) {_PART}|at night)"

_KINDS: dict[str, tuple[str, ...]] = {
    NUMBER: (rf"(?:(?:minus|negative) )?{_N}(?: point {_N})?{_HALF}?", "an? (?:dozen|couple|half)", rf"a (?:hundred|thousand)(?: (?:and )?{_N})?", "half a dozen"),
    DURATION: (rf"(?:for )?{_AMOUNT} ?{_UNIT}{_HALF}?(?:,? (?:and )?{_AMOUNT} ?{_UNIT})*+",),
    TIME: (
        rf"(?:at )?{_CLOCK} ?{_MERIDIEM}(?: {_WHEN})?",
        r"(?:at )?\d{1,2}:\d\d",
        rf"(?:at )?{_SMALL}(?: {_SMALL})? {_WHEN}",
        rf"(?:at )?{_SMALL} o'?clock(?: {_WHEN})?",
        rf"(?:at )?(?:half|(?:a )?quarter|{_SMALL})(?: minutes?)? (?:past|to|after|before|till|of) {_SMALL}(?: {_MERIDIEM}| {_WHEN})?",
        rf"half {_any(_ONES)}",
        rf"(?:at )?{_SMALL} (?:oh )?{_SMALL}",
        rf"(?:(?:this|in the|at|by) )?(?:{_PART}|midday)",
        "tonight",
    ),
    DATE: (
        "today|tonight|tomorrow|yesterday|(?:the )?day after tomorrow|(?:the )?day before yesterday",
        rf"(?:{_NEAR} )*+(?:{_DAY}|{_GRAIN}|{_MONTH}|{_SEASON}|{_any(_HOLIDAYS)}(?: day| eve| sunday| monday)?)(?: {_YEAR})?",
        rf"(?:{_NEAR} )?{_DAY}(?: (?:next|this|last) week)?",
        rf"(?:(?:on )?{_DAY},? )?(?:the |on the )?{_ORDINAL}(?: of)?(?: (?:{_MONTH}|(?:this|next|last|the) month))?(?:,? {_YEAR})?",
        rf"(?:(?:on )?{_DAY},? )?{_MONTH}(?: the)? (?:{_ORDINAL}|{_SMALL})(?:,? {_YEAR})?",
        rf"(?:(?:on )?{_DAY},? )?{_SMALL}(?: of)? {_MONTH}(?:,? {_YEAR})?",
        r"\d{1,4}[-/.]\d{1,2}(?:[-/.](?:\d{2,4})?)?",
        rf"in {_AMOUNT} (?:days?|weeks?|months?|years?)",
        rf"{_AMOUNT} {_GRAIN} (?:ago|from now|from today|later|from {_DAY}|from tomorrow)",
        rf"(?:the |at the )?(?:end|beginning|start|middle) of (?:the |this |next )?(?:week|month|year|{_MONTH})",
        rf"{_YEAR}",
    ),
}  # fmt: skip
_PATTERNS = {kind: re.compile("|".join(f"(?:{form})" for form in forms)) for kind, forms in _KINDS.items()}
_MOMENT = re.compile(rf"{_AMOUNT} (?:seconds?|minutes?|hours?) ago|in {_AMOUNT} (?:seconds?|minutes?|hours?)|(?:right )?now")
# What the values of a slot of each type may be; the first that fits is it.
_ALLOWED = (
    (NUMBER, {NUMBER}),
    (DURATION, {DURATION}),
    (TIME, {TIME, "hour"}),
    (DATE, {DATE}),
    (DATE_TIME, {DATE, TIME, DATE_TIME, "hour"}),
)


def infer_types(skill: Skill) -> dict[str, str]:
    """The types of the slots whose values in training rows are all of a kind, by label.

    Args:
        skill: of which slots with a type or a catalog are left out, and all if it seems to be in another language than English.
    """
    values: dict[str, set[str]] = defaultdict(set)
    for row in skill.rows("train"):
        for slot in row["slots"] or []:
            if slot["label"] not in skill.slot_types and not skill.catalogs.get(slot["label"]):
                values[slot["label"]].add(row["text"][slot["start"] : slot["end"]])
    if not values or looks_foreign(" ".join(row["text"] for row in skill.rows("train"))):
        return {}
    found = {label: type_of_values(values[label]) for label in sorted(values)}
    return {label: kind for label, kind in found.items() if kind is not None}


def type_of_values(values: set[str]) -> str | None:
    """The type that the values of a slot are of; None if there are too few, or they are of none."""
    plain = {_plain(value) for value in values}
    if len(plain) < LEAST:
        return None
    if all(re.fullmatch(rf"\d{{4}}|{_YEAR}", value) for value in plain):
        return FOUR_DIGITS
    kinds = [kinds_of(value) for value in sorted(plain)]
    for type_name, allowed in _ALLOWED:
        if sum(bool(found & allowed) for found in kinds) >= len(kinds) * (1 - MOST_OTHERS):
            return type_name
    return None


def kinds_of(value: str) -> set[str]:
    """The types that a value can be of; `hour` is a number that may be one of the clock."""
    text = _plain(value)
    if len(text) > MAX_LENGTH:
        return set()
    kinds = {kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(text)}
    if re.fullmatch(_SMALL, text):
        kinds.add("hour")
    return kinds or ({DATE_TIME} if _is_date_with_time(text) else set())


def _is_date_with_time(text: str) -> bool:
    """Whether it is a day and a time of it, in either order, or a moment counted from now."""
    words = text.split()
    for place in range(1, len(words)):
        first, second = " ".join(words[:place]), re.sub(r"^(?:at|in the|on|around|by) ", "", " ".join(words[place:]))
        for date, clock in ((first, second), (second, first)):
            if _PATTERNS[DATE].fullmatch(date.rstrip(",")) and (_PATTERNS[TIME].fullmatch(clock) or re.fullmatch(_SMALL, clock)):
                return True
    return _MOMENT.fullmatch(text) is not None


def _plain(value: str) -> str:
    """The value as it is compared: in lower case, without hyphens between words and stops of abbreviations."""
    text = " ".join(value.lower().replace("\u2019", "'").split())
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", text)
    return re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)


def with_inferred_types(skill: Skill) -> Skill:
    """The skill with the types of [`infer_types`], which the log names."""
    found = infer_types(skill)
    if not found:
        return skill
    told = ", ".join(f"{label}: {kind}" for label, kind in found.items())
    logger.info("skill %s: types told by the values of slots that have none, %s (--no_infer leaves them)", skill.name, told)
    return skill.replace(slot_types={**skill.slot_types, **found})


__all__ = ["infer_types", "kinds_of", "type_of_values", "with_inferred_types"]
