// Tests the page as users see it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Download, type Locator, type Page, expect } from "@playwright/test";

import { clock, percent } from "../src/words";
import { accessible, card, choose, drop, enrolling, file, hesitate, position, served, spans, test } from "./page";

/** Returns the percentages of an answer as the page shows them. */
function percentages(probabilities: Record<string, number>): string[] {
    const sorted = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
    return sorted.map(([label, probability]) => `${label}${percent(probability)}`);
}

interface Span {
    start: number;
    end: number;
    emotion: string;
    confidence: number;
    uncertain: boolean;
}

/** Returns spans as the page lists them. */
function listed(spans: Span[]): string[] {
    return spans.map(({ start, end, emotion, confidence, uncertain }) => {
        const answer = `${emotion} ${percent(confidence)}${uncertain ? " uncertain" : ""}`;
        return `${clock(start)} – ${clock(end)} ${answer}`;
    });
}

async function exported(page: Page, card: Locator, form: string): Promise<Download> {
    await card.getByLabel("Export").selectOption(form);
    const saved = page.waitForEvent("download");
    await card.getByRole("button", { name: "Save" }).click();
    return saved;
}

async function picture(page: Page, name: string) {
    if (process.env.SER_PICTURES) {
        await page.screenshot({ path: path.join(process.env.SER_PICTURES, `${name}.png`), fullPage: true });
    }
}

test("a dropped file is answered by the browser as by the service", async ({ page }) => {
    const answer = await (await served(page, "predict", "voice.wav")).json();
    const expected = percentages(answer.probabilities);
    const dropped = await drop(page, "voice.wav");
    await expect(dropped.locator(".answer strong")).toHaveText(answer.emotion);
    expect(await dropped.locator(".bars li").allTextContents()).toEqual(expected);
    await picture(page, "answer");

    let asked = 0;
    page.on("request", (request) => (asked += Number(request.url().endsWith("v1/predict"))));
    await page.getByRole("radio", { name: /the service/ }).check();
    await expect.poll(() => asked).toBe(1);
    await expect(dropped.locator(".answer strong")).toHaveText(answer.emotion);
    expect(await dropped.locator(".bars li").allTextContents()).toEqual(expected);
});

test("a recording that misses the field is taken too", async ({ page }) => {
    const isAllowed = await page.evaluate(() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([], "voice.wav"));
        return !document.body.dispatchEvent(new DragEvent("dragover", { dataTransfer, bubbles: true, cancelable: true }));
    });
    expect(isAllowed).toBe(true);
    const dropped = await drop(page, "voice.wav", ".notice");
    await expect(dropped.locator(".answer strong")).toBeVisible();
});

test("a screen reader is told each answer", async ({ page }) => {
    const { emotion, confidence, uncertain } = await (await served(page, "predict", "voice.wav")).json();
    await expect(page.getByRole("status")).toHaveText("");
    await choose(page, "voice.wav");
    const answer = `voice.wav: ${emotion} ${percent(confidence)}${uncertain ? ", uncertain" : ""}`;
    await expect(page.getByRole("status")).toHaveText(answer);
});

test("a screen reader is told when a long recording is finished", async ({ page }) => {
    const long = await choose(page, "long.wav");
    await expect(page.getByRole("status")).toHaveText(/^long\.wav: \d+ pieces of speech$/);
    await expect(page.getByRole("status")).toContainText(` ${await spans(long).count()} pieces`);
});

test("the focus moves on when its card is removed", async ({ page }) => {
    await choose(page, "voice.wav", "short.wav");
    await page.getByRole("button", { name: "Remove voice.wav" }).press("Enter");
    await expect(card(page, "voice.wav")).toHaveCount(0);
    await expect(card(page, "short.wav")).toBeFocused();
    await page.getByRole("button", { name: "Remove short.wav" }).press("Enter");
    await expect(card(page, "short.wav")).toHaveCount(0);
    await expect(page.locator(".drop input")).toBeFocused();
});

