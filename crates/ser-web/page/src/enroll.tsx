import { useEffect, useRef, useState } from "preact/hooks";

import type { Answers } from "./answers";
import { type Microphone, microphone } from "./microphone";
import { Problem } from "./problem";
import { clock } from "./words";

/** Seconds that are recorded to enrol a speaker. */
const MINUTE = 60;

interface Props {
    answers: Answers;
    /** Called at the end, with the name of the speaker if one was enrolled. */
    close(name?: string): void;
}

/** A dialog that enrols a speaker from a minute of talk or from recordings. */
export function Enroll({ answers, close }: Props) {
    const dialog = useRef<HTMLDialogElement>(null);
    const source = useRef<Microphone | undefined>(undefined);
    const ending = useRef(new AbortController());
    const [name, setName] = useState("");
    const [files, setFiles] = useState<File[]>([]);
    const [seconds, setSeconds] = useState<number>();
    const [isLearning, setIsLearning] = useState(false);
    const [error, setError] = useState<unknown>();
    useEffect(() => {
        dialog.current?.showModal();
        return () => {
            ending.current.abort();
            void source.current?.stop();
        };
    }, []);

    const stop = async () => {
        const { current } = source;
        source.current = undefined;
        await current?.stop();
        if (current) {
            setFiles([current.tape.all("talk.wav")]);
        }
    };
    const record = async () => {
        setError(undefined);
        setSeconds(0);
        try {
            source.current = await microphone((_, tape) => {
                setSeconds(tape.seconds);
                if (tape.seconds >= MINUTE) {
                    void stop();
                }
            });
        } catch (error) {
            setSeconds(undefined);
            setError(error);
        }
    };
    const learn = async (event: SubmitEvent) => {
        event.preventDefault();
        await stop();
        setIsLearning(true);
        try {
            await answers.enroll(name, files, ending.current.signal);
            close(name);
        } catch (error) {
            setError(error);
            setIsLearning(false);
        }
    };
    const isRecording = source.current !== undefined;
    return (
        <dialog ref={dialog} aria-labelledby="enroll" onClose={() => close()}>
            <form onSubmit={(event) => void learn(event)}>
                <h2 id="enroll">Enroll a speaker</h2>
                <p>
                    Talk for a minute about anything, in your ordinary voice, or choose recordings of the speaker. Only the average
                    sound of the voice is kept: no recording and no words.
                </p>
                <label>
                    Name{" "}
                    <input
                        required
                        value={name}
                        pattern="[\p{L}\p{N}_.\-]+"
                        title="letters, digits, -, _ and ."
                        onInput={({ currentTarget }) => setName(currentTarget.value)}
                    />
                </label>
                <p class="row">
                    <button type="button" onClick={() => void (isRecording ? stop() : record())}>
                        {isRecording ? "Stop" : "Talk"}
                    </button>
                    {seconds !== undefined && (
                        <>
                            <progress value={seconds} max={MINUTE} aria-label="recorded" />
                            <span class="clock">{clock(Math.min(seconds, MINUTE))}</span>
                        </>
                    )}
                </p>
                <label>
                    Recordings{" "}
                    <input
                        type="file"
                        multiple
                        accept="audio/*,video/*"
                        onChange={({ currentTarget }) => setFiles([...(currentTarget.files ?? [])])}
                    />
                </label>
                <Problem error={error} />
                <p class="row">
                    <button class="main" disabled={isLearning || isRecording || files.length === 0}>
                        {isLearning ? "Listening" : "Enroll"}
                    </button>
                    <button type="button" onClick={() => close()}>
                        Cancel
                    </button>
                </p>
            </form>
        </dialog>
    );
}
