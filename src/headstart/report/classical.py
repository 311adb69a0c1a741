"""The classical pair, without any network: logistic regression for intents, a linear-chain CRF for slots.

Features are the usual ones of the years before pretrained networks: words, prefixes and suffixes, shapes, neighbours, n-grams of words
and characters, and catalog matches. Words, tags and refilled training rows are those of the networks.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from itertools import groupby
from typing import Any, cast

import sklearn_crfsuite
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from transformers import PreTrainedTokenizerBase

from headstart.data.label_names import rows_of_names
from headstart.data.rows import Row
from headstart.data.skills import Skill
from headstart.evaluation.evaluate import Answered
from headstart.modeling.entries_headstart import SkillEntry
from headstart.tokenization import Words, find_words, spans_to_tags, tags_to_spans
from headstart.tokenization.alignment_headstart import Span
from headstart.tokenization.answers_headstart import IntentAnswer
from headstart.training.epochs import EpochRows

OUTSIDE = "O"

Match = tuple[int, int, str]  # first word, one past the last word, slot label
Features = dict[str, str | int]  # of a word, by name; bools are ints


class ClassicalNLU:
    """Answers as a [`NLUPipeline`] does: `{"text", "intent": {"label", "score"}, "slots": [...]}`.

    Args:
        skill: what to train on.
        tokenizer: finds the words.
        seed: of the refilled rows.
        refilled: copies of the training rows with other slot values, beside the rows themselves.
        intent_c: inverse strength of the logistic regression's penalty.
        slot_l1, slot_l2: strengths of the CRF's penalties.
    """

    def __init__(
        self,
        skill: Skill,
        tokenizer: PreTrainedTokenizerBase,
        *,
        seed: int = 0,
        refilled: int = 4,
        intent_c: float = 100.0,
        slot_l1: float = 0.01,
        slot_l2: float = 0.01,
    ) -> None:
        self.tokenizer = tokenizer
        self.slots = skill.slots
        self.catalogs = {label: self._values(values) for label, values in skill.catalogs.items()}
        rows = training_rows(skill, tokenizer, refilled, seed)
        self.intents = self._fit_intents([row for row in rows if row["intent"] is not None], intent_c)
        self.crf = self._fit_slots([row for row in rows if row["slots"] is not None], slot_l1, slot_l2) if skill.slots else None

    def __call__(self, texts: Sequence[str]) -> list[Answered]:
        """The answers to some texts."""
        found = [self._words(text) for text in texts]
        intents: list[IntentAnswer | None] = [None] * len(texts)
        if self.intents is not None:
            scores = self.intents.predict_proba([(text, self._matches(text, words)) for text, words in found])
            best = scores.argmax(axis=1)
            intents = [
                {"label": self.intents.classes_[number], "score": float(row[number])}
                for number, row in zip(best, scores, strict=True)
            ]
        features = [self._features(text, words) for text, words in found]
        tagged = self.crf.predict(features) if self.crf is not None else [[OUTSIDE] * len(words) for _, words in found]
        return [
            {"text": text, "intent": intent, "slots": self._spans(list(tags), words)}
            for (text, words), intent, tags in zip(found, intents, tagged, strict=True)
        ]

    def size(self) -> int:
        """Bytes of what was learned."""
        return len(pickle.dumps((self.intents, self.crf)))

    def _fit_intents(self, rows: Sequence[Row], c: float) -> Pipeline | None:
        if not rows:
            return None
        labels = [row["intent"] for row in rows]
        inputs = [(text, self._matches(text, words)) for text, words in (self._words(row["text"]) for row in rows)]
        texts, matches = FunctionTransformer(_texts), FunctionTransformer(_matched)
        features = FeatureUnion(
            [
                ("words", make_pipeline(texts, TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True))),
                ("characters", make_pipeline(texts, TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True))),
                ("catalogs", make_pipeline(matches, DictVectorizer())),
            ]
        )  # fmt: skip
        model = LogisticRegression(C=c, max_iter=2000) if len(set(labels)) > 1 else DummyClassifier()
        return make_pipeline(features, model).fit(inputs, labels)

    def _fit_slots(self, rows: Sequence[Row], l1: float, l2: float) -> Any:
        features, tags = [], []
        for row in rows:
            text, words = self._words(row["text"])
            if len(words):
                features.append(self._features(text, words))
                numbers, _ = spans_to_tags(row["slots"] or (), words, self.slots)
                tags.append([str(tag) if tag else OUTSIDE for tag in numbers])
        if not features:  # the library dies of it
            return None
        crf = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=l1, c2=l2, max_iterations=200, all_possible_transitions=True)
        return crf.fit(features, tags)

    def _words(self, text: str) -> tuple[str, Words]:
        encoding = self.tokenizer(text, return_offsets_mapping=True, verbose=False)
        return text, find_words(text, cast(Any, encoding["offset_mapping"]), encoding.word_ids())

    def _values(self, values: Sequence[str]) -> set[tuple[str, ...]]:
        found = (self._words(value) for value in values)
        return {tuple(_lower(value, words)) for value, words in found if len(words)}

    def _matches(self, text: str, words: Words) -> list[Match]:
        """The longest values of each catalog from left to right."""
        lower = _lower(text, words)
        matches = []
        for label, values in self.catalogs.items():
            longest = max(map(len, values), default=0)
            start = 0
            while start < len(lower):
                ends = (end for end in range(min(len(lower), start + longest), start, -1) if tuple(lower[start:end]) in values)
                end = next(ends, None)
                if end is not None:
                    matches.append((start, end, label))
                start = end or start + 1
        return matches

    def _features(self, text: str, words: Words) -> list[Features]:
        lower = _lower(text, words)
        own = [_word_features(text[start:end]) for start, end in zip(words.starts, words.ends, strict=True)]
        for start, end, label in self._matches(text, words):
            for position in range(start, end):
                own[position][f"{'B' if position == start else 'I'}-{label}"] = True
        features = []
        for position, word in enumerate(lower):
            row: Features = {"bias": True, "first": position == 0, "last": position == len(lower) - 1, **own[position]}
            for step in (-2, -1, 1, 2):
                if 0 <= position + step < len(lower):
                    row[f"{step}:word"] = lower[position + step]
                    if abs(step) == 1:
                        row |= {f"{step}:{name}": value for name, value in own[position + step].items() if name != "word"}
            if position:
                row["-1,0"] = f"{lower[position - 1]} {word}"
            if position + 1 < len(lower):
                row["0,1"] = f"{word} {lower[position + 1]}"
            features.append(row)
        return features

    def _spans(self, tags: Sequence[str], words: Words) -> list[Span]:
        numbers: list[int] = []
        for tag in tags:
            number = 0 if tag == OUTSIDE else int(tag)
            # An I- that continues nothing begins a span.
            is_astray = number and number % 2 == 0 and (not numbers or numbers[-1] not in (number, number - 1))
            numbers.append(number - 1 if is_astray else number)
        return tags_to_spans(numbers, words, self.slots)


def training_rows(skill: Skill, tokenizer: PreTrainedTokenizerBase, refilled: int, seed: int) -> list[Row]:
    """The training rows, some copies with slot values drawn anew, as the networks see in as many epochs, and the intents' names; no
    row twice."""
    rows = [*skill.rows("train"), *rows_of_names(skill.intents)]
    if refilled:
        entry: SkillEntry = {
            "name": skill.name, "intents": skill.intents, "slots": skill.slots, "task_layers": skill.name
        }  # fmt: skip
        epochs = EpochRows(skill, tokenizer, entry, refill=1.0, seed=seed)
        for epoch in range(1, refilled + 1):
            rows += epochs.refilled_rows(epoch).values()
    return list({repr(row): row for row in rows}.values())


def _texts(inputs: Sequence[tuple[str, Sequence[Match]]]) -> list[str]:
    return [text.lower() for text, _ in inputs]


def _matched(inputs: Sequence[tuple[str, Sequence[Match]]]) -> list[dict[str, bool]]:
    return [{label: True for _, _, label in matches} for _, matches in inputs]


def _lower(text: str, words: Words) -> list[str]:
    return [text[start:end].lower() for start, end in zip(words.starts, words.ends, strict=True)]


def _word_features(word: str) -> Features:
    lower = word.lower()
    kinds = ("X" if character.isupper() else "x" if character.islower() else "d" if character.isdigit() else character
             for character in word)  # fmt: skip
    return {
        "word": lower,
        "shape": "".join(kind for kind, _ in groupby(kinds)),
        "length": min(len(word), 8),
        **{f"prefix{size}": lower[:size] for size in range(1, 5) if size <= len(lower)},
        **{f"suffix{size}": lower[-size:] for size in range(1, 5) if size <= len(lower)},
    }


__all__ = ["ClassicalNLU", "training_rows"]
