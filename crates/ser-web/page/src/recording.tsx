import { useCallback, useMemo, useState } from "preact/hooks";

import type { Answer, Answers, Asked, Span } from "./answers";
import { Bars } from "./bars";
import type { Browser } from "./browser";
import { Export } from "./export";
import { useWork } from "./hooks";
import { Player } from "./player";
import { Problem } from "./problem";
import { clock, percent, remark } from "./words";
import { Why } from "./why";

/** Seconds up to which a recording is answered as a whole as well. */
const WHOLE = 60;

interface Props {
    file: File;
    answers: Answers;
    /** This browser's engine, for what no service needs to be asked. */
    browser: Browser;
    asked: Asked;
    answered(answer: Answer | undefined): void;
    remove(): void;
}

/** All that is said about a recording. */
export function Recording({ file, answers, browser, asked: askedOfAll, answered, remove }: Props) {
    // A call has one speaker on each channel.
    const [channel, setChannel] = useState<number>();
    const asked = useMemo(() => (channel ? { ...askedOfAll, channel } : askedOfAll), [askedOfAll, channel]);
    const causes = [file, answers, asked];

    const stated = useWork((signal) => browser.duration(file, signal).catch(() => Infinity), [file]).result;
    const timeline = useWork(
        stated === undefined
            ? undefined
            : async (signal, tell: Parameters<Answers["timeline"]>[3]) => {
                  // The answer on the whole, which is asked for in the same moment, goes first: it takes less.
                  await Promise.resolve();
                  return answers.timeline(file, asked, signal, tell);
              },
        [...causes, stated],
    );
    const { result } = timeline;
    const isShort = (result?.seconds ?? stated ?? Infinity) <= WHOLE;
    const whole = useWork(
        isShort
            ? async (signal) => {
                  const answer = await answers.predict(file, asked, signal);
                  answered(answer);
                  return answer;
              }
            : undefined,
        [...causes, isShort],
    );
    const outline = useWork(result && !result.peaks ? (signal) => browser.peaks(file, asked, signal) : undefined, [result]);
    const [why, setWhy] = useState<Span | "whole">();
    const toWav = useCallback(
        (start?: number, end?: number, signal?: AbortSignal) => browser.wav(file, asked, start, end, signal),
        [file, asked],
    );

    const soFar = timeline.progress;
    const spans = result?.spans ?? soFar?.spans ?? [];
    const seconds = result?.seconds ?? soFar?.duration ?? soFar?.heard;
    const peaks = result?.peaks ?? outline.result ?? soFar?.peaks;
    const error = timeline.error ?? whole.error;
    return (
        <article class="recording" aria-label={file.name}>
            <header>
                <h2>{file.name}</h2>
                {seconds !== undefined && <span class="muted">{clock(seconds)}</span>}
                <button type="button" class="quiet" onClick={remove} aria-label={`Remove ${file.name}`}>
                    ✕
                </button>
            </header>
            <Problem error={error} />
            {!result && error === undefined && <Progress heard={soFar?.heard} duration={soFar?.duration} />}
            {whole.result && <Whole answer={whole.result} />}
            {result?.damage && <p class="remark">{result.damage}</p>}
            {(result?.isCall || channel) && (
                <p class="remark">
                    {channel
                        ? `Channel ${channel} alone.`
                        : "Its two channels have nothing in common, as in a call: hear each by itself."}
                    {[1, 2].map(
                        (number) =>
                            number !== channel && (
                                <button type="button" key={number} onClick={() => setChannel(number)}>
                                    Channel {number}
                                </button>
                            ),
                    )}
                </p>
            )}
            {seconds !== undefined && seconds > 0 && (
                <Player file={file} spans={spans} seconds={seconds} peaks={peaks} toWav={toWav} explain={setWhy} />
            )}
            {result && (
                <footer>
                    {isShort && (
                        <button type="button" onClick={() => setWhy("whole")}>
                            Why?
                        </button>
                    )}
                    <Export spans={result.spans} seconds={result.seconds} name={file.name} browser={browser} answer={whole.result} />
                </footer>
            )}
            {/* A piece is cut from the channel that was heard, and has no other. */}
            {why && (
                <Why
                    answers={answers}
                    asked={why === "whole" ? asked : askedOfAll}
                    span={why === "whole" ? undefined : why}
                    sound={(signal) => (why === "whole" ? Promise.resolve(file) : toWav(why.start, why.end, signal))}
                    close={() => setWhy(undefined)}
                />
            )}
        </article>
    );
}

function Progress({ heard, duration }: { heard: number | undefined; duration: number | undefined }) {
    return (
        <p class="progress">
            {duration ? <progress value={heard ?? 0} max={duration} aria-label="heard" /> : <progress aria-label="heard" />}
            <span class="muted">{heard ? `${clock(heard)} heard` : "waiting"}</span>
        </p>
    );
}

function Whole({ answer }: { answer: Answer }) {
    return (
        <div class="answer">
            <p>
                <strong>{answer.emotion}</strong> {percent(answer.confidence)}
                {answer.uncertain && <span class="uncertain">uncertain: not to be relied on</span>}
            </p>
            {answer.warnings.map((word) => (
                <p class="remark" key={word}>
                    {remark(word)}
                </p>
            ))}
            {answer.synthetic_model && <p class="remark">the model was trained on generated voices</p>}
            <Bars probabilities={answer.probabilities} sorted />
        </div>
    );
}
