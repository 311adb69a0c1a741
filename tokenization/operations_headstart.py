"""What the meanings in a language's table are made with ([`OPERATIONS`]): none of them knows a word of any language. One that gives None says that
the words don't go together.
"""

from __future__ import annotations

from typing import Any

from .grammar_headstart import MAX_DIGITS, Operation
from .meanings_headstart import (
    Amount,
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
    Number,
    OnDay,
    Period,
    Quarter,
    Recurrence,
    Run,
    Season,
    Shift,
    Within,
)

DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Half of the day in which an hour is said with a part of it: from and to which hour (of twelve) it is that after noon.
AFTER_NOON = {"MO": (0, 0), "AF": (1, 11), "EV": (3, 11), "NI": (6, 11)}
HOURS_OF_PART = {"MO": (0, 13), "AF": (12, 19), "EV": (15, 24), "NI": (17, 24)}  # on a clock of 24
BARE_MINUTES = {5, 10, *range(13, 30)}  # said before an hour without "minutes"
LATEST_OF_NIGHT = 6  # o'clock
CALENDAR_UNITS = ("day", "week", "month", "year")
SMALLER = {
    "year": ("month", 12),
    "month": ("day", 30),
    "week": ("day", 7),
    "day": ("hour", 24),
    "hour": ("minute", 60),
    "minute": ("second", 60),
}
FREQUENCIES = {
    "year": "YEARLY", "month": "MONTHLY", "week": "WEEKLY", "day": "DAILY", "hour": "HOURLY", "minute": "MINUTELY", "second": "SECONDLY"
}  # fmt: skip
LARGER = {
    "decade": ("year", 10),
    "century": ("year", 100),
    "quarter": ("month", 3),
    "fortnight": ("week", 2),
    "millisecond": ("second", 0.001),
}


def _tidy(number: Number) -> Number:
    """Whole numbers as such, and none with the errors of binary fractions."""
    if isinstance(number, int):
        return number
    number = float(f"{number:.15g}")
    return int(number) if number.is_integer() else number


# Numbers


def _integer(digits: str) -> int:
    return int(digits)


def _two_digits(digits: str) -> int | None:
    return int(digits) if len(digits) == 2 else None


def _written_digit(digits: str) -> int | None:
    return int(digits) if len(digits) == 1 and digits != "0" else None


def _written_below100(digits: str) -> int | None:
    return int(digits) if len(digits) < 3 and int(digits) else None


def _real(digits: str) -> Number:
    return _tidy(float(digits))


def _plus(left: Number, right: Number, ceiling: Number | None = None) -> Number | None:
    """A number and what is added to it: "twenty" and "five", "hundred" and "five", but not "twenty" and "ten"."""
    room = 1 if ceiling is None else ceiling
    while ceiling is None and left and left % (room * 10) == 0:
        room *= 10
    return left + right if left and 0 < right < room else None


def _times(left: Number, right: Number, least: int = 0) -> Number | None:
    return _tidy(left * right) if left >= least else None


def _times_and_part(right: Number, fraction: Number, left: Number = 1) -> Number:
    """ "two million and a half" """
    return _tidy((left + fraction) * right)


def _pair(left: int, right: int) -> int | None:
    """Two numbers for one: "nineteen eighty four", "one twenty five"."""
    is_guess = left >= 30 and left % 10 == right % 10 == 0  # "sixty seventy"
    return left * 100 + right if 0 < left < 100 and 0 <= right < 100 and not is_guess else None


def _decimal(digits: str, number: Number = 0) -> Number | None:
    return _tidy(float(f"{number}.{digits}")) if isinstance(number, int) else None


def _negative(number: Number) -> Number | None:
    return -number if number > 0 else None


def _mixed(number: Number, fraction: Number) -> Number:
    return _tidy(number + fraction)


def _ratio(ratio: tuple[str, ...]) -> Number | None:
    """ "3/4", which a date might be, too: the day is its first part"""
    if len(ratio) > 2:
        return None
    parts, number = map(int, ratio)
    return _tidy(number / parts) if 0 < number < parts else None


def _share(number: Number, parts: Number) -> Number | None:
    """ "two thirds" """
    return _tidy(number / parts) if parts > 1 else None


def _text(number: Number) -> str:
    return str(number)


def _digits(number: str) -> str:
    """Digits that are written with dots between them."""
    return number.replace(".", "")


def _join(first: str, rest: str) -> str:
    return first + rest


def _repeat(digit: str, times: int) -> str:
    return digit * times


def _long(digits: str, least: int, most: int, plus: int = 0) -> str | None:
    return "+" * plus + digits if least <= len(digits) <= most else None


