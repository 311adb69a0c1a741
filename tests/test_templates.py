"""Templates, filling them, and holding whole templates out."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart import DataError, Skill
from headstart.data.skills import make_skill
from headstart.data.templates import (
    ShuffledOrder,
    Slot,
    Template,
    ValueSource,
    fill_templates,
    parse_template,
    row_template,
    split_rows,
)

BRACES = re.compile(r"\{(\w+)\}")
SIZES = ["small", "medium", "large", "huge"]


def sample(text: str, intent: str = "Order") -> Template:
    return parse_template(text, intent, BRACES, lambda match: Slot(match[1]))


def test_sample_is_cut_into_text_and_slots() -> None:
    template = sample("  order a  {size}   coffee\u00a0 ")
    assert template.parts == ("order a ", Slot("size"), " coffee")
    assert template.pattern == "order a {size} coffee"
    row = template.fill(["large"])
    assert row == {"text": "order a large coffee", "intent": "Order", "slots": [{"start": 8, "end": 13, "label": "size"}]}


def test_adjacent_slots_and_letters_beside_a_slot_keep_their_characters() -> None:
    row = sample("{a}{b}'s").fill(["x y", "z"])
    assert row["text"] == "x yz's"
    assert [(slot["start"], slot["end"]) for slot in row["slots"]] == [(0, 3), (3, 4)]


def test_a_value_may_hold_braces() -> None:
    rows = fill_templates([sample("play {song}")], {"song": ["{size} matters"]})
    assert [row["text"] for row in rows] == ["play {size} matters"]


@pytest.mark.parametrize("values", [[], ["a", "b"], [" "]])
def test_wrong_values_are_refused(values: list[str]) -> None:
    with pytest.raises(ValueError, match="needs 1 value"):
        sample("a {size}").fill(values)


words = st.text("abc'é ", min_size=1, max_size=6).filter(str.strip)
parts = st.lists(st.one_of(words, st.builds(Slot, st.sampled_from(["x", "y"]), words)), min_size=1, max_size=6)


@given(parts)
def test_row_of_a_template_gives_its_slots_again(found: list[Any]) -> None:
    template = Template("i", tuple(found))
    row = template.fill([slot.value for slot in template.slots])
    again = row_template(row)
    assert again.slots == template.slots
    assert again.fill([slot.value for slot in again.slots]) == row


def test_every_template_comes_before_any_is_repeated() -> None:
    templates = [sample(f"{word} {{size}}") for word in ("get", "brew", "make", "pour")]
    rows = fill_templates(templates, {"size": SIZES}, fills=2)
    assert [row["text"].split()[0] for row in rows[:4]] == ["get", "brew", "make", "pour"]
    assert len(rows) == 8


def test_values_are_used_up_before_any_comes_again() -> None:
    templates = [sample(f"{number} {{size}}") for number in range(8)]
    values = [row["text"].split()[1] for row in fill_templates(templates, {"size": SIZES}, fills=1)]
    assert sorted(values[:4]) == sorted(values[4:]) == sorted(SIZES)


def test_a_seed_gives_the_same_rows_and_another_one_others() -> None:
    templates = [sample(f"{number} {{size}} {{time}}") for number in range(8)]
    options: dict[str, Any] = {"catalogs": {"size": SIZES}, "slot_types": {"time": "AMAZON.TIME"}}
    assert fill_templates(templates, **options, seed=3) == fill_templates(templates, **options, seed=3)
    assert fill_templates(templates, **options, seed=3) != fill_templates(templates, **options, seed=4)


def test_cap_gives_every_intent_its_turn() -> None:
    templates = [sample(f"big {number}", "Big") for number in range(500)] + [sample("small", "Small")]
    rows = fill_templates(templates, max_utterances=10)
    assert Counter(row["intent"] for row in rows) == {"Big": 9, "Small": 1}


def test_large_catalog_is_no_burden() -> None:
    rows = fill_templates([sample("play {song}")], {"song": [f"song {number}" for number in range(100_000)]}, fills=5)
    assert len({row["text"] for row in rows}) == 5


def test_open_slot_without_values_gets_phrases_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    (row,) = fill_templates([sample("find {thing}")], fills=1)
    assert row["slots"][0]["label"] == "thing"
    assert row["text"] != "find {thing}"
    assert "no value is known of 1 slot" in caplog.text


@pytest.mark.parametrize("options", [{"max_utterances": 0}, {"fills": 0}])
def test_nothing_to_fill_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        fill_templates([sample("a")], **options)


def test_listed_and_generated_values_take_turns() -> None:
    source = ValueSource(["a", "A ", "b", " "], lambda generator: str(generator.randrange(10**9)), "0")
    listed = {source.value(number).lower() for number in range(0, 4, 2)}
    assert listed == {"a", "b"}
    assert source.value(1).isdigit()
    assert source.value(1) == source.value(1) != source.value(3)


@given(st.integers(1, 20), st.integers(0, 5))
def test_shuffled_order_is_a_permutation_in_every_lap(size: int, lap: int) -> None:
    order = ShuffledOrder(size, "seed")
    assert sorted(order[lap * size + place] for place in range(size)) == list(range(size))


def test_make_skill_keeps_the_first_of_two_equal_samples(caplog: pytest.LogCaptureFixture) -> None:
    skill = make_skill(
        "cafe", [sample("a {size}"), sample(" a  {size}"), sample("stop", "Stop")], catalogs={"size": SIZES, "no": []}
    )
    assert skill.intents == ["Order", "Stop"]
    assert skill.catalogs == {"size": SIZES}
    assert len(skill.templates) == 2
    assert "samples that are empty or occur before (1)" in caplog.text


def test_make_skill_without_samples_is_an_error() -> None:
    with pytest.raises(DataError, match="no sample utterance"):
        make_skill("cafe", [])


@given(st.integers(0, 10**6), st.floats(0.1, 0.9))
def test_split_shares_no_template_and_no_text(seed: int, share: float) -> None:
    templates = [sample(f"{word} {{size}} {end}", word) for word in "ab" for end in ("now", "please", "again", "there")]
    rows = fill_templates([*templates, sample("odd {rare}", "a")], {"size": SIZES, "rare": ["x"]}, seed=1)
    random.Random(seed).shuffle(rows)
    kept, held_out = split_rows(rows, share, seed)
    assert len(kept) + len(held_out) == len(rows)
    assert {row_template(row).pattern for row in kept}.isdisjoint(row_template(row).pattern for row in held_out)
    assert {row["text"].lower() for row in kept}.isdisjoint(row["text"].lower() for row in held_out)
    assert {row["intent"] for row in held_out} <= {row["intent"] for row in kept} == {"a", "b"}
    labels = [{slot["label"] for row in part for slot in row["slots"]} for part in (kept, held_out)]
    assert labels[1] <= labels[0]


def test_split_shares_no_text_that_is_annotated_in_two_ways() -> None:
    def row(text: str, *labels: str) -> dict[str, Any]:
        starts = [text.index(word) for word in ("jazz", "noon") if word in text][: len(labels)]
        slots = [{"start": start, "end": start + 4, "label": label} for start, label in zip(starts, labels, strict=True)]
        return {"text": text, "intent": "play", "slots": slots}

    rows = [row("play jazz"), row("play jazz", "genre"), row("jazz please", "style"), *(row(f"play {word}") for word in "abcde")]
    for seed in range(300):
        kept, held_out = split_rows(rows, 0.5, seed)
        assert {row["text"] for row in kept}.isdisjoint(row["text"] for row in held_out), seed


def test_split_holds_something_out(coffee: Skill) -> None:
    kept, held_out = split_rows(coffee.train.to_list(), 0.25)
    assert 5 < len(held_out) < len(kept)


@pytest.mark.parametrize("share", [0, 1, -1, 2])
def test_split_refuses_a_share_that_is_none(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_rows([], share)


def test_outer_blanks_of_a_span_are_not_part_of_its_value() -> None:
    row = {"text": "wake me at seven", "intent": "i", "slots": [{"start": 10, "end": 16, "label": "time"}]}
    assert row_template(row).fill([" seven"]) == row
    assert row_template(row, trim=True).fill(["noon"])["text"] == "wake me at noon"


def test_split_keeps_a_text_of_several_intents() -> None:
    rows = [
        {"text": text, "intent": intent, "slots": []} for text, intent in (("stop", "Stop"), ("stop", "Cancel"), ("halt", "Stop"))
    ]
    for seed in range(5):
        assert {row["intent"] for row in split_rows(rows, 0.5, seed)[0]} == {"Stop", "Cancel"}