test("a long recording is played, clicked and driven by keys", async ({ page }) => {
    const timeline = await (await served(page, "timeline", "long.wav")).json();
    const long = await choose(page, "long.wav");
    await expect(spans(long)).toHaveCount(timeline.spans.length);
    const slider = position(long);
    await expect(slider).toHaveAttribute("aria-valuemax", "70");
    const at = async () => Number(await slider.getAttribute("aria-valuenow"));

    await slider.focus();
    await page.keyboard.press("ArrowRight");
    expect(await at()).toBe(1);
    await page.keyboard.press("PageDown");
    const next = timeline.spans.find((span: { start: number }) => span.start > 1);
    expect(await at()).toBeCloseTo(next.start, 1);
    await expect(slider).toHaveAttribute("aria-valuetext", new RegExp(next.emotion));
    await page.keyboard.press("End");
    expect(await at()).toBe(70);
    await page.keyboard.press("Home");
    await page.keyboard.press("+");
    const texts = await slider.evaluateHandle((slider) => {
        const texts: (string | null)[] = [];
        const hear = () => texts.push(slider.getAttribute("aria-valuetext"));
        new MutationObserver(hear).observe(slider, { attributeFilter: ["aria-valuetext"] });
        return texts;
    });
    await page.keyboard.press("Space");
    await expect.poll(at).toBeGreaterThan(1);
    await page.keyboard.press("Space");
    await expect(long.getByRole("button", { name: "Play" })).toBeVisible();
    await expect(slider).toHaveAttribute("aria-valuetext", new RegExp(`^${clock(await at())} of `));
    // A text for each tenth of a second would be too much for a screen reader.
    expect((await texts.jsonValue()).length).toBeLessThan(8);

    await page.keyboard.press("-");
    const box = await slider.boundingBox();
    await slider.click({ position: { x: (box?.width ?? 0) / 2, y: 20 } });
    expect(await at()).toBeCloseTo(35, 0);
    await long.getByRole("listbox").focus();
    await page.keyboard.press("Home");
    expect(await at()).toBeCloseTo(timeline.spans[0].start, 1);
    await expect(spans(long).first()).toHaveAttribute("aria-selected", "true");
    await picture(page, "timeline");
});

test("the focus stays on the zoom at its limits", async ({ page }) => {
    const voice = await choose(page, "voice.wav");
    const [zoomIn, zoomOut] = ["Zoom in", "Zoom out"].map((name) => voice.getByRole("button", { name }));
    for (let step = 0; step < 7; step++) {
        await zoomIn?.press("Enter");
    }
    await expect(zoomIn ?? voice).toBeFocused();
    await expect(zoomIn ?? voice).toBeDisabled();
    for (let step = 0; step < 7; step++) {
        await zoomOut?.press("Enter");
    }
    await expect(zoomOut ?? voice).toBeFocused();
    await expect(zoomOut ?? voice).toBeDisabled();
});

for (const order of ["before", "after"]) {
    test(`a recording that the browser does not play is decoded to be played ${order} it is answered`, async ({ page }) => {
        const odd = await choose(page, "voice.aiff");
        if (order === "after") {
            await expect(odd.locator(".answer strong")).toBeVisible();
        }
        await odd.getByRole("button", { name: "Play" }).click();
        await expect(odd.locator(".answer strong")).toBeVisible();
        await expect.poll(async () => Number(await position(odd).getAttribute("aria-valuenow"))).toBeGreaterThan(0.2);
    });
}

test("an option changes the answer, and leaves the place in the recording", async ({ page }) => {
    const voice = await choose(page, "voice.wav");
    const answer = voice.locator(".answer strong");
    const emotion = await answer.innerText();
    await position(voice).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("+");
    await page.getByText("How to answer").click();
    await page.getByRole("checkbox", { name: emotion }).uncheck();
    await expect(answer).toHaveText(new RegExp(`^(?!${emotion})\\w`));
    await expect(spans(voice).first()).toBeVisible();
    await expect(position(voice)).toHaveAttribute("aria-valuenow", "1");
    await expect(voice.getByRole("button", { name: "Zoom out" })).toBeEnabled();
});

