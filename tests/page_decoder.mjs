// Runs a page's decoder outside of a browser, for tests/test_web.py: a line of JSON for each call, and one for each answer. What the network would
// give comes with the call.
//
//     node page_decoder.mjs FOLDER

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const part = (name) => import(pathToFileURL(`${folder}/nlu/${name}.js`).href);
const [{ loadNLU }, { Field }, { Catalogs }] = await Promise.all(["nlu", "crf", "catalogs"].map(part));

let scores = {};
let fed = null;
const session = {
  async run(feed) {
    fed = Object.fromEntries(Object.entries(feed).map(([name, { data, dims }]) => [name, { data: Array.from(data, Number), dims }]));
    return Object.fromEntries(Object.entries(scores).map(([name, data]) => [name, { data: Float32Array.from(data) }]));
  },
};
const ort = {
  Tensor: class {
    constructor(type, data, dims) {
      Object.assign(this, { type, data, dims });
    }
  },
  InferenceSession: { create: async () => session },
};
const nlu = await loadNLU(ort, `${folder}/`, async (address) => new Response(await readFile(address.split("?")[0])));

const calls = {
  read: ({ text }) => nlu.read(text),
  async answer(call) {
    scores = call.scores;
    const answer = await nlu.answer(call.text, call.options);
    return { answer, fed };
  },
  decode: ({ arrays, emissions }) =>
    new Field(Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, values.map(toNumber)]))).decode(emissions),
  find: ({ keys, tokens, firstTokens }) => new Catalogs(keys).find(tokens, firstTokens),
};

function toNumber(value) {
  return value === null ? -Infinity : value;
}

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  const found = await Promise.resolve()
    .then(() => calls[call.call](call))
    .catch((error) => ({ error: `${error.name}: ${error.message}` }));
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
