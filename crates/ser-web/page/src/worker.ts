// The engine in a worker. It runs one call after another; each call and each reply is a message.

import init, { Engine } from "./ser_web.js";
import type { Form, Listener, Options, Span, Stored } from "./ser_web.js";
import { wav } from "./wav";

declare class FileReaderSync {
    readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Seconds of a recording that are processed in one step; a report can follow each step. */
const STEP = 5;
/** Least number of parts in the outline of a recording. */
const PEAKS = 4000;
/** Least time between two reports, in milliseconds. */
const REPORTS = 1000;

type Tell = (told: unknown) => void;

const reader = new FileReaderSync();

/** Returns a file that is read piece by piece. */
function stored(file: Blob): Stored {
    const read = (at: number, length: number) => new Uint8Array(reader.readAsArrayBuffer(file.slice(at, at + length)));
    return { size: file.size, read };
}

/** Limits how often `report` is called. */
function nowAndThen<Told extends unknown[]>(report: (...told: Told) => void): typeof report {
    let last = 0;
    return (...told) => {
        if (performance.now() - last > REPORTS) {
            last = performance.now();
            report(...told);
        }
    };
}

let listener: Listener | undefined;

/** Returns the listener, which is lost when a crash has ended the worker and another one has taken its place. */
function listening(): Listener {
    if (!listener) {
        throw new Error("the engine has crashed and no longer hears the microphone; record again");
    }
    return listener;
}

const calls = {
    model: (engine: Engine) => engine.model(),

    /** Returns the length in seconds that a recording states, or infinity if it states none. */
    duration(engine: Engine, _: Tell, file: File) {
        const timeline = engine.timeline(stored(file), 1);
        const { duration } = timeline;
        timeline.free();
        return duration ?? Infinity;
    },

    predict: (engine: Engine, _: Tell, file: File, options: Options) => engine.predict(stored(file), options),

    /** Reports the spans since the last report, and returns the remaining ones. */
    timeline(engine: Engine, tell: Tell, file: File, options: Options) {
        const timeline = engine.timeline(stored(file), PEAKS, options);
        const report = nowAndThen(() => {
            const { heard, duration } = timeline;
            tell({ spans: spans.splice(0), heard, duration, peaks: timeline.peaks() });
        });
        const spans: Span[] = [];
        for (let complete; (complete = timeline.next(STEP)); ) {
            spans.push(...complete);
            report();
        }
        const { heard: seconds, channels, channelsApart, damage } = timeline;
        const peaks = timeline.peaks();
        timeline.free();
        return { spans, seconds, channels, channelsApart, damage, peaks };
    },

    peaks: (engine: Engine, _: Tell, file: File, options: Options) => engine.peaks(stored(file), PEAKS, options),

    explain: (engine: Engine, tell: Tell, file: File, options: Options) =>
        engine.explain(stored(file), options, nowAndThen(tell)).svg,

    enroll(engine: Engine, _: Tell, files: File[]) {
        const names = files.map((file) => file.name);
        return engine.enroll(files.map(stored), names);
    },

    captions: (engine: Engine, _: Tell, spans: Span[], form: Form, seconds: number, name: string) =>
        engine.captions(spans, form, seconds, name),

    /** Returns the samples between two times, in blocks, to play a format that the browser cannot play, or a piece. */
    decode(engine: Engine, _: Tell, file: File, options: Options, start: number, end: number) {
        const decoder = engine.decode(stored(file), options);
        const { rate } = decoder;
        const [first, last] = [Math.round(start * rate), Math.round(end * rate)];
        const blocks: Blob[] = [];
        for (let at = 0, block; at < last && (block = decoder.next()); at += block.length) {
            const wanted = block.subarray(Math.max(0, first - at), Math.max(0, last - at));
            if (wanted.length) {
                blocks.push(new Blob([wanted.slice()]));
            }
        }
        decoder.free();
        return { rate, blocks };
    },

    listen(engine: Engine, _: Tell, rate: number, options: Options) {
        listener = engine.listen(rate, options);
    },
    push: (_: Engine, __: Tell, samples: Float32Array) => listening().push(samples),
    finish: (_: Engine, __: Tell) => listening().finish(),
};

/** The calls that a worker accepts. */
export type Calls = typeof calls;
export interface Request {
    id: number;
    call: keyof Calls;
    args: unknown[];
}
/** A reply of the worker; `broken` means that it can take no more calls. */
export type Reply = { id: number } & ({ result: unknown } | { told: unknown } | { error: string; broken: boolean });

/** The parts of the engine. */
export interface Parts {
    module: WebAssembly.Module;
    model: ArrayBuffer;
}

let start: (parts: Parts) => void;
const engine = new Promise<Parts>((resolve) => (start = resolve)).then(async (parts) => {
    await init({ module_or_path: parts.module });
    return new Engine(new Uint8Array(parts.model));
});
// A browser optimises only code that has run, so the engine answers a second of noise before the user chooses a recording.
const noise = Float32Array.from({ length: 48_000 }, () => (Math.random() - 0.5) / 10);
const warmUp = (engine: Engine) => engine.predict(stored(wav([noise], noise.length, "noise")));
engine.then((engine) => setTimeout(() => warmUp(engine))).catch(() => undefined);

const reply = (reply: Reply) => postMessage(reply);

onmessage = async ({ data }: MessageEvent<Parts | Request>) => {
    if (!("call" in data)) {
        start(data);
        return;
    }
    const { id, call, args } = data;
    try {
        const method = calls[call] as (engine: Engine, tell: Tell, ...args: unknown[]) => unknown;
        const result = method(await engine, (told) => reply({ id, told }), ...args);
        reply({ id, result });
    } catch (thrown) {
        // A panic ends the module.
        const broken = thrown instanceof WebAssembly.RuntimeError;
        const error = broken ? "the decoder crashed on this recording" : (thrown as Error).message;
        reply({ id, error, broken });
    }
};
