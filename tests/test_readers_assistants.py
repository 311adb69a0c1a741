"""Template languages of voice assistants: hassil, Padatious and Rhasspy. What each file says was written down before it was read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headstart import CatalogValue, DataError, Skill, load_skill
from headstart.data.templates import Slot
from headstart.readers import find_reader
from headstart.readers.sentences import MAX_FORMS, Expander, Parser, Reference, SentenceError
from headstart.readers.source import Source


def read(folder: Path, files: dict[str, str], **options: str) -> Skill:
    """The skill of one file, or of a folder with several."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load_skill(folder if len(files) > 1 else folder / next(iter(files)), **options)


def patterns(skill: Skill) -> dict[str | None, set[str]]:
    """The templates of each intent."""
    found: dict[str | None, set[str]] = {}
    for template in skill.templates:
        found.setdefault(template.intent, set()).add(template.pattern)
    return found


LIGHTS = """
language: en
intents:
  TurnOn:
    data:
      - sentences:
          - "(turn|switch) on [the] {name} [in <the> {area}]"
          - "(set|make) (the {lamp};{color}), please"
        slots: {domain: light}
        requires_context: {domain: light}
  Dim:
    data:
      - sentences: ["dim to {brightness}[%| percent]", "dim by {0..20,10:step}"]
        expansion_rules: {the: "that"}
        lists: {brightness: {range: {from: 50, to: 51}}}
      - sentences: "say {anything} [now] , will you"
lists:
  color: {values: [red, {in: "(dark|deep) blue", out: navy}, {in: green, out: "#00ff00"}]}
  lamp: {values: ["bedside lamp[s]"]}
  anything: {wildcard: true}
expansion_rules:
  the: "(the|my)"
skip_words: [please]
"""


def test_hassil_with_lists_ranges_rules_and_any_order(tmp_path: Path) -> None:
    skill = read(tmp_path, {"lights.yaml": LIGHTS})
    assert patterns(skill) == {
        "TurnOn": {
            *(
                f"{verb} on {the}{{name}}{place}"
                for verb in ("turn", "switch")
                for the in ("", "the ")
                for place in ("", " in the {area}", " in my {area}")
            ),
            *(f"{verb} {order}, please" for verb in ("set", "make") for order in ("the {lamp} {color}", "{color} the {lamp}")),
        },
        "Dim": {
            *(f"dim to {{brightness}}{unit}" for unit in ("", "%", " percent")),
            "dim by {step}",
            "say {anything} now , will you",
            "say {anything} , will you",
        },
    }
    assert skill.catalogs["brightness"] == ["50", "fifty", "51", "fifty one"]
    assert skill.catalogs["step"] == ["0", "zero", "10", "ten", "20", "twenty"]
    assert CatalogValue("51", None, ("fifty one",)) in skill.canonical["brightness"]
    assert skill.catalogs["lamp"] == ["bedside lamps", "bedside lamp"]
    assert set(skill.catalogs["color"]) == {"red", "dark blue", "deep blue", "green", "navy"}
    assert CatalogValue("navy", None, ("dark blue", "deep blue")) in skill.canonical["color"]
    assert CatalogValue("#00ff00", None, ("green",), is_said=False) in skill.canonical["color"]
    assert skill.slot_types == {"anything": "AMAZON.SearchQuery", "name": "AMAZON.DeviceType", "area": "AMAZON.Room"}
    assert not any("  " in row["text"] or row["text"] != row["text"].strip() for row in skill.rows("train"))


NEW_LAYOUT = {
    "sentences/en/HassTurnOff/name_area.yaml": 'language: en\ndata:\n  - sentences: ["<off> {name} in {area:preferred_area}"]\n',
    "sentences/en/HassTurnOff/default.yaml": "language: en\ndata:\n  - sentences:\n      - (lights|lamps) out\n    response: default\n",
    "sentences/de/HassTurnOff/default.yaml": "language: de\ndata:\n  - sentences: [Licht aus]\n",
    "sentences/de/_common.yaml": "language: de\nlists: {color: {values: [rot]}}\n",
    "sentences/en/light_HassLightSet.yaml": (
        "language: en\nintents:\n  HassLightSet:\n    data:\n      - sentences: ['paint it {color}', 'shine at {level}']\n"
    ),
    "lists/en/lights.yaml": "language: en\nlists: {color: {values: [red]}}\n",
    "lists/lights.yaml": "lists: {level: {range: {from: 3, to: 1, step: 2}}}\n",
    "rules/en/verbs.yaml": "language: en\nexpansion_rules: {'off': 'turn off [the]'}\n",
    "tests/en/HassTurnOff/default.yaml": "language: en\ntests:\n  - sentences: [lights out]\n",
}


