"""What readers share: the files that are looked at, text and slots, limits, languages, oddities, and what a reader is."""

from __future__ import annotations

import logging
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from headstart import DataError, readers
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.readers import parts
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import annotate, cut, join_text, part_in, part_of_project, skill_of_templates, trimmed_slot
from headstart.readers.source import Source, SourceFile


def test_readers_and_writers_wait_for_no_large_library() -> None:
    slow = ("torch", "transformers", "datasets", "numpy")
    code = f"import sys, headstart.readers, headstart.writers; print([name for name in {slow} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_format_is_a_module_and_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = SimpleNamespace(
        NAME="own",
        detect=lambda source: source.path.suffix == ".own",
        read=lambda source, name: Skill(name, train=[{"text": source.only.text, "intent": "Do", "slots": []}]),
    )
    monkeypatch.setattr(readers, "_FORMATS", (own, *readers._FORMATS))
    (tmp_path / "my skill.own").write_text("do it")
    skill = readers.load_skill(tmp_path / "my skill.own")
    assert (skill.name, skill.rows("train")) == ("my_skill", [{"text": "do it", "intent": "Do", "slots": []}])


def test_a_file_is_looked_at_whatever_its_name_and_a_folder_by_suffix(tmp_path: Path) -> None:
    for name in ("a.YML", "b.json", "test.txt"):
        (tmp_path / name).write_text("x")
    folder, file = Source(tmp_path), Source(tmp_path / "test.txt")
    assert [found.name for found in folder.candidates(".yml", ".json")] == ["a.YML", "b.json"]
    assert len(folder.candidates()) == 3 and not folder.given
    assert file.candidates(".yml") == file.given == file.files
    assert part_in(folder, folder.files[2]) == "test" and part_in(folder, folder.files[0]) == "train"
    assert part_in(file, file.files[0]) == "train"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("data/nlu.yml", None),
        ("tests/nlu.yml", "test"),
        ("tests/smalltalk/greet.yml", "test"),
        ("data/test_drive.yml", None),
        ("data/train/test_drive.yml", "train"),
        ("data/train_tickets.yml", None),
        ("train_test_split/training_data.yml", "train"),
        ("train_test_split/test_data.yml", "test"),
        ("data/nlu_valid.yml", "validation"),
        ("my-rasa-test/data/nlu.yml", None),
        ("validation-set/a.lu", "validation"),
        ("eval.lu", "validation"),
    ],
)
def test_a_projects_file_is_a_part_if_its_name_or_folder_says_nothing_else(name: str, part: str | None) -> None:
    assert part_of_project(name) == part


RASA = 'version: "3.1"\nnlu:\n- intent: {0}\n  examples: |\n    - {1}\n'
MARKDOWN = "## intent:{0}\n- {1}\n"
LU = "# {0}\n- {1}\n"
SNIPS = "type: intent\nname: {0}\nutterances:\n  - {1}\n"
BATCH = '[{{"text": "{1}", "intent": "{0}", "entities": [], "entityLabels": []}}]'
BENCHMARK = '{{"{0}": [{{"data": [{{"text": "{1}"}}]}}]}}'
MASSIVE = '{{"annot_utt": "{1}", "intent": "{0}"}}'
CONLL = "{1}\tB-{0}\nnow\tO\n{0}\n"
HELD_OUT = {  # the form, and where it stands: for training, validation and test
    "rasa": (RASA, "data/nlu.yml", "data/dev/nlu.yml", "tests/nlu.yml"),
    "rasa_split": (RASA, "train_test_split/training_data.yml", "valid.yml", "train_test_split/test_data.yml"),
    "rasa_markdown": (MARKDOWN, "data/nlu.md", "data/valid.md", "tests/a.md"),
    "luis_lu": (LU, "a.lu", "dev/a.lu", "tests/a.lu"),
    "luis": (BATCH, "a.json", "validation.json", "test/batch.json"),
    "snips": (SNIPS, "brew.yaml", "valid/brew.yaml", "test/brew.yaml"),
    "benchmark": (BENCHMARK, "train_Brew_full.json", "validate_Brew.json", "test_Brew.json"),
    "massive": (MASSIVE, "train.jsonl", "dev.jsonl", "heldout.jsonl"),
    "conll": (CONLL, "train.conll", "dev.conll", "atis.test.iob"),
    "table": ("text,intent\n{1},{0}\n", "train.csv", "eval.csv", "test.csv"),
}


