//! The TypeScript types of arguments and results. The objects are those of `ser --json`.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A recording in memory, or one that is read piece by piece, such as a `File` through `FileReaderSync` in a worker. */
export type Recording = Uint8Array | Stored;

export interface Stored {
    /** Size in bytes. */
    readonly size: number;
    /** Returns at most `length` bytes, starting at `at`. */
    read(at: number, length: number): Uint8Array;
}

export interface Options {
    /** Name of the recording in answers. */
    name?: string;
    /** The only labels to choose from; their probabilities sum to 1. */
    labels?: string[];
    /** The `profile` of a speaker, from `Engine.enroll`. */
    speaker?: Uint8Array;
    /** The only channel to use, counted from 1. Without it, all channels are compared, and mixed if they belong together. */
    channel?: number;
}

export interface Model {
    name: string;
    labels: string[];
    /** Number of trained parameters. */
    parameters: number;
    /** Fingerprint of the weights, which differs between models. */
    fingerprint: string;
    /** Whether an enrolled speaker makes a difference. */
    enrolls: boolean;
    /** Whether it was trained on synthetic voices. */
    synthetic: boolean;
}

export interface Answer {
    file: string;
    emotion: string;
    confidence: number;
    uncertain: boolean;
    seconds: number;
    probabilities: Record<string, number>;
    warnings: string[];
    synthetic_model: boolean;
}

export interface Span {
    channel?: number;
    start: number;
    end: number;
    emotion: string;
    confidence: number;
    uncertain: boolean;
    probabilities: Record<string, number>;
}

export interface Explanation {
    file: string;
    emotion: string;
    probability: number;
    uncertain: boolean;
    regions: { seconds: [number, number]; hertz: [number, number]; drop: number }[];
    warnings: string[];
    synthetic_model: boolean;
    /** The picture of `ser explain`. */
    svg: string;
}

export interface Enrollment {
    /** Number of recordings, or of pieces of longer ones, that the speaker was enrolled from. */
    clips: number;
    /** Seconds of speech that the speaker was enrolled from. */
    seconds: number;
    /** The value for `Options.speaker`: the file that `ser enroll` writes. */
    profile: Uint8Array;
    /** The names of the other recordings, each with the reason why it could not be used. */
    skipped: string[];
}

/** The outline: the smallest and the largest sample of every `seconds`, as consecutive pairs. */
export interface Peaks {
    seconds: number;
    pairs: Float32Array;
}

/** The formats that spans can be written in. */
export type Form = "csv" | "json" | "vtt" | "srt" | "txt" | "TextGrid" | "eaf" | "rttm" | "svg";
"#;

#[wasm_bindgen]
extern "C" {
    /// The TypeScript type `Model`.
    #[wasm_bindgen(typescript_type = "Model")]
    pub type ModelObject;
    /// The TypeScript type `Answer`.
    #[wasm_bindgen(typescript_type = "Answer")]
    pub type AnswerObject;
    /// The TypeScript type `Span[]`.
    #[wasm_bindgen(typescript_type = "Span[]")]
    pub type SpanObjects;
    /// The TypeScript type `Explanation`.
    #[wasm_bindgen(typescript_type = "Explanation")]
    pub type ExplanationObject;
    /// The TypeScript type `Enrollment`.
    #[wasm_bindgen(typescript_type = "Enrollment")]
    pub type EnrollmentObject;
    /// A function that is called with the share that is done, from 0 to 1.
    #[wasm_bindgen(typescript_type = "(share: number) => void", extends = js_sys::Function)]
    pub type Progress;
    /// The TypeScript type `Peaks`.
    #[wasm_bindgen(typescript_type = "Peaks")]
    pub type PeaksObject;
}
