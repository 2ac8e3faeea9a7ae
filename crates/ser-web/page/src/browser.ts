// The engine in this browser: nothing leaves the device.

import type { Answer, AnswerOptions, Answers, Enrolled, Heard } from "./answers";
import type { LiveStream, Model, Peaks, Span, SpanHandler, Timeline } from "./answers";
import type { Form, Options } from "./ser_web.js";
import { Profiles } from "./profiles";
import { wav } from "./wav";
import type { Calls, Parts, Reply, Request } from "./worker";

type Arguments<K extends keyof Calls> = Parameters<Calls[K]> extends [unknown, unknown, ...infer Rest] ? Rest : [];
type Tell = (told: never) => void;

interface Job {
    request: Omit<Request, "id">;
    tell?: Tell | undefined;
    resolve(result: unknown): void;
    reject(error: unknown): void;
}

let parts: Promise<Parts> | undefined;

/** Returns the module and the model, fetched and compiled once for all workers. After a failure, the next call tries again. */
function loaded(): Promise<Parts> {
    parts ??= load().catch((error: unknown) => {
        parts = undefined;
        throw error;
    });
    return parts;
}

async function load(): Promise<Parts> {
    const [module, model] = await Promise.all([
        fetched("ser_web_bg.wasm").then(compiled),
        fetched("model.safetensors").then((response) => response.arrayBuffer()),
    ]);
    return { module, model };
}

/** Compiles the module. Browsers cache a module between visits if they compile it while it downloads. */
async function compiled(response: Response): Promise<WebAssembly.Module> {
    const isNamed = response.headers.get("Content-Type") === "application/wasm";
    return isNamed ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

async function fetched(name: string): Promise<Response> {
    const response = await fetch(name).catch(() => undefined);
    if (!response?.ok) {
        throw new Error(`${name} cannot be loaded; check the connection, and try again`);
    }
    return response;
}

/** A worker that runs one job at a time. It is replaced when a job has crashed it or was aborted, or when it could not be loaded. */
class Engine {
    #worker: Worker | undefined;
    #jobs = new Map<number, Job>();
    #last = 0;
    #running: number | undefined;

    constructor() {
        this.#worker = this.#start();
    }

    call<K extends keyof Calls>(
        call: K,
        args: Arguments<K>,
        { signal, tell }: { signal?: AbortSignal | undefined; tell?: Tell } = {},
    ): Promise<ReturnType<Calls[K]>> {
        return new Promise((resolve, reject) => {
            signal?.throwIfAborted();
            const id = ++this.#last;
            const end = () => {
                this.#jobs.delete(id);
                if (this.#running === id) {
                    this.#replace();
                }
                reject(signal?.reason);
            };
            signal?.addEventListener("abort", end, { once: true });
            const settled = () => signal?.removeEventListener("abort", end);
            this.#jobs.set(id, {
                request: { call, args },
                tell,
                resolve: (result) => (settled(), resolve(result as ReturnType<Calls[K]>)),
                reject: (error) => (settled(), reject(error)),
            });
            this.#next();
        });
    }

    end() {
        this.#worker?.terminate();
        this.#worker = undefined;
        this.#running = undefined;
        this.#jobs.clear();
    }

    #start(): Worker {
        const worker = new Worker("worker.js", { type: "module" });
        loaded().then(
            (parts) => worker.postMessage(parts),
            (error: Error) => this.#fail(error.message),
        );
        worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#hear(data);
        worker.onerror = (event) =>
            this.#fail(event.message || "worker.js cannot be loaded; check the connection, and try again");
        return worker;
    }

    /** Ends all jobs because the engine could not be loaded. The next job tries again. */
    #fail(reason: string) {
        const jobs = [...this.#jobs.values()];
        this.end();
        jobs.forEach((job) => job.reject(new Error(reason)));
    }

    #replace() {
        this.#worker?.terminate();
        this.#worker = undefined;
        this.#running = undefined;
        this.#next();
    }

    /**
     * Begins the next job, and starts a worker for it or for a later one. This waits until all jobs that are aborted at this moment
     * are gone, because each of them would cost a worker.
     */
    #next() {
        queueMicrotask(() => {
            if (this.#running !== undefined) {
                return;
            }
            this.#worker ??= this.#start();
            const [next] = this.#jobs;
            if (next) {
                const [id, { request }] = next;
                this.#running = id;
                this.#worker.postMessage({ id, ...request });
            }
        });
    }

    #hear(reply: Reply) {
        const job = this.#jobs.get(reply.id);
        if (!job) {
            return;
        }
        if ("told" in reply) {
            job.tell?.(reply.told as never);
            return;
        }
        this.#jobs.delete(reply.id);
        this.#running = undefined;
        // This comes before the end of the job, because that may be followed by the end of the engine.
        if ("broken" in reply && reply.broken) {
            this.#replace();
        } else {
            this.#next();
        }
        if ("result" in reply) {
            job.resolve(reply.result);
        } else {
            job.reject(new Error(reply.error));
        }
    }
}

