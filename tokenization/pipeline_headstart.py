"""The pipeline `joint-nlu`: text in, intent and slots with their characters out.

It lives beside the alignment module because it imports it: files that travel with a checkpoint may import only their siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import GeneratorType
from typing import Any, cast

import torch
from torch.utils.data import Dataset
from transformers import Pipeline

from .alignment_headstart import Words, find_words
from .answers_headstart import (
    Answer,
    ChosenIntent,
    check_options,
    check_requests,
    make_answer,
    make_no_answer,
    readable,
    token_limit,
    warn_of_cut,
)
from .values_headstart import ResolveOptions, check_typed_labels, make_resolver, resolve_options

# Probability of a text being for none of several skills; chosen on validation rows (benchmarks/README.md).
NO_SKILL_THRESHOLD = 0.73


class NLUPipeline(Pipeline):
    """Finds the intent and the slots of utterances.

    Call it with one string, or with a list (or a column of a dataset, a generator, or transformers' `KeyDataset`) of strings for as many requests;
    `batch_size=N` reads N at once. Each answer is a dict:

    - `text`: the string that was given.
    - `skill`: the skill that answered; None if none of several was found to be meant.
    - `intent`: `{"label", "score"}`, the score being a probability. The label is None where there is no intent: if the text is none of the
      skill's, with the probability of that, and without slots; if it is blank, or the skill has no intents, with 1.
    - `out_of_scope`: the probability that it is none of the skill's intents, also where one was found; of skills that can tell.
    - `intents`: with `top_k`, the most probable intents, the best first, each like `intent`.
    - `slots`: list of `{"label", "start", "end", "value", "score"}` in order, `text[start:end] == value`; the score is the
      lowest marginal probability of the slot's words under the CRF. Slots with a catalog, or a type whose values can be resolved, also have
      `resolution`: what the value stands for, a list of readings, the likeliest first; it is empty where the value can't be read. Of a catalog:
      which of its values was meant, `{"value", "id", "score"}`, the id only if the value has one; then of a type ([`Resolution`]), two for "seven"
      as a time. Neighbouring pieces of one value of a type are one slot.

    Args:
        skill: the skill to ask. If it is left out and the model has several, the one that the text is for is found among those that can be
            (`model.routed_skills`: skills loaded as heads).
        skills: the skills to find it among; unset: all of these.
        reject_threshold: probability of "none of these", against the best intent alone, over which a text is rejected: 1 never rejects, lower values
            reject more; the skill's own if it is left out. Where the skill is not named, also the probability of "none of these skills", .73 if it is left out.
        top_k: how many intents are ranked in `intents`; unset: the key is missing.
        use_gazetteers: False: answer as if no word were in a catalog.
        resolve: False: answer without resolutions. True: with all of them; left out: without those of catalogs where rapidfuzz or jellyfish, which
            these need, is missing, which is told in the log.
        reference_time: what "tomorrow" is relative to: a datetime, or a time in ISO 8601; now if it is left out.
        time_zone: of the reference time, and of the values: a name of the IANA's, such as `Europe/Berlin`, or a tzinfo; the reference time's own,
            or the local one, if it is left out.
        slot_types: by slot label, a type such as `AMAZON.DATE` or `number` for slots that have none, or another one.

    Raises:
        ValueError: there is no such skill, none was named and the model has several that can't be found without their names, or the network is
            in training.
        TypeError: an input is not a string.
        ImportError: `resolve` is True, and rapidfuzz or jellyfish is missing.

    Example:

    ```python
    >>> import headstart
    >>> from transformers import pipeline
    >>> nlu = pipeline("joint-nlu", model=headstart.BASE_EN, skill="massive")
    >>> nlu("wake me up at seven")["slots"][0]["value"]
    'seven'

    ```
    """

    model: Any
    tokenizer: Any

    _load_processor = False
    _load_image_processor = False
    _load_feature_extractor = False
    _load_tokenizer = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_options(batch_size=kwargs.get("batch_size"))
        super().__init__(*args, **kwargs)
        self.model.check_tokenizer(self.tokenizer)

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """Answer one text (an [`Answer`]) or several (a list of these); see the class."""
        is_dataset = isinstance(inputs, Dataset)  # of torch, such as transformers' KeyDataset, which has rows by number alone
        if not is_dataset:
            check_requests(inputs)
        check_options(batch_size=kwargs.get("batch_size"))
        if not isinstance(inputs, (str, GeneratorType)) and not is_dataset:
            inputs = list(inputs)  # tuples, columns, iterators: transformers takes none of them for several requests
            if not inputs:
                return []
        return super().__call__(inputs, **kwargs)  # type: ignore[no-untyped-call]

    def _sanitize_parameters(
        self,
        skill: str | None = None,
        skills: Sequence[str] | None = None,
        reject_threshold: float | None = None,
        top_k: int | None = None,
        use_gazetteers: bool | None = None,
        **resolving: Any,
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        asked: dict[str, Any] = {
            "skill": skill, "skills": skills, "reject_threshold": reject_threshold, "use_gazetteers": use_gazetteers
        }  # fmt: skip
        check_options(**asked, top_k=top_k)
        given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        # What a call says of the skill wins over what the pipeline was made with.
        if skill is not None:
            given["skills"] = None
        elif skills is not None:
            given["skill"] = None
        after = {name: value for name, value in (("reject_threshold", reject_threshold), ("top_k", top_k)) if value is not None}
        return {}, given, {**after, **resolve_options(**resolving)}

    def words(self, text: str) -> Words:
        """The words of a text, however long it is."""
        encoding = self._encode(text)
        return find_words(text, encoding["offset_mapping"], encoding.word_ids())

    def _encode(self, text: Any) -> Any:
        # Whole, and cut by us: truncation is a state of the tokenizer, which other threads read, and can't be changed meanwhile.
        return self.tokenizer(readable(text), return_offsets_mapping=True, verbose=False)

    def preprocess(self, input_: Any) -> dict[str, Any]:
        """Tokenize one text: `input_ids`, `attention_mask` and `word_starts` (1, tokens), the text, and its words."""
        encoding, limit = self._encode(input_), token_limit(self.tokenizer.model_max_length)
        ids = encoding["input_ids"][:limit]
        words = find_words(input_, encoding["offset_mapping"][:limit], encoding.word_ids()[:limit])
        warn_of_cut(input_, words, len(ids), limit)
        ids = ids or [self.tokenizer.unk_token_id]  # a packed sequence can't be empty
        word_starts = torch.zeros(1, len(ids), dtype=torch.long)
        word_starts[0, words.first_tokens or [0]] = 1
        return {
            "input_ids": torch.tensor([ids]),
            "attention_mask": torch.ones(1, len(ids), dtype=torch.long),
            "word_starts": word_starts,
            "text": input_,
            "words": words,
        }

    def _forward(
        self,
        model_inputs: dict[str, Any],
        skill: str | None = None,
        skills: Sequence[str] | None = None,
        reject_threshold: float | None = None,
        use_gazetteers: bool = True,
    ) -> dict[str, Any]:
        if self.model.training:  # and somebody may be training it: its state isn't ours to change
            raise ValueError(
                "the network is in training, where words and states are left out at random: call model.eval() first."
            )
        input_ids, attention_mask = model_inputs["input_ids"], model_inputs["attention_mask"]
        word_starts = model_inputs["word_starts"].bool()
        known = self.model.skill_set()  # for all of the request, whatever other threads load or delete meanwhile
        given = {"text": model_inputs["text"], "words": model_inputs["words"], "skill_sets": [known] * len(input_ids)}
        if skills is not None or (skill is None and len(known.entries) > 1 and known.routed):
            names = list(known.routed if skills is None else skills)
            odds, places = self.model.route(input_ids, attention_mask, names, known).max(dim=1)
            skill_ids = known.ids([names[place] for place in places.tolist()], input_ids.device)
            given["for_none"] = (-odds).sigmoid()
        else:
            skill_ids = known.ids([skill] * len(input_ids), input_ids.device)
        shared: dict[str, Any] = {"skill_ids": skill_ids, "word_starts": word_starts, "skill_set": known}
        outputs = self.model(input_ids, attention_mask, use_gazetteers=use_gazetteers, **shared)
        decoding = self.model.decode(outputs, input_ids, attention_mask, reject_threshold=reject_threshold, **shared)
        return {**given, "skill_ids": skill_ids, **decoding}

    def postprocess(
        self, model_outputs: dict[str, Any], reject_threshold: float | None = None, top_k: int | None = None, **resolving: Any
    ) -> Answer:
        """Turn decoded ids into labels and characters of the text."""
        text: str = model_outputs["text"]
        words: Words = model_outputs["words"]
        num_words = len(words.starts)
        if "for_none" in model_outputs:  # the skill was looked for, among several
            for_none = float(model_outputs["for_none"][0])
            if not num_words:
                return make_no_answer(text, 1.0, top_k)
            if for_none > (NO_SKILL_THRESHOLD if reject_threshold is None else reject_threshold):
                return make_no_answer(text, for_none, top_k)
        known = model_outputs["skill_sets"]  # of one row, or a list of it
        known = known[0] if isinstance(known, list) else known
        check_typed_labels(cast(ResolveOptions, resolving), (entry["slots"] for entry in known.entries))
        skill_id = int(model_outputs["skill_ids"][0])
        entry, catalogs = known.entries[skill_id], known.resolver(skill_id, resolving.get("resolve"))
        return make_answer(
            entry,
            text,
            words,
            intent=ChosenIntent(
                int(model_outputs["intents"][0]),
                float(model_outputs["intent_scores"][0]),
                float(model_outputs["reject_scores"][0]) if "rejection" in entry else None,
                model_outputs["intent_probabilities"][0, : len(entry["intents"])].tolist() if top_k is not None else (),
            ),
            tags=model_outputs["tags"][0][:num_words].tolist(),
            tag_scores=model_outputs["tag_scores"][0][:num_words].tolist(),
            top_k=top_k,
            resolver=make_resolver(cast(ResolveOptions, resolving)),
            catalogs=None if catalogs is None else catalogs.resolve,
        )

    def save_pretrained(self, save_directory: Any, **kwargs: Any) -> None:
        """Save model, tokenizer and the code that loads them without this package: a self-contained checkpoint."""
        super().save_pretrained(save_directory, **kwargs)
        if hasattr(
            self, "_registered_impl"
        ):  # transformers leaves an entry in the live configuration, which an installed package has no use for
            vars(self.model.config).pop("custom_pipelines", None)
        self.model.note_files(save_directory)

    def learn(
        self,
        text: Any,
        intent: str | None = None,
        slots: Any = None,
        *,
        skill: str | None = None,
        skill_rows: Any = None,
        **how: Any,
    ) -> Any:
        """Teach the skill an utterance, or rows: corrections, or new intents and slots, in a moment; see `headstart.learn`, whose arguments these are."""
        return _learning().learn(self, text, intent, slots, skill=skill, skill_rows=skill_rows, **how)

    def unlearn(self, calls: int | None = None, *, skill: str | None = None, skill_rows: Any = None) -> Any:
        """Take back the last calls of [`learn`], or all of them; see `headstart.unlearn`."""
        return _learning().unlearn(self, calls, skill=skill, skill_rows=skill_rows)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Publish a self-contained checkpoint in one commit; see `HeadstartForJointNLU.push_to_hub`."""
        return str(self.model.push_to_hub(repo_id, tokenizer=self.tokenizer, **options))


def _learning() -> Any:
    """What fits classifiers anew: of the package, which a checkpoint can do without until then."""
    try:
        return import_module("headstart.finetuning.learning")
    except ModuleNotFoundError as error:
        raise ImportError("learn needs the package: pip install headstart") from error


__all__ = ["NLUPipeline"]
