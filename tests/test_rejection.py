"""The reject option: what trains it, what it answers, and how it is calibrated and scored."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, EvalPrediction, PreTrainedTokenizerBase

import headstart
from headstart import DataError, HeadstartConfig, HeadstartForJointNLU, NLUPipeline, Skill, evaluate, finetune, load_skill
from headstart.data.out_of_scope import read_out_of_scope
from headstart.data.rows import rows_to_dataset
from headstart.evaluation.calibration import calibrate, fit_temperature, threshold_point
from headstart.evaluation.evaluate import score_answers
from headstart.evaluation.metrics import expected_calibration_error, roc_auc
from headstart.finetuning.rejection import NEAREST, choose_out_of_scope, hold_out, leave_out_similar
from headstart.finetuning.starting_model import starting_model
from headstart.loading import load_pipeline
from headstart.modeling.entries_headstart import REJECT_THRESHOLD
from headstart.modeling.labels_headstart import REJECTED
from headstart.training.options import FinetuneOptions
from headstart.training.trainer import skill_metrics


class Lamp:
    name = "lamp"
    intents = ["on", "off"]  # noqa: RUF012
    slots = ["room"]  # noqa: RUF012


@pytest.fixture
def lamp(model: HeadstartForJointNLU, tokenizer: PreTrainedTokenizerBase) -> NLUPipeline:
    model.add_skill(Lamp(), reset="task_layers", rejects=True)
    return NLUPipeline(model=model.eval(), tokenizer=tokenizer)


@pytest.mark.usefixtures("whole_package")
def test_out_of_scope_utterances_of_the_package_are_many_and_clean() -> None:
    domains = read_out_of_scope()
    utterances = [text for texts in domains.values() for text in texts]
    assert len(domains) > 50 and len(utterances) > 1000
    assert len({text.lower() for text in utterances}) == len(utterances)
    assert not any(text.startswith("#") or text != text.strip() for text in utterances)


def test_own_out_of_scope_utterances(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("# mine\nhello\n\n## block\n sing a song \nwho won\n", encoding="utf-8")
    assert read_out_of_scope(path) == {"": ["hello"], "block": ["sing a song", "who won"]}
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"own\.txt: holds no utterance"):
        read_out_of_scope(path)
    with pytest.raises(DataError, match="no such file"):
        read_out_of_scope(tmp_path / "none.txt")


@pytest.mark.usefixtures("whole_package")
def test_utterances_like_the_skills_own_are_left_out(root: Path) -> None:
    domains = read_out_of_scope()
    base = headstart.BASE_EN
    tokenizer = AutoTokenizer.from_pretrained(base)
    coffee, plants = (load_skill(root / "examples" / name) for name in ("coffee_machine", "plant_care"))
    left_out = {}
    for skill in (coffee, plants):
        args = FinetuneOptions(output_dir="unused", skill=skill.name)
        model = starting_model(base, skill, args, tokenizer)
        chosen = leave_out_similar(domains, list(skill.train["text"]), model, tokenizer)
        everything = [text for texts in domains.values() for text in texts]
        assert chosen == [text for text in everything if text in set(chosen)]
        assert len(everything) * (1 - 2 * NEAREST) < len(chosen) <= len(everything) * (1 - NEAREST)
        left_out[skill.name] = set(everything) - set(chosen)
    drinks = set(domains["coffee_and_drinks"])
    assert len(left_out["coffee_machine"] & drinks) > len(drinks) / 2 > len(left_out["plant_care"] & drinks)


def test_held_out_utterances_are_not_trained_on() -> None:
    utterances = [str(number) for number in range(25)]
    kept, held_out = hold_out(utterances)
    assert sorted(kept + held_out) == sorted(utterances)
    assert len(held_out) == 2


def set_bias(nlu: NLUPipeline, value: float) -> None:
    classifiers = nlu.model.classifiers["lamp"]
    with torch.no_grad():
        classifiers.reject_classifier.weight.zero_()
        classifiers.reject_classifier.bias.fill_(value)


def test_rejected_text_has_no_intent_and_no_slots_but_a_score(lamp: NLUPipeline) -> None:
    set_bias(lamp, 9.0)
    answer = lamp("brew a latte", skill="lamp")
    assert answer["intent"]["label"] is None and answer["intent"]["score"] > 0.99
    assert answer["slots"] == []
    never = lamp("brew a latte", skill="lamp", reject_threshold=1)
    assert never["intent"]["label"] in Lamp.intents and never["intent"]["score"] < 0.01


def test_threshold_and_temperature_are_the_skills_own_and_survive_saving(lamp: NLUPipeline, tmp_path: Path) -> None:
    set_bias(lamp, 1.0)
    entry = lamp.model.skill("lamp")
    entry["rejection"] = {"temperature": 2.0, "threshold": 0.9}
    answer = lamp("brew a latte", skill="lamp")
    assert answer["intent"]["label"] is not None
    lamp.save_pretrained(tmp_path)
    loaded = load_pipeline(tmp_path)
    assert loaded.model.skill("lamp")["rejection"] == entry["rejection"]
    assert loaded("brew a latte", skill="lamp") == answer
    entry["rejection"]["threshold"] = 0.2
    assert lamp("brew a latte", skill="lamp")["intent"]["label"] is None


def set_intents(nlu: NLUPipeline, logits: list[float], none: float) -> None:
    """Make the scores of the lamp's intents, and of "none of these", the same for all texts."""
    classifiers = nlu.model.classifiers["lamp"]
    with torch.no_grad():
        classifiers.intent_classifier.weight.zero_()
        classifiers.intent_classifier.bias.copy_(torch.tensor(logits).log())
    set_bias(nlu, float(np.log(none)))


