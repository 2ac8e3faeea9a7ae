import { useCallback, useEffect, useId, useMemo, useRef, useState } from "preact/hooks";

import type { Peaks, Span } from "./answers";
import { draw } from "./drawing";
import { useAddress, useWork } from "./hooks";
import { SpanLine } from "./span";
import { isExplained } from "./why";
import { clock, percent, reason } from "./words";

interface Props {
    file: File;
    spans: Span[];
    seconds: number;
    peaks: Peaks | undefined;
    /** Converts the recording to WAV, for a browser that cannot play its format. */
    toWav(signal: AbortSignal): Promise<File>;
    explain(span: Span): void;
}

/** A timeline with a player, controlled by mouse and keyboard. */
export function Player({ file, spans, seconds, peaks, toWav, explain }: Props) {
    const audio = useRef<HTMLAudioElement>(null);
    const canvas = useRef<HTMLCanvasElement>(null);
    const [at, setAt] = useState(0);
    const [isPlaying, setIsPlaying] = useState(false);
    const [zoom, setZoom] = useState(1);
    // Whether the user asked to play. A browser drops that request for a format that it cannot play, so the WAV that replaces the
    // recording starts by itself.
    const wanted = useRef(false);
    const isUnplayable = useRef(false);
    // The conversion of a long recording takes long, so it waits until the user asks to play.
    const [isConverted, setIsConverted] = useState(false);
    const wav = useWork(isConverted ? (signal) => toWav(signal) : undefined, [isConverted, toWav]);
    const address = useAddress(wav.result ?? file);

    // While the recording plays, the line moves with every frame of the screen.
    useEffect(() => {
        if (!isPlaying) {
            return;
        }
        let frame = 0;
        const follow = () => {
            // While it loads another file, the element has no position.
            if (audio.current?.readyState) {
                setAt(audio.current.currentTime);
            }
            frame = requestAnimationFrame(follow);
        };
        follow();
        return () => cancelAnimationFrame(frame);
    }, [isPlaying]);

    const width = seconds / zoom;
    const start = Math.max(0, Math.min(at - width / 2, seconds - width));
    const loudest = useMemo(() => peaks?.pairs.reduce((most, peak) => Math.max(most, Math.abs(peak)), 1e-4) ?? 1, [peaks]);
    const paint = useRef(() => {});
    paint.current = () => canvas.current && draw(canvas.current, { spans, peaks, loudest, start, end: start + width, at });
    useEffect(() => paint.current());
    useEffect(() => {
        const again = () => paint.current();
        const watcher = new ResizeObserver(again);
        canvas.current && watcher.observe(canvas.current);
        const theme = matchMedia("(prefers-color-scheme: dark)");
        theme.addEventListener("change", again);
        return () => {
            watcher.disconnect();
            theme.removeEventListener("change", again);
        };
    }, []);

    const seek = useCallback(
        (to: number) => {
            const time = Math.max(0, Math.min(to, seconds));
            setAt(time);
            if (audio.current) {
                audio.current.currentTime = time;
            }
        },
        [seconds],
    );
    const play = useCallback(() => {
        wanted.current = true;
        setIsConverted(isUnplayable.current);
        audio.current?.play().catch(() => undefined);
    }, []);
    const toggle = () => (audio.current && !audio.current.paused ? audio.current.pause() : play());
    const paused = () => {
        wanted.current = false;
        setIsPlaying(false);
    };
    const ready = () => {
        seek(at);
        wanted.current && play();
    };
    const notPlayed = () => {
        isUnplayable.current = true;
        if (wanted.current) {
            setIsConverted(true);
        }
    };

    const current = spans.findLastIndex((span) => span.start <= at + 1e-3);
    const inside = spans[current] && at <= spans[current].end ? spans[current] : undefined;
    const choose = useCallback((span: Span) => seek(span.start), [seek]);
    const playSpan = useCallback(
        (span: Span) => {
            seek(span.start);
            play();
        },
        [seek, play],
    );
    const keys: Record<string, () => void> = {
        ArrowLeft: () => seek(at - 1),
        ArrowRight: () => seek(at + 1),
        Home: () => seek(0),
        End: () => seek(seconds),
        PageUp: () => seek(spans[current - 1]?.start ?? 0),
        PageDown: () => seek(spans[current + 1]?.start ?? seconds),
        " ": toggle,
        "+": () => setZoom(Math.min(64, zoom * 2)),
        "-": () => setZoom(Math.max(1, zoom / 2)),
    };
    const press = (event: KeyboardEvent) => {
        const key = keys[event.key];
        if (key && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            key();
        }
    };
    const click = (event: MouseEvent) => {
        const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
        seek(start + ((event.clientX - box.left) / box.width) * width);
    };

    const words = inside ? `${inside.emotion} ${percent(inside.confidence)}${inside.uncertain ? ", uncertain" : ""}` : "";
    // A screen reader may read each new text aloud, so while the recording plays, the text changes only with the piece.
    const text = useMemo(
        () => `${clock(at)} of ${clock(seconds)}${words && `, ${words}`}`,
        [isPlaying || at, inside, seconds],
    );
    // The list changes only with the piece, and not with every frame of the screen.
    const list = useMemo(
        () => <Spans spans={spans} current={current} choose={choose} play={playSpan} />,
        [spans, current, choose, playSpan],
    );
    return (
        <div class="player">
            {address && (
                <audio
                    ref={audio}
                    src={address}
                    preload="metadata"
                    onPlay={() => setIsPlaying(true)}
                    onPause={paused}
                    onLoadedMetadata={ready}
                    onError={notPlayed}
                />
            )}
            <canvas
                ref={canvas}
                class="timeline"
                role="slider"
                tabIndex={0}
                aria-label={`Position in ${file.name}`}
                aria-valuemin={0}
                aria-valuemax={Math.round(seconds * 10) / 10}
                aria-valuenow={Math.round(at * 10) / 10}
                aria-valuetext={text}
                onKeyDown={press}
                onClick={click}
            />
            <div class="controls">
                <button type="button" onClick={toggle}>
                    {isPlaying ? "Pause" : "Play"}
                </button>
                <span class="clock">
                    {clock(at)} / {clock(seconds)}
                </span>
                <span>{words}</span>
                {spans.length > 1 && spans[current] && isExplained(spans[current].end - spans[current].start) && (
                    <button type="button" onClick={() => spans[current] && explain(spans[current])}>
                        Why {spans[current].emotion}?
                    </button>
                )}
                <span class="zoom">
                    {/* A button that is disabled loses the focus, so at the limit these only say that they do nothing. */}
                    <button type="button" class="quiet" aria-label="Zoom in" aria-disabled={zoom >= 64} onClick={keys["+"]}>
                        +
                    </button>
                    <button type="button" class="quiet" aria-label="Zoom out" aria-disabled={zoom <= 1} onClick={keys["-"]}>
                        −
                    </button>
                </span>
            </div>
            {isConverted && !wav.result && wav.error === undefined && (
                <p class="muted">The browser cannot play this format, so the recording is converted first.</p>
            )}
            {wav.error !== undefined && (
                <p class="problem" role="alert">
                    The recording cannot be played: {reason(wav.error)}
                </p>
            )}
            {spans.length > 0 && list}
        </div>
    );
}

