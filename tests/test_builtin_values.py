"""Values for the platforms' built-in types: known under every name, realistic, varied, and the same for the same seed."""

from __future__ import annotations

import random
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import seconds

from headstart.data.builtin.values import BUILTIN_TYPES, builtin_values

# Types whose values have no end, or are hundreds at least.
OPEN = """AMAZON.NUMBER AMAZON.SearchQuery AMAZON.DATE AMAZON.US_FIRST_NAME AMAZON.FirstName AMAZON.TIME AMAZON.Artist AMAZON.Ordinal
    AMAZON.FOUR_DIGIT_NUMBER AMAZON.Person AMAZON.US_CITY AMAZON.Country AMAZON.Food AMAZON.Color AMAZON.Genre AMAZON.MusicAlbum
    AMAZON.City AMAZON.MusicRecording AMAZON.GB_FIRST_NAME AMAZON.DURATION AMAZON.Movie AMAZON.Animal AMAZON.MusicGroup
    AMAZON.StreetName AMAZON.GB_CITY AMAZON.LITERAL AMAZON.VideoGame AMAZON.Sport AMAZON.PhoneNumber AMAZON.ProfessionalType
    AMAZON.DE_FIRST_NAME AMAZON.EUROPE_CITY AMAZON.EventType AMAZON.StreetAddress AMAZON.Professional AMAZON.Corporation AMAZON.Actor
    AMAZON.MovieTheater AMAZON.AT_CITY AMAZON.FictionalCharacter AMAZON.Region @sys.date-time @sys.email @sys.url @sys.unit-currency
    @sys.temperature builtin.age builtin.dimension builtin.keyPhrase snips/percentage""".split()  # noqa: SIM905
# The rest of those that skills use, which are few by nature.
CLOSED = """AMAZON.US_STATE AMAZON.Month AMAZON.Room AMAZON.DayOfWeek AMAZON.MusicCreativeWorkType AMAZON.GB_REGION AMAZON.DE_REGION
    AMAZON.AT_REGION @sys.color @sys.any""".split()  # noqa: SIM905


def draw(slot_type: str, count: int = 200, seed: int = 0) -> list[str]:
    values, rng = builtin_values(slot_type), random.Random(seed)
    assert values is not None, slot_type
    return [values(rng) for _ in range(count)]


@pytest.mark.parametrize("slot_type", BUILTIN_TYPES)
def test_values_can_stand_in_a_template(slot_type: str) -> None:
    for value in draw(slot_type, 100):
        assert value and value == " ".join(value.split())
        assert not set(value) & set('{}[]"’')  # what templates give a meaning, and what nobody types


