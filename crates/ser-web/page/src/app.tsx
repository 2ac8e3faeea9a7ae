import type { Ref } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Answer, AnswerOptions } from "./answers";
import { Browser } from "./browser";
import { useWork } from "./hooks";
import { Live } from "./live";
import { Options } from "./options";
import { Problem } from "./problem";
import { Recording, WHOLE } from "./recording";
import { Service, serviceHere } from "./service";
import { Update } from "./update";
import { download, percent } from "./words";

interface Item {
    id: number;
    file: File;
}

const browser = new Browser();

/** The page. */
export function App() {
    const here = useWork(() => serviceHere(), []).result;
    const [isService, setIsService] = useState(false);
    const [token, setToken] = useState("");
    const answers = useMemo(() => (isService ? new Service(token) : browser), [isService, token]);
    /** Grows when there is a reason to ask again for a model that could not be loaded. */
    const [attempt, setAttempt] = useState(0);
    const model = useWork(() => answers.model(), [answers, attempt]);
    const [asked, setAsked] = useState<AnswerOptions>({});
    const [items, setItems] = useState<Item[]>([]);
    const told = useRef(new Map<number, Answer>());
    /** The names of the recordings that the file saved last lacks. */
    const [lacking, setLacking] = useState<string[]>([]);
    const last = useRef(0);
    const field = useRef<HTMLInputElement>(null);
    const cards = useRef<HTMLElement>(null);
    /** The answer that came last, for screen readers. */
    const [announced, setAnnounced] = useState("");
    const choose = (isService: boolean) => {
        setIsService(isService);
        // The browser and the service do not know each other's speakers.
        setAsked(({ speaker: _, ...others }) => others);
    };

    const add = (files: File[]) => {
        const added = files.map((file) => ({ id: ++last.current, file }));
        setItems((items) => [...added, ...items]);
    };
    const remove = (removed: Item[]) => {
        // The focus would be lost with the cards, so it moves to the card that takes their place, or to the field.
        const next = 1 + Math.max(...removed.map((item) => items.indexOf(item)));
        const card = cards.current?.querySelectorAll("article")[next];
        card ? card.focus({ preventScroll: true }) : field.current?.focus();
        setItems((items) => items.filter((item) => !removed.includes(item)));
        setLacking([]);
    };
    const announce = (words: string) => {
        setAnnounced(words);
        // The model was loaded for the answer, so the page can show what it lacks since an earlier failure.
        if (model.error !== undefined) {
            setAttempt((attempt) => attempt + 1);
        }
    };
    const tell = (id: number, answer: Answer | undefined) => {
        answer ? told.current.set(id, answer) : told.current.delete(id);
        if (answer) {
            const { file, emotion, confidence, uncertain } = answer;
            announce(`${file}: ${emotion} ${percent(confidence)}${uncertain ? ", uncertain" : ""}`);
        }
    };
    const save = () => {
        const lines = items.map(({ id }) => told.current.get(id)).filter((answer) => answer !== undefined);
        setLacking(items.filter(({ id }) => !told.current.has(id)).map(({ file }) => file.name));
        download(new Blob(lines.map((line) => `${JSON.stringify(line)}\n`)), "answers.jsonl");
    };

    return (
        <>
            <header class="top">
                <h1>ser</h1>
                <p>Which emotion does a recording express, how sure is that, and why?</p>
            </header>
            <main>
                <Update />
                <p class="notice">
                    This does not measure what somebody feels. Do not use it to decide about people. The law of the European Union
                    forbids its use at work and in schools.
                </p>
                {here && (
                    <fieldset class="engines">
                        <legend>Answered by</legend>
                        <label>
                            <input type="radio" name="engine" checked={!isService} onChange={() => choose(false)} /> this
                            browser: nothing leaves the device
                        </label>
                        <label>
                            <input type="radio" name="engine" checked={isService} onChange={() => choose(true)} /> the service
                            at {location.host}: recordings are sent there, and not kept
                        </label>
                        {isService && here === "token" && (
                            <label>
                                Token{" "}
                                <input
                                    type="password"
                                    autocomplete="off"
                                    defaultValue={token}
                                    onChange={({ currentTarget }) => setToken(currentTarget.value)}
                                />
                            </label>
                        )}
                    </fieldset>
                )}
                <Problem error={model.error} />
                <div class="inputs">
                    <Drop add={add} field={field} />
                    <Live answers={answers} asked={asked} keep={(file) => add([file])} key={isService ? "service" : "browser"} />
                </div>
                {model.result && (
                    <details>
                        <summary>How to answer</summary>
                        <Options answers={answers} labels={model.result.labels} asked={asked} ask={setAsked} />
                    </details>
                )}
                <p class="unseen" role="status">
                    {announced}
                </p>
                <section aria-label="Answers" class="answers" ref={cards}>
                    {items.length > 1 && (
                        <p class="row">
                            <button type="button" onClick={save}>
                                Save all answers (JSON)
                            </button>
                            <button type="button" onClick={() => remove(items)}>
                                Remove all
                            </button>
                        </p>
                    )}
                    {lacking.length > 0 && (
                        <p class="remark" role="status">
                            answers.jsonl lacks {lacking.join(", ")}. A recording has no answer as a whole until it is answered, if it
                            cannot be answered, or if it is longer than {WHOLE} s.
                        </p>
                    )}
                    {items.map((item) => (
                        <Recording
                            key={item.id}
                            file={item.file}
                            answers={answers}
                            browser={browser}
                            asked={asked}
                            answered={(answer) => tell(item.id, answer)}
                            heard={(pieces) => announce(`${item.file.name}: ${pieces} ${pieces === 1 ? "piece" : "pieces"} of speech`)}
                            remove={() => remove([item])}
                        />
                    ))}
                </section>
            </main>
            <footer class="bottom">
                {model.result && (
                    <p>
                        Model {model.result.name} ({model.result.fingerprint}).{" "}
                        {model.result.synthetic && "It was trained on synthetic voices."}
                    </p>
                )}
                <p>This page forgets all recordings when you close it.</p>
            </footer>
        </>
    );
}

