"""Answers in the form that Rasa's HTTP API gives them, so that its clients go on working.

The form is that of Rasa Open Source 3.6: https://github.com/RasaHQ/rasa/blob/3.6.x/docs/static/spec/rasa.yml
"""

from __future__ import annotations

from typing import Any

from headstart.serving.values import typed_value
from headstart.tokenization.answers_headstart import Answer
from headstart.version import __version__

API_VERSION, LEAST_VERSION = "3.6.21", "3.5.0"  # of Rasa: clients look at them
FALLBACK = "nlu_fallback"  # the intent of Rasa's FallbackClassifier, which its dialogues' rules name
RANKING = 10  # intents that Rasa ranks
EXTRACTOR = "Headstart"


def parse_message(answer: Answer) -> dict[str, Any]:
    """The body of `POST /model/parse`, of an answer with its intents ranked.

    A text that is none of the skills' has the intent `nlu_fallback`, a blank one none, as with Rasa. An entity's value is the likeliest reading of the slot, and all of
    them are its `additional_info`.
    """
    text, best = answer["text"], answer["intent"]
    intent: dict[str, Any]
    ranking: list[dict[str, Any]] = [
        {"name": intent["label"], "confidence": intent["score"]} for intent in answer.get("intents", ())
    ]
    if best["label"] is not None:
        intent = {"name": best["label"], "confidence": best["score"]}
    elif text.strip():
        intent = {"name": FALLBACK, "confidence": best["score"]}
        ranking.insert(0, intent)
    else:
        intent = {"name": None, "confidence": 0.0}
    entities = []
    for slot in answer["slots"]:
        entity: dict[str, Any] = {
            "entity": slot["label"], "start": slot["start"], "end": slot["end"], "value": typed_value(slot),
            "confidence_entity": slot["score"], "extractor": EXTRACTOR,
        }  # fmt: skip
        if slot.get("resolution"):
            entity["additional_info"] = slot["resolution"]
        entities.append(entity)
    return {"text": text, "intent": intent, "entities": entities, "intent_ranking": ranking[:RANKING], "skill": answer["skill"]}


def version() -> dict[str, str]:
    """The body of `GET /version`."""
    return {"version": API_VERSION, "minimum_compatible_version": LEAST_VERSION, "headstart": __version__}


def failure(status: int, reason: str, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {
        "version": API_VERSION, "status": "failure", "message": message, "reason": reason, "details": {}, "help": None, "code": status
    }  # fmt: skip


__all__ = ["API_VERSION", "FALLBACK", "RANKING", "failure", "parse_message", "version"]