def test_home_assistants_intents_in_both_layouts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = read(tmp_path, NEW_LAYOUT)
    assert patterns(skill) == {
        "HassTurnOff": {
            "turn off the {name} in {preferred_area}",
            "turn off {name} in {preferred_area}",
            "lights out",
            "lamps out",
        },
        "HassLightSet": {"paint it {color}", "shine at {level}"},
    }
    assert skill.catalogs["color"] == ["red"] and skill.catalogs["level"] == ["1", "one", "3", "three"]
    assert "of 2 languages, en is read; there are also de (--language names another one)" in caplog.text
    assert patterns(load_skill(tmp_path, language="de")) == {"HassTurnOff": {"licht aus"}}
    with pytest.raises(DataError, match="found nothing in 'fr'; its languages: de, en"):
        load_skill(tmp_path, language="fr")


def test_hassil_in_json_in_a_configuration_and_with_sentences_that_are_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = {"language": "en", "intents": {"Hi": {"data": [{"sentences": ["(hello|hi) there"]}]}}, "lists": {}}
    assert patterns(read(tmp_path, {"en.json": json.dumps(content)})) == {"Hi": {"hello there", "hi there"}}
    configuration = "conversation:\n  intents:\n    Off:\n      - lights (off\n      - lights <no>\n      - 'lights \\(all\\) out'\n      - tea {what}\n"
    assert patterns(read(tmp_path, {"configuration.yaml": configuration})) == {"Off": {"lights (all) out", "tea {what}"}}
    assert "left out sentences with brackets that don't match" in caplog.text and "(1)" in caplog.text
    assert "left out sentences with a rule that is not there, <no>" in caplog.text and "(1)" in caplog.text
    assert "lists are not there, of whose slots no value is known" in caplog.text


PADATIOUS = {
    "locale/en-us/brew.intent": "(brew|make) [me] (a|some) {Drink}\n# a comment\n\nsome :0 tea\n{drink}\nbroken (line\n",
    "locale/en-us/stop.intent": "stop\n",
    "locale/en-us/drink.entity": "(green|black) tea\ncoffee\n# no drink\nnumber ##\n",
    "locale/de-de/brew.intent": "koche {drink}\n",
    "locale/de-de/drink.entity": "tee\n",
    "locale/en-us/brewed.dialog": "here you are\n",
}


def test_padatious_in_a_folder_of_languages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = read(tmp_path, PADATIOUS)
    assert patterns(skill) == {
        "brew": {
            "{drink}",
            *(f"{verb} {me}{some} {{drink}}" for verb in ("brew", "make") for me in ("", "me ") for some in ("a", "some")),
        },
        "stop": {"stop"},
    }
    assert skill.catalogs == {"drink": ["green tea", "black tea", "coffee"]}
    for kind in ("sentences with ':0', any word", "sentences with brackets that don't match", "values with '#', any digit"):
        assert kind in caplog.text
    assert "there are also de-de" in caplog.text
    assert load_skill(tmp_path, language="de").catalogs == {"drink": ["tee"]}


def test_padatious_in_one_file(tmp_path: Path) -> None:
    skill = read(tmp_path, {"wake_up.intent": "wake me [up] at {time}\n(good|nice) morning\n"})
    assert patterns(skill) == {"wake_up": {"wake me up at {time}", "wake me at {time}", "good morning", "nice morning"}}


def test_padatious_in_a_plain_folder(tmp_path: Path) -> None:
    skill = read(tmp_path, {"vocab/play.intent": "play {song}", "vocab/song.entity": "yesterday\nlet it be", "skill.json": "{}"})
    assert patterns(skill) == {"play": {"play {song}"}} and skill.catalogs == {"song": ["yesterday", "let it be"]}


RHASSPY = {
    "sentences.ini": """
[TurnOn]
rooms = (living room | [big] kitchen){room}
# a comment
turn on [the] (lamp:light_1 | radio){device} in the <rooms>
switch (it | this){which!upper} on
\\[now] say hello
light up <Hall.place>
broken (line

[Hall]
place = hall
paint it $color{color} please
make it $shade
dim to (0..10,5){percent:} percent
set ($color){wall}
ask $nobody
""",
    "slots/color": "red\n(dark | deep) blue\n(sea green):teal\n",
    "slots/shade": "lighter\ndarker\n",
}