for (const engine of ["browser", "service"]) {
    test(`the microphone is heard by the ${engine}`, async ({ page }) => {
        if (engine === "service") {
            await page.getByRole("radio", { name: /the service/ }).check();
        }
        const live = page.getByRole("region", { name: "Microphone" });
        await live.getByRole("button", { name: "Record" }).click();
        await expect.poll(async () => Number(await live.getByRole("meter").getAttribute("value"))).toBeGreaterThan(-40);
        await expect(live.locator(".now .bars li").first()).toBeVisible();
        await expect(live.locator(".heard li").first()).toBeVisible({ timeout: 20_000 });
        await picture(page, `live-${engine}`);
        await live.getByRole("button", { name: "Stop" }).click();
        const recorded = page.getByRole("article", { name: /^recorded at/ });
        await expect(recorded.locator(".answer strong")).toBeVisible();
    });
}

test("the browser asks before it leaves the page during a recording", async ({ page }) => {
    const leaves = () => page.evaluate(() => dispatchEvent(new Event("beforeunload", { cancelable: true })));
    expect(await leaves()).toBe(true);
    const live = page.getByRole("region", { name: "Microphone" });
    await live.getByRole("button", { name: "Record" }).click();
    await expect.poll(leaves).toBe(false);
    await live.getByRole("button", { name: "Stop" }).click();
    await expect.poll(leaves).toBe(true);
});

for (const end of ["Stop", "another engine"]) {
    test(`a microphone that is allowed only after ${end} is closed at once`, async ({ page }) => {
        const user = await hesitate(page);
        const live = page.getByRole("region", { name: "Microphone" });
        await live.getByRole("button", { name: "Record" }).click();
        if (end === "Stop") {
            await live.getByRole("button", { name: "Stop" }).click();
        } else {
            await page.getByRole("radio", { name: /the service/ }).check();
        }
        await expect(live.getByRole("button", { name: "Record" })).toBeVisible();
        await user.allow();
        await expect.poll(user.states).toEqual(["ended"]);
        await expect(page.getByRole("article")).toHaveCount(0);
        await expect(page.getByRole("alert")).toHaveCount(0);
    });
}

for (const end of ["Cancel", "Escape"]) {
    test(`a microphone that is allowed only after ${end} of an enrolment is closed at once`, async ({ page }) => {
        const user = await hesitate(page);
        const dialog = await enrolling(page, "anna");
        await dialog.getByRole("button", { name: "Talk" }).click();
        if (end === "Cancel") {
            await dialog.getByRole("button", { name: "Cancel" }).click();
        } else {
            await page.keyboard.press("Escape");
        }
        await expect(dialog).toHaveCount(0);
        await expect(page.getByRole("button", { name: "Enroll a speaker" })).toBeFocused();
        await user.allow();
        await expect.poll(user.states).toEqual(["ended"]);
    });
}

test("an enrolment that is begun again has one open microphone", async ({ page }) => {
    const user = await hesitate(page);
    const dialog = await enrolling(page, "anna");
    await dialog.getByRole("button", { name: "Talk" }).click();
    await dialog.getByRole("button", { name: "Stop" }).click();
    await dialog.getByRole("button", { name: "Talk" }).click();
    await user.allow();
    await expect.poll(user.states).toEqual(["ended", "live"]);
    await expect(dialog.getByRole("progressbar")).toBeVisible();
    await dialog.getByRole("button", { name: "Stop" }).click();
    await expect.poll(user.states).toEqual(["ended", "ended"]);
    await expect(dialog.getByRole("button", { name: "Enroll" })).toBeEnabled();
});

