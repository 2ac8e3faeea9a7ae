import type { Span } from "./answers";
import { colour } from "./colours";
import { clock, percent } from "./words";

/** Shows a piece of speech and its answer on one line. */
export function SpanLine({ span }: { span: Span }) {
    return (
        <>
            <span class="dot" style={{ background: colour(span.emotion) }} />
            <span class="clock">
                {clock(span.start)} – {clock(span.end)}
            </span>{" "}
            {span.emotion} {percent(span.confidence)}
            {span.uncertain && <span class="uncertain"> uncertain</span>}
        </>
    );
}