def test_rhasspy_with_rules_tags_meanings_ranges_and_slots(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    skill = read(tmp_path, RHASSPY)
    rows = {
        (row["text"], *((slot["label"], row["text"][slot["start"] : slot["end"]]) for slot in row["slots"]))
        for row in skill.rows("train")
        if row["intent"] == "TurnOn"
    }
    assert rows == {
        *(
            (f"turn on {the}{device} in the {room}", ("device", device), ("room", room))
            for the in ("", "the ")
            for device in ("lamp", "radio")
            for room in ("living room", "big kitchen", "kitchen")
        ),
        ("switch it on", ("which", "it")),
        ("switch this on", ("which", "this")),
        ("now say hello",),  # the backslash only says that this is no section
        ("say hello",),
        ("light up hall",),
    }
    assert patterns(skill)["Hall"] == {
        "paint it {color} please",
        "make it lighter",
        "make it darker",
        "dim to {percent} percent",
        "set {wall}",
    }
    assert {slot.value for template in skill.templates for slot in template.slots if slot.label == "percent"} == {
        "0",
        "zero",
        "5",
        "five",
        "10",
        "ten",
    }
    assert set(skill.catalogs["color"]) == {"red", "dark blue", "deep blue", "sea green", "teal"} == set(skill.catalogs["wall"])
    assert CatalogValue("teal", None, ("sea green",)) in skill.canonical["color"]
    assert CatalogValue("light_1", None, ("lamp",), is_said=False) in skill.canonical["device"]
    assert "left out sentences with a slot whose file is not there, $nobody" in caplog.text and "(1)" in caplog.text
    assert "left out sentences with brackets that don't match" in caplog.text and "(1)" in caplog.text


def test_rhasspy_in_one_file(tmp_path: Path) -> None:
    skill = read(tmp_path, {"sentences.ini": "[Time]\nwhat time is it\ntell [me] the (time | hour)\n"})
    assert patterns(skill) == {
        "Time": {"what time is it", *(f"tell {me}the {what}" for me in ("", "me ") for what in ("time", "hour"))}
    }


def test_rhasspy_in_a_profile_with_settings_of_other_programs(tmp_path: Path) -> None:
    skill = read(tmp_path, {"en/intents/brew.ini": "[Brew]\nmake (tea:){drink}\n", "tox.ini": "[tox]\nenvlist =\n  py311\n"})
    assert [(row["text"], len(row["slots"])) for row in skill.rows("train")] == [("make tea", 1)]


PLAIN = Parser("()[]{}<>|;", lambda name: Reference(name, name))


def texts(template: str, rules: dict[str, str] | None = None) -> list[str]:
    known = {name: PLAIN.parse(body) for name, body in (rules or {}).items()}
    forms = Expander(known).expand(PLAIN.parse(template))
    return ["".join(f"{{{part.label}}}" if isinstance(part, Slot) else part for part in form) for form in forms]


def test_of_many_forms_some_are_chosen_so_that_every_part_occurs() -> None:
    found = texts("(a|b|c|d|e) (f|g|h|i) [now] (j|k|l)")
    assert len(found) <= MAX_FORMS
    assert {word for text in found for word in text.split()} == {*"abcdefghijkl", "now"}
    assert any("now" not in text for text in found)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("stop [it] , now", {"stop it , now", "stop , now"}),  # it is written so
        ("stop [it], now", {"stop it, now", "stop, now"}),
        ("stop [it][,] now", {"stop it, now", "stop, now", "stop it now", "stop now"}),
        ("[please] stop [now]", {"please stop now", "please stop", "stop now", "stop"}),
        ("[please ]stop[ now]", {"please stop now", "please stop", "stop now", "stop"}),
        ("light[s] {name}[.]", {"lights {name}.", "lights {name}", "light {name}.", "light {name}"}),
        ("(a;b;c)", {"a b c", "a c b", "b a c", "b c a", "c a b", "c b a"}),
        ("in [[the] big] room", {"in the big room", "in big room", "in room"}),
        ("[well,] stop", {"well, stop", "stop"}),
        ("[well], stop", {"well, stop", "stop"}),
        (":-\\) [now]", {":-) now", ":-)"}),
        (":\\(", {":("}),
        ("a\\|b \\[c\\]", {"a|b [c]"}),
    ],
)
def test_no_blank_is_left_behind(template: str, expected: set[str]) -> None:
    assert set(texts(template)) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [("a (b", "brackets"), ("a )", "brackets"), ("{}", "no name"), ("<a", "braces"), ("<self>", "hold themselves"), ("<none>", "not there"),
     ("(a|b;c)", "in one group"), ("[" * 30 + "a" + "]" * 30, "nested"), ("a" * 3000, "over 2000"), ("<long>", "forms of over")],
)  # fmt: skip
def test_what_is_no_template_says_why(template: str, message: str) -> None:
    with pytest.raises(SentenceError, match=message):
        texts(template, {"self": "a <self>", "long": "<more> <more>", "more": "word " * 300})


@pytest.mark.parametrize(
    ("path", "format", "intents", "slots"),
    [
        ("reading_lamp/lamp.yaml", "hassil", 4, ["brightness", "colour", "room"]),
        ("flower_shop", "lex", 4, ["count", "day", "flower"]),
        ("front_desk/intents.json", "tag_patterns", 7, []),
    ],
)
def test_the_examples_are_read(root: Path, path: str, format: str, intents: int, slots: list[str]) -> None:
    assert find_reader(Source(root / "examples" / path)).NAME == format
    skill = load_skill(root / "examples" / path)
    assert (len(skill.intents), skill.slots) == (intents, slots)