test("why is a picture with words", async ({ page }) => {
    const short = await choose(page, "short.wav");
    await short.getByRole("button", { name: "Why?" }).click();
    const why = short.getByRole("region", { name: /rests on/ });
    await expect(why.getByRole("img")).toHaveAttribute("alt", /^The parts of short\.wav that .* rests on\. /, { timeout: 60_000 });
    expect(await why.getByRole("img").evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalWidth))).toBeGreaterThan(100);
    await picture(page, "why");
    await why.getByRole("button", { name: "Close" }).click();
    await expect(why).toHaveCount(0);
    await expect(short).toBeFocused();
});

test("an explanation that takes too long is stopped, and the next recording answered", async ({ page }) => {
    const voice = await choose(page, "voice.wav");
    await voice.getByRole("button", { name: "Why?" }).click();
    await voice.getByRole("button", { name: "Stop" }).click();
    await expect(voice).toBeFocused();
    await expect((await choose(page, "short.wav")).locator(".answer strong")).toBeVisible();
});

for (const engine of ["browser", "service"]) {
    test(`a speaker is enrolled with the ${engine}, changes the answer and is forgotten`, async ({ page }) => {
        if (engine === "service") {
            await page.getByRole("radio", { name: /the service/ }).check();
        }
        const voice = await choose(page, "voice.wav");
        await expect(voice.locator(".bars li")).toHaveCount(8);
        const before = await voice.locator(".bars li").allTextContents();
        const dialog = await enrolling(page, "anna", "voice.wav", "short.wav");
        await accessible(page);
        await dialog.getByRole("button", { name: "Enroll" }).click();
        await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("anna");
        await expect.poll(() => voice.locator(".bars li").allTextContents()).not.toEqual(before);
        await page.getByRole("button", { name: "Forget anna" }).click();
        await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("");
        await expect(page.getByRole("combobox", { name: "Speaker" })).toBeFocused();
        await expect.poll(() => voice.locator(".bars li").allTextContents()).toEqual(before);
    });
}

test("nothing asks the service for a speaker who is being forgotten", async ({ page }) => {
    await page.getByRole("radio", { name: /the service/ }).check();
    const voice = await choose(page, "voice.wav");
    await expect(spans(voice).first()).toBeVisible();
    const dialog = await enrolling(page, "berta", "short.wav");
    // Simulates a busy service, which has not begun with this recording when the speaker is forgotten.
    const events = await page.evaluateHandle(() => {
        const events: string[] = [];
        const { fetch } = globalThis;
        globalThis.fetch = (route, init) => {
            if (route === "v1/timeline") {
                return new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(events.push("stopped"))));
            }
            if (init?.method === "DELETE") {
                events.push(`DELETE ${route}`);
            }
            return fetch(route, init);
        };
        return events;
    });
    await dialog.getByRole("button", { name: "Enroll" }).click();
    await page.getByRole("button", { name: "Forget berta" }).click();
    await expect.poll(() => events.jsonValue()).toEqual(["stopped", "DELETE v1/speakers/berta"]);
    await expect(page.getByRole("combobox", { name: "Speaker" }).getByRole("option")).toHaveText(["anybody"]);
});

test("a speaker whom the browser knows is not asked of the service", async ({ page }) => {
    const voice = await choose(page, "voice.wav");
    await (await enrolling(page, "anna", "short.wav")).getByRole("button", { name: "Enroll" }).click();
    await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("anna");
    const answer = await (await served(page, "predict", "voice.wav")).json();
    await page.getByRole("radio", { name: /the service/ }).check();
    await expect.poll(() => voice.locator(".bars li").allTextContents()).toEqual(percentages(answer.probabilities));
});

test("the page says what a speaker was enrolled from, and what was not used", async ({ page }) => {
    const dialog = await enrolling(page, "anna", "voice.wav", "none.mp3");
    await dialog.getByRole("button", { name: "Enroll" }).click();
    await expect(page.getByText(/^anna is enrolled from \d\.\d s of speech\. Not used: none\.mp3: \w/)).toBeVisible();
});

