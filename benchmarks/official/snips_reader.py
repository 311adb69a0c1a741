"""What snips-nlu's loader makes of its YAML: reads a JSON list of texts, writes a list of datasets, null for one that it refuses.

python snips_reader.py FOLDER_OF_SNIPS_NLU

Its engine needs libraries that only old versions of Python have; the loader alone doesn't, once the package's own __init__ is passed over and the list of built-in gazetteers,
which is theirs, is empty.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def load(folder: Path) -> Any:
    for name in ("snips_nlu", "snips_nlu.dataset", "snips_nlu.entity_parser", "snips_nlu.common"):
        module = ModuleType(name)
        module.__path__ = [str(folder.joinpath(*name.split(".")))]
        sys.modules[name] = module
    utils: Any = ModuleType("snips_nlu.common.utils")
    utils.unicode_string = str
    sys.modules["snips_nlu.common.utils"] = utils
    parser: Any = ModuleType("snips_nlu.entity_parser.builtin_entity_parser")
    parser.is_builtin_entity = lambda entity: entity.startswith("snips/")
    parser.is_gazetteer_entity = lambda entity: False
    sys.modules["snips_nlu.entity_parser.builtin_entity_parser"] = parser
    parsers: Any = ModuleType("snips_nlu_parsers")
    parsers.get_builtin_entity_examples = lambda entity, language: [f"example of {entity}"]
    parsers.get_all_builtin_entities = parsers.get_all_grammar_entities = parsers.get_all_gazetteer_entities = lambda: [
        "snips/number",
        "snips/datetime",
    ]
    sys.modules["snips_nlu_parsers"] = parsers
    from snips_nlu.dataset.dataset import Dataset  # type: ignore[import-not-found]

    return Dataset


def main() -> None:
    dataset = load(Path(sys.argv[1]))
    found: list[Any] = []
    for text in json.load(sys.stdin):
        try:
            found.append(dataset.from_yaml_files("en", [io.StringIO(text)]).json)
        except Exception as error:  # noqa: BLE001  # whatever it refuses a file with
            print(repr(error), file=sys.stderr)
            found.append(None)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
