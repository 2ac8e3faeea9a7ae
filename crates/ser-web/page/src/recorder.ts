// Runs in the audio thread, and passes samples on, a few blocks at a time.

declare class AudioWorkletProcessor {
    readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Number of samples that are passed on at a time: 21 ms at 48 kHz, which is the delay that this adds to answers. */
const BLOCK = 1024;

class Recorder extends AudioWorkletProcessor {
    #block = new Float32Array(BLOCK);
    #filled = 0;

    process([input]: Float32Array[][]): boolean {
        const samples = input?.[0];
        if (samples) {
            this.#block.set(samples, this.#filled);
            this.#filled += samples.length;
        }
        if (this.#filled + 128 > BLOCK) {
            const block = this.#block.slice(0, this.#filled);
            this.port.postMessage(block, [block.buffer]);
            this.#filled = 0;
        }
        return true;
    }
}

registerProcessor("recorder", Recorder);
