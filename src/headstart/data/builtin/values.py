"""Values for the built-in slot types of voice platforms: what a user might say or type where `{time}` stands in a sample.

How types are found by the names that files have is said in `headstart.tokenization.slot_types_headstart`. Look up a developer's own types first: a custom type may
be called `Color` as well. Values are English but for the types that name a place (`DE_FIRST_NAME`, `AT_CITY`). Spoken forms ("half
past eight", "twenty three") and written ones ("8:30 pm", "23") are mixed, as are lower case and capitals.

Where the values come from:

- numbers, ordinals and years in words: num2words; prices, written dates, months, weekdays, countries, languages and currencies:
  Babel (the Unicode CLDR);
- first and last names, cities of Germany, Austria and the less known ones elsewhere, states, counties, jobs, colour names: the word
  lists of Faker's providers; US names are drawn by the frequencies that Faker gives;
- rooms, devices, food, drinks, animals, sports, genres, events, shops, weather and the like, and the best known cities, countries,
  companies and landmarks: lists in `headstart.data.builtin.words`;
- titles (films, songs, albums, books, games), artists, bands, firms, teams, characters, addresses and free text: rules there that put
  single words and names together;
- phone numbers: made up, with the exchange 555 that is kept for that; e-mail addresses: Faker's example domains and user names made up.
"""

from __future__ import annotations

import datetime
import random
import re
import string
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from importlib import import_module
from itertools import accumulate
from typing import Any

from headstart.data.builtin.words import RULES, WORDS
from headstart.tokenization.slot_types_headstart import TYPE_NAMES, index_of, type_key, without_platform

Draw = Callable[[random.Random], str]

FIRST_DAY, LAST_DAY = datetime.date(2015, 1, 1).toordinal(), datetime.date(2032, 12, 31).toordinal()
WITH_YEAR = ("d MMMM yyyy", "MMMM d, yyyy", "MMMM d yyyy", "yyyy-MM-dd", "M/d/yyyy", "MM/dd/yy", "dd.MM.yyyy")
WITHOUT_YEAR = ("d MMMM", "MMMM d", "d MMM", "MMM d", "EEEE d MMMM", "EEEE, MMMM d", "EEE MMM d", "M/d", "d.M.")
LOWER_CASE = 0.6  # share of values without capitals, as speech recognition writes them

