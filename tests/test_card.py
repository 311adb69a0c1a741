"""The card of a fine-tuned skill, compared whole."""

from __future__ import annotations

from pathlib import Path

from headstart import Skill, finetune
from headstart.card import make_card

SKILL = {"name": "lamp", "intents": ["On", "Off"], "slots": []}
EXPECTED = """---
base_model: headstart-base-en
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

- 2 intents: On, Off
- 0 slot labels: none

## Training

40 utterances, 300 steps; all options are in `run.json`.

## Figures

| part | utterances | intent accuracy | slot F1 | exact match | semantic error rate |
| --- | --- | --- | --- | --- | --- |
| test | 12 | 0.917 | - | 0.917 | 0.083 |


## Limits

English, single requests, one intent each. Every text gets one of the skill's intents, however far from the skill it is.
"""


def test_a_card_whole() -> None:
    metrics = {
        "steps": 300, "test_utterances": 12, "test_intent_accuracy": 11 / 12, "test_slot_f1": None, "test_exact_match": 11 / 12,
        "test_semantic_error_rate": 1 / 12,
    }  # fmt: skip
    assert str(make_card(SKILL, metrics, "headstart-base-en", 40, "what's on")).strip() == EXPECTED.strip()
    unmeasured = str(make_card(SKILL, {"steps": 300}, None, 40, "what's on"))
    assert "nothing was measured" in unmeasured and "trained from a random start" in unmeasured and "base_model" not in unmeasured


def test_the_card_of_a_head_says_which_trunk_it_needs() -> None:
    head = {**SKILL, "rank": 16}
    card = str(make_card(head, {"steps": 300}, "headstart-base-en", 40, "what's on", is_head=True))
    assert "A head for `headstart-base-en`" in card and "matrices of rank 16" in card and "- headstart-head\n" in card
    assert 'model=headstart.BASE_EN)\nnlu.model.load_skill("REPOSITORY OR FOLDER")\nnlu("what\'s on", skill="lamp")' in card
    assert 'model="my-base")' in str(make_card(head, {"steps": 300}, "my-base", 40, "what's on", is_head=True))


def test_finetuning_leaves_a_card(coffee: Skill, tiny_base: Path, tmp_path: Path) -> None:
    finetune(coffee, tmp_path, base=str(tiny_base), max_steps=2, disable_tqdm=True)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "# coffee_machine" in text and "57 utterances, 2 steps" in text and "| test | 22 |" in text
