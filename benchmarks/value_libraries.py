"""What a library reads in spoken values, for `values.py`: run in the library's own virtual environment, without headstart.

python value_libraries.py LIBRARY REFERENCE_TIME < PHRASES: JSON in, `[[kind, text], ...]`; JSON out, for each its readings, or null where the
library's documentation doesn't say that it reads such values. Moments are ISO 8601; `?T19:00` is a time with a date that wasn't asked for.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import re
import sys
from collections.abc import Callable
from typing import Any

MOMENTS = {"date", "time", "datetime"}
DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
Reader = Callable[[str, str], list[str]]


def of_moment(kind: str, when: datetime.datetime) -> str:
    if kind == "date":
        return when.date().isoformat()
    return f"{'' if kind == 'time' else when.date().isoformat()}T{when.strftime('%H:%M:%S' if when.second else '%H:%M')}"


def of_length(length: datetime.timedelta) -> str:
    return of_seconds(length.total_seconds())


def of_seconds(seconds: float) -> str:
    return f"PT{seconds:.3f}S"


def of_number(number: float) -> str:
    return f"{number:.10g}"


def text2num(now: datetime.datetime) -> tuple[set[str], Reader]:
    from text_to_num import alpha2digit, text2num

    def read(kind: str, text: str) -> list[str]:
        if kind == "number":
            with contextlib.suppress(ValueError):
                return [str(text2num(text, "en"))]
        written = alpha2digit(text, "en", threshold=0)
        pattern = r"(?:the )?(\d+)(?:st|nd|rd|th)" if kind == "ordinal" else r"[+-]?[\d.]+"
        match = re.fullmatch(pattern, written.strip())
        return [match[1] if kind == "ordinal" else match[0]] if match else []

    return {"number", "ordinal"}, read


def dateparser(now: datetime.datetime) -> tuple[set[str], Reader]:
    import dateparser

    def read(kind: str, text: str) -> list[str]:
        found = dateparser.parse(text, languages=["en"], settings={"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future"})
        return [of_moment(kind, found.replace(tzinfo=None))] if found else []

    return MOMENTS, read


def ctparse(now: datetime.datetime) -> tuple[set[str], Reader]:
    from ctparse import ctparse
    from ctparse.types import Duration, Interval, Time

    units = {"minutes": "PT{}M", "hours": "PT{}H", "days": "P{}D", "nights": "P{}D", "weeks": "P{}W", "months": "P{}M"}
    parts = {
        "morning": "MO",
        "forenoon": "MO",
        "earlymorning": "MO",
        "afternoon": "AF",
        "evening": "EV",
        "earlyevening": "EV",
        "night": "NI",
        "lateevening": "EV",
    }

    def of_time(time: Any) -> str:
        if time.month and not time.year:  # its own next one
            time.year = now.year + ((time.month, time.day or 31) < (now.month, now.day))
        date = f"{time.year}-{time.month:02}-{time.day:02}" if time.year and time.month and time.day else ""
        if not date and time.year:
            date = f"{time.year}" + (f"-{time.month:02}" if time.month else "")
        if time.hour is not None:
            return f"{date}T{time.hour:02}:{time.minute or 0:02}"
        if time.POD in ("noon", "midnight"):
            return f"{date}T{'12' if time.POD == 'noon' else '00'}:00"
        return f"{date}T{parts.get(time.POD, time.POD)}" if time.POD else date

    def read(kind: str, text: str) -> list[str]:
        found = ctparse(text, ts=now, timeout=5, latent_time=kind in ("datetime",))
        value = found.resolution if found else None
        if isinstance(value, Duration) != (kind == "duration"):
            return []
        if isinstance(value, Time):
            if kind == "date" and value.hour is not None:
                return [of_time(value).partition("T")[0]]
            return list(filter(None, [of_time(value)]))
        if isinstance(value, Interval):
            return ["/".join(".." if end is None else of_time(end) for end in (value.t_from, value.t_to))]
        if isinstance(value, Duration):
            return [units[value.unit.value].format(value.value)]
        return []

    return {*MOMENTS, "interval", "duration"}, read


def timefhuman(now: datetime.datetime) -> tuple[set[str], Reader]:
    from timefhuman import Direction, tfhConfig, timefhuman

    configs = {
        is_length: tfhConfig(now=now, direction=Direction.next, infer_datetimes=not is_length) for is_length in (False, True)
    }

    def of_any(kind: str, value: Any) -> str:
        if isinstance(value, datetime.datetime):
            return of_moment(kind, value)
        if isinstance(value, datetime.time):
            return f"T{value.strftime('%H:%M')}"
        return value.isoformat() if isinstance(value, datetime.date) else of_length(value)

    def read(kind: str, text: str) -> list[str]:
        try:
            found = timefhuman(text, config=configs[kind == "duration"])
        except Exception:  # noqa: BLE001  # of its parser, of many kinds
            return []
        if not found:
            return []
        value = found[0] if isinstance(found, list) else found
        if isinstance(value, (tuple, list)):
            ends = [
                of_any(
                    "time"
                    if kind == "interval" and not re.search("day|month", text) and isinstance(end, datetime.time)
                    else "datetime",
                    end,
                )
                for end in value
            ]
            return ["/".join(ends)]
        return [of_any(kind, value)]

    return {*MOMENTS, "interval", "duration"}, read


def parsedatetime(now: datetime.datetime) -> tuple[set[str], Reader]:
    import parsedatetime

    calendar = parsedatetime.Calendar(version=parsedatetime.VERSION_CONTEXT_STYLE)

    def read(kind: str, text: str) -> list[str]:
        when, context = calendar.parseDT(text, now)
        return [of_moment(kind, when)] if context.hasDateOrTime else []

    return MOMENTS, read


def quantulum3(now: datetime.datetime) -> tuple[set[str], Reader]:
    from quantulum3 import parser

    names = {"percentage": "", "degree angle": "degree", "degree Celsius": "celsius", "degree Fahrenheit": "fahrenheit", "degree celsius": "celsius", "centimetre": "centimeter", "kilometre": "kilometer", "metre": "meter",
             "litre": "liter", "pound-mass": "pound", "kilometre per hour": "kilometer-per-hour", "mile per hour": "mile-per-hour", "square foot": "square-foot"}  # fmt: skip
    codes = {"dollar": "USD", "euro": "EUR", "pound sterling": "GBP", "japanese yen": "JPY", "cent": "cent", "indian rupee": "INR", "swiss franc": "CHF", "canadian dollar": "CAD",
             "united states dollar": "USD", "us dollar": "USD"}  # fmt: skip
    seconds = {
        "second": 1,
        "minute": 60,
        "hour": 3600,
        "day": 86400,
        "week": 604800,
        "month": 2592000,
        "year": 31536000,
        "decade": 315360000,
        "century": 3153600000,
    }

    def read(kind: str, text: str) -> list[str]:
        found = parser.parse(text)
        if len(found) != 1:
            return (
                []
                if not found or kind != "duration"
                else [of_seconds(sum(one.value * seconds.get(one.unit.name, 0) for one in found))]
            )
        value, unit = found[0].value, found[0].unit.name
        if kind == "duration":
            return (
                [of_seconds(value * seconds[unit])] if unit in seconds else [] if unit == "dimensionless" else [f"{value} {unit}"]
            )
        if kind in ("number", "percentage"):
            return [of_number(value)]
        if kind == "money":
            return [f"{of_number(value / 100)} USD"] if unit == "cent" else [f"{of_number(value)} {codes.get(unit, unit)}"]
        return [f"{of_number(value)} {names.get(unit, unit)}"]

    return {"number", "percentage", "money", "quantity", "duration"}, read


def recognizers(now: datetime.datetime) -> tuple[set[str], Reader]:
    from recognizers_choice import recognize_boolean
    from recognizers_date_time import recognize_datetime
    from recognizers_number import recognize_number, recognize_ordinal, recognize_percentage
    from recognizers_number_with_unit import recognize_currency, recognize_dimension, recognize_temperature
    from recognizers_sequence import recognize_phone_number

    culture = "en-us"
    codes = {"Dollar": "USD", "United States dollar": "USD", "Euro": "EUR", "British pound": "GBP", "Pound": "GBP", "Japanese yen": "JPY", "Cent": "cent", "Indian rupee": "INR", "Swiss franc": "CHF",
             "Canadian dollar": "CAD", "Rupee": "INR", "Penny": "penny", "Pence": "penny"}  # fmt: skip
    names = {
        "C": "celsius",
        "F": "fahrenheit",
        "Kilometer per hour": "kilometer-per-hour",
        "Mile per hour": "mile-per-hour",
        "Square foot": "square-foot",
    }

    def of_whole(found: list[Any], text: str) -> Any:
        """The reading of nearly all of the text, if there is one."""
        whole = [one for one in found if one.end - one.start + 1 >= len(text) - 8]
        return whole[0].resolution if whole else None

    def of_rule(timex: str) -> str:
        if match := re.fullmatch(r"P(T?)(\d+)([YMWDHS])", timex):
            unit = {
                "Y": "YEARLY",
                "M": "MINUTELY" if match[1] else "MONTHLY",
                "W": "WEEKLY",
                "D": "DAILY",
                "H": "HOURLY",
                "S": "SECONDLY",
            }[match[3]]
            return f"FREQ={unit}" + (f";INTERVAL={match[2]}" if match[2] != "1" else "")
        if match := re.fullmatch(r"XXXX-WXX-(\d)(.*)", timex):
            return f"FREQ=WEEKLY;BYDAY={DAY_CODES[int(match[1]) - 1]}" + (
                f" @ {match[2] + ':00' if re.fullmatch('T[0-9][0-9]', match[2]) else match[2]}" if match[2] else ""
            )
        if match := re.fullmatch(r"XXXX-XX-XX(T.*)|(T.*)", timex):
            time = match[1] or match[2]
            return f"FREQ=DAILY @ {time + ':00' if re.fullmatch('T[0-9][0-9]', time) else time}"
        if match := re.fullmatch(r"XXXX-(\d\d)-(\d\d)", timex):
            return f"FREQ=YEARLY;BYMONTH={int(match[1])};BYMONTHDAY={int(match[2])}"
        return {"XXXX-WXX-WE": "FREQ=WEEKLY;BYDAY=SA,SU"}.get(timex, timex)

    def days_of(start: str, end: str) -> list[str]:
        if ".." in (start, end):
            return [start]
        first = datetime.date.fromisoformat(start[:10])
        length = (datetime.date.fromisoformat(end[:10]) - first).days
        return [(first + datetime.timedelta(days=ahead)).isoformat() for ahead in range(min(length, 366) + 1)]

    def of_values(kind: str, values: list[dict[str, str]]) -> list[str]:
        found = []
        for value in values:
            said, timex = value.get("value", ""), value["timex"]
            if kind == "recurrence":
                found.append(of_rule(timex))
            elif kind == "duration":
                found.append(timex)
            elif value["type"].endswith("range"):
                if re.fullmatch(r"(\d{4}-\d\d-\d\d)?T(MO|AF|EV|NI)", timex):
                    found.append(timex)
                    continue
                date, time = "date" in value["type"], "time" in value["type"]
                ends = [value.get(name, "..") for name in ("start", "end")]
                texts = [
                    end if end == ".." else (end.replace(" ", "T")[:16] if date and time else "T" + end[:5] if time else end)
                    for end in ends
                ]
                if kind == "date":  # "in two weeks" is a week: any day of it will do
                    found += days_of(*ends)
                    continue
                elif date and not time and texts[1] != "..":  # its ends are exclusive, but for those of "from monday to thursday"
                    before = (datetime.date.fromisoformat(texts[1]) - datetime.timedelta(days=1)).isoformat()
                    found.append(f"{texts[0]}/{before}")
                found.append("/".join(texts))
            elif value["type"] == "datetime":
                found.append(said.replace(" ", "T")[: 19 if not said.endswith(":00") or "PRESENT" in timex else 16])
            else:
                found.append("T" + said[:5] if value["type"] == "time" else said)
        return found

    def read(kind: str, text: str) -> list[str]:
        if kind in (*MOMENTS, "interval", "duration", "recurrence"):
            value = of_whole(recognize_datetime(text, culture, reference=now), text)
            coming = value and value["values"]
            if coming and kind in ("date", "datetime"):  # of a past and a coming one
                later = [one for one in coming if one.get("value", one.get("start", "")) >= now.date().isoformat()]
                coming = later or coming
            return (
                of_values(kind, [one for one in coming if kind == "recurrence" or one.get("value") != "not resolved"])
                if coming
                else []
            )
        if kind == "confirmation":
            value = of_whole(recognize_boolean(text, culture), text)
            return [str(value["value"]).lower()] if value else []
        if kind == "phone":
            value = of_whole(recognize_phone_number(text, culture), text)
            return [re.sub(r"[^\d+]", "", value["value"])] if value else []
        if kind in ("number", "ordinal", "percentage"):
            recognize = {"number": recognize_number, "ordinal": recognize_ordinal, "percentage": recognize_percentage}[kind]
            value = of_whole(recognize(text, culture), text)
            return [value["value"].rstrip("%")] if value else []
        value = (
            of_whole(recognize_currency(text, culture), text)
            if kind == "money"
            else of_whole(recognize_dimension(text, culture), text) or of_whole(recognize_temperature(text, culture), text)
        )
        if not value or value.get("value") is None:
            return []
        unit = value["unit"]
        if kind == "money" and unit in ("Cent", "Penny", "Pence"):
            return [f"{of_number(float(value['value']) / 100)} {'USD' if unit == 'Cent' else 'GBP'}"]
        return [f"{value['value']} {codes.get(unit, unit) if kind == 'money' else names.get(unit, unit.lower())}"]

    kinds = {
        *MOMENTS,
        "interval",
        "duration",
        "recurrence",
        "number",
        "ordinal",
        "quantity",
        "percentage",
        "money",
        "phone",
        "confirmation",
    }
    return kinds, read


LIBRARIES = {
    "text2num": text2num, "dateparser": dateparser, "ctparse": ctparse, "timefhuman": timefhuman, "parsedatetime": parsedatetime, "quantulum3": quantulum3,
    "recognizers": recognizers,
}  # fmt: skip


def main() -> None:
    logging.disable(logging.CRITICAL)
    name, now = sys.argv[1], datetime.datetime.fromisoformat(sys.argv[2])
    kinds, read = LIBRARIES[name](now)
    answers: list[list[str] | None] = []
    for kind, text in json.load(sys.stdin):
        if kind not in kinds:
            answers.append(None)
            continue
        try:
            answers.append(read(kind, text))
        except Exception as error:  # noqa: BLE001  # a reading that fails is none; what fails is said
            print(f"{name}: {text!r}: {type(error).__name__}: {error}", file=sys.stderr)
            answers.append([])
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
