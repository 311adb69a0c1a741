"""The transfer report: its cases, figures and files, and that a report which was stopped goes on."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from headstart import DataError, HeadstartForJointNLU, NLUPipeline, Skill
from headstart.cli import main
from headstart.data.rows import rows_to_dataset
from headstart.data.templates import row_template
from headstart.evaluation.evaluate import score_answers
from headstart.finetuning.recipe import Recipe
from headstart.report.cases import DomainCase, SkillCase, data_hash, find_domains, find_skills
from headstart.report.classical import ClassicalNLU
from headstart.report.curve import Curve
from headstart.report.options import SYSTEMS, ReportOptions
from headstart.report.statistics import Results, compare, convergence, interval
from headstart.report.summary import summarize
from headstart.report.systems import Run
from headstart.report.transfer_report import make_report


@pytest.fixture(scope="module", autouse=True)
def short_runs() -> Iterator[None]:
    """Runs here are of a few steps: most of their time would go into garbage collection and into measuring how long a request takes."""
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headstart.evaluation.latency.TIMED_TEXTS", 1)
        yield


def run(skill: str, system: str, error: float, seed: int = 0, **fields: Any) -> dict[str, Any]:
    """A run as the log holds it."""
    metrics = {"semantic_error_rate": error, "exact_match": 1 - error, "intent_accuracy": 1.0, "slot_f1": 1 - error}
    return {
        "skill": skill, "group": skill[0], "system": system, "seed": seed, "train_rows": 60, "validation_rows": 9, "test_rows": 10,
        "units": 20, "steps": 100, "seconds": 2.0, "bytes": 10**6, "latency_ms": 1.5, "curve": [(5, 0.1, 0.5), (10, 0.2, error)],
        "validation": metrics, "test": metrics, **fields,
    }  # fmt: skip


# ---- cases


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus with two domains, of 40 and 12 training rows."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for part, sizes in (
        ("train", {"home": 40, "bank": 12}),
        ("validation", {"home": 6, "bank": 3}),
        ("test", {"home": 5, "bank": 4}),
    ):
        rows = [
            {"text": f"{part} {domain} {number}", "domain": domain, "intent": f"intent{number % 4}", "slots": []}
            for domain, size in sizes.items() for number in range(size)
        ]  # fmt: skip
        (folder / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_what_a_skill_lacks_is_held_out_by_template(root: Path) -> None:
    case = SkillCase(root / "examples" / "coffee_machine")
    skill, again, other = case.load(0), case.load(0), case.load(1)
    assert (
        skill.validation is not None and skill.test is not None and again.validation is not None and other.validation is not None
    )
    patterns = {row_template(row).pattern for row in skill.train.to_list()}
    assert not patterns & {row_template(row).pattern for row in skill.validation.to_list()}
    assert skill.validation["text"] == again.validation["text"] != other.validation["text"]
    assert len(skill.test) == 22  # its own test.jsonl
    without_test = SkillCase(root / "examples" / "city_bike" / "en-US.json")
    tests = [loaded.test["text"] for seed in (0, 1) if (loaded := without_test.load(seed)).test is not None]
    assert tests[0] == tests[1] and tests[0]


def test_the_stages_of_a_domain_are_nested_and_begin_with_one_row_of_each_intent(corpus: Path) -> None:
    small, large = (DomainCase(corpus, "home", stage).load(7) for stage in (6, 30))
    assert len(small.train) == 6 and large.train["text"][:6] == small.train["text"]
    assert len(set(small.train["intent"][:4])) == 4
    assert small.test is not None and all("home" in text for text in small.test["text"])
    assert DomainCase(corpus, "home", 6).load(8).train["text"] != small.train["text"]
    found = [(case.domain, case.stage) for case in find_domains(corpus, stages=(10, 25))]
    assert found == [("bank", 10), ("home", 10), ("home", 25)]


def test_skills_are_found_and_named(root: Path, tmp_path: Path) -> None:
    names = ["city_bike", "coffee_machine", "flower_shop", "front_desk", "museum_guide", "plant_care", "reading_lamp"]
    assert [case.name for case in find_skills(root / "examples")] == names
    with pytest.raises(DataError, match=r"holds no skill tea; it has: city_bike"):
        find_skills(root / "examples", ["tea"])
    with pytest.raises(DataError, match="is not a folder"):
        find_skills(tmp_path / "nowhere")
    assert SkillCase(Path("skills/luis__people")).group == "luis"


def test_a_case_of_ones_own_stays_what_it_is_wherever_it_runs() -> None:
    @dataclass(frozen=True)
    class FewRows(SkillCase):
        rows: int = 3

    assert FewRows(Path("skill"), 5).anywhere() == FewRows(Path("skill").absolute(), 5)


def test_the_data_hash_depends_on_the_content_alone(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder / "skill").mkdir(parents=True)
        (tmp_path / folder / "skill" / "train.jsonl").write_text("rows")
    first, second = (SkillCase(tmp_path / folder / "skill") for folder in ("one", "two"))
    assert data_hash([first]) == data_hash([second])
    (tmp_path / "two" / "skill" / "train.jsonl").write_text("other rows")
    assert data_hash([first]) != data_hash([second])


# ---- figures


def test_relative_error_reduction() -> None:
    found = compare(np.array([0.1, 0.0, 0.3, 0.2]), np.array([0.2, 0.0, 0.2, 0.4]))
    assert found["compared"] == 3  # one baseline makes no error
    assert found["reduction"]["value"] == round((0.5 - 0.5 + 0.5) / 3, 4)
    assert (found["wins"], found["ties"], found["losses"]) == (2, 1, 1)
    assert found["of_means"] == 0.25
    assert found["reduction"]["low"] <= found["reduction"]["value"] <= found["reduction"]["high"]


def test_intervals_of_one_value_and_of_none() -> None:
    assert interval(np.array([0.3])) == {"value": 0.3, "low": 0.3, "high": 0.3}
    assert interval(np.array([])) is None
    found = interval(np.random.default_rng(1).normal(5, 1, 400))
    assert found is not None and 0.15 < found["high"] - found["low"] < 0.25  # 2 * 1.96 / sqrt(400)


def test_the_pooled_error_weighs_units_and_the_best_system_is_chosen_on_validation_rows() -> None:
    good, bad = (
        {"semantic_error_rate": error, "exact_match": 0.5, "intent_accuracy": 1.0, "slot_f1": 1.0} for error in (0.1, 0.4)
    )
    results = Results([
        run("a", "no_transfer", 0.5, units=10, validation=good), run("b", "no_transfer", 0.0, units=90, validation=bad),
        run("a", "classical", 0.2, units=10, validation=bad), run("b", "classical", 0.3, units=90, validation=good),
    ])  # fmt: skip
    assert results.pooled_error("no_transfer") == pytest.approx(0.05)
    # Better on validation rows, worse on test rows: that is how it is chosen.
    assert results.best_on_validation(["no_transfer", "classical"]).tolist() == [0.5, 0.3]


def test_convergence_counts_steps_to_the_best_of_no_transfer() -> None:
    slow = [(5, 1.0, 0.9), (50, 10.0, 0.3), (100, 20.0, 0.2), (200, 40.0, 0.2)]
    results = Results([
        run("a", "transfer", 0.1, curve=[(5, 2.0, 0.3), (10, 4.0, 0.15)]), run("a", "no_transfer", 0.2, curve=slow),
        run("b", "transfer", 0.1, curve=[(5, 2.0, 0.3), (10, 4.0, 0.25)]), run("b", "no_transfer", 0.2, curve=slow),
    ])  # fmt: skip
    first, second = convergence(results, "transfer", "no_transfer")
    assert (first["baseline_steps"], first["steps"], first["step_ratio"], first["second_ratio"]) == (100, 10, 10.0, 5.0)
    assert (second["steps"], second["step_ratio"]) == (None, 0.0)  # never reached: it must not look fast


def test_seconds_that_were_not_measured_have_no_ratio() -> None:
    runs = [
        run(skill, system, 0.2, curve=[(5, None if (skill, system) == ("a", "no_transfer") else 1.0, 0.2)])
        for skill in ("a", "b") for system in ("transfer", "no_transfer")
    ]  # fmt: skip
    assert [entry["second_ratio"] for entry in convergence(Results(runs), "transfer", "no_transfer")] == [None, 1.0]
    figures = summarize(Results(runs))["convergence"]
    assert figures["second_ratio"]["median"]["value"] == 1.0


def test_intervals_over_domains_are_wider_than_over_their_stages() -> None:
    """The stages of a domain have the same test rows: they are drawn together."""
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(5, 1, 30), 6)
    clusters = [f"domain {number // 6}" for number in range(180)]
    alone, together = interval(values), interval(values, clusters=clusters)
    assert alone is not None and together is not None and alone["value"] == together["value"]
    assert 2 < (together["high"] - together["low"]) / (alone["high"] - alone["low"]) < 3  # the root of 6


def test_what_is_reached_before_the_first_step_counts_as_one_step() -> None:
    results = Results([
        run("a", "transfer", 0.1, curve=[(0, 0.5, 0.1), (5, 1.0, 0.1)]), run("a", "no_transfer", 0.2, curve=[(0, 0.5, 0.9), (20, 4.0, 0.2)]),
        run("b", "transfer", 0.1, curve=[(0, 0.5, 0.1), (5, 1.0, 0.1)]), run("b", "no_transfer", 0.2, curve=[(0, 0.5, 0.9), (20, 4.0, 0.9)]),
    ])  # fmt: skip
    assert [entry["step_ratio"] for entry in convergence(results, "transfer", "no_transfer")] == [20.0, 1.0]


def test_what_was_not_measured_in_some_runs_is_the_mean_of_the_others() -> None:
    runs = [
        run("a", "transfer", 0.1, 0, seconds=4.0, latency_ms=None),
        run("a", "transfer", 0.1, 1, seconds=None, latency_ms=None),
    ]
    (system,) = summarize(Results(runs))["systems"]
    assert (system["seconds"], system["latency_ms"]) == (4.0, None)


def test_a_summary_compares_and_lists_losses_first() -> None:
    runs = [
        run(skill, system, error, seed)
        for seed in (0, 1)
        for skill, errors in {"a1": (0.1, 0.2), "a2": (0.3, 0.1), "b1": (0.0, 0.4)}.items()
        for system, error in zip(("transfer", "no_transfer"), errors, strict=True)
    ]
    summary = summarize(Results(runs))
    (comparison,) = summary["comparisons"]
    assert (comparison["wins"], comparison["losses"]) == (2, 1)
    assert [entry["skill"] for entry in summary["worst"]] == ["a2", "a1", "b1"]
    assert [(part["part"], part["skills"]) for part in summary["by_group"]] == [("a", 2), ("b", 1)]
    with pytest.raises(ValueError, match="missing are 1 run"):
        Results(runs[:-1])


def test_a_curve_has_a_point_after_5_steps_and_at_the_end() -> None:
    class State:
        max_steps = 60
        global_step = 0

    curve, state, asked = Curve(), State(), []
    curve.on_train_begin(None, state, None)  # type: ignore[arg-type]
    curve.on_evaluate(None, state, None, metrics={"eval_semantic_error_rate": 0.5})  # type: ignore[arg-type]
    for state.global_step in range(1, 61):
        control = type("Control", (), {"should_evaluate": False})()
        curve.on_step_end(None, state, control)  # type: ignore[arg-type]
        if control.should_evaluate:
            asked.append(state.global_step)
            curve.on_evaluate(None, state, control, metrics={"eval_semantic_error_rate": 0.5})  # type: ignore[arg-type]
    assert asked == [5, 10, 15, 20, 25, 32, 40, 49, 60]
    curve.on_evaluate(None, state, None, metrics={"eval_semantic_error_rate": 0.5})  # type: ignore[arg-type]  # after training
    assert [point[0] for point in curve.points] == [0, *asked]


def test_the_time_of_scoring_is_not_that_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("headstart.report.systems.time.perf_counter", lambda: clock[0])
    state, control = type("State", (), {"max_steps": 10, "global_step": 0})(), type("Control", (), {"should_evaluate": False})()
    curve = Curve()
    curve.on_train_begin(None, state, control)  # type: ignore[arg-type]
    clock[0] += 2
    curve.on_evaluate(None, state, control, metrics={"eval_semantic_error_rate": 1.0})  # type: ignore[arg-type]
    for state.global_step in range(1, 11):
        clock[0] += 1  # a step
        control.should_evaluate = False
        curve.on_step_end(None, state, control)  # type: ignore[arg-type]
        if control.should_evaluate or state.global_step == 10:
            clock[0] += 2
            curve.on_evaluate(None, state, control, metrics={"eval_semantic_error_rate": 0.5})  # type: ignore[arg-type]
    clock[0] += 2
    curve.on_evaluate(None, state, control, metrics={"eval_semantic_error_rate": 0.5})  # type: ignore[arg-type]
    assert [point[1] for point in curve.points] == [0, 5, 10]
    assert clock[0] - curve.scoring_seconds == 10
    # A step takes a second, the probe took two and a half.
    assert curve.shifted(2.5) == [(3, 0, 1.0), (8, 5, 0.5), (13, 10, 0.5)] and curve.shifted(0) == curve.points


# ---- systems


def test_the_classical_pair_learns_a_skill(coffee: Skill, tokenizer: Any) -> None:
    assert coffee.test is not None
    nlu = ClassicalNLU(coffee, tokenizer)
    rows = coffee.test.to_list()
    answers = nlu([row["text"] for row in rows])
    scores = score_answers(answers, rows)
    assert scores["intent_accuracy"] > 0.7 and scores["slot_f1"] > 0.7
    for answer in answers:
        assert all(answer["text"][slot["start"] : slot["end"]].strip() for slot in answer["slots"])
    assert nlu.size() > 1000


def test_the_classical_pair_reads_catalogs(tokenizer: Any) -> None:
    rows = []
    for verb in ("take", "leave", "bring"):
        start = len(f"{verb} the ")
        rows += [
            {
                "text": f"{verb} the {value} now",
                "intent": "Go",
                "slots": [{"start": start, "end": start + len(value), "label": "colour"}],
            }
            for value in ("red", "blue", "teal", "pink")
        ]
        rows += [{"text": f"{verb} the {thing} now", "intent": "Go", "slots": []} for thing in ("door", "dog", "cup", "lamp")]
    catalogs = {"colour": ["red", "blue", "teal", "pink", "magenta"]}
    nlu = ClassicalNLU(Skill("colours", train=rows_to_dataset(rows), catalogs=catalogs), tokenizer)
    # Neither word is in any training row: the catalog alone tells them apart.
    in_catalog, other = nlu(["take the magenta now", "take the chair now"])
    assert [(slot["start"], slot["end"]) for slot in in_catalog["slots"]] == [(9, 16)] and other["slots"] == []


def test_the_classical_pair_without_slots_or_with_one_intent(tokenizer: Any) -> None:
    rows = [{"text": "go", "intent": "Go", "slots": []}, {"text": "go on", "intent": "Go", "slots": []}]
    nlu = ClassicalNLU(Skill("one", train=rows_to_dataset(rows)), tokenizer)
    assert nlu(["go"]) == [{"text": "go", "intent": {"label": "Go", "score": 1.0}, "slots": []}]


# ---- the command


@pytest.fixture(scope="module")
def skills(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two skills, with every other row of the examples."""
    folder = tmp_path_factory.mktemp("data") / "skills"
    for name in ("coffee_machine", "plant_care"):
        shutil.copytree(root / "examples" / name, folder / name)
        train = folder / name / "train.jsonl"
        train.write_text("\n".join(train.read_text().splitlines()[::2]))
    return folder


