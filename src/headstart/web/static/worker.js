// Keeps the page's files, so that it answers without a network too. What has a hash in its address never changes; the rest is taken from the
// network where there is one.

const CACHE = "headstart";
const FILES = [
  "./", "page.css", "page.js", "headstart.json",
  ...["answers", "arrays", "catalogs", "crf", "nlu", "tokens", "words"].map((name) => `nlu/${name}.js`),
  "ort/ort.wasm.min.js", "ort/ort-wasm-simd-threaded.js", "ort/ort-wasm-simd-threaded.wasm",
];

async function keepAll() {
  const cache = await caches.open(CACHE + registration.scope);
  await cache.addAll(FILES);
  const { sha256 } = await (await cache.match("headstart.json")).json();
  const read = Object.entries(sha256).filter(([name]) => !["headstart.json", "values.json"].includes(name));
  await cache.addAll([...read.map(([name, hash]) => address(name, hash)), address("characters.json", sha256["tokenizer.json"])]);
}

function address(name, hash) {
  return `${name}?${hash.slice(0, 16)}`;
}

async function answer(request) {
  const cache = await caches.open(CACHE + registration.scope);
  const kept = await cache.match(request);
  if (kept !== undefined && new URL(request.url).search !== "") return kept;
  try {
    const response = await fetch(request);
    if (response.ok) await keep(cache, request, response.clone());
    return response;
  } catch (error) {
    if (kept !== undefined) return kept;
    throw error;
  }
}

/** Keep a file, and no other version of it. */
async function keep(cache, request, response) {
  await cache.delete(request, { ignoreSearch: true });
  await cache.put(request, response);
}

self.addEventListener("install", (event) => event.waitUntil(keepAll().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const isOwn = event.request.method === "GET" && event.request.url.startsWith(registration.scope);
  if (isOwn) event.respondWith(answer(event.request));
});