# What a type is filled with (a rule, list or generator) and how the platforms call it: of the types whose values can't be resolved, those that
# can be are in TYPE_NAMES.
_COMMON_TYPES = {
    "alphanumeric": "AMAZON.AlphaNumeric",
    "unit_name": "@sys.unit-length-name @sys.unit-weight-name @sys.unit-volume-name @sys.unit-area-name @sys.unit-speed-name",
    "speed_unit": "AMAZON.SpeedUnit",
    "weight_unit": "AMAZON.WeightUnit",
    "currency": "@sys.currency-name",
    "rating": "AMAZON.AggregateRating",
    "time_grain": "duckling/time-grain",
    "job": "AMAZON.ProfessionalType",
    "country_code": "@sys.geo-country-code",
    "residence": "AMAZON.Residence",
    "uk_post_code": "AMAZON.UKPostalCode",
    "flight_number": "@sys.flight-number",
    "civic_structure": "AMAZON.CivicStructure",
    "landform": "AMAZON.Landform",
    "color": "AMAZON.Color @sys.color",
    "animal": "AMAZON.Animal",
    "food": "AMAZON.Food",
    "dessert": "AMAZON.Dessert",
    "drink": "AMAZON.Drink",
    "business_kind": "AMAZON.LocalBusinessType",
    "room": "AMAZON.Room",
    "device": "AMAZON.DeviceType",
    "service": "AMAZON.Service",
    "software": "AMAZON.SoftwareApplication",
    "weather": "AMAZON.WeatherCondition",
    "sport": "AMAZON.Sport",
    "match": "AMAZON.SportsEvent",
    "event": "AMAZON.EventType",
    "episode": "AMAZON.TVEpisode AMAZON.TVSeason",
    "playlist": "AMAZON.MusicPlaylist",
    "genre": "AMAZON.Genre @sys.music-genre",
    "film_genre": "AMAZON.MovieGenre",
    "game": "AMAZON.Game",
    "creative_work": "AMAZON.CreativeWorkType",
    "music_work": "AMAZON.MusicCreativeWorkType",
    "written_work": "AMAZON.WrittenCreativeWorkType",
    "anaphor": "AMAZON.Anaphor",
    "position": "AMAZON.RelativePosition",
    "visual_mode": "AMAZON.VisualModeTrigger",
    "email": "AMAZON.EmailAddress @sys.email builtin.email wit/email duckling/email",
    "url": "@sys.url builtin.url wit/url duckling/url",
    "credit_card": "duckling/credit-card-number",
    "search_query": "AMAZON.SearchQuery wit/search_query wit/local_search_query wit/wikipedia_search_query",
    "free_text": "AMAZON.LITERAL AMAZON.FreeFormInput @sys.any wit/message_body actions.type.Text",
    "key_phrase": "builtin.keyPhrase",
}
# Names and titles: written with capitals.
_PROPER_TYPES = {
    "first_name": "AMAZON.FirstName AMAZON.US_FIRST_NAME @sys.given-name",
    "gb_first_name": "AMAZON.GB_FIRST_NAME",
    "de_first_name": "AMAZON.DE_FIRST_NAME AMAZON.AT_FIRST_NAME",
    "last_name": "AMAZON.LastName AMAZON.US_LAST_NAME @sys.last-name",
    "gb_last_name": "AMAZON.GB_LAST_NAME",
    "de_last_name": "AMAZON.DE_LAST_NAME",
    "person": "AMAZON.Person @sys.person builtin.personName",
    "contact": "wit/contact wit/agenda_contact",
    "full_name": "AMAZON.Actor AMAZON.Athlete AMAZON.Author AMAZON.Director",
    "professional": "AMAZON.Professional",
    "artist": "AMAZON.Artist AMAZON.Musician @sys.music-artist snips/musicArtist wit/music_artist",
    "band": "AMAZON.MusicGroup",
    "character": "AMAZON.FictionalCharacter",
    "city": "AMAZON.City @sys.geo-city @sys.geo-capital snips/city",
    "us_city_value": "AMAZON.US_CITY @sys.geo-city-us",
    "gb_city_value": "AMAZON.GB_CITY @sys.geo-city-gb",
    "de_city_value": "AMAZON.DE_CITY",
    "at_city_value": "AMAZON.AT_CITY",
    "europe_city_value": "AMAZON.EUROPE_CITY",
    "country": "AMAZON.Country @sys.geo-country snips/country",
    "us_state": "AMAZON.US_STATE AMAZON.State @sys.geo-state-us",
    "region": "AMAZON.Region AMAZON.AdministrativeArea @sys.geo-state snips/region",
    "gb_region": "AMAZON.GB_REGION @sys.geo-county-gb @sys.geo-state-gb",
    "de_region_value": "AMAZON.DE_REGION",
    "at_region_value": "AMAZON.AT_REGION",
    "location": "@sys.location builtin.geographyV2 wit/location actions.type.Location",
    "street": "AMAZON.StreetName",
    "street_address": "AMAZON.StreetAddress @sys.address @sys.street-address",
    "postal_address": "AMAZON.PostalAddress",
    "airport": "AMAZON.Airport @sys.airport",
    "airline": "AMAZON.Airline",
    "landmark": "AMAZON.LandmarksOrHistoricalBuildings @sys.place-attraction",
    "language": "AMAZON.Language @sys.language",
    "eatery": "AMAZON.FoodEstablishment",
    "local_business": "AMAZON.LocalBusiness",
    "company": "AMAZON.Corporation",
    "organization": "AMAZON.Organization",
    "school": "AMAZON.EducationalOrganization",
    "clinic": "AMAZON.MedicalOrganization",
    "finance": "AMAZON.FinancialService",
    "cinema": "AMAZON.MovieTheater",
    "music_venue": "AMAZON.MusicVenue",
    "channel": "AMAZON.BroadcastChannel AMAZON.TelevisionChannel",
    "radio": "AMAZON.RadioChannel",
    "social_media": "AMAZON.SocialMediaPlatform",
    "team": "AMAZON.SportsTeam",
    "festival": "AMAZON.Festival",
    "music_event": "AMAZON.MusicEvent",
    "movie": "AMAZON.Movie AMAZON.MovieSeries AMAZON.ScreeningEvent",
    "series": "AMAZON.TVSeries",
    "book": "AMAZON.Book AMAZON.BookSeries AMAZON.Comic",
    "song": "AMAZON.MusicRecording AMAZON.MusicVideo AMAZON.MusicComposition snips/musicTrack",
    "album": "AMAZON.MusicAlbum snips/musicAlbum",
    "video_game": "AMAZON.VideoGame AMAZON.SoftwareGame",
}
_TYPES = TYPE_NAMES | _COMMON_TYPES | _PROPER_TYPES

