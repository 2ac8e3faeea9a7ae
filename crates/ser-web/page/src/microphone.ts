import { Tape } from "./tape";

/** A recording from the microphone. */
export interface Microphone {
    /** The sound recorded so far. */
    tape: Tape;
    /** Resolves when the microphone is closed, and rejects if that was not because of the signal. */
    closed: Promise<void>;
}

/**
 * Records until the signal is aborted. Opens the microphone without the processing of calls (noise suppression, gain control),
 * because that changes the voice.
 */
export async function microphone(
    signal: AbortSignal,
    hear: (samples: Float32Array, tape: Tape) => void,
): Promise<Microphone> {
    if (!navigator.mediaDevices) {
        throw new Error("the browser gives this page no microphone, because that needs HTTPS or localhost; open the page there");
    }
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const opening = navigator.mediaDevices.getUserMedia({ audio });
    let context: AudioContext | undefined;
    let lose: (error: Error) => void;
    const ended = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        lose = reject;
    });
    const close = async () => {
        // A page cannot withdraw the browser's question for permission. If the user allows the microphone after the recording has
        // ended, it is closed at once.
        void opening.then((stream) => stream.getTracks().forEach((track) => track.stop())).catch(() => undefined);
        await context?.close();
    };
    const open = async () => {
        const stream = await opening;
        signal.throwIfAborted();
        const lost = "the microphone was disconnected or is no longer allowed; check it, and record again";
        stream.getTracks().forEach((track) => (track.onended = () => lose(new Error(lost))));
        context = new AudioContext();
        await context.audioWorklet.addModule("recorder.js");
        const tape = new Tape(context.sampleRate);
        const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
        recorder.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => {
            tape.push(data);
            hear(data, tape);
        };
        context.createMediaStreamSource(stream).connect(recorder);
        await context.resume();
        return tape;
    };
    try {
        const tape = await Promise.race([open(), ended]);
        const closed = ended.catch(async (error) => {
            await close();
            if (!signal.aborted) {
                throw error;
            }
        });
        return { tape, closed };
    } catch (error) {
        await close();
        throw error;
    }
}
