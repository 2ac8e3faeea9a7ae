import type { Peaks, Span } from "./answers";
import { colour } from "./colours";
import { clock } from "./words";

interface Drawn {
    spans: Span[];
    peaks: Peaks | undefined;
    /** The largest peak, which fills the height. */
    loudest: number;
    /** The part that is shown, in seconds. */
    start: number;
    end: number;
    /** Position of playback, in seconds. */
    at: number;
}

/** Height of the time axis below the sound, in CSS pixels. */
const TIMES = 18;
/** Least distance between two labels of the time axis, in CSS pixels. */
const APART = 80;
/** Possible distances between two labels of the time axis, in seconds. */
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];

/**
 * Returns how opaque the colour of an emotion is behind its label: at most 0.57, because the label would be hard to read on a stronger
 * colour, such as the orange of `happy` in the dark theme.
 */
export function opacity({ uncertain, confidence }: Pick<Span, "uncertain" | "confidence">): number {
    return uncertain ? 0.2 : 0.3 + 0.27 * confidence;
}

/** Draws a recording: its outline over the colours of the emotions, which are pale where the answer is uncertain. */
export function draw(canvas: HTMLCanvasElement, { spans, peaks, loudest, start, end, at }: Drawn) {
    const scale = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    if (!context) {
        return;
    }
    const style = getComputedStyle(canvas);
    const [ink, muted] = [style.getPropertyValue("--ink"), style.getPropertyValue("--muted")];
    context.scale(scale, scale);
    const x = (seconds: number) => ((seconds - start) / (end - start)) * width;
    const bottom = height - TIMES;

    for (const span of spans.filter((span) => span.end > start && span.start < end)) {
        const [left, right] = [x(span.start), x(span.end)];
        context.fillStyle = colour(span.emotion);
        context.globalAlpha = opacity(span);
        context.fillRect(left, 0, Math.max(1, right - left - 1), bottom);
        context.globalAlpha = 1;
        context.fillRect(left, bottom - 4, Math.max(1, right - left - 1), 4);
        if (right - left > 60) {
            context.fillStyle = ink;
            context.font = "12px system-ui, sans-serif";
            context.fillText(`${span.emotion}${span.uncertain ? "?" : ""}`, left + 4, 14, right - left - 8);
        }
    }

    if (peaks) {
        const middle = bottom / 2;
        context.fillStyle = ink;
        for (let column = 0; column < width; column++) {
            const first = Math.floor((start + (column / width) * (end - start)) / peaks.seconds);
            const last = Math.max(first + 1, Math.floor((start + ((column + 1) / width) * (end - start)) / peaks.seconds));
            const values = peaks.pairs.subarray(2 * first, 2 * last);
            if (values.length) {
                const [low, high] = [Math.min(...values) / loudest, Math.max(...values) / loudest];
                const top = middle - high * (middle - 16);
                context.fillRect(column, top, 1, Math.max(1, (high - low) * (middle - 16)));
            }
        }
    }

    context.fillStyle = muted;
    context.font = "11px system-ui, sans-serif";
    const step = STEPS.find((step) => (step / (end - start)) * width > APART) ?? 7200;
    for (let time = Math.ceil(start / step) * step; time < end; time += step) {
        context.fillRect(x(time), bottom, 1, 5);
        const text = step < 1 ? clock(time) : clock(time).slice(0, -2);
        if (x(time) + context.measureText(text).width + 3 < width) {
            context.fillText(text, x(time) + 3, height - 4);
        }
    }

    context.fillStyle = style.getPropertyValue("--accent");
    context.fillRect(Math.min(width - 2, Math.max(0, x(at) - 1)), 0, 2, bottom);
}
