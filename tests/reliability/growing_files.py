"""Skills of any size and odd shape (`growing_shapes`), in every format that is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from growing_shapes import SHAPES, TEXTS, Files, Made, labels, lines, marked, pairs, plain, spans, tagged


def rows(made: Made) -> Files:
    found = []
    for intent, sample in pairs(made):
        end, slots = 0, []
        for piece in sample:
            start, end = end, end + len(piece if isinstance(piece, str) else piece[1])
            slots += [] if isinstance(piece, str) or not piece[1].strip() else [{"start": start, "end": end, "label": piece[0]}]
        found.append({"text": plain(sample), "intent": intent, "slots": slots})
    held_out = {"validation.jsonl": lines(*found)} if made.held_out else {}
    return {"train.jsonl": lines(*found), "catalogs.json": json.dumps(made.values), **held_out}


def massive(made: Made) -> Files:
    return {
        "a.jsonl": lines(
            *(
                {"annot_utt": marked(sample, "[{0} : {1}]"), "intent": intent, "partition": part}
                for part in ("train", "dev")[: 1 + made.held_out]
                for intent, sample in pairs(made)
            )
        )
    }


def alexa(made: Made) -> Files:
    intents = [
        {
            "name": intent,
            "slots": [{"name": label, "type": label} for label in labels(samples)],
            "samples": [marked(sample, "{{{1}|{0}}}") for sample in samples],
        }
        for intent, samples in made.intents.items()
    ]
    types = [
        {"name": label, "values": [{"name": {"value": v, "synonyms": [v + "s"]}} for v in found]}
        for label, found in made.values.items()
    ]
    return {"a.json": json.dumps({"interactionModel": {"languageModel": {"intents": intents, "types": types}}})}


def alexa_open(made: Made) -> Files:
    files = json.loads(alexa(made)["a.json"])
    for intent, samples in zip(files["interactionModel"]["languageModel"]["intents"], made.intents.values(), strict=True):
        intent["samples"] = [marked(sample, "{{{0}}}") for sample in samples]
        intent["slots"] = [{"name": slot["name"].upper(), "type": slot["type"]} for slot in intent["slots"]]
    return {"a.json": json.dumps(files)}


def alexa_text(made: Made) -> Files:
    schema = [
        {"intent": intent, "slots": [{"slot": label, "name": label, "type": label.upper()} for label in labels(samples)]}
        for intent, samples in made.intents.items()
    ]
    for intent in schema:
        for slot in intent["slots"]:  # type: ignore[union-attr]
            del slot["slot"]  # type: ignore[union-attr]
    types = {f"customSlotTypes/{label.upper()[:99]}": "\n".join(found) for label, found in list(made.values.items())[:500]}
    text = "".join(f"{intent} {marked(sample, '{{{1}|{0}}}')}\n" for intent, sample in pairs(made))
    return {"IntentSchema.json": json.dumps({"intents": schema}), "SampleUtterances.txt": text, **types}


def jovo(made: Made) -> Files:
    intents = {
        intent: {
            "phrases": [marked(sample, "{{{0}}}") for sample in samples],
            "entities": {label: {"type": label} for label in labels(samples)},
        }
        for intent, samples in made.intents.items()
    }
    return {
        "a.json": json.dumps(
            {"intents": intents, "entityTypes": {label: {"values": found} for label, found in made.values.items()}}
        )
    }


def dialogflow(made: Made) -> Files:
    files = {"agent.json": '{"language": "en"}'}
    for intent, samples in list(made.intents.items())[:1500]:
        phrases = [
            {
                "data": [
                    {"text": piece} if isinstance(piece, str) else {"text": piece[1], "alias": piece[0], "meta": f"@{piece[0]}"}
                    for piece in sample
                ]
            }
            for sample in samples
        ]
        files[f"intents/{intent}_usersays_en.json"] = json.dumps(phrases)
    for label, found in list(made.values.items())[:1500]:
        files[f"entities/{label[:99]}_entries_en.json"] = json.dumps(
            [{"value": value, "synonyms": [value + "s"]} for value in found]
        )
    return files


def dialogflow_templates(made: Made) -> Files:
    phrases = [{"isTemplate": True, "data": [{"text": marked(sample, "@{0}:{0}")}]} for _, sample in pairs(made)]
    return {"intents/Brew_usersays_en.json": json.dumps(phrases)}


def luis(made: Made) -> Files:
    utterances = [
        {
            "text": plain(sample),
            "intent": intent,
            "entities": [{"entity": label, "startPos": start, "endPos": end - 1} for start, end, label in spans(sample)],
        }
        for intent, sample in pairs(made)
    ]
    lists = [
        {"name": label, "subLists": [{"canonicalForm": value, "list": [value + "s"]} for value in found]}
        for label, found in made.values.items()
    ]
    return {
        "a.json": json.dumps(
            {
                "luis_schema_version": "7.0.0",
                "intents": [{"name": intent} for intent in made.intents],
                "entities": [{"name": label, "roles": []} for label in labels([sample for _, sample in pairs(made)])],
                "closedLists": lists,
                "utterances": utterances,
            }
        )
    }


def luis_patterns(made: Made) -> Files:
    patterns = [{"pattern": marked(sample, "{{{0}:r}}"), "intent": intent} for intent, sample in pairs(made)]
    return {"a.json": json.dumps({"luis_schema_version": "7.0.0", "patterns": patterns})}


def clu(made: Made) -> Files:
    utterances = [
        {
            "text": plain(sample),
            "intent": intent,
            "entities": [{"category": label, "offset": start, "length": end - start} for start, end, label in spans(sample)],
        }
        for intent, sample in pairs(made)
    ]
    entities = [
        {
            "category": label,
            "list": {
                "sublists": [{"listKey": value, "synonyms": [{"language": "en", "values": [value + "s"]}]} for value in found]
            },
        }
        for label, found in made.values.items()
    ]
    return {
        "a.json": json.dumps(
            {"projectFileVersion": "1", "assets": {"intents": [], "entities": entities, "utterances": utterances}}
        )
    }


def luis_lu(made: Made) -> Files:
    intents = "".join(
        f"# {intent}\n" + "".join(f"- {marked(sample, '{{@{0}={1}}}')}\n" for sample in samples)
        for intent, samples in made.intents.items()
    )
    lists = "".join(
        f"@ list {label} =\n" + "".join(f"- {value} :\n  - {value}s\n" for value in found) for label, found in made.values.items()
    )
    declared = "".join(f"@ ml {label} hasRoles r\n" for label in labels([sample for _, sample in pairs(made)]))
    return {"a.lu": intents + declared + lists}


def luis_lu_lines(made: Made) -> Files:
    return {
        "a.lu": "# Brew\n- tea\n"
        + "".join(f"{start}{plain(sample)}\n" for _, sample in pairs(made) for start in ("", "@ ml ", "$", "$a:", "> ", "## "))
    }


def snips(made: Made) -> Files:
    intents = {
        intent: {
            "utterances": [
                {
                    "data": [
                        {"text": piece}
                        if isinstance(piece, str)
                        else {"text": piece[1], "slot_name": piece[0], "entity": piece[0]}
                        for piece in sample
                    ]
                }
                for sample in samples
            ]
        }
        for intent, samples in made.intents.items()
    }
    entities = {
        label: {"data": [{"value": value, "synonyms": [value + "s"]} for value in found]} for label, found in made.values.items()
    }
    return {"a.json": json.dumps({"intents": intents, "entities": entities})}


def snips_yaml(made: Made) -> Files:
    documents = [
        f"type: intent\nname: {json.dumps(intent)}\nutterances:\n"
        + "".join(f"  - {json.dumps(marked(sample, '[{0}:{0}]({1})'), ensure_ascii=False)}\n" for sample in samples)
        for intent, samples in made.intents.items()
    ]
    documents += [
        f"type: entity\nname: {json.dumps(label)}\nvalues:\n"
        + "".join(f"  - {json.dumps([value, value + 's'])}\n" for value in found)
        for label, found in made.values.items()
    ]
    return {"a.yaml": "---\n".join(documents)}


def rasa(made: Made) -> Files:
    items = [
        f"- intent: {json.dumps(intent)}\n  examples: |\n"
        + "".join(
            f"    - {marked(sample, '[{1}]({0})') if len(sample) < 9 else marked(sample, RASA_OBJECT)}\n" for sample in samples
        )
        for intent, samples in made.intents.items()
    ]
    items += [
        f"- lookup: {json.dumps(label)}\n  examples: |\n" + "".join(f"    - {value}\n" for value in found)
        for label, found in made.values.items()
    ]
    items += [
        f"- synonym: {json.dumps(value)}\n  examples: |\n    - {value}s\n" for found in made.values.values() for value in found
    ]
    return {"a.yml": 'version: "3.1"\nnlu:\n' + "".join(items)}


RASA_OBJECT = '[{1}]{{"entity": "{0}", "value": "x"}}'


def rasa_json(made: Made) -> Files:
    examples = [
        {
            "text": plain(sample),
            "intent": intent,
            "entities": [{"entity": label, "start": start, "end": end} for start, end, label in spans(sample)],
        }
        for intent, sample in pairs(made)
    ]
    tables = [{"name": label, "elements": found} for label, found in made.values.items()]
    synonyms = [{"value": value, "synonyms": [value + "s"]} for found in made.values.values() for value in found]
    return {
        "a.json": json.dumps(
            {"rasa_nlu_data": {"common_examples": examples, "lookup_tables": tables, "entity_synonyms": synonyms}}
        )
    }


def rasa_markdown(made: Made) -> Files:
    sections = [
        f"## intent:{intent}\n" + "".join(f"- {marked(sample, '[{1}]({0})')}\n" for sample in samples)
        for intent, samples in made.intents.items()
    ]
    sections += [f"## lookup:{label}\n" + "".join(f"- {value}\n" for value in found) for label, found in made.values.items()]
    sections += [f"## synonym:{value}\n- {value}s\n" for found in made.values.values() for value in found]
    return {"a.md": "\n".join(sections)}


def rasa_markdown_lines(made: Made) -> Files:
    return {
        "a.md": "## intent:Brew\n- tea\n"
        + "".join(f"{start}{plain(sample)}\n" for _, sample in pairs(made) for start in ("", "## ", "## intent:"))
    }


def conll(made: Made) -> Files:
    blocks = []
    for intent, sample in pairs(made):
        words, tags = tagged(sample)
        blocks.append(f"# intent: {intent}\n" + "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True)))
    return {"a.conll": "\n".join(blocks)}


def conll_lines(made: Made) -> Files:
    found = []
    for intent, sample in pairs(made):
        words, tags = tagged(sample)
        found.append(" ".join(f"{word}:{tag}" for word, tag in zip(words, tags, strict=True)) + f" <=> {intent}\n")
    return {"a.txt": "".join(found)}


def conll_raw(made: Made) -> Files:
    return {
        "a.conll": "# intent: Brew\ntea O\nplease B-x\n\n" * 110
        + "".join(f"{plain(sample)}\n\n{plain(sample)} O\n\n" for _, sample in pairs(made))
    }


def conll_triple(made: Made) -> Files:
    found = [(intent, *tagged(sample)) for intent, sample in pairs(made)]
    return {
        "train/seq.in": "".join(" ".join(words) + "\n" for _, words, _ in found),
        "train/seq.out": "".join(" ".join(tags) + "\n" for _, _, tags in found),
        "train/label": "".join(f"{intent}\n" for intent, _, _ in found),
    }


def table(made: Made) -> Files:
    def cell(text: str) -> str:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'

    found = [
        (plain(sample), intent, json.dumps([{"start": start, "end": end, "label": label} for start, end, label in spans(sample)]))
        for intent, sample in pairs(made)
    ]
    return {"a.csv": "text,intent,entities\n" + "".join(",".join(map(cell, record)) + "\n" for record in found)}


def table_tags(made: Made) -> Files:
    records = "".join(f"{plain(sample)}\t{' '.join(tagged(sample)[1])}\t{intent}\n" for intent, sample in pairs(made))
    return {"a.tsv": "text\tslot_labels\tintent\n" + records}


def table_values(made: Made) -> Files:
    found = [
        (
            plain(sample),
            json.dumps([{"entity": piece[0], "value": piece[1]} for piece in sample if not isinstance(piece, str)]),
            intent,
        )
        for intent, sample in pairs(made)
    ]
    return {"a.tsv": "text\tslots\tintent\n" + "".join("\t".join(record) + "\n" for record in found)}


def table_marks(made: Made) -> Files:
    return {
        "a.tsv": "text\tintent\n"
        + "".join(f"{marked(s, '[{1}]({0})')}\t{intent}\n".replace('"', "'") for intent, s in pairs(made))
    }


def tag_patterns(made: Made) -> Files:
    intents = [{"tag": intent, "patterns": [plain(sample) for sample in samples]} for intent, samples in made.intents.items()]
    return {"a.json": json.dumps({"intents": intents})}


def lex(made: Made) -> Files:
    intents = [
        {
            "name": intent,
            "slots": [{"name": label, "slotType": label} for label in labels(samples)],
            "sampleUtterances": [marked(sample, "{{{0}}}") for sample in samples],
        }
        for intent, samples in made.intents.items()
    ]
    types = [
        {"name": label, "enumerationValues": [{"value": value, "synonyms": [value + "s"]} for value in found]}
        for label, found in made.values.items()
    ]
    return {"a.json": json.dumps({"resource": {"intents": intents, "slotTypes": types}})}


def lex_2(made: Made) -> Files:
    files = {}
    for number, (intent, samples) in enumerate(list(made.intents.items())[:1500]):
        folder = f"BotLocales/en_US/Intents/I{number}"
        utterances = [{"utterance": marked(sample, "{{{0}}}")} for sample in samples]
        files[f"{folder}/Intent.json"] = json.dumps({"name": intent, "sampleUtterances": utterances})
        for place, label in enumerate(labels(samples)[:500]):
            files[f"{folder}/Slots/S{place}/Slot.json"] = json.dumps({"name": label, "slotTypeName": label})
    for number, (label, found) in enumerate(list(made.values.items())[:500]):
        values = [{"sampleValue": {"value": value}, "synonyms": [{"value": value + "s"}]} for value in found]
        files[f"BotLocales/en_US/SlotTypes/T{number}/SlotType.json"] = json.dumps({"name": label, "slotTypeValues": values})
    return files


def dialogflow_cx(made: Made) -> Files:
    intents = [
        {
            "displayName": intent,
            "parameters": [{"id": label, "entityType": f"@{label}"} for label in labels(samples)],
            "trainingPhrases": [
                {
                    "parts": [
                        {"text": piece} if isinstance(piece, str) else {"text": piece[1], "parameterId": piece[0]}
                        for piece in sample
                    ]
                }
                for sample in samples
            ],
        }
        for intent, samples in made.intents.items()
    ]
    kinds = [
        {"displayName": label, "entities": [{"value": value, "synonyms": [value + "s"]} for value in found]}
        for label, found in made.values.items()
    ]
    return {"a.json": json.dumps({"intents": intents, "entityTypes": kinds})}


def watson(made: Made) -> Files:
    intents = [
        {
            "intent": intent,
            "examples": [
                {
                    "text": plain(sample),
                    "mentions": [{"entity": label, "location": [start, end]} for start, end, label in spans(sample)],
                }
                for sample in samples
            ],
        }
        for intent, samples in made.intents.items()
    ]
    entities = [
        {"entity": label, "values": [{"value": value, "synonyms": [value + "s"]} for value in found]}
        for label, found in made.values.items()
    ]
    return {"a.json": json.dumps({"intents": intents, "entities": entities})}


def watson_references(made: Made) -> Files:
    files = json.loads(watson(made)["a.json"])
    for intent, samples in zip(files["intents"], made.intents.values(), strict=True):
        intent["examples"] = [{"text": marked(sample, "@{0}:({1})")} for sample in samples]
    return {"a.json": json.dumps(files)}


def hassil(made: Made) -> Files:
    intents = {
        intent: {"data": [{"sentences": [marked(s, "{{{0}}}") for s in samples]}]} for intent, samples in made.intents.items()
    }
    lists = {label: {"values": [{"in": value + "[s]", "out": value} for value in found]} for label, found in made.values.items()}
    return {"a.json": json.dumps({"language": "en", "intents": intents, "lists": lists})}


def hassil_rules(made: Made) -> Files:
    """Every sentence a rule of its own, and a choice of two."""
    samples = pairs(made)
    rules = {f"r{number}": f"({marked(sample, '{{{0}}}')}|or [not])" for number, (_, sample) in enumerate(samples)}
    data = {
        intent: {"data": [{"sentences": [f"<r{n}> please" for n, (i, _) in enumerate(samples) if i == intent] or ["x"]}]}
        for intent in list(made.intents)[:2]
    }
    return {"a.json": json.dumps({"language": "en", "intents": data, "expansion_rules": rules})}


def padatious(made: Made) -> Files:
    files = {
        f"en-us/{intent[:99]}.intent": "".join(marked(sample, "{{{0}}}") + "\n" for sample in samples)
        for intent, samples in list(made.intents.items())[:1500]
    }
    return files | {f"en-us/{label[:99]}.entity": "\n".join(found) for label, found in list(made.values.items())[:500]}


def rhasspy(made: Made) -> Files:
    text = "".join(
        f"[{intent}]\n" + "".join(f"say {marked(sample, '({1}){{{0}}}')}\n" for sample in samples)
        for intent, samples in made.intents.items()
    )
    return {"sentences.ini": text} | {f"slots/{label[:99]}": "\n".join(found) for label, found in list(made.values.items())[:500]}


def top(made: Made) -> Files:
    return {"a.tsv": "".join(f"{plain(s)}\t[IN:{intent} {marked(s, ' [SL:{0} {1} ] ')} ]\n" for intent, s in pairs(made))}


def mtop(made: Made) -> Files:
    return {
        "a.tsv": "".join(
            f"1\tIN:{intent}\t{','.join(f'{start}:{end}:SL:{label}' for start, end, label in spans(sample))}\t{plain(sample)}\tx\ten_XX\t[IN:{intent} x ]\t{{}}\n"
            for intent, sample in pairs(made)
        )
    }


def slurp(made: Made) -> Files:
    return {
        "a.jsonl": lines(
            *(
                {"slurp_id": 1, "sentence": plain(sample), "sentence_annotation": marked(sample, "[{0} : {1}]"), "intent": intent}
                for intent, sample in pairs(made)
            )
        )
    }


def tagged_rows(made: Made) -> Files:
    found = []
    for intent, sample in pairs(made):
        words, tags = tagged(sample)
        found.append({"tokens": words, "ner_tags": tags, "text": plain(sample), "intent": intent})
    return {"a.jsonl": lines(*found)}


def many_files(made: Made) -> Files:
    """Old schemas and texts of Alexa that don't fit each other."""
    numbers = range(min(sum(map(len, made.intents.values())), 1000))
    schemas = {f"a{i}/b.json": json.dumps({"intents": [{"intent": f"Tea{i}Intent"}]}) for i in numbers}
    return schemas | {f"a{i}/b.txt": f"Milk{i}Intent milk\n" * 9 for i in numbers}


