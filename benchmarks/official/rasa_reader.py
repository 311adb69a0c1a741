"""What Rasa's own readers make of training data: reads a JSON list of texts, writes a list of what they hold, null for one that is refused.

python rasa_reader.py FOLDER_OF_RASA yaml|json|markdown
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib import import_module
from typing import Any

sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")
READERS = {"yaml": ("rasa_yaml", "RasaYAMLReader"), "json": ("rasa", "RasaReader"), "markdown": ("markdown", "MarkdownReader")}


def told(data: Any) -> dict[str, Any]:
    examples = [
        {"text": example.get("text"), "intent": example.get("intent"), "entities": example.get("entities") or []}
        for example in data.training_examples
    ]
    return {"examples": examples, "synonyms": data.entity_synonyms, "lookups": data.lookup_tables}


def main() -> None:
    module, name = READERS[sys.argv[2]]
    reader = getattr(import_module(f"rasa.shared.nlu.training_data.formats.{module}"), name)
    found: list[Any] = []
    for text in json.load(sys.stdin):
        try:
            found.append(told(reader().reads(text)))
        except Exception as error:  # noqa: BLE001  # whatever it refuses a file with
            print(repr(error), file=sys.stderr)
            found.append(None)
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
