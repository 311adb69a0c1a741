#!/bin/sh
# num2words says "zero point five" for -0.5.
#
# Versions: num2words 0.5.14, Python 3.11.
# Behaviour: of numbers between -1 and 0 the minus is not said, without an error; -1.5 is "minus one point five". Who checks what was understood by saying it again
# (a temperature of -0.5 degrees) says another number.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet "num2words==0.5.14"
"$place/venv/bin/python" - <<'PYTHON' | tee "$place/output"
from num2words import num2words

for number in (-1.5, -0.5, 0.5):
    print(number, num2words(number))
PYTHON
cat > "$place/expected" <<'TEXT'
-1.5 minus one point five
-0.5 zero point five
0.5 zero point five
TEXT
cmp "$place/expected" "$place/output"
