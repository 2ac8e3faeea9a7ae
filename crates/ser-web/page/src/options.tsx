import { useState } from "preact/hooks";

import type { Answers, Asked } from "./answers";
import { Enroll } from "./enroll";
import { useWork } from "./hooks";
import { Problem } from "./problem";

interface Props {
    answers: Answers;
    /** All labels of the model. */
    labels: string[];
    asked: Asked;
    ask(asked: Asked): void;
}

/** How recordings are to be answered: the labels that can be, and who speaks. */
export function Options({ answers, labels, asked, ask }: Props) {
    const [isEnrolling, setIsEnrolling] = useState(false);
    const [forgotten, setForgotten] = useState<{ name: string }>();
    const { error } = useWork(
        forgotten &&
            (async () => {
                // What asks for the speaker is told to stop in the same moment, and goes first: its answer would be that there is none.
                await Promise.resolve();
                return answers.forget(forgotten.name);
            }),
        [forgotten],
    );
    const chosen = asked.labels ?? labels;
    const toggle = (label: string) => {
        const others = labels.filter((known) => (known === label) !== chosen.includes(known));
        const { labels: _, ...rest } = asked;
        ask(others.length === labels.length || others.length === 0 ? rest : { ...rest, labels: others });
    };
    const { speaker, ...anybody } = asked;
    const choose = (speaker: string) => ask(speaker ? { ...anybody, speaker } : anybody);
    const forget = (name: string) => {
        choose("");
        setForgotten({ name });
    };
    return (
        <section class="options" aria-label="How to answer">
            <fieldset>
                <legend>What it can be</legend>
                {labels.map((label) => (
                    <label key={label}>
                        <input type="checkbox" checked={chosen.includes(label)} onChange={() => toggle(label)} /> {label}
                    </label>
                ))}
            </fieldset>
            <fieldset>
                <legend>Who speaks</legend>
                <label>
                    Speaker{" "}
                    <select value={speaker ?? ""} onChange={({ currentTarget }) => choose(currentTarget.value)}>
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
            </fieldset>
            {isEnrolling && <Enroll answers={answers} close={(name) => (setIsEnrolling(false), name && choose(name))} />}
        </section>
    );
}
