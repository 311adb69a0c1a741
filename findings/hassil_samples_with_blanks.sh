#!/bin/sh
# hassil: sentences that are sampled of a template keep the blanks of optional words that are left out.
#
# Versions: hassil 3.12.1, Python 3.11.
# Behaviour: `[please] stop [now]` is sampled to four sentences, of which three begin or end with a blank; double blanks inside are made one, those at the ends stay. Recognising doesn't
# care, but what is trained or tested on samples does: texts that look alike differ, and offsets are counted from a blank that nobody says. In a list of alternatives, the blank
# before a comma stays as well.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "hassil==3.12.1"
"$place/venv/bin/python" - <<'PYTHON' 2>/dev/null | tee "$place/output"
from hassil.parse_expression import parse_sentence
from hassil.sample import sample_sentence

for template in ("[please] stop [now]", "stop (it|[now]), thanks"):
    print(template, "->", list(sample_sentence(parse_sentence(template))))
PYTHON
cat > "$place/expected" <<'TEXT'
[please] stop [now] -> ['please stop now', 'please stop ', ' stop now', ' stop ']
stop (it|[now]), thanks -> ['stop it, thanks', 'stop now, thanks', 'stop , thanks']
TEXT
cmp "$place/expected" "$place/output"
