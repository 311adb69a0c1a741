"""Which utterances of a log to annotate next: those of which a skill is least sure, as different from each other as they can be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np

from headstart.data.rows import DataError, Row
from headstart.data.texts import plain_text
from headstart.loading import load_pipeline, skill_entry
from headstart.onnx import OnnxNLU
from headstart.tokenization.alignment_headstart import Span
from headstart.tokenization.answers_headstart import Answer

if TYPE_CHECKING:  # which waits for torch
    from headstart.tokenization import NLUPipeline

# Chosen on training rows of other skills (benchmarks/suggesting.py).
LEAST_DOUBT = 0.5  # added to the doubt of every text: what is new to the skill is worth asking even if it seems sure
BATCH_SIZE = 64
SURE = 0.8  # what is less probable is told as a reason


class Suggestion(TypedDict):
    """A row to correct, as the skill answers now, and why it is asked.

    Args:
        text: the utterance.
        intent: what the skill takes it for; None: none of its intents.
        slots: what it finds.
        count: how often the utterance is in the log.
        doubt: how unsure the skill is, from 0 to 1.
        why: what it is unsure of.
    """

    text: str
    intent: str | None
    slots: list[Span]
    count: int
    doubt: float
    why: str


def suggest(
    model: NLUPipeline | str, texts: Iterable[str], number: int = 20, *, known: Iterable[Row] = (), skill: str | None = None
) -> list[Suggestion]:
    """Utterances of a log that are worth annotating, the most useful first.

    One after the other, that text is taken for which doubt times distance times frequency is greatest: doubt is that of the intent (the margin
    between the best two: Scheffer, Decomain and Wrobel, 2001), of "none of these", or of the least certain slot; distance is that to the nearest
    text that is annotated or taken already, in the states of the common bi-LSTM (k-center: Sener and Savarese, "Active Learning for Convolutional
    Neural Networks: A Core-Set Approach", ICLR 2018); of the frequency, the logarithm counts. The same text in another case is asked once.

    Args:
        model: a pipeline, or the folder or repository of a checkpoint or a head.
        texts: what users said, as often as they did.
        number: of suggestions, at most.
        known: rows that are annotated: their texts are not asked, and others are the better the further they are from them.
        skill: the skill; may be left out if the model has one.

    Raises:
        ValueError: the model is an exported skill, which has no states to compare.
        DataError: there is no text.
    """
    nlu = load_pipeline(model) if isinstance(model, str) else model
    if isinstance(nlu, OnnxNLU):
        raise ValueError(
            "suggest compares states, which an exported skill doesn't give; give the checkpoint or the head that it was made of."
        )
    name = skill_entry(nlu, skill)["name"]
    annotated = list({plain_text(row["text"]): row["text"] for row in known}.values())
    counts, first = Counter[str](), dict[str, str]()
    for text in texts:
        if text.strip():
            first.setdefault(plain_text(text), text)
            counts[plain_text(text)] += 1
    if not first:
        raise DataError("the log holds no utterance; give one a line, or rows.")
    done = {plain_text(text) for text in annotated}
    asked = {key: text for key, text in first.items() if key not in done}
    if not asked:
        return []
    answers: list[Answer] = cast(Any, nlu)([*asked.values()], skill=skill, batch_size=BATCH_SIZE, top_k=2, resolve=False)
    doubts = [_doubt(answer) for answer in answers]
    worth = np.array([(LEAST_DOUBT + doubt) * (1 + math.log(counts[key])) for (doubt, _), key in zip(doubts, asked, strict=True)])
    states = _states(nlu, [*asked.values(), *annotated], name)
    taken = _take(states[: len(asked)], states[len(asked) :], worth, min(number, len(asked)))
    keys = [*asked]
    return [_suggestion(answers[place], counts[keys[place]], *doubts[place]) for place in taken]


def _doubt(answer: Answer) -> tuple[float, str]:
    """How unsure the skill is of an answer, from 0 to 1, and of what most."""
    reasons = {"": 0.0}
    ranked = [intent["score"] for intent in answer.get("intents", [])]
    if ranked:
        reasons["the intent"] = 1 - (ranked[0] - (ranked[1] if len(ranked) > 1 else 0.0))
    if "out_of_scope" in answer:
        none = answer["out_of_scope"]
        reasons["none of these"] = min(1.0, 2 * none) if answer["intent"] and answer["intent"]["label"] is not None else none
    if answer["slots"]:
        slot = min(answer["slots"], key=lambda slot: slot["score"])
        reasons[f"the slot {slot['label']}"] = 1 - slot["score"]
    what = max(reasons, key=lambda reason: reasons[reason])
    return reasons[what], what if reasons[what] > 1 - SURE else "unlike what is annotated"


def _states(nlu: NLUPipeline, texts: Sequence[str], skill: str) -> np.ndarray:
    """What the common bi-LSTM makes of texts, (texts, width) float, in units of how much they vary."""
    import torch

    from headstart.tokenization.answers_headstart import readable

    model = nlu.model
    parts = []
    with torch.no_grad():
        for start in range(0, len(texts), BATCH_SIZE):
            chosen = [readable(text) for text in texts[start : start + BATCH_SIZE]]
            batch = cast(Any, nlu.tokenizer)(chosen, padding=True, truncation=True, return_tensors="pt").to(model.device)
            parts.append(model.common_means(batch["input_ids"], batch["attention_mask"], model.skill_id(skill)).float().cpu())
    states: np.ndarray = torch.cat(parts).numpy()
    states = states - states.mean(axis=0)
    states /= np.linalg.norm(states, axis=1, keepdims=True) + 1e-6
    return states


def _take(states: np.ndarray, annotated: np.ndarray, worth: np.ndarray, number: int) -> list[int]:
    """Places of the texts, in the order in which they are taken.

    Args:
        states: (texts, width) float, of length 1.
        annotated: (rows, width) float, those of what is annotated.
        worth: (texts,) float, what each is worth at the same distance.
        number: how many.
    """
    distance = np.sqrt(np.clip(2 - 2 * (states @ annotated.T).max(axis=1), 0, None)) if len(annotated) else np.ones(len(states))
    taken: list[int] = []
    for _ in range(number):
        value = worth * distance
        value[taken] = -1
        taken.append(int(value.argmax()))
        distance = np.minimum(distance, np.sqrt(np.clip(2 - 2 * states @ states[taken[-1]], 0, None)))
    return taken


def _suggestion(answer: Answer, count: int, doubt: float, why: str) -> Suggestion:
    slots: list[Span] = [{"start": slot["start"], "end": slot["end"], "label": slot["label"]} for slot in answer["slots"]]
    intent = answer["intent"]["label"] if answer["intent"] else None
    return {"text": answer["text"], "intent": intent, "slots": slots, "count": count, "doubt": round(doubt, 4), "why": why}


__all__ = ["Suggestion", "suggest"]
