// What bf-lu makes of .lu files: reads a JSON list of texts, writes a list of LUIS models, null for a file that it refuses.
const {V2} = require('@microsoft/bf-lu');

(async () => {
  const models = [];
  for (const text of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
    try {
      const {utterances, patterns, closedLists, entities, prebuiltEntities, patternAnyEntities} = await V2.LuisBuilder.fromContentAsync(text);
      models.push({utterances, patterns, closedLists, entities, prebuiltEntities, patternAnyEntities});
    } catch (error) {
      models.push(null);
    }
  }
  process.stdout.write(JSON.stringify(models));
})();
