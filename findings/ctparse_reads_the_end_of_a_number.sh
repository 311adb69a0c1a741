#!/bin/sh
# ctparse reads "forty five minutes" as five minutes, and "six forty one in the evening" as one o'clock in the afternoon.
#
# Versions: ctparse 0.3.6 (with setuptools below 81), Python 3.11.
# Behaviour: of numbers in words it knows single ones, and looks for what it knows anywhere in the text: the rest of a number is passed over without a word.
# Digits are read whole.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "ctparse==0.3.6" "setuptools<81"
"$place/venv/bin/python" -W ignore - <<'PYTHON' | tee "$place/output"
import datetime

from ctparse import ctparse

now = datetime.datetime(2026, 11, 18, 10, 30)
for text in ("forty five minutes", "45 minutes", "seventy two hours", "an hour and a half", "six forty one in the evening"):
    print(f"{text}: {ctparse(text, ts=now).resolution}")
PYTHON
cat > "$place/expected" <<'TEXT'
forty five minutes: 5 minutes
45 minutes: 45 minutes
seventy two hours: 2 hours
an hour and a half: 1 hours
six forty one in the evening: 2026-11-18 13:00 (X/X)
TEXT
cmp "$place/expected" "$place/output"