test("nobody is enrolled from files without speech, and each is named", async ({ page }) => {
    const dialog = await enrolling(page, "anna", "none.mp3");
    await dialog.getByRole("button", { name: "Enroll" }).click();
    await expect(dialog.getByRole("alert")).toContainText("nobody is enrolled: none.mp3: ");
});

test("a speaker who is forgotten in another tab is forgotten here", async ({ page, context }) => {
    const voice = await choose(page, "voice.wav");
    await expect(voice.locator(".bars li")).toHaveCount(8);
    const before = await voice.locator(".bars li").allTextContents();
    await (await enrolling(page, "anna", "voice.wav", "short.wav")).getByRole("button", { name: "Enroll" }).click();
    await expect.poll(() => voice.locator(".bars li").allTextContents()).not.toEqual(before);
    const other = await context.newPage();
    await other.goto("/");
    await other.evaluate(() => localStorage.removeItem("ser.speaker.anna"));
    const speaker = page.getByRole("combobox", { name: "Speaker" });
    await expect(speaker.getByRole("option")).toHaveText(["anybody"]);
    await expect(speaker).toHaveValue("");
    await expect.poll(() => voice.locator(".bars li").allTextContents()).toEqual(before);
});

test("nothing is answered with a speaker whose profile is gone", async ({ page }) => {
    await (await enrolling(page, "anna", "short.wav")).getByRole("button", { name: "Enroll" }).click();
    await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("anna");
    await page.evaluate(() => localStorage.removeItem("ser.speaker.anna"));
    const voice = await choose(page, "voice.wav");
    await expect(voice.getByRole("alert")).toContainText("anna is not enrolled in this browser");
    await expect(voice.locator(".answer")).toHaveCount(0);
});

test("a name that the service would refuse is not accepted", async ({ page }) => {
    const name = (await enrolling(page, "anna")).getByLabel("Name");
    for (const [text, isRefused] of [
        ["anna", false],
        ["Zoë_2", false],
        [".anna", true],
        ["-anna", true],
    ] as const) {
        await name.fill(text);
        expect(await name.evaluate((input: HTMLInputElement) => input.validity.patternMismatch), text).toBe(isRefused);
    }
});