def _long_number(digits: str, least: int) -> int | None:
    return int(digits) if least <= len(digits) <= MAX_DIGITS else None


def _truth(truth: int) -> bool:
    return bool(truth)


def _amount(number: Number, unit: str, more: Number = 0, parts: int = 1, sign: int = 1) -> Amount | None:
    """So many units; `more` of which `parts` make one come on top: "five dollars twenty", "one meter eighty". `USD/100` is a hundredth of USD."""
    name, _, share = unit.partition("/")
    if more:
        number = _tidy(number + more / parts)
    return Amount(sign * (_tidy(number / int(share)) if share else number), name) if not more or more < max(parts, 2) else None


def _small_units(number: Number, more: Number, parts: int, unit: str) -> Amount | None:
    """ "five foot ten" in inches: `parts` of them are one of the larger unit."""
    return Amount(_tidy(number * parts + more), unit) if more < parts else None


# Times


def _clock(hour: int, minute: int = 0, half: str | None = None, second: int = 0, grain: str = "minute") -> Clock | None:
    if not (0 <= hour <= 24 and 0 <= minute < 60 and 0 <= second < 60) or (hour == 24 and minute):
        return None
    if hour == 0 or hour > 12:
        if half not in (None, "fixed", "midnight") and not (half == "pm" and hour > 12):
            return None
        half = half if half == "midnight" else "fixed"
    return Clock(hour % 24, minute, second, half, grain)


def _written_clock(clock: tuple[str, ...], half: str | None = None) -> Clock | None:
    fixed = "fixed" if clock[0].startswith("0") and half in (None, "am" if int(clock[0]) == 0 else None) else half
    return _clock(
        int(clock[0]), int(clock[1]), fixed, int(clock[2]) if len(clock) > 2 else 0, "second" if len(clock) > 2 else "minute"
    )


def _dotted_clock(number: str, half: str | None = None) -> Clock | None:
    hour, _, minute = number.partition(".")
    return _clock(int(hour or 99), int(minute), half) if len(minute) == 2 else None


def _written_hour(hour: str) -> Clock | None:
    return _clock(int(hour), 0, "fixed" if hour.startswith("0") else None, 0, "hour") if len(hour) < 3 else None


def _hundred_and(hour: int, minute: int = 0, half: str | None = None) -> Clock | None:
    """ "eighteen hundred", "five hundred and thirty" """
    return _clock(hour, minute, half or "fixed") if half is None or hour < 13 else None


def _compact_clock(digits: str, half: str | None = None) -> Clock | None:
    """ "930", "0930" """
    if not 3 <= len(digits) <= 4:
        return None
    return _clock(int(digits[:-2]), int(digits[-2:]), "fixed" if digits.startswith("0") else half)


def _past(time: Clock, minute: int, sign: int = 1, bare: int = 0) -> Clock | None:
    """Minutes after an hour, or (sign -1) before it. Of `bare` numbers, "twenty to nine" is a time and "nine to five" two of them."""
    if time.minute or not 0 < minute < 60 or (bare and (time.half == "fixed" or minute not in BARE_MINUTES)):
        return None
    if sign > 0:
        return time._replace(minute=minute, grain="minute", half="am" if time.half == "midnight" else time.half)
    hour, half = (time.hour - 1) % 24, time.half
    if half == "midnight":
        return Clock(23, 60 - minute, half="fixed")
    if half in ("am", "pm") and time.hour in (12, 1):  # "ten to twelve pm" is before noon
        half = half if time.hour == 1 else "am" if half == "pm" else "pm"
    return Clock(hour or 12 if half != "fixed" else hour, 60 - minute, 0, half)


def _in_part(time: Clock, part: str) -> Clock | None:
    """A time that is said with its part of the day: "seven in the evening". A night ends after midnight."""
    if time.half not in (None, "midnight"):
        if part == "NI" and time.half == "am" and time.hour % 12 < LATEST_OF_NIGHT:
            return time._replace(half="after midnight", hour=time.hour % 12)
        return time if _is_in_part(time, part) else None
    least, most = AFTER_NOON[part]
    if part == "NI" and not least <= time.hour <= most or time.half == "midnight":
        return time._replace(half="after midnight", hour=time.hour % 12)
    if time.hour == 12:
        return time._replace(half="pm" if part == "AF" else "am")
    return time._replace(half="pm" if least <= time.hour <= most else "am")


def _is_in_part(time: Clock, part: str) -> bool:
    """Whether a time whose half of the day was said can be in a part of it, too: none is at seven pm in the morning."""
    hour = time.hour % 12 + 12 * (time.half == "pm") if time.half in ("am", "pm") else time.hour
    least, most = HOURS_OF_PART[part]
    return least <= hour < most or (part == "NI" and hour < LATEST_OF_NIGHT)


