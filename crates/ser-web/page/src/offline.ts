// Caches the page, so that it also works without a network. The build sets `FILES` and `VERSION`.

declare const FILES: string[];
declare const VERSION: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
// All pages of an origin share one storage, so the name of a cache says to which page it belongs. An address has no space.
const PREFIX = `ser ${worker.registration.scope} `;
const CACHE = PREFIX + VERSION;
// The service serves its own model, which may be another one than that of the build.
const MODEL = "model.safetensors";

worker.addEventListener("install", (event) => {
    const keep = async () => (await caches.open(CACHE)).addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
    event.waitUntil(keep());
});

// A new version waits until no page of the old one is open, or until the user wants it.
worker.addEventListener("message", ({ data }) => {
    if (data === "skipWaiting") {
        void worker.skipWaiting();
    }
});

/** Whether the host still has this version. The model of another one may need another engine. */
async function isCurrent(): Promise<boolean> {
    const response = await fetch("offline.js", { cache: "no-cache" }).catch(() => undefined);
    return response?.ok === true && (await response.text()).includes(VERSION);
}

worker.addEventListener("activate", (event) => {
    const forgetOlder = async () => {
        const older = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
        await Promise.all(older.map((name) => caches.delete(name)));
    };
    event.waitUntil(forgetOlder());
});

worker.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    const file = url.href.slice(worker.registration.scope.length) || "index.html";
    if (event.request.method === "GET" && FILES.includes(file)) {
        const kept = async () => (await (await caches.open(CACHE)).match(file)) ?? fetch(event.request);
        const newest = async () => {
            const [isOurs, response] = await Promise.all([isCurrent(), fetch(event.request).catch(() => undefined)]);
            const cache = await caches.open(CACHE);
            if (isOurs && response?.ok) {
                event.waitUntil(cache.put(file, response.clone()));
                return response;
            }
            return (await cache.match(file)) ?? response ?? Response.error();
        };
        event.respondWith(file === MODEL ? newest() : kept());
    }
});
