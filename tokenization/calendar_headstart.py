"""From what was meant to values in ISO 8601: moments, spans and repetitions, against a reference time."""

from __future__ import annotations

import datetime
from calendar import monthrange
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NotRequired, TypedDict

from .meanings_headstart import (
    Beside,
    Clock,
    DateTime,
    Day,
    DayPart,
    Decade,
    Duration,
    Elapsed,
    Holiday,
    Interval,
    InYear,
    OnDay,
    Period,
    Quarter,
    Recurrence,
    Run,
    Season,
    Shift,
    Within,
)

LETTERS = {"year": "Y", "month": "M", "week": "W", "day": "D", "hour": "H", "minute": "M", "second": "S"}
SEASONS = {"SP": 3, "SU": 6, "FA": 9, "WI": 12}  # by their first month
DAY = datetime.timedelta(days=1)
NEAR_MONTHS = 3  # in which "friday the fourth" is looked for; further away, somebody erred
LEAP_YEARS = 8  # at most so far apart
OPEN = ".."


class Resolution(TypedDict):
    """One reading of a value.

    Args:
        type: date, time, datetime, interval, duration, recurrence, number, ordinal, quantity, percentage, money, digits, phone, or confirmation.
        value: the value; of moments and durations in ISO 8601, of recurrences an RRULE of RFC 5545.
        grain: of moments and durations, the unit that they are given in.
        unit: of quantities by the Unicode CLDR, of money by ISO 4217.
        time: of a recurrence, the time of day if it has one.
    """

    type: str
    value: str | int | float | bool
    grain: NotRequired[str]
    unit: NotRequired[str]
    time: NotRequired[str]


class Dates(NamedTuple):
    """A date or a period: how it is written, its unit, its first and last day."""

    text: str
    grain: str
    first: datetime.date
    last: datetime.date


def resolve_moment(meaning: Any, now: datetime.datetime) -> list[Resolution]:
    """All readings of a moment, a span or a repetition, the likeliest first; none if there is no such thing (the thirtieth of February)."""
    found: dict[str, Resolution] = {}
    try:
        for reading in _READINGS[type(meaning)](meaning, now):
            found.setdefault(f"{reading['value']} {reading.get('time')}", reading)
    except (OverflowError, ValueError):  # beyond the years that there are
        return []
    return list(found.values())


# Dates


def _dates(meaning: Any, today: datetime.date, is_past: bool = False) -> list[Dates]:
    return _DATES[type(meaning)](meaning, today, is_past)


def _date(day: datetime.date) -> Dates:
    return Dates(day.isoformat(), "day", day, day)


def _month(year: int, month: int) -> Dates:
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return Dates(
        f"{year:04}-{month:02}", "month", datetime.date(year, month, 1), datetime.date(year, month, monthrange(year, month)[1])
    )


def _year(year: int) -> Dates:
    return Dates(f"{year:04}", "year", datetime.date(year, 1, 1), datetime.date(year, 12, 31))


def _week(day: datetime.date, is_end: bool = False) -> Dates:
    year, week, weekday = day.isocalendar()
    monday = day - (weekday - 1) * DAY
    if is_end:
        return Dates(f"{year:04}-W{week:02}-WE", "weekend", monday + 5 * DAY, monday + 6 * DAY)
    return Dates(f"{year:04}-W{week:02}", "week", monday, monday + 6 * DAY)


def _quarter(year: int, number: int) -> Dates:
    year, number = year + (number - 1) // 4, (number - 1) % 4 + 1
    return Dates(f"{year:04}-Q{number}", "quarter", _month(year, 3 * number - 2).first, _month(year, 3 * number).last)


def _decade_of(year: int) -> Dates:
    return Dates(f"{year // 10:03}X", "decade", datetime.date(year, 1, 1), datetime.date(year + 9, 12, 31))


def _season_of(year: int, code: str) -> Dates:
    first = SEASONS[code]
    return Dates(f"{year:04}-{code}", "season", _month(year, first).first, _month(year, first + 2).last)