test("a speaker is enrolled by talking", async ({ page }) => {
    await page.getByText("How to answer").click();
    await page.getByRole("button", { name: "Enroll a speaker" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("me");
    await dialog.getByRole("button", { name: "Talk" }).click();
    await expect.poll(async () => Number(await dialog.getByRole("progressbar").getAttribute("value"))).toBeGreaterThan(4);
    await dialog.getByRole("button", { name: "Stop" }).click();
    await dialog.getByRole("button", { name: "Enroll" }).click();
    await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("me");
});

test("a speaker is enrolled from talk and recordings together", async ({ page }) => {
    await page.getByRole("radio", { name: /the service/ }).check();
    const sent = await page.evaluateHandle(() => {
        const sent: string[] = [];
        const { fetch } = globalThis;
        globalThis.fetch = (route, init) => {
            if (init?.method === "PUT") {
                sent.push(...(init.body as FormData).getAll("recording").map((file) => (file as File).name));
            }
            return fetch(route, init);
        };
        return sent;
    });
    const dialog = await enrolling(page, "dora", "short.wav");
    await dialog.getByRole("button", { name: "Talk" }).click();
    await expect.poll(async () => Number(await dialog.getByRole("progressbar").getAttribute("value"))).toBeGreaterThan(4);
    await dialog.getByRole("button", { name: "Stop" }).click();
    await dialog.getByLabel("Recordings").setInputFiles(["voice.wav", "short.wav"].map(file));
    await dialog.getByRole("button", { name: "Enroll" }).click();
    await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("dora");
    expect(await sent.jsonValue()).toEqual(["talk.wav", "voice.wav", "short.wav"]);
});

test("only the labels that can be are answered", async ({ page }) => {
    const voice = await choose(page, "voice.wav");
    await page.getByText("How to answer").click();
    for (const label of ["neutral", "calm", "angry", "fearful", "disgust", "surprised"]) {
        await page.getByRole("checkbox", { name: label }).uncheck();
    }
    await expect(page.getByRole("checkbox", { name: "happy" })).toBeDisabled();
    const answer = await (await served(page, "predict", "voice.wav", {}, { labels: "happy,sad" })).json();
    await expect.poll(() => voice.locator(".bars li").allTextContents()).toEqual(percentages(answer.probabilities));
});

test("what was found is handed to other programs", async ({ page }) => {
    const long = await choose(page, "long.wav");
    let downloads = 0;
    page.on("download", () => downloads++);
    for (const [form, type] of [["WebVTT captions", "text/vtt"], ["Praat TextGrid", "text/x-textgrid"], ["SubRip captions", "application/x-subrip"]]) {
        const saved = await exported(page, long, form ?? "");
        const text = readFileSync(await saved.path(), "utf8");
        expect(text).toBe(await (await served(page, "timeline", "long.wav", { Accept: type })).text());
    }
    const count = await spans(long).count();
    for (const [form, name, pattern, expected] of [
        ["CSV", "long.csv", /\n/g, 1 + count],
        ["ELAN annotations", "long.eaf", /<ANNOTATION>/g, count],
    ] as const) {
        const saved = await exported(page, long, form);
        expect(saved.suggestedFilename()).toBe(name);
        const text = readFileSync(await saved.path(), "utf8");
        expect(text.match(pattern)).toHaveLength(expected);
    }
    // The choice of a form alone saves nothing.
    expect(downloads).toBe(5);
});

test("the saved answers are those on the page, and the others are named", async ({ page, complaints }) => {
    const save = async () => {
        const saved = page.waitForEvent("download");
        await page.getByRole("button", { name: "Save all answers" }).click();
        const lines = readFileSync(await (await saved).path(), "utf8").trim().split("\n");
        return lines.filter(Boolean).map((line) => JSON.parse(line).file);
    };
    const voice = await choose(page, "voice.wav", "long.wav");
    await expect(voice.locator(".answer strong")).toBeVisible();
    await expect(card(page, "long.wav").getByLabel("Export")).toBeVisible();
    expect(await save()).toEqual(["voice.wav"]);
    await expect(page.getByText("answers.jsonl lacks long.wav.")).toBeVisible();

    const problem = { detail: "the service is busy", next: "try again" };
    await page.route("**/v1/predict", (route) =>
        route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }),
    );
    await page.getByRole("radio", { name: /the service/ }).check();
    await expect(voice.getByRole("alert")).toHaveText("the service is busy; try again");
    expect(await save()).toEqual([]);
    await expect(page.getByText("answers.jsonl lacks voice.wav, long.wav.")).toBeVisible();
    expect(complaints.splice(0)).toEqual([expect.stringContaining("503")]);

    await page.getByRole("button", { name: "Remove all" }).click();
    await expect(page.getByText("answers.jsonl lacks")).toHaveCount(0);
});

test("a call is heard channel by channel", async ({ page }) => {
    const call = await choose(page, "call.wav");
    const of = async (channel: number) => {
        const timeline = await (await served(page, "timeline", "call.wav", {}, { channel })).json();
        return listed(timeline.spans);
    };
    const [first, second] = [await of(1), await of(2)];
    expect(second).not.toEqual(first);
    await spans(call).first().click();
    await call.getByRole("button", { name: /^Why \w+\?$/ }).click();
    await expect(call.getByRole("region", { name: /rests on/ })).toBeVisible();
    await call.getByRole("button", { name: "Channel 2" }).click();
    await expect(call.getByText("Channel 2 alone")).toBeVisible();
    await expect(call.getByRole("button", { name: "Channel 2", pressed: true })).toBeFocused();
    await expect(call.getByRole("region", { name: /rests on/ })).toHaveCount(0);
    await expect.poll(() => spans(call).allTextContents()).toEqual(second);
    await call.getByRole("button", { name: "Channel 1" }).click();
    await expect.poll(() => spans(call).allTextContents()).toEqual(first);
});

