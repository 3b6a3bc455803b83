// Keeps the form openable without a connection: the last page that was seen, and its files. It sends nothing.

const VERSION = new URL(self.location.href).searchParams.get("v");
const CACHE = `vardkase-form-${VERSION}`;
const STATIC = `/rapportera/static/${VERSION}/`;
const FILES = ["style.css", "form.js", "check.js", "clock.js", "refresh.js", "sender.js", "store.js", "touch.js", "rules.json"];
const PATIENCE = 5_000;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES.map((name) => STATIC + name)))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => isOurs(name) && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith(STATIC)) event.respondWith(file(request));
  else if (url.pathname === "/rapportera" && !url.searchParams.has("k")) event.respondWith(page(request));
});

function isOurs(name) {
  return name.startsWith("vardkase-form-");
}

async function file(request) {
  return (await caches.match(request)) ?? fetch(request);
}

/** The page from the server; without one, as it was last seen. It says itself how old it is. */
async function page(request) {
  const cache = await caches.open(CACHE);
  const url = new URL(request.url);
  url.searchParams.delete("klar");
  try {
    const answer = await fetch(request, request.mode === "navigate" ? {} : { signal: AbortSignal.timeout(PATIENCE * 3) });
    if (answer.ok && !answer.redirected) await cache.put(url.href, answer.clone());
    else if (answer.status === 401 || answer.status === 403) await cache.delete(url.href);
    return answer;
  } catch (error) {
    const held = request.mode === "navigate" ? await cache.match(url.href) : undefined;
    if (held) return held;
    throw error;
  }
}
