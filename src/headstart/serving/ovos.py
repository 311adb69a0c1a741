"""A pipeline plugin for OVOS (Open Voice OS), found by its entry point `opm.pipeline`: texts to the intents of OVOS skills.

In mycroft.conf, with `headstart-pipeline-plugin-high` (`-medium`, `-low`) where it shall stand in `intents.pipeline`:

    {"intents": {"headstart-pipeline-plugin": {"model": "/path/to/exported"}}}

Imported by OVOS alone, which brings what it needs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ovos_plugin_manager.templates.pipeline import ConfidenceMatcherPipeline, IntentHandlerMatch

from headstart.serving.models import Models, answer, ask, load_model
from headstart.serving.values import typed_value
from headstart.tokenization.answers_headstart import Answer

logger = logging.getLogger(__name__)

LEVELS = {"conf_high": 0.8, "conf_medium": 0.5, "conf_low": 0.25}  # the least probability of an intent


class HeadstartPipeline(ConfidenceMatcherPipeline):
    """Matches utterances with the intents of skills.

    Args:
        bus: of OVOS.
        config: `model`, an exported skill, checkpoint or heads, or a list of these; without it nothing matches. Further, if wanted: `skill_ids`, the id of the OVOS skill
            for each skill here (its own name, if it is not there); `intents`, by label the name that the OVOS skill registers (the label itself); `lang` (`en`); `conf_high`,
            `conf_medium`, `conf_low`, the least probability of an intent at each level (.8, .5, .25); `reject_threshold`; `base`, for heads.

    A match is sent on the bus as `SKILL_ID:INTENT`. Its data hold the likeliest reading of each slot's value by the slot's label, and all of the
    answer as `headstart`.

    Raises:
        ValueError, OSError: a model can't be loaded, or an option is not as it must be.
    """

    def __init__(self, bus: Any = None, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(bus, dict(config or {}))
        given = self.config.get("model") or ()
        sources = [given] if isinstance(given, str) else list(given)
        if not sources:
            logger.warning("no model in the configuration of this plugin: nothing will match")
        self._models = Models([load_model(source, self.config.get("base")) for source in sources]) if sources else None
        self._asked = ask(reject_threshold=self.config.get("reject_threshold"))
        self._language = str(self.config.get("lang") or "en").lower().split("-")[0]
        self._last: tuple[Any, list[Answer]] = (None, [])

    def match_high(self, utterances: list[str], lang: str, message: Any) -> IntentHandlerMatch | None:
        """The intent of the first utterance that has one of high probability."""
        return self._match(utterances, lang, message, "conf_high")

    def match_medium(self, utterances: list[str], lang: str, message: Any) -> IntentHandlerMatch | None:
        """Likewise, of medium probability."""
        return self._match(utterances, lang, message, "conf_medium")

    def match_low(self, utterances: list[str], lang: str, message: Any) -> IntentHandlerMatch | None:
        """Likewise, of low probability."""
        return self._match(utterances, lang, message, "conf_low")

    def _match(self, utterances: list[str], lang: str, message: Any, level: str) -> IntentHandlerMatch | None:
        least = float(self.config.get(level, LEVELS[level]))
        if self._models is None or lang.lower().split("-")[0] != self._language:
            return None
        for found in self._answers(self._models, utterances, message):
            if found["intent"]["label"] is not None and found["intent"]["score"] >= least:
                return self._matched(found)
        return None

    def _answers(self, models: Models, utterances: list[str], message: Any) -> list[Answer]:
        """The answers to the utterances of a message, which the levels ask for one after the other."""
        last, answers = self._last
        if message is None or message is not last:
            answers = answer(models.plan(self._asked), utterances, self._asked) if utterances else []
            self._last = (message, answers)
        return answers

    def _matched(self, found: Answer) -> IntentHandlerMatch:
        skill, label = str(found["skill"]), str(found["intent"]["label"])
        skill_id = self.config.get("skill_ids", {}).get(skill, skill)
        slots = {slot["label"]: typed_value(slot) for slot in found["slots"]}
        return IntentHandlerMatch(
            match_type=f"{skill_id}:{self.config.get('intents', {}).get(label, label)}",
            match_data={**slots, "headstart": found},
            skill_id=skill_id,
            utterance=found["text"],
        )


__all__ = ["HeadstartPipeline"]
