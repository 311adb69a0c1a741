"""Formats that are known and not read: what they are called, and what to do, for the message that says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from headstart.data.rows import FIELDS, DataError
from headstart.readers.fields import Fields, dict_of, list_of, objects_of
from headstart.readers.source import Source, SourceFile

ROWS = (
    'make rows of it, {"text": ..., "intent": ..., "slots": [{"start", "end", "label"}]} one a line in a .jsonl file, or a table with the '
    "columns text, intent and entities"
)
DATASET = "load it with datasets.load_dataset and write its rows with Dataset.to_json"
LOOKED_AT = 200  # files of a folder
MAX_LINE = 2**20


class _Other(NamedTuple):
    """A format: what it is called, how its content is told, and what to do instead."""

    what: str
    fits: Callable[[Any], bool]
    instead: str = ROWS


def _fields(*names: str) -> Callable[[Any], bool]:
    """Whether an object has all of these fields."""
    return lambda content: set(names) <= dict_of(content).keys()


def _within(field: str, *names: str) -> Callable[[Any], bool]:
    """Whether the first object of a list at that field has all of these fields."""
    return lambda content: any(set(names) <= item.keys() for item in objects_of(dict_of(content).get(field))[:1])


def _is_lex_2(content: Any) -> bool:
    samples = list_of(dict_of(content).get("sampleUtterances"))
    return (
        any(isinstance(sample, dict) for sample in samples)
        or {"slotTypeName", "valueElicitationSetting"} <= dict_of(content).keys()
    )


def _is_wit(content: Any) -> bool:
    entities = [
        item
        for utterance in objects_of(dict_of(content).get("utterances"))[:20]
        for item in objects_of(utterance.get("entities"))
    ]
    return _within("utterances", "text", "traits")(content) or any("body" in item for item in entities)


def _is_spacy(content: Any) -> bool:
    pair = next((item for item in list_of(dict_of(content).get("annotations")) if item), None)
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and "entities" in dict_of(pair[1])


# Of the first object of a file in JSON or JSON lines.
JSON = (
    _Other("one file of an Amazon Lex V2 export", _is_lex_2, "give the folder or zip archive of all of it"),
    _Other("an Amazon Lex V1 export without sample utterances", _fields("resource", "metadata"), "give its intents some, or another export"),
    _Other("training phrases of Dialogflow CX without their intent", _fields("trainingPhrases"), "give the folder or zip archive of the agent"),
    _Other("settings of a Dialogflow CX agent, without training phrases", _fields("defaultLanguageCode", "displayName"), "give the folder or zip archive of the agent"),
    _Other("a flow of Dialogflow CX, which holds no phrases", _fields("transitionRoutes", "nluSettings"), "give the folder or zip archive of the agent"),
    _Other("a Watson Assistant workspace without examples", _fields("workspace", "skill_id"), "give its intents examples, or another export"),
    _Other("a Watson Assistant workspace without examples", _fields("dialog_nodes"), "give its intents examples, or another export"),
    _Other("a corpus of NLP.js", _within("data", "intent", "utterances"), "write its utterances as the patterns of intents: {\"intents\": [{\"tag\", \"patterns\": [...]}]}"),
    _Other("utterances of Wit.ai", _is_wit),
    _Other("utterances of Wit.ai", _fields("text", "entities", "traits")),
    _Other("an intent of Botpress", lambda content: isinstance(dict_of(content).get("utterances"), dict)),
    _Other("intents of Botpress", lambda content: any(isinstance(intent.get("utterances"), dict) for intent in objects_of(dict_of(content).get("intents"))[:1])),
    _Other("annotations of Prodigy", _fields("text", "spans", "_input_hash")),
    _Other("annotations of Prodigy", _fields("text", "spans", "answer")),
    _Other("annotations of Label Studio", _fields("data", "annotations")),
    _Other("annotations of Label Studio", _fields("data", "completions")),
    _Other("annotations of doccano", lambda content: isinstance(next(iter(list_of(dict_of(content).get("label"))), None), list)),
    _Other("annotations of doccano", _fields("text", "entities", "relations")),
    _Other("annotations of spaCy", _is_spacy),
    _Other("annotations of spaCy", _fields("paragraphs")),
    _Other("a schema of the Schema-Guided Dialogue corpus", _fields("service_name", "intents"), "it holds no utterances; those are in its dialogues"),
    _Other("dialogues of the Schema-Guided Dialogue corpus", _fields("dialogue_id", "turns")),
    _Other("chat rows, of 'messages'", _within("messages", "role", "content")),
    _Other("chat rows, of 'conversations'", _within("conversations", "from", "value")),
    _Other("rows of instructions", _fields("instruction", "output")),
    _Other("rows of prompts", _fields("prompt", "completion")),
    _Other("rows of tokens without tags that can be read", _fields("tokens"), "give them ner_tags (O, B-label, I-label), as many as tokens"),
    _Other("a Voiceflow project", _fields("diagrams")),
)  # fmt: skip
# Of the text of files with these suffixes.
PROJECT = "give the folder of its project, or its nlu.yml or nlu.md"
NOT_EXAMPLES = r"^(?:responses|templates|actions|slots|forms|session_config):|^intents:[ \t]*+\n(?:[ \t]*+\n)*+[ \t]*+-"
YAML = (".yml", ".yaml")
TEXT: tuple[tuple[tuple[str, ...], tuple[str, ...], str, str], ...] = (
    (
        YAML,
        (r"^(?:lists|expansion_rules):",),
        "lists or rules of hassil without sentences",
        "give the folder that holds its sentences, too",
    ),
    (YAML, (r"^trainingPhrases:",), "an intent of Google's Actions SDK", ROWS),
    (YAML, (r"^(?:stories|rules):",), "stories of Rasa, which hold no examples", PROJECT),
    (YAML, (r"^(?:pipeline|policies):",), "a configuration of Rasa, which holds no examples", PROJECT),
    (YAML, (NOT_EXAMPLES,), "a domain of Rasa, which holds no examples", PROJECT),
    ((".entity",), (r"\S",), "values of Padatious without sentences", "give the folder that holds its .intent files, too"),
    ((".voc", ".rx"), (r"\S",), "a vocabulary of Adapt (Mycroft, OVOS)", ROWS),
    ((".chatito",), (r"^[%@~]\[",), "sentences of Chatito", "let Chatito write Rasa's or Snips' format of it"),
)
NAMES = (  # of files in a folder or archive
    (r"(?:^|/)BotLocales/[^/]+/BotLocale\.json$", "an Amazon Lex V2 export without sample utterances", "give its intents some"),
    (
        r"(?:^|/)(?:generativeSettings|flows/[^/]+/[^/]+\.json$)",
        "a Dialogflow CX agent without training phrases",
        "give its intents some",
    ),
    (r"(?:^|/)utterances/utterances-\d+\.json$", "a Wit.ai app", ROWS),
    (r"^xl/workbook\.xml$", "an Excel workbook", "save it as CSV"),
    (r"^word/document\.xml$", "a Word document", "write its utterances as rows or as a table"),
    (r"^content\.xml$", "an OpenDocument file", "save it as CSV"),
)
BEGINNINGS = (  # of files that are no text, or only stand for one
    (b"PAR1", "a Parquet file", DATASET),
    (b"ARROW1", "an Arrow file", DATASET),
    (b"\x1f\x8b", "a gzip file", "unpack it"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ", "an xz file", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"SQLite format 3", "an SQLite database", "write its rows as JSON lines or CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save it as CSV"),
    (b"version https://git-lfs.github.com/spec", "a pointer of Git LFS", "fetch the file that it stands for (git lfs pull)"),
    (b"<!DOCTYPE html", "a web page", "fetch the file that it is about"),
    (b"%PDF", "a PDF file", "write its text as JSON lines or CSV"),
)


def check_is_text(source: Source) -> None:
    """Raise `DataError` if the source is one file of a known kind that is no text, or only stands for one."""
    for beginning, what, instead in BEGINNINGS if source.only is not None else ():
        if source.only is not None and source.only.content.startswith(beginning):
            raise DataError(f"{source.path}: found {what}; this is not read: {instead}.")


def describe_other(source: Source) -> str | None:
    """What a source is that no reader knows, and what to do, such as `found utterances of Wit.ai; this is not read: ...`; None if that is not known."""
    for pattern, what, instead in NAMES if source.only is None else ():
        if any(re.search(pattern, file.name) for file in source.files):
            return f"found {what}; this is not read: {instead}"
    for file in source.files[:LOOKED_AT]:
        found = _other(file)
        if found is not None:
            where = "" if source.only is not None else f" ({file.name})"
            return f"found {found[0]}{where}; this is not read: {found[1]}"
    return None


def describe_rows(file: SourceFile) -> str | None:
    """The same for a file whose suffix is that of rows, by its first line."""
    first = dict_of(_first_line(file))
    if set(FIELDS) <= first.keys():
        return None
    return next((f"found {other.what}; this is not read: {other.instead}" for other in JSON if other.fits(first)), None)


def _first_line(file: SourceFile) -> Any:
    line = file.content[:MAX_LINE].lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _other(file: SourceFile) -> tuple[str, str] | None:
    """What a file is, and what to do instead."""
    text = file.text_or_none or ""
    for suffixes, patterns, what, instead in TEXT:
        if file.suffix in suffixes and all(re.search(pattern, text, re.MULTILINE) for pattern in patterns):
            return what, instead
    content = file.json_or_none if file.suffix not in (".yml", ".yaml") else None
    if file.suffix in (".jsonl", ".ndjson"):
        content = _first_line(file)
    first: Fields = dict_of(next(iter(objects_of(content)), None)) if isinstance(content, list) else dict_of(content)
    return next(((other.what, other.instead) for other in JSON if other.fits(first)), None)


__all__ = ["check_is_text", "describe_other", "describe_rows"]
