"""Random valid files of formats, each with all that its syntax has."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

WORDS = "make a tea for two now please in the big hall, don't wait 7 pm über naïve \U0001f375 it's half-past".split()  # noqa: SIM905
LABELS = ("size", "guest", "room", "when")
VALUES = ("large", "very big", "ann", "bob lee", "the hall", "7 pm", "o'hara", "caf\u00e9", "\U0001f375 tea", "half past two")
INTENTS = ("Brew", "Stop", "AskTime")


class Maker:
    """Draws pieces of files.

    Args:
        seed: of what is drawn.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.serial = 0

    def words(self, least: int = 1, most: int = 5) -> str:
        """Some words."""
        return " ".join(self.rng.choices(WORDS, k=self.rng.randint(least, most)))

    def own(self) -> str:
        """A word that no other text has."""
        self.serial += 1
        return "x" + "".join(chr(97 + int(digit)) for digit in str(self.serial))

    def chance(self, share: float) -> bool:
        """True as often as that."""
        return self.rng.random() < share

    def pick(self, *options: Any) -> Any:
        """One of these."""
        return self.rng.choice(options)


def lu(seed: int) -> str:
    """A file of LUIS' .lu format."""
    make = Maker(seed)
    roles = {label: make.rng.sample(["from" + label, "to" + label], make.rng.randint(0, 2)) for label in LABELS[:3]}
    lines: list[str] = ["> a comment", "", "> !# @app.name = tea"]
    for intent in [*INTENTS[: make.rng.randint(1, 3)], *make.pick((), ("Brew",))]:
        lines += ["", f"# {intent}"]
        for _ in range(make.rng.randint(2, 5)):
            lines.append(
                f"{make.pick('-', '*', '+')} {make.pick(_lu_plain, _lu_labelled, _lu_labelled, _lu_pattern)(make, roles)}"
            )
            lines += make.pick([], [], ["> between"])
    if make.chance(0.3):  # a text that is there before
        line = make.rng.choice([line for line in lines if line[:1] in "-*+" and "{" not in line] or ["- once more"])
        lines += ["# Stop", line]
    for label, found in roles.items():
        form = make.pick(" hasRoles ", " hasRole ", " ") if found else ""
        lines.append(f"@ ml {label}{form}{', '.join(found)}")
    lines += ["@ prebuilt number" + make.pick("", " hasRoles count"), f"@ list when{make.pick('', ' hasRoles due')} ="]
    for value in ("noon", "half past two"):
        lines.append(f"    - {value}{make.pick(':', ' :')}")
        lines += [
            f"        - {form}"
            for form in make.rng.sample(["midday, twelve", "lunch; midday time", "12 pm", "high noon"], make.rng.randint(0, 3))
        ]
    lines += make.pick([], ["@ phraselist want(interchangeable) =", "    - need, wish"])
    return "\n".join(lines) + "\n"


def _lu_plain(make: Maker, roles: dict[str, list[str]]) -> str:
    escaped = make.pick("", "", "\\{a\\} ", "\\(b\\) ", "\\[c\\] ", "mail \\@ home ", "a \\| b ", "a | b ", "^ a ", "#b ")
    return f"{make.words()} {escaped}{make.own()}"


def _lu_labelled(make: Maker, roles: dict[str, list[str]]) -> str:
    text = ""
    for _ in range(make.rng.randint(1, 3)):
        label = make.pick(*LABELS[:3])
        value = make.pick(*VALUES)
        inner = f"{make.words(1, 2)} {{@{make.pick(*LABELS[:3])}={value}}} {make.words(1, 2)}"
        value = inner if make.chance(0.15) else make.pick(value, value, f" {value} ")
        name = make.pick(f"@{label}", label, f"@{label} ")
        if roles[label] and make.chance(0.5):
            role = make.rng.choice(roles[label])
            name = make.pick(f"@{label}:{role}", f"{label}:{role}", f"@{role}")
        text += f"{make.words(1, 3)} {{{name}={value}}} "
    brackets = make.pick("", "", "", "[maybe] ", "(this | that) ", "\\[c\\] ")
    return f"{text}{brackets}{make.own()}"


