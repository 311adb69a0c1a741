"""The card of a fine-tuned skill, compared whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import markdown
import pytest
import torch
import transformers
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st

import headstart
from headstart import Skill, finetune
from headstart.hub.card import Facts, make_card

SKILL = {"name": "lamp", "intents": ["On", "Off"], "slots": ["when"]}
ROWS = [
    {"text": "what's on", "intent": "On", "slots": []},
    {"text": "turn `it` off | now\nplease", "intent": "Off", "slots": [{"start": 16, "end": 19, "label": "when"}]},
]
METRICS = {
    "steps": 300, "test_utterances": 12, "test_intent_accuracy": 11 / 12, "test_slot_f1": None, "test_exact_match": 11 / 12,
    "test_semantic_error_rate": 1 / 12, "test_expected_calibration_error": 0.03125, "no_transfer_test_utterances": 12,
    "no_transfer_test_intent_accuracy": 0.75, "no_transfer_test_slot_f1": None, "no_transfer_test_exact_match": 0.75,
    "no_transfer_test_semantic_error_rate": 0.25,
}  # fmt: skip
FACTS = Facts(
    METRICS,
    "headstart-base-en",
    ROWS,
    {"learning_rate": 0.002, "seed": 0, "max_steps": 300},
    megabytes=37.804,
    latency_ms=4.26,
    dataset="me/lamps",
    data_licence="CC0-1.0",
    base_licence="cc-by-sa-4.0",
)
EXPECTED = f"""---
base_model: headstart-base-en
datasets:
- me/lamps
language: en
library_name: headstart
license: cc-by-sa-4.0
tags:
- joint-nlu
- intent-classification
- slot-filling
model-index:
- name: lamp
  results:
  - task:
      type: text-classification
    dataset:
      name: lamp
      type: lamp
      split: test
    metrics:
    - type: accuracy
      value: 0.9167
      name: intent accuracy
    - type: exact_match
      value: 0.9167
      name: exact match
    - type: semantic_error_rate
      value: 0.0833
      name: semantic error rate
---

# lamp

Understands requests to the skill **lamp**: one intent and any slots for each utterance. A Headstart
network (a common bi-LSTM, one for slots with a CRF and one for intents on top of it), fine-tuned from `headstart-base-en`.

## Use

```python
import headstart  # or, without the package: pass trust_remote_code=True
from transformers import pipeline

nlu = pipeline("joint-nlu", model="REPOSITORY OR FOLDER")
nlu("what's on")
```

## Labels

| intent | example |
| --- | --- |
| On | what's on |
| Off | turn \\`it\\` off \\| now please |

| slot label | example |
| --- | --- |
| when | now |

## Training

2 utterances of `me/lamps`, licence of the data: CC0-1.0. 300 steps, learning rate 0.002, seed 0; all options are in `run.json`. Made with
headstart {headstart.__version__}, transformers {transformers.__version__}, torch {torch.__version__}.

## Figures

| part | utterances | intent accuracy | slot F1 | exact match | semantic error rate |
| --- | --- | --- | --- | --- | --- |
| test | 12 | 0.917 | - | 0.917 | 0.083 |
| test, no transfer | 12 | 0.750 | - | 0.750 | 0.250 |

No transfer: the same network, trained on the same utterances from a random start.

Size: 37.80 MB of weights. One request took 4.3 ms (median of 30) on one thread of the machine that trained it.

## Limits