def lookup_files(made: Made) -> Files:
    """Lookup tables of Rasa that are files of their own, some of which are not there."""
    names = [f"b{i}" for i in range(min(sum(map(len, made.intents.values())), 2000))]
    sections = "".join(f"## lookup:{name}\n data/{name}.txt\n## lookup:{name}x\n data/{name}x.txt\n" for name in names)
    return {"a.md": "## intent:Brew\n- tea\n" + sections, **{f"data/{name}.txt": "ann\n" for name in names}}


def damaged_json(made: Made) -> Files:
    """JSON without its commas, which is repaired."""
    return {"a.json": snips(made)["a.json"].replace(", {", " {")}


FORMATS: dict[str, Callable[[Made], Files]] = {
    write.__name__: write
    for write in (
        *(rows, massive, alexa, alexa_open, alexa_text, jovo, dialogflow, dialogflow_templates, luis, luis_patterns, clu, luis_lu, luis_lu_lines),
        *(snips, snips_yaml, rasa, rasa_json, rasa_markdown, rasa_markdown_lines, conll, conll_lines, conll_raw, conll_triple),
        *(table, table_tags, table_values, table_marks, damaged_json, many_files, lookup_files),
        *(tag_patterns, lex, lex_2, dialogflow_cx, watson, watson_references, hassil, hassil_rules, padatious, rhasspy, top, mtop, slurp, tagged_rows),
    )
}  # fmt: skip


def write_files(name: str, shape: str, size: int, folder: Path) -> Path:
    """Write a skill of that format, shape and size, and give the path that is read: a file if there is one alone."""
    files = FORMATS[name]((SHAPES | TEXTS)[shape](size))
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content.encode())
    return folder / next(iter(files)) if len(files) == 1 and "/" not in next(iter(files)) else folder