def _lu_pattern(make: Maker, roles: dict[str, list[str]]) -> str:
    label = make.pick(*LABELS)
    name = make.pick(label, f"@{label}")
    if roles.get(label) and make.chance(0.4):
        name = f"{name}:{make.rng.choice(roles[label])}"
    text = f"{make.words(1, 2)} {{{name}}} {make.pick('', '[please] ', '(now|at once) ', '[well [then]] ')}{make.own()}"
    return make.pick(text, text, f"^{text}^")


def _rasa_example(make: Maker) -> tuple[str, bool]:
    """An example with markup, and whether it has some."""
    text, is_marked = "", False
    for _ in range(make.rng.randint(1, 3)):
        text += make.words(1, 3) + " "
        if make.chance(0.6):
            value, entity, is_marked = make.pick(*VALUES), make.pick(*LABELS), True
            fields = {"entity": entity, **make.pick({}, {"role": "host"}, {"group": "1"}), **make.pick({}, {"value": "meant"})}
            text += make.pick(f"[{value}]({entity})", f"[{value}]({entity}:meant)", f"[{value}]{json.dumps(fields)}") + make.pick(
                " ", ", ", " "
            )
    return f"{text}{make.own()}", is_marked


def rasa_yaml(seed: int) -> str:
    """A file of Rasa's YAML format."""
    make = Maker(seed)
    lines = ['version: "3.1"', "nlu:"]
    for intent in [*INTENTS[: make.rng.randint(1, 3)], *make.pick((), ("faq/ask_name",))]:
        examples = [_rasa_example(make)[0] for _ in range(make.rng.randint(2, 4))]
        lines.append(f"- intent: {intent}")
        if make.chance(0.3):
            lines.append("  examples:")
            lines += [f"    - text: |\n        {example}" for example in examples]
        else:
            lines += [
                "  examples: |",
                *(f"    - {example}" for example in examples),
                *make.pick([], ["      - indented further"]),
            ]
    lines += [
        "- synonym: meant",
        "  examples: |",
        "    - implied",
        "    - bob lee",
        "- lookup: guest",
        "  examples: |",
        "    - carla",
        "    - ann",
    ]
    lines += ["- regex: zip", "  examples: |", "    - \\d{5}"]
    return "\n".join(lines) + "\n"


def rasa_json(seed: int) -> str:
    """A file of Rasa's JSON format."""
    make = Maker(seed)
    examples = []
    for intent in INTENTS[: make.rng.randint(1, 3)]:
        for _ in range(make.rng.randint(2, 4)):
            text, entities = "", []
            for _ in range(make.rng.randint(0, 3)):
                text += make.words(1, 2) + " "
                value = make.pick(*VALUES)
                entity = {
                    "start": len(text),
                    "end": len(text) + len(value),
                    "value": make.pick(value, value, "meant"),
                    "entity": make.pick(*LABELS),
                }
                entities.append({**entity, **make.pick({}, {}, {"role": "host"})})
                text += value + " "
            examples.append({"text": text + make.own(), "intent": intent, "entities": entities})
    synonyms = [{"value": "meant", "synonyms": ["implied", "bob lee"]}]
    lookups = [{"name": "guest", "elements": ["carla", "ann"]}]
    return json.dumps({"rasa_nlu_data": {"common_examples": examples, "entity_synonyms": synonyms, "lookup_tables": lookups}})


def rasa_markdown(seed: int) -> str:
    """A file of Rasa's Markdown format."""
    make = Maker(seed)
    lines = []
    for intent in INTENTS[: make.rng.randint(1, 3)]:
        lines += [f"## intent:{intent}", *make.pick([], ["<!-- a comment -->"])]
        lines += [f"{make.pick('-', '*', '+')} {_rasa_example(make)[0]}" for _ in range(make.rng.randint(2, 4))]
        lines.append("")
    lines += [
        "## synonym:meant",
        "- implied",
        "- bob lee",
        "",
        "## lookup:guest",
        "- carla",
        "- ann",
        "",
        "## regex:zip",
        "- \\d{5}",
    ]
    return "\n".join(lines) + "\n"


