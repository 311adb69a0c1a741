"""Which of several languages is read: that which the user names, else the manifest's, else English, else the one of which there is most; never the first by alphabet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart import DataError, load_skill
from headstart.cli import main
from headstart.readers.languages import choose_file, choose_locale, language_filter, locale_of, preference
from headstart.readers.source import Source, SourceFile


def source(folder: Path, language: str | None = None) -> Source:
    return Source(folder, language)


@pytest.mark.parametrize(
    ("found", "own", "wanted", "chosen"),
    [
        ({"de": 9, "en-GB": 1, "en-US": 1}, None, None, "en-US"),
        ({"de": 9, "en_GB": 1}, None, None, "en_GB"),
        ({"de": 9, "en": 1}, "de", None, "de"),
        ({"de": 1, "fr": 2}, None, None, "fr"),
        ({"fr": 1, "de": 1, "it": 3}, "pt", None, "it"),
        ({"de-AT": 1, "de-DE": 2, "en-US": 9}, "fr", "de", "de-DE"),
        ({"de-AT": 1, "de-DE": 2, "en-US": 9}, "fr", "DE_at", "de-AT"),
        ({"de-AT": 1, "en-US": 9}, None, "de-CH", "de-AT"),
    ],
)
def test_one_language_is_chosen(tmp_path: Path, found: dict[str, int], own: str | None, wanted: str | None, chosen: str) -> None:
    assert choose_locale(Counter(found), source(tmp_path, wanted), own) == chosen


def test_a_language_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing in 'nl'; its languages: de-DE, en-US"):
        choose_locale(Counter({"en-US": 1, "de-DE": 3}), source(tmp_path, "nl"))


def test_what_names_no_language_is_read_with_every_region_of_the_chosen_one(tmp_path: Path) -> None:
    languages = ["de", "", "EN-gb", "en-us"]
    assert list(map(language_filter(Counter(languages), source(tmp_path)), languages)) == [False, True, True, True]
    assert list(map(language_filter(Counter(languages), source(tmp_path, "en-GB")), languages)) == [False, True, True, False]
    assert list(map(language_filter(Counter(languages), source(tmp_path, "de")), languages)) == [True, True, False, False]
    assert list(map(language_filter(Counter(["", ""]), source(tmp_path, "de")), languages)) == [True] * 4


def test_a_language_is_told_by_the_name_of_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ["models/de-DE.json", "a/model.json", "deluxe/en-GB.json", "en-US/m.json"]
    assert [locale_of(name) for name in names] == ["de-DE", None, "en-GB", "en-US"]
    assert sorted(map(locale_of, names), key=preference) == ["en-US", "en-GB", None, "de-DE"]
    files = [SourceFile(name, name, b"x" * number) for number, name in enumerate(names)]
    assert choose_file(files[:2], source(tmp_path)).name == "a/model.json"
    assert choose_file(files, source(tmp_path)).name == "en-US/m.json"
    assert choose_file(files, source(tmp_path, "de")).name == "models/de-DE.json"
    assert choose_file(files[:2], source(tmp_path), own="de-DE").name == "models/de-DE.json"
    assert "of 2 models, a/model.json is read; left out: models/de-DE.json" in caplog.text


def test_of_models_without_a_language_the_largest_is_read(tmp_path: Path) -> None:
    files = [
        SourceFile("a.json", "a.json", b"small"),
        SourceFile("b.json", "b.json", b"much larger"),
        SourceFile("c/d.json", "c", b"x" * 99),
    ]
    assert choose_file(files, source(tmp_path)).name == "b.json"


Files = dict[str, Any]
TEXTS = {"de-DE": "guten tag", "en-US": "good day", "fr-FR": "bonjour et bonne soiree"}  # there is most French


def alexa(locale: str, text: str) -> Files:
    return {f"interactionModels/custom/{locale}.json": {"languageModel": {"intents": [{"name": "Hi", "samples": [text]}]}}}


def alexa_text(locale: str, text: str) -> Files:
    schema = {"intents": [{"intent": "Hi", "slots": []}]}
    return {f"{locale}/IntentSchema.json": schema, f"{locale}/SampleUtterances.txt": f"Hi {text}\n"}


def jovo(locale: str, text: str) -> Files:
    return {f"models/{locale}.json": {"intents": {"Hi": {"phrases": [text]}}, "entityTypes": {}}}


def dialogflow(locale: str, text: str) -> Files:
    return {f"intents/Hi_usersays_{locale.lower()}.json": [{"data": [{"text": text}]}]}


def dialogflow_cx(locale: str, text: str) -> Files:
    return {f"intents/Hi/trainingPhrases/{locale}.json": {"trainingPhrases": [{"parts": [{"text": text}]}]}}


def lex(locale: str, text: str) -> Files:
    return {
        f"BotLocales/{locale.replace('-', '_')}/Intents/Hi/Intent.json": {"name": "Hi", "sampleUtterances": [{"utterance": text}]}
    }


def luis(locale: str, text: str) -> Files:
    utterance = {"text": text, "intent": "Hi", "entities": []}
    return {
        f"{locale}.json": {
            "luis_schema_version": "7.0.0",
            "culture": locale.lower(),
            "intents": [{"name": "Hi"}],
            "utterances": [utterance],
        }
    }


def luis_lu(locale: str, text: str) -> Files:
    return {f"hi.{locale.lower()}.lu": f"# Hi\n- {text}\n"}


def watson(locale: str, text: str) -> Files:
    return {f"{locale}.json": {"language": locale.lower(), "intents": [{"intent": "Hi", "examples": [{"text": text}]}]}}


def hassil(locale: str, text: str) -> Files:
    return {f"{locale}/hi.yaml": f"language: {locale}\nintents:\n  Hi:\n    data:\n      - sentences: ['{text}']\n"}


def padatious(locale: str, text: str) -> Files:
    return {f"locale/{locale.lower()}/Hi.intent": f"{text}\n"}


FORMATS: list[Callable[[str, str], Files]] = [
    alexa, alexa_text, jovo, dialogflow, dialogflow_cx, lex, luis, luis_lu, watson, hassil, padatious,
]  # fmt: skip


def package(folder: Path, *files: Files) -> Path:
    for each in files:
        for name, content in each.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def texts(path: Path, **options: str) -> list[str]:
    return sorted(row["text"] for row in load_skill(path, **options).rows("train"))


@pytest.mark.parametrize("make", FORMATS)
def test_a_package_of_several_languages(
    tmp_path: Path, make: Callable[[str, str], Files], caplog: pytest.LogCaptureFixture
) -> None:
    path = package(tmp_path, *(make(locale, text) for locale, text in TEXTS.items()))
    assert texts(path) == [TEXTS["en-US"]]
    assert "--language names another" in caplog.text
    assert texts(path, language="de-DE") == [TEXTS["de-DE"]] == texts(path, language="de")
    with pytest.raises(DataError, match="found nothing in 'it'"):
        load_skill(path, language="it")
    assert (
        texts(package(tmp_path / "other", *(make(locale, TEXTS[locale]) for locale in ("de-DE", "fr-FR"))))[0] in TEXTS.values()
    )


@pytest.mark.parametrize(
    ("make", "manifest"),
    [
        (alexa, {"skill.json": {"manifest": {"publishingInformation": {"locales": {"de-DE": {}}}}}}),
        (dialogflow, {"agent.json": {"language": "de"}}),
        (dialogflow_cx, {"agent.json": {"defaultLanguageCode": "de"}}),
    ],
)
def test_a_manifest_says_which_language_is_its_own(tmp_path: Path, make: Callable[[str, str], Files], manifest: Files) -> None:
    path = package(tmp_path, manifest, *(make(locale, text) for locale, text in TEXTS.items()))
    assert texts(path) == [TEXTS["de-DE"]]
    assert texts(path, language="fr") == [TEXTS["fr-FR"]]


def test_rows_of_several_locales_in_a_file(tmp_path: Path) -> None:
    rows = [{"annot_utt": text, "intent": "Hi", "locale": locale, "partition": "train"} for locale, text in TEXTS.items()]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [*rows, {**rows[2], "annot_utt": "salut"}]), encoding="utf-8"
    )
    assert texts(tmp_path / "a.jsonl") == ["good day"] and texts(tmp_path / "a.jsonl", language="de") == ["guten tag"]
    assert texts(tmp_path / "a.jsonl", language="fr") == ["bonjour et bonne soiree", "salut"]


def test_a_project_of_clu_has_a_language_of_its_own_and_synonyms_in_that(tmp_path: Path) -> None:
    utterances = [{"text": text, "intent": "Hi", "language": locale, "entities": []} for locale, text in TEXTS.items()]
    synonyms = [{"language": "en-us", "values": ["you"]}, {"language": "de-de", "values": ["dich"]}]
    entity = {"category": "who", "list": {"sublists": [{"listKey": "you", "synonyms": synonyms}]}}
    project = {
        "projectFileVersion": "1",
        "metadata": {"language": "de-de"},
        "assets": {"intents": [], "entities": [entity], "utterances": utterances},
    }
    (tmp_path / "a.json").write_text(json.dumps(project), encoding="utf-8")
    assert texts(tmp_path / "a.json") == ["guten tag"] and load_skill(tmp_path / "a.json").catalogs == {"who": ["dich"]}
    assert texts(tmp_path / "a.json", language="en") == ["good day"]


def test_the_command_line_names_a_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = package(tmp_path / "skill", *(alexa(locale, text) for locale, text in TEXTS.items()))
    assert main(["convert", str(path), "--out", str(tmp_path / "a.jsonl"), "--language", "fr-FR"]) == 0
    assert texts(tmp_path / "a.jsonl") == [TEXTS["fr-FR"]]
    assert main(["convert", str(path), "--out", str(tmp_path / "b.jsonl"), "--language", "nl"]) == 2
    assert "found nothing in 'nl'; its languages: de-DE, en-US, fr-FR" in capsys.readouterr().err
