// What is decided of a text's intent, and the form of an answer.

import { tagsToSpans } from "./words.js";

/**
 * A skill's entry in headstart.json.
 * @typedef {object} Entry
 * @property {string} name
 * @property {string[]} intents
 * @property {string[]} slots labels
 * @property {{threshold: number, temperature: number}} [rejection] of "none of these"
 * @property {number} [slot_temperature] what scores of tags are divided by before slots get their probabilities
 * @property {{[intent: string]: string[]}} [label_priors] slot labels that an intent was seen with
 * @property {number} unseen_prior least share of its probability that another label keeps
 */

/**
 * @typedef {object} IntentAnswer
 * @property {string | null} label null if there is none
 * @property {number} score its probability, or that of "none of these"
 */

/**
 * @typedef {object} SlotAnswer
 * @property {string} label
 * @property {number} start first character of the text, in code points, as in Python
 * @property {number} end one past the last
 * @property {number} start_utf16 the same places as JavaScript counts: `text.slice(start_utf16, end_utf16)` is the value
 * @property {number} end_utf16
 * @property {string} value
 * @property {number} score the lowest probability of its words
 */

/**
 * @typedef {object} Answer
 * @property {string} text
 * @property {string} skill
 * @property {IntentAnswer} intent
 * @property {number} [out_of_scope] probability of "none of these", if the skill can tell
 * @property {IntentAnswer[]} [intents] the best ones, if they were asked for
 * @property {SlotAnswer[]} slots
 */

/** The probabilities of some scores. */
export function softmax(scores) {
  const top = scores.reduce((highest, score) => Math.max(highest, score), -Infinity);
  const exponentials = Array.from(scores, (score) => Math.exp(score - top));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

/** Which tags an intent was seen with, against the share of intents that were. */
export class LabelPriors {
  /** @param {Entry} entry */
  constructor({ intents, slots, label_priors: priors, unseen_prior: least }) {
    const said = Object.values(priors).flat();
    const isSeen = (intent, label) => !Object.hasOwn(priors, intent) || priors[intent].includes(label) || !said.includes(label);
    const table = intents.map((intent) => slots.map((label) => Number(isSeen(intent, label))));
    const shares = slots.map((_, label) => table.reduce((sum, row) => sum + row[label], 0) / intents.length);
    this._seen = table.map((row) => row.map((seen, label) => seen / shares[label]));
    this._least = least;
  }

  /**
   * What is added to the scores of all tags of every word.
   * @param {ArrayLike<number>} intentLogits
   * @returns {number[]}
   */
  of(intentLogits) {
    const probabilities = softmax(intentLogits);
    const added = this._seen[0].map((_, label) => {
      const allowed = probabilities.reduce((sum, probability, intent) => sum + probability * this._seen[intent][label], 0);
      return Math.log(Math.min(Math.max(allowed, this._least), 1));
    });
    return [0, ...added.flatMap((value) => [value, value])];
  }
}

/**
 * The intent, or that it is none of these.
 * @param {Entry} entry
 * @param {{[name: string]: ArrayLike<number>}} scores of the network
 * @param {number | undefined} rejectThreshold reject over this probability of "none of these", against the best intent alone; unset: the skill's own
 * @returns {{number: number, score: number, outOfScope: number | null, probabilities: number[]}} number -1: none
 */
export function chooseIntent(entry, scores, rejectThreshold) {
  if (entry.intents.length === 0) return { number: -1, score: 1, outOfScope: null, probabilities: [] };
  let logits = Array.from(scores.intent_logits);
  let outOfScope = null;
  let threshold = 1;
  if ("reject_logits" in scores) {
    logits = [...logits, scores.reject_logits[0]].map((logit) => logit / entry.rejection.temperature);
    threshold = rejectThreshold ?? entry.rejection.threshold;
  }
  const probabilities = softmax(logits);
  if ("reject_logits" in scores) outOfScope = probabilities.pop();
  const best = probabilities.indexOf(Math.max(...probabilities));
  const isRejected = outOfScope !== null && outOfScope > threshold * (outOfScope + probabilities[best]);
  const [number, score] = isRejected ? [-1, outOfScope] : [best, probabilities[best]];
  return { number, score, outOfScope, probabilities };
}

/**
 * The answer to one text.
 * @param {Entry} entry
 * @param {{text: string, characters: string[], words: import("./words.js").Words}} read
 * @param {{number: number, score: number, outOfScope: number | null, probabilities: number[]}} intent
 * @param {{tags: number[], scores: number[]}} tagged
 * @param {number | undefined} topK how many intents are ranked
 * @returns {Answer}
 */
export function makeAnswer(entry, read, intent, tagged, topK) {
  if (read.words.starts.length === 0) return nothing(entry, read.text, 1, intent.outOfScope === null ? null : 1, topK);
  const answer = nothing(entry, read.text, intent.score, intent.outOfScope, topK);
  if (intent.number >= 0) answer.intent.label = entry.intents[intent.number];
  if (topK !== undefined) {
    const ranked = intent.probabilities.map((score, number) => ({ label: entry.intents[number], score }));
    answer.intents = ranked.sort((first, second) => second.score - first.score).slice(0, topK);
  }
  if (entry.slots.length > 0 && (intent.number >= 0 || entry.intents.length === 0)) {
    const spans = tagsToSpans(tagged.tags, read.words, entry.slots, tagged.scores);
    answer.slots = spans.map((span) => makeSlot(span, read.characters));
  }
  return answer;
}

function makeSlot({ label, start, end, score }, characters) {
  const value = characters.slice(start, end).join("");
  const startUtf16 = characters.slice(0, start).join("").length;
  return { label, start, end, start_utf16: startUtf16, end_utf16: startUtf16 + value.length, value, score };
}

/** The one form of nothing: an intent without a label, and no slots. */
function nothing(entry, text, score, outOfScope, topK) {
  const asked = outOfScope === null ? {} : { out_of_scope: outOfScope };
  if (topK !== undefined) asked.intents = [];
  return { text, skill: entry.name, intent: { label: null, score }, ...asked, slots: [] };
}
