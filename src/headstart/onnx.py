"""An exported skill (`headstart export`) without torch: onnxruntime runs the network, numpy decodes.

```python
from headstart.onnx import OnnxNLU

nlu = OnnxNLU("runs/coffee-onnx")
nlu("a large latte with oat milk please")
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import GeneratorType
from typing import Any, NamedTuple, cast

import numpy as np

from headstart.decoding import Field, make_field
from headstart.exported import Exported, import_runtime, is_exported, read_exported
from headstart.modeling.catalog_headstart import CatalogDict, find_matches, mark_matches
from headstart.modeling.entries_headstart import SkillEntry
from headstart.modeling.folders_headstart import CRF, EXPORT, NETWORK
from headstart.modeling.labels_headstart import REJECTED, seen_slots
from headstart.modeling.resolution_headstart import CatalogResolver, can_resolve
from headstart.tokenization.alignment_headstart import OUTSIDE, Words, find_words
from headstart.tokenization.answers_headstart import (
    Answer,
    ChosenIntent,
    Resolve,
    check_options,
    check_requests,
    make_answer,
    readable,
    token_limit,
    warn_of_cut,
)
from headstart.tokenization.values_headstart import ResolveOptions, Resolver, check_typed_labels, make_resolver, resolve_options


class OnnxNLU:
    """Finds the intent and the slots of utterances, as [`NLUPipeline`] does, with the same answers.

    Args:
        folder: what `headstart export` wrote.
        num_threads: threads of onnxruntime; one is fastest for single utterances.
        resolving: `resolve`, `reference_time`, `time_zone` and `slot_types` of requests that don't give others, see [`NLUPipeline`].

    Raises:
        ValueError: the folder holds no exported skill, or one of another version.
        ImportError: onnxruntime is missing.

    Call it with one string, or with a list or a generator of strings for as many requests. The answers are those of
    [`NLUPipeline`] (of an int8 export, almost), and so are the options `skill`, `reject_threshold`, `top_k`, `use_gazetteers`, `batch_size`,
    `resolve`, `reference_time`, `time_zone` and `slot_types`, and the errors.
    """

    def __init__(self, folder: str | Path, num_threads: int = 1, **resolving: Any) -> None:
        self._resolving = resolve_options(**resolving)
        exported = read_exported(Path(folder))
        self.entry = exported.entry
        self._unknown = exported.unknown
        self._max_tokens = token_limit(exported.max_tokens)
        self._tokenizer = exported.tokenizer
        self._session = _open_session(exported, num_threads)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._crf = _read_field(exported.folder / CRF) if self.entry["slots"] else None
        self._slot_temperature = self.entry.get("slot_temperature", 1.0)
        self._scoring_crf = self._crf
        if self._crf is not None and self._slot_temperature != 1:
            self._scoring_crf = _read_field(exported.folder / CRF, self._slot_temperature)
        self._priors: _Priors | None = None
        if self.entry.get("label_priors"):
            self._priors = _make_priors(self.entry, exported.unseen_prior)
        self._catalogs: CatalogDict | None = None
        if exported.catalogs is not None:
            self._num_catalogs = len(exported.catalogs)
            self._catalogs = CatalogDict.from_keys(exported.catalogs)
        self._resolver = None if exported.values is None else CatalogResolver(exported.values)

    def skill(self, name: str | None = None) -> SkillEntry:
        """The entry of the only skill: name, intents, slots.

        Raises:
            ValueError: another one was named.
        """
        if name not in (None, self.entry["name"]):
            raise ValueError(f"this model has no skill {name!r}. Its skills: {self.entry['name']}.")
        return self.entry

    def words(self, text: str) -> Words:
        """The words of a text, however long it is."""
        encoding = self._tokenizer.encode(readable(text), add_special_tokens=False)
        return find_words(text, encoding.offsets, encoding.word_ids)

    def __call__(
        self,
        inputs: str | Iterable[str],
        *,
        skill: str | None = None,
        reject_threshold: float | None = None,
        top_k: int | None = None,
        use_gazetteers: bool | None = None,
        batch_size: int = 1,
        **resolving: Any,
    ) -> Any:
        """Answer one text (a dict), several (a list of dicts), or those of a generator, one after the other."""
        check_requests(inputs)
        check_options(
            skill=skill, reject_threshold=reject_threshold, top_k=top_k, use_gazetteers=use_gazetteers, batch_size=batch_size
        )
        self.skill(skill)
        said: ResolveOptions = {**self._resolving, **resolve_options(**resolving)}
        check_typed_labels(said, [self.entry["slots"]])
        options = _Options(reject_threshold, top_k, use_gazetteers is not False, make_resolver(said), said.get("resolve"))
        if isinstance(inputs, str):
            return self._answer([inputs], options)[0]
        answers = self._stream(iter(inputs), options, batch_size)
        return answers if isinstance(inputs, GeneratorType) else list(answers)

    def _stream(self, texts: Iterator[str], options: _Options, batch_size: int) -> Iterator[Answer]:
        while batch := list(islice(texts, batch_size)):
            yield from self._answer(batch, options)

    def _answer(self, texts: Sequence[str], options: _Options) -> list[Answer]:
        read = [self._read(text) for text in texts]
        lengths = np.array([len(row.tokens) for row in read], dtype=np.int64)
        input_ids = np.zeros((len(read), lengths.max()), dtype=np.int64)
        for number, row in enumerate(read):
            input_ids[number, : lengths[number]] = row.tokens
        feed = {"input_ids": input_ids, "lengths": lengths}
        if self._catalogs is not None:
            feed["matches"] = self._find_matches(read, input_ids.shape, options.use_gazetteers)
        scores = dict(zip(self._outputs, self._session.run(None, feed), strict=True))
        _check_scores(scores)
        chosen = self._choose_intents(scores, options, len(read))
        tags, tag_scores = self._choose_tags(scores, read)
        _check_scores({"probabilities of slots": tag_scores})
        catalogs = self._resolver if self._resolver is not None and can_resolve(options.resolve) else None
        return [
            make_answer(
                self.entry,
                text,
                row.words,
                intent=chosen[number],
                tags=tags[number, : len(row.words)].tolist(),
                tag_scores=tag_scores[number, : len(row.words)].tolist(),
                top_k=options.top_k,
                resolver=options.resolver,
                catalogs=None if catalogs is None else cast("Resolve", catalogs.resolve),
            )
            for number, (text, row) in enumerate(zip(texts, read, strict=True))
        ]

    def _read(self, text: str) -> _Read:
        encoding = self._tokenizer.encode(readable(text), add_special_tokens=False)
        tokens = encoding.ids[: self._max_tokens]
        words = find_words(text, encoding.offsets[: len(tokens)], encoding.word_ids[: len(tokens)])
        warn_of_cut(text, words, len(tokens), self._max_tokens)
        return _Read(tokens or [self._unknown], words)

    def _find_matches(self, read: Sequence[_Read], shape: tuple[int, ...], use_gazetteers: bool) -> np.ndarray:
        features = np.zeros((*shape, 2 * self._num_catalogs), dtype=np.float32)
        for number, row in enumerate(read if use_gazetteers else ()):
            firsts = set(row.words.first_tokens)
            starts = [position in firsts for position in range(len(row.tokens))]
            catalogs = self._catalogs or CatalogDict()
            found = find_matches(catalogs, self._num_catalogs, row.tokens, starts, catalogs.longest)
            mark_matches(features, number, found)
        return features

    def _choose_intents(self, scores: Mapping[str, np.ndarray], options: _Options, num_rows: int) -> list[ChosenIntent]:
        """What `_choose_intents` of `headstart.modeling.modeling_headstart` decides."""
        if not self.entry["intents"]:
            return [ChosenIntent(REJECTED, 1.0)] * num_rows
        logits = scores["intent_logits"]
        rejected, threshold = [None] * num_rows, 1.0
        if "reject_logits" in scores:
            rejection = self.entry["rejection"]
            logits = np.concatenate([logits, scores["reject_logits"]], axis=1) / rejection["temperature"]
            together = _softmax(logits)
            probabilities, rejected = together[:, :-1], together[:, -1].tolist()
            threshold = rejection["threshold"] if options.reject_threshold is None else options.reject_threshold
        else:
            probabilities = _softmax(logits)
        _check_scores({"probabilities of intents": probabilities})
        chosen = []
        for row, best, out_of_scope in zip(probabilities, probabilities.argmax(axis=1).tolist(), rejected, strict=True):
            ranked = row.tolist() if options.top_k is not None else ()
            number, score = best, float(row[best])
            if out_of_scope is not None and out_of_scope > threshold * (out_of_scope + score):
                number, score = REJECTED, out_of_scope
            chosen.append(ChosenIntent(number, score, out_of_scope, ranked))
        return chosen

    def _choose_tags(self, scores: Mapping[str, np.ndarray], read: Sequence[_Read]) -> tuple[np.ndarray, np.ndarray]:
        """Tags of the words and their probabilities, (rows, words) each."""
        counts = np.array([len(row.words) for row in read])
        if self._crf is None or self._scoring_crf is None or not counts.max():
            return np.zeros((len(read), counts.max()), dtype=np.int64), np.zeros((len(read), counts.max()))
        logits = scores["slot_logits"]
        emissions = np.zeros((len(read), counts.max(), logits.shape[2]), dtype=np.float32)
        for number, row in enumerate(read):
            emissions[number, : counts[number]] = logits[number, row.words.first_tokens]
        if self._priors is not None:
            emissions += self._priors.of(scores["intent_logits"])
        tags = self._crf.decode(emissions, counts)
        # Nobody is told the probability of "no slot".
        if (tags == OUTSIDE).all():
            return tags, np.zeros(tags.shape)
        return tags, self._scoring_crf.certainty(emissions / self._slot_temperature, counts, tags)


def _open_session(exported: Exported, num_threads: int) -> Any:
    """The network, if it is the one of the skill: it reads the last token of the tokenizer, and gives as many scores as there are labels."""
    onnxruntime = import_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is said in an exception, and only there
    wanted = exported.widths()
    feed = {"input_ids": np.array([[exported.tokenizer.get_vocab_size() - 1]]), "lengths": np.array([1])}
    if exported.catalogs is not None:
        feed["matches"] = np.zeros((1, 1, 2 * len(exported.catalogs)), dtype=np.float32)
    try:
        session = onnxruntime.InferenceSession(exported.folder / NETWORK, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        scores = dict(zip(names, session.run(None, feed), strict=True))
    except Exception as error:  # onnxruntime's own have no class of their own in common
        raise exported.seal.damaged(f"{NETWORK} can't be run ({str(error).strip().splitlines()[0][:200]})") from error
    found = {name: values.shape[-1] for name, values in scores.items()}
    if found != wanted:
        raise exported.seal.damaged(f"{NETWORK} gives scores {found}, and the labels in {EXPORT} need {wanted}")
    _check_scores(scores)
    return session


def _check_scores(scores: Mapping[str, np.ndarray]) -> None:
    for name, values in scores.items():
        if not np.isfinite(values).all():
            raise ValueError(f"the exported skill is damaged: its {name} are no numbers (NaN or infinity). Export it anew.")


class _Options(NamedTuple):
    """Of a request."""

    reject_threshold: float | None
    top_k: int | None
    use_gazetteers: bool
    resolver: Resolver | None
    resolve: bool | None


class _Read(NamedTuple):
    """A text's tokens (at least one) and words."""

    tokens: list[int]
    words: Words


class _Priors(NamedTuple):
    """What [`headstart.modeling.layers_headstart.slot_label_priors`] computes: which tags an intent was seen with, (intents, tags), against
    the share of intents that were, and the least share."""

    seen: np.ndarray
    least: float

    def of(self, intent_logits: np.ndarray) -> np.ndarray:
        """What is added to the scores of tags, (rows, 1, tags)."""
        allowed = _softmax(intent_logits) @ self.seen
        added: np.ndarray = np.log(allowed.clip(self.least, 1))[:, None]
        return added


def _make_priors(entry: SkillEntry, least: float) -> _Priors:
    table = np.array(seen_slots(entry["intents"], entry["slots"], entry["label_priors"]))
    tags = np.pad((table / table.mean(axis=0)).repeat(2, axis=1), ((0, 0), (1, 0)), constant_values=1)
    return _Priors(tags.astype(np.float32), least)


def _read_field(file: Path, temperature: float = 1.0) -> Field:
    """The field of a file, its scores divided by a temperature."""
    with np.load(file, allow_pickle=False) as content:
        return make_field({name: scores / temperature for name, scores in content.items()})


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


__all__ = ["OnnxNLU", "is_exported"]
