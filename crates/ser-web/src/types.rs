//! What JavaScript gives and gets, for TypeScript. The objects are those of `ser --json`.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A recording in memory, or one that is read where it lies: in a worker, a `File` by `FileReaderSync`. */
export type Recording = Uint8Array | Stored;

export interface Stored {
    /** Bytes. */
    readonly size: number;
    /** The bytes from `at` on, `length` of them or fewer. */
    read(at: number, length: number): Uint8Array;
}

export interface Options {
    /** Name of the recording, as answers show it. */
    name?: string;
    /** The only labels that can be; their probabilities sum to 1. */
    labels?: string[];
    /** A speaker, as `Engine.enroll` gives one. */
    speaker?: Uint8Array;
    /** The only channel that is listened to, counted from 1. Otherwise all are compared, and mixed if they belong together. */
    channel?: number;
}

export interface Model {
    name: string;
    labels: string[];
    /** Trained values. */
    parameters: number;
    /** Tells this model from others. */
    fingerprint: string;
    /** Whether a speaker makes a difference. */
    enrolls: boolean;
    /** Whether it was trained on generated voices. */
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
    synthetic_model: boolean;
    /** The picture of `ser explain`. */
    svg: string;
}

export interface Enrollment {
    /** Recordings it was made from. */
    clips: number;
    /** Seconds of speech in them. */
    seconds: number;
    /** What `Options.speaker` takes: the file that `ser enroll` keeps. */
    profile: Uint8Array;
    /** Why the others could not be used. */
    skipped: string[];
}

/** The least and the greatest sample of every `seconds`, one behind the other. */
export interface Peaks {
    seconds: number;
    pairs: Float32Array;
}

/** Forms that spans can be written in. */
export type Form = "csv" | "json" | "vtt" | "srt" | "txt" | "TextGrid" | "rttm" | "svg";
"#;

#[wasm_bindgen]
extern "C" {
    /// `Model`
    #[wasm_bindgen(typescript_type = "Model")]
    pub type ModelObject;
    /// `Answer`
    #[wasm_bindgen(typescript_type = "Answer")]
    pub type AnswerObject;
    /// `Span[]`
    #[wasm_bindgen(typescript_type = "Span[]")]
    pub type SpanObjects;
    /// `Explanation`
    #[wasm_bindgen(typescript_type = "Explanation")]
    pub type ExplanationObject;
    /// `Enrollment`
    #[wasm_bindgen(typescript_type = "Enrollment")]
    pub type EnrollmentObject;
    /// A function that is told a share, 0 to 1.
    #[wasm_bindgen(typescript_type = "(share: number) => void", extends = js_sys::Function)]
    pub type Progress;
    /// `Peaks`
    #[wasm_bindgen(typescript_type = "Peaks")]
    pub type PeaksObject;
}
