"""The spoken values of English: words and patterns, as data for [`headstart.tokenization.grammar_headstart.Grammar`], which says how they are read.

Where American and British usage differ, both are here; written dates are read month first, seasons and holidays as in the United States.
"""

from __future__ import annotations

from .grammar_headstart import Language

ENGLISH: Language = {
    "decimal_mark": ".",
    "day_first": False,
    "ordinal_marks": ("st", "nd", "rd", "th"),
    "has_compounds": False,
    "fillers": ("uh", "um", "er", "erm", "uhm", "hmm", "please", "thanks"),
    "suffixes": ("ish",),
    "words": {
        # Numbers
        "zero": {0: "zero, oh, o, nought, null, nil"},
        "digit": {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"},
        "teen": {
            10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen",
            17: "seventeen", 18: "eighteen", 19: "nineteen",
        },
        "tens": {
            20: "twenty", 30: "thirty", 40: "forty, fourty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty",
            90: "ninety",
        },
        "scale": {
            10**3: "thousand, k, grand", 10**6: "million, mil", 10**9: "billion", 10**12: "trillion", 10**15: "quadrillion",
        },
        "part": {
            2: "halves", 3: "third, thirds", 4: "fourth, fourths", 5: "fifth, fifths", 6: "sixth, sixths",
            7: "seventh, sevenths", 8: "eighth, eighths", 9: "ninth, ninths", 10: "tenth, tenths", 11: "eleventh, elevenths",
            12: "twelfth, twelfths", 13: "thirteenth, thirteenths", 14: "fourteenth, fourteenths", 15: "fifteenth, fifteenths",
            16: "sixteenth, sixteenths", 20: "twentieth, twentieths", 100: "hundredth, hundredths",
            10**3: "thousandth, thousandths", 10**6: "millionth, millionths",
        },
        "last_digit": {
            1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth",
        },
        "last_teen": {
            10: "tenth", 11: "eleventh", 12: "twelfth", 13: "thirteenth", 14: "fourteenth", 15: "fifteenth", 16: "sixteenth",
            17: "seventeenth", 18: "eighteenth", 19: "nineteenth",
        },
        "last_tens": {
            20: "twentieth", 30: "thirtieth", 40: "fortieth, fourtieth", 50: "fiftieth", 60: "sixtieth", 70: "seventieth",
            80: "eightieth", 90: "ninetieth",
        },
        "last_scale": {
            10**3: "thousandth", 10**6: "millionth", 10**9: "billionth", 10**12: "trillionth", 10**15: "quadrillionth",
        },
        # Dates and times
        "half": {"am": "am, a m", "pm": "pm, p m"},
        "part_of_day": {
            "MO": "morning, morning's", "AF": "afternoon, afternoon's", "EV": "evening, evening's",
            "NI": "night, night's, nighttime",
        },
        "parts_of_day": {"MO": "mornings", "AF": "afternoons", "EV": "evenings", "NI": "nights"},
        "weekday": {
            1: "monday, mon", 2: "tuesday, tue, tues", 3: "wednesday, wed, weds", 4: "thursday, thu, thur, thurs",
            5: "friday, fri", 6: "saturday, sat", 7: "sunday, sun",
        },
        "weekdays": {1: "mondays", 2: "tuesdays", 3: "wednesdays", 4: "thursdays", 5: "fridays", 6: "saturdays", 7: "sundays"},
        "month": {
            1: "january, jan", 2: "february, feb", 3: "march, mar", 4: "april, apr", 5: "may", 6: "june, jun", 7: "july, jul",
            8: "august, aug", 9: "september, sep, sept", 10: "october, oct", 11: "november, nov", 12: "december, dec",
        },
        "season": {"SP": "spring, springtime", "SU": "summer, summertime", "FA": "fall, autumn", "WI": "winter, wintertime"},
        "decade": {
            0: "noughties, aughts", 10: "tens", 20: "twenties", 30: "thirties", 40: "forties", 50: "fifties", 60: "sixties", 70: "seventies", 80: "eighties",
            90: "nineties",
        },
        "holiday": {
            "12/25": "christmas, christmas day, xmas", "12/24": "christmas eve, xmas eve", "12/26": "boxing day, saint stephen's day, st stephen's day",
            "12/31": "new year's eve, new year eve, hogmanay", "1/1": "new year's day, new year day, new year's, new year, the new year", "10/31": "halloween, hallowe'en",
            "2/14": "valentine's day, valentine's, valentines, saint valentine's day, st valentine's day",
            "3/17": "saint patrick's day, st patrick's day, saint patty's day, st patty's day, saint paddy's day, st paddy's day",
            "7/4": "independence day", "11/11": "veterans day, remembrance day, armistice day", "6/19": "juneteenth", "4/1": "april fools day, april fools, april fool's, april fool day",
            "5/1": "may day, labour day", "2/2": "groundhog day", "1/6": "epiphany", "11/1": "all saints day",
            "4/22": "earth day", "3/14": "pi day", "4/15": "tax day", "6/14": "flag day", "3/8": "women's day, international women's day",
            "1/20": "inauguration day", "1/25": "burns night", "1/26": "australia day", "4/23": "saint george's day, st george's day",
            "7/1": "canada day", "11/5": "guy fawkes night, guy fawkes day, bonfire night", "11/30": "saint andrew's day, st andrew's day", "12/6": "saint nicholas day", "5/5": "cinco de mayo",
            "easter/0": "easter, easter sunday, easter day", "easter/-2": "good friday", "easter/1": "easter monday",
            "easter/-1": "holy saturday", "11/2": "all souls day", "easter/-46": "ash wednesday",
            "easter/-47": "shrove tuesday, mardi gras", "easter/-7": "palm sunday", "easter/-3": "maundy thursday",
            "easter/39": "ascension day", "easter/49": "pentecost, whit sunday", "easter/50": "whit monday",
            "11/4/4": "thanksgiving, thanksgiving day", "9/1/1": "labor day", "5/-1/1": "memorial day",
            "11/4/4/1": "black friday", "11/4/4/4": "cyber monday", "11/1/1/1": "election day",
            "1/3/1": "martin luther king day, martin luther king jr. day, martin luther king junior day, mlk day",
            "2/3/1": "presidents day, president's day",
            "10/2/1": "columbus day, indigenous peoples day", "5/2/7": "mother's day", "6/3/7": "father's day",
        },
        "long_unit": {"month": "month", "quarter": "quarter", "year": "year", "decade": "decade"},
        "period_unit": {
            "week": "week", "weekend": "weekend", "month": "month", "quarter": "quarter", "year": "year", "decade": "decade",
        },
        # "this week's weather"; behind "the next", these are several
        "possessed_unit": {"week": "week's", "weekend": "weekend's", "month": "month's", "year": "year's"},
        "unit": {
            "second": "second, sec, s", "minute": "minute, min, m", "hour": "hour, hr, h", "day": "day, d",
            "week": "week, wk, w", "month": "month, mth", "quarter": "quarter", "year": "year, yr, y", "decade": "decade",
            "century": "century", "fortnight": "fortnight", "millisecond": "millisecond, ms",
        },
        "units": {
            "second": "seconds, secs, sec, s", "minute": "minutes, mins, min, m", "hour": "hours, hrs, hr, h", "day": "days, d",
            "week": "weeks, wks, w", "month": "months, mos, mths", "quarter": "quarters", "year": "years, yrs, y",
            "decade": "decades", "century": "centuries", "fortnight": "fortnights", "millisecond": "milliseconds, ms",
        },
        "short_unit": {"second": "second", "minute": "minute", "hour": "hour"},
        "adverb": {
            "day": "daily, everyday", "week": "weekly", "month": "monthly", "year": "yearly, annually, annual",
            "hour": "hourly", "fortnight": "fortnightly, biweekly, bi weekly", "quarter": "quarterly",
        },
        "days_together": {
            "MO,TU,WE,TH,FR": "weekday, weekdays, working day, work day, workday, workdays", "SA,SU": "weekend, weekends",
        },
        # Yes and no
        "assent": {
            1: (
                "yes, yeah, yep, yup, yea, ya, aye, sure, sure thing, of course, absolutely, definitely, certainly, okay, ok, "
                "alright, all right, correct, right, that's right, that's correct, that is right, that is correct, true, please do, please, why not, go ahead, "
                "do it, go for it, exactly, indeed, fine, sounds good, sounds great, i do, i am, i would, i think so, you bet, "
                "affirmative, by all means, very well, great, perfect, confirm, confirmed, agreed, i agree, i guess so, "
                "uh huh, mhm, mm hmm"
            ),
        },
        "refusal": {
            0: (
                "no, nope, nah, no way, not really, not at all, never, absolutely not, definitely not, certainly not, "
                "of course not, don't, do not, please don't, i don't think so, i don't, i do not, negative, not now, not yet, "
                "wrong, that's wrong, incorrect, false, cancel, stop, no never, rather not, i'd rather not, i guess not, "
                "i'm good, nay, i disagree, not today, under no circumstances, no chance, not this time, uh uh"
            ),
        },
        # Amounts: units as the Unicode CLDR names them, currencies by ISO 4217
        "measure": {
            "millimeter": "millimeter, millimeters, millimetre, millimetres, mm",
            "centimeter": "centimeter, centimeters, centimetre, centimetres, cm", "meter": "meter, meters, metre, metres, m",
            "kilometer": "kilometer, kilometers, kilometre, kilometres, km, kms, k, klick, klicks", "inch": "inch, inches, in",
            "foot": "foot, feet, ft", "yard": "yard, yards, yd, yds", "mile": "mile, miles, mi",
            "milligram": "milligram, milligrams, mg", "gram": "gram, grams, gramme, grammes, g",
            "kilogram": "kilogram, kilograms, kilo, kilos, kg, kgs", "tonne": "tonne, tonnes, metric ton, metric tons, t",
            "ton": "ton, tons", "ounce": "ounce, ounces, oz", "pound": "pound, pounds, lb, lbs", "stone": "stone, stones",
            "milliliter": "milliliter, milliliters, millilitre, millilitres, ml",
            "centiliter": "centiliter, centiliters, centilitre, centilitres, cl",
            "deciliter": "deciliter, deciliters, decilitre, decilitres, dl", "liter": "liter, liters, litre, litres, l",
            "cup": "cup, cups", "pint": "pint, pints, pt", "quart": "quart, quarts, qt", "gallon": "gallon, gallons, gal",
            "tablespoon": "tablespoon, tablespoons, tbsp", "teaspoon": "teaspoon, teaspoons, tsp",
            "fluid-ounce": "fluid ounce, fluid ounces, fl oz",
            "square-meter": "square meter, square meters, square metre, square metres",
            "square-kilometer": "square kilometer, square kilometers, square kilometre, square kilometres",
            "square-foot": "square foot, square feet, sq ft", "square-inch": "square inch, square inches",
            "square-yard": "square yard, square yards", "square-mile": "square mile, square miles", "acre": "acre, acres",
            "hectare": "hectare, hectares, ha", "cubic-meter": "cubic meter, cubic meters, cubic metre, cubic metres",
            "cubic-foot": "cubic foot, cubic feet",
            "mile-per-hour": "mile per hour, miles per hour, mile an hour, miles an hour, mph",
            "kilometer-per-hour": (
                "kilometer per hour, kilometers per hour, kilometre per hour, kilometres per hour, kilometers an hour, "
                "kilometres an hour, km / h, kmh, kph"
            ),
            "meter-per-second": "meter per second, meters per second, metre per second, metres per second, m / s",
            "knot": "knot, knots", "byte": "byte, bytes", "kilobyte": "kilobyte, kilobytes, kb",
            "megabyte": "megabyte, megabytes, mb", "gigabyte": "gigabyte, gigabytes, gb, gig, gigs",
            "terabyte": "terabyte, terabytes, tb", "bit": "bit, bits", "megabit": "megabit, megabits",
            "gigabit": "gigabit, gigabits", "watt": "watt, watts", "kilowatt": "kilowatt, kilowatts, kw",
            "kilowatt-hour": "kilowatt hour, kilowatt hours, kwh", "volt": "volt, volts", "calorie": "calorie, calories",
            "kilocalorie": "kilocalorie, kilocalories, kcal", "hertz": "hertz, hz", "decibel": "decibel, decibels, db",
            "second": "seconds", "minute": "minutes", "hour": "hours", "day": "days old", "week": "weeks old",
            "month": "months old", "year": "years, year, years old, year old, years of age",
        },
        "temperature": {
            "degree": "degree, degrees, °",
            "celsius": "celsius, centigrade, degrees celsius, degree celsius, degrees centigrade, degrees c, ° c, c",
            "fahrenheit": "fahrenheit, degrees fahrenheit, degree fahrenheit, degrees f, ° f, f", "kelvin": "kelvin, kelvins",
        },
        "currency": {
            "USD": "dollar, dollars, us dollar, us dollars, american dollars, buck, bucks, usd", "EUR": "euro, euros, eur",
            "GBP": "pound, pounds, pound sterling, pounds sterling, british pound, british pounds, sterling, quid, gbp",
            "JPY": "yen, japanese yen, jpy", "CHF": "swiss franc, swiss francs, franc, francs, chf",
            "INR": "rupee, rupees, indian rupees, inr", "CAD": "canadian dollar, canadian dollars, cad",
            "AUD": "australian dollar, australian dollars, aud", "NZD": "new zealand dollar, new zealand dollars, nzd",
            "CNY": "yuan, renminbi, chinese yuan, cny", "MXN": "peso, pesos, mexican pesos, mxn", "KRW": "won, korean won, krw",
            "RUB": "ruble, rubles, rouble, roubles, rub", "SEK": "swedish krona, swedish kronor, sek",
            "NOK": "norwegian krone, norwegian kroner, nok", "DKK": "danish krone, danish kroner, dkk",
            "PLN": "zloty, zlotys, pln", "BRL": "brazilian real, brazilian reais, reais, brl", "ZAR": "rand, zar",
            "TRY": "turkish lira, lira, try", "BTC": "bitcoin, bitcoins, btc",
        },
        "cents": {"USD/100": "cent, cents", "GBP/100": "penny, pence, p"},
        "currency_sign": {"USD": "$, us $", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"},
    },
    "rules": {
        # Numbers
        "about": [
            (
                (
                    "(about|around|exactly|roughly|approximately|approx|precisely|nearly|almost|some|circa|just|just about|only|"
                    "round about|close to)"
                ),
                "is value=0",
            ),
        ],
        "int": [("{digits:INT}", "integer")],
        "below100": [("({value:digit}|{value:teen}|{value:tens})", "is"), ("{left:tens} {right:digit}", "plus ceiling=10")],
        "written_digit": [("{digits:INT}", "written_digit")],
        "two_written": [("{digits:INT}", "written_below100")],
        "counted_hundreds": [("({left:below100}|{left:two_written}) hundred", "times right=100")],
        "hundreds": [
            ("{value:counted_hundreds}", "is"), ("[a] hundred", "is value=100"), ("a couple [of] hundred", "is value=200"),
        ],
        "counted": [
            ("({value:below100}|{value:counted_hundreds}|{value:int})", "is"),
            ("{left:counted_hundreds} [and] ({right:below100}|{right:two_written})", "plus"),
        ],
        "below1000": [
            ("({value:below100}|{value:hundreds}|{value:int})", "is"),
            ("{left:hundreds} [and] ({right:below100}|{right:two_written})", "plus"),
        ],
        "counted_scaled": [("({left:below1000}|{left:decimal}|{left:mixed}) {right:scale}", "times")],
        "scaled": [
            ("{value:counted_scaled}", "is"), ("[a] {value:scale}", "is"), ("a couple [of] {right:scale}", "times left=2"),
            ("half a {right:scale}", "times left=0.5"), ("a half {right:scale}", "times left=0.5"),
            ("[a] quarter [of a] {right:scale}", "times left=0.25"), ("three quarters of a {right:scale}", "times left=0.75"),
        ],
        # Behind a larger number, "hundred" and "thousand" are counted: nobody says "million thousand"
        "rest": [("({value:counted}|{value:counted_scaled})", "is"), ("{left:counted_scaled} [and] {right:rest}", "plus")],
        "whole": [
            ("({value:below1000}|{value:scaled})", "is"), ("{left:scaled} [and] {right:rest}", "plus"),
            ("a {right:scale} and {fraction}", "times_and_part"),
            ("{left:below1000} {right:scale} and {fraction}", "times_and_part"),
        ],
        "digit_text": [("({number:digit}|{number:zero})", "text"), ("{value:INT}", "is")],
        "decimals": [
            ("({number:digit}|{number:zero}|{number:below100})", "text"), ("{value:INT}", "is"),
            ("{first:digit_text} {rest:decimals}", "join"),
        ],
        "decimal": [
            ("{digits:DECIMAL}", "real"), ("({number:below1000}|{number:zero}) point {digits:decimals}", "decimal"),
            ("point {digits:decimals}", "decimal"),
        ],
        "large_decimal": [("{number:whole} point {digits:decimals}", "decimal"), ("{value:mixed}", "is")],
        "few": [("({value:digit}|{value:int})", "is")],
        "fraction": [
            ("[(a|one)] half", "is value=0.5"), ("(a|one) quarter", "is value=0.25"), ("{ratio:SLASHED}", "ratio"),
            ("{number:few} (quarters|quarter)", "share parts=4"), ("{number:few} {parts:part}", "share"),
            ("(a|an) {parts:part}", "share number=1"),
        ],
        "mixed": [("({number:below1000}|{number:zero}) and {fraction}", "mixed"), ("{number:int} {fraction:ratio}", "mixed")],
        "ratio": [("{ratio:SLASHED}", "ratio")],
        "dozens": [
            ("[a] dozen", "is value=12"), ("(half a|a half|half) dozen", "is value=6"), ("{left:below100} dozen", "times right=12"),
            ("a dozen and {fraction}", "times_and_part right=12"), ("[a] couple [of]", "is value=2"),
            ("a pair [of]", "is value=2"), ("a couple [of] dozen", "is value=24"), ("{left:digit} score", "times right=20"),
        ],
        "two_digits": [
            ("({value:teen}|{value:tens})", "is"), ("{left:tens} {right:digit}", "plus ceiling=10"),
            ("{_:zero} ({value:digit}|{value:written_digit})", "is"), ("{digits:INT}", "two_digits"),
        ],
        "pair": [("{left:below100} {right:two_digits}", "pair")],
        "doubled": [("double {digit:digit_text}", "repeat times=2"), ("triple {digit:digit_text}", "repeat times=3")],
        "digit_row": [
            ("({value:digit_text}|{value:doubled})", "is"), ("({first:digit_text}|{first:doubled}) {rest:digit_row}", "join"),
        ],
        # What can be counted with: "twenty thirty minutes" are two numbers
        "count": [
            ("({value:whole}|{value:zero}|{value:decimal}|{value:fraction}|{value:large_decimal}|{value:dozens})", "is"),
        ],
        "positive": [
            ("{value:count}", "is"), ("{value:pair}", "is cost=1"), ("{digits:digit_row}", "long_number least=3 cost=2"),
            ("{digits:doubled}", "long_number least=2 cost=2"),
        ],
        "number": [("{value:positive}", "is"), ("(minus|negative|-) {number:positive}", "negative")],
        "last_below100": [
            ("({value:last_digit}|{value:last_teen}|{value:last_tens})", "is"),
            ("{left:tens} {right:last_digit}", "plus ceiling=10"),
        ],
        "ordinal": [
            ("({value:last_below100}|{value:ORDINAL})", "is"), ("[a] hundredth", "is value=100"),
            ("{left:below100} hundredth", "times right=100"), ("{left:hundreds} [and] {right:last_below100}", "plus"),
            ("[a] {value:last_scale}", "is"), ("{left:below1000} {right:last_scale}", "times"),
            ("{left:scaled} [and] {right:ordinal}", "plus"),
        ],
        "ordinal_or_last": [
            ("[very] {value:ordinal}", "is"), ("[very] (last|final)", "is value=-1"),
            ("(next to last|second last|penultimate|last but one)", "is value=-2"), ("(third last|last but two)", "is value=-3"),
            ("{number:ordinal} (to|from) [the] last", "negative"),
        ],
        "NUMBER": [("[({_:about}|number|the number)] {value:number} [(or so|[-] ish|or thereabouts)]", "is")],
        "ORDINAL_NUMBER": [("[(the|number)] {value:ordinal_or_last} [one]", "is"), ("[the] number {value:whole}", "is")],
        "signed_count": [("{value:count}", "is"), ("(minus|negative|-) {number:count}", "negative")],
        "PERCENTAGE": [
            ("[{_:about}] {value:signed_count} (percent|per cent|%) [or so]", "is"), ("a (percent|per cent)", "is value=1"),
            ("half a (percent|per cent)", "is value=0.5"), ("{value:fraction} of (a|one) (percent|per cent)", "is"),
        ],
        # Digits
        "digits": [
            ("{value:digit_text}", "is cost=2"), ("{number:below100}", "text cost=2"),
            ("double ({digit:digit_text})", "repeat times=2 cost=2"), ("triple {digit:digit_text}", "repeat times=3 cost=2"),
            ("{number:hundreds}", "text cost=2"), ("{number:DECIMAL}", "digits cost=2"),
        ],
        "row": [("{value:digits}", "is"), ("{first:digits} [(-|/|dash|hyphen)] {rest:row}", "join")],
        "PHONE": [("{digits:row}", "long least=3 most=15"), ("(plus|+) {digits:row}", "long least=5 most=15 plus=1")],
        "FOUR_DIGITS": [("{digits:row}", "long least=4 most=4"), ("{digits:year_text}", "long least=4 most=4")],
        "year_text": [("({number:whole}|{number:pair})", "text")],
        "DIGITS": [("{value:row}", "is"), ("({number:whole}|{number:pair})", "text")],
        # Amounts
        "measured": [
            ("{number} {unit:measure}", "amount"), ("(a|an) {unit:measure}", "amount number=1"),
            ("half (a|an) {unit:measure}", "amount number=0.5"),
            ("[a] quarter [of] (a|an) {unit:measure}", "amount number=0.25"),
            ("{number:fraction} of (a|an) {unit:measure}", "amount"),
            ("(a|an|one) {unit:measure} and {more:fraction}", "amount number=1"),
            ("{number:whole} {unit:measure} and {more:fraction}", "amount"),
            ("[a] couple [of] {unit:measure}", "amount number=2"),
            ("{number} (meter|meters|metre|metres) {more:below100}", "amount parts=100 unit=meter"),
            ("{number} (foot|feet) [and] {more:below1000} [(inch|inches)]", "small_units parts=12 unit=inch"),
            ("{number} (pound|pounds) [and] {more:below1000} (ounce|ounces)", "small_units parts=16 unit=ounce"),
        ],
        "degrees": [("{number} {unit:temperature}", "amount"), ("{number} [degrees] below [zero]", "amount unit=degree sign=-1")],
        "QUANTITY": [("[{_:about}] ({value:measured}|{value:degrees}) [or so]", "is")],
        "TEMPERATURE": [("[{_:about}] {value:degrees}", "is"), ("{number}", "amount unit=degree cost=1")],
        "AGE": [("{number} [(year|years) [(old|of age)]]", "amount unit=year"), ("{number} {unit:measure}", "amount cost=1")],
        "cash": [
            ("{number} {unit:currency}", "amount"), ("(a|an) {unit:currency}", "amount number=1"),
            ("half (a|an) {unit:currency}", "amount number=0.5"),
            ("{number} {unit:currency} [and] ({more:below100}|{more:int})", "amount parts=100"),
            ("a {unit:currency} [and] {more:below100}", "amount number=1 parts=100"), ("{number} {unit:cents}", "amount"),
            ("a {unit:cents}", "amount number=1"),
            ("{number} {unit:currency} [and] {more:below1000} {_:cents}", "amount parts=100"),
            ("a {unit:currency} [and] {more:below1000} {_:cents}", "amount number=1 parts=100"),
            ("{number} {unit:currency} [and] {_:zero} {_:cents}", "amount"), ("{unit:currency_sign} {number}", "amount"),
            ("{number} {unit:currency_sign}", "amount"), ("- {unit:currency_sign} {number}", "amount sign=-1"),
            ("a couple [of] {unit:currency}", "amount number=2"), ("{number:scaled} of {unit:currency}", "amount"),
        ],
        "MONEY": [("[{_:about}] {value:cash} [or so]", "is")],
        # Times
        "hour": [("{hour:below100}", "clock grain=hour"), ("{hour:INT}", "written_hour")],
        "named_time": [
            ("[(twelve|12)] (noon|midday|noontime)", "clock hour=12 half=pm"),
            ("[(twelve|12)] midnight", "clock hour=0 half=midnight"), ("(twelve|12) oclock (noon|midday)", "clock hour=12 half=pm"),
            ("(twelve|12) oclock midnight", "clock hour=0 half=midnight"),
        ],
        "full_hour": [("({value:hour}|{value:named_time})", "is"), ("{value:hour} (oclock|o clock)", "is")],
        "minute": [("({value:below100}|{value:int}) [(minute|minutes|min|mins)]", "is"), ("a minute", "is value=1")],
        "a_minute": [("a", "is value=1")],
        "clock_time": [
            ("{value:full_hour}", "is"), ("{hour:below100} {minute:two_digits}", "clock"),
            ("{hour:int} ({minute:int}|{minute:two_digits})", "clock cost=1"),
            ("{_:zero} {hour:digit} {minute:two_digits}", "clock half=fixed"), ("{_:zero} {hour:digit}", "clock half=fixed"),
            ("half (past|after) {time:full_hour}", "past minute=30"), ("half {time:full_hour}", "past minute=30"),
            ("[a] quarter (past|after) {time:full_hour}", "past minute=15"),
            ("[a] quarter (to|till|til|until|of|before) {time:full_hour}", "past minute=15 sign=-1"),
            ("{minute} (past|after) {time:full_hour}", "past"),
            ("({minute:below100}|{minute:int}) (to|till|til|until|of|before) {time:full_hour}", "past sign=-1 bare=1"),
            ("({minute:below1000}|{minute:a_minute}) (minute|minutes|min|mins) (to|till|til|until|of|before) {time:full_hour}", "past sign=-1"),
            ("({hour:below100}|{hour:two_written}) hundred [hours]", "hundred_and"), ("{_:zero} hundred [hours]", "clock hour=0"),
            ("{hour:below100} hundred and {minute:below100} [hours]", "hundred_and"), ("{digits:INT}", "compact_clock"),
            ("{digits:INT} hours", "compact_clock half=fixed"), ("{hour:below100} {minute:two_digits} hours", "clock half=fixed"),
            ("{_:zero} {hour:digit} {minute:two_digits} hours", "clock half=fixed"),
            ("{_:zero} {_:zero} {minute:two_digits} [hours]", "clock hour=0"), ("{hour:below100} {_:zero} {_:zero}", "clock"),
            ("{hour:int} (hr|hrs|h)", "clock half=fixed"), ("{number:DECIMAL}", "dotted_clock"),
            ("{_:zero} {hour:digit} hundred [hours]", "clock half=fixed"),
            ("{hour:below100} hundred {minute:below100} hours", "clock half=fixed"),
            ("{clock:CLOCK} [(oclock|h|hours)]", "written_clock"),
        ],
        "time": [
            ("{value:clock_time}", "is"), ("{time:clock_time} {half}", "with_half"), ("{clock:CLOCK} {half}", "written_clock"),
            ("{number:DECIMAL} {half}", "dotted_clock"), ("{hour:below100} hundred {half}", "hundred_and"),
            ("[in the] {part:part_of_day} [(at|around|about)] {time:clock_time}", "in_part"),
            ("{time:clock_time} [-] ish (in the|at) {part:part_of_day}", "in_part"),
            ("{time:clock_time} (in the|at) {part:part_of_day}", "in_part"),
            ("{time:clock_time} {half} (in the|at) {part:part_of_day}", "with_half"),
        ],
        "about_time": [("[(at|by)] [{_:about}] {value:time} [(sharp|exactly|[-] ish|on the dot|or so)]", "is")],
        "part_phrase": [("[(in the|at|during the|the)] {part:part_of_day}", "day_part")],
        "TIME": [
            ("({value:about_time}|{value:part_phrase})", "is"), ("[the] {part:parts_of_day}", "day_part"),
            ("(for|to|from) {value:time}", "is"),
        ],
        # Dates
        "year": [("({value:rest}|{value:pair})", "is")],
        "short_year": [("({digits:two_digits}|{digits:int})", "short_year")],
        "month_day": [
            ("{month} [the] {day:ordinal}", "day"), ("{month} ({day:below100}|{day:int})", "day"),
            ("[the] {day:ordinal} [(of|in)] {month}", "day"), ("[the] ({day:int}|{day:below100}) [of] {month}", "day"),
        ],
        "month_year": [
            ("{month}", "day"), ("{month} [(of|in)] [the year] {year}", "day"),
            ("[the] [(whole|entire)] month of {month}", "day"),
        ],
        "coming_day": [
            ("(today|today's) [date]", "shift unit=day by=0"),
            ("(tomorrow|tomorrow's|tmrw|tomorow|tommorow|tommorrow) [date]", "shift unit=day by=1"),
        ],
        "relative_day": [
            ("{value:coming_day}", "is"), ("(yesterday|yesterday's) [date]", "shift unit=day by=-1"),
            ("[the] day after tomorrow", "shift unit=day by=2"), ("[the] day before yesterday", "shift unit=day by=-2"),
            ("this day", "shift unit=day by=0"), ("[the] (next|following) day", "shift unit=day by=1"),
            ("the previous day", "shift unit=day by=-1"), ("[the] day after next", "shift unit=day by=2"),
        ],
        "period": [
            ("({_:this}|the) {unit:period_unit}", "period by=0"),
            ("[(this|the)] (coming|upcoming) weekend", "period unit=weekend by=0"),
            ("[(this|the)] (coming|upcoming) {unit:long_unit}", "period by=1"),
            ("[(this|the)] (coming|upcoming) week", "period unit=week by=1"), ("[the] (next|following) {unit:period_unit}", "period by=1"),
            ("{_:last} {unit:period_unit}", "period by=-1"),
            ("this {unit:possessed_unit}", "period by=0"), ("next {unit:possessed_unit}", "period by=1"),
            ("last {unit:possessed_unit}", "period by=-1"), ("[the] {unit:period_unit} after next", "period by=2"), ("[the] {unit:period_unit} before last", "period by=-2"),
        ],
        "named_weekday": [
            ("this {weekday}", "day which=this"), ("[(the|this coming|the coming|coming|upcoming|the upcoming)] {weekday}", "day"),
            ("[the] (next|following) {weekday}", "day which=next"),
            ("[the] (last|past|this past|this last|previous) {weekday}", "day which=last"),
            ("[the] {weekday} after next", "day which=second"), ("[the] {weekday} before last", "day which=second_last"), ("{weekday} week", "day which=second"),
            ("[(this|the)] {weekday} coming", "day"), ("{number:whole} {weekday:weekdays} (from now|hence)", "weeks_on"),
            ("{number:whole} {weekday:weekdays} ago", "weeks_on sign=-1"),
        ],
        "month_like": [
            ("({value:month_year}|{value:period})", "is"), ("{date:month_year} [(of|in)] {period}", "in_year"), ("(next|the coming) {month}", "day which=next"),
            ("last {month}", "day which=last"), ("this {month}", "day which=this"),
        ],
        "below_ten": [("({value:digit}|{value:int})", "is"), ("{_:zero} {value:digit}", "is")],
        "month_number": [("({value:below_ten}|{value:teen})", "is")],
        "day_number": [("({value:below_ten}|{value:below100})", "is")],
        "long_period": [
            ("{value:month_year}", "is"), ("({_:this}|the) {unit:long_unit}", "period by=0"),
            ("{_:next} {unit:long_unit}", "period by=1"), ("{_:last} {unit:long_unit}", "period by=-1"),
        ],
        "this": [("(this|the current|current)", "is value=0")],
        "next": [("[the] (next|coming|following|upcoming)", "is value=0")],
        "last": [("([the] (last|previous|past)|this past|this last)", "is value=0")],
        "named_holiday": [
            ("{rule:holiday}", "holiday"), ("(next|the coming|this coming) {rule:holiday}", "holiday"),
            ("(this|this years) {rule:holiday}", "holiday which=this"), ("last {rule:holiday}", "holiday which=last"),
            ("{rule:holiday} [(of|in)] {year}", "holiday"), ("the {month} {day:ordinal}", "day"),
        ],
        "base_date": [
            ("({value:relative_day}|{value:month_day}|{value:named_weekday}|{value:named_holiday})", "is"),
            ("{date:month_day} [(of|in)] [the year] {year}", "of_year"), ("{month:month_number} [slash] {day:day_number} [slash] {year}", "day"),
            ("(next|the coming|this coming) {date:month_day}", "of_which which=coming"),
            ("(last|the last|the previous) {date:month_day}", "of_which which=last"), ("{weekday} [the] {date:month_day}", "on_weekday"),
            ("{date:month_day} {weekday}", "on_weekday"), ("{weekday} [the] {date:month_day} [(of|in)] {year}", "on_weekday"),
            ("{weekday} the {day:ordinal}", "day"), ("[the] {day:ordinal}", "day"),
            ("({date:ISO}|{date:SLASHED}|{date:DOTTED})", "written_date"),
            ("{weekday} ({date:ISO}|{date:SLASHED}|{date:DOTTED})", "written_date"),
            ("[the] {weekday} [(of|in|on)] {period}", "within"), ("{period} [on] {weekday}", "within"),
            ("[the] {number:ordinal_or_last} {weekday} (in|of) {period:month_like}", "within"),
            ("[the] {number:ordinal_or_last} [day] (of|in) {period}", "within"),
            ("[the] {number:ordinal_or_last} day {period}", "within"), ("[the] {number:ordinal} {period}", "within"),
            ("[the] {number:ordinal_or_last} day (of|in) {period:month_year}", "within"),
            ("[the] last of {period:month_like}", "within number=-1"),
            ("[the] (end|close) of {period:long_period}", "within number=-1"),
            ("[the] (beginning|start) of {period:long_period}", "within number=1"),
            ("({date:named_holiday}|{date:month_day}) [(of|in)] {period}", "in_year"),
        ],
        "one_quarter": [("[the] {number:ordinal} quarter", "quarter")],
        "base_season": [("[the] {code:season}", "season")],
        "date": [
            ("{value:base_date}", "is"), ("(in|after) [{_:about}] {duration}", "moved"),
            ("{duration} (from now|from today|hence|later|in the future|time)", "moved"),
            ("[{_:about}] {duration} (ago|ago today|earlier|back)", "moved sign=-1"), ("{duration} (from|after) {base:base_date}", "moved"),
            ("{duration} (on|this) {base:named_weekday}", "moved"), ("{duration} before {base:base_date}", "moved sign=-1"),
            ("[the] day after {base:base_date}", "shift unit=day by=1"), ("[the] day before {base:base_date}", "shift unit=day by=-1"),
            ("[the] {weekday} after {base:base_date}", "beside"), ("[the] {weekday} before {base:base_date}", "beside sign=-1"),
            ("{duration} {base:coming_day}", "moved"), ("{base:coming_day} week", "shift unit=week by=1"),
            ("{duration} ago {base:relative_day}", "moved sign=-1"), ("this day next {unit:unit}", "shift by=1"),
            ("this day last {unit:unit}", "shift by=-1"), ("[in] {duration:possessed_length} time", "moved"),
            ("({value:month_like})", "is"), ("[[the] year] {year}", "day"),
            ("[the] {year:decade}", "decade"), ("[the] ({century:teen}|{century:tens}) {year:decade}", "decade"),
            ("[the] {year:int} s", "decade"), ("[the] {code:season}", "season"), ("this {code:season}", "season which=this"),
            ("[the] (next|coming) {code:season}", "season which=next"), ("{_:last} {code:season}", "season which=last"),
            ("[the] {code:season} [(of|in)] {year}", "season"), ("[the] {code:season} of {year:short_year}", "season"),
            ("{date:one_quarter} [(of|in)] {period}", "in_year"), ("({date:base_season}) [(of|in)] {period}", "in_year"),
            ("[the] {number:ordinal} quarter [(of|in)] {year}", "quarter"), ("[the] {number:ordinal} quarter", "quarter"),
            ("(q|quarter) ({number:int}|{number:digit}) [(of|in)] [{year}]", "quarter"),
        ],
        "DAY": [("[(on|for|of)] {value:base_date}", "is")],
        "DATE": [("[(on|in|for|during|over|at|of)] {value:date}", "is")],
        # Dates with times
        "iso_date": [("{date:ISO}", "written_date")],
        "iso_time": [("{clock:CLOCK}", "written_clock half=fixed")],
        "tonight": [("tonight", "shift unit=day by=0")],
        "date_time": [
            ("[in] {duration:possessed_length} time", "elapsed"), ("{date} [in the] {part:part_of_day}", "dated_part"),
            ("{date} [in the] {part:part_of_day} [(at|around|about)] {time}", "dated_part"),
            ("{date} (at|around|about|by) {time}", "dated"), ("{date} {time}", "dated_loosely cost=1"),
            ("{time} {date}", "dated_loosely cost=1"), ("{time} of {date}", "dated cost=1"), ("{time} on {date}", "dated"), ("{time} {date:relative_day}", "dated"),
            ("{time} [on] {date:date} [in the] {part:part_of_day}", "dated_part"),
            ("[the] {part:part_of_day} of {date}", "dated_part"), ("[the] {part:part_of_day} before last", "today by=-2"),
            ("[the] {part:part_of_day} after next", "today by=2"), ("tonight", "today part=NI"),
            ("tonight [(at|around|about)] {time}", "today part=NI"), ("[at] {time} tonight", "today part=NI"),
            ("this {part:part_of_day}", "today"), ("this {part:part_of_day} [(at|around|about)] {time}", "today"),
            ("{time} this {part:part_of_day}", "today"), ("last {part:part_of_day}", "today by=-1"),
            ("last {part:part_of_day} at {time}", "today by=-1"), ("tomorrow {part:part_of_day}", "today by=1"),
            ("(in|after) [{_:about}] {duration}", "elapsed"),
            ("{duration} (from now|from right now|hence|later|time)", "elapsed"),
            ("[{_:about}] {duration} (ago|earlier|back)", "elapsed sign=-1"), ("[(right|just)] now", "now by=0"),
            ("[the] (current|currently|at present|present)", "now by=0"),
            ("(immediately|at once|at the moment|this moment|right away)", "now by=0"),
            ("{date:iso_date} t {time:iso_time} [z]", "dated"),
        ],
        "DATE_TIME": [("[(on|at|for|by|around|about)] {value:date_time}", "is")],
        # Intervals
        "to": [("(to|until|till|til|through|thru|up to|up until|-)", "is value=0")],
        "time_interval": [
            ("[from] {start:time} {_:to} {end:time}", "interval"), ("between {start:time} and {end:time}", "interval"),
            ("(after|from|past|any time after) {start:time} [(on|onwards)]", "interval"),
            ("(before|until|till|til|by) {end:time}", "interval"),
        ],
        "timed_interval": [
            ("{value:time_interval}", "is"), ("{interval:time_interval} (in the|at) {part:part_of_day}", "of_part"),
        ],
        "interval": [
            ("{value:timed_interval}", "is cost=1"), ("[from] {start:date} {_:to} {end:date}", "interval"),
            ("[from] {start:month_day} {_:to} [the] ({day:int}|{day:ordinal}) {year}", "interval_in_month"),
            ("between {start:date} and {end:date}", "interval"),
            ("[from] {start:date_time} {_:to} ({end:date_time}|{end:time})", "interval"),
            ("between {start:date_time} and ({end:date_time}|{end:time})", "interval"),
            ("{date} {interval:timed_interval}", "on_day"), ("{interval:timed_interval} [on] {date}", "on_day"),
            ("{interval:timed_interval} {date}", "on_day cost=1"),
            ("{date} {part:part_of_day} {interval:time_interval}", "on_day"),
            ("{date:tonight} {interval:time_interval}", "on_day part=NI"),
            ("{interval:time_interval} {date:tonight}", "on_day part=NI"),
            (
                "(after|starting|beginning|starting on|as of|from) ({start:date}|{start:date_time}) [(on|onwards|onward)]",
                "interval",
            ),
            ("[from] now (until|till|to) ({end:date}|{end:date_time}|{end:time})", "interval"),
            ("since ({start:date}|{start:date_time})", "interval past=1"), ("since {start:time}", "interval past=1 cost=1"),
            ("(before|until|till|til|by|up to|no later than) ({end:date}|{end:date_time})", "interval"),
            ("[(in|for|over|during|within)] [the] (next|coming|following) {number:some} {unit:units}", "run"),
            ("[(in|for|over|during|within)] [the] (last|past|previous) {number:some} {unit:units}", "run sign=-1"),
            ("[(in|for|over|during|within)] [the] (next|coming) {unit:short_unit}", "run number=1"),
            ("[(in|for|over|during|within)] [the] (last|past|previous) {unit:short_unit}", "run number=1 sign=-1"),
        ],
        "some": [("{value:whole}", "is"), ("couple [of]", "is value=2")],
        "INTERVAL": [("[(on|for|during)] {value:interval}", "is")],
        # Durations
        "possessed_length": [("(a|an|one) {unit:units}", "duration number=1")],
        "length": [
            ("[another] {number:count} ({unit:unit}|{unit:units}) [(more|longer)]", "duration"),
            ("{number:count} (more|whole|full|entire|solid|straight) ({unit:unit}|{unit:units})", "duration"),
            ("a (full|whole|solid) {unit}", "duration number=1"), ("(a|an|another) {unit}", "duration number=1"),
            ("[a] half (a|an) {unit}", "duration number=0.5"), ("[a] half {unit}", "duration number=0.5"),
            ("[a] quarter [of] (a|an) {unit}", "duration number=0.25"), ("[a] quarter {unit}", "duration number=0.25"),
            ("{number:fraction} of (a|an) {unit}", "duration"), ("{number:ratio} (a|an) {unit}", "duration"), ("[(a|an|one|another)] {unit} and {fraction}", "one_and_part"),
            ("{number:whole} ({unit:unit}|{unit:units}) and {fraction}", "one_and_part"),
            ("[(a|another)] couple [(of|more)] {unit:units}", "duration number=2"),
            ("(a few|another few|some|several|a number of|few) [more] {unit:units}", "some"),
            ("{number:below1000} ({unit:unit}|{unit:units}) [and] ({more:below100}|{more:two_written})", "rest_of"),
            ("(a|an) {unit} [and] ({more:below100}|{more:two_written})", "rest_of number=1"),
            ("(all|the whole|the entire|whole) {unit}", "duration number=1"),
            ("{number:whole} and {fraction} ({unit:unit}|{unit:units})", "one_and_part"),
            ("{number:below1000} {fraction} ({unit:unit}|{unit:units})", "one_and_part cost=1"),
        ],
        "duration": [("{value:length}", "is"), ("{first:length} [and] {second:duration}", "longer")],
        "bare_unit": [("{unit}", "duration number=1")],
        "DURATION": [
            ("[(for|over|in|during|within)] [the] (next|coming|last|past|first|final) ({value:duration}|{value:bare_unit})", "is"),
            (
                (
                    "[(for|to|by|about|around|exactly|roughly|approximately|within|in|over|lasting)] [{_:about}] "
                    "{value:duration} [(long|or so)]"
                ),
                "is",
            ),
        ],
        # Recurrences
        "every": [("(every|each|every single|on every|each and every)", "is value=0")],
        "day_list": [
            ("({days:weekday}|{days:weekdays})", "weekly"),
            ("({first:weekday}|{first:weekdays}) [and] {rest:day_list}", "more_days"),
        ],
        "repetition": [
            ("{_:every} {unit}", "recurrence"), ("{_:every} {number:positive} ({unit:units}|{unit:unit})", "recurrence"),
            ("{_:every} {number:ordinal} {unit}", "recurrence"), ("{_:every} other {unit}", "recurrence number=2"),
            ("{_:every} {unit} and {more:fraction}", "recurrence"),
            ("{_:every} (half|half an|half a) {unit}", "recurrence number=0.5"),
            ("{_:every} (couple of|few) {unit:units}", "recurrence number=2"), ("{unit:adverb}", "recurrence"),
            ("once {unit:adverb}", "recurrence"), ("once (a|an|every|per|each) {unit}", "recurrence"),
            ("once every {number:positive} {unit:units}", "recurrence"), ("every other {days:weekday}", "weekly number=2"),
            ("{_:every} second {days:weekday}", "weekly number=2"), ("{_:every} {value:day_list}", "is"),
            ("[({_:every}|on)] {first:weekday} (to|through|thru|till|until) {last:weekday}", "day_range"), ("[on] {days:weekdays}", "weekly"), ("[on] {first:weekdays} [and] {rest:day_list}", "more_days"),
            ("{_:every} {days:days_together}", "weekly"), ("[(on|during)] {days:days_together}", "weekly"),
            ("{_:every} {part:part_of_day}", "daily"), ("[in the] {part:parts_of_day}", "daily"), ("nightly", "daily part=NI"),
            ("{_:every} ({days:weekday}|{days:days_together}) {part:part_of_day}", "weekly"), ("[on] {days:weekday} {part:parts_of_day}", "weekly"),
            ("every other {days:weekday} {part:part_of_day}", "weekly number=2"),
            ("(weekly|every week) on {value:day_list}", "is"),
            ("(every other week|every two weeks|every second week) on {days:weekday}", "weekly number=2"),
            ("[on] [the] {day:ordinal} [day] of {_:every} month", "monthly"),
            ("{_:every} {day:ordinal} of (the|each|every) month", "monthly"),
            ("[the] {days:weekday} of {_:every} week", "weekly"), ("[on] [the] last day of {_:every} month", "monthly day=-1"),
            ("({_:every} month|monthly) on [the] {day:ordinal}", "monthly"),
            ("[on] [the] {number:ordinal_or_last} {weekday} of {_:every} month", "monthly"),
            ("{_:every} {number:ordinal_or_last} {weekday} (of|in) (the|a|each|every) month", "monthly"),
            ("({_:every} month|monthly) on [the] {number:ordinal_or_last} {weekday}", "monthly"),
            (
                "({_:every} year|yearly|annually) (on|in|at) ({date:month_day}|{date:named_holiday}|{date:month_year})",
                "every_year",
            ),
            ("{_:every} ({date:month_day}|{date:named_holiday}|{date:month_year})", "every_year"),
            ("[on] ({date:month_day}|{date:named_holiday}) {_:every} year", "every_year"),
        ],
        "recurrence": [
            ("{value:repetition}", "is"), ("{recurrence:repetition} ({time:about_time}|{time:part_phrase})", "repeated_at"),
            ("[(at|for|by)] {time} [(for|on)] {recurrence:repetition}", "repeated_at"),
        ],
        "RECURRENCE": [("[for] {value:recurrence}", "is")],
        # Yes and no
        "CONFIRMATION": [
            (
                (
                    "{truth:assent} [(please|sure|of course|absolutely|thanks|thank you|definitely|i do|it is|do it|please do|please do it|go ahead|"
                    "thats right|correct|i would)]"
                ),
                "truth",
            ),
            (
                (
                    "{truth:refusal} [(thanks|thank you|please|way|not really|sorry|dont|do not|i dont|cancel|not now|its not|"
                    "never)]"
                ),
                "truth",
            ),
        ],
    },
}  # fmt: skip

__all__ = ["ENGLISH"]