def test_no_intent_that_hides_behind_a_threshold_is_answered(lamp: NLUPipeline) -> None:
    set_intents(lamp, [0.06, 0.06], 0.88)  # "none of these" is less probable than the threshold, and .936 against the best intent
    answer = lamp("brew a latte", skill="lamp", reject_threshold=0.9)
    assert answer["intent"]["label"] is None and answer["out_of_scope"] == pytest.approx(0.88)
    assert lamp("brew a latte", skill="lamp", reject_threshold=0.93)["intent"]["label"] is None
    answered = lamp("brew a latte", skill="lamp", reject_threshold=0.94)
    assert answered["intent"]["label"] in Lamp.intents and answered["intent"]["score"] == pytest.approx(0.06)


def test_two_intents_that_are_as_probable_are_no_reason_to_reject(lamp: NLUPipeline) -> None:
    set_intents(lamp, [0.46, 0.44], 0.1)
    answer = lamp("brew a latte", skill="lamp", reject_threshold=0.6)
    assert answer["intent"] == {"label": "on", "score": pytest.approx(0.46)} and answer["out_of_scope"] == pytest.approx(0.1)


def test_intents_are_ranked_where_they_are_asked_for(lamp: NLUPipeline) -> None:
    set_intents(lamp, [0.2, 0.5], 0.3)
    answer = lamp("brew a latte", skill="lamp", top_k=5)
    assert answer["intents"] == [{"label": "off", "score": pytest.approx(0.5)}, {"label": "on", "score": pytest.approx(0.2)}]
    assert sum(intent["score"] for intent in answer["intents"]) + answer["out_of_scope"] == pytest.approx(1)
    assert "intents" not in lamp("brew a latte", skill="lamp")
    assert [intent["label"] for intent in lamp("brew a latte", skill="lamp", top_k=1, reject_threshold=0)["intents"]] == ["off"]
    bank = lamp("brew a latte", skill="bank", top_k=2)  # which can't tell what it isn't for
    assert "out_of_scope" not in bank and len(bank["intents"]) == min(2, len(lamp.model.skill("bank")["intents"]))
    with pytest.raises(ValueError, match="top_k is 0; it must be a whole number, at least 1"):
        lamp("brew", skill="lamp", top_k=0)


