// The engine of the service: recordings are sent to the host that served this page.

import type { Answer, AnswerOptions, Answers, Enrolled, LiveStream, SpanHandler, Model, Span, Timeline } from "./answers";
import { store, stored } from "./storage";

/** Key for the names of the speakers that this browser enrolled, because the service does not list its speakers. */
const SPEAKERS = "ser.service.speakers";
/** Most bytes of live sound that may wait to be sent: 20 s at 48 kHz. */
const MOST_WAITING = 4_000_000;
/** How long the last live answers may take after the end of the sound, in seconds. */
const LAST = 10;

interface Problem {
    title: string;
    detail: string;
    next: string;
}

function words(problem: Partial<Problem>): string {
    return [problem.detail ?? problem.title, problem.next].filter(Boolean).join("; ");
}

/** Finds out whether there is a service, and whether it needs a token. */
export async function serviceHere(): Promise<"open" | "token" | undefined> {
    try {
        const response = await fetch("v1/model");
        const kind = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
        // Some static hosts answer any address with a page of their own.
        if (kind !== "application/json" && kind !== "application/problem+json") {
            return undefined;
        }
        return response.status === 401 ? "token" : "open";
    } catch {
        return undefined;
    }
}

export class Service implements Answers {
    constructor(readonly token: string) {}

    /** Sends a request, and returns the response even if the service refuses the request. */
    async #send(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
        const headers = { ...init.headers, ...(this.token && { Authorization: `Bearer ${this.token}` }) };
        try {
            return await fetch(`v1/${path}`, { ...init, headers });
        } catch (error) {
            init.signal?.throwIfAborted();
            throw new Error("the service does not answer; check that `ser serve` is still running", { cause: error });
        }
    }

    async #ask(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
        return accepted(await this.#send(path, init));
    }

    async #post(path: string, accept: string, recording: File, asked: AnswerOptions, signal: AbortSignal | null) {
        const body = new FormData();
        for (const [name, value] of fields(asked)) {
            body.append(name, value);
        }
        body.append("recording", recording, recording.name);
        return this.#ask(path, { method: "POST", body, signal, headers: { Accept: accept } });
    }

    async model(): Promise<Model> {
        return (await this.#ask("model", {})).json();
    }

    async predict(recording: File, asked: AnswerOptions, signal: AbortSignal | null): Promise<Answer> {
        return (await this.#post("predict", "application/json", recording, asked, signal)).json();
    }

    async timeline(recording: File, asked: AnswerOptions, signal: AbortSignal): Promise<Timeline> {
        const response = await this.#post("timeline", "application/json", recording, asked, signal);
        const { spans, seconds, channels, channels_apart: channelsApart, damage } = await response.json();
        return { spans, seconds, channels, channelsApart, damage: damage ?? undefined };
    }

    async explain(recording: File, asked: AnswerOptions, signal: AbortSignal): Promise<string> {
        return (await this.#post("explain", "image/svg+xml", recording, asked, signal)).text();
    }

    async listen(rate: number, asked: AnswerOptions, signal: AbortSignal, handle: SpanHandler): Promise<LiveStream> {
        const url = new URL("v1/listen", document.baseURI);
        url.protocol = url.protocol.replace("http", "ws");
        url.search = new URLSearchParams([["rate", `${rate}`], ["format", "f32le"], ...fields(asked)]).toString();
        const socket = new WebSocket(url, this.token ? ["ser.v1", `bearer.${encoded(this.token)}`] : ["ser.v1"]);
        let hasEnded: () => void;
        // Whether the stream has begun, and neither side has ended it.
        let isOpen = false;
        const ended = new Promise<void>((resolve) => (hasEnded = resolve));
        const fail = (reason: string) => {
            isOpen = false;
            handle({ error: new Error(reason) });
            // A service that has stalled may never close its side, so nothing waits for that.
            socket.close();
            hasEnded();
        };
        const push = (samples: Float32Array) => {
            if (isOpen && socket.bufferedAmount > MOST_WAITING) {
                fail("the service does not keep up with the microphone; record again, or let this browser answer");
            } else if (isOpen) {
                socket.send(samples as Float32Array<ArrayBuffer>);
            }
        };
        const finish = async () => {
            if (isOpen) {
                isOpen = false;
                socket.send("end");
                const reason = `the last answers are missing, because the service has not sent them within ${LAST} s`;
                const late = setTimeout(() => fail(`${reason}; check that it is still running`), 1000 * LAST);
                await ended;
                clearTimeout(late);
            }
        };
        return new Promise((resolve, reject) => {
            const abort = () => {
                reject(signal.reason);
                socket.close();
            };
            signal.addEventListener("abort", abort, { once: true });
            socket.onopen = () => {
                signal.removeEventListener("abort", abort);
                isOpen = true;
                resolve({ push, predict: (file, asked) => this.predict(file, asked, null), finish });
            };
            socket.onmessage = ({ data }) => {
                const { event, ...told } = JSON.parse(data as string);
                if (event === "span") {
                    handle({ spans: [told as Span] });
                } else if (event === "problem") {
                    fail(words(told));
                }
            };
            socket.onclose = () => {
                reject(new Error("the service does not accept live sound; check that it is still running, and check the token"));
                if (isOpen) {
                    fail("the service has closed the connection; check that it is still running, and record again");
                }
                hasEnded();
            };
        });
    }

    async enroll(name: string, recordings: File[], signal: AbortSignal): Promise<Enrolled> {
        const body = new FormData();
        recordings.forEach((recording) => body.append("recording", recording, recording.name));
        const response = await this.#ask(`speakers/${encodeURIComponent(name)}`, { method: "PUT", body, signal });
        const { seconds } = await response.json();
        this.#keep([...new Set([...this.speakers(), name])].sort());
        // If the service cannot use one of the recordings, it enrols nobody.
        return { name, seconds, skipped: [] };
    }

    async forget(name: string): Promise<void> {
        const response = await this.#send(`speakers/${encodeURIComponent(name)}`, { method: "DELETE" });
        // The service may no longer know the speaker, for example because it keeps speakers only until it ends.
        if (response.status !== 404) {
            await accepted(response);
        }
        this.#keep(this.speakers().filter((known) => known !== name));
    }

    speakers(): string[] {
        return JSON.parse(stored(SPEAKERS) ?? "[]");
    }

    #keep(names: string[]) {
        store(SPEAKERS, JSON.stringify(names));
    }
}

/** Returns a response, or throws the problem of a request that was refused. */
async function accepted(response: Response): Promise<Response> {
    if (!response.ok) {
        const problem: Partial<Problem> = await response.json().catch(() => ({}));
        throw new Error(words(problem) || `${response.status} ${response.statusText}`);
    }
    return response;
}

/** Encodes a token for the name of a subprotocol, which may have no separators. */
function encoded(token: string): string {
    return encodeURIComponent(token).replaceAll("(", "%28").replaceAll(")", "%29");
}

function fields({ labels, speaker, channel }: AnswerOptions): [string, string][] {
    const fields: [string, string | undefined][] = [
        ["labels", labels?.join(",")],
        ["speaker", speaker],
        ["channel", channel?.toString()],
    ];
    return fields.filter((field): field is [string, string] => field[1] !== undefined);
}
