#!/bin/sh
# timefhuman answers "seven in the morning" with six o'clock, and "6:30 in the evening" with half past six in the morning.
#
# Versions: timefhuman 0.1.5, Python 3.11.
# Behaviour: an hour in words before "in the morning", "in the afternoon", "in the evening" or "at night" is dropped without a word, and the hour that the
# library keeps for that part of the day (6, 15, 18, 20) is given; a written time keeps its digits, and the part of the day is dropped instead. "Half an hour"
# is one hour, and "monday to thursday", asked on a Wednesday, ends before it begins.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "timefhuman==0.1.5"
"$place/venv/bin/python" -W ignore - <<'PYTHON' | tee "$place/output"
import datetime

from timefhuman import tfhConfig, timefhuman

config = tfhConfig(now=datetime.datetime(2026, 11, 18, 10, 30), infer_datetimes=False)
for text in ("seven in the morning", "eleven at night", "6:30 in the evening", "half an hour", "monday to thursday"):
    found = timefhuman(text, config=config)[0]
    print(f"{text}:", *(found if isinstance(found, tuple) else [found]))
PYTHON
cat > "$place/expected" <<'TEXT'
seven in the morning: 06:00:00
eleven at night: 20:00:00
6:30 in the evening: 06:30:00
half an hour: 1:00:00
monday to thursday: 2026-11-23 2026-11-19
TEXT
cmp "$place/expected" "$place/output"
