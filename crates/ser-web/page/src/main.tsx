import { render } from "preact";

import { App } from "./app";

const root = document.getElementById("page");
if (root) {
    render(<App />, root);
}
// Once loaded, the page also works without a network.
void navigator.serviceWorker?.register("offline.js").catch(() => undefined);