def jovo(seed: int) -> str:
    """A model of Jovo, of version 3 or 4."""
    make = Maker(seed)
    is_old = make.chance(0.4)
    letters = [word for word in WORDS if word.isascii() and not any(map(str.isdigit, word))]
    intents: dict[str, Any] = {}
    for intent in INTENTS[: make.rng.randint(1, 3)]:
        slots = {
            label: {"type": make.pick("Sizes", "Guests", {"alexa": "AMAZON.NUMBER", "dialogflow": "@sys.number"})}
            for label in make.rng.sample(LABELS, make.rng.randint(0, 3))
        }
        phrases = [
            " ".join(
                [
                    *make.rng.choices(letters, k=make.rng.randint(1, 3)),
                    *(f"{{{label}}}" for label in make.rng.sample(sorted(slots), make.rng.randint(0, len(slots)))),
                    make.own(),
                ]
            )
            for _ in range(make.rng.randint(1, 4))
        ]
        for slot in slots.values():
            if make.chance(0.2):
                slot["alexa"] = {"type": "AMAZON.City"}
        intents[intent] = {"phrases": phrases, **({("inputs" if is_old else "entities"): slots} if slots else {})}
        if make.chance(0.3):
            own: dict[str, Any] = {
                "samples": [f"{make.own()} {{other}}", make.own()],
                "slots": [{"name": "other", "type": "Sizes"}],
                "name": f"{intent}Own",
            }
            intents[intent]["alexa"] = {key: own[key] for key in make.rng.sample(sorted(own), make.rng.randint(1, 3))}
    kinds = {
        "Sizes": {"values": ["small", {"value": "large", "synonyms": ["big", "huge"], "id": "L"}, {"value": "medium"}]},
        "Guests": {"values": [{"value": "Ann", "synonyms": []}, "bob lee"]},
    }
    model: dict[str, Any] = {"invocation": make.pick("tea kettle", {"alexa": "my tea", "dialogflow": "our tea"})}
    if is_old:
        model["intents"] = [
            {
                "name": name,
                **intent,
                **({"inputs": [{"name": key, **slot} for key, slot in intent["inputs"].items()]} if "inputs" in intent else {}),
            }
            for name, intent in intents.items()
        ]
        model["inputTypes"] = [{"name": name, **kind} for name, kind in kinds.items()]
    else:
        model |= {"version": "4.0", "intents": intents, "entityTypes": kinds}
    if make.chance(0.3):
        platform = {
            "intents": [{"name": "AMAZON.HelpIntent", "samples": ["help me out"]}],
            "types": make.pick([], [{"name": "Sizes", "values": [{"name": {"value": "alexa size"}}]}]),
        }
        model["alexa"] = {"interactionModel": {"languageModel": {key: value for key, value in platform.items() if value}}}
    return json.dumps(model)