def make_command(skills: Path, out: Path, base: Path) -> list[str]:
    return [
        "report", "--skills", str(skills), "--out", str(out), "--base", str(base), "--seeds", "2", "--jobs", "1",
        "--max_steps", "12", "--systems", "transfer", "transfer_head", "no_transfer", "classical",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def finished(skills: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report; who goes on with it takes a copy."""
    out = tmp_path_factory.mktemp("reports") / "report"
    assert main(make_command(skills, out, tiny_base)) == 0
    return out


def test_the_report_is_written(finished: Path) -> None:
    content = json.loads((finished / "report.json").read_text())
    assert len(content["runs"]) == 2 * 2 * 4 and content["plots"] == ["errors", "convergence", "latency"]
    assert all((finished / "plots" / f"{name}.{kind}").stat().st_size for name in content["plots"] for kind in ("png", "svg"))
    for entry in content["runs"]:
        assert entry["steps"] == (None if entry["system"] == "classical" else 12)
        steps = [point[0] for point in entry["curve"]]
        assert [step - steps[0] for step in steps] == ([] if entry["system"] == "classical" else [0, 5, 10, 12])
        # Transfer is charged for fitting its classifiers.
        assert entry["system"] == "classical" or (steps[0] > 0) == (entry["system"] != "no_transfer")
    assert "| no transfer |" in (finished / "report.md").read_text()


def test_the_size_of_a_head_is_that_of_its_files(finished: Path) -> None:
    runs = json.loads((finished / "report.json").read_text())["runs"]
    heads, whole = ([entry["bytes"] for entry in runs if entry["system"] == name] for name in ("transfer_head", "transfer"))
    assert all(1000 < head < size / 2 for head, size in zip(heads, whole, strict=True))


def test_the_report_goes_on_where_it_was(
    finished: Path, skills: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.report.plots.draw_plots", lambda *args: [])  # which are drawn anew each time
    out = shutil.copytree(finished, tmp_path / "report")
    command, log = make_command(skills, out, tiny_base), out / "runs.jsonl"
    content, before = json.loads((out / "report.json").read_text()), log.read_text()
    assert main(command) == 0 and log.read_text() == before  # nothing left to do
    log.write_text(before[:-40])  # killed while it wrote
    assert main(command) == 0
    assert len(log.read_text().splitlines()) == len(before.splitlines())
    again = json.loads((out / "report.json").read_text())["runs"]
    assert [entry["test"] for entry in again] == [entry["test"] for entry in content["runs"]]
    # Other settings: nothing old is taken for new.
    assert main([*command[:-4], "transfer", "--max_steps", "9"]) == 0
    assert all(entry["steps"] == 9 for entry in json.loads((out / "report.json").read_text())["runs"])


def test_skills_that_settings_were_tuned_on_are_left_out_of_the_tables(
    finished: Path, skills: Path, tiny_base: Path, tmp_path: Path
) -> None:
    reasons = tmp_path / "reasons.json"
    reasons.write_text(json.dumps({"coffee_machine": "two intents mean the same", "plant_care": "not in the table"}))
    out = shutil.copytree(finished, tmp_path / "out")
    options = ReportOptions(
        skills, out, base=str(tiny_base), seeds=1, jobs=1, max_steps=12, systems=("transfer", "no_transfer"),
        tuned_on=("plant_care",), reasons=reasons,
    )  # fmt: skip
    content = make_report(options)
    text = (out / "report.md").read_text()
    assert "- coffee_machine: two intents mean the same" in text and "not in the table" not in text
    assert content["summary"]["comparisons"][0]["skills"] == 1 and content["summary_of_all"]["comparisons"][0]["skills"] == 2
    assert len(content["runs"]) == 4 and "--tuned_on plant_care" in content["command"]
    assert "comparisons" not in make_report(replace(options, systems=("no_transfer",)))["summary_of_all"]
    assert (out / "runs.jsonl").read_text() == (finished / "runs.jsonl").read_text()  # whose runs are taken


def test_growing_domains(corpus: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.report.transfer_report.find_domains", lambda folder: find_domains(folder, (6, 12)))
    options = ReportOptions(corpus, tmp_path / "out", experiment="growth", base=str(tiny_base), seeds=1, jobs=1, max_steps=1)
    content = make_report(options)
    assert [(stage["part"], stage["skills"]) for stage in content["summary"]["stages"]] == [("6", 2), ("12", 2)]
    assert content["plots"] == ["learning", "latency"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"systems": ("magic",)}, "there is no system 'magic'; allowed: transfer"),
        ({"experiment": "all"}, "experiment is 'all'; allowed: skills, growth"),
        ({"seeds": 0}, "seeds is 0; it must be at least 1"),
        ({"max_steps": 0}, "max_steps is 0; it must be at least 1"),
        ({"tuned_on": ("tea",)}, "tuned_on names 'tea', which the report has no skill of; it has: coffee_machine"),
        ({"tuned_on": ("coffee_machine", "plant_care")}, "tuned_on names every skill"),
        ({"experiment": "growth", "systems": ("transfer",)}, "compares transfer and no_transfer; add no_transfer"),
        ({"backend": "dask", "max_steps": 1}, "there is no backend 'dask'; allowed: loky, ray"),
    ],
)
def test_mistakes_are_explained(options: dict[str, Any], message: str, skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        make_report(ReportOptions(skills, tmp_path / "out", base=str(tiny_base), **options))


@pytest.mark.parametrize("text", ["{", "[]", '{"lamp": 3}'])
def test_reasons_must_be_texts_by_skill(text: str, skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    reasons = tmp_path / "reasons.json"
    reasons.write_text(text)
    with pytest.raises(DataError, match=r"reasons\.json"):
        make_report(ReportOptions(skills, tmp_path / "out", base=str(tiny_base), reasons=reasons))


def test_runs_without_transfer_outlive_a_new_base(skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other-base"
    model = HeadstartForJointNLU.from_pretrained(tiny_base)
    with torch.no_grad():
        model.trunk.embed_tokens.weight[5] += 1
    NLUPipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(tiny_base)).save_pretrained(other)
    case = SkillCase(skills / "plant_care")
    for name in ("transfer", "no_transfer", "classical"):
        first, second = (Run(case, SYSTEMS[name], 0, str(base)).fingerprint for base in (tiny_base, other))
        assert (first == second) == (name != "transfer")
    on_hub = {Run(case, SYSTEMS["transfer"], 0, base).fingerprint for base in ("you/first", "you/second")}
    assert len(on_hub) == 2
    assert (
        Run(case, SYSTEMS["transfer"], 0, str(tiny_base), max_steps=5).fingerprint
        != Run(case, SYSTEMS["transfer"], 0, str(tiny_base)).fingerprint
    )


@pytest.mark.parametrize(("system", "is_other"), [("transfer", True), ("no_transfer", True), ("classical", False)])
def test_another_recipe_makes_other_runs(
    system: str, is_other: bool, skills: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = SkillCase(skills / "coffee_machine")
    before = Run(case, SYSTEMS[system], 0, str(tiny_base)).fingerprint
    monkeypatch.setattr("headstart.report.systems.choose_recipe", lambda *args: Recipe(7, 16, 1e-3, 1.0, 0.1))
    assert (Run(case, SYSTEMS[system], 0, str(tiny_base)).fingerprint != before) == is_other


def test_one_bad_skill_costs_no_other_its_results(skills: Path, tiny_base: Path, tmp_path: Path) -> None:
    skills = shutil.copytree(skills, tmp_path / "skills")
    (skills / "broken").mkdir()
    (skills / "broken" / "train.jsonl").write_text('{"text": "go", "intent": "Go", "slots": []}\n')  # nothing to hold out
    options = ReportOptions(skills, tmp_path / "out", base=str(tiny_base), seeds=1, jobs=1, systems=("classical",))
    with pytest.raises(
        ValueError, match=r"1 of 3 runs failed .*\n  broken, classical, 0: DataError: broken has no validation rows"
    ):
        make_report(options)
    assert len((tmp_path / "out" / "runs.jsonl").read_text().splitlines()) == 2
    (skills / "broken" / "train.jsonl").unlink()
    (skills / "broken").rmdir()
    content = make_report(options)
    assert len(content["runs"]) == 2 and content["plots"] == []


def test_a_corpus_that_the_base_was_pretrained_on_is_refused(corpus: Path, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was pretrained on bank: its domains are not new to it"):
        make_report(
            ReportOptions(corpus.rename(tmp_path.parent / "bank"), tmp_path / "out", experiment="growth", base=str(tiny_base))
        )


def test_the_classical_pair_with_catalogs_but_no_annotated_slots(tokenizer: Any) -> None:
    rows = [{"text": text, "intent": intent, "slots": None} for text, intent in (("go to rome", "Go"), ("stop", "Stop"))]
    nlu = ClassicalNLU(Skill("one", train=rows_to_dataset(rows), catalogs={"city": ["rome"]}), tokenizer)
    assert nlu(["go to rome"])[0]["slots"] == []


@pytest.mark.slow
def test_the_sentence_encoder_learns_to_reject(coffee: Skill) -> None:
    from headstart.report.sentence_encoder import SentenceEncoderNLU

    others = ["who won the match", "play some jazz", "what is the capital of france", "read my unread mail", "call my mother"]
    nlu = SentenceEncoderNLU(coffee, steps=120, out_of_scope=others)
    assert [answer["intent"] for answer in nlu(["play some jazz", "who won the match"])] == [None, None]
    assert nlu(["make me a coffee"])[0]["intent"] is not None
    scores, states = nlu.intent_scores(["make me a coffee", "play some jazz"])
    assert scores.shape == (2, len(coffee.intents) + 1) and len(states) == 2 and scores[1].argmax() == len(coffee.intents)


@pytest.mark.slow
def test_the_sentence_encoder_learns_a_skill(coffee: Skill) -> None:
    from headstart.report.sentence_encoder import SentenceEncoderNLU

    assert coffee.test is not None
    rows = coffee.test.to_list()
    nlu = SentenceEncoderNLU(coffee, steps=120)
    scores = score_answers(nlu([row["text"] for row in rows]), rows)
    assert scores["intent_accuracy"] > 0.8 and scores["slot_f1"] > 0.8
    alone = [nlu([row["text"]])[0] for row in rows[:5]]
    assert [answer["slots"] for answer in alone] == [answer["slots"] for answer in nlu([row["text"] for row in rows[:5]])]
