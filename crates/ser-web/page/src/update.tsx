import { useEffect, useState } from "preact/hooks";

/** Keeps the page for use without a network, and says when a newer version of it is ready. */
export function Update() {
    const [waiting, setWaiting] = useState<ServiceWorker>();
    useEffect(() => {
        const watch = (registration: ServiceWorkerRegistration) => {
            const look = () => {
                // A page that no worker controls has come from the network, so it is not an old one.
                if (registration.waiting && navigator.serviceWorker.controller) {
                    setWaiting(registration.waiting);
                }
            };
            const follow = () => registration.installing?.addEventListener("statechange", look);
            look();
            follow();
            registration.addEventListener("updatefound", follow);
        };
        navigator.serviceWorker?.register("offline.js").then(watch).catch(() => undefined);
    }, []);
    if (!waiting) {
        return null;
    }
    const reload = () => {
        // Another tab may have started the new version already.
        if (waiting.state === "installed") {
            navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
            waiting.postMessage("skipWaiting");
        } else {
            location.reload();
        }
    };
    return (
        <p class="row" role="status">
            A new version of this page is ready. Reloading forgets the recordings.
            <button type="button" onClick={reload}>
                Reload
            </button>
        </p>
    );
}