def test_nothing_has_one_form(lamp: NLUPipeline) -> None:
    set_bias(lamp, 9.0)
    for text in ("", " ", "brew a latte"):
        answer = lamp(text, skill="lamp", top_k=1)
        assert answer["intent"]["label"] is None and answer["slots"] == [] and 0.9 < answer["intent"]["score"] <= 1
        assert answer["intent"]["score"] == answer["out_of_scope"]
    assert lamp(["", "brew"], skill="lamp")[0]["intent"] == {"label": None, "score": 1.0}


def test_loss_knows_none_of_these(lamp: NLUPipeline) -> None:
    batch = {"input_ids": torch.tensor([[5, 6], [7, 8]]), "skill_ids": lamp.model.skill_ids(["lamp"] * 2)}
    set_bias(lamp, 9.0)
    likely, unlikely = (
        lamp.model(**batch, intent_labels=torch.tensor([label, label])).intent_loss for label in (len(Lamp.intents), 0)
    )
    assert likely < 0.01 and unlikely > 5


def test_own_utterances_are_not_thinned_out(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("a large beer\nwho won\n" + coffee.train["text"][0].upper(), encoding="utf-8")
    args = FinetuneOptions(output_dir="unused", skill="coffee", out_of_scope=str(tmp_path / "own.txt"))
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    model = starting_model(str(tiny_base), coffee, args, tokenizer)
    assert choose_out_of_scope(coffee, model, tokenizer, args) == (["a large beer", "who won"], [])


def test_training_scores_a_rejected_row_as_the_pipeline_does() -> None:
    skills = [{"name": "lamp", "intents": ["on"], "slots": ["room"]}]
    labels = (np.array([0]), np.array([[1, 0]]), np.array([0]))
    for intent, f1 in ((0, 1.0), (REJECTED, 0.0)):
        metrics = skill_metrics(EvalPrediction((np.array([intent]), np.array([[1, 0]])), labels), skills)
        assert metrics["slot_f1"] == f1 and metrics["intent_accuracy"] == f1


def test_half_precision_answers_too(lamp: NLUPipeline) -> None:
    lamp.model.to(torch.bfloat16)
    set_bias(lamp, 1.0)
    assert 0 < lamp("brew a latte", skill="lamp")["intent"]["score"] <= 1


def test_skills_without_the_option_are_as_before(model: HeadstartForJointNLU, lamp: NLUPipeline) -> None:
    batch = {"input_ids": torch.tensor([[5, 6], [7, 8]])}
    outputs = lamp.model(**batch, skill_ids=lamp.model.skill_ids(["lamp", "bank"]))
    assert outputs.reject_logits[1] == torch.finfo(torch.float).min
    decoding = lamp.model.decode(outputs, batch["input_ids"], skill_ids=lamp.model.skill_ids(["lamp", "bank"]))
    assert decoding.reject_scores[1] == 0 and decoding.intents[1] >= 0
    assert lamp.model(**batch, skill_ids=lamp.model.skill_ids(["bank", "travel"])).reject_logits is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rejection": {"threshold": 0.5}}, "must have temperature and threshold"),
        ({"rejection": {"threshold": 0.5, "temperature": 0}}, "temperature must be in"),
        ({"rejection": {"threshold": 2, "temperature": 1}}, r"threshold in \[0, 1\]"),
        ({"gazetteer": {"slots": ["room"]}}, "must have slots, values and tokens"),
        ({"gazetteer": {"slots": ["city"], "values": 5, "tokens": 5}}, "needs slots that the skill has"),
    ],
)
def test_malformed_entries_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match=message):
        HeadstartConfig(skills=[{"name": "lamp", "intents": ["on"], "slots": ["room"], **change}])