def hassil(seed: int) -> str:
    """Sentences of hassil, as JSON, which is YAML too."""
    make = Maker(seed)
    letters = [word for word in WORDS if word.isascii() and word.isalpha()]

    def part(depth: int) -> str:
        kinds = [lambda: make.rng.choice(letters)] * 3 + [
            lambda: f"{{{make.pick('size', 'guest', 'level', 'size:large_size', 'anything')}}}",
            lambda: f"<{make.pick('the', 'now')}>",
        ]
        if depth < 2:
            kinds += [
                lambda: f"[{text(depth + 1)}]",
                lambda: f"({text(depth + 1)}|{text(depth + 1)})",
                lambda: f"[{text(depth + 1)}|{text(depth + 1)}]",
                lambda: f"({text(depth + 1)};{text(depth + 1)})",
                lambda: f"{make.rng.choice(letters)}[s]",
                lambda: "\\(b\\)",
            ]
        return str(make.rng.choice(kinds)())

    def text(depth: int) -> str:
        return " ".join(part(depth) for _ in range(make.rng.randint(1, 3 - (depth > 0))))

    intents = {
        intent: {"data": [{"sentences": [f"{make.own()} {text(0)}" for _ in range(make.rng.randint(1, 3))]}, *make.pick([], [{"sentences": [f"<the> {make.own()}"], "expansion_rules": {"the": "(that|those)"}}])]}
        for intent in INTENTS[: make.rng.randint(1, 3)]
    }  # fmt: skip
    lists = {
        "size": {"values": ["small", {"in": "(big|huge) one", "out": "large"}, {"in": "tiny[ thing]", "out": "small"}]},
        "guest": {"values": ["ann", "bob [lee]"]},
        "level": {"range": {"from": 0, "to": make.pick(3, 10), "step": make.pick(1, 2)}},
        "anything": {"wildcard": True},
    }
    return json.dumps(
        {"language": "en", "intents": intents, "lists": lists, "expansion_rules": {"the": "(the|my)", "now": "[right] now"}}
    )


def snips(seed: int) -> str:
    """A YAML file of Snips NLU."""
    make = Maker(seed)
    documents = []
    for intent in INTENTS[: make.rng.randint(1, 3)]:
        entities = {label: make.pick("kind", label, "snips/number") for label in LABELS}
        lines = ["type: intent", f"name: {intent}"]
        if make.chance(0.6):
            lines += ["slots:", *(f"- name: {label}\n  entity: {entity}" for label, entity in entities.items())]
        lines.append("utterances:")
        for _ in range(make.rng.randint(2, 4)):
            text = ""
            for _ in range(make.rng.randint(0, 3)):
                label = make.pick(*LABELS)
                entity = make.pick("", f":{entities[label]}")
                value = make.pick(*(value for value in VALUES if "7" not in value))
                text += f"{make.words(1, 2)} [{label}{entity}]({value}) "
            lines.append(f"- {json.dumps(text + make.own(), ensure_ascii=False)}")
        documents.append("\n".join(lines))
    documents.append("type: entity\nname: kind\nvalues:\n- [large, very big, huge]\n- small\n- '[tiny, \"7\"]'")
    documents.append(f"type: entity\nname: guest\nuse_synonyms: {make.pick('true', 'false')}\nvalues:\n- [ann, annie]\n- bob lee")
    return "---\n" + "\n---\n".join(documents) + "\n"


def bio(seed: int) -> str:
    """Words and tags in columns, in one of the schemes."""
    make = Maker(seed)
    scheme = make.pick("IOB2", "IOBES", "BILOU")
    blocks = []
    for _ in range(make.rng.randint(2, 6)):
        lines = []
        for _ in range(make.rng.randint(1, 6)):
            label, length = make.pick("", "", *LABELS), make.rng.randint(1, 3)
            tags = ["O"] * length if not label else _tags(scheme, label, length)
            lines += [f"{make.rng.choice(WORDS)}\t{tag}" for tag in tags]
        blocks.append("\n".join([*lines, f"{make.own()}\tO"]))
    return "\n\n".join(blocks) + "\n"


def _tags(scheme: str, label: str, length: int) -> list[str]:
    last, single = {"IOB2": ("I", "B"), "IOBES": ("E", "S"), "BILOU": ("L", "U")}[scheme]
    prefixes = [single] if length == 1 else ["B", *["I"] * (length - 2), last]
    return [f"{prefix}-{label}" for prefix in prefixes]


GRAMMARS: dict[str, Callable[[int], str]] = {
    "lu": lu, "rasa_yaml": rasa_yaml, "rasa_json": rasa_json, "rasa_markdown": rasa_markdown, "jovo": jovo, "hassil": hassil, "snips": snips, "bio": bio,
}  # fmt: skip
