// How the page says what it shows.

/** 0:12.3, 1:02:03.4 */
export function clock(seconds: number): string {
    const tenths = Math.round(seconds * 10);
    const [hours, minutes, rest] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
    const two = (n: number | string) => `${n}`.padStart(2, "0");
    return `${hours ? `${hours}:${two(minutes)}` : minutes}:${rest.toFixed(1).padStart(4, "0")}`;
}

export function percent(probability: number): string {
    return `${Math.round(100 * probability)} %`;
}

const REMARKS: Record<string, string> = {
    "no-speech": "no speech was found",
    "too-short": "there is very little speech in it",
    "very-quiet": "it is so quiet that little is left of the voice",
    clipped: "its peaks are cut off",
    narrowband: "it has the narrow band of a telephone",
    noisy: "the background is loud",
    damaged: "a part of it is missing",
    "out-of-distribution": "the model has learned from nothing like it (out of distribution)",
    long: "it is long, so that this is the mean over its pieces",
};

/** A remark of an answer in words. */
export function remark(word: string): string {
    return REMARKS[word] ?? word;
}

/** The program says `uncertain` where the confidence is as low as that of the least confident quarter in validation. */
export const UNCERTAIN = "uncertain: not to be relied on";

/** What an error says. */
export function reason(error: unknown): string {
    return error instanceof Error ? error.message : `${error}`;
}

/** Whether something was ended because nobody waits for it any more. */
export function isEnded(error: unknown): boolean {
    return error instanceof DOMException && error.name === "AbortError";
}

/** Hands a file to the user. */
export function download(content: Blob, name: string) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
