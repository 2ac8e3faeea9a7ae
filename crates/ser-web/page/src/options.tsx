import { useEffect, useRef, useState } from "preact/hooks";

import type { AnswerOptions, Answers, Enrolled } from "./answers";
import { Enroll } from "./enroll";
import { useWork } from "./hooks";
import { Problem } from "./problem";

interface Props {
    answers: Answers;
    /** All labels of the model. */
    labels: string[];
    asked: AnswerOptions;
    ask(asked: AnswerOptions): void;
}

/** The options for answering recordings: the labels to choose from, and the speaker. */
export function Options({ answers, labels, asked, ask }: Props) {
    const [isEnrolling, setIsEnrolling] = useState(false);
    const [enrolled, setEnrolled] = useState<Enrolled>();
    const [forgotten, setForgotten] = useState<{ name: string }>();
    const field = useRef<HTMLSelectElement>(null);
    const { error } = useWork(
        forgotten &&
            (async () => {
                // Requests that name this speaker are aborted at the same moment. They must be aborted before the speaker is deleted;
                // otherwise they would fail because there is no such speaker.
                await Promise.resolve();
                return answers.forget(forgotten.name);
            }),
        [forgotten],
    );
    const chosen = asked.labels ?? labels;
    const toggle = (label: string) => {
        const others = labels.filter((known) => (known === label) !== chosen.includes(known));
        const { labels: _, ...rest } = asked;
        ask(others.length === labels.length ? rest : { ...rest, labels: others });
    };
    const { speaker, ...anybody } = asked;
    const choose = (speaker: string) => ask(speaker ? { ...anybody, speaker } : anybody);
    const forget = (name: string) => {
        // The focus would be lost with the button, which nobody else needs.
        field.current?.focus();
        choose("");
        setForgotten({ name });
    };
    const close = (enrolled?: Enrolled) => {
        setIsEnrolling(false);
        if (enrolled) {
            setEnrolled(enrolled);
            choose(enrolled.name);
        }
    };
    // Another tab may enroll and forget speakers too. A speaker forgotten there is forgotten here.
    const [, setChange] = useState<StorageEvent>();
    useEffect(() => {
        const hear = (change: StorageEvent) => {
            setChange(change);
            if (speaker !== undefined && !answers.speakers().includes(speaker)) {
                choose("");
            }
        };
        addEventListener("storage", hear);
        return () => removeEventListener("storage", hear);
    }, [answers, asked]);
    return (
        <section class="options" aria-label="How to answer">
            <fieldset>
                <legend>Labels to choose from</legend>
                {labels.map((label) => (
                    <label key={label}>
                        <input
                            type="checkbox"
                            checked={chosen.includes(label)}
                            // With a single label there would be nothing to choose from.
                            disabled={chosen.length === 2 && chosen.includes(label)}
                            onChange={() => toggle(label)}
                        />{" "}
                        {label}
                    </label>
                ))}
            </fieldset>
            <fieldset>
                <legend>Who speaks</legend>
                <label>
                    Speaker{" "}
                    <select ref={field} value={speaker ?? ""} onChange={({ currentTarget }) => choose(currentTarget.value)}>
                        <option value="">anybody</option>
                        {answers.speakers().map((name) => (
                            <option key={name}>{name}</option>
                        ))}
                    </select>
                </label>
                <button type="button" onClick={() => setIsEnrolling(true)}>
                    Enroll a speaker
                </button>
                {speaker && (
                    <button type="button" onClick={() => forget(speaker)}>
                        Forget {speaker}
                    </button>
                )}
                <Problem error={error} />
                {enrolled && enrolled.name === speaker && (
                    <p class="remark" role="status">
                        {enrolled.name} is enrolled from {enrolled.seconds.toFixed(1)} s of speech.
                        {enrolled.skipped.length > 0 && ` Not used: ${enrolled.skipped.join("; ")}.`}
                    </p>
                )}
            </fieldset>
            {isEnrolling && <Enroll answers={answers} close={close} />}
        </section>
    );
}