/** Whether files are dragged that the page takes. A field for files takes its files itself. */
function isTaken({ dataTransfer, target }: DragEvent): boolean {
    const isField = target instanceof HTMLInputElement && target.type === "file";
    return dataTransfer !== null && dataTransfer.types.includes("Files") && !isField;
}

/** A field that accepts recordings, dropped or chosen. */
function Drop({ add, field }: { add(files: File[]): void; field: Ref<HTMLInputElement> }) {
    const [isOver, setIsOver] = useState(false);
    // Recordings may be dropped anywhere, because the browser would leave the page to open a file that misses the field.
    useEffect(() => {
        const allow = (event: DragEvent) => {
            if (isTaken(event)) {
                event.preventDefault();
            }
        };
        const drop = (event: DragEvent) => {
            setIsOver(false);
            if (isTaken(event)) {
                event.preventDefault();
                add([...(event.dataTransfer?.files ?? [])]);
            }
        };
        addEventListener("dragover", allow);
        addEventListener("drop", drop);
        return () => {
            removeEventListener("dragover", allow);
            removeEventListener("drop", drop);
        };
    }, [add]);
    return (
        <label
            class={isOver ? "drop over" : "drop"}
            onDragOver={() => setIsOver(true)}
            onDragLeave={() => setIsOver(false)}
        >
            <span>Drop recordings here, or choose them</span>
            <input
                ref={field}
                type="file"
                multiple
                onChange={({ currentTarget }) => {
                    add([...(currentTarget.files ?? [])]);
                    currentTarget.value = "";
                }}
            />
            <small class="muted">WAV, FLAC, MP3, Ogg, Opus, M4A, WebM and more, of any length</small>
        </label>
    );
}
