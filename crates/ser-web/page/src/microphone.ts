import { Tape } from "./tape";

/** A recording from the microphone, until it is stopped. */
export interface Microphone {
    /** The sound recorded so far. */
    tape: Tape;
    stop(): Promise<void>;
}

/** Opens the microphone without the processing of calls (noise suppression, gain control), because that changes the voice. */
export async function microphone(hear: (samples: Float32Array, tape: Tape) => void): Promise<Microphone> {
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const context = new AudioContext();
    const stop = async () => {
        stream.getTracks().forEach((track) => track.stop());
        await context.close();
    };
    try {
        await context.audioWorklet.addModule("recorder.js");
        const tape = new Tape(context.sampleRate);
        const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
        recorder.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => {
            tape.push(data);
            hear(data, tape);
        };
        context.createMediaStreamSource(stream).connect(recorder);
        await context.resume();
        return { tape, stop };
    } catch (error) {
        await stop();
        throw error;
    }
}