def _with_half(time: Clock, half: str, part: str | None = None) -> Clock | None:
    found = time._replace(half=half) if time.half is None else None
    return found if found is None or part is None or _is_in_part(found, part) else None


def _day_part(part: str) -> DayPart:
    return DayPart(part)


# Dates


def _day(
    month: int | None = None, day: int | None = None, year: int | None = None, weekday: int | None = None, which: str = "coming"
) -> Day | None:
    if day is not None and not 1 <= day <= (31 if month is None else 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31):
        return None
    if month is not None and not 1 <= month <= 12 or not _is_year(year):
        return None
    return Day(year, month, day, weekday, which)


def _written_date(date: tuple[str, ...], weekday: int | None = None) -> Day | None:
    """Year first where it has four digits; else day, month and year."""
    first, second, *rest = (int(part) for part in date if part)
    if len(date[0]) == 4:
        return _day(second, rest[0], first, weekday)
    year = rest[0] if rest else None
    return _day(second, first, year if year is None or year > 99 else year + (2000 if year < 70 else 1900), weekday)


def _shift(unit: str, by: int, base: Any = None) -> Shift | None:
    return Shift(((unit, by),), base) if unit in CALENDAR_UNITS else None


def _moved(duration: Duration, base: Any = None, sign: int = 1) -> Shift | None:
    parts = _signed(duration, sign)
    return (
        Shift(parts, base) if parts and all(unit in CALENDAR_UNITS and isinstance(count, int) for unit, count in parts) else None
    )


def _elapsed(duration: Duration, sign: int = 1) -> Elapsed | None:
    parts = _signed(duration, sign)
    return Elapsed(parts) if parts and any(unit not in CALENDAR_UNITS for unit, _ in parts) else None


def _signed(duration: Duration, sign: int) -> tuple[tuple[str, Number], ...]:
    return tuple((unit, count * sign) for unit, count in duration.parts if count is not None)


def _weeks_on(weekday: int, number: Number, sign: int = 1) -> Shift | None:
    """ "three fridays from now", "two mondays ago" """
    if not isinstance(number, int) or number < 1:
        return None
    return Shift((("week", sign * (number - 1)),), Day(weekday=weekday, which="coming" if sign > 0 else "last"))


def _of_which(date: Day, which: str) -> Day | None:
    """ "last fourth of july" """
    return date._replace(which=which) if date.year is None else None


def _beside(weekday: int, base: Any, sign: int = 1) -> Beside:
    return Beside(base, weekday, sign)


def _period(unit: str, by: int) -> Period:
    return Period(unit, by)


def _within(period: Any, weekday: int | None = None, number: int | None = None) -> Within | None:
    if number is not None and (weekday is None and abs(number) > 31 or weekday is not None and abs(number) > 5):
        return None
    return Within(period, weekday, number)


def _is_year(year: Number | None) -> bool:
    return year is None or isinstance(year, int) and 1000 <= year <= 2999


def _quarter(number: int, year: int | None = None) -> Quarter | None:
    return Quarter(number, year) if 1 <= number <= 4 and _is_year(year) else None


def _holiday(rule: str, which: str = "coming", year: int | None = None) -> Holiday | None:
    return Holiday(rule, which, year) if _is_year(year) else None


def _season(code: str, which: str = "coming", year: int | None = None) -> Season | None:
    return Season(code, which, year) if _is_year(year) else None


def _short_year(digits: int) -> int:
    """ "of sixty nine": the year that is nearest to the end of the last century and the begin of this one."""
    return digits + (1900 if digits > 30 else 2000)


def _decade(year: int, century: int | None = None) -> Decade | None:
    """ "the nineties": of the last century, but for those that are too near to it to be over."""
    if year < 100:
        year += 100 * (century if century is not None else 19 if year > 20 else 20)
    return Decade(year) if 1000 <= year <= 2999 and year % 10 == 0 else None


def _on_weekday(weekday: int, date: Day, year: int | None = None) -> Day | None:
    return _day(date.month, date.day, year, weekday)


def _of_year(date: Any, year: int) -> Any:
    return date._replace(year=year) if _is_year(year) else None


def _in_year(date: Any, period: Period) -> Any:
    """A date of next year, or of last year."""
    has_year = isinstance(date, (Day, Holiday, Season, Quarter)) and date.year is not None
    return None if period.unit != "year" or has_year else InYear(date, period.by)


def _dated(date: Any, time: Clock | DayPart) -> DateTime:
    return DateTime(date, time)