BUILTIN_TYPES: list[str] = sorted({name for names in _TYPES.values() for name in names.split()}, key=str.lower)


def builtin_values(slot_type: str) -> Draw | None:
    """What draws values of a built-in slot type.

    Args:
        slot_type: the type's name as a platform's files have it, such as `AMAZON.DATE` or `@sys.date`; see [`BUILTIN_TYPES`].

    Returns:
        A function that draws one value and takes all chance from the `random.Random` that it is given; None if no such type is known.
    """
    index = _type_index()
    key = type_key(slot_type)
    name = index.get(key) or index.get(without_platform(key))
    return _type_drawer(name) if name else None


@cache
def _type_index() -> dict[str, str]:
    """From what a type's name becomes in `type_key`, with and without the platform, to what fills it."""
    return index_of(_TYPES)


@cache
def _type_drawer(name: str) -> Draw:
    draw, is_proper, small_words = _drawer(name), name in _PROPER_TYPES, _words("small_word")

    def draw_value(rng: random.Random) -> str:
        text = draw(rng)
        if rng.random() < LOWER_CASE:
            return text.lower()
        if not is_proper or text != text.lower():
            return text
        first, *rest = text.split(" ")
        return " ".join([_capitalize(first), *(word if word in small_words else _capitalize(word) for word in rest)])

    return draw_value


def _capitalize(word: str) -> str:
    return word[:1].upper() + word[1:]  # not str.capitalize, which lowers the rest


# Rules and lists


@cache
def _drawer(name: str) -> Draw:
    """What draws values for a name in a rule: a generator, a rule, words of our own, or a library's list."""
    if name in _GENERATORS:
        return _GENERATORS[name]
    if name in RULES:
        return _rule(RULES[name])
    values = _words(name) if name in WORDS else tuple(_LIBRARY_LISTS[name]())
    return lambda rng: rng.choice(values)


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in WORDS[name].split(","))


def _rule(text: str) -> Draw:
    lines = [line.strip().partition(": ") for line in text.strip().split("\n")]
    sums = list(accumulate(int(weight) for weight, _, _ in lines))
    groups = [tuple(_form(form) for form in forms.split(" | ")) for _, _, forms in lines]

    def draw(rng: random.Random) -> str:
        return rng.choice(rng.choices(groups, cum_weights=sums)[0])(rng)

    return draw


def _form(text: str) -> Draw:
    pieces = [(literal, name) for literal, name, _, _ in string.Formatter().parse(text)]

    # Names are looked up when drawn: a rule is built without all that it mentions, and libraries are read only if needed.
    def draw(rng: random.Random) -> str:
        return "".join([literal + (_drawer(name)(rng) if name else "") for literal, name in pieces])

    return draw


# Library lists: read at the first draw, since the libraries take a third of a second to import.


def _faker(provider: str, attribute: str) -> Any:
    """A word list of a Faker provider, such as `first_names` of `person.en_US`: a sequence, or a dictionary of words to weights."""
    return getattr(import_module(f"faker.providers.{provider}").Provider, attribute)


def _weighted(attribute: str) -> Draw:
    """Draws US names by their frequencies."""

    @cache
    def table() -> tuple[list[str], list[float]]:
        weights = _faker("person.en_US", attribute)
        return list(weights), list(accumulate(map(float, weights.values())))

    def draw(rng: random.Random) -> str:
        names, sums = table()
        return rng.choices(names, cum_weights=sums)[0]

    return draw


