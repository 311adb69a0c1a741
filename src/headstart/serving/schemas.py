"""What is sent and answered over HTTP, for checking requests and for the page of the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE: dict[str, Any] = {
    "text": "a large latte with oat milk please",
    "skill": "coffee_machine",
    "intent": {"label": "BrewCoffee", "score": 0.99},
    "out_of_scope": 0.01,
    "slots": [
        {"label": "size", "start": 2, "end": 7, "value": "large", "score": 0.99},
        {
            "label": "drink",
            "start": 8,
            "end": 13,
            "value": "latte",
            "score": 0.99,
            "resolution": [{"value": "latte", "score": 1}],
        },
        {"label": "milk", "start": 19, "end": 27, "value": "oat milk", "score": 0.98},
    ],
}
RASA_EXAMPLE: dict[str, Any] = {
    "text": "a large latte please",
    "intent": {"name": "BrewCoffee", "confidence": 0.99},
    "entities": [
        {"entity": "size", "start": 2, "end": 7, "value": "large", "confidence_entity": 0.99, "extractor": "Headstart"},
    ],
    "intent_ranking": [{"name": "BrewCoffee", "confidence": 0.99}, {"name": "StopCoffee", "confidence": 0.01}],
    "skill": "coffee_machine",
}


class ParseRequest(BaseModel):
    """One text, or several that ask the same."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"text": "a large latte with oat milk please", "top_k": 3},
                {"text": ["a large latte", "brew it tomorrow at seven"], "reference_time": "2026-11-18T10:30"},
            ]
        },
    )

    text: str | list[str] = Field(description="one text, or a list of them")
    skill: str | None = Field(None, description="the skill to ask; unset: the one that the text is for is found, or none")
    skills: list[str] | None = Field(None, description="the skills to find it among; unset: all that can be found")
    top_k: Annotated[int, Field(ge=1)] | None = Field(None, description="how many intents are ranked in `intents`")
    reject_threshold: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="probability of 'none of these', against the best intent alone, over which a text is rejected; 1: never"
    )
    resolve: bool | None = Field(None, description="false: without `resolution`")
    reference_time: str | None = Field(None, description="what 'tomorrow' is relative to, in ISO 8601; unset: now")
    time_zone: str | None = Field(None, description="of that time and of the values, such as Europe/Berlin; unset: the server's")
    slot_types: dict[str, str] | None = Field(None, description="by slot label, a type such as AMAZON.DATE or number")


class Intent(BaseModel):
    """An intent; its label is null if there is none, and the score then that of 'none of these'."""

    label: str | None
    score: float


class Slot(BaseModel):
    """A slot: `text[start:end] == value`, in characters."""

    label: str
    start: int
    end: int
    value: str
    score: float
    resolution: list[dict[str, Any]] | None = Field(
        None, description="what the value stands for, the likeliest reading first; there if the slot has a catalog or a type"
    )


class ParseAnswer(BaseModel):
    """The answer to a text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    text: str
    skill: str | None = Field(description="the skill that answered; null if the text is for none")
    intent: Intent
    out_of_scope: float | None = Field(
        None, description="probability that it is none of the skill's intents, if the skill can tell"
    )
    intents: list[Intent] | None = Field(None, description="the most probable ones; there with top_k")
    slots: list[Slot]


class RasaRequest(BaseModel):
    """A message, as Rasa's clients send it."""

    model_config = ConfigDict(extra="ignore", strict=True, json_schema_extra={"examples": [{"text": "a large latte please"}]})

    text: str
    message_id: Any = None


class RasaIntent(BaseModel):
    """An intent, in Rasa's form."""

    name: str | None
    confidence: float


class RasaEntity(BaseModel):
    """A slot, in Rasa's form."""

    entity: str
    start: int
    end: int
    value: str | int | float | bool
    confidence_entity: float
    extractor: str
    additional_info: list[dict[str, Any]] | None = None


class RasaAnswer(BaseModel):
    """What Rasa's `POST /model/parse` answers, and the skill."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RASA_EXAMPLE]})

    text: str
    intent: RasaIntent
    entities: list[RasaEntity]
    intent_ranking: list[RasaIntent]
    skill: str | None


class SkillInfo(BaseModel):
    """A skill of the server."""

    name: str
    model: str
    intents: list[str]
    slots: list[str]
    is_found: bool = Field(description="whether it is found without its name")


class Status(BaseModel):
    """Rasa's `GET /status`, and the skills."""

    model_file: str
    model_id: str
    num_active_training_jobs: int
    skills: list[SkillInfo]


class Problem(BaseModel):
    """What was wrong with a request."""

    detail: str


__all__ = ["ParseAnswer", "ParseRequest", "Problem", "RasaAnswer", "RasaRequest", "SkillInfo", "Status"]
