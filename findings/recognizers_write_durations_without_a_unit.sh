#!/bin/sh
# Microsoft's Recognizers-Text for Python writes "a fortnight" as P12 and "a decade" as P11, which no reader of ISO 8601 takes.
#
# Versions: recognizers-text-suite 1.0.2a2 (with emoji 1.7.0, which it needs, and setuptools below 81), Python 3.11.
# Behaviour: the TIMEX of such a duration is P, the number 1, and 2 or 1 where the unit should stand; the seconds beside it are right, so that who reads these sees
# nothing. "A couple of hours" is three hours in both. "Two weeks" is P2W.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "recognizers-text-suite==1.0.2a2" "emoji==1.7.0" "setuptools<81"
"$place/venv/bin/python" -W ignore - <<'PYTHON' | tee "$place/output"
from recognizers_date_time import recognize_datetime

for text in ("two weeks", "a fortnight", "a decade", "a couple of hours"):
    for found in recognize_datetime(text, "en-us"):
        value = found.resolution["values"][0]
        print(f"{text}: {value['timex']} {value['value']}")
PYTHON
cat > "$place/expected" <<'TEXT'
two weeks: P2W 1209600
a fortnight: P12 1209600
a decade: P11 315360000
a couple of hours: PT3H 10800
TEXT
cmp "$place/expected" "$place/output"
