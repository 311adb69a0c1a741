#!/bin/sh
# bf-lu makes one utterance of two with the same text in different intents, and gives it the labels of both.
#
# Versions: @microsoft/bf-lu 4.15.0, Node 20.
# Behaviour: where a .lu file has the same text in two intents, the second intent is lost, though it is declared and has no other utterance. Its label is not: it is added to the
# utterance of the first intent, so that the same characters are a guest and a host at once. Nothing is logged, and `validate` finds nothing wrong. Who moves an utterance to
# another intent, and forgets the old one, trains the old intent with the new intent's entity.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --prefix "$place" @microsoft/bf-lu@4.15.0
cat > "$place/run.js" <<'JS'
const {V2} = require('@microsoft/bf-lu');
const text = '# Order\n- a tea for {@guest=ann}\n# Cancel\n- a tea for {@host=ann}\n@ ml guest\n@ ml host\n';
V2.LuisBuilder.fromContentAsync(text).then((model) => {
  model.validate();
  for (const {text, intent, entities} of model.utterances) console.log(intent, JSON.stringify(text), JSON.stringify(entities));
});
JS
(cd "$place" && node run.js) | tee "$place/output"
cat > "$place/expected" <<'TEXT'
Order "a tea for ann" [{"entity":"guest","startPos":10,"endPos":12},{"entity":"host","startPos":10,"endPos":12}]
TEXT
cmp "$place/expected" "$place/output"