def test_the_same_seed_gives_the_same_values() -> None:
    for slot_type in BUILTIN_TYPES:
        assert draw(slot_type, 30, seed=5) == draw(slot_type, 30, seed=5)
    # Not by what was drawn before, nor by the hash seed: another process has to draw the same.
    types = ("AMAZON.DATE", "AMAZON.Person", "@sys.geo-country", "@sys.unit-currency", "AMAZON.SearchQuery")
    code = (
        "import random\nfrom headstart.data.builtin.values import builtin_values\n"
        f"print([builtin_values(name)(random.Random(3)) for name in {types}])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == str([draw(name, 1, seed=3)[0] for name in types])


def test_chance_comes_from_the_given_generator_alone() -> None:
    state = random.getstate()
    before = [draw(slot_type, 20) for slot_type in BUILTIN_TYPES]
    assert random.getstate() == state
    random.seed(99)
    assert [draw(slot_type, 20) for slot_type in BUILTIN_TYPES] == before
    random.setstate(state)


@pytest.mark.parametrize("slot_type", OPEN)
def test_open_types_vary(slot_type: str) -> None:
    assert len({value.lower() for value in draw(slot_type)}) >= 40


@pytest.mark.parametrize("slot_type", CLOSED)
def test_closed_types_vary(slot_type: str) -> None:
    assert len({value.lower() for value in draw(slot_type)}) >= 7


@pytest.mark.parametrize(
    ("slot_type", "same_as"),
    [
        ("DATE", "AMAZON.DATE"),
        ("amazon.date", "AMAZON.DATE"),
        (" AMAZON.DATE ", "AMAZON.DATE"),
        ("@sys.date", "AMAZON.DATE"),
        ("sys.date", "AMAZON.DATE"),
        ("@sys:date", "AMAZON.DATE"),
        ("snips/date", "AMAZON.DATE"),
        ("builtin.datetimeV2.date", "AMAZON.DATE"),
        ("datetimeV2.date", "AMAZON.DATE"),
        ("LITERAL", "AMAZON.LITERAL"),
        ("@sys.any", "AMAZON.LITERAL"),
        ("US_FIRST_NAME", "AMAZON.FirstName"),
        ("@sys.given-name", "AMAZON.FirstName"),
        ("AMAZON.SEARCH_QUERY", "AMAZON.SearchQuery"),
        ("AMAZON.FourDigitNumber", "AMAZON.FOUR_DIGIT_NUMBER"),
        ("AMAZON.Number", "AMAZON.NUMBER"),
        ("number", "@sys.number"),
        ("wit$number", "wit/number"),
        ("datetimeV2", "builtin.datetimeV2"),
        ("money", "@sys.unit-currency"),
        ("amount-of-money", "@sys.unit-currency"),
        ("amount_of_money", "snips/amountOfMoney"),
        ("personName", "@sys.person"),
        ("geographyV2", "builtin.geographyV2"),
        ("phonenumber", "AMAZON.PhoneNumber"),
        ("snips/datetime", "@sys.date-time"),
        ("time", "AMAZON.TIME"),
    ],
)
def test_names_of_a_type(slot_type: str, same_as: str) -> None:
    assert draw(slot_type, 20) == draw(same_as, 20)


def test_duckling_time_has_dates_too() -> None:
    assert draw("duckling/time") == draw("@sys.date-time") != draw("AMAZON.TIME")


@pytest.mark.parametrize(
    "slot_type", ["", " ", "LIST_OF_CITIES", "AMAZON.", "AMAZON", "@sys.", "@", "AMAZON.YesIntent", "CoffeeSize"]
)
def test_unknown_types(slot_type: str) -> None:
    assert builtin_values(slot_type) is None


@given(st.text())
def test_any_text_is_a_type_name_or_none(slot_type: str) -> None:
    values = builtin_values(slot_type)
    assert values is None or values(random.Random(0))


@pytest.mark.parametrize(
    ("slot_type", "patterns"),
    [
        ("AMAZON.NUMBER", [r"[2-9]", r"\d\d", "five", "twenty[ -]three|forty[ -]two|thirty[ -].*", "(a|one) hundred .*|.* hundred and .*"]),
        ("AMAZON.DATE", ["tomorrow", "next .*day", r"\w+ \w+(st|nd|rd|th)", r"the \w+ of \w+", r"\d+ \w+ 20\d\d", "this weekend", r"in \w+ weeks"]),
        ("AMAZON.TIME", ["[a-z]+ am", r"\d+ pm", "half past .*", "quarter to .*", r"\d\d:\d\d", "noon", r"\w+ o'clock", r"\d+:\d\d ?[ap]m"]),
        ("AMAZON.DURATION", ["[a-z]+ minutes", "an hour and a half", r"\d+ seconds", "half an hour", "an hour"]),
        ("AMAZON.Ordinal", ["first", "2nd", r"\d+th", "third", "twenty[ -].*"]),
        ("AMAZON.FOUR_DIGIT_NUMBER", [r"19\d\d", "two thousand .*", "nineteen .*", r"\w+ \w+ \w+ \w+"]),
        ("AMAZON.PhoneNumber", [r"555-01\d\d", r"\(\d{3}\) 555-01\d\d", r"five five five (zero|oh|o) one .*"]),
        ("AMAZON.StreetAddress", [r"\d+ .* street", "[a-z]+ .* road"]),
        ("AMAZON.Person", [r"\w+", r"\w+ \w+"]),
        ("AMAZON.Country", ["germany", "the usa"]),
        ("@sys.temperature", [r"\w+ degrees", r"minus .*", r"\d+°c", ".* fahrenheit"]),
        ("@sys.percentage", [r"\d+%", "[a-z]+ percent"]),
        ("@sys.email", [r"[\w.]+@[\w.]+", ".* at .* dot com"]),
        ("@sys.unit-currency", [r"\$\d+", r"€[\d.]+", "[a-z]+ dollars", r"\d+ euros"]),
        ("builtin.age", [r"\w+ years old"]),
        ("AMAZON.SearchQuery", ["how to .*", "weather in .*", ".* near me", "what is .*"]),
    ],
)  # fmt: skip
def test_spoken_and_written_forms(slot_type: str, patterns: list[str]) -> None:
    values = [value.lower() for value in draw(slot_type, 3000)]
    for pattern in patterns:
        assert any(re.fullmatch(pattern, value) for value in values), pattern


def test_names_come_with_and_without_capitals() -> None:
    for slot_type in ("AMAZON.FirstName", "AMAZON.City", "AMAZON.Movie", "AMAZON.StreetName"):
        lower = sum(value == value.lower() for value in draw(slot_type))
        assert 60 < lower < 180


def test_digits_of_a_four_digit_number() -> None:
    assert all(len(value) == 4 for value in draw("AMAZON.FOUR_DIGIT_NUMBER", 1000) if value.isdigit())


def test_days_exist() -> None:
    days = {"february": 29, "april": 30, "june": 30, "september": 30, "november": 30}
    for value in draw("AMAZON.DATE", 3000):
        match = re.search(r"(february|april|june|september|november) (\d\d?)(st|nd|rd|th)?\b", value.lower())
        assert not match or int(match[2]) <= days[match[1]], value


def test_search_queries_are_phrases() -> None:
    lengths = [len(value.split()) for value in draw("AMAZON.SearchQuery", 1000)]
    assert sum(2 <= length <= 7 for length in lengths) > 900


def test_drawing_a_value_takes_no_longer_than_some_hundred_numbers() -> None:
    drawn = [(values, random.Random(0)) for values in map(builtin_values, BUILTIN_TYPES) if values]
    for values, rng in drawn:  # libraries and caches
        for _ in range(20):
            values(rng)
    choice = seconds(lambda: [rng.choice("abc") for _ in range(50 * len(drawn))])
    assert seconds(lambda: [values(rng) for values, rng in drawn for _ in range(50)]) < 200 * choice


def test_libraries_are_read_at_the_first_draw() -> None:
    code = (
        "import sys, random\nfrom headstart.data.builtin.values import builtin_values\nvalues = builtin_values('AMAZON.City')\n"
        "builtin_values('AMAZON.Room')(random.Random(0))\n"
        "print(sorted({'faker', 'babel', 'num2words'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_names_in_the_documentation() -> None:
    assert BUILTIN_TYPES == sorted(set(BUILTIN_TYPES), key=str.lower)
    assert {*OPEN, *CLOSED} <= set(BUILTIN_TYPES)
