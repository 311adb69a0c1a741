"""Formats that are known and not read are named, with a way out."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from headstart import DataError, load_skill

OTHERS: dict[str, tuple[str, Any, str]] = {
    "Lex V1 without samples": ("bot.json", {"metadata": {}, "resource": {}}, "an Amazon Lex V1 export without sample utterances"),
    "Lex V2": (
        "Intent.json",
        {"name": "Brew", "sampleUtterances": [{"utterance": "brew tea"}]},
        "one file of an Amazon Lex V2 export; this is not read: give the folder or zip",
    ),
    "Dialogflow CX": (
        "en.json",
        {"trainingPhrases": [{"parts": [{"text": "brew", "auto": True}]}]},
        "training phrases of Dialogflow CX without their intent",
    ),
    "Watson": (
        "workspace.json",
        {"intents": [], "entities": [], "dialog_nodes": []},
        "a Watson Assistant workspace",
    ),
    "Wit.ai": (
        "utterances-1.json",
        {"utterances": [{"text": "brew", "intent": "brew", "entities": [], "traits": []}]},
        "utterances of Wit.ai",
    ),
    "Wit.ai, a list": ("a.json", [{"text": "brew", "intent": "brew", "entities": [], "traits": []}], "utterances of Wit.ai"),
    "Botpress": (
        "brew.json",
        {"name": "brew", "contexts": ["global"], "slots": [], "utterances": {"en": ["brew"]}},
        "an intent of Botpress",
    ),
    "Prodigy": ("a.jsonl", {"text": "brew", "spans": [], "answer": "accept", "_input_hash": 1}, "annotations of Prodigy"),
    "Label Studio": (
        "a.json",
        [{"id": 1, "data": {"text": "brew"}, "annotations": [{"result": []}]}],
        "annotations of Label Studio",
    ),
    "doccano": ("a.jsonl", {"id": 1, "text": "brew tea", "label": [[5, 8, "drink"]]}, "annotations of doccano"),
    "spaCy": (
        "a.json",
        {"classes": ["DRINK"], "annotations": [["brew tea", {"entities": [[5, 8, "DRINK"]]}]]},
        "annotations of spaCy",
    ),
    "Schema-Guided Dialogue": (
        "schema.json",
        [{"service_name": "Tea_1", "intents": []}],
        "a schema of the Schema-Guided Dialogue corpus",
    ),
    "its dialogues": (
        "dialogues_001.json",
        [{"dialogue_id": "1", "services": [], "turns": []}],
        "dialogues of the Schema-Guided",
    ),
    "chat": ("a.jsonl", {"messages": [{"role": "user", "content": "brew"}]}, "chat rows, of 'messages'"),
    "chat, a list": ("a.json", [{"conversations": [{"from": "human", "value": "brew"}]}], "chat rows, of 'conversations'"),
    "instructions": ("a.jsonl", {"instruction": "brew", "input": "", "output": "ok"}, "rows of instructions"),
    "tokens": ("a.jsonl", {"tokens": ["brew"], "pos": [0]}, "rows of tokens without tags"),
    "Rasa's domain": (
        "domain.yml",
        'version: "3.1"\nintents:\n  - greet\nresponses:\n  utter_hi:\n  - text: hi\n',
        "a domain of Rasa",
    ),
    "Rasa's domain of intents": ("domain.yml", "intents:\n\n- greet\n", "a domain of Rasa, which holds no examples"),
    "Rasa's stories": ("stories.yml", "stories:\n- story: a\n  steps:\n  - intent: greet\n", "stories of Rasa"),
    "Rasa's configuration": ("config.yml", "pipeline:\n- name: WhitespaceTokenizer\n", "a configuration of Rasa"),
    "Actions SDK": ("brew.yaml", "trainingPhrases:\n- brew tea\n", "an intent of Google's Actions SDK"),
    "a Dialogflow CX agent's settings": (
        "agent.json",
        {"displayName": "tea", "defaultLanguageCode": "en"},
        "settings of a Dialogflow CX agent",
    ),
    "NLP.js": (
        "corpus.json",
        {"name": "tea", "locale": "en", "data": [{"intent": "brew", "utterances": ["brew"]}]},
        "a corpus of NLP.js",
    ),
    "hassil's lists": (
        "lists.yaml",
        "language: en\nlists:\n  size:\n    values: [small]\n",
        "lists or rules of hassil without sentences",
    ),
    "Padatious' values": ("drink.entity", "tea\n", "values of Padatious without sentences"),
    "Adapt": ("brew.voc", "brew\n", "a vocabulary of Adapt"),
    "Chatito": ("brew.chatito", "%[brew]('training': '5')\n    brew tea\n", "sentences of Chatito"),
    "Parquet": ("a.parquet", b"PAR1\x15\x04\xffPAR1", "a Parquet file"),
    "gzip": ("rows.jsonl.gz", gzip.compress(b"{}"), "a gzip file"),
    "a database": ("a.db", b"SQLite format 3\x00\x10\x00\xff", "an SQLite database"),
}
FOLDERS: dict[str, tuple[dict[str, Any], str]] = {
    "Lex V2": (
        {"Bot.json": {}, "BotLocales/en_US/BotLocale.json": {"name": "en"}},
        "an Amazon Lex V2 export without sample utterances",
    ),
    "Dialogflow CX": (
        {"agent.json": {}, "flows/Default/Default.json": {"name": "1"}},
        "a Dialogflow CX agent without training phrases",
    ),
    "Wit.ai": ({"app.json": {}, "intents/brew.json": {}, "utterances/utterances-1.json": {"utterances": []}}, "a Wit.ai app"),
    "Excel": ({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}, "an Excel workbook; this is not read: save it as CSV"),
    "a Rasa project without examples": (
        {"domain.yml": "intents:\n- greet\n"},
        "a domain of Rasa, which holds no examples (domain.yml)",
    ),
}


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content) if not isinstance(content, bytes) else None
    path.write_bytes(content if text is None else text.encode())


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_a_known_format_that_is_not_read_is_named(name: str, tmp_path: Path) -> None:
    file, content, what = OTHERS[name]
    write(tmp_path / file, content)
    with pytest.raises(DataError) as error:
        load_skill(tmp_path / file)
    assert str(error.value).startswith(f"{tmp_path / file}: found ") and what in str(error.value)
    assert "not read" in str(error.value) and "holds no sample" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("is_zip", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_a_known_format_that_is_not_read_is_named(name: str, is_zip: bool, tmp_path: Path) -> None:
    files, what = FOLDERS[name]
    for file, content in files.items():
        write(tmp_path / "it" / file, content)
    path = tmp_path / "it"
    if is_zip:
        path = tmp_path / "it.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(tmp_path / "it" / file, file)
    with pytest.raises(DataError) as error:
        load_skill(path)
    assert what in str(error.value)


def test_a_wrong_row_of_our_own_is_no_other_format(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"text": 5, "intent": "Brew", "slots": [], "messages": [{"role": "user", "content": "x"}]})
    with pytest.raises(DataError, match="line 1, field 'text': found 5"):
        load_skill(tmp_path / "a.jsonl")
