import { useEffect, useState } from "preact/hooks";

import type { Answer, AnswerOptions, Answers, LiveStream, Span, SpanHandler } from "./answers";
import { Bars } from "./bars";
import { useSession } from "./hooks";
import { microphone } from "./microphone";
import { Problem } from "./problem";
import { SpanLine } from "./span";
import { Tape } from "./tape";
import { clock } from "./words";

/** Seconds of sound that the moving probabilities cover. */
const NOW = 3;
/** Least time between two updates of the moving probabilities, in milliseconds. */
const MOVES = 500;
/** The lowest level on the meter, in dBFS. */
const FAINTEST = -70;
/** Number of spans that are shown. */
const SHOWN = 8;

interface Props {
    answers: Answers;
    asked: AnswerOptions;
    /** Receives the recording at the end. */
    keep(recording: File): void;
}

/** Records from the microphone, and shows the answers live. */
export function Live({ answers, asked, keep }: Props) {
    const [level, setLevel] = useState(FAINTEST);
    const [seconds, setSeconds] = useState(0);
    const [now, setNow] = useState<Answer>();
    const [spans, setSpans] = useState<Span[]>([]);

    const { isOn, error, start, stop } = useSession(async (session) => {
        setNow(undefined);
        setSpans([]);
        setSeconds(0);
        let stream: LiveStream | undefined;
        // The samples that arrive before the stream is open, which it then gets first.
        const early: Float32Array[] = [];
        let [isMoving, moved] = [false, 0];
        const move = async (stream: LiveStream, tape: Tape) => {
            [isMoving, moved] = [true, performance.now()];
            // Without speech there is no answer.
            await stream.predict(tape.last(NOW), asked).then(setNow, () => setNow(undefined));
            isMoving = false;
        };
        const { tape, closed } = await microphone(session.signal, (samples, tape) => {
            setLevel(Math.max(FAINTEST, decibels(samples)));
            setSeconds(tape.seconds);
            if (stream) {
                stream.push(samples);
            } else {
                early.push(samples);
            }
            if (stream && !isMoving && performance.now() - moved > MOVES) {
                void move(stream, tape);
            }
        });
        // Without answers the recording ends, but what was recorded is kept.
        let problem: unknown;
        const end = (error: unknown): undefined => {
            problem ??= error;
            session.abort();
        };
        const handle: SpanHandler = (heard) => {
            if ("error" in heard) {
                end(heard.error);
            } else if (heard.spans.length) {
                setSpans((spans) => [...spans, ...heard.spans].slice(-SHOWN));
            }
        };
        const recorded = closed.catch(end);
        stream = await answers.listen(tape.rate, asked, session.signal, handle).catch(end);
        early.splice(0).forEach((samples) => stream?.push(samples));
        await recorded;
        const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
        keep(tape.all(`recorded at ${time}.wav`));
        await stream?.finish();
        if (problem !== undefined) {
            throw problem;
        }
    });

    useEffect(() => {
        // The browser then asks the user before it leaves the page.
        const ask = (event: BeforeUnloadEvent) => event.preventDefault();
        if (isOn) {
            addEventListener("beforeunload", ask);
        }
        return () => removeEventListener("beforeunload", ask);
    }, [isOn]);

    return (
        <section class="live" aria-label="Microphone">
            <button type="button" class="main" onClick={isOn ? stop : start}>
                {isOn ? "Stop" : "Record"}
            </button>
            <Problem error={error} />
            {!isOn && <p class="muted">Speak, and see the answers while you do.</p>}
            {isOn && (
                <>
                    <span class="clock">{clock(seconds)}</span>
                    <meter min={FAINTEST} max={0} low={-50} high={-3} optimum={-20} value={level} aria-label="Level">
                        {Math.round(level)} dBFS
                    </meter>
                    <div class="now">
                        <h2>The last {NOW} seconds</h2>
                        {now ? <Bars probabilities={now.probabilities} /> : <p class="muted">listening</p>}
                    </div>
                    <h2>Pieces of speech</h2>
                    <ol class="heard" aria-live="polite">
                        {spans.map((span) => (
                            <li key={span.start}>
                                <SpanLine span={span} />
                            </li>
                        ))}
                    </ol>
                </>
            )}
        </section>
    );
}

/** Returns the level in dB relative to full scale. */
function decibels(samples: Float32Array): number {
    return 10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}
