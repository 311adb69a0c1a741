#!/bin/sh
# hassil: the same number is an integer in words, and a float in digits.
#
# Versions: hassil 3.12.1, Python 3.11.
# Behaviour: a range of whole numbers gives `21` for "twenty one" and `21.0` for "21", so that what an intent's handler gets depends on how speech recognition wrote it: a template
# that puts the value into a text says "21.0 percent", JSON has another number, and whoever checks for an integer refuses one of the two.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "hassil==3.12.1"
"$place/venv/bin/python" - <<'PYTHON' 2>/dev/null | tee "$place/output"
from hassil.intents import Intents
from hassil.recognize import recognize

intents = Intents.from_dict(
    {
        "language": "en",
        "intents": {"Dim": {"data": [{"sentences": ["dim to {level}"]}]}},
        "lists": {"level": {"range": {"from": 0, "to": 100}}},
    }
)
for text in ("dim to twenty one", "dim to 21"):
    print(text, "->", repr(recognize(text, intents).entities["level"].value))
PYTHON
cat > "$place/expected" <<'TEXT'
dim to twenty one -> 21
dim to 21 -> 21.0
TEXT
cmp "$place/expected" "$place/output"
