"""What hassil makes of sentences: reads a JSON list of files' texts, writes a list of sentences by intent and values by list, null for a file that it refuses."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import yaml
from hassil.expression import Group, ListReference
from hassil.intents import Intents, RangeSlotList, TextSlotList
from hassil.sample import sample_expression, sample_sentence
from hassil.util import normalize_whitespace


def name_by_slot(expression: Any) -> None:
    """Have lists shown under the names of their slots."""
    if isinstance(expression, ListReference):
        expression.list_name = expression.slot_name
    elif isinstance(expression, Group):
        for item in expression.items:
            name_by_slot(item)


def told(intents: Intents) -> dict[str, Any]:
    for rule in intents.expansion_rules.values():
        name_by_slot(rule.expression)
    sentences = []
    for intent in intents.intents.values():
        for data in intent.data:
            rules = {**intents.expansion_rules, **data.expansion_rules}
            for sentence in data.sentences:
                name_by_slot(sentence.expression)
                forms = sorted(set(sample_sentence(sentence, {}, rules, expand_lists=False)))
                sentences.append([intent.name, sentence.text, forms])
    values: dict[str, Any] = {}
    for name, listed in intents.slot_lists.items():
        if isinstance(listed, TextSlotList):
            values[name] = [[sorted(set(sample_expression(value.text_in))), value.value_out] for value in listed.values]
        elif isinstance(listed, RangeSlotList):
            values[name] = []
            for number in listed.get_numbers():
                one = replace(listed, start=number, stop=number, step=1)
                reference = ListReference(list_name=name)
                forms = sorted(set(sample_expression(reference, {name: one}, language=intents.language)))
                values[name].append([[normalize_whitespace(form.replace("-", " ")) for form in forms], str(number)])
    return {"sentences": sentences, "values": values}


def main() -> None:
    found: list[Any] = []
    for text in json.load(sys.stdin):
        try:
            found.append(told(Intents.from_dict(yaml.safe_load(text))))
        except Exception as error:  # noqa: BLE001  # whatever it refuses a file with
            print(repr(error), file=sys.stderr)
            found.append(None)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
