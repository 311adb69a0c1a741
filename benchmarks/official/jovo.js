// What Jovo makes of its models for Alexa: reads a JSON list of models, writes a list of interaction models, null for one that it refuses.
const {JovoModelAlexa} = require('@jovotech/model-alexa');

const models = JSON.parse(require('fs').readFileSync(0, 'utf8')).map((model) => {
  try {
    return new JovoModelAlexa(model, 'en-US').exportNative()[0].content;
  } catch (error) {
    return null;
  }
});
process.stdout.write(JSON.stringify(models));
