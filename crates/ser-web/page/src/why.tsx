import { useMemo } from "preact/hooks";

import type { AnswerOptions, Answers, Span } from "./answers";
import { useAddress, useWork } from "./hooks";
import { Problem } from "./problem";
import { clock, percent } from "./words";

interface Props {
    answers: Answers;
    asked: AnswerOptions;
    /** The piece to explain; without it, the whole recording. */
    span: Span | undefined;
    sound(signal: AbortSignal): Promise<File>;
    close(): void;
}

/** Whether a recording or a piece with this length in seconds can be explained. */
export const isExplained = (seconds: number) => seconds >= 0.2 && seconds <= 30;

/** Shows what an answer rests on, over the spectrogram. */
export function Why({ answers, asked, span, sound, close }: Props) {
    const { result, progress, error } = useWork(
        async (signal, tell: (share: number) => void) => answers.explain(await sound(signal), asked, signal, tell),
        [answers, asked, span],
    );
    const picture = useMemo(() => result === undefined ? undefined : new Blob([result], { type: "image/svg+xml" }), [result]);
    const address = useAddress(picture);
    const words = useMemo(() => result && described(result), [result]);
    const what = span ? `${clock(span.start)} to ${clock(span.end)}` : "the recording";
    return (
        <section class="why" aria-label={`What the answer for ${what} rests on`}>
            <Problem error={error} />
            {!result && error === undefined && (
                <p class="progress">
                    <progress value={progress ?? 0} aria-label="explained" />
                    <span class="muted">
                        answering {what} many times, each time without a different part: {percent(progress ?? 0)}
                    </span>
                </p>
            )}
            {address && <img src={address} alt={words ?? ""} />}
            <button type="button" onClick={close}>
                {result || error !== undefined ? "Close" : "Stop"}
            </button>
        </section>
    );
}

/** Returns the description that the picture contains. */
function described(svg: string): string {
    const description = /<desc>[^]*?<\/desc>/.exec(svg)?.[0] ?? "<desc/>";
    return new DOMParser().parseFromString(description, "text/xml").documentElement.textContent ?? "";
}
