import { memo } from "preact/compat";
import { useCallback, useEffect, useId, useMemo, useRef, useState } from "preact/hooks";

import type { Peaks, Span } from "./answers";
import { draw } from "./drawing";
import { useAddress } from "./hooks";
import { SpanLine } from "./span";
import { clock, percent, reason } from "./words";

interface Props {
    file: File;
    spans: Span[];
    seconds: number;
    peaks: Peaks | undefined;
    /** Converts the recording to WAV, for a browser that cannot play its format. */
    toWav(): Promise<File>;
    explain(span: Span): void;
}

/** A timeline with a player, controlled by mouse and keyboard. */
export function Player({ file, spans, seconds, peaks, toWav, explain }: Props) {
    const audio = useRef<HTMLAudioElement>(null);
    const canvas = useRef<HTMLCanvasElement>(null);
    const [playable, setPlayable] = useState<File>(file);
    const [error, setError] = useState<unknown>();
    const [at, setAt] = useState(0);
    const [isPlaying, setIsPlaying] = useState(false);
    const [zoom, setZoom] = useState(1);
    const address = useAddress(playable);
    // Whether the user asked to play. A browser drops that request for a format that it cannot play, so the WAV that replaces the
    // recording starts by itself.
    const wanted = useRef(false);

    // While the recording plays, the line moves with every frame of the screen.
    useEffect(() => {
        if (!isPlaying) {
            return;
        }
        let frame = 0;
        const follow = () => {
            setAt(audio.current?.currentTime ?? 0);
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
        if (playable === file) {
            toWav().then(setPlayable, setError);
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
                aria-valuetext={`${clock(at)} of ${clock(seconds)}${words && `, ${words}`}`}
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
                {spans.length > 1 && spans[current] && (
                    <button type="button" onClick={() => spans[current] && explain(spans[current])}>
                        Why {spans[current].emotion}?
                    </button>
                )}
                <span class="zoom">
                    <button type="button" class="quiet" aria-label="Zoom in" disabled={zoom >= 64} onClick={keys["+"]}>
                        +
                    </button>
                    <button type="button" class="quiet" aria-label="Zoom out" disabled={zoom <= 1} onClick={keys["-"]}>
                        −
                    </button>
                </span>
            </div>
            {error !== undefined && <p class="problem">The recording cannot be played: {reason(error)}</p>}
            {spans.length > 0 && <Spans spans={spans} current={current} choose={choose} play={playSpan} />}
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
const Spans = memo(({ spans, current, choose, play }: ListProps) => {
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
});
