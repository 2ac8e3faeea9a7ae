// The interface of the two engines that answer: this browser and the service. The objects are those of `ser --json`.

import type { Answer, Model, Peaks, Span } from "./ser_web.js";

export type { Answer, Model, Peaks, Span };

/** The options for answering a recording. */
export interface AnswerOptions {
    /** The only labels to choose from. */
    labels?: string[];
    /** Name of an enrolled speaker. */
    speaker?: string;
    /** The only channel to use, counted from 1. */
    channel?: number;
}

/** The results so far for a recording that is being processed. */
export interface Heard {
    spans: Span[];
    /** Seconds processed so far. */
    heard: number;
    /** Length in seconds, if the recording states it. */
    duration?: number | undefined;
    peaks: Peaks;
}

/** The timeline of a recording. */
export interface Timeline {
    spans: Span[];
    /** Length of the recording. */
    seconds: number;
    /** Number of channels. */
    channels: number;
    /** Whether some channels have nothing in common, as in a call. */
    channelsApart: boolean;
    /** What is missing from a damaged recording, in words. */
    damage?: string | undefined;
    /** The outline, if the engine has computed it along the way. */
    peaks?: Peaks;
}

/** A stream of live sound that is being answered. */
export interface LiveStream {
    push(samples: Float32Array): void;
    /** Answers a short recording as a whole, in addition to the spans. */
    predict(recording: File, asked: AnswerOptions): Promise<Answer>;
    /** Resolves when all pushed samples have been processed, or when an error has ended the stream. */
    finish(): Promise<void>;
}

/** A speaker who has just been enrolled. */
export interface Enrolled {
    name: string;
    /** Seconds of speech in the recordings. */
    seconds: number;
    /** The names of the recordings that could not be used, each with the reason. */
    skipped: string[];
}

/** Receives the spans of live sound as they end, or the error that ends the stream. */
export type SpanHandler = (heard: { spans: Span[] } | { error: Error }) => void;

/** An engine that answers. A signal can abort its calls, and a failed call rejects with a message for the user. */
export interface Answers {
    model(): Promise<Model>;
    predict(recording: File, asked: AnswerOptions, signal: AbortSignal): Promise<Answer>;
    timeline(recording: File, asked: AnswerOptions, signal: AbortSignal, tell: (soFar: Heard) => void): Promise<Timeline>;
    /** Returns a picture (SVG) of the parts that the answer rests on. */
    explain(recording: File, asked: AnswerOptions, signal: AbortSignal, tell: (share: number) => void): Promise<string>;
    /** Opens a stream. Only the opening can be aborted; `finish` ends the stream. */
    listen(rate: number, asked: AnswerOptions, signal: AbortSignal, handle: SpanHandler): Promise<LiveStream>;
    enroll(name: string, recordings: File[], signal: AbortSignal): Promise<Enrolled>;
    forget(name: string): Promise<void>;
    /** Returns the names of the enrolled speakers. */
    speakers(): string[];
}
