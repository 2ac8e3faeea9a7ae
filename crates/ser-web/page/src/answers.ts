// What answers a recording: this browser or the service. The objects are those of `ser --json`.

import type { Answer, Model, Peaks, Span } from "./ser_web.js";

export type { Answer, Model, Peaks, Span };

/** How a recording is to be answered. */
export interface Asked {
    /** The only labels that can be. */
    labels?: string[];
    /** Name of a speaker who is enrolled. */
    speaker?: string;
    /** The only channel that is listened to, counted from 1. */
    channel?: number;
}

/** What is known of a recording while it is being heard. */
export interface Heard {
    spans: Span[];
    /** Seconds heard up to here. */
    heard: number;
    /** Its length in seconds, where the recording states it. */
    duration?: number | undefined;
    peaks: Peaks;
}

/** What a recording expresses when. */
export interface Timeline {
    spans: Span[];
    /** Its length. */
    seconds: number;
    /** Whether its channels have nothing in common, as in a call. */
    isCall: boolean;
    /** What it lacks, in words. */
    damage?: string | undefined;
    /** Its outline, where what answers has made one on its way. */
    peaks?: Peaks;
}

/** Live sound that is listened to. */
export interface Ear {
    push(samples: Float32Array): void;
    /** What a short recording expresses, beside the spans. */
    predict(recording: File, asked: Asked): Promise<Answer>;
    /** Ends when all that was pushed has been heard. */
    finish(): Promise<void>;
}

/** Hears spans of live sound as they end, or why there will be none any more. */
export type Hearer = (heard: { spans: Span[] } | { error: Error }) => void;

/** All of this may be ended early by a signal, and fails with a reason in words. */
export interface Answers {
    model(): Promise<Model>;
    predict(recording: File, asked: Asked, signal: AbortSignal): Promise<Answer>;
    timeline(recording: File, asked: Asked, signal: AbortSignal, tell: (soFar: Heard) => void): Promise<Timeline>;
    /** A picture (SVG) of what the answer rests on. */
    explain(recording: File, asked: Asked, signal: AbortSignal, tell: (share: number) => void): Promise<string>;
    listen(rate: number, asked: Asked, hearer: Hearer): Promise<Ear>;
    /** Learns how a speaker sounds on average; gives the seconds of speech it was learned from. */
    enroll(name: string, recordings: File[], signal: AbortSignal): Promise<number>;
    forget(name: string): Promise<void>;
    /** Names of those who are enrolled. */
    speakers(): string[];
}
