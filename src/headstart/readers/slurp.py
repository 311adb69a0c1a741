"""SLURP, the corpus of spoken utterances: JSON lines with `slurp_id`, `sentence`, `sentence_annotation`, `intent` and `entities`.

    {"slurp_id": 1, "sentence": "wake me at seven", "sentence_annotation": "wake me at [time : seven]", "intent": "alarm_set", ...}

Slots are those of the brackets, or, without these, of `entities` (`{"type", "span": [tokens]}`) by the tokens' `surface`. The text is the sentence, which is in lower
case; where the annotation says something else, the row is left out and counted. `train.jsonl`, `devel.jsonl` and `test.jsonl` are the parts. Recordings, scenario and
action, which the intent repeats, are not read.
"""

from __future__ import annotations

from collections import defaultdict

from headstart.data.rows import DataError
from headstart.data.skills import Skill
from headstart.data.templates import Slot, Template
from headstart.data.texts import plain_text, text_key
from headstart.readers.fields import Fields, dict_of, list_of, objects_of, text_of
from headstart.readers.json_lines import json_lines
from headstart.readers.massive import ANNOTATION
from headstart.readers.oddities import Oddities, Where
from headstart.readers.parts import annotate, cut, join_text, parts_in, skill_of_parts
from headstart.readers.source import Source, SourceFile

NAME = "slurp"
SUFFIXES: tuple[str, ...] = (".jsonl", ".ndjson", ".json")
MARK = '"slurp_id"'


def detect(source: Source) -> bool:
    """Whether a file's first row is one of SLURP."""
    return bool(_files(source))


def read(source: Source, name: str) -> Skill:
    """Read the skill.

    Raises:
        DataError: no row has a sentence with an intent.
    """
    files = _files(source) or source.given
    oddities = Oddities()
    part_of_file = parts_in(source, files)
    parts: dict[str, list[Template]] = defaultdict(list)
    for file in files:
        for where, row in json_lines(file, oddities):
            template = _template(row, oddities, where)
            if template is not None:
                parts[part_of_file[file.name]].append(template)
    oddities.warn(source.path)
    if not any(parts.values()):
        raise DataError(f"{source.path}: no row has a sentence with an intent; allowed: JSON lines with 'sentence' and 'intent'.")
    return skill_of_parts(name, parts)


def _files(source: Source) -> list[SourceFile]:
    return [file for file in source.candidates(*SUFFIXES) if MARK.encode() in file.content[: 2**16].split(b"\n", 1)[0]]


def _template(row: Fields, oddities: Oddities, where: Where) -> Template | None:
    sentence, intent = text_of(row.get("sentence")), text_of(row.get("intent"))
    if sentence is None or intent is None:
        oddities.leave_out("rows without sentence or intent", row, where)
        return None
    annotation = text_of(row.get("sentence_annotation"))
    if annotation is None:
        return _by_tokens(row, sentence, intent, oddities, where)
    parts = join_text(cut(annotation, ANNOTATION, lambda match: [Slot(match[1].strip(), match[2].strip() or None)]))
    said = "".join(part if isinstance(part, str) else part.value or "" for part in parts)
    if text_key(said) != text_key(sentence) or any(isinstance(part, Slot) and not (part.value and part.label) for part in parts):
        oddities.leave_out("rows whose annotation says something else than the sentence", f"{sentence} - {annotation}", where)
        return None
    return Template(intent, tuple(parts))


def _by_tokens(row: Fields, sentence: str, intent: str, oddities: Oddities, where: Where) -> Template | None:
    words = [text_of(dict_of(token).get("surface")) or "" for token in list_of(row.get("tokens"))]
    entities = objects_of(row.get("entities"))
    if entities and plain_text(" ".join(words)) != plain_text(sentence):
        oddities.leave_out("rows whose tokens say something else than the sentence", sentence, where)
        return None
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    spans = []
    for entity in entities:
        label, span = text_of(entity.get("type")), list_of(entity.get("span"))
        is_right = bool(span) and all(type(place) is int and 0 <= place < len(words) for place in span)
        spans.append((starts[min(span)], starts[max(span) + 1] - 1, label or "") if is_right else (-1, -1, ""))
    return annotate(" ".join(words) if entities else sentence, spans, intent, oddities, where)


__all__ = ["NAME", "SUFFIXES", "detect", "read"]
