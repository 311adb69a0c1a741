"""What spoken values mean before anybody asks when: amounts, and moments, spans and repetitions that are relative to a reference time."""

from __future__ import annotations

from typing import Any, NamedTuple

Number = int | float


class Amount(NamedTuple):
    """A number of something, such as kilometers or dollars."""

    number: Number
    unit: str


class Clock(NamedTuple):
    """A time of day.

    Args:
        hour, minute, second: as said.
        half: `am` or `pm`; `fixed`: said on a clock of 24 hours; `midnight`: said as that; `after midnight`: before the end of the night; None: it may be either half of the day.
        grain: hour, minute or second.
    """

    hour: int
    minute: int = 0
    second: int = 0
    half: str | None = None
    grain: str = "minute"


class DayPart(NamedTuple):
    """A part of the day in TimeML's code: MO, AF, EV, NI."""

    part: str


class Day(NamedTuple):
    """A date, or as much of it as was said; `which`: coming, this, next, last, second (the one after the next), second_last."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None
    which: str = "coming"


class Shift(NamedTuple):
    """So many days, weeks, months or years after another date, or before it; None: the reference."""

    parts: tuple[tuple[str, Number], ...]
    base: Any = None


class Period(NamedTuple):
    """This (0), the next (1), the last (-1) week, weekend, month, quarter, year or decade."""

    unit: str
    by: int


class Within(NamedTuple):
    """A day of a period: its weekday, its n-th weekday, or its n-th day (counted from the end if n is below 0)."""

    period: Any
    weekday: int | None = None
    number: int | None = None


class Quarter(NamedTuple):
    """A quarter of a year; None: the coming one."""

    number: int
    year: int | None = None


class Holiday(NamedTuple):
    """A day with a name, by its rule: `12/25`, `easter/-2`, `11/4/4` (fourth Thursday of November; below 0: from the end), `11/4/4/1` (the day after that)."""

    rule: str
    which: str = "coming"
    year: int | None = None


class Season(NamedTuple):
    """SP, SU, FA or WI."""

    code: str
    which: str = "coming"
    year: int | None = None


class InYear(NamedTuple):
    """What there is once a year, in this year (0), the next (1), the last (-1)."""

    date: Any
    by: int


class Beside(NamedTuple):
    """The first such weekday after another date, or before it."""

    base: Any
    weekday: int
    sign: int = 1


class Decade(NamedTuple):
    """Ten years, by the first one."""

    year: int


class DateTime(NamedTuple):
    """A time on a date."""

    date: Any
    time: Clock | DayPart


class Elapsed(NamedTuple):
    """So much time after now, or before."""

    parts: tuple[tuple[str, Number], ...]


class Duration(NamedTuple):
    """Units and how many of each; None: some."""

    parts: tuple[tuple[str, Number | None], ...]


class Interval(NamedTuple):
    """From one moment to another; None: open; `is_past`: its start is over ("since")."""

    start: Any
    end: Any
    is_past: bool = False


class OnDay(NamedTuple):
    """An interval of times on a date."""

    date: Any
    interval: Interval


class Run(NamedTuple):
    """The next (or, below 0, the last) so many units."""

    unit: str
    number: int


class Recurrence(NamedTuple):
    """What is repeated: the fields of an RRULE (RFC 5545) in order, and the time of day."""

    rule: tuple[tuple[str, str], ...]
    time: Clock | DayPart | None = None


__all__ = [
    "Amount",
    "Beside",
    "Clock",
    "DateTime",
    "Day",
    "DayPart",
    "Decade",
    "Duration",
    "Elapsed",
    "Holiday",
    "InYear",
    "Interval",
    "Number",
    "OnDay",
    "Period",
    "Quarter",
    "Recurrence",
    "Run",
    "Season",
    "Shift",
    "Within",
]
