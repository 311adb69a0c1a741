"""Skills that are no files: rows, datasets, frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

import headstart
from headstart import DataError, Skill, load_skill

ROWS: list[dict[str, Any]] = [
    {"text": "turn on the lamp", "intent": "on", "slots": []},
    {"text": "lamp off in the hall", "intent": "off", "slots": [{"start": 16, "end": 20, "label": "room"}]},
    {"text": "light up the kitchen", "intent": "on", "slots": [{"start": 13, "end": 20, "label": "room"}]},
]
TAGS = ["O", "B-room", "I-room"]


def tagged() -> Dataset:
    return Dataset.from_dict(
        {"tokens": [row["text"].split() for row in ROWS], "ner_tags": [[0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1]], "label": [0, 1, 0]},
        features=Features(
            {"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=TAGS)), "label": ClassLabel(names=["on", "off"])}
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda: ROWS,
        lambda: tuple(ROWS),
        lambda: Dataset.from_list(ROWS),
        lambda: DatasetDict(train=Dataset.from_list(ROWS)),
        lambda: {"train": ROWS},
        lambda: pandas.DataFrame(ROWS),
        lambda: pandas.DataFrame(ROWS).rename(columns={"text": "Utterance", "intent": "Category", "slots": "entities"}),
        lambda: Skill("skill", ROWS),
        tagged,
        lambda: tagged().to_pandas().assign(ner_tags=[[TAGS[tag] for tag in row] for row in tagged()["ner_tags"]], label=["on", "off", "on"]),
        lambda: [
            {**row, "slots": {slot["label"]: row["text"][slot["start"] : slot["end"]] for slot in row["slots"]}} for row in ROWS
        ],
        lambda: [{"text": row["text"], "intent": row["intent"], "slots": str(row["slots"])} for row in ROWS],
    ],
)  # fmt: skip
def test_every_form_gives_the_same_skill(make: Callable[[], Any]) -> None:
    skill = load_skill(make())
    assert (skill.name, skill.intents, skill.slots) == ("skill", ["off", "on"], ["room"])
    assert skill.rows("train") == ROWS


def test_parts_come_by_name_or_in_a_column() -> None:
    dev = [{"text": "lamp on", "intent": "on", "slots": []}]
    by_name = load_skill(DatasetDict(train=Dataset.from_list(ROWS), validation=Dataset.from_list(dev)), name="lamp")
    assert (by_name.name, by_name.rows("validation"), by_name.has("test")) == ("lamp", dev, False)
    frame = pandas.DataFrame([{**row, "split": "train"} for row in ROWS] + [{**dev[0], "split": "dev"}])
    assert load_skill(frame).rows("validation") == dev


def test_what_is_missing_is_not_annotated() -> None:
    frame = pandas.DataFrame({"text": ["stop", "go on", "on"], "intent": ["stop", None, "on"], "slots": [[], None, float("nan")]})
    rows = load_skill(frame).rows("train")
    assert [row["intent"] for row in rows] == ["stop", None, "on"] and [row["slots"] for row in rows] == [[], None, None]
    unlabelled = tagged().cast_column("label", Value("int64")).map(lambda row: {"label": -1}, load_from_cache_file=False)
    assert load_skill(unlabelled.cast_column("label", ClassLabel(names=["on"]))).intents == []


def test_a_skill_may_get_another_name() -> None:
    assert load_skill(Skill("lamp", ROWS), "light").name == "light"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (7, "found a number (builtins.int); allowed: a path, a Skill, a datasets.Dataset or DatasetDict, a pandas frame, or rows: "),
        (["turn on the lamp"], 'row 1: found \'turn on the lamp\'; allowed: {"text": "wake me at seven", "intent": "SetAlarm"'),
        ([], "there is no training row; wanted: "),
        ({"text": ["on"]}, "found a mapping with 'text'; allowed: rows by part (train, validation, test), or a list of rows"),
        ([{"txt": "on", "intent": "on"}], "found the columns 'txt', 'intent'; there must be one called text or utterance"),
        ([{"text": "on", "topic": "on"}], "there must be one of intents (intent, label, category, class) or of slots"),
        ([{"text": "on", "label": 3}], "train row 1, column 'label': found the number 3; allowed: the name of an intent, or numbers of a ClassLabel"),
        ([{"text": 5, "label": "on"}], "train row 1, column 'text': found 5; allowed: a string that is not blank"),
        ([{"tokens": ["a", "b"], "ner_tags": ["O"], "label": "on"}], "train row 1, column 'ner_tags': found 1 tag for 2 words"),
        ([{"text": "on and on", "intent": "on", "slots": {"x": "on"}}], "field 'slots': 'on' stands 2 times in 'on and on'; allowed: once"),
        ([{"tokens": ["a"], "ner_tags": [4], "label": "on"}], "found 4; allowed: tags such as O, B-time and I-time, or the numbers of a ClassLabel"),
        ([{"text": "on", "intent": "on", "slots": [{"start": 0, "end": 9, "label": "x"}]}], "train row 1, field 'slots[0]': found 0-9"),
        ({"test": ROWS}, "there is no training row, only of test"),
    ],
)  # fmt: skip
def test_a_wrong_one_ends_in_a_message_that_shows_the_form(source: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_skill(source)
    assert message in str(caught.value) and len(str(caught.value)) < 400


def test_a_stream_is_made_a_dataset_first() -> None:
    with pytest.raises(DataError, match="Of a stream, make a Dataset first"):
        load_skill(Dataset.from_list(ROWS).to_iterable_dataset())


def test_values_by_label_are_looked_for_in_files_too(tmp_path: Path) -> None:
    """README's rows, put into a file."""
    lines = [
        json.dumps({**row, "slots": {slot["label"]: [row["text"][slot["start"] : slot["end"]].upper()] for slot in row["slots"]}})
        for row in ROWS
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert load_skill(tmp_path / "rows.jsonl").rows("train") == ROWS


def test_a_table_without_the_columns_says_which_it_needs(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="a table that begins with 'a,b'; its first line must name the columns, of which none is called text"
    ):
        load_skill(table)


def test_finetuning_and_evaluation_take_what_is_in_memory(tiny_base: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"base": str(tiny_base), "max_steps": 2, "use_cpu": True, "disable_tqdm": True}
    nlu = headstart.finetune(tagged(), tmp_path / "lamp", skill_name="lamp", **options)
    assert nlu("lamp on")["skill"] == "lamp"
    scores = [headstart.evaluate(nlu, rows) for rows in (tagged(), ROWS, pandas.DataFrame(ROWS))]
    assert scores[0]["utterances"] == 3 and scores[0] == scores[1] == scores[2]
    table = tmp_path / "rows.csv"
    table.write_text("text,intent\nlamp on,on\nlamp off,off\n", encoding="utf-8")
    assert headstart.evaluate(nlu, table)["utterances"] == 2
    table.write_text("text,intent,split\nlamp on,on,train\nlamp off,off,test\n", encoding="utf-8")
    assert headstart.evaluate(nlu, table)["utterances"] == 1
