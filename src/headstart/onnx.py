"""An exported skill (`headstart export`) without torch: onnxruntime runs the network, numpy decodes.

```python
from headstart.onnx import OnnxNLU

nlu = OnnxNLU("runs/coffee-onnx")
nlu("a large latte with oat milk please")
```
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import GeneratorType
from typing import Any, NamedTuple, cast

import numpy as np
from tokenizers import Tokenizer

from headstart.decoding import Field, make_field
from headstart.modeling.catalog_headstart import CatalogDict, find_matches, mark_matches
from headstart.modeling.entries_headstart import SkillEntry, read_entry
from headstart.modeling.folders_headstart import CATALOGS, CRF, EXPORT, EXPORTED, NETWORK, TOKENIZER, kind_of
from headstart.modeling.labels_headstart import REJECTED, UNSEEN_PRIOR, seen_slots
from headstart.tokenization.alignment_headstart import OUTSIDE, Words, find_words
from headstart.tokenization.answers_headstart import (
    Answer,
    check_requests,
    check_threshold,
    make_answer,
    readable,
    token_limit,
    warn_of_cut,
)

VERSION, FACTORED_VERSION = (
    1,
    2,
)  # of the files of an exported skill; the second one's CRF is factored, which older versions can't read
# Fields of headstart.json.
OLD_MAX_TOKENS, MAX_TOKENS = "max_pieces", "max_tokens"


def is_exported(folder: str | Path) -> bool:
    """Whether `headstart export` wrote the folder."""
    return kind_of(Path(folder)) is EXPORTED


class OnnxNLU:
    """Finds the intent and the slots of utterances, as [`NLUPipeline`] does, with the same answers.

    Args:
        folder: what `headstart export` wrote.
        num_threads: threads of onnxruntime; one is fastest for single utterances.

    Raises:
        ValueError: the folder holds no exported skill, or one of another version.
        ImportError: onnxruntime is missing.

    Call it with one string, or with a list or a generator of strings for as many requests. The answers are those of
    [`NLUPipeline`] (of an int8 export, almost), and so are the options `skill`, `reject_threshold`, `use_gazetteers` and `batch_size` and
    the errors.
    """

    def __init__(self, folder: str | Path, num_threads: int = 1) -> None:
        folder = Path(folder)
        description = _read_description(folder)
        self.entry = cast(SkillEntry, read_entry(description["skill"]))
        self._unknown: int = description["unk_token_id"]
        self._max_tokens = token_limit(description[MAX_TOKENS if MAX_TOKENS in description else OLD_MAX_TOKENS])
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.encode_special_tokens = True  # "[PAD]" in a user's text is three words, not the token
        self._session = _open_session(folder / NETWORK, num_threads)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._crf = _read_field(folder / CRF) if self.entry["slots"] else None
        self._priors: _Priors | None = None
        if self.entry.get("label_priors"):
            self._priors = _make_priors(self.entry, description["skill"].get("unseen_prior", UNSEEN_PRIOR))
        self._catalogs: CatalogDict | None = None
        if self.entry.get("gazetteer"):
            keys = json.loads((folder / CATALOGS).read_text(encoding="utf-8"))
            self._num_catalogs = len(keys)
            self._catalogs = CatalogDict.from_keys(keys)

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
        use_gazetteers: bool | None = None,
        batch_size: int = 1,
    ) -> Any:
        """Answer one text (a dict), several (a list of dicts), or those of a generator, one after the other."""
        check_requests(inputs)
        if reject_threshold is not None:
            check_threshold(reject_threshold)
        self.skill(skill)
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
        if isinstance(inputs, str):
            return self._answer([inputs], reject_threshold, use_gazetteers is not False)[0]
        answers = self._stream(iter(inputs), reject_threshold, use_gazetteers is not False, batch_size)
        return answers if isinstance(inputs, GeneratorType) else list(answers)

    def _stream(
        self, texts: Iterator[str], reject_threshold: float | None, use_gazetteers: bool, batch_size: int
    ) -> Iterator[Answer]:
        while batch := list(islice(texts, batch_size)):
            yield from self._answer(batch, reject_threshold, use_gazetteers)

    def _answer(self, texts: Sequence[str], reject_threshold: float | None, use_gazetteers: bool) -> list[Answer]:
        read = [self._read(text) for text in texts]
        lengths = np.array([len(row.tokens) for row in read], dtype=np.int64)
        input_ids = np.zeros((len(read), lengths.max()), dtype=np.int64)
        for number, row in enumerate(read):
            input_ids[number, : lengths[number]] = row.tokens
        feed = {"input_ids": input_ids, "lengths": lengths}
        if self._catalogs is not None:
            feed["matches"] = self._find_matches(read, input_ids.shape, use_gazetteers)
        scores = dict(zip(self._outputs, self._session.run(None, feed), strict=True))
        intents, intent_scores = self._choose_intents(scores, reject_threshold, len(read))
        tags, tag_scores = self._choose_tags(scores, read)
        return [
            make_answer(
                self.entry,
                text,
                row.words,
                intent=(int(intents[number]), float(intent_scores[number])),
                tags=tags[number, : len(row.words)].tolist(),
                tag_scores=tag_scores[number, : len(row.words)].tolist(),
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

    def _choose_intents(
        self, scores: Mapping[str, np.ndarray], reject_threshold: float | None, num_rows: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the intents and their probabilities, or those of "none of these", (rows,) each: what `_choose_intents` of
        `headstart.modeling.modeling_headstart` decides."""
        if not self.entry["intents"]:
            return np.full(num_rows, REJECTED), np.zeros(num_rows)
        logits = scores["intent_logits"]
        if "reject_logits" not in scores:
            probabilities = _softmax(logits)
            return probabilities.argmax(axis=1), probabilities.max(axis=1)
        rejection = self.entry["rejection"]
        logits = np.concatenate([logits, scores["reject_logits"]], axis=1)
        probabilities = _softmax(logits / rejection["temperature"])
        rejected = probabilities[:, -1]
        is_rejected = rejected > (rejection["threshold"] if reject_threshold is None else reject_threshold)
        found = probabilities[:, :-1]
        return (
            np.where(is_rejected, REJECTED, found.argmax(axis=1)),
            np.where(is_rejected, rejected, found.max(axis=1)),
        )

    def _choose_tags(self, scores: Mapping[str, np.ndarray], read: Sequence[_Read]) -> tuple[np.ndarray, np.ndarray]:
        """Tags of the words and their probabilities, (rows, words) each."""
        counts = np.array([len(row.words) for row in read])
        if self._crf is None or not counts.max():
            return np.zeros((len(read), counts.max()), dtype=np.int64), np.zeros((len(read), counts.max()))
        logits = scores["slot_logits"]
        emissions = np.zeros((len(read), counts.max(), logits.shape[2]), dtype=np.float32)
        for number, row in enumerate(read):
            emissions[number, : counts[number]] = logits[number, row.words.first_tokens]
        if self._priors is not None:
            emissions += self._priors.of(scores["intent_logits"])
        tags = self._crf.decode(emissions, counts)
        # Nobody is told the probability of "no slot".
        certain = np.zeros(tags.shape) if (tags == OUTSIDE).all() else self._crf.certainty(emissions, counts, tags)
        return tags, certain


def _open_session(file: Path, num_threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:  # an optional dependency
        raise ImportError("an exported skill needs onnxruntime: pip install 'headstart[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


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


def _read_field(file: Path) -> Field:
    with np.load(file, allow_pickle=False) as content:
        return make_field(dict(content))


def _read_description(folder: Path) -> dict[str, Any]:
    """What `headstart.json` says, of a folder that has all that it needs."""
    if not is_exported(folder):
        raise ValueError(f"{str(folder)!r} holds no exported skill (no {EXPORT}); make one: headstart export MODEL --out FOLDER.")
    if missing := [name for name in EXPORTED.needed if not (folder / name).is_file()]:
        raise ValueError(f"{str(folder)!r} lacks {missing[0]}: it is a part of an exported skill; export it anew.")
    description: dict[str, Any] = json.loads((folder / EXPORT).read_text(encoding="utf-8"))
    if description["version"] not in (VERSION, FACTORED_VERSION):
        raise ValueError(
            f"{str(folder)!r} was exported in version {description['version']} of the format; "
            f"this headstart reads {VERSION} and {FACTORED_VERSION}: export it anew."
        )
    return description


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


__all__ = ["OnnxNLU", "is_exported"]