export class Browser implements Answers {
    #engine = new Engine();
    #profiles = new Profiles();

    #options(asked: AnswerOptions, name: string): Options {
        const { speaker, ...rest } = asked;
        if (speaker === undefined) {
            return { ...rest, name };
        }
        const profile = this.#profiles.get(speaker);
        if (!profile) {
            throw new Error(`${speaker} is not enrolled in this browser; choose another speaker, or enroll ${speaker} again`);
        }
        return { ...rest, name, speaker: profile };
    }

    model(): Promise<Model> {
        return this.#engine.call("model", []);
    }

    async predict(recording: File, asked: AnswerOptions, signal?: AbortSignal): Promise<Answer> {
        return this.#engine.call("predict", [recording, this.#options(asked, recording.name)], { signal });
    }

    async timeline(recording: File, asked: AnswerOptions, signal: AbortSignal, tell: (soFar: Heard) => void): Promise<Timeline> {
        let spans: Span[] = [];
        const hear = (told: Heard) => {
            spans = [...spans, ...told.spans];
            tell({ ...told, spans });
        };
        const args: Arguments<"timeline"> = [recording, this.#options(asked, recording.name)];
        const rest = await this.#engine.call("timeline", args, { signal, tell: hear });
        return { ...rest, spans: [...spans, ...rest.spans] };
    }

    async explain(recording: File, asked: AnswerOptions, signal: AbortSignal, tell: (share: number) => void): Promise<string> {
        return this.#engine.call("explain", [recording, this.#options(asked, recording.name)], { signal, tell });
    }

    async listen(rate: number, asked: AnswerOptions, signal: AbortSignal, handle: SpanHandler): Promise<LiveStream> {
        const options = this.#options(asked, "live");
        // Live sound has an engine of its own, so that it need not wait for recordings that are being answered.
        const engine = new Engine();
        const predict = async (file: File, asked: AnswerOptions) =>
            engine.call("predict", [file, this.#options(asked, file.name)]);
        const hear = (spans: Promise<Span[]>) =>
            spans.then((spans) => handle({ spans }), (error: Error) => handle({ error }));
        try {
            await engine.call("listen", [rate, options], { signal });
        } catch (error) {
            engine.end();
            throw error;
        }
        return {
            push: (samples) => void hear(engine.call("push", [samples])),
            predict,
            finish: async () => {
                await hear(engine.call("finish", []));
                engine.end();
            },
        };
    }

    async enroll(name: string, recordings: File[], signal: AbortSignal): Promise<Enrolled> {
        const { profile, seconds, skipped } = await this.#engine.call("enroll", [recordings], { signal });
        this.#profiles.set(name, profile);
        return { name, seconds, skipped };
    }

    async forget(name: string): Promise<void> {
        this.#profiles.remove(name);
    }

    speakers(): string[] {
        return this.#profiles.names();
    }

    /** Returns the length in seconds that a recording states, or infinity if it states none. */
    duration(recording: File, signal: AbortSignal): Promise<number> {
        return this.#engine.call("duration", [recording], { signal });
    }

    /** Returns the outline of a recording that another engine has answered. */
    peaks(recording: File, asked: AnswerOptions, signal: AbortSignal): Promise<Peaks> {
        return this.#engine.call("peaks", [recording, { ...channel(asked) }], { signal });
    }

    captions(spans: Span[], form: Form, seconds: number, name: string): Promise<string> {
        return this.#engine.call("captions", [spans, form, seconds, name]);
    }

    /** Returns a recording or a piece of it as WAV, which every browser plays. */
    async wav(recording: File, asked: AnswerOptions, signal: AbortSignal, start = 0, end = Infinity): Promise<File> {
        const args: Arguments<"decode"> = [recording, { ...channel(asked), name: recording.name }, start, end];
        const { rate, blocks } = await this.#engine.call("decode", args, { signal });
        return wav(blocks, rate, recording.name);
    }
}

function channel({ channel }: AnswerOptions): Pick<AnswerOptions, "channel"> {
    return channel === undefined ? {} : { channel };
}
