// Tests the colours of the timeline, without a browser.
import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";

import { LABELS, colour } from "../src/colours";
import { opacity } from "../src/drawing";

type Rgb = number[];

function parsed(hex: string): Rgb {
    return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
}

/** Returns the relative luminance as WCAG defines it. */
function luminance(rgb: Rgb): number {
    const [red = 0, green = 0, blue = 0] = rgb.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Rgb, other: Rgb): number {
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
}

/** Returns the values that a variable of the style has in the light and in the dark theme. */
function themes(name: string): string[] {
    const style = readFileSync("static/style.css", "utf8");
    return [...style.matchAll(new RegExp(`--${name}: (#[0-9a-f]{6});`, "g"))].map(([, value]) => value ?? "");
}

for (const [number, theme] of ["light", "dark"].entries()) {
    test(`labels can be read on the colours of their emotions, ${theme}`, () => {
        const [ink = [], paper = []] = ["ink", "paper"].map((name) => parsed(themes(name)[number] ?? ""));
        const strongest = opacity({ uncertain: false, confidence: 1 });
        for (const label of LABELS) {
            const mixed = parsed(colour(label)).map((x, at) => strongest * x + (1 - strongest) * (paper[at] ?? 0));
            expect(contrast(ink, mixed), label).toBeGreaterThanOrEqual(4.5);
        }
    });
}
