"""The rows of an epoch: refilled slots and out-of-scope utterances."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase, TrainerControl, TrainerState

from headstart import Skill
from headstart.data.label_names import label_words
from headstart.data.rows import rows_to_dataset
from headstart.training.epochs import EpochRows, NewEpoch

Rows = list[dict[str, Any]]


@pytest.fixture
def skill() -> Skill:
    rows = [
        {"text": "a small latte", "intent": "Brew", "slots": [{"start": 2, "end": 7, "label": "size"}]},
        {"text": "stop the machine", "intent": "Cancel", "slots": []},
    ]
    return Skill("cafe", rows_to_dataset(rows), catalogs={"size": ["small", "medium", "large", "double"]})


def make_rows(skill: Skill, tokenizer: PreTrainedTokenizerBase, **options: Any) -> EpochRows:
    entry = {"name": skill.name, "intents": skill.intents, "slots": skill.slots}
    return EpochRows(skill, tokenizer, entry, **options)


def contents(rows: EpochRows) -> Rows:
    return [rows[number] for number in range(len(rows))]


def texts(rows: EpochRows, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    return [tokenizer.decode(row["input_ids"]).replace(" ##", "") for row in contents(rows)]


def test_the_first_epoch_has_the_rows_themselves(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    assert contents(make_rows(skill, tokenizer, refill=1.0)) == contents(make_rows(skill, tokenizer))


def test_every_value_comes_before_any_comes_again(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = make_rows(skill, tokenizer, refill=1.0)
    seen = []
    for epoch in range(4, 8):  # a whole lap of the four values
        rows.begin_epoch(epoch)
        seen.append(texts(rows, tokenizer)[0])
        assert texts(rows, tokenizer)[1] == "stop the machine"
        assert max(rows[0]["slot_labels"]) == 1
    assert sorted(seen) == ["a double latte", "a large latte", "a medium latte", "a small latte"]


def test_epoch_does_not_depend_on_those_before(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    options = {
        "refill": 0.5,
        "misspell": 0.5,
        "out_of_scope": ["turn on the light", "who won", "good night"],
        "out_of_scope_share": 0.5,
    }
    walked, jumped = (make_rows(skill, tokenizer, seed=7, **options) for _ in range(2))
    for epoch in range(6):
        walked.begin_epoch(epoch)
    NewEpoch(jumped).on_epoch_begin(None, TrainerState(epoch=5.0), TrainerControl())  # type: ignore[arg-type]
    assert contents(walked) == contents(jumped)


def test_without_refilling_nothing_changes(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = make_rows(skill, tokenizer, refill=0.0)
    before = contents(rows)
    rows.begin_epoch(3)
    assert contents(rows) == before


def test_words_are_misspelt_from_the_second_epoch_on(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = make_rows(skill, tokenizer, misspell=1.0, out_of_scope=["switch it off"], out_of_scope_share=0.5, name_rows=True)
    first, encoded = texts(rows, tokenizer), contents(rows)
    seen = []
    for epoch in range(1, 9):
        rows.begin_epoch(epoch)
        seen.append(texts(rows, tokenizer))
        for row, clean in zip(contents(rows), encoded, strict=True):
            assert row["intent_labels"] == clean["intent_labels"]
            assert [tag for tag in row["slot_labels"] if tag >= 0] == [tag for tag in clean["slot_labels"] if tag >= 0]
    assert first == ["a small latte", "stop the machine", "switch it off", "brew", "cancel"]
    assert all(len({row[place] for row in seen}) > 3 for place in range(3))
    assert {tuple(row[3:]) for row in seen} == {("brew", "cancel")}  # names of intents stay


def test_as_many_rows_are_misspelt_as_asked(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = make_rows(skill, tokenizer, misspell=0.25)
    changed = 0
    for epoch in range(1, 401):
        rows.begin_epoch(epoch)
        changed += sum(row != clean for row, clean in zip(rows.encoded, rows.own, strict=True))
    # Of two or three words each has an error with probability .3, and some errors change nothing.
    assert 0.25 * 0.4 < changed / 800 < 0.25 * 0.66


def test_out_of_scope_utterances_are_labelled_as_none_of_the_intents(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    background = ["turn on the light", "who won", "good night", "call mom"]
    rows = make_rows(skill, tokenizer, out_of_scope=background, out_of_scope_share=1.0)
    seen = set()
    for epoch in range(2):
        rows.begin_epoch(epoch)
        own, added = contents(rows)[:2], contents(rows)[2:]
        assert {row["intent_labels"] for row in own} == {0, 1}
        assert [row["intent_labels"] for row in added] == [2, 2]
        assert {label for row in added for label in row["slot_labels"]} == {-100}
        seen.update(tuple(row["input_ids"]) for row in added)
    assert len(seen) == len(background)


def test_names_of_intents_are_rows_of_theirs(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = make_rows(skill, tokenizer, refill=1.0, out_of_scope=["who won"], out_of_scope_share=0.5, name_rows=True)
    for epoch in range(3):
        rows.begin_epoch(epoch)
        assert texts(rows, tokenizer)[-2:] == ["brew", "cancel"]
        assert [row["intent_labels"] for row in contents(rows)[-2:]] == [0, 1]
        assert {label for row in contents(rows)[-2:] for label in row["slot_labels"]} == {-100}


def test_tokens_are_those_of_all_epochs(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = make_rows(skill, tokenizer, refill=1.0, out_of_scope=["who won"], out_of_scope_share=0.5, name_rows=True)
    expected = rows.tokens()
    seen = set()
    for epoch in range(12):
        rows.begin_epoch(epoch)
        seen |= {piece for row in contents(rows) for piece in row["input_ids"]}
    assert seen == expected


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("AMAZON.PlayNextSongIntent", "play next song"),
        ("create_new_drive_file", "create new drive file"),
        ("RE_REGISTER_INTENT", "re register"),
        ("IPIntent", "ip"),
        ("ssh.disable", "ssh disable"),
        ("N_days_forecast", "n days forecast"),
        ("Default Welcome Intent", "default welcome"),
        ("Intent", ""),
        ("intent_17", ""),
        ("42", ""),
        ("room2Clean", "room 2 clean"),
        ("...", ""),
    ],
)
def test_labels_become_words(label: str, words: str) -> None:
    assert label_words(label) == words


def test_even_one_row_has_background_beside_it(skill: Skill, tokenizer: PreTrainedTokenizerBase) -> None:
    one = Skill("cafe", skill.train.select([0]))
    assert len(make_rows(one, tokenizer, out_of_scope=["who won", "good night"], out_of_scope_share=0.15)) == 2
