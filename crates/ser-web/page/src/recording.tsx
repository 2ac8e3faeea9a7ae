import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Answer, AnswerOptions, Answers, Span } from "./answers";
import { Bars } from "./bars";
import type { Browser } from "./browser";
import { Export } from "./export";
import { useWork } from "./hooks";
import { Player } from "./player";
import { Problem } from "./problem";
import { clock, percent, remark } from "./words";
import { Why, isExplained } from "./why";

/** The longest recording, in seconds, that is also answered as a whole. */
export const WHOLE = 60;

interface Props {
    file: File;
    answers: Answers;
    /** The engine of this browser, for everything that does not need the service. */
    browser: Browser;
    asked: AnswerOptions;
    /** Receives the answer for the whole recording whenever it changes; without an answer for the present options, `undefined`. */
    answered(answer: Answer | undefined): void;
    /** Receives the number of pieces of speech in a recording that is too long for an answer as a whole. */
    heard(pieces: number): void;
    remove(): void;
}

/** Shows the answers for a recording. */
export function Recording({ file, answers, browser, asked: askedOfAll, answered, heard, remove }: Props) {
    const card = useRef<HTMLElement>(null);
    // A call has one speaker on each channel.
    const [channel, setChannel] = useState<number>();
    const asked = useMemo(() => (channel ? { ...askedOfAll, channel } : askedOfAll), [askedOfAll, channel]);
    const causes = [file, answers, asked];

    const stated = useWork((signal) => browser.duration(file, signal).catch(() => Infinity), [file]).result;
    const timeline = useWork(
        stated === undefined
            ? undefined
            : async (signal, tell: Parameters<Answers["timeline"]>[3]) => {
                  // The answer for the whole recording is requested at the same moment. It goes first because it takes less time.
                  await Promise.resolve();
                  return answers.timeline(file, asked, signal, tell);
              },
        [...causes, stated],
    );
    const { result } = timeline;
    const isShort = (result?.seconds ?? stated ?? Infinity) <= WHOLE;
    const whole = useWork(isShort ? (signal) => answers.predict(file, asked, signal) : undefined, [...causes, isShort]);
    useEffect(() => {
        answered(whole.result);
        return () => answered(undefined);
    }, [whole.result]);
    useEffect(() => {
        if (result && !isShort) {
            heard(result.spans.length);
        }
    }, [result]);
    const outline = useWork(result && !result.peaks ? (signal) => browser.peaks(file, asked, signal) : undefined, [result]);
    const [why, setWhy] = useState<Span | "whole">();
    // Of all options, only the channel changes the sound.
    const toWav = useCallback(
        (signal: AbortSignal, span?: Span) => browser.wav(file, asked, signal, span?.start, span?.end),
        [file, channel],
    );
    const choose = (channel: number) => {
        setChannel(channel);
        setWhy(undefined);
    };
    const close = () => {
        // The focus would be lost with the button that closes the explanation.
        card.current?.focus({ preventScroll: true });
        setWhy(undefined);
    };

    const soFar = timeline.progress;
    const spans = result?.spans ?? soFar?.spans ?? [];
    // What is known already keeps the player and the buttons in place while the recording is answered again with other options.
    const known = useRef({ seconds: 0, channels: 0 });
    const seconds = result?.seconds ?? soFar?.duration ?? Math.max(known.current.seconds, soFar?.heard ?? 0);
    const channels = result?.channels ?? known.current.channels;
    known.current = { seconds, channels };
    const peaks = result?.peaks ?? outline.result ?? soFar?.peaks;
    const error = timeline.error ?? whole.error;
    return (
        <article ref={card} class="recording" aria-label={file.name} tabIndex={-1}>
            <header>
                <h2>{file.name}</h2>
                {seconds > 0 && <span class="muted">{clock(seconds)}</span>}
                <button type="button" class="quiet" onClick={remove} aria-label={`Remove ${file.name}`}>
                    ✕
                </button>
            </header>
            <Problem error={error} />
            {!result && error === undefined && <Progress heard={soFar?.heard} duration={soFar?.duration} />}
            {whole.result && <Whole answer={whole.result} />}
            {result?.damage && <p class="remark">{result.damage}</p>}
            {(result?.channelsApart || channel) && (
                <p class="remark">
                    {channel
                        ? `Channel ${channel} alone.`
                        : "Some channels have nothing in common, as in a call. Answer each separately:"}
                    {Array.from({ length: channels }, (_, index) => index + 1).map((number) => (
                        <button type="button" key={number} aria-pressed={number === channel} onClick={() => choose(number)}>
                            Channel {number}
                        </button>
                    ))}
                </p>
            )}
            {seconds > 0 && (
                <Player file={file} spans={spans} seconds={seconds} peaks={peaks} toWav={toWav} explain={setWhy} />
            )}
            {result && (
                <footer>
                    {isShort && isExplained(result.seconds) && (
                        <button type="button" onClick={() => setWhy("whole")}>
                            Why?
                        </button>
                    )}
                    <Export spans={result.spans} seconds={result.seconds} name={file.name} browser={browser} answer={whole.result} />
                </footer>
            )}
            {/* A piece is cut out of the channel that was answered, so it has no other channel. */}
            {why && (
                <Why
                    answers={answers}
                    asked={why === "whole" ? asked : askedOfAll}
                    span={why === "whole" ? undefined : why}
                    sound={(signal) => (why === "whole" ? Promise.resolve(file) : toWav(signal, why))}
                    close={close}
                />
            )}
        </article>
    );
}

function Progress({ heard, duration }: { heard: number | undefined; duration: number | undefined }) {
    return (
        <p class="progress">
            {duration ? <progress value={heard ?? 0} max={duration} aria-label="processed" /> : <progress aria-label="processed" />}
            <span class="muted">{heard ? `${clock(heard)} processed` : "waiting"}</span>
        </p>
    );
}

function Whole({ answer }: { answer: Answer }) {
    return (
        <div class="answer">
            <p>
                <strong>{answer.emotion}</strong> {percent(answer.confidence)}
                {answer.uncertain && <span class="uncertain">uncertain: do not rely on it</span>}
            </p>
            {answer.warnings.map((word) => (
                <p class="remark" key={word}>
                    {remark(word)}
                </p>
            ))}
            {answer.synthetic_model && <p class="remark">the model was trained on synthetic voices</p>}
            <Bars probabilities={answer.probabilities} sorted />
        </div>
    );
}
