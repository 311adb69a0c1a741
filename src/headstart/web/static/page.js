// The page: a text, what was found in it, and how long that took.

import * as ort from "./ort/ort.wasm.min.js";
import { loadNLU } from "./nlu/nlu.js";

const TOP_K = 5;
const GOLDEN_ANGLE = 137.5; // degrees of hue between one slot label's colour and the next one's
const NONE = "none of these";

const at = (id) => document.getElementById(id);

/** Parts of a document, made of text alone: nothing of a user's is read as HTML. */
function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function say(text, isError = false) {
  at("status").textContent = text;
  at("status").classList.toggle("error", isError);
}

function colourOf(entry, label) {
  return `hsl(${(entry.slots.indexOf(label) * GOLDEN_ANGLE) % 360} 75% 78%)`;
}

function showSpans(entry, { text, slots }) {
  const parts = [];
  let end = 0;
  for (const slot of slots) {
    parts.push(text.slice(end, slot.start_utf16));
    const mark = element("mark", slot.value, { "data-label": slot.label });
    mark.style.background = colourOf(entry, slot.label);
    parts.push(mark);
    end = slot.end_utf16;
  }
  at("spans").replaceChildren(...parts, text.slice(end));
}

function showSlots({ slots }) {
  at("slots").hidden = slots.length === 0;
  const rows = slots.map((slot) => {
    const row = document.createElement("tr");
    row.append(element("td", slot.label), element("td", slot.value), element("td", slot.score.toFixed(3)));
    return row;
  });
  at("slots").tBodies[0].replaceChildren(...rows);
}

function showIntents({ intent, intents, out_of_scope: outOfScope }) {
  const line = (label, score, kind) => {
    const item = element("li", "", { class: kind });
    const meter = element("meter", "", { min: 0, max: 1, value: score, "aria-label": label });
    item.append(element("span", label), meter, element("output", score.toFixed(3)));
    return item;
  };
  const lines = intents.map(({ label, score }) => line(label, score, label === intent.label ? "chosen" : ""));
  if (outOfScope !== undefined) lines.push(line(NONE, outOfScope, intent.label === null ? "none chosen" : "none"));
  at("intents").replaceChildren(...lines);
}

async function ask(nlu) {
  const text = at("text").value;
  const started = performance.now();
  const answer = await nlu.answer(text, { topK: TOP_K });
  const milliseconds = performance.now() - started;
  showSpans(nlu.entry, answer);
  showSlots(answer);
  showIntents(answer);
  at("latency").textContent = `${milliseconds.toFixed(1)} ms in this browser`;
  at("json").textContent = JSON.stringify(answer, null, 1);
  at("answer").hidden = false;
  say(answer.intent.label === null ? "None of this skill's intents." : "");
}

/** Let the text be spoken, where the browser recognizes speech. */
function listen(form) {
  const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
  if (Recognition === undefined) return;
  const button = at("speak");
  button.hidden = false;
  button.addEventListener("click", () => {
    const recognition = new Recognition();
    recognition.lang = navigator.language;
    recognition.interimResults = true;
    button.classList.add("listening");
    recognition.addEventListener("result", ({ results }) => {
      at("text").value = results[0][0].transcript;
      if (results[0].isFinal) form.requestSubmit();
    });
    recognition.addEventListener("error", ({ error }) => say(`Speech can't be recognized (${error}).`, true));
    recognition.addEventListener("end", () => button.classList.remove("listening"));
    recognition.start();
  });
}

async function start() {
  const here = new URL("./", import.meta.url);
  const file = (name) => new URL(`ort/${name}`, here).href;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: file("ort-wasm-simd-threaded.js"), wasm: file("ort-wasm-simd-threaded.wasm") };
  const nlu = await loadNLU(ort, here.href);
  await nlu.answer("is it there"); // the first request takes longest
  document.title = nlu.entry.name;
  at("skill").textContent = nlu.entry.name;
  const form = at("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(nlu).catch((error) => say(`It can't be answered: ${error.message}`, true));
  });
  listen(form);
  at("text").disabled = at("ask").disabled = false;
  at("text").focus();
  say("");
  window.nlu = nlu; // for whoever opens the console
  // From now on the page is there without a network; the browser allows that from https and localhost alone.
  await navigator.serviceWorker?.register(new URL("worker.js", here));
}

start().catch((error) => say(`The skill can't be loaded: ${error.message}`, true));
