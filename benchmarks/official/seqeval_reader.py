"""Which slots seqeval finds in tags: reads a JSON list of texts of columns, writes a list of sentences, each its words and its entities as (label, first word, last word)."""

from __future__ import annotations

import json
import sys
from typing import Any

from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB2, IOBES, Entities


def told(text: str) -> list[Any]:
    sentences = [[line.split("\t") for line in block.split("\n") if line] for block in text.strip().split("\n\n")]
    tags = [[tag for _, tag in sentence] for sentence in sentences]
    prefixes = {tag[0] for found in tags for tag in found}
    scheme = IOBES if prefixes & {"E", "S"} else BILOU if prefixes & {"L", "U"} else IOB2
    found = [[[entity.tag, entity.start, entity.end - 1] for entity in each] for each in Entities(tags, scheme=scheme).entities]
    if scheme is IOB2:
        assert found == [[list(entity) for entity in get_entities(each)] for each in tags]
    return [[[word for word, _ in sentence], entities] for sentence, entities in zip(sentences, found, strict=True)]


def main() -> None:
    json.dump([told(text) for text in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
