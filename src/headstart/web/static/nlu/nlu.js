// An exported skill in the browser: finds the intent and the slots of texts, as `headstart.onnx.OnnxNLU` does.
//
//     import * as ort from "./ort/ort.wasm.min.mjs";
//     import { loadNLU } from "./nlu/nlu.js";
//     const nlu = await loadNLU(ort, "./");
//     await nlu.answer("a large latte please", { topK: 3 });
//
// Values are said as they were spoken: what they stand for (`resolution` of OnnxNLU) is not found here, and pieces of one value that stand
// side by side stay apart, as with `resolve=False` there.

import { chooseIntent, LabelPriors, makeAnswer } from "./answers.js";
import { readArrays } from "./arrays.js";
import { Catalogs } from "./catalogs.js";
import { Field } from "./crf.js";
import { Characters, Tokenizer } from "./tokens.js";
import { findWords } from "./words.js";

const VERSIONS = [1, 2]; // of headstart.json

/**
 * What a text may be asked with.
 * @typedef {object} Options
 * @property {number} [topK] how many intents are ranked
 * @property {number} [rejectThreshold] reject over this probability of "none of these", against the best intent alone; 1: never
 * @property {boolean} [useGazetteers] false: as if no word were in a catalog
 */

/** A skill that answers. */
export class NLU {
  /**
   * See loadNLU.
   * @param {object} ort the module onnxruntime-web
   * @param {object} session its session, of model.onnx
   * @param {object} parts what the other files hold
   */
  constructor(ort, session, { description, tokenizer, arrays, catalogs }) {
    this._ort = ort;
    this._session = session;
    this._tokenizer = tokenizer;
    this._maxTokens = description.max_tokens;
    this._unknown = description.unk_token_id;
    /** @type {import("./answers.js").Entry} the skill: name, intents, slots */
    this.entry = description.skill;
    this._crf = arrays === null ? null : new Field(arrays, this.entry.slot_temperature);
    this._priors = hasAny(this.entry.label_priors) ? new LabelPriors(this.entry) : null;
    this._catalogs = catalogs === null ? null : new Catalogs(catalogs);
    this._last = Promise.resolve();
  }

  /**
   * Answer one text. Texts that are asked at once are answered one after the other.
   * @param {string} text
   * @param {Options} [options]
   * @returns {Promise<import("./answers.js").Answer>}
   * @throws {TypeError} it is no text
   * @throws {RangeError} an option is not what it may be
   */
  answer(text, options = {}) {
    if (typeof text !== "string") throw new TypeError(`found ${typeof text}; give a text`);
    checkOptions(options);
    const answer = this._last.then(() => this._answer(text, options));
    this._last = answer.catch(() => undefined); // whoever asked hears of it
    return answer;
  }

  async _answer(text, { topK, rejectThreshold, useGazetteers = true }) {
    const read = this.read(text);
    const scores = await this._run(read, useGazetteers);
    const intent = chooseIntent(this.entry, scores, rejectThreshold);
    return makeAnswer(this.entry, read, intent, this._tag(scores, read.words), topK);
  }

  /**
   * The tokens (at least one) and words of a text; what it has more of than the skill reads is cut off.
   * @param {string} text
   */
  read(text) {
    const characters = [...text];
    const tokens = this._tokenizer.encode(characters).slice(0, this._maxTokens);
    const words = findWords(characters, tokens, this._tokenizer.characters);
    return { text, characters, words, ids: tokens.length > 0 ? tokens.map(({ id }) => id) : [this._unknown] };
  }

  async _run({ ids, words }, useGazetteers) {
    const { Tensor } = this._ort;
    const size = ids.length;
    const feed = {
      input_ids: new Tensor("int64", BigInt64Array.from(ids, BigInt), [1, size]),
      lengths: new Tensor("int64", BigInt64Array.of(BigInt(size)), [1]),
    };
    if (this._catalogs !== null) {
      const features = this._catalogs.features(ids, words.firstTokens, useGazetteers);
      feed.matches = new Tensor("float32", features, [1, size, 2 * this._catalogs.count]);
    }
    const found = await this._session.run(feed);
    const scores = Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, tensor.data]));
    for (const [name, values] of Object.entries(scores)) {
      if (!values.every(Number.isFinite)) throw new Error(`the exported skill is damaged: its ${name} are no numbers`);
    }
    return scores;
  }

  _tag(scores, words) {
    if (this._crf === null || words.starts.length === 0) return { tags: words.starts.map(() => 0), scores: [] };
    const numTags = 1 + 2 * this.entry.slots.length;
    const added = this._priors === null ? null : this._priors.of(scores.intent_logits);
    const emissions = words.firstTokens.map((token) => {
      const own = scores.slot_logits.slice(token * numTags, (token + 1) * numTags);
      return added === null ? own : own.map((score, tag) => score + added[tag]);
    });
    return this._crf.decode(emissions);
  }
}

/**
 * Load an exported skill.
 * @param {object} ort the module onnxruntime-web
 * @param {string} base address of its folder, with a slash at the end
 * @param {(address: string, options?: object) => Promise<Response>} [fetchFile] how files are read
 * @returns {Promise<NLU>}
 * @throws {Error} a file can't be read, or is not what was exported
 */
export async function loadNLU(ort, base, fetchFile = (address, options) => fetch(address, options)) {
  const get = async (name, options) => {
    const response = await fetchFile(base + name, options);
    if (!response.ok) throw new Error(`${name} can't be read (status ${response.status})`);
    return response;
  };
  // Its hashes tell which version of the other files belongs to it, whatever a cache holds.
  const description = await (await get("headstart.json", { cache: "no-cache" })).json();
  if (!VERSIONS.includes(description.version)) {
    throw new Error(`the skill was exported in version ${description.version} of the format; this page reads ${VERSIONS.join(" and ")}`);
  }
  const own = (name) => get(`${name}?${description.sha256[name].slice(0, 16)}`);
  const json = async (name) => (await own(name)).json();
  const { slots, gazetteer } = description.skill;
  const [model, tokenizer, characters, arrays, catalogs] = await Promise.all([
    own("model.onnx").then((response) => response.arrayBuffer()),
    json("tokenizer.json"),
    get(`characters.json?${description.sha256["tokenizer.json"].slice(0, 16)}`).then((response) => response.json()),
    slots.length === 0 ? null : own("crf.npz").then((response) => response.arrayBuffer()).then(readArrays),
    gazetteer === undefined ? null : json("catalogs.json"),
  ]);
  if (characters.tokenizer !== description.sha256["tokenizer.json"]) {
    throw new Error("characters.json was made for another skill: export it anew with --web");
  }
  const session = await ort.InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"], logSeverityLevel: 3 });
  return new NLU(ort, session, { description, tokenizer: new Tokenizer(tokenizer, new Characters(characters)), arrays, catalogs });
}

function hasAny(priors) {
  return priors !== undefined && Object.keys(priors).length > 0;
}

function checkOptions({ topK, rejectThreshold }) {
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) {
    throw new RangeError(`topK is ${topK}; it must be a whole number, at least 1`);
  }
  if (rejectThreshold !== undefined && !(rejectThreshold >= 0 && rejectThreshold <= 1)) {
    throw new RangeError(`rejectThreshold is ${rejectThreshold}; it must lie between 0 and 1 (never reject)`);
  }
}
