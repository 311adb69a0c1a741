"""Messages: counted nouns, what was perhaps meant, and one line that says what to do."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from headstart import DataError, Skill, finetune, load_skill
from headstart.cli import main
from headstart.data.rows import counted, counted_kind
from headstart.evaluation.calibration import calibrate
from headstart.finetuning.plan import EpochSize, plan_finetuning
from headstart.readers import READERS
from headstart.training.options import FinetuneOptions

NOUNS = (
    "rows intents slots spans samples texts steps sources tokens values labels languages links models runs skills words tags cells catalogs utterances "
    "faults lines numbers names records machines templates"
)
# A count, at most two words, and one of these in the plural.
BY_HAND = re.compile(rf"(?:%d|\{{len\([^{{}}]*\)\}}) (?:[a-z-]+ ){{0,2}}(?:{'|'.join(NOUNS.split())})\b")
ALWAYS_MANY = (
    "of %d models",  # said of several alone
    "of %d languages",
    "fewer than %d training rows",
    "values in one utterance; allowed",
    "was cut after %d (%d tokens)",
)


def test_no_message_counts_a_noun_by_hand(root: Path) -> None:
    found = []
    for folder in ("src/headstart", "tokenization"):
        for file in sorted((root / folder).rglob("*.py")):
            for line in file.read_text(encoding="utf-8").splitlines():
                if BY_HAND.search(line) and not any(words in line for words in ALWAYS_MANY):
                    found.append(f"{file.relative_to(root)}: {line.strip()}")
    assert not found, "\n".join(found)


def test_one_is_told_as_one() -> None:
    assert [counted(count, "training row") for count in (0, 1, 2)] == ["0 training rows", "1 training row", "2 training rows"]
    assert counted(2, "entity") == "2 entities"
    assert counted_kind(1, "rows that are blank") == "rows that are blank (1)"
    assert counted_kind(2, "rows that are blank") == "2 rows that are blank"


def test_a_skill_of_one_row_is_told_as_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "headstart")
    (tmp_path / "tea.csv").write_text("text,intent\nmake tea,Brew\n,Brew\n", encoding="utf-8")
    load_skill(tmp_path / "tea.csv")
    assert "1 intent, 0 slots, 1 training row" in caplog.text
    assert "records without text or intent, which are left out (1), such as" in caplog.text
    assert not re.search(r"\b1 [a-z]+s\b", caplog.text)


@pytest.mark.parametrize(
    ("header", "said", "unsaid"),
    [
        ("txt,intnt", ["'txt' is perhaps meant as text", "'intnt' is perhaps meant as intent"], []),
        ("uterance,intent", ["'uterance' is perhaps meant as utterance"], ["intent (or", "'intent' is"]),
        ("text;labell", ["'labell' is perhaps meant as label"], ["none is called text"]),
        ("date,price", ["none is called text (or utterance"], ["perhaps"]),
    ],
)
def test_a_misspelt_column_is_told_with_what_it_may_mean(header: str, said: list[str], unsaid: list[str], tmp_path: Path) -> None:
    delimiter = ";" if ";" in header else ","
    (tmp_path / "tea.csv").write_text(f"{header}\nmake tea{delimiter}3\nstop{delimiter}4\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_skill(tmp_path / "tea.csv")
    assert all(words in str(caught.value) for words in said)
    assert not any(words in str(caught.value) for words in unsaid)


def test_a_misspelt_file_or_label_is_told_with_what_it_may_mean(tmp_path: Path) -> None:
    (tmp_path / "library.csv").write_text("text,intent,split\nrenew it,Renew,train\nkeep it,Renw,test\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"librari\.csv: there is no such file or folder\. Did you mean library\.csv\?$"):
        load_skill(tmp_path / "librari.csv")
    with pytest.raises(DataError, match=r"there is no such file or folder\.$"):
        load_skill(tmp_path / "nowhere" / "library.csv")
    with pytest.raises(DataError, match=r"Did you mean Renew\? Add training rows with it, or allow"):
        load_skill(tmp_path / "library.csv")


def test_what_is_no_skill_is_not_answered_with_all_formats(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("an odd note\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"{len(READERS)} formats are known: headstart convert --help") as caught:
        load_skill(tmp_path / "notes.txt")
    assert not any(name in str(caught.value) for name in ("slurp", "padatious", "rasa_markdown"))


ALEXA = """{"interactionModel": {"languageModel": {"invocationName": "tea house",
"intents": [{"name": "Brew", "samples": ["make tea", "brew some tea"]}]}}}"""


@pytest.mark.parametrize(
    ("file", "content", "name"),
    [
        ("kettle/models/en-US.json", ALEXA, "tea_house"),  # the invocation, where the file's name is a language
        ("kettle/kettle.json", ALEXA, "kettle"),
        ("kettle/en.json", ALEXA.replace('"invocationName": "tea house",', ""), "kettle"),  # else the folder
        ("kettle/nlu.yml", 'version: "3.1"\nnlu:\n- intent: Brew\n  examples: |\n    - make tea\n', "kettle"),
        ("kettle/train.jsonl", '{"text": "make tea", "intent": "Brew", "slots": []}\n', "kettle"),
        ("kettle/tea.jsonl", '{"text": "make tea", "intent": "Brew", "slots": []}\n', "tea"),
    ],
)
def test_a_skill_is_named_by_what_tells(file: str, content: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    assert load_skill(path).name == name
    assert load_skill(path, "own").name == "own"


def test_a_misspelt_command_and_none_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["finetun", "skill"])
    assert "Did you mean finetune?" in capsys.readouterr().err
    assert main([]) == 2
    shown = capsys.readouterr().err
    assert all(f"    {command}" in shown for command in ("finetune", "predict", "evaluate", "check", "serve", "pretrain"))


def test_texts_are_not_asked_for_where_the_model_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["predict"])
    assert capsys.readouterr().err.endswith("required: MODEL\n")


def test_saying_how_often_to_save_is_saying_that(tmp_path: Path) -> None:
    def strategy(has_validation: bool = False, **options: object) -> str:
        found = FinetuneOptions(skill="tea", output_dir=str(tmp_path), **options)  # type: ignore[arg-type]
        return plan_finetuning(found, EpochSize(20, 3, 2), has_validation).save_strategy

    assert strategy() == "no"
    assert strategy(save_steps=5) == "steps"
    assert strategy(save_steps=5, save_strategy="no") == "no"
    assert strategy(has_validation=True, save_steps=5, load_best_model_at_end=False) == "steps"


def test_a_threshold_that_was_chosen_before_is_named_when_it_is_lost(
    coffee: Skill, tiny_base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    finetune(coffee, out, base=str(tiny_base), max_steps=3, use_cpu=True)
    finetune(coffee, out, base=str(tiny_base), max_steps=3, use_cpu=True)
    assert "headstart calibrate" not in caplog.text  # nothing was chosen
    chosen = calibrate(out, ["sing me a song", "who won"], coffee.rows("test"))["reject_threshold"]
    finetune(coffee, out, base=str(tiny_base), max_steps=3, use_cpu=True)
    assert f"'none of these' over a probability of {chosen:g}, the new one over 0.8" in caplog.text
    caplog.clear()
    finetune(coffee, out, base=str(tiny_base), max_steps=3, use_cpu=True, reject_threshold=0.8)
    assert "headstart calibrate" not in caplog.text  # it was replaced before