def _days_of(meaning: Day, today: datetime.date, is_past: bool) -> list[Dates]:
    year, month, day, weekday, which = meaning
    if weekday and not (year or month or day):
        return _weekdays_of(weekday, "last" if is_past and which == "coming" else which, today)
    if year is not None:
        known = _year(year) if month is None else _month(year, month) if day is None else _exactly(year, month, day)
        return [known] if known and (weekday is None or known.first.isoweekday() == weekday) and (month or not day) else []
    if which == "this" and day is None and month:
        return [_month(today.year, month)]
    is_last = which == "last" or is_past
    # Every month or year around today in which there is such a day, nearest first.
    steps = (
        range(12 * LEAP_YEARS)
        if month is None
        else [n for n in range(12 * LEAP_YEARS + 12) if (today.month - 1 + (-n if is_last else n)) % 12 == month - 1]
    )
    if month is None and weekday is not None:
        steps = steps[:NEAR_MONTHS]
    for step in steps:
        place = _month(today.year, today.month + (-step if is_last else step))
        found = place if day is None else _exactly(place.first.year, place.first.month, day)
        if found is None or (weekday is not None and not month and found.first.isoweekday() != weekday):
            continue
        if is_last and found.first > today or is_last and which == "last" and found.last >= today:
            continue
        if not is_last and (found.last < today or which == "next" and found.first <= today):
            continue
        # Of the next such day, a weekday that isn't its own is a mistake.
        return [found] if weekday is None or found.first.isoweekday() == weekday else []
    return []


def _exactly(year: int, month: int | None, day: int) -> Dates | None:
    if month is None or not 1 <= day <= monthrange(year, month)[1]:
        return None
    return _date(datetime.date(year, month, day))


def _weekdays_of(weekday: int, which: str, today: datetime.date) -> list[Dates]:
    """A bare weekday is the one after today; the next one, that of the next week or the coming one."""
    ahead = (weekday - today.isoweekday()) % 7
    coming = today + (ahead or 7) * DAY
    if which == "this":
        return [_date(today + ahead * DAY)]
    if which == "last":
        return [_date(today - ((-ahead) % 7 or 7) * DAY)]
    if which == "second":
        return [_date(coming + 7 * DAY)]
    if which == "second_last":
        return [_date(today - ((-ahead) % 7 or 7) * DAY - 7 * DAY)]
    if which == "next":
        of_week = _week(today).last + weekday * DAY
        return [_date(of_week), *([_date(coming)] if coming != of_week else [])]
    return [_date(coming)]


def _shifted(meaning: Shift, today: datetime.date, is_past: bool) -> list[Dates]:
    bases = [_date(today)] if meaning.base is None else _dates(meaning.base, today, False)
    return [_same_grain(base, _moved(base.first, meaning.parts)) for base in bases]


def _same_grain(base: Dates, day: datetime.date) -> Dates:
    return {"month": _month(day.year, day.month), "year": _year(day.year), "week": _week(day), "weekend": _week(day, True)}.get(
        base.grain, _date(day)
    )


def _moved(day: datetime.date, parts: Any) -> datetime.date:
    for unit, count in parts:
        if unit in ("month", "year"):
            place = _month(day.year, day.month + count * (12 if unit == "year" else 1))
            day = place.first + (min(day.day, place.last.day) - 1) * DAY
        else:
            day += count * (7 if unit == "week" else 1) * DAY
    return day


def _periods(meaning: Period, today: datetime.date, is_past: bool) -> list[Dates]:
    unit, by = meaning
    if unit == "weekend":
        # That of this week, and the next one of the next, or the coming one if this week's isn't there yet.
        found = [_week(today + 7 * by * DAY, True)]
        return found + [_week(today, True)] if by == 1 and today.isoweekday() < 6 else found
    return [_period(unit, by, today)]


