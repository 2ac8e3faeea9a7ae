import { wav } from "./wav";

/** Seconds of which the samples are kept at hand; what is older the browser may move out of memory. */
const AT_HAND = 10;

/** Samples of a microphone as they come. */
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

    /** The last seconds, 10 at most. */
    last(seconds: number): File {
        const count = Math.ceil((seconds * this.rate) / (this.#blocks.at(-1)?.length ?? 1));
        return wav(this.#blocks.slice(-count), this.rate, "live");
    }

    all(name: string): File {
        return wav([...this.#older, ...this.#blocks], this.rate, name);
    }
}