test("every channel of a recording can be heard by itself", async ({ page }) => {
    const json = { file: "voice.wav", seconds: 2, channels: 3, channels_apart: true, spans: [], synthetic_model: false };
    await page.route("**/v1/timeline", (route) => route.fulfill({ json }));
    await page.getByRole("radio", { name: /the service/ }).check();
    const meeting = await choose(page, "voice.wav");
    await expect(meeting.getByText("Some channels have nothing in common")).toBeVisible();
    await expect(meeting.getByRole("button", { name: /^Channel/ })).toHaveText(["Channel 1", "Channel 2", "Channel 3"]);
});

test("why of a piece of a call rests on the channel that was heard", async ({ page }) => {
    await page.getByRole("radio", { name: /the service/ }).check();
    const call = await choose(page, "call.wav");
    await call.getByRole("button", { name: "Channel 2" }).click();
    await expect(call.getByText("Channel 2 alone")).toBeVisible();
    await spans(call).first().click();
    await call.getByRole("button", { name: /^Why \w+\?$/ }).click();
    const why = call.getByRole("region", { name: /rests on/ });
    await expect(why.getByRole("img")).toHaveAttribute("alt", /rests on/, { timeout: 60_000 });
});

test("what is no recording is told, and the others are answered", async ({ page }) => {
    const none = await choose(page, "none.mp3", "voice.wav");
    await expect(none.getByRole("alert")).toContainText("none.mp3");
    await expect(card(page, "voice.wav").locator(".answer strong")).toBeVisible();
    await page.getByRole("button", { name: "Remove none.mp3" }).click();
    await expect(none).toHaveCount(0);
});

test("it answers without a network, once it was loaded", async ({ page, context, complaints }) => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await context.setOffline(true);
    await page.reload();
    await expect((await choose(page, "voice.wav")).locator(".answer strong")).toBeVisible();
    // The page has looked for a service, and found no network.
    expect(complaints.splice(0)).toEqual(["Failed to load resource: net::ERR_INTERNET_DISCONNECTED"]);
});

test("the model comes from the network while there is one, and replaces the kept one", async ({ page }) => {
    await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        for (const name of await caches.keys()) {
            await (await caches.open(name)).put("model.safetensors", new Response("another model"));
        }
    });
    await page.reload();
    await expect((await choose(page, "voice.wav")).locator(".answer strong")).toBeVisible();
    const begins = () => page.evaluate(async () => (await (await caches.match("model.safetensors"))?.text())?.slice(0, 13));
    await expect.poll(begins).not.toBe("another model");
});

test("a static host has no service to choose", async ({ page }) => {
    await page.route("**/v1/model", (route) => route.fulfill({ status: 200, contentType: "text/html", body: "no such page" }));
    await page.goto("/");
    await expect((await choose(page, "voice.wav")).locator(".answer strong")).toBeVisible();
    await expect(page.getByRole("radio")).toHaveCount(0);
});

for (const [what, status, contentType, needsToken] of [
    ["with a parameter in its media type", 200, "application/json; charset=utf-8", false],
    ["that is busy", 503, "application/problem+json", false],
    ["that wants a token", 401, "application/problem+json", true],
] as const) {
    test(`a service ${what} can be chosen`, async ({ page, complaints }) => {
        const body = status === 200 ? await (await page.request.get("v1/model")).text() : "{}";
        await page.route("**/v1/model", (route) => route.fulfill({ status, contentType, body }));
        await page.goto("/");
        await page.getByRole("radio", { name: /the service/ }).check();
        await expect(page.getByLabel("Token")).toHaveCount(Number(needsToken));
        expect(complaints.splice(0).filter((text) => !text.includes(`${status}`))).toEqual([]);
    });
}