def _dated_loosely(date: Any, time: Clock | DayPart) -> DateTime | None:
    """With nothing between them: "june thirty one" is no june thirtieth at one o'clock, and "nineteen eighth" nothing at all."""
    if isinstance(date, Day) and date.day is not None:
        is_bare = isinstance(time, Clock) and time.half in (None, "fixed") and time.grain == "hour"
        if is_bare or date.month is None:
            return None
    return DateTime(date, time)


def _dated_part(date: Any, part: str, time: Clock | None = None) -> DateTime | None:
    timed = DayPart(part) if time is None else _in_part(time, part)
    return None if timed is None else DateTime(date, timed)


def _today(part: str, by: int = 0, time: Clock | None = None) -> DateTime | None:
    return _dated_part(Shift((("day", by),)), part, time)


def _now(by: int) -> Elapsed:
    return Elapsed((("second", by),))


# Spans


def _duration(number: Number, unit: str) -> Duration | None:
    """So many units, the rest of a whole one in the next smaller unit."""
    larger, factor = LARGER.get(unit, (unit, 1))
    return _spread(larger, number * factor) if number > 0 else None


def _spread(unit: str, number: Number) -> Duration:
    number = _tidy(number)
    whole, rest = int(number // 1), number % 1
    if not rest or unit == "second":
        return Duration(((unit, number),))
    smaller, factor = SMALLER[unit]
    parts = ((unit, whole),) if whole else ()
    return Duration((*parts, *_spread(smaller, round(rest * factor, 6)).parts))


def _some(unit: str) -> Duration:
    return Duration(((LARGER.get(unit, (unit, 1))[0], None),))


def _longer(first: Duration, second: Duration) -> Duration | None:
    """Hours and minutes: units that follow each other downwards."""
    order = list(FREQUENCIES)
    ranks = [order.index(unit) for unit, _ in (*first.parts, *second.parts)]
    parts = (*first.parts, *second.parts)
    return Duration(parts) if ranks == sorted(set(ranks)) and all(count is not None for _, count in parts) else None


def _one_and_part(unit: str, fraction: Number, number: Number = 1) -> Duration | None:
    """ "an hour and a half" """
    return _duration(number + fraction, unit)


def _rest_of(number: int, unit: str, more: int) -> Duration | None:
    """ "one hour thirty" """
    if unit not in ("hour", "minute") or not 9 < more < 60:
        return None
    return Duration(((unit, number), (SMALLER[unit][0], more)))


def _interval(start: Any = None, end: Any = None, past: int = 0) -> Interval:
    if isinstance(start, Day) and isinstance(end, Day) and start[:2] == (None, None) and start.day and end.month:
        start = start._replace(month=end.month, year=end.year)
    elif isinstance(start, Day) and isinstance(end, Day) and start.month and end.month and end.year and not start.year:
        start = start._replace(year=end.year - (start.month > end.month))
    return Interval(start, end, bool(past))


def _interval_in_month(start: Day, day: int, year: int) -> Interval | None:
    end = _day(start.month, day, year)
    return _interval(start, end) if end else None


def _of_part(interval: Interval, part: str) -> Interval | None:
    start, end = (time and _in_part(time, part) for time in (interval.start, interval.end))
    is_lost = (start is None) > (interval.start is None) or (end is None) > (interval.end is None)
    return None if is_lost else Interval(start, end)


def _on_day(date: Any, interval: Interval, part: str | None = None) -> OnDay | None:
    found = interval if part is None else _of_part(interval, part)
    return None if found is None else OnDay(date, found)


def _run(unit: str, number: int, sign: int = 1) -> Run | None:
    return Run(unit, sign * number) if isinstance(number, int) and 0 < number < 1000 else None


def _recurrence(unit: str, number: Number = 1, more: Number = 0) -> Recurrence | None:
    """Every so many units; half of one is so many of the next smaller."""
    length = _duration(number + more, unit)
    if length is None:
        return None
    name, count = length.parts[-1]
    if len(length.parts) == 2 and (length.parts[0][0], name) in (("hour", "minute"), ("minute", "second")):
        count = (length.parts[0][1] or 0) * 60 + (count or 0)
    elif len(length.parts) > 1:
        return None
    return Recurrence(_rule(FREQ=FREQUENCIES[name], INTERVAL=count)) if isinstance(count, int) else None


def _rule(**fields: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, str(value)) for name, value in fields.items() if value not in (None, "") and (name, value) != ("INTERVAL", 1)
    )


def _daily(part: str) -> Recurrence:
    return Recurrence(_rule(FREQ="DAILY"), DayPart(part))


