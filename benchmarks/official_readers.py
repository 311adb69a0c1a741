"""Our readers beside the formats' own: random valid files of each format are read by both, and what differs is counted.

nice -n 5 python benchmarks/official_readers.py --out benchmarks/results/official_readers.json [--files 500] [--formats lu hassil ...] [--place FOLDER]

The parsers are installed into a temporary folder, pinned (npm, pip; --place keeps them): bf-lu for .lu, Rasa's readers of YAML, JSON (3.6.21) and Markdown (2.8.34), Jovo's conversion
to Alexa's models, hassil, the loader of snips-nlu, and seqeval for tags in columns. Files are drawn by `official/grammars.py`, which has all of a format's syntax; those that
the format's own parser refuses are not counted. Compared are texts, spans, labels, canonical values and synonyms. A difference that a reader makes on purpose has a reason in
`DELIBERATE`, which is in the reader's docstring too; any other one is undecided, and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent / "official"))
from grammars import GRAMMARS

from headstart import Skill, load_skill
from headstart.data.rows import Row
from headstart.data.templates import Slot, Template
from headstart.readers.patterns import expand, scan
from headstart.readers.sentences import MAX_FORMS

HERE = Path(__file__).parent / "official"
NPM = ("@microsoft/bf-lu@4.15.0", "@jovotech/model@4.0.3", "@jovotech/model-alexa@4.0.3")
PIP = ("hassil==3.12.1", "seqeval==1.2.2", "packaging==20.9", "pluggy==1.7.0", "ruamel.yaml==0.17.21", "jsonschema==4.26.0", "pykwalify==1.8.0",
       "portalocker==4.4.2", "structlog==26.1.0", "jsonpickle==4.1.4", "scipy==1.17.1", "future==1.0.0")  # fmt: skip
WHEELS = ("rasa==3.6.21", "rasa==2.8.34", "snips-nlu==0.20.2")  # unpacked alone: their readers need few of their dependencies
SUFFIXES = {
    "lu": ".lu",
    "rasa_yaml": ".yml",
    "rasa_json": ".json",
    "rasa_markdown": ".md",
    "jovo": ".json",
    "hassil": ".json",
    "snips": ".yaml",
    "bio": ".conll",
}
SYNONYMS = "of synonyms of which none occurs in an example or lookup table, no slot is known: they are left out, and counted"
DELIBERATE = {
    "lu": {
        "a text that is there before": "bf-lu puts all labels of a repeated text into the first, and drops its other intents; we read every line, and the log names texts in two intents",
        "nested labels of one entity": "of a label within one of the same entity, bf-lu drops the outer one; of nested labels we keep the outermost, whatever they are called",
        "escaped brackets beside a label": "bf-lu keeps the backslash of \\[ and \\( where an utterance has a label, and drops it where it has none; we always drop it",
    },
    "rasa_yaml": {
        "synonyms of nothing": SYNONYMS,
        "retrieval intents": "Rasa's classifier has one intent, faq, for all of faq/...; ours are told apart by their full names, as its response selector tells them",
        "indented further": "Rasa leaves out lines of examples that are indented further than the first; we read them, and the log says so",
    },
    "hassil": {
        "some of many": f"of a sentence that stands for more than {MAX_FORMS}, so many are chosen that every part occurs",
        "canonical values that are words": "hassil finds what is said (in) alone; what it means (out) is taken for said too where it looks like words (see normal_forms)",
        "other words for numbers": "hassil takes any words for a number of a range, ordinals and years too; we take cardinal numbers",
    },
    "snips": {},
    "jovo": {},
    "bio": {},
    "rasa_json": {"synonyms of nothing": SYNONYMS},
    "rasa_markdown": {"synonyms of nothing": SYNONYMS},
}
NESTED = re.compile(r"\{@?(\w+)(?::\w+)?\s*=[^{}\n]*\{@?\1\b")
Fact = tuple[Any, ...]  # a row, or a value with what it means


class Difference(NamedTuple):
    """What only one side has of a file, and the file."""

    ours: Counter[Fact]
    theirs: Counter[Fact]
    text: str
    sizes: dict[str, int]  # of hassil's sentences: how many forms each has, by the word that only it has


def install(place: Path) -> None:
    """Install the parsers, each but once."""
    if not (place / "node_modules").exists():
        (place / "package.json").write_text("{}", encoding="utf-8")
        subprocess.run(["npm", "install", "--silent", "--prefix", str(place), *NPM], check=True)
    if not (place / "venv").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
        subprocess.run([str(place / "venv/bin/pip"), "install", "--quiet", *PIP], check=True)
    for wheel in WHEELS:
        folder = place / wheel.replace("==", "-")
        if not folder.exists():
            pip = [str(place / "venv/bin/pip"), "download", "--quiet", "--no-deps", "--ignore-requires-python"]
            subprocess.run([*pip, "--only-binary", ":all:", "--dest", str(place / "wheels"), wheel], check=True)
            (found,) = (place / "wheels").glob(folder.name.replace("snips-nlu", "snips_nlu") + "-*.whl")
            with zipfile.ZipFile(found) as archive:
                archive.extractall(folder)


def ask(place: Path, format: str, texts: list[str]) -> list[Any]:
    """What the format's own parser makes of files; None for those that it refuses."""
    python = str(place / "venv/bin/python")
    commands = {
        "lu": ["node", "lu.js"],
        "jovo": ["node", "jovo.js"],
        "rasa_yaml": [python, "rasa_reader.py", str(place / "rasa-3.6.21"), "yaml"],
        "rasa_json": [python, "rasa_reader.py", str(place / "rasa-3.6.21"), "json"],
        "rasa_markdown": [python, "rasa_reader.py", str(place / "rasa-2.8.34"), "markdown"],
        "hassil": [python, "hassil_reader.py"],
        "snips": [python, "snips_reader.py", str(place / "snips-nlu-0.20.2")],
        "bio": [python, "seqeval_reader.py"],
    }
    command = commands[format]
    given = [json.loads(text) for text in texts] if format == "jovo" else texts
    environment = {"NODE_PATH": str(place / "node_modules"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    result = subprocess.run(
        [command[0], str(HERE / command[1]), *command[2:]], input=json.dumps(given), capture_output=True, text=True, check=True, env=environment
    )  # fmt: skip
    return list(json.loads(result.stdout))


def plain(text: str) -> str:
    return " ".join(text.split())


def row_fact(row: Row) -> Fact:
    """A row as it is compared: with single blanks; labels with their values, in order."""
    return (
        plain(row["text"]),
        row["intent"],
        tuple((slot["label"], plain(row["text"][slot["start"] : slot["end"]])) for slot in row["slots"] or []),
    )


def template_fact(template: Template) -> Fact:
    parts = "".join(
        f"{{{part.label}}}"
        if isinstance(part, Slot) and part.value is None
        else part.value or ""
        if isinstance(part, Slot)
        else part
        for part in template.parts
    )
    return (
        plain(parts),
        template.intent,
        tuple((slot.label, plain(slot.value)) for slot in template.slots if slot.value is not None),
    )


def value_facts(skill: Skill) -> Iterator[Fact]:
    """Each form that is said of a label's values, with what it means if that is another one."""
    for label, values in skill.catalogs.items():
        canonical = skill.canonical.get(label, [])
        yield from (("value", label, form, value.value) for value in canonical for form in value.forms)
        meant = {form for value in canonical for form in value.forms}
        yield from (("value", label, form, form) for form in values if form not in meant)


# What each format's own parser found, as facts.


def lu_facts(model: Any, text: str) -> Iterator[Fact]:
    for utterance in model["utterances"]:
        said = utterance["text"].encode("utf-16-le")
        spans = sorted(utterance["entities"], key=lambda entity: (entity["startPos"], -entity["endPos"]))
        found, end = [], -1
        for entity in spans:
            if entity["startPos"] > end:  # of nested ones the outermost
                end = entity["endPos"]
                value = said[2 * entity["startPos"] : 2 * entity["endPos"] + 2].decode("utf-16-le")
                found.append((":".join(filter(None, (entity["entity"], entity.get("role")))), plain(value)))
        yield (plain(utterance["text"]), utterance["intent"], tuple(found))
    for pattern in model["patterns"]:
        for parts in expand(scan(pattern["pattern"], lambda name: ":".join(map(str.strip, name.split(":"))))):
            yield template_fact(Template(pattern["intent"], tuple(parts)))
    for listed in model["closedLists"]:
        for entry in listed["subLists"]:
            yield from (
                ("value", listed["name"], form, entry["canonicalForm"])
                for form in dict.fromkeys([entry["canonicalForm"], *entry["list"]])
            )


def rasa_facts(data: Any, text: str) -> Iterator[Fact]:
    labels: dict[str, set[str]] = {}
    synonyms = {(plain(said), meaning) for said, meaning in data["synonyms"].items()}
    for example in data["examples"]:
        found = []
        for entity in sorted(example["entities"], key=lambda entity: entity["start"]):
            label = ":".join(filter(None, (entity["entity"], entity.get("role"))))
            labels.setdefault(entity["entity"], set()).add(label)
            said = example["text"][entity["start"] : entity["end"]]
            found.append((label, plain(said)))
            if entity["value"] != said:  # which Rasa's EntitySynonymMapper learns
                synonyms.add((plain(said), entity["value"]))
        yield (plain(example["text"]), example["intent"], tuple(found))
    meant = {form for synonym in synonyms for form in synonym}
    for table in data["lookups"]:
        for value in (value for value in table["elements"] if value not in meant):
            yield from (("lookup", label, value) for label in labels.get(table["name"], {table["name"]}))
    yield from (("synonym", *synonym) for synonym in synonyms)


def jovo_facts(model: Any, text: str) -> Iterator[Fact]:
    """Read by our reader of Alexa's models: what is compared is Jovo's conversion."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "en-US.json")
        path.write_text(json.dumps(model), encoding="utf-8")
        skill = load_skill(path, "skill")
    yield from our_facts("jovo", skill)


def hassil_facts(found: Any, text: str) -> Iterator[Fact]:
    for intent, _, forms in found["sentences"]:
        yield from ((plain(form), intent, ()) for form in forms)
    used = set(re.findall(r"\{(\w+)\}", json.dumps([forms for _, _, forms in found["sentences"]])))
    for name, values in found["values"].items():
        for label in {name, *({"large_size"} if name == "size" else ())} & used:
            for forms, meaning in values:
                yield from (("value", label, plain(form), meaning if isinstance(meaning, str) else plain(form)) for form in forms)


def snips_facts(dataset: Any, text: str) -> Iterator[Fact]:
    used: dict[str, set[str]] = {}
    for intent, content in dataset["intents"].items():
        for utterance in content["utterances"]:
            said = "".join(chunk["text"] for chunk in utterance["data"])
            slots = [chunk for chunk in utterance["data"] if "slot_name" in chunk]
            for chunk in slots:
                used.setdefault(chunk["entity"], set()).add(chunk["slot_name"])
            yield (plain(said), intent, tuple((chunk["slot_name"], plain(chunk["text"])) for chunk in slots))
    for entity, content in dataset["entities"].items():
        for entry in content.get("data", []):
            forms = [entry["value"], *(entry["synonyms"] if content["use_synonyms"] else [])]
            for label in used.get(entity, ()):
                yield from (("value", label, plain(form), entry["value"]) for form in forms)


def bio_facts(sentences: Any, text: str) -> Iterator[Fact]:
    for words, entities in sentences:
        yield (" ".join(words), None, tuple((label, " ".join(words[start : end + 1])) for label, start, end in entities))


FACTS: dict[str, Callable[[Any, str], Iterator[Fact]]] = {
    "lu": lu_facts, "rasa_yaml": rasa_facts, "rasa_json": rasa_facts, "rasa_markdown": rasa_facts, "jovo": jovo_facts, "hassil": hassil_facts, "snips": snips_facts,
    "bio": bio_facts,
}  # fmt: skip


def our_facts(format: str, skill: Skill) -> Iterator[Fact]:
    """The same of what our reader found."""
    if format in ("jovo", "lu", "hassil"):
        yield from map(template_fact, skill.templates)
    else:
        yield from map(row_fact, skill.rows("train"))
    if format.startswith("rasa"):
        synonyms = {
            (plain(form), value.value) for values in skill.canonical.values() for value in values for form in value.synonyms
        }
        yield from (("synonym", said, meaning) for said, meaning in synonyms)
        meant = {form for form, _ in synonyms} | {meaning for _, meaning in synonyms}
        yield from (
            ("lookup", label, value) for label, values in skill.catalogs.items() for value in values if value not in meant
        )
    elif format != "bio":
        yield from value_facts(skill)
    if format == "jovo":
        yield from (("type", label, kind) for label, kind in skill.slot_types.items())
        yield ("invocation", skill.invocation)


def compare(format: str, text: str, found: Any, folder: Path) -> Difference:
    path = folder / f"file{SUFFIXES[format]}"
    path.write_text(text, encoding="utf-8")
    ours = Counter(our_facts(format, load_skill(path, "skill")))
    theirs = Counter(FACTS[format](found, text))
    if format in ("rasa_yaml", "rasa_json", "rasa_markdown", "snips", "hassil", "lu"):  # repeated rows and values are read once
        ours, theirs = Counter(dict.fromkeys(ours, 1)), Counter(dict.fromkeys(theirs, 1))
    sizes: Counter[str] = Counter()
    if format == "hassil":
        sizes.update(word for fact in theirs if fact[0] != "value" for word in set(str(fact[0]).split()) if word.startswith("x"))
    return Difference(ours - theirs, theirs - ours, text, sizes)


def reason(format: str, fact: Fact, is_ours: bool, difference: Difference) -> str | None:
    """Why a fact is found by one side alone, where that is on purpose."""
    other = difference.theirs if is_ours else difference.ours
    if format == "lu":
        return _reason_lu(fact, difference.text, other)
    if format == "hassil":
        return _reason_hassil(fact, is_ours, difference)
    if format.startswith("rasa"):
        return _reason_rasa(fact, is_ours, difference.text, other)
    return None


def _bare(text: str) -> str:
    return plain(re.sub(r"\\([{}()\[\]])", r"\1", text))


def _reason_lu(fact: Fact, text: str, other: Counter[Fact]) -> str | None:
    alike = [each for each in other if _bare(str(each[0])) == _bare(str(fact[0]))]
    own = str(fact[0]).rsplit(" ", 1)[-1]  # a word that its line alone ends with
    is_nested = any(NESTED.search(line) and line.endswith(f" {own}") for line in text.split("\n"))
    if is_nested and any(each[1] == fact[1] for each in alike):
        return "nested labels of one entity"
    lines = Counter(map(_bare, re.findall(r"^[-*+] (.*)$", text, re.MULTILINE)))
    if lines[_bare(str(fact[0]))] > 1:
        return "a text that is there before"
    return "escaped brackets beside a label" if any(each[1:] == fact[1:] for each in alike) else None


def _reason_rasa(fact: Fact, is_ours: bool, text: str, other: Counter[Fact]) -> str | None:
    if any(each[0] == fact[0] and each[2:] == fact[2:] and {each[1], fact[1]} == {"faq", "faq/ask_name"} for each in other):
        return "retrieval intents"
    if is_ours and fact[0] == "indented further":
        return "indented further"
    has_value = re.search(
        r"\[(?:bob lee|implied)\]|:meant\)|\"value\": \"(?:bob lee|implied)\"|\"meant\", \"entity\"|\"value\": \"meant\"[,}](?! \"synonyms)",
        text,
    )
    return "synonyms of nothing" if fact[0] == "synonym" and not is_ours and not has_value else None


def _reason_hassil(fact: Fact, is_ours: bool, difference: Difference) -> str | None:
    if fact[0] == "value":
        if is_ours:
            return "canonical values that are words" if fact[2] == fact[3] == "large" else None
        return "other words for numbers" if fact[1] == "level" else None
    own = next((word for word in str(fact[0]).split() if word.startswith("x")), "")  # that no other sentence has
    return "some of many" if not is_ours and difference.sizes.get(own, 0) > MAX_FORMS else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--files", type=int, default=500, help="valid files of each format (default: %(default)s)")
    parser.add_argument("--formats", nargs="+", choices=list(GRAMMARS), default=list(GRAMMARS))
    parser.add_argument(
        "--place", type=Path, help="folder where the parsers are, or are installed and stay; unset: a temporary one"
    )
    parser.add_argument("--shown", type=int, default=3, help="undecided differences that are printed of each format")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        place = (options.place or Path(folder, "parsers")).resolve()
        place.mkdir(parents=True, exist_ok=True)
        install(place)
        for format in options.formats:
            table[format] = measure(format, options.files, options.shown, place, Path(folder))
            print(format, json.dumps({key: value for key, value in table[format].items() if key != "deliberate"}), flush=True)
            for why, count in table[format]["deliberate"].items():
                print(f"    {count} {why}: {DELIBERATE[format][why]}")
    if options.out:
        versions = {"npm": NPM, "pip": PIP, "wheels": WHEELS}
        command = "python benchmarks/official_readers.py --out OUT"
        content = {
            "date": date.today().isoformat(),
            "command": command,
            "versions": versions,
            "table": table,
            "reasons": DELIBERATE,
        }
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(any(entry["undecided"] for entry in table.values()))


def measure(format: str, files: int, shown: int, place: Path, folder: Path) -> dict[str, Any]:
    """How many files and rows were compared, and how many facts differ, by reason."""
    valid: list[tuple[str, Any]] = []
    seed = refused = 0
    while len(valid) < files and seed < 20 * files:
        texts = [GRAMMARS[format](number) for number in range(seed, seed + files)]
        seed += files
        answers = ask(place, format, texts)
        refused += answers.count(None)
        valid += [(text, answer) for text, answer in zip(texts, answers, strict=True) if answer is not None]
    reasons: Counter[str] = Counter()
    rows = undecided = 0
    for text, answer in valid[:files]:
        difference = compare(format, text, answer, folder)
        rows += sum(
            1 for fact in FACTS[format](answer, text) if fact[0] not in ("value", "synonym", "lookup", "type", "invocation")
        )
        for is_ours, found in ((True, difference.ours), (False, difference.theirs)):
            for fact, count in found.items():
                why = reason(format, fact, is_ours, difference)
                if why is None:
                    undecided += count
                    if undecided <= shown:
                        print(
                            f"{format}: only {'ours' if is_ours else 'theirs'} has {fact!r} of\n{difference.text}",
                            file=sys.stderr,
                        )
                else:
                    reasons[why] += count
    return {
        "files": min(files, len(valid)),
        "refused": refused,
        "rows": rows,
        "undecided": undecided,
        "deliberate": dict(reasons),
    }


if __name__ == "__main__":
    sys.exit(main())