interface ListProps {
    spans: Span[];
    current: number;
    choose(span: Span): void;
    play(span: Span): void;
}

/** The pieces of speech as a list, for eyes, keys and screen readers. */
function Spans({ spans, current, choose, play }: ListProps) {
    const list = useRef<HTMLUListElement>(null);
    const id = useId();
    useEffect(() => {
        const chosen = list.current?.children[current] as HTMLElement | undefined;
        if (list.current && chosen) {
            const { offsetTop, offsetHeight } = chosen;
            const [top, height] = [list.current.scrollTop, list.current.clientHeight];
            if (offsetTop < top || offsetTop + offsetHeight > top + height) {
                list.current.scrollTop = offsetTop - height / 2;
            }
        }
    }, [current]);
    const press = (event: KeyboardEvent) => {
        const step = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
        const chosen = spans[Math.max(0, Math.min(spans.length - 1, current + (step ?? 0)))];
        if (chosen && step !== undefined) {
            event.preventDefault();
            choose(chosen);
        } else if (chosen && event.key === "Enter") {
            play(chosen);
        }
    };
    return (
        <ul
            ref={list}
            class="spans"
            role="listbox"
            tabIndex={0}
            aria-label="Pieces of speech"
            aria-activedescendant={current >= 0 ? `${id}-${current}` : undefined}
            onKeyDown={press}
        >
            {spans.map((span, number) => (
                <li key={number} id={`${id}-${number}`} role="option" aria-selected={number === current} onClick={() => play(span)}>
                    <SpanLine span={span} />
                </li>
            ))}
        </ul>
    );
}