@pytest.mark.parametrize("option", [{"reject_threshold": 1.5}, {"reject_threshold": -1}])
def test_threshold_outside_0_to_1_is_refused(lamp: NLUPipeline, option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        lamp("brew", skill="lamp", **option)


# ---- training, calibration and scores


def test_finetuning_calibrates_on_validation_rows(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    rows = coffee.train.to_list()
    skill = Skill("coffee", rows_to_dataset(rows[::2] + rows[1::4]), validation=rows_to_dataset(rows[3::4]))
    options: dict[str, Any] = {"max_steps": 40, "learning_rate": 0.02, "reject_threshold": 0.6, "disable_tqdm": True}
    nlu = finetune(skill, tmp_path, base=str(tiny_base), allow_unseen_labels=True, **options)
    rejection = nlu.model.skill()["rejection"]
    assert rejection["threshold"] == 0.6
    assert rejection["temperature"] != 1.0
    scores = evaluate(nlu, skill.train, out_of_scope=["what is the capital of france", "did my package arrive", "sing me a song"])
    assert scores["out_of_scope_utterances"] == 3
    assert 0 <= scores["out_of_scope_auroc"] <= 1 and 0 <= scores["expected_calibration_error"] <= 1
    assert evaluate(nlu, skill.train, out_of_scope=["sing"], reject_threshold=0)["rejected_in_scope"] == 1.0


@pytest.mark.slow
def test_base_learns_to_reject_what_other_skills_are_for(root: Path, coffee: Skill, tmp_path: Path) -> None:
    others = [text for name in ("plant_care", "museum_guide") for text in load_skill(root / "examples" / name).test["text"]]
    scores = evaluate(finetune(coffee, tmp_path, disable_tqdm=True), coffee.test, out_of_scope=others)
    assert scores["out_of_scope_auroc"] > 0.97
    # The other examples also ask for water and say stop: some of it sounds like coffee.
    assert scores["rejected_in_scope"] < 0.1 and scores["rejected_out_of_scope"] > 0.7


def test_out_of_scope_utterances_may_come_from_files(lamp: NLUPipeline, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("sing\n\nwho won\n", encoding="utf-8")
    (tmp_path / "rows.ndjson").write_text('{"text": "sing", "intent": null, "slots": null}\n', encoding="utf-8")
    assert read_out_of_scope(tmp_path / "rows.ndjson") == {"": ["sing"]}
    (tmp_path / "rows.jsonl").write_text('{"text": "sing", "intent": null, "slots": null}\n', encoding="utf-8")
    rows = rows_to_dataset([{"text": "brew", "intent": "on", "slots": []}])
    for name, number in (("lines.txt", 2), ("rows.jsonl", 1)):
        assert evaluate(lamp, rows, "lamp", out_of_scope=tmp_path / name)["out_of_scope_utterances"] == number


def test_a_skill_that_can_not_reject_says_so(tiny_base: Path) -> None:
    rows = rows_to_dataset([{"text": "brew", "intent": "pay", "slots": []}])
    with pytest.raises(ValueError, match="skill 'bank' can't reject: fine-tune it with --rejection true"):
        evaluate(tiny_base, rows, "bank", out_of_scope=["sing"])


def test_temperature_of_overconfident_scores_is_found() -> None:
    generator = torch.Generator().manual_seed(0)
    honest = torch.randn(4000, 3, generator=generator) * 2
    labels = torch.multinomial(honest.softmax(dim=1), 1, generator=generator).squeeze(1)
    weights = np.full(4000, 1 / 4000)
    assert fit_temperature(honest.numpy() * 3, labels.numpy(), weights) == pytest.approx(3, rel=0.1)
    assert fit_temperature(honest.numpy(), labels.numpy(), weights) == pytest.approx(1, rel=0.1)


def test_lowest_threshold_that_keeps_right_answers_by_hand() -> None:
    known, is_right = np.array([0.9, 0.8, 0.7, 0.2, 0.95]), np.array([True, True, True, True, False])
    unknown = np.array([0.1, 0.3, 0.75, 0.92])
    everything = threshold_point(known, is_right, unknown, 1.0)  # .2 must stay, and .1 may go
    assert everything == {"kept": 1.0, "reject_threshold": 0.85, "in_scope_accuracy": 0.8, "out_of_scope_accepted": 0.75}
    most = threshold_point(known, is_right, unknown, 0.75)  # .2 may go; what is next below .7 is .3
    assert most == {"kept": 0.75, "reject_threshold": 0.5, "in_scope_accuracy": 0.6, "out_of_scope_accepted": 0.5}


probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(probabilities, probabilities, st.floats(0.05, 1))
def test_a_threshold_keeps_what_was_asked_for(known: list[float], unknown: list[float], kept: float) -> None:
    is_right = np.array([number % 3 != 2 for number in range(len(known))])
    point = threshold_point(np.array(known), is_right, np.array(unknown), kept)
    stays = (np.array(known) >= 1 - point["reject_threshold"]) & is_right
    assert 0 <= point["reject_threshold"] <= 1 and stays.sum() >= kept * is_right.sum() - 1e-6 - sum(np.array(known) < 2e-6)


def test_calibrating_changes_the_decision_alone_and_the_folder_still_loads(lamp: NLUPipeline, tmp_path: Path) -> None:
    lamp.save_pretrained(tmp_path)
    before = load_pipeline(tmp_path)("brew a latte", skill="lamp", reject_threshold=1)
    rows: Any = [{"text": text, "intent": "on", "slots": []} for text in ("brew a latte", "brew", "a latte")]
    looked = calibrate(tmp_path, ["sing me a song", "who won"], rows, skill="lamp", writes=False)
    assert load_pipeline(tmp_path).model.skill("lamp")["rejection"] == {"temperature": 1.0, "threshold": REJECT_THRESHOLD}
    found = calibrate(tmp_path, ["sing me a song", "who won"], rows, skill="lamp")
    assert {**found, "is_written": False} == looked
    assert (found["rows"], found["out_of_scope"], len(found["curve"])) == (3, 2, 9)
    nlu = load_pipeline(tmp_path)
    assert nlu.model.skill("lamp")["rejection"] == {"temperature": found["temperature"], "threshold": found["reject_threshold"]}
    after = nlu("brew a latte", skill="lamp", reject_threshold=1)
    assert after["intent"]["label"] == before["intent"]["label"]
    assert [slot["label"] for slot in after["slots"]] == [slot["label"] for slot in before["slots"]]


def test_calibrating_again_changes_nothing_and_few_rows_leave_the_temperature(
    lamp: NLUPipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lamp.save_pretrained(tmp_path)
    words = ("brew", "latte", "book", "pay", "stop", "paris")
    rows: Any = [
        {"text": f"{one} a {other}", "intent": Lamp.intents[number % 2], "slots": []}
        for number, (one, other) in enumerate((one, other) for one in words for other in words)
    ]
    unknown = [f"{row['text']} {row['text']}" for row in rows]
    few = calibrate(tmp_path, unknown[:5], rows, skill="lamp")
    assert few["temperature"] == 1.0 and "too few to fit a temperature, which stays 1.0" in caplog.text
    once = calibrate(tmp_path, unknown, rows, skill="lamp")
    again = calibrate(tmp_path, unknown, rows, skill="lamp")
    assert once["temperature"] == again["temperature"] != 1.0
    assert once["reject_threshold"] == pytest.approx(again["reject_threshold"], abs=1e-5)


def test_a_table_of_utterances_is_refused_so_that_its_header_is_none(tmp_path: Path) -> None:
    (tmp_path / "others.csv").write_text("text\nwho won\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"others\.csv: is a table; allowed: a text file with one out-of-scope utterance a line"):
        read_out_of_scope(tmp_path / "others.csv")


def test_heads_and_exported_skills_are_calibrated_too(lamp: NLUPipeline, tmp_path: Path) -> None:
    lamp.save_pretrained(tmp_path / "whole")
    lamp.model.rename_skill("lamp", "light")
    lamp.model.save_skill("light", tmp_path / "head")
    headstart.export(tmp_path / "whole", tmp_path / "exported", skill="lamp")
    rows: Any = [{"text": text, "intent": "off", "slots": []} for text in ("brew a latte", "brew", "to paris", "pay")]
    found = [
        calibrate(tmp_path / name, ["sing me a song"], rows, skill=skill, base=tmp_path / "whole" if name == "head" else None)
        for name, skill in (("whole", "lamp"), ("head", "light"), ("exported", "lamp"))
    ]
    assert [each["temperature"] for each in found] == [found[0]["temperature"]] * 3
    assert [each["reject_threshold"] for each in found] == pytest.approx([found[0]["reject_threshold"]] * 3, abs=1e-4)
    whole, exported = load_pipeline(tmp_path / "whole"), load_pipeline(tmp_path / "exported")
    head = load_pipeline(tmp_path / "head", base=tmp_path / "whole")
    for text in ("brew a latte", "", "sing"):
        answers = [nlu(text, skill=skill, top_k=2) for nlu, skill in ((whole, "lamp"), (head, "light"), (exported, "lamp"))]
        assert [answer["intent"]["label"] for answer in answers] == [answers[0]["intent"]["label"]] * 3
        assert [answer["out_of_scope"] for answer in answers] == pytest.approx([answers[0]["out_of_scope"]] * 3, abs=1e-5)
        ranked = [[intent["label"] for intent in answer["intents"]] for answer in answers]
        assert ranked == [ranked[0]] * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unknown": []}, "no utterance that is none of the skill's to calibrate on"),
        ({"rows": [{"text": "brew", "intent": "sing", "slots": []}]}, "no row with one of the skill's intents to calibrate on"),
        ({"kept": 0}, "kept is 0; it must be a share"),
        ({"skill": "bank"}, "skill 'bank' can't reject: fine-tune it with --rejection true"),
    ],
)
def test_what_can_not_be_calibrated_says_why(lamp: NLUPipeline, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    lamp.save_pretrained(tmp_path)
    given_all: dict[str, Any] = {
        "unknown": ["sing"], "rows": [{"text": "brew", "intent": "on", "slots": []}], "skill": "lamp", **change
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        calibrate(tmp_path, **given_all)
    with pytest.raises(ValueError, match="holds no model; give the folder of a checkpoint, a head or an exported skill"):
        calibrate(tmp_path / "nowhere", ["sing"], [])


def test_scores_of_slots_are_judged_too(lamp: NLUPipeline) -> None:
    rows: Any = [{"text": "brew a latte", "intent": "on", "slots": []}, {"text": "brew", "intent": "on", "slots": None}]
    answers: Any = [
        {
            "text": "",
            "intent": None,
            "slots": [{"start": 0, "end": 4, "label": "room", "score": 0.75}, {"start": 5, "end": 6, "label": "room"}],
        },
        {"text": "", "intent": None, "slots": [{"start": 0, "end": 4, "label": "room", "score": 0.5}]},  # not annotated
    ]
    assert score_answers(answers, rows)["slot_calibration_error"] == pytest.approx(0.75)
    rows[0]["slots"] = [{"start": 0, "end": 4, "label": "room"}]
    assert score_answers(answers, rows)["slot_calibration_error"] == pytest.approx(0.25)
    assert score_answers(answers[1:], rows[1:])["slot_calibration_error"] is None


def test_calibration_error_by_hand() -> None:
    assert expected_calibration_error([0.9, 0.9, 0.3, 0.3], [True, False, False, False]) == pytest.approx(0.5 * 0.4 + 0.5 * 0.3)
    assert expected_calibration_error([1.0, 0.0], [True, False]) == 0
    assert expected_calibration_error([], []) is None


numbers = st.lists(st.integers(0, 5), min_size=1, max_size=8)


@given(numbers, numbers)
def test_roc_auc_counts_pairs(positives: list[int], negatives: list[int]) -> None:
    pairs = [(one > other) + (one == other) / 2 for one in positives for other in negatives]
    assert roc_auc(positives, negatives) == pytest.approx(sum(pairs) / len(pairs))
    assert roc_auc(positives, []) is None


def test_deep_copies_keep_the_option(lamp: NLUPipeline) -> None:
    assert copy.deepcopy(lamp.model).skill("lamp") == lamp.model.skill("lamp")
