import { useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Answers, Enrolled } from "./answers";
import { useSession } from "./hooks";
import { microphone } from "./microphone";
import { Problem } from "./problem";
import { clock } from "./words";

/** Seconds that are recorded to enrol a speaker. */
const MINUTE = 60;

interface Props {
    answers: Answers;
    /** Called at the end, with the speaker if one was enrolled. */
    close(enrolled?: Enrolled): void;
}

/** A dialog that enrols a speaker from a minute of talk or from recordings. */
export function Enroll({ answers, close }: Props) {
    const dialog = useRef<HTMLDialogElement>(null);
    const [name, setName] = useState("");
    const [files, setFiles] = useState<File[]>([]);
    const [talked, setTalked] = useState<File>();
    const recordings = talked ? [talked, ...files] : files;
    const [seconds, setSeconds] = useState<number>();
    useLayoutEffect(() => {
        const opened = dialog.current;
        opened?.showModal();
        // A dialog gives back the focus when it is closed, but not when it is only removed.
        return () => opened?.close();
    }, []);

    const talk = useSession(async (session) => {
        setSeconds(undefined);
        setTalked(undefined);
        const { tape, closed } = await microphone(session.signal, (_, tape) => {
            setSeconds(tape.seconds);
            if (tape.seconds >= MINUTE) {
                session.abort();
            }
        });
        await closed.finally(() => setTalked(tape.all("talk.wav")));
    });
    const learn = useSession(async ({ signal }) => close(await answers.enroll(name, recordings, signal)));
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        learn.start();
    };
    return (
        <dialog ref={dialog} aria-labelledby="enroll" onClose={() => close()}>
            <form onSubmit={submit}>
                <h2 id="enroll">Enroll a speaker</h2>
                <p>
                    Talk for a minute about anything, in your ordinary voice, or choose recordings of the speaker, or do both. Only the
                    average sound of the voice is kept: no recording and no words.
                </p>
                <label>
                    Name{" "}
                    <input
                        required
                        value={name}
                        pattern="[\p{L}\p{N}][\p{L}\p{N}_.\-]*"
                        maxLength={60}
                        title="a letter or a digit, then letters, digits, -, _ and ."
                        onInput={({ currentTarget }) => setName(currentTarget.value)}
                    />
                </label>
                <p class="row">
                    <button type="button" onClick={talk.isOn ? talk.stop : talk.start}>
                        {talk.isOn ? "Stop" : "Talk"}
                    </button>
                    {seconds !== undefined && (
                        <>
                            <progress value={seconds} max={MINUTE} aria-label="recorded" />
                            <span class="clock">{clock(Math.min(seconds, MINUTE))}</span>
                        </>
                    )}
                </p>
                <Problem error={talk.error} />
                <label>
                    Recordings{" "}
                    <input
                        type="file"
                        multiple
                        accept="audio/*,video/*"
                        onChange={({ currentTarget }) => setFiles([...(currentTarget.files ?? [])])}
                    />
                </label>
                <Problem error={learn.error} />
                <p class="row">
                    <button class="main" disabled={learn.isOn || talk.isOn || recordings.length === 0}>
                        {learn.isOn ? "Listening" : "Enroll"}
                    </button>
                    <button type="button" onClick={() => close()}>
                        Cancel
                    </button>
                </p>
            </form>
        </dialog>
    );
}
