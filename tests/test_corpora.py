"""Pretraining sources: evaluation texts stay out, label spaces stay apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headstart import DataError
from headstart.data.corpora import LabelKinds, load_sources
from headstart.data.texts import text_key


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    def write(name: str, part: str, *rows: tuple[str, str, str]) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        lines = (json.dumps({"text": text, "domain": domain, "intent": intent, "slots": []}) for text, domain, intent in rows)
        (tmp_path / name / f"{part}.jsonl").write_text("\n".join(lines))

    write("home", "train", ("light on", "light", "set"), ("alarm on", "alarm", "set"), ("Do n't stop .", "alarm", "stop"))
    write("home", "validation", ("light off", "light", "set"), ("what", "light", "ask"))
    write("home", "test", ("alarm off", "alarm", "set"))
    write("other", "train", ("Alarm off!", "x", "a"), ("hello", "x", "a"))
    write("other", "validation", ("don't stop", "x", "a"))
    write("other", "test", ("bye", "x", "a"))
    return tmp_path


def test_evaluation_texts_of_every_corpus_leave_every_training_part(corpora: Path) -> None:
    home, other = load_sources(corpora, ["home", "other"], LabelKinds(["home"], [], ["home", "other"]))
    # "Do n't stop ." is a validation text of the other corpus, "Alarm off!" a test text of this one.
    assert home.train["text"] == ["light on", "alarm on"]
    assert other.train["text"] == ["hello"]


def test_domains_placeholders_and_unannotated_slots(corpora: Path) -> None:
    home, other = load_sources(corpora, ["home", "other"], LabelKinds(["home"], ["other"], ["home", "other"]))
    assert home.intents == ["alarm/set", "light/set"]
    assert other.intents == [] and other.slots == []
    assert home.validation["text"] == ["light off"]  # "ask" is in no training row


def test_unknown_corpora_are_named(corpora: Path) -> None:
    with pytest.raises(DataError, match="has no corpus 'snips'; it has: home, other"):
        load_sources(corpora, ["home", "snips"])


def test_texts_are_compared_by_letters_and_digits() -> None:
    assert text_key("What 's the time ?") == text_key("what's the TIME")
    assert text_key("Café 7pm") == text_key("cafe 7 pm")
    assert text_key("7pm") != text_key("8pm")
