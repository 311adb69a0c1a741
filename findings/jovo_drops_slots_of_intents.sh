#!/bin/sh
# Jovo: what an intent says of one slot for Alexa takes the place of all its slots, and samples go on naming those that are gone.
#
# Versions: @jovotech/model 4.0.3, @jovotech/model-alexa 4.0.3, Node 20.
# Behaviour: an entity's own `alexa` is merged into the slot that is made of it. An intent's own `alexa` is not: its `slots` are assigned, so that an intent that lists one slot there,
# to add its answers (`samples`), has no other slot any more. No error and no warning: the model is written, with samples that refer to a slot that no intent declares.
# Output seen: see the end of this file; it exits with 1 if that changes.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --prefix "$place" @jovotech/model@4.0.3 @jovotech/model-alexa@4.0.3
cat > "$place/run.js" <<'JS'
const {JovoModelAlexa} = require('@jovotech/model-alexa');
const brew = (more) => ({
  version: '4.0',
  invocation: 'tea kettle',
  intents: {
    Brew: {
      phrases: ['a {size} tea for {guest}'],
      entities: {size: {type: 'Sizes', ...more.entity}, guest: {type: {alexa: 'AMAZON.FirstName'}}},
      ...more.intent,
    },
  },
  entityTypes: {Sizes: {values: ['small', 'large']}},
});
const answers = {samples: ['a {size} one']};
for (const [name, more] of Object.entries({
  "by the entity's own": {entity: {alexa: answers}},
  "by the intent's own": {intent: {alexa: {slots: [{name: 'size', type: 'Sizes', ...answers}]}}},
})) {
  const [{content}] = new JovoModelAlexa(brew(more), 'en-US').exportNative();
  const [{samples, slots}] = content.interactionModel.languageModel.intents;
  console.log(`${name}: ${samples} has ${slots.map((slot) => slot.name)}`);
}
JS
(cd "$place" && node run.js) | tee "$place/output"
cat > "$place/expected" <<'TEXT'
by the entity's own: a {size} tea for {guest} has size,guest
by the intent's own: a {size} tea for {guest} has size
TEXT
cmp "$place/expected" "$place/output"
