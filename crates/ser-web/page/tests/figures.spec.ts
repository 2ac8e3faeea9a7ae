// Measures how accurate and how fast the engine is in Chromium, on the clips of RAVDESS in the folder that SER_RAVDESS names.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@playwright/test";

import { hand, predict, start } from "./engine";

const CORPUS = process.env.SER_RAVDESS;
const clips = CORPUS
    ? readdirSync(CORPUS, { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".wav"))
          .sort()
          .map((name) => path.join(CORPUS, name))
    : [];
const some = (count: number) => {
    const step = Math.max(1, Math.floor(clips.length / count));
    return clips.filter((_, i) => i % step === 0).slice(0, count);
};
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Milliseconds since a page was opened. */
interface Times {
    taken: number;
    answered: number;
}

/** Runs in the page: passes it a recording `wait` ms after it can take one, and notes that time and when the answer is shown. */
function handOver({ clip, wait }: { clip: string; wait: number }) {
    const bytes = Uint8Array.from(atob(clip), (char) => char.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], "clip.wav"));
    let [shown, taken] = [0, 0];
    const look = () => {
        const input = document.querySelector<HTMLInputElement>(".drop input");
        if (input && !shown) {
            shown = performance.now();
        }
        if (input && !taken && performance.now() >= shown + wait) {
            taken = performance.now();
            input.files = files.files;
            input.dispatchEvent(new Event("change", { bubbles: true }));
        }
        if (document.querySelector(".answer strong")) {
            Object.assign(globalThis, { times: { taken, answered: performance.now() } });
        } else {
            setTimeout(look);
        }
    };
    look();
}

test.skip(!CORPUS, "SER_RAVDESS names no corpus");

test("40 clips are answered in Chromium as by the program", async ({ page, request }) => {
    test.setTimeout(120_000);
    await page.goto("/");
    await start(page);
    const files = some(40);
    await hand(page, files);
    const found = await predict(page);
    expect(found.length).toBe(files.length);
    let largest = 0;
    for (const [i, { answer }] of found.entries()) {
        const told = await (await request.post("v1/predict", { data: readFileSync(files[i] ?? "") })).json();
        expect(answer.emotion).toBe(told.emotion);
        for (const [label, probability] of Object.entries(answer.probabilities)) {
            largest = Math.max(largest, Math.abs(probability - told.probabilities[label]));
        }
    }
    console.log(`largest difference of a probability on ${found.length} clips: ${largest.toExponential(1)}`);
    expect(largest).toBeLessThan(1e-3);
});

test("the picture of the README", async ({ page }) => {
    test.skip(!process.env.SER_PICTURES, "SER_PICTURES names no folder");
    await page.setViewportSize({ width: 900, height: 700 });
    await page.goto("/");
    await page.locator(".drop input").setInputFiles(clips.find((clip) => clip.endsWith("03-01-05-02-01-01-01.wav")) ?? "");
    const card = page.getByRole("article");
    await expect(card.locator(".answer strong")).toBeVisible();
    await card.getByRole("option").first().click();
    await expect.poll(async () => Number(await card.getByRole("slider").getAttribute("aria-valuenow"))).toBeGreaterThan(1.5);
    await card.screenshot({ path: path.join(process.env.SER_PICTURES ?? "", "page.png") });
});

test.describe("figures", () => {
    test.skip(!process.env.SER_FIGURES, "SER_FIGURES is not set");

    test("a clip, and the first one after loading", async ({ browser, baseURL }) => {
        // Each round has its own context, so that nothing is cached from the previous one.
        const first = async (wait: number) => {
            const context = await browser.newContext({ baseURL: baseURL ?? "" });
            const page = await context.newPage();
            const clip = readFileSync(some(200)[0] ?? "").toString("base64");
            await page.addInitScript(handOver, { clip, wait });
            await page.goto("/");
            const times = await page.waitForFunction(() => (globalThis as unknown as { times?: Times }).times);
            const { taken, answered } = (await times.jsonValue()) as Times;
            await context.close();
            return { opened: answered, taken: answered - taken };
        };
        for (const wait of [0, 1000, 2000]) {
            const all = [];
            for (let round = 0; round < 5; round++) {
                all.push(await first(wait));
            }
            const [opened, taken] = [median(all.map(({ opened }) => opened)), median(all.map(({ taken }) => taken))];
            console.log(
                `the first answer, on a clip that is dropped ${wait} ms after the page is shown: ` +
                    `median ${taken.toFixed(0)} ms, ${opened.toFixed(0)} ms after the page was opened`,
            );
        }
    });

    test("a clip", async ({ page }) => {
        await page.goto("/");
        await start(page);
        await hand(page, some(200));
        const took = (await predict(page)).map(({ milliseconds }) => milliseconds);
        console.log(`a clip of RAVDESS: median ${median(took).toFixed(0)} ms, of ${took.length}`);
    });

    test("an hour", async ({ page }, info) => {
        test.setTimeout(600_000);
        // Concatenates clips to a 16-bit WAV file at 48 kHz.
        const data = clips.slice(0, 1000).map((clip) => readFileSync(clip).subarray(44));
        const bytes = Buffer.concat(data).subarray(0, 3600 * 96_000);
        const header = Buffer.from(readFileSync(clips[0] ?? "").subarray(0, 44));
        header.writeUInt32LE(36 + bytes.length, 4);
        header.writeUInt32LE(bytes.length, 40);
        const hour = info.outputPath("hour.wav");
        writeFileSync(hour, Buffer.concat([header, bytes]));
        await page.goto("/");
        await page.locator(".drop input").setInputFiles(hour);
        const card = page.getByRole("article", { name: "hour.wav" });
        const begun = performance.now();
        const session = await page.context().browser()?.newBrowserCDPSession();
        let most = { own: 0, all: 0 };
        while (!(await card.getByLabel("Export").isVisible())) {
            const { processInfo } = (await session?.send("SystemInfo.getProcessInfo")) ?? { processInfo: [] };
            for (const { id } of processInfo.filter(({ type }) => type === "renderer")) {
                const status = readFileSync(`/proc/${id}/status`, "utf8");
                const megabytes = (key: string) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) / 1000;
                const own = megabytes("RssAnon") + megabytes("RssShmem");
                most = { own: Math.max(most.own, own), all: Math.max(most.all, megabytes("VmRSS")) };
            }
            await page.waitForTimeout(100);
        }
        const took = (performance.now() - begun) / 1000;
        const spans = await card.getByRole("listbox").getByRole("option").count();
        console.log(`an hour with ${spans} spans: ${(3600 / took).toFixed(0)} × real time`);
        console.log(`the tab's process: ${most.own.toFixed(0)} MB of its own, ${most.all.toFixed(0)} MB with Chromium's files`);
    });
});