def _weekly(days: int | str, number: int = 1, part: str | None = None) -> Recurrence:
    names = days if isinstance(days, str) else DAY_CODES[days - 1]
    return Recurrence(_rule(FREQ="WEEKLY", INTERVAL=number, BYDAY=names), None if part is None else DayPart(part))


def _day_range(first: int, last: int) -> Recurrence:
    """ "monday to friday" """
    days = {(first - 1 + ahead) % 7 for ahead in range((last - first) % 7 + 1)}
    return Recurrence(_rule(FREQ="WEEKLY", BYDAY=",".join(code for number, code in enumerate(DAY_CODES) if number in days)))


def _more_days(first: int, rest: Recurrence) -> Recurrence:
    days = {DAY_CODES[first - 1], *dict(rest.rule)["BYDAY"].split(",")}
    return Recurrence(_rule(FREQ="WEEKLY", BYDAY=",".join(code for code in DAY_CODES if code in days)))


def _monthly(day: int | None = None, number: int | None = None, weekday: int | None = None, every: int = 1) -> Recurrence | None:
    if weekday is None:
        return Recurrence(_rule(FREQ="MONTHLY", INTERVAL=every, BYMONTHDAY=day)) if day and -1 <= day <= 31 else None
    return (
        Recurrence(_rule(FREQ="MONTHLY", INTERVAL=every, BYDAY=f"{number}{DAY_CODES[weekday - 1]}"))
        if number and number <= 5
        else None
    )


def _every_year(date: Any) -> Recurrence | None:
    if isinstance(date, Holiday) and "easter" not in date.rule:
        month, *rest = map(int, date.rule.split("/"))
        if len(rest) > 2:
            return None
        day = {"BYMONTHDAY": rest[0]} if len(rest) == 1 else {"BYDAY": f"{rest[0]}{DAY_CODES[rest[1] - 1]}"}
        return Recurrence(_rule(FREQ="YEARLY", BYMONTH=month, **day))
    is_yearly = isinstance(date, Day) and date.month and not date.year and not date.weekday
    return Recurrence(_rule(FREQ="YEARLY", BYMONTH=date.month, BYMONTHDAY=date.day)) if is_yearly else None


def _repeated_at(recurrence: Recurrence, time: Clock | DayPart) -> Recurrence | None:
    if isinstance(recurrence.time, DayPart) and isinstance(time, Clock):
        found = _in_part(time, recurrence.time.part)
        return None if found is None else recurrence._replace(time=found)
    return recurrence._replace(time=time) if recurrence.time is None else None


def _itself(value: Any) -> Any:
    return value


OPERATIONS: dict[str, Operation] = {
    "integer": _integer, "two_digits": _two_digits, "written_digit": _written_digit,
    "written_below100": _written_below100, "real": _real, "plus": _plus, "times": _times, "times_and_part": _times_and_part,
    "pair": _pair, "decimal": _decimal, "negative": _negative, "mixed": _mixed,
    "share": _share, "ratio": _ratio, "text": _text,
    "digits": _digits, "join": _join, "repeat": _repeat, "long": _long, "long_number": _long_number, "amount": _amount,
    "truth": _truth, "small_units": _small_units, "clock": _clock, "written_clock": _written_clock,
    "dotted_clock": _dotted_clock, "written_hour": _written_hour,
    "hundred_and": _hundred_and,
    "compact_clock": _compact_clock, "past": _past, "in_part": _in_part,
    "with_half": _with_half, "day_part": _day_part, "day": _day, "written_date": _written_date, "shift": _shift, "moved": _moved,
    "elapsed": _elapsed, "weeks_on": _weeks_on, "of_which": _of_which, "beside": _beside,
    "period": _period, "within": _within, "quarter": _quarter, "holiday": _holiday, "season": _season, "decade": _decade,
    "short_year": _short_year,
    "on_weekday": _on_weekday, "of_year": _of_year, "in_year": _in_year, "dated": _dated, "dated_loosely": _dated_loosely, "dated_part": _dated_part, "today": _today, "now": _now, "duration": _duration,
    "some": _some, "longer": _longer, "one_and_part": _one_and_part, "rest_of": _rest_of, "interval": _interval,
    "interval_in_month": _interval_in_month, "of_part": _of_part,
    "on_day": _on_day, "run": _run, "recurrence": _recurrence, "daily": _daily, "weekly": _weekly, "day_range": _day_range, "more_days": _more_days, "monthly": _monthly,
    "every_year": _every_year, "repeated_at": _repeated_at, "is": _itself,
}  # fmt: skip


__all__ = ["OPERATIONS"]
