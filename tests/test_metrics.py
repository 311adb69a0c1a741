"""The metrics, on cases worked out by hand."""

from __future__ import annotations

import evaluate
import pytest

from headstart.evaluation import joint_nlu_metric
from headstart.evaluation.metrics import score


def utterance(intent: str | None, *slots: tuple[str, int, int]) -> dict:
    return {"intent": intent, "slots": [{"label": label, "start": start, "end": end} for label, start, end in slots]}


def test_definitions_on_a_worked_case() -> None:
    references = [
        utterance("Play", ("song", 5, 13), ("artist", 17, 24)),  # all right
        utterance("Play", ("song", 0, 4)),  # wrong boundary: 1 substitution
        utterance("Stop"),  # wrong intent, 1 insertion
        utterance("Play", ("song", 0, 4), ("artist", 5, 9)),  # 1 deletion
    ]
    predictions = [
        utterance("Play", ("artist", 17, 24), ("song", 5, 13)),
        utterance("Play", ("song", 0, 5)),
        utterance("Play", ("song", 0, 4)),
        utterance("Play", ("song", 0, 4)),
    ]
    assert score(predictions, references) == {
        "utterances": 4,
        "intent_accuracy": 0.75,
        "slot_f1": pytest.approx(2 * 3 / (5 + 5)),
        "exact_match": 0.25,
        "semantic_error_rate": pytest.approx((1 + 1 + 1 + 1) / (4 + 5)),
    }


def test_substitutions_never_pair_slots_of_different_utterances() -> None:
    references = [utterance("A", ("x", 0, 1)), utterance("A")]
    predictions = [utterance("A"), utterance("A", ("x", 0, 1))]
    assert score(predictions, references)["semantic_error_rate"] == pytest.approx(2 / 3)


def test_what_is_not_annotated_is_not_scored() -> None:
    references = [utterance(None, ("x", 0, 1)), {"intent": "A", "slots": None}]
    predictions = [utterance("B", ("x", 0, 1)), utterance("A", ("x", 0, 1))]
    assert score(predictions, references) == {
        "utterances": 2,
        "intent_accuracy": 1.0,
        "slot_f1": 1.0,
        "exact_match": 1.0,
        "semantic_error_rate": 0.0,
    }
    only_intents = score(predictions[1:], references[1:])
    assert only_intents["slot_f1"] is None and only_intents["intent_accuracy"] == 1.0
    assert score(predictions[:1], references[:1])["intent_accuracy"] is None


def test_rows_without_any_annotation_say_nothing() -> None:
    nothing = {"intent": None, "slots": None}
    wrong = score([utterance("A"), utterance("A")], [utterance("B"), nothing])
    assert wrong["exact_match"] == 0.0
    assert score([utterance("A")], [nothing])["exact_match"] is None


def test_evaluate_loads_the_module_offline() -> None:
    metric = evaluate.load(joint_nlu_metric.__file__, keep_in_memory=True)
    row = utterance("A", ("x", 0, 1))
    assert metric.compute(predictions=[row], references=[row])["exact_match"] == 1.0
    both = utterance("A"), utterance("B")
    annotated = {"has_intent": [True, False], "has_slots": [True, True]}
    assert metric.compute(predictions=both, references=both[:1] * 2, **annotated)["intent_accuracy"] == 1.0
