"""What a check finds in a skill's rows and catalogs, and that it finds nothing where nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headstart import Skill, check, load_skill
from headstart.checking.findings import KINDS, Finding
from headstart.cli import main

PLACES = ["attic", "cellar", "pantry", "porch", "study", "nursery"]
GENRES = ["blues", "polka", "techno", "opera", "swing", "funk"]


def row(text: str, intent: str, **slots: str) -> dict[str, Any]:
    return {"text": text, "intent": intent, "slots": slots}


def clean_rows() -> list[dict[str, Any]]:
    forms = [
        "light up the {}",
        "i need light in the {}",
        "it is dark in the {}",
        "make the {} brighter",
        "lamp in the {} on",
        "shine on the {}",
    ]
    rows = [row(form.format(place), "LightUp", place=place) for form, place in zip(forms, PLACES, strict=True)]
    forms = [
        "play {}",
        "some {} would be nice",
        "put on {}",
        "i feel like {} tonight",
        "music of the kind {}",
        "start the {} station",
    ]
    return rows + [row(form.format(genre), "Play", genre=genre) for form, genre in zip(forms, GENRES, strict=True)]


def skill(rows: list[dict[str, Any]], catalogs: dict[str, list[str]] | None = None, **parts: Any) -> Skill:
    catalogs = {"place": PLACES, "genre": GENRES} if catalogs is None else catalogs
    return Skill("home", train=rows, catalogs=catalogs, allow_unseen_labels=True, **parts)


def found(changed: Skill, kind: str) -> list[Finding]:
    return [finding for finding in check(changed).findings if finding.kind == kind]


def test_nothing_is_found_in_a_clean_skill() -> None:
    assert check(skill(clean_rows())).findings == []


def test_a_text_in_two_intents_is_an_error_with_its_rows() -> None:
    (finding,) = found(skill([*clean_rows(), row("Play blues!", "LightUp", genre="blues")]), "text_in_two_intents")
    assert finding.severity == "error"
    assert [(place.row, place.intent) for place in finding.rows] == [(7, "Play"), (13, "LightUp")]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("contradicting_slots", [row("light up the attic", "LightUp")]),
        ("same_phrase_in_two_intents", [row("please play polka", "LightUp", genre="polka")]),
        ("same_phrase_in_two_intents", [row("make the pantry birghter", "Play", place="pantry")]),
        ("few_rows", [row("good night", "Night"), row("sleep well", "Night")]),
        ("few_phrases", [row(f"call {name}", "Call") for name in ("a", "the")] * 3),
        ("repeated_rows", [clean_rows()[0]]),
        ("labels_alike", [row("quiet please", "play"), row("hush", "Hush")]),
        ("markup_left", [row("play {genre} for me", "Play")]),
        ("markup_left", [row("play &amp; sing", "Play")]),
        ("slot_without_values", [row("louder by ten", "Play", step="ten")]),
        ("value_of_another_slot", [row("music from the attic", "Play", genre="attic")]),
        ("value_not_annotated", [row("make the porch brighter", "LightUp")]),
        ("unbalanced_lengths", [row("play " + "and then something else that i heard once " * 5, "Play")]),
    ],
)  # fmt: skip
def test_a_fault_is_found(kind: str, more: list[dict[str, Any]]) -> None:
    assert not found(skill(clean_rows()), kind)
    findings = found(skill([*clean_rows(), *more]), kind)
    assert findings
    texts = {row["text"] for row in more}
    assert any(place.text in texts for finding in findings for place in finding.rows)
    assert all(finding.remedy and finding.reason.endswith(".") for finding in findings)


def test_catalogs_are_checked() -> None:
    (shared,) = found(skill(clean_rows(), {"place": [*PLACES, "swing"], "genre": GENRES}), "value_of_two_slots")
    assert shared.values == ("swing",) and shared.labels == ("place", "genre")
    (unused,) = found(skill(clean_rows(), {"place": PLACES, "genre": GENRES, "colour": ["red"]}), "slot_in_no_row")
    assert unused.labels == ("colour",)
    rows = [row(f"{verb} the attic", "LightUp", place="attic") for verb in ("light up", "brighten", "open", "show", "warm")]
    (few,) = found(skill(rows, {"place": PLACES}), "values_in_no_row")
    assert "attic" not in few.values


def test_slots_of_one_kind_may_share_their_values() -> None:
    rows = [row("from the attic to the porch", "Move", start="attic", end="porch"), *clean_rows()]
    assert not found(skill(rows, {"start": PLACES, "end": PLACES, "place": PLACES, "genre": GENRES}), "value_of_two_slots")


def test_spans_that_cut_words_are_found() -> None:
    rows = [
        *clean_rows(),
        {"text": "light for the cellar", "intent": "LightUp", "slots": [{"start": 14, "end": 19, "label": "place"}]},
    ]
    (finding,) = found(skill(rows), "span_edges")
    assert "'cella'" in finding.reason


def test_held_out_rows_are_compared() -> None:
    changed = skill(clean_rows(), test=[row("Play blues", "Play", genre="blues"), row("dance with me", "Dance")])
    assert [place.part for place in found(changed, "held_out_text_in_training")[0].rows] == ["test", "train"]
    assert found(changed, "label_in_no_training_row")[0].labels == ("Dance",)


def test_words_that_turn_an_intent_are_no_small_words() -> None:
    rows = [
        row("turn the lamp on", "On"),
        row("turn the lamp off", "Off"),
        row("do not open the door", "No"),
        row("open the door", "Yes"),
    ]
    assert not found(skill(rows, {}), "same_phrase_in_two_intents")


def test_kinds_are_left_out_by_name() -> None:
    changed = skill([*clean_rows(), clean_rows()[0]])
    assert not check(changed, ignore=["repeated_rows"]).findings
    with pytest.raises(ValueError, match="no kind of finding 'nonsense'"):
        check(changed, ignore=["nonsense"])


def test_every_kind_has_a_place_in_the_documentation(root: Path) -> None:
    text = (root / "docs" / "checking.md").read_text(encoding="utf-8")
    assert not [kind for kind in KINDS if f"`{kind}`" not in text]


def write(folder: Path, rows: list[dict[str, Any]]) -> str:
    path = folder / "home.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_the_command_ends_with_what_ci_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fair = write(tmp_path, [*clean_rows(), clean_rows()[0]])  # a note; and warnings, as there are no catalogs
    assert main(["check", fair]) == 0
    assert main(["check", fair, "--fail_on", "warning"]) == 1
    bad = write(tmp_path, [*clean_rows(), row("play blues", "LightUp")])
    capsys.readouterr()
    assert main(["check", bad]) == 1
    shown = capsys.readouterr().out
    assert "error: text_in_two_intents, 1. Decide which intent is meant" in shown
    assert "train row 13: play blues  (LightUp)" in shown
    assert main(["check", bad, "--fail_on", "never"]) == 0
    assert main(["check", bad, "--ignore", "text_in_two_intents", "same_phrase_in_two_intents"]) == 0
    assert main(["check", str(tmp_path / "nothing.csv")]) == 2


def test_the_command_gives_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write(tmp_path, [*clean_rows(), row("play blues", "LightUp")]), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["counts"]["error"] == 1
    first = report["findings"][0]
    assert (first["kind"], first["severity"]) == ("text_in_two_intents", "error")
    assert first["rows"][0] == {
        "part": "train",
        "row": 7,
        "text": "play blues",
        "intent": "Play",
        "slots": [{"label": "genre", "value": "blues"}],
    }


@pytest.mark.parametrize("name", ["coffee_machine", "museum_guide", "plant_care"])
def test_own_examples_have_no_error(root: Path, name: str) -> None:
    assert check(load_skill(root / "examples" / name)).counts["error"] == 0
