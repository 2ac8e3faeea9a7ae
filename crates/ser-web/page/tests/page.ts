// The page in a browser, for tests. The service is the program `ser`, whose answers other tests check.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { type Locator, type Page, expect, test as base } from "@playwright/test";

const FOLDER = process.env.SER_RECORDINGS ?? "";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const file = (name: string) => path.join(FOLDER, name);
export const card = (page: Page, name: string) => page.getByRole("article", { name });
export const position = (card: Locator) => card.getByRole("slider");
export const spans = (card: Locator) => card.getByRole("listbox").getByRole("option");

export async function choose(page: Page, ...names: string[]): Promise<Locator> {
    await page.locator(".drop input").setInputFiles(names.map(file));
    return card(page, names[0] ?? "");
}

/** Drags a file onto a part of the page. */
export async function drop(page: Page, name: string, part = ".drop"): Promise<Locator> {
    const bytes = readFileSync(file(name)).toString("base64");
    const transfer = await page.evaluateHandle(
        ([bytes, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name));
            return transfer;
        },
        [bytes, name] as const,
    );
    await page.locator(part).dispatchEvent("drop", { dataTransfer: transfer });
    return card(page, name);
}

/** Returns the response of the service for a recording. */
export async function served(page: Page, route: string, name: string, headers = {}, fields = {}) {
    const recording = { name, mimeType: "application/octet-stream", buffer: readFileSync(file(name)) };
    return page.request.post(`v1/${route}`, { headers, multipart: { ...fields, recording } });
}

/** Opens the dialog to enrol a speaker from recordings. Tests that enrol with the service at the same time need different speakers. */
export async function enrolling(page: Page, speaker: string, ...names: string[]): Promise<Locator> {
    await page.getByText("How to answer").click();
    await page.getByRole("button", { name: "Enroll a speaker" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(speaker);
    await dialog.getByLabel("Recordings").setInputFiles(names.map(file));
    return dialog;
}

/**
 * Lets the user allow the microphone only when `allow` is called, and unplugs it when `unplug` is called; `states` are those of all
 * microphones that were opened.
 */
export async function hesitate(page: Page) {
    const asked = await page.evaluateHandle(() => {
        const media = navigator.mediaDevices;
        const ask = media.getUserMedia.bind(media);
        const tracks: MediaStreamTrack[] = [];
        let allow = () => {};
        const allowed = new Promise<void>((resolve) => (allow = resolve));
        media.getUserMedia = async (constraints) => {
            await allowed;
            const stream = await ask(constraints);
            tracks.push(...stream.getTracks());
            return stream;
        };
        return { allow: () => allow(), tracks };
    });
    return {
        allow: () => asked.evaluate(({ allow }) => allow()),
        unplug: () => asked.evaluate(({ tracks }) => tracks.forEach((track) => track.dispatchEvent(new Event("ended")))),
        states: () => asked.evaluate(({ tracks }) => tracks.map(({ readyState }) => readyState)),
    };
}

export async function accessible(page: Page) {
    await page.evaluate(AXE);
    const found = await page.evaluate(() => (globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }).axe.run());
    expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`)).toEqual([]);
}

/**
 * A test of the opened page. `complaints` are the errors that the browser reports: failed scripts, violations of the policy, missing
 * files.
 */
export const test = base.extend<{ complaints: string[] }>({
    complaints: [
        async ({ page, baseURL }, use) => {
            const complaints: string[] = [];
            page.on("pageerror", (error) => complaints.push(error.message));
            page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
            page.on("request", (request) => expect.soft(new URL(request.url()).origin).toMatch(new RegExp(`^(${baseURL}|null)$`)));
            await page.goto("/");
            await use(complaints);
            expect(complaints).toEqual([]);
        },
        { auto: true },
    ],
});