def _names(attribute: str, *locales: str) -> list[str]:
    return [name for locale in locales for name in _faker(f"person.{locale}", attribute) if name.isalpha()]


def _cities(*countries: str) -> list[str]:
    """Towns of some size; of all countries if none is given. Names with a digit or in three and more words are left out."""
    places = _faker("geo", "land_coords")
    return [
        name
        for _, _, name, country, _ in places
        if country in (countries or country) and re.fullmatch(r"[^\W\d]+( [^\W\d]+)?", name)
    ]


def _countries() -> dict[str, str]:
    territories = {code: name for code, name in _locale().territories.items() if len(code) == 2 and code.isalpha()}
    return {code: _plain(territories[code]) for code in sorted(set(territories).difference(_words("no_country")))}


def _cities_and_countries() -> list[str]:
    countries = _countries()
    return [f"{name} {countries[code]}" for _, _, name, code, _ in _faker("geo", "land_coords") if code in countries]


def _plain(name: str) -> str:
    """A name of the CLDR as people say it: `St. Kitts & Nevis`, `Myanmar (Burma)`, `Hong Kong SAR China`, `Congo - Kinshasa`."""
    name = re.sub(r" \(.*?\)| SAR China| - .*", "", name)
    return name.replace(" & ", " and ").replace("St. ", "Saint ").replace("U.S.", "US").replace("’", "'")


def _languages() -> list[str]:
    """Languages that are official somewhere."""
    from babel.languages import get_official_languages

    territories = [code for code in _locale().territories if len(code) == 2]
    codes = sorted({code for territory in territories for code in get_official_languages(territory)})
    return [name for name in (_locale().languages.get(code, "") for code in codes) if re.fullmatch(r"[^\W\d]+", name)]


def _currencies() -> list[str]:
    from babel.numbers import get_currency_name

    return [get_currency_name(code, count=count, locale="en") for code in _words("currency_code") for count in (1, 2)]


def _jobs() -> list[str]:
    """Faker's jobs, `Engineer, civil` as `civil engineer`."""
    jobs = [" ".join(reversed(job.lower().split(", "))) for job in _faker("job", "jobs") if job.count(",") < 2]
    return [job for job in jobs if re.fullmatch(r"[a-z' ]+", job) and job.count(" ") < 3]


def _colors() -> list[str]:
    return [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in _faker("color", "all_colors")]


@cache
def _locale() -> Any:
    from babel import Locale

    return Locale("en")


def _babel_names(kind: str, width: str) -> list[str]:
    """Months, or days of the week."""
    return list(getattr(_locale(), kind)["format"][width].values())


_LIBRARY_LISTS: dict[str, Callable[[], Sequence[str]]] = {
    "any_color": _colors,
    "any_country": lambda: list(_countries().values()),
    "any_job": _jobs,
    "any_language": _languages,
    "at_region": lambda: _faker("address.de_AT", "states"),
    "city_and_country": _cities_and_countries,
    "country_code": lambda: list(_countries()),
    "currency": _currencies,
    "de_first_name": lambda: _names("first_names", "de_DE"),
    "de_last_name": lambda: _names("last_names", "de_DE"),
    "de_region": lambda: _faker("address.de_DE", "states"),
    "gb_first_name": lambda: _names("first_names", "en_GB"),
    "gb_last_name": lambda: _names("last_names", "en_GB"),
    "gb_region": lambda: _faker("address.en_GB", "counties"),
    "mail_domain": lambda: [*_faker("internet", "safe_domain_names"), *_faker("internet", "free_email_domains")],
    "month": lambda: _babel_names("months", "wide"),
    "month_short": lambda: _babel_names("months", "abbreviated"),
    "more_at_city": lambda: [name for name in _faker("address.de_AT", "cities") if not re.search(r"\d", name)],
    "more_city": _cities,
    "more_de_city": lambda: _faker("address.de_DE", "cities"),
    "more_europe_city": lambda: _cities(*_words("europe_code")),
    "more_first_name": lambda: _names("first_names", "en", "es_ES", "fr_FR", "it_IT", "en_IN", "de_DE"),
    "more_gb_city": lambda: _cities("GB"),
    "more_last_name": lambda: _names("last_names", "en", "es_ES", "fr_FR", "it_IT", "en_IN", "de_DE"),
    "more_us_city": lambda: _cities("US"),
    "us_state": lambda: _faker("address.en_US", "states"),
    "weekday": lambda: _babel_names("days", "wide"),
    "weekday_short": lambda: _babel_names("days", "abbreviated"),
}