test("the caches of other pages are left alone", async ({ page }) => {
    const { older, others } = await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        await registration.unregister();
        const { scope } = registration;
        const older = `ser ${scope} older`;
        const others = ["another page", `ser ${scope}below/ 1`];
        await Promise.all([older, ...others].map((name) => caches.open(name)));
        await navigator.serviceWorker.register("offline.js");
        return { older, others };
    });
    const names = () => page.evaluate(() => caches.keys());
    await expect.poll(names).not.toContain(older);
    expect(await names()).toEqual(expect.arrayContaining(others));
});

test.describe("with a broken file", () => {
    // Otherwise the files would not come from the network.
    test.use({ serviceWorkers: "block" });

    test("recordings are answered after the worker could not be loaded once", async ({ page }) => {
        await page.route("**/worker.js", (route) => route.fulfill({ status: 404 }), { times: 1 });
        await page.goto("/");
        await expect(page.getByRole("alert")).toContainText("worker.js cannot be loaded");
        for (const name of ["voice.wav", "short.wav"]) {
            await expect((await choose(page, name)).locator(".answer strong")).toBeVisible();
            await expect(page.getByRole("alert")).toHaveCount(0);
            await expect(page.getByText("How to answer")).toBeVisible();
        }
    });

    test("a recording ends when the engine crashes, and is kept", async ({ page }) => {
        await page.route("**/ser_web.js", async (route) => {
            const crash = 'Listener.prototype.push = () => { throw new WebAssembly.RuntimeError("unreachable"); };';
            const response = await route.fetch();
            await route.fulfill({ response, body: `${await response.text()}\n${crash}` });
        });
        const live = page.getByRole("region", { name: "Microphone" });
        await live.getByRole("button", { name: "Record" }).click();
        await expect(live.getByRole("alert")).toContainText("crashed");
        await expect(live.getByRole("button", { name: "Record" })).toBeVisible();
        await expect(page.getByRole("article", { name: /^recorded at/ })).toBeVisible();
    });
});

test("an engine that cannot hear live sound is ended", async ({ page }) => {
    await (await enrolling(page, "anna", "short.wav")).getByRole("button", { name: "Enroll" }).click();
    await expect(page.getByRole("combobox", { name: "Speaker" })).toHaveValue("anna");
    await page.evaluate(() => localStorage.setItem("ser.speaker.anna", "{}"));
    const live = page.getByRole("region", { name: "Microphone" });
    await live.getByRole("button", { name: "Record" }).click();
    await expect(live.getByRole("alert")).toContainText("speaker");
    await expect(live.getByRole("button", { name: "Record" })).toBeVisible();
    await expect.poll(() => page.workers().length).toBe(1);
});

for (const colorScheme of ["light", "dark"] as const) {
    for (const [device, width] of [["phone", 360], ["desktop", 1280]] as const) {
        test(`it can be read by all, ${colorScheme}, ${device}`, async ({ page }) => {
            await page.emulateMedia({ colorScheme });
            await page.setViewportSize({ width, height: 800 });
            await page.getByText("How to answer").click();
            const long = await choose(page, "long.wav", "short.wav");
            await expect(spans(long).first()).toBeVisible();
            await expect(card(page, "short.wav").locator(".answer strong")).toBeVisible();
            await spans(long).nth(2).click();
            await accessible(page);
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
            await picture(page, `${colorScheme}-${device}`);
        });
    }
}

test("colours that the system forces leave what is chosen, and the emotions", async ({ page }) => {
    await page.emulateMedia({ forcedColors: "active" });
    const call = await choose(page, "call.wav");
    await call.getByRole("button", { name: "Channel 1" }).click();
    await expect(call.getByText("Channel 1 alone")).toBeVisible();
    await spans(call).first().click();
    for (const chosen of [call.getByRole("button", { name: "Channel 1" }), spans(call).first()]) {
        await expect(chosen).toHaveCSS("outline-style", "solid");
    }
    for (const coloured of [spans(call).first().locator(".dot"), call.locator(".bar span").first()]) {
        const own = await coloured.evaluate((element) => (element as HTMLElement).style.background);
        await expect(coloured).toHaveCSS("background-color", own);
    }
});
