"""The built-in slot types of voice platforms whose values can be resolved, by the names that files have, and what each is resolved as.

A type is found by the name that files have: `AMAZON.DATE` or `DATE`, `@sys.date`, `snips/date`, `builtin.datetimeV2.date`, `wit/datetime`,
`duckling/time`; case, blanks and `_ - . /` don't matter.
"""

from __future__ import annotations

import re
from functools import cache

# By kind of value, how the platforms call it. Where two platforms mean different things by the same name, the first line has it without the
# platform's prefix.
TYPE_NAMES = {
    "number": "AMAZON.NUMBER @sys.cardinal @sys.number-integer actions.type.Number",
    "any_number": "@sys.number builtin.number number snips/number wit/number duckling/number duckling/numeral",
    "four_digits": "AMAZON.FOUR_DIGIT_NUMBER",
    "ordinal": "AMAZON.Ordinal @sys.ordinal builtin.ordinal builtin.ordinalV2 snips/ordinal wit/ordinal duckling/ordinal",
    "number_sequence": "@sys.number-sequence",
    "digit": "AMAZON.Digit",
    "percentage": "AMAZON.Percentage @sys.percentage builtin.percentage snips/percentage",
    "temperature": "AMAZON.Temperature @sys.temperature builtin.temperature snips/temperature wit/temperature duckling/temperature",
    "age": "@sys.age builtin.age wit/age_of_person",
    "dimension": "builtin.dimension",
    "length": "@sys.unit-length wit/distance duckling/distance",
    "weight": "@sys.unit-weight",
    "volume": "@sys.unit-volume wit/volume duckling/volume",
    "area": "@sys.unit-area",
    "speed": "@sys.unit-speed",
    "data_amount": "@sys.unit-information",
    "quantity": "wit/quantity duckling/quantity",
    "money": "@sys.unit-currency builtin.currency builtin.money snips/amountOfMoney wit/amount_of_money duckling/amount-of-money",
    "date": "AMAZON.DATE @sys.date builtin.datetimeV2.date snips/date actions.type.Date",
    "date_range": "@sys.date-period builtin.datetimeV2.daterange snips/datePeriod",
    "time": "AMAZON.TIME @sys.time builtin.datetimeV2.time snips/time actions.type.Time",
    "time_range": "@sys.time-period builtin.datetimeV2.timerange snips/timePeriod",
    "date_time": "@sys.date-time-period builtin.datetimeV2.datetime builtin.datetimeV2.datetimerange",
    "any_time": "@sys.date-time snips/datetime wit/datetime duckling/time actions.type.DateTime",
    "luis_time": "builtin.datetimeV2",
    "repeat_time": "builtin.datetimeV2.set",
    "duration": """AMAZON.DURATION @sys.duration @sys.unit-duration builtin.datetimeV2.duration snips/duration wit/duration
        duckling/duration""",
    "weekday_value": "AMAZON.DayOfWeek",
    "month_value": "AMAZON.Month",
    "season_value": "AMAZON.Season",
    "zip_code": "@sys.zip-code",
    "confirmation": "AMAZON.Confirmation",
    "phone_number": "AMAZON.PhoneNumber @sys.phone-number builtin.phonenumber wit/phone_number duckling/phone-number",
}

_MOMENTS = ("DATE_TIME", "DATE", "TIME", "INTERVAL", "RECURRENCE")
_QUANTITY = ("QUANTITY",)
# By kind, the categories of a language's grammar that a value is read as; the first one that reads all of it has it.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "number": ("NUMBER",), "any_number": ("NUMBER",), "four_digits": ("FOUR_DIGITS",), "ordinal": ("ORDINAL_NUMBER",), "number_sequence": ("DIGITS",),
    "digit": ("NUMBER",), "percentage": ("PERCENTAGE",), "temperature": ("TEMPERATURE",), "age": ("AGE",), "dimension": _QUANTITY,
    "length": _QUANTITY, "weight": _QUANTITY, "volume": _QUANTITY, "area": _QUANTITY, "speed": _QUANTITY, "data_amount": _QUANTITY,
    "quantity": _QUANTITY, "money": ("MONEY",), "date": ("DATE", "DATE_TIME", "INTERVAL", "RECURRENCE"), "date_range": ("INTERVAL", "DATE", "DATE_TIME"),
    "time": ("TIME", "DATE_TIME", "INTERVAL", "RECURRENCE", "DAY"), "time_range": ("INTERVAL", "TIME", "DATE_TIME"), "date_time": _MOMENTS,
    "any_time": _MOMENTS, "luis_time": (*_MOMENTS, "DURATION"), "repeat_time": ("RECURRENCE", "TIME", "DATE_TIME", "DATE", "INTERVAL"), "duration": ("DURATION",), "weekday_value": ("DATE", "RECURRENCE"),
    "month_value": ("DATE",), "season_value": ("DATE",), "zip_code": ("DIGITS",), "confirmation": ("CONFIRMATION",), "phone_number": ("PHONE",),
}  # fmt: skip


def categories_of(slot_type: str) -> tuple[str, ...]:
    """What values of a built-in type are read as, in order; nothing if they can't be resolved, or there is no such type."""
    return CATEGORIES.get(kind_of_type(slot_type) or "", ())


def kind_of_type(slot_type: str) -> str | None:
    """The line of [`TYPE_NAMES`] that a type's name is found in."""
    key = type_key(slot_type)
    index = _index()
    return index.get(key) or index.get(without_platform(key))


@cache
def _index() -> dict[str, str]:
    return index_of(TYPE_NAMES)


def index_of(names: dict[str, str]) -> dict[str, str]:
    """From what types' names become in [`type_key`], with and without the platform, to the line that they stand in."""
    index: dict[str, str] = {}
    for line, aliases in names.items():
        for alias in map(type_key, aliases.split()):
            index[alias] = line
            index.setdefault(without_platform(alias), line)
    return index


def type_key(slot_type: str) -> str:
    """A type's name without what doesn't matter in it."""
    return re.sub(r"[\s_\-]+", "", slot_type.lower()).lstrip("@")


def without_platform(key: str) -> str:
    """A key without the platform's prefix."""
    key = re.sub(r"^(amazon\.|sys[.:]|snips/|builtin[.:]|wit[/$]|duckling[/.:]|actions\.type\.)", "", key)
    return re.sub(r"[./]", "", key)


__all__ = ["CATEGORIES", "TYPE_NAMES", "categories_of", "index_of", "kind_of_type", "type_key", "without_platform"]