# Generators: numbers, and what has to fit together


@lru_cache(maxsize=20_000)
def _in_words(number: float, kind: str = "cardinal") -> str:
    from num2words import num2words

    return str(num2words(number, to=kind)).replace(",", "")


def _say(rng: random.Random, number: float, kind: str = "cardinal") -> str:
    """A number in words, in one of the ways that people say or spell it."""
    words = _in_words(number, kind)
    if rng.random() < 0.9:
        words = words.replace("-", " ")
    if rng.random() < 0.4:
        words = words.replace(" and ", " ")
    if words.startswith(("one hundred", "one thousand")) and rng.random() < 0.5:
        words = "a" + words[3:]
    return words


def _number(rng: random.Random) -> str:
    low, high, step = rng.choices(
        (
            (0, 10, 1),
            (11, 30, 1),
            (31, 99, 1),
            (20, 90, 10),
            (100, 999, 1),
            (100, 900, 50),
            (1000, 9999, 1),
            (1000, 100_000, 500),
        ),
        weights=(30, 16, 18, 8, 12, 6, 5, 5),
    )[0]
    number = rng.randrange(low, high + 1, step)
    if rng.random() < 0.6:
        return _say(rng, number)
    return f"{number:,}" if rng.random() < 0.3 else str(number)


def _decimal(rng: random.Random) -> str:
    number = rng.randint(1, 99) + rng.choice((0.1, 0.2, 0.25, 0.3, 0.5, 0.5, 0.7, 0.75, 0.9))
    return _say(rng, round(number, 2)) if rng.random() < 0.5 else f"{number:.4g}"


def _count(rng: random.Random) -> str:
    number = rng.randint(2, 12) if rng.random() < 0.5 else rng.choice((rng.randint(13, 100), rng.randrange(15, 100, 5)))
    return _say(rng, number) if rng.random() < 0.6 else str(number)


def _ordinal_of(rng: random.Random, number: int) -> str:
    return _say(rng, number, "ordinal") if rng.random() < 0.65 else _in_words(number, "ordinal_num")


def _ordinal(rng: random.Random) -> str:
    return _ordinal_of(rng, rng.randint(*rng.choices(((1, 10), (11, 31), (32, 130)), weights=(55, 30, 15))[0]))


def _year(rng: random.Random, year: int | None = None) -> str:
    year = year or rng.randint(1950, 2035)
    if rng.random() < 0.6:
        return str(year)
    return _say(rng, year, "cardinal" if year >= 2000 and rng.random() < 0.4 else "year")


def _spoken_digits(rng: random.Random, digits: str) -> str:
    zero = rng.choice(("zero", "oh", "o"))
    return " ".join(zero if digit == "0" else _in_words(int(digit)) for digit in digits)


def _four_digits(rng: random.Random) -> str:
    digits = f"{rng.randint(1900, 2035) if rng.random() < 0.4 else rng.randrange(10_000):04}"
    way = rng.random()
    if way < 0.4:
        return digits
    if way < 0.65 or digits.startswith("0"):
        return _spoken_digits(rng, digits)
    return _say(rng, int(digits), "year" if way < 0.88 else "cardinal")


def _digit_string(rng: random.Random, shortest: int = 3, longest: int = 7) -> str:
    return "".join(rng.choices(string.digits, k=rng.randint(shortest, longest)))


def _phone(rng: random.Random) -> tuple[str, str, str]:
    return str(rng.randint(201, 989)), "555", f"01{rng.randrange(100):02}"


def _written_phone(rng: random.Random) -> str:
    area, exchange, line = _phone(rng)
    patterns = (
        "{1}-{2}",
        "{1} {2}",
        "({0}) {1}-{2}",
        "{0}-{1}-{2}",
        "{0} {1} {2}",
        "+1 {0} {1} {2}",
        "+1-{0}-{1}-{2}",
        "{0}{1}{2}",
    )
    return rng.choice((*patterns, "{0}.{1}.{2}", "1-800-{1}-{2}")).format(area, exchange, line)


