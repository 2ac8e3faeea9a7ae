// Tests what the page does when the browser, the microphone, the network or the service fails.
import { type Route, expect } from "@playwright/test";

import { choose, enrolling, hesitate, test } from "./page";

test("a browser that keeps no data answers, but enrolls nobody", async ({ page }) => {
    await page.addInitScript(() => {
        const get = () => {
            throw new DOMException("Access is denied for this document.", "SecurityError");
        };
        Object.defineProperty(globalThis, "localStorage", { get });
    });
    await page.goto("/");
    await expect((await choose(page, "voice.wav")).locator(".answer strong")).toBeVisible();
    const dialog = await enrolling(page, "anna", "short.wav");
    await expect(page.getByRole("combobox", { name: "Speaker", includeHidden: true }).locator("option")).toHaveText(["anybody"]);
    await dialog.getByRole("button", { name: "Enroll" }).click();
    await expect(dialog.getByRole("alert")).toContainText("the browser does not keep the speaker");
});

test("a speaker whom the service no longer knows is forgotten", async ({ page, complaints }) => {
    await page.getByRole("radio", { name: /the service/ }).check();
    await (await enrolling(page, "carla", "short.wav")).getByRole("button", { name: "Enroll" }).click();
    const speaker = page.getByRole("combobox", { name: "Speaker" });
    await expect(speaker).toHaveValue("carla");
    expect((await page.request.delete("v1/speakers/carla")).status()).toBe(204);
    await page.getByRole("button", { name: "Forget carla" }).click();
    await expect(speaker.getByRole("option")).toHaveText(["anybody"]);
    await expect(page.getByRole("alert")).toHaveCount(0);
    expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
});

test("a page without HTTPS says what the microphone needs", async ({ page }) => {
    await page.evaluate(() => Object.defineProperty(navigator, "mediaDevices", { value: undefined }));
    const live = page.getByRole("region", { name: "Microphone" });
    await live.getByRole("button", { name: "Record" }).click();
    await expect(live.getByRole("alert")).toContainText("HTTPS or localhost");
});

test("what was recorded is kept when the microphone is unplugged", async ({ page }) => {
    const user = await hesitate(page);
    const live = page.getByRole("region", { name: "Microphone" });
    await live.getByRole("button", { name: "Record" }).click();
    await user.allow();
    await expect.poll(async () => Number(await live.getByRole("meter").getAttribute("value"))).toBeGreaterThan(-40);
    await user.unplug();
    await expect(live.getByRole("alert")).toContainText("the microphone was disconnected");
    await expect(page.getByRole("article", { name: /^recorded at/ })).toBeVisible();
    expect(await user.states()).toEqual(["ended"]);
});

test("what was recorded is kept at once when the service has stalled", async ({ page }) => {
    // This service takes the sound and says nothing.
    await page.routeWebSocket(/\/v1\/listen/, () => {});
    await page.goto("/");
    await page.getByRole("radio", { name: /the service/ }).check();
    const live = page.getByRole("region", { name: "Microphone" });
    await live.getByRole("button", { name: "Record" }).click();
    await expect.poll(async () => Number(await live.getByRole("meter").getAttribute("value"))).toBeGreaterThan(-40);
    await live.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByRole("article", { name: /^recorded at/ })).toBeVisible({ timeout: 8_000 });
    await expect(live.getByRole("alert")).toContainText("the last answers are missing");
    await expect(live.getByRole("button", { name: "Record" })).toBeVisible();
});

test("a recording ends when the service does not keep up, and is kept", async ({ page }) => {
    await page.addInitScript(() => {
        const { WebSocket } = globalThis;
        globalThis.WebSocket = class extends WebSocket {
            override get bufferedAmount() {
                return 5_000_000;
            }
        };
    });
    await page.goto("/");
    await page.getByRole("radio", { name: /the service/ }).check();
    const live = page.getByRole("region", { name: "Microphone" });
    await live.getByRole("button", { name: "Record" }).click();
    await expect(live.getByRole("alert")).toContainText("does not keep up");
    await expect(live.getByRole("button", { name: "Record" })).toBeVisible();
    await expect(page.getByRole("article", { name: /^recorded at/ })).toBeVisible();
});

