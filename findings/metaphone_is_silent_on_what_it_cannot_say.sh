#!/bin/sh
# jellyfish's Metaphone leaves out whatever is no letter of the Latin alphabet, without a word: all numbers, and all names in other scripts, sound alike.
#
# Versions: jellyfish 1.3.0, Python 3.11.
# Behaviour: `metaphone` skips digits and letters that don't decompose to a-z. "channel 12" and "channel 13" have one code, "12" and "13" have the empty one, as
# have all Cyrillic words, so that whoever looks names up by their codes finds each for every other; "Ørsted" loses its first sound, which "Ángel" keeps, and
# "0" in a code is no digit but the sound of "th". Nothing is raised, and the empty code is equal to itself.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "jellyfish==1.3.0"
PYTHONIOENCODING=utf-8 "$place/venv/bin/python" - <<'PYTHON' 2>/dev/null | tee "$place/output"
from jellyfish import metaphone

pairs = [("channel 12", "channel 13"), ("12", "13"), ("кухня", "спальня"), ("Ørsted", "Orsted"), ("Ángel", "Angel"), ("the", "0")]
for first, second in pairs:
    print(first, repr(metaphone(first)), second, repr(metaphone(second)), "alike" if metaphone(first) == metaphone(second) else "different")
PYTHON
cat > "$place/expected" <<'TEXT'
channel 12 'XNL ' channel 13 'XNL ' alike
12 '' 13 '' alike
кухня '' спальня '' alike
Ørsted 'RSTT' Orsted 'ORSTT' different
Ángel 'ANJL' Angel 'ANJL' alike
the '0' 0 '' different
TEXT
cmp "$place/expected" "$place/output"