def _spoken_phone(rng: random.Random) -> str:
    area, exchange, line = _phone(rng)
    return _spoken_digits(rng, exchange + line if rng.random() < 0.4 else area + exchange + line)


def _clock(rng: random.Random) -> str:
    return f"{rng.randrange(24):{rng.choice(('', '02'))}}:{_minute(rng)}"


def _minute(rng: random.Random) -> str:
    return f"{rng.choice((0, 15, 30, 30, 45)) if rng.random() < 0.6 else rng.randrange(60):02}"


def _day(rng: random.Random) -> datetime.date:
    # Not by today's date: the same seed has to give the same values tomorrow.
    return datetime.date.fromordinal(rng.randint(FIRST_DAY, LAST_DAY))


def _written_date(rng: random.Random) -> str:
    from babel.dates import format_date

    return format_date(_day(rng), rng.choice(rng.choice((WITH_YEAR, WITHOUT_YEAR))), locale="en")


def _spoken_date(rng: random.Random) -> str:
    day = _day(rng)
    month, number = _locale().months["format"]["wide"][day.month], _ordinal_of(rng, day.day)
    forms = ("{0} {1}", "{0} {1}", "{0} the {1}", "the {1} of {0}", "the {1} of {0}", "{1} of {0}", "{1} {0}", "{0} {2}")
    text = rng.choice(forms).format(month, number, _say(rng, day.day))
    if rng.random() < 0.15:
        text = f"{_locale().days['format']['wide'][day.weekday()]} {text}"
    return f"{text} {_year(rng, day.year)}" if rng.random() < 0.25 else text


def _price(rng: random.Random) -> str:
    from babel.numbers import format_currency

    amount = rng.choice((rng.randint(1, 100), rng.randint(1, 2000), rng.randint(1, 50) - 0.01, rng.randint(100, 9999) / 100))
    text = format_currency(amount, rng.choice(("USD", "USD", "USD", "EUR", "EUR", "GBP", "GBP", "JPY")), locale="en")
    return text.removesuffix(".00")


def _mail_name(rng: random.Random) -> str:
    return _drawer(rng.choice(("us_first_name", "us_last_name")))(rng).lower()


_GENERATORS: dict[str, Draw] = {
    "clock": _clock,
    "count": _count,
    "credit_card": lambda rng: " ".join(_digit_string(rng, 4, 4) for _ in range(4)),
    "day_ordinal": lambda rng: _ordinal_of(rng, rng.randint(1, 31)),
    "decimal": _decimal,
    "digit": lambda rng: _say(rng, rng.randrange(10)) if rng.random() < 0.5 else str(rng.randrange(10)),
    "digit_string": _digit_string,
    "digits": lambda rng: str(rng.randint(2, 12) if rng.random() < 0.5 else rng.randint(13, 100)),
    "four_digits": _four_digits,
    "hour": lambda rng: str(rng.randint(1, 12)),
    "house_number": lambda rng: str(rng.randint(1, 300)) if rng.random() < 0.7 else _say(rng, rng.randint(1, 99)),
    "initial": lambda rng: rng.choice(string.ascii_uppercase) + rng.choice(("", ".")),
    "letter": lambda rng: rng.choice(string.ascii_lowercase + string.ascii_uppercase),
    "mail_name": _mail_name,
    "minute": _minute,
    "number": _number,
    "ordinal": _ordinal,
    "price": _price,
    "spoken_date": _spoken_date,
    "spoken_digits": lambda rng: _spoken_digits(rng, _digit_string(rng)),
    "spoken_phone": _spoken_phone,
    "street_ordinal": lambda rng: _ordinal_of(rng, rng.randint(1, 99)),
    "us_first_name": _weighted("first_names"),
    "us_last_name": _weighted("last_names"),
    "written_date": _written_date,
    "written_phone": _written_phone,
    "year": _year,
    "zip_code": lambda rng: _digit_string(rng, 5, 5) if rng.random() < 0.7 else _spoken_digits(rng, _digit_string(rng, 5, 5)),
}

__all__ = ["BUILTIN_TYPES", "builtin_values"]
