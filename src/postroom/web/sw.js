/**
 * The service worker: keeps the shell of the client, so that it opens without a network. It keeps files of the
 * client alone, never anything of /api, where mails are. The network goes first: what is kept is only used when the
 * server cannot be reached.
 */
const CACHE = "postroom-shell-1";
const SHELL = ["/", "/manifest.webmanifest", "/web/icons/icon.svg"];
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const isShell = url.origin === worker.location.origin && (SHELL.includes(url.pathname) || url.pathname.startsWith("/web/"));
  if (event.request.method === "GET" && isShell) event.respondWith(answer(event.request));
});

async function forgetOthers() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
}

/** @param {Request} request */
async function answer(request) {
  // Whatever stands behind the path, it is the same file: one of each is kept.
  const { pathname } = new URL(request.url);
  let response;
  try {
    response = await fetch(request);
  } catch (error) {
    const kept = await caches.match(pathname);
    if (kept) return kept;
    throw error;
  }
  if (response.ok) await keep(pathname, response.clone());
  return response;
}

/** Keep a file, where there is room for it: a full disk is no reason to show nothing. @param {string} pathname @param {Response} response */
async function keep(pathname, response) {
  try {
    await (await caches.open(CACHE)).put(pathname, response);
  } catch {
    // It is fetched the next time, too.
  }
}
