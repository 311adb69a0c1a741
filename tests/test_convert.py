"""`headstart convert`: files of one format become those of another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from headstart import DataError, convert, load_skill
from headstart.cli import main
from headstart.data.rows import Row
from headstart.modeling.entries_headstart import REJECT_THRESHOLD
from headstart.writers import WRITERS

MODEL = {
    "interactionModel": {
        "languageModel": {
            "invocationName": "corner cafe",
            "intents": [
                {
                    "name": "Order",
                    "slots": [{"name": "size", "type": "SIZE"}, {"name": "at", "type": "AMAZON.TIME"}],
                    "samples": [
                        "a {size} coffee",
                        "bring a {size} one at {at}",
                        "a {size} one please",
                        "get me something {size}",
                    ],
                },
                {"name": "Thanks", "slots": [], "samples": ["thank you", "thanks a lot", "that was nice"]},
                {"name": "AMAZON.StopIntent", "samples": []},
            ],
            "types": [
                {"name": "SIZE", "values": [{"name": {"value": "small"}}, {"name": {"value": "large", "synonyms": ["big"]}}]}
            ],
        }
    }
}


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "cafe.json"
    path.write_text(json.dumps(MODEL), encoding="utf-8")
    return path


def row_set(rows: list[Row]) -> set[str]:
    return {json.dumps(row, sort_keys=True) for row in rows}


@pytest.mark.parametrize("out", [f"nlu{suffix}" for writer in WRITERS.values() for suffix in writer.SUFFIXES])
def test_what_is_written_is_read_again(model_file: Path, tmp_path: Path, out: str) -> None:
    written = convert(model_file, tmp_path / "out" / out, name="cafe")
    read = load_skill(tmp_path / "out" / out, "cafe")
    assert (read.name, read.intents) == (written.name, ["Order", "Thanks"])
    assert row_set(read.rows("train")) == row_set(written.rows("train"))
    if out not in ("nlu.jsonl", "nlu.ndjson", "nlu.conll", "nlu.bio"):  # which have no place for catalogs
        assert {label: sorted(values) for label, values in read.catalogs.items()} == {"size": ["big", "large", "small"]}
    if out in ("nlu", "nlu.json"):
        assert (read.invocation, read.slot_types) == ("corner cafe", {"at": "AMAZON.TIME"})


def test_command_line_converts_splits_and_seeds(model_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert main(["convert", str(model_file), "--out", str(folder), "--test_share", "0.3", "--fills", "5", "--seed", "3"]) == 0
    skill = load_skill(folder)
    assert skill.rows("test")
    again = convert(model_file, tmp_path / "again", test_share=0.3, fills=5, seed=3)
    assert row_set(again.rows("train")) == row_set(skill.rows("train"))
    assert main(["convert", str(model_file), "--out", str(tmp_path / "few.jsonl"), "--max_utterances", "2"]) == 0
    assert len(load_skill(tmp_path / "few.jsonl").rows("train")) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{model}", "--out", "rows.txt"], "can't tell the format of 'rows.txt'; name it with --format"),
        (["{model}", "--out", "rows.jsonl", "--test_share", "0.5"], "test rows need a folder of rows"),
        (["{model}", "--out", "folder", "--test_share", "7"], "share is 7.0; it must lie between 0 and 1"),
        (["no/such", "--out", "folder"], "there is no such file or folder"),
    ],
)
def test_mistakes_are_one_line(
    model_file: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model_file.parent)
    assert main(["convert", *(part.format(model=model_file) for part in arguments)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("headstart: ")]
    assert message in line


def test_a_file_is_fine_tuned_as_it_is(model_file: Path, tiny_base: Path, tmp_path: Path) -> None:
    options = ["--base", str(tiny_base), "--max_steps", "3", "--disable_tqdm", "true"]
    assert main(["finetune", "--skill", str(model_file), "--output_dir", str(tmp_path / "out"), *options]) == 0
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["skills"][0]["gazetteer"]["slots"] == ["size"]
    assert config["skills"][0]["rejection"]["threshold"] == REJECT_THRESHOLD


def test_the_example_of_the_readme(root: Path, tmp_path: Path) -> None:
    skill = convert(root / "examples" / "city_bike" / "en-US.json", tmp_path / "bike", test_share=0.2)
    assert set(skill.intents) == {"FindBikes", "ReserveBike", "ReturnBike", "ReportProblem"}
    assert skill.invocation == "city bike" and skill.slot_types["pickupTime"] == "AMAZON.TIME"
    assert 3 < len(skill.rows("test")) < len(skill.rows("train"))


def test_nothing_of_an_earlier_skill_is_taken_for_a_part_of_the_new_one(model_file: Path, tmp_path: Path) -> None:
    """It is not deleted either: somebody may have written it."""
    convert(model_file, tmp_path / "out", test_share=0.3)
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert "test.jsonl" in written
    with pytest.raises(ValueError, match=r"holds test\.jsonl, and skill 'cafe' has nothing for it: delete it"):
        convert(model_file, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == written
    (tmp_path / "out" / "test.jsonl").unlink()
    convert(model_file, tmp_path / "out")
    assert not load_skill(tmp_path / "out").has("test")


def test_test_rows_are_not_replaced(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has test rows of its own"):
        convert(root / "examples" / "coffee_machine", tmp_path / "out", test_share=0.2)


@pytest.mark.parametrize("out", ["coffee.jsonl", "coffee.json", "coffee.yml"])
def test_held_out_rows_that_a_file_has_no_place_for_are_named(
    root: Path, tmp_path: Path, out: str, caplog: pytest.LogCaptureFixture
) -> None:
    skill = convert(root / "examples" / "coffee_machine", tmp_path / "folder")
    assert skill.has("test") and "not written" not in caplog.text
    convert(root / "examples" / "coffee_machine", tmp_path / out)
    assert f"{len(skill.rows('test'))} test rows are not written" in caplog.text and "give a folder" in caplog.text


def test_filling_templates_anew_leaves_annotated_and_held_out_rows(tmp_path: Path) -> None:
    for part, texts in {"train": ["wake me now", "stop it"], "test": ["wake me please"]}.items():
        columns = {
            "seq.in": texts, "label": [text.split()[0] for text in texts], "seq.out": [" ".join("O" * len(text.split())) for text in texts],
        }  # fmt: skip
        (tmp_path / "words" / part).mkdir(parents=True)
        for name, lines in columns.items():
            (tmp_path / "words" / part / name).write_text("".join(f"{line}\n" for line in lines))
    plain = convert(tmp_path / "words", tmp_path / "plain")
    for name, options in {"seed": {"seed": 1}, "fills": {"fills": 2}}.items():
        again = convert(tmp_path / "words", tmp_path / name, **options)
        assert row_set(again.rows("train")) == row_set(plain.rows("train")) and again.has("test") and plain.has("test")
        assert (tmp_path / name / "test.jsonl").read_text() == (tmp_path / "plain" / "test.jsonl").read_text()


def test_large_files_beside_the_rows_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "stop", "intent": "Stop", "slots": []}\n', encoding="utf-8")
    with (tmp_path / "optimizer.pt").open("wb") as stream:
        stream.truncate(2**30)
    assert len(load_skill(tmp_path).rows("train")) == 1


def test_an_archive_of_rows_says_what_to_do(root: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "coffee"), "zip", root / "examples" / "coffee_machine")
    with pytest.raises(DataError, match=r"found train\.jsonl inside an archive or another folder; give the folder that holds it"):
        load_skill(archive)
