import { useState } from "preact/hooks";

import type { Answer, Span } from "./answers";
import type { Browser } from "./browser";
import { Problem } from "./problem";
import type { Form } from "./ser_web.js";
import { download } from "./words";

const FORMS: [Form, string][] = [
    ["csv", "CSV"],
    ["json", "JSON, one line per span"],
    ["vtt", "WebVTT captions"],
    ["srt", "SubRip captions"],
    ["txt", "Audacity labels"],
    ["TextGrid", "Praat TextGrid"],
    ["eaf", "ELAN annotations"],
    ["rttm", "RTTM"],
    ["svg", "SVG picture"],
];

interface Props {
    spans: Span[];
    seconds: number;
    name: string;
    browser: Browser;
    answer: Answer | undefined;
}

/** Saves the answers as files for other programs. */
export function Export({ spans, seconds, name, browser, answer }: Props) {
    const [form, setForm] = useState("csv");
    const [error, setError] = useState<unknown>();
    const save = async () => {
        const stem = name.replace(/\.[^.]*$/, "");
        try {
            if (form === "answer") {
                download(new Blob([`${JSON.stringify(answer)}\n`]), `${stem}.answer.json`);
            } else {
                download(new Blob([await browser.captions(spans, form as Form, seconds, name)]), `${stem}.${form}`);
            }
            setError(undefined);
        } catch (error) {
            setError(error);
        }
    };
    return (
        <>
            <label>
                Export{" "}
                <select value={form} onChange={({ currentTarget }) => setForm(currentTarget.value)}>
                    {answer && <option value="answer">JSON, the answer for the whole recording</option>}
                    {FORMS.map(([form, words]) => (
                        <option value={form} key={form}>
                            {words}
                        </option>
                    ))}
                </select>
            </label>
            <button type="button" onClick={() => void save()}>
                Save
            </button>
            <Problem error={error} />
        </>
    );
}
