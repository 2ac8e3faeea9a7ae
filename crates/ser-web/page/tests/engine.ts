// Runs the engine of the page without the page.
import type { Page } from "@playwright/test";

/** Starts the worker and waits until it can answer. */
export async function start(page: Page) {
    await page.evaluate(async () => {
        const worker = new Worker("worker.js", { type: "module" });
        const model = await (await fetch("model.safetensors")).arrayBuffer();
        worker.postMessage({ module: await WebAssembly.compileStreaming(fetch("ser_web_bg.wasm")), model });
        let last = 0;
        const ask = (call: string, ...args: unknown[]) =>
            new Promise((resolve, reject) => {
                const id = ++last;
                const hear = ({ data }: MessageEvent) => {
                    if (data.id === id && !("told" in data)) {
                        worker.removeEventListener("message", hear);
                        "result" in data ? resolve(data.result) : reject(new Error(data.error));
                    }
                };
                worker.addEventListener("message", hear);
                worker.postMessage({ id, call, args });
            });
        Object.assign(globalThis, { ask });
        await ask("model");
    });
}

interface Answer {
    emotion: string;
    seconds: number;
    probabilities: Record<string, number>;
}

/** Returns the answers for the files that were chosen in the page, and the milliseconds that each took. */
export function predict(page: Page): Promise<{ answer: Answer; milliseconds: number }[]> {
    return page.evaluate(async () => {
        const { ask } = globalThis as unknown as { ask(call: string, ...args: unknown[]): Promise<Answer> };
        const answers = [];
        for (const file of document.querySelector<HTMLInputElement>("#files")?.files ?? []) {
            const begun = performance.now();
            const answer = await ask("predict", file, { name: file.name });
            answers.push({ answer, milliseconds: performance.now() - begun });
        }
        return answers;
    });
}

/** Chooses files in an input of its own, so that the page does not see them. */
export async function hand(page: Page, files: string[]) {
    await page.evaluate(() => {
        document.querySelector("#files")?.remove();
        document.body.append(Object.assign(document.createElement("input"), { id: "files", type: "file", multiple: true }));
    });
    await page.setInputFiles("#files", files);
}