test.describe("with a token", () => {
    test.beforeEach(async ({ page }) => {
        await page.route("**/v1/model", (route) =>
            route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" }),
        );
        // Notes the subprotocols of each WebSocket.
        await page.addInitScript(() => {
            const { WebSocket } = globalThis;
            globalThis.WebSocket = class extends WebSocket {
                constructor(url: string | URL, protocols?: string | string[]) {
                    super(url, protocols);
                    Object.assign(globalThis, { protocols });
                }
            };
        });
        await page.goto("/");
        await page.getByRole("radio", { name: /the service/ }).check();
        await expect(page.getByRole("alert")).toContainText("401");
    });

    test.afterEach(({ complaints }) => {
        expect(complaints.splice(0).filter((text) => !text.includes("401"))).toEqual([]);
    });

    test("the service is asked when the token is complete", async ({ page }) => {
        const asked: string[] = [];
        page.on("request", (request) => request.url().endsWith("v1/model") && asked.push(request.headers().authorization ?? ""));
        await page.getByLabel("Token").pressSequentially("secret");
        await page.keyboard.press("Tab");
        await expect.poll(() => asked).toEqual(["Bearer secret"]);
    });

    test("live sound is sent with any token", async ({ page }) => {
        await page.getByLabel("Token").fill("a/b=(c)");
        await page.keyboard.press("Tab");
        const live = page.getByRole("region", { name: "Microphone" });
        await live.getByRole("button", { name: "Record" }).click();
        await expect(live.locator(".now .bars li").first()).toBeVisible();
        const protocols = await page.evaluate(() => (globalThis as unknown as { protocols: string[] }).protocols);
        expect(protocols).toEqual(["ser.v1", "bearer.a%2Fb%3D%28c%29"]);
        await live.getByRole("button", { name: "Stop" }).click();
        await expect(page.getByRole("article", { name: /^recorded at/ })).toBeVisible();
    });
});

test.describe("without a service worker", () => {
    // Otherwise the files would not come from the network.
    test.use({ serviceWorkers: "block" });

    test("recordings are answered after the model could not be loaded once", async ({ page, complaints }) => {
        // It fails after the page has asked the engine for something.
        const refuse = (route: Route) => setTimeout(() => void route.fulfill({ status: 404 }), 1000);
        await page.route("**/model.safetensors", refuse, { times: 1 });
        await page.goto("/");
        await expect(page.getByRole("alert")).toContainText("model.safetensors cannot be loaded");
        expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
        await expect(page.getByText("How to answer")).toHaveCount(0);
        await expect((await choose(page, "voice.wav")).locator(".answer strong")).toBeVisible();
        await expect(page.getByRole("alert")).toHaveCount(0);
        await expect(page.getByText("How to answer")).toBeVisible();
    });
});

test("a newer version of the page starts when the user wants it", async ({ page }) => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    await expect(page.getByText("How to answer")).toBeVisible();
    // Another address is another version to the browser.
    await page.evaluate(() => navigator.serviceWorker.register("offline.js?newer"));
    const loaded = page.waitForEvent("load");
    await page.getByRole("button", { name: "Reload" }).click();
    await loaded;
    expect(await page.evaluate(() => navigator.serviceWorker.controller?.scriptURL)).toMatch(/newer$/);
});

test("the page keeps its model when the host has another version", async ({ page, context }) => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    let asked = 0;
    await context.route("**/model.safetensors", (route) => (asked++, route.fulfill({ body: "another model" })));
    await context.route("**/offline.js", (route) => route.fulfill({ contentType: "text/javascript", body: "// another version" }));
    await page.reload();
    await expect((await choose(page, "voice.wav")).locator(".answer strong")).toBeVisible();
    expect(asked).toBeGreaterThan(0);
});
