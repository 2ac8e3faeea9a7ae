// Answers jobs with the engine of the page. Standard input is a JSON array of jobs: node answers.mjs FOLDER
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const folder = path.resolve(process.argv[2]);
const { initSync, Engine } = await import(pathToFileURL(path.join(folder, "ser_web.js")));
const { memory } = initSync({ module: fs.readFileSync(path.join(folder, "ser_web_bg.wasm")) });
const engine = new Engine(fs.readFileSync(path.join(folder, "model.safetensors")));

/** Returns a file that is read piece by piece, as in a worker. */
function stored(file) {
    const handle = fs.openSync(file);
    const read = (at, length) => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, fs.readSync(handle, bytes, 0, length, at));
    };
    return { size: fs.fstatSync(handle).size, read };
}

function recording(job) {
    if (job.thrown) {
        const read = () => {
            throw job.thrown.message ? new Error(job.thrown.message) : job.thrown;
        };
        return { size: 1000, read };
    }
    return job.stored ? stored(job.file) : new Uint8Array(fs.readFileSync(job.file));
}

/** Converts bytes and samples to arrays of numbers, which JSON can hold. */
function plain(key, value) {
    return ArrayBuffer.isView(value) ? Array.from(value) : value;
}

const actions = {
    model: () => engine.model(),
    predict: (job) => engine.predict(recording(job), options(job)),
    explain: (job) => {
        let share = 0;
        const explanation = engine.explain(recording(job), options(job), (done) => (share = done));
        return { ...explanation, share };
    },
    enroll: (job) => {
        const before = memory.buffer.byteLength;
        const recordings = job.files.map((file) => recording({ ...job, file }));
        const names = job.names ?? job.files.map((file) => path.basename(file));
        const enrolled = engine.enroll(recordings, names, options(job));
        return { ...enrolled, grown: memory.buffer.byteLength - before };
    },
    timeline: (job) => {
        const timeline = engine.timeline(recording(job), 100, options(job));
        const spans = [];
        for (let next; (next = timeline.next(5)); ) spans.push(...next);
        const { heard, duration, channels, channelsApart, damage } = timeline;
        return { spans, heard, duration, channels, channelsApart, damage, peaks: timeline.peaks() };
    },
    listen: (job) => {
        const bytes = fs.readFileSync(job.samples);
        const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        const listener = engine.listen(job.rate, options(job));
        const spans = [];
        for (let at = 0; at < samples.length; at += 480) {
            spans.push(...listener.push(samples.subarray(at, at + 480)));
        }
        spans.push(...listener.finish());
        return { spans };
    },
    captions: (job) => engine.captions(job.spans, job.form, job.seconds, job.name),
};

function options({ name, labels, speaker, channel }) {
    return { name, labels, channel, speaker: speaker && new Uint8Array(speaker) };
}

const jobs = JSON.parse(fs.readFileSync(0, "utf8"));
const answers = jobs.map((job) => {
    try {
        return { ok: actions[job.action](job) };
    } catch (error) {
        return { error: error.message };
    }
});
process.stdout.write(JSON.stringify(answers, plain));