@pytest.mark.parametrize("is_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("name", HELD_OUT)
def test_held_out_files_of_a_folder_are_not_trained_on(
    name: str, is_zip: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    form, *places = HELD_OUT[name]
    for place, text in zip(places, ("tea", "milk", "cocoa"), strict=True):
        (tmp_path / "skill" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "skill" / place).write_text(form.format("Brew", text))
    path = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "skill")) if is_zip else tmp_path / "skill"
    skill = readers.load_skill(path)
    found = [[row["text"].split()[0] for row in skill.rows(part)] for part in ("train", "validation", "test")]
    assert found == [["tea"], ["milk"], ["cocoa"]]
    assert f"test rows by the names of their files: {places[2]}" in caplog.text


def test_what_a_split_of_rasa_holds_out_is_not_trained_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, texts in (
        ("data/nlu", ("tea", "milk")),
        ("train_test_split/training_data", ("tea",)),
        ("train_test_split/test_data", ("milk",)),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.yml").write_text(RASA.format("Brew", "\n    - ".join(texts)))
    skill = readers.load_skill(tmp_path)
    assert [[row["text"] for row in skill.rows(part)] for part in ("train", "test")] == [["tea"], ["milk"]]
    assert "left out examples of training that train_test_split holds out" in caplog.text and "(1)" in caplog.text


def test_a_project_that_is_nothing_but_tests_is_trained_on(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/nlu.yml").write_text(RASA.format("Brew", "make [tea](drink)"))
    (tmp_path / "tests/lookup.yml").write_text('version: "3.1"\nnlu:\n- lookup: drink\n  examples: |\n    - milk\n')
    skill = readers.load_skill(tmp_path)
    assert len(skill.rows("train")) == 1 and skill.catalogs == {"drink": ["milk"]} and not skill.has("test")


def test_what_cannot_be_read_of_a_folder_is_none() -> None:
    assert SourceFile("a", "a", b"\xff").text_or_none is None
    assert SourceFile("a.json", "a.json", b"\xff").json_or_none is None
    assert SourceFile("a.json", "a.json", b'{"a": 1}').json_or_none == {"a": 1}
    assert SourceFile("a.json", "a.json", b"[" * 99 + b"]" * 99).json_or_none is None


def test_links_are_not_followed_out_of_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "secret.yml").write_text(RASA.format("Secret", "the password"))
    (tmp_path / "others").mkdir()
    (tmp_path / "others/nlu.yml").write_text(RASA.format("Other", "another one"))
    skill = tmp_path / "skill"
    (skill / "data").mkdir(parents=True)
    (skill / "data/nlu.yml").write_text(RASA.format("Brew", "make tea"))
    (skill / "again.yml").symlink_to(skill / "data/nlu.yml")
    for name, target in (("a.yml", "../secret.yml"), ("b", "../others"), ("c.yml", "nowhere"), ("d.yml", "d.yml"), ("e", "data")):
        (skill / name).symlink_to(target)
    assert readers.load_skill(skill).intents == ["Brew"]
    assert "5 links that are not followed, to folders or out of this one: a.yml, b, c.yml, d.yml, e" in caplog.text
    (tmp_path / "link").symlink_to(skill)  # what the user names is followed
    assert readers.load_skill(tmp_path / "link").intents == ["Brew"]


@pytest.mark.parametrize("name", ["train.jsonl", "validation.jsonl", "catalogs.json", "skill.json"])
@pytest.mark.parametrize("target", ["../outside.jsonl", "nowhere"])
def test_links_out_of_a_folder_of_rows_are_refused(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / "skill").mkdir()
    row = '{"text": "tea", "intent": "Brew", "slots": []}'
    for path in ("outside.jsonl", "skill/train.jsonl"):
        (tmp_path / path).write_text(row)
    (tmp_path / "skill" / name).unlink(missing_ok=True)
    (tmp_path / "skill" / name).symlink_to(target)
    if (name, target) == ("train.jsonl", "nowhere"):
        with pytest.raises(DataError, match="found a folder or archive with nothing"):
            readers.load_skill(tmp_path / "skill")
        return
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/skill/{name}: a link that leads out of its folder")):
        readers.load_skill(tmp_path / "skill")


def test_links_of_the_hubs_cache_to_its_blobs_are_followed(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs/abc").write_text('{"text": "tea", "intent": "Brew", "slots": []}')
    folder = tmp_path / "snapshots/main/skill"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").symlink_to("../../../blobs/abc")
    assert readers.load_skill(folder).intents == ["Brew"]
    (folder / "train.jsonl").rename(folder / "nlu.yml")
    (tmp_path / "blobs/abc").write_text(RASA.format("Stop", "stop"))
    assert readers.load_skill(folder).intents == ["Stop"]


def test_links_in_an_archive_are_named_and_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    link = zipfile.ZipInfo("lookup.yml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "skill.zip", "w") as archive:
        archive.writestr("nlu.yml", RASA.format("Brew", "make tea"))
        archive.writestr(link, "/etc/passwd")
    assert readers.load_skill(tmp_path / "skill.zip").intents == ["Brew"]
    assert "links that are not followed, to folders or out of this one (1): lookup.yml" in caplog.text


def test_blanks_at_the_ends_of_a_value_are_text() -> None:
    assert trimmed_slot("who", "\tann b ") == ("\t", Slot("who", "ann b"), " ")
    found = annotate("for  ann , bob", [(3, 9, "who"), (8, 10, "x"), (10, 14, "who")], "Do", Oddities())
    assert found.parts == ("for ", Slot("who", "ann"), " ", Slot("x", ","), " ", Slot("who", "bob"))


def test_markup_is_cut_out_of_a_text() -> None:
    found = cut("a <b> c <>", re.compile("<(.*?)>"), lambda match: [Slot(match[1])] if match[1] else [match[0]])
    assert join_text(found) == ["a ", Slot("b"), " c <>"]


def test_the_limit_is_for_rows_of_open_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MAX_UTTERANCES", 4)
    annotated = [Template("Do", (f"do {number} ", Slot("what", "it"))) for number in range(9)]
    is_open = [Template("Do", (f"go {number} ", Slot("what"))) for number in range(3)]
    catalogs = {"what": [f"value {number}" for number in range(50)]}

    def size(*templates: Template, limits_open: bool = False) -> int:
        return len(skill_of_templates("x", templates, catalogs=catalogs, limits_open=limits_open).rows("train"))

    assert size(*annotated) == size(*annotated, limits_open=True) == 9
    assert size(*is_open) == 6 and size(*is_open, limits_open=True) == 4
    assert size(*annotated, *is_open) == 18 and size(*annotated, *is_open, limits_open=True) == 4


def test_oddities_are_said_once_with_their_count(caplog: pytest.LogCaptureFixture) -> None:
    oddities = Oddities()
    file = SourceFile("a.yml", "folder/a.yml", b"one\n- second one\n")
    for text in ("ä", "second one"):
        oddities.note("lines that are blank", text, Where(file))
    for number in range(1, 5):
        oddities.leave_out("rows without text", None, Where(file, f"line {number}"))
    oddities["rows without an intent"] += 0
    with caplog.at_level(logging.WARNING):
        oddities.warn("folder")
    assert [record.getMessage() for record in caplog.records] == [
        "folder: 2 lines that are blank, such as a.yml: 'ä'; a.yml, line 2: 'second one'",
        "folder: left out 4 rows without text, such as a.yml, line 1: None; a.yml, line 2: None; a.yml, line 3: None",
    ]