English, single requests, one intent each. Every text gets one of the skill's intents, however far from the skill it is. Expected calibration error
of the intents' scores on the test rows: 0.031.
"""


def unwrapped(card: str) -> str:
    return " ".join(card.split())


def test_a_card_whole() -> None:
    assert unwrapped(str(make_card(SKILL, FACTS))) == unwrapped(EXPECTED)
    unmeasured = str(make_card({**SKILL, "slots": []}, Facts({"steps": 300}, None, ROWS)))
    assert "nothing was measured" in unmeasured and "trained from a random start" in unmeasured and "base_model" not in unmeasured
    assert "No slots." in unmeasured and "licence of the data: not stated" in unmeasured


def test_the_figures_without_transfer_are_asked_for_where_they_are_not_known() -> None:
    alone = {name: value for name, value in METRICS.items() if not name.startswith("no_transfer")}
    assert "`--compare_no_transfer true`" in str(make_card(SKILL, replace(FACTS, metrics=alone)))
    assert "compare_no_transfer" not in str(make_card(SKILL, replace(FACTS, metrics=alone, base=None)))


def test_the_card_of_a_head_says_which_trunk_it_needs() -> None:
    head = {**SKILL, "rank": 16}
    card = str(make_card(head, replace(FACTS, is_head=True)))
    assert "A head for `headstart-base-en`" in card and "matrices of rank 16" in card and "- headstart-head\n" in card
    assert 'model=headstart.BASE_EN)\nnlu.model.load_skill("REPOSITORY OR FOLDER")\nnlu("what\'s on", skill="lamp")' in card
    assert 'model="my-base")' in str(make_card(head, replace(FACTS, base="my-base", is_head=True)))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4, unique=True), st.text(min_size=1))
def test_tables_hold_whatever_a_skill_is_called_and_says(labels: list[str], text: str) -> None:
    rows = [{"text": text, "intent": label, "slots": []} for label in labels]
    card = str(make_card({"name": "lamp", "intents": labels, "slots": labels}, Facts({"steps": 1}, None, rows)))
    html = markdown.markdown(card.split("## Labels")[1].split("## Training")[0], extensions=["tables"])
    assert html.count("<table>") == 2 and html.count("<tr>") == 2 * (1 + len(labels)) and html.count("<td>") == 4 * len(labels)


def test_finetuning_leaves_a_card(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path, base=str(tiny_base), max_steps=2, disable_tqdm=True, compare_no_transfer=True, dataset="me/coffee")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "# coffee_machine" in text and "57 utterances of `me/coffee`" in text and "2 steps" in text
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["no_transfer_steps"] == 453 and 0 < metrics["no_transfer_test_exact_match"] < 1
    assert f"| test, no transfer | 22 | {metrics['no_transfer_test_intent_accuracy']:.3f} |" in text


def test_there_must_be_rows_to_compare_on(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    alone = Skill("coffee", coffee.train)
    with pytest.raises(ValueError, match="compare_no_transfer needs validation or test rows"):
        finetune(alone, tmp_path, base=str(tiny_base), compare_no_transfer=True)
    with pytest.raises(ValueError, match="from_scratch is without transfer itself"):
        finetune(coffee, tmp_path, from_scratch=True, compare_no_transfer=True)


def test_committed_cards_are_those_of_the_examples(root: Path) -> None:
    """Valid for a hub, and of the skills as they are now."""
    names = {path.name for path in (root / "examples").iterdir() if path.is_dir()}
    cards = {path.stem: ModelCard.load(path) for path in (root / "model_cards").glob("*.md") if "template" not in path.name}
    assert cards.keys() == {*names, "headstart-base-en"}
    for name in names:
        skill, card = headstart.load_skill(root / "examples" / name), cards[name]
        assert f"\n{len(skill.train)} utterances, licence of the data: Apache-2.0." in card.content
        labels = [label.replace("_", "\\_") for label in (*skill.intents, *skill.slots)]  # as Markdown has them
        assert all(f"| {label} |" in card.content for label in labels)
        assert card.data.license == "cc-by-sa-4.0" and card.data.base_model == "headstart-base-en"
        if skill.test is not None:
            assert {result.metric_name for result in card.data.eval_results} >= {"exact match", "semantic error rate"}
            assert "| test, no transfer |" in card.content
    base = (root / "checkpoints" / "headstart-base-en" / "README.md").read_text(encoding="utf-8")
    assert base == (root / "model_cards" / "headstart-base-en.md").read_text(encoding="utf-8")


def test_a_card_names_what_resolving_values_needs() -> None:
    entry = {**SKILL, "canonical": {"slots": ["when"], "bytes": 8}}
    text = str(make_card(entry, FACTS))
    assert "Slots of when have a `resolution`: which value of the catalog was meant, which needs rapidfuzz and jellyfish." in text
    assert "`resolution`" not in str(make_card(SKILL, FACTS))
