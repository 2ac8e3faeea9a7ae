// The words and number formats of the page.

/** Formats a time, such as 0:12.3 or 1:02:03.4. */
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
    "too-short": "there is very little speech in the recording",
    "very-quiet": "the recording is so quiet that little of the voice remains",
    clipped: "the peaks of the recording are cut off",
    narrowband: "the recording has the narrow band of a telephone",
    noisy: "the background is loud",
    damaged: "a part of the recording is missing",
    "channels-apart": "the channels have nothing in common, as in a call, and the answer is for their mean",
    "out-of-distribution": "the recording is unlike anything in training (out of distribution)",
    long: "the recording is long, so this answer is the mean over its pieces of speech",
};

/** Returns a remark of an answer in words. */
export function remark(word: string): string {
    return REMARKS[word] ?? word;
}

/** Returns the message of an error. */
export function reason(error: unknown): string {
    return error instanceof Error ? error.message : `${error}`;
}

/** Saves a file as a download. */
export function download(content: Blob, name: string) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