def _period(unit: str, by: int, today: datetime.date) -> Dates:
    if unit == "week":
        return _week(today + 7 * by * DAY)
    if unit == "month":
        return _month(today.year, today.month + by)
    if unit == "quarter":
        return _quarter(today.year, (today.month + 2) // 3 + by)
    if unit == "year":
        return _year(today.year + by)
    if unit == "weekend":
        return _week(today + 7 * by * DAY, True)
    if unit == "decade":
        return _decade_of(today.year // 10 * 10 + 10 * by)
    return _date(today + by * DAY)


def _within(meaning: Within, today: datetime.date, is_past: bool) -> list[Dates]:
    found = []
    for period in _dates(meaning.period, today, is_past):
        day = _day_within(meaning, period)
        is_open = isinstance(meaning.period, Day) and meaning.period.year is None and meaning.period.which == "coming"
        if day and day < today and is_open and not is_past:  # "the first monday in november", when it is over: next year's
            day = _day_within(meaning, _month(period.first.year + 1, period.first.month))
        if day:
            found.append(_date(day))
    return found


def _day_within(meaning: Within, period: Dates) -> datetime.date | None:
    number = 1 if meaning.number is None else meaning.number
    if meaning.number is None and period.grain not in ("week", "weekend"):
        return None  # "friday of next month": which?
    step = 1 if meaning.weekday is None else 7
    ahead = 0 if meaning.weekday is None else (meaning.weekday - period.first.isoweekday()) % 7
    if number < 0:
        behind = 0 if meaning.weekday is None else (period.last.isoweekday() - meaning.weekday) % 7
        day = period.last - (behind + step * (-1 - number)) * DAY
    else:
        day = period.first + (ahead + step * (number - 1)) * DAY
    return day if period.first <= day <= period.last else None


def _coming(of_year: Callable[[int], Dates | None], today: datetime.date, which: str, year: int | None) -> list[Dates]:
    """What there is once a year."""
    if year is not None or which == "this":
        found = of_year(year or today.year)
        return [found] if found else []
    ways = range(today.year, today.year - 3, -1) if which == "last" else range(today.year - 1, today.year + 3)
    for candidate in ways:
        found = of_year(candidate)
        if found and (found.last < today if which == "last" else found.first > today if which == "next" else found.last >= today):
            return [found]
    return []


def _quarters(meaning: Quarter, today: datetime.date, is_past: bool) -> list[Dates]:
    return _coming(lambda year: _quarter(year, meaning.number), today, "coming", meaning.year)


def _holidays(meaning: Holiday, today: datetime.date, is_past: bool) -> list[Dates]:
    which = "last" if is_past and meaning.which == "coming" else meaning.which
    return _coming(lambda year: _holiday_of(meaning.rule, year), today, which, meaning.year)


def _holiday_of(rule: str, year: int) -> Dates | None:
    kind, *numbers = rule.split("/")
    if kind == "easter":
        return _date(_easter(year) + int(numbers[0]) * DAY)
    if len(numbers) == 1:
        return _exactly(year, int(kind), int(numbers[0]))
    day = _day_within(Within(None, int(numbers[1]), int(numbers[0])), _month(year, int(kind)))
    return _date(day + (int(numbers[2]) if len(numbers) > 2 else 0) * DAY) if day else None


def _easter(year: int) -> datetime.date:
    """Easter Sunday of the Gregorian calendar, by the algorithm published anonymously in Nature, 1876."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + k - 7 * ((a + 11 * h + 22 * k) // 451) + 114, 31)
    return datetime.date(year, month, day + 1)


def _seasons(meaning: Season, today: datetime.date, is_past: bool) -> list[Dates]:
    def find(which: str) -> list[Dates]:
        return _coming(lambda year: _season_of(year, meaning.code), today, which, meaning.year)

    if meaning.which != "this":
        return find(meaning.which)
    coming = find("coming")
    # "This spring" in autumn: the one that was, or else the one to come.
    return coming if coming and coming[0].first <= today else [*dict.fromkeys([*find("this"), *coming])]


def _of_year(meaning: InYear, today: datetime.date, is_past: bool) -> list[Dates]:
    return _dates(meaning.date._replace(year=today.year + meaning.by), today)


def _beside(meaning: Beside, today: datetime.date, is_past: bool) -> list[Dates]:
    bases = _dates(meaning.base, today)
    return [one for base in bases for one in _weekdays_of(meaning.weekday, "coming" if meaning.sign > 0 else "last", base.first)]


def _decades(meaning: Decade, today: datetime.date, is_past: bool) -> list[Dates]:
    return [_decade_of(meaning.year)]


_DATES: dict[type, Callable[[Any, datetime.date, bool], list[Dates]]] = {
    InYear: _of_year,
    Beside: _beside,
    Day: _days_of, Shift: _shifted, Period: _periods, Within: _within, Quarter: _quarters, Holiday: _holidays, Season: _seasons, Decade: _decades,
}  # fmt: skip


# Times


def _hours(clock: Clock) -> list[int]:
    """The hours that it may be, on a clock of 24."""
    if clock.half in ("fixed", "midnight", "after midnight"):
        return [clock.hour]
    early, late = (0, 12) if clock.hour == 12 else (clock.hour, clock.hour + 12)
    if clock.half is not None:
        return [early if clock.half == "am" else late]
    return [late, early] if clock.hour == 12 else [early, late]


def _times(clock: Clock) -> list[datetime.time]:
    return [datetime.time(hour % 24, clock.minute, clock.second) for hour in _hours(clock)]


def _time_text(time: datetime.time, grain: str) -> str:
    return time.strftime("%H:%M:%S" if grain == "second" else "%H:%M")


def _read_time(meaning: Clock | DayPart, now: datetime.datetime) -> Iterator[Resolution]:
    if isinstance(meaning, DayPart):
        yield {"type": "time", "value": f"T{meaning.part}", "grain": "daypart"}
    else:
        for time in _times(meaning):
            yield {"type": "time", "value": f"T{_time_text(time, meaning.grain)}", "grain": meaning.grain}


def _moment(when: datetime.datetime, grain: str) -> str:
    return f"{when.date().isoformat()}T{_time_text(when.time(), grain)}"


def _read_date(meaning: Any, now: datetime.datetime) -> Iterator[Resolution]:
    for found in _dates(meaning, now.date()):
        yield {"type": "date", "value": found.text, "grain": found.grain}


def _moments(meaning: DateTime, now: datetime.datetime) -> list[datetime.datetime]:
    days = [found.first for found in _dates(meaning.date, now.date()) if found.grain == "day"]
    if not isinstance(meaning.time, Clock):
        return []
    # The midnight that begins the day, and the one that ends it.
    ahead = {"midnight": (0, 1), "after midnight": (1,)}.get(meaning.time.half or "", (0,))
    return [datetime.datetime.combine(day + more * DAY, time) for day in days for more in ahead for time in _times(meaning.time)]


def _read_date_time(meaning: DateTime, now: datetime.datetime) -> Iterator[Resolution]:
    if isinstance(meaning.time, Clock):
        for moment in _moments(meaning, now):
            yield {"type": "datetime", "value": _moment(moment, meaning.time.grain), "grain": meaning.time.grain}
        return
    for found in _dates(meaning.date, now.date()):
        if found.grain == "day":
            yield {"type": "datetime", "value": f"{found.text}T{meaning.time.part}", "grain": "daypart"}


def _elapsed(meaning: Elapsed, now: datetime.datetime) -> tuple[datetime.datetime, str]:
    whole = [(unit, count) for unit, count in meaning.parts if unit in ("year", "month", "week", "day")]
    seconds = sum(
        count * {"hour": 3600, "minute": 60, "second": 1}[unit] for unit, count in meaning.parts if (unit, count) not in whole
    )
    when = datetime.datetime.combine(_moved(now.date(), whole), now.timetz())
    if when.tzinfo is not None:  # an hour is an hour, also where clocks are put forward
        when = (when.astimezone(datetime.UTC) + datetime.timedelta(seconds=seconds)).astimezone(when.tzinfo)
    else:
        when += datetime.timedelta(seconds=seconds)
    return when, "second" if meaning.parts[-1][0] == "second" else "minute"


def _read_elapsed(meaning: Elapsed, now: datetime.datetime) -> Iterator[Resolution]:
    when, grain = _elapsed(meaning, now)
    yield {"type": "datetime", "value": _moment(when, grain), "grain": grain}


# Spans


def _number(count: Any) -> str:
    return "X" if count is None else str(count)


def _read_duration(meaning: Duration, now: datetime.datetime) -> Iterator[Resolution]:
    texts = {False: "", True: ""}
    for unit, count in meaning.parts:
        texts[unit in ("hour", "minute", "second")] += _number(count) + LETTERS[unit]
    yield {
        "type": "duration",
        "value": f"P{texts[False]}{'T' if texts[True] else ''}{texts[True]}",
        "grain": meaning.parts[-1][0],
    }


def _read_interval(meaning: Interval, now: datetime.datetime) -> Iterator[Resolution]:
    for start, end, grain in _ends(meaning, now):
        yield {"type": "interval", "value": f"{start}/{end}", "grain": grain}


def _ends(meaning: Interval, now: datetime.datetime) -> Iterator[tuple[str, str, str]]:
    """Start, end and grain of each reading."""
    start, end, is_past = meaning
    if start is None or end is None:
        read = _READINGS[type(end if start is None else start)]
        if is_past and type(start) in _DATES:
            found = _dates(start, now.date(), True)
            yield from ((one.text, OPEN, one.grain) for one in found)
            return
        for one in read(end if start is None else start, now):
            yield (OPEN, str(one["value"]), one["grain"]) if start is None else (str(one["value"]), OPEN, one["grain"])
    elif isinstance(start, Clock) and isinstance(end, Clock):
        grain = end.grain if end.grain == start.grain else "minute"
        for first, last in _time_pairs(start, end):
            yield f"T{_time_text(first, grain)}", f"T{_time_text(last, grain)}", grain
    elif isinstance(start, DateTime) and isinstance(end, (Clock, DateTime)):
        yield from _moment_pairs(start, end, now)
    elif type(start) in _DATES and type(end) in _DATES:
        for begin in _dates(start, now.date()):
            # What comes on its own ("friday", "the tenth") is looked for from the start on.
            place = begin.first if isinstance(end, (Day, Holiday, Within)) else now.date()
            for finish in _dates(end, place):
                if finish.first >= begin.first:
                    yield begin.text, finish.text, finish.grain


def _time_pairs(start: Clock, end: Clock) -> list[tuple[datetime.time, datetime.time]]:
    """What may begin and end: if one half of the day was said, it is both's as far as that goes, and the end is less than half a day away."""
    if start.half is None and end.half is not None:
        last = _times(end)[0]
        before = sorted(_times(start), key=lambda first: _minutes(first, last))
        return [(before[0], last)]
    return [(first, min(_times(end), key=lambda last: _minutes(first, last))) for first in _times(start)]


def _minutes(first: datetime.time, last: datetime.time) -> int:
    """From one to the other, at least one and at most a day."""
    return (60 * (last.hour - first.hour) + last.minute - first.minute - 1) % 1440 + 1


def _moment_pairs(start: DateTime, end: Clock | DateTime, now: datetime.datetime) -> Iterator[tuple[str, str, str]]:
    if isinstance(start.time, DayPart) or isinstance(end, DateTime) and isinstance(end.time, DayPart):
        return
    if isinstance(end, Clock):
        yield from _on_days(OnDay(start.date, Interval(start.time, end)), now)
        return
    if isinstance(end.time, Clock):
        for first, last in _time_pairs(start.time, end.time):
            for one in _dates(start.date, now.date()):
                begin = datetime.datetime.combine(one.first, first)
                for other in _dates(end.date, one.first if isinstance(end.date, Day) else now.date()):
                    finish = datetime.datetime.combine(other.first, last)
                    if finish > begin and one.grain == other.grain == "day":
                        yield _moment(begin, "minute"), _moment(finish, "minute"), "minute"


def _on_days(meaning: OnDay, now: datetime.datetime) -> Iterator[tuple[str, str, str]]:
    start, end, _ = meaning.interval
    days = [found.first for found in _dates(meaning.date, now.date()) if found.grain == "day"]
    for day in days:
        if start is not None and end is not None:
            for first, last in _time_pairs(start, end):
                ahead = DAY if last <= first else 0 * DAY
                begin, finish = datetime.datetime.combine(day, first), datetime.datetime.combine(day + ahead, last)
                yield _moment(begin, "minute"), _moment(finish, "minute"), "minute"
        else:
            for time in _times(start or end):
                text = _moment(datetime.datetime.combine(day, time), "minute")
                yield (OPEN, text, "minute") if start is None else (text, OPEN, "minute")


def _read_on_day(meaning: OnDay, now: datetime.datetime) -> Iterator[Resolution]:
    for start, end, grain in _on_days(meaning, now):
        yield {"type": "interval", "value": f"{start}/{end}", "grain": grain}


def _read_run(meaning: Run, now: datetime.datetime) -> Iterator[Resolution]:
    unit, count = meaning
    if unit in ("hour", "minute", "second"):
        grain = "second" if unit == "second" else "minute"
        ends = sorted([(now, grain), _elapsed(Elapsed(((unit, count),)), now)], reverse=count < 0)
        texts = [_moment(when, grain) for when, _ in (ends if count > 0 else ends[::-1])]
    else:
        grain = unit
        texts = [_period(unit, by, now.date()).text for by in ((1, count) if count > 0 else (count, -1))]
    yield {"type": "interval", "value": "/".join(texts), "grain": grain}


def _read_recurrence(meaning: Recurrence, now: datetime.datetime) -> Iterator[Resolution]:
    found: Resolution = {"type": "recurrence", "value": ";".join(f"{name}={value}" for name, value in meaning.rule)}
    if meaning.time is None:
        yield found
    else:
        for time in _read_time(meaning.time, now):
            yield {**found, "time": str(time["value"])}


_READINGS: dict[type, Callable[[Any, datetime.datetime], Iterator[Resolution]]] = {
    Clock: _read_time, DayPart: _read_time, DateTime: _read_date_time, Elapsed: _read_elapsed, Duration: _read_duration,
    Interval: _read_interval, OnDay: _read_on_day, Run: _read_run, Recurrence: _read_recurrence, **dict.fromkeys(_DATES, _read_date),
}  # fmt: skip

__all__ = ["Resolution", "resolve_moment"]
