import { render } from "preact";

import { App } from "./app";

const root = document.getElementById("page");
if (root) {
    render(<App />, root);
}
// It answers without a network as well, once it was loaded.
void navigator.serviceWorker?.register("offline.js").catch(() => undefined);
