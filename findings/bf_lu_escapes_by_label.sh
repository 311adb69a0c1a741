#!/bin/sh
# A backslash before a bracket is an escape in bf-lu, unless the utterance has a label: then it becomes a part of the text.
#
# Versions: @microsoft/bf-lu 4.15.0, Node 20.
# Behaviour: in .lu files, `\[` and `\(` are a bracket that is no pattern's. The same text, escaped in the same way, comes out without its backslashes in an utterance without
# labels, and with them as soon as something in it is labelled; `\{` loses its backslash in both. All that follows is shifted by them, and the model is trained on characters
# that nobody says.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --prefix "$place" @microsoft/bf-lu@4.15.0
cat > "$place/run.js" <<'JS'
const {V2} = require('@microsoft/bf-lu');
const text = '# Read\n- read \\[one\\] and \\{two\\}\n- read \\[one\\] and \\{two\\} to {@guest=ann}\n@ ml guest\n';
V2.LuisBuilder.fromContentAsync(text).then((model) => model.utterances.forEach(({text}) => console.log(text)));
JS
(cd "$place" && node run.js) | tee "$place/output"
cat > "$place/expected" <<'TEXT'
read [one] and {two}
read \[one\] and {two} to ann
TEXT
cmp "$place/expected" "$place/output"
