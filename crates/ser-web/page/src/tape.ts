import { wav } from "./wav";

/** Seconds of samples that stay in memory; the browser may move older samples out of it. */
const AT_HAND = 10;

/** Collects the samples of a microphone. */
export class Tape {
    #older: Blob[] = [];
    #blocks: Float32Array<ArrayBuffer>[] = [];
    #held = 0;
    #samples = 0;

    constructor(readonly rate: number) {}

    get seconds(): number {
        return this.#samples / this.rate;
    }

    push(samples: Float32Array<ArrayBuffer>) {
        this.#blocks.push(samples);
        this.#held += samples.length;
        this.#samples += samples.length;
        if (this.#held > 2 * AT_HAND * this.rate) {
            const half = this.#blocks.length >> 1;
            const older = this.#blocks.splice(0, half);
            this.#older.push(new Blob(older));
            this.#held = this.#blocks.reduce((sum, block) => sum + block.length, 0);
        }
    }

    /** Returns the last seconds, at most 10. */
    last(seconds: number): File {
        const count = Math.ceil((seconds * this.rate) / (this.#blocks.at(-1)?.length ?? 1));
        return wav(this.#blocks.slice(-count), this.rate, "live");
    }

    all(name: string): File {
        return wav([...this.#older, ...this.#blocks], this.rate, name);
    }
}
