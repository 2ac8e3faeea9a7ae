// Bundles the page into the folder that already holds its engine and its model: node build.mjs FOLDER
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzipSync } from "node:zlib";
import { build } from "esbuild";

const folder = path.resolve(process.argv[2]);

const bundle = (entryPoints, define) =>
    build({
        entryPoints: entryPoints.map((name) => `src/${name}`),
        outdir: folder,
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2022",
        jsx: "automatic",
        jsxImportSource: "preact",
        external: ["./ser_web.js"],
        define,
    });

for (const file of readdirSync("static")) {
    copyFileSync(path.join("static", file), path.join(folder, file));
}
await bundle(["main.tsx", "worker.ts", "recorder.ts"]);

// The files that the browser keeps for offline use, and a version that changes whenever one of them does.
const isKept = (file) => !file.endsWith(".d.ts") && !file.endsWith(".gz") && file !== "offline.js";
const files = readdirSync(folder).filter(isKept).sort();
const version = createHash("sha256");
files.forEach((file) => version.update(file).update(readFileSync(path.join(folder, file))));
await bundle(["offline.ts"], {
    FILES: JSON.stringify(files),
    VERSION: JSON.stringify(version.digest("hex").slice(0, 16)),
});

// Writes a compressed copy beside each file, for hosts that look for one; compressing the model gains too little.
const sizes = { page: 0, model: 0 };
const brotli = promisify(brotliCompress);
const compress = async (file) => {
    const content = readFileSync(path.join(folder, file));
    const isModel = file === "model.safetensors";
    if (!isModel) {
        writeFileSync(path.join(folder, `${file}.gz`), gzipSync(content, { level: 9 }));
    }
    const { length } = await brotli(content);
    sizes[isModel ? "model" : "page"] += length;
};
// The engine and the model take many seconds each, on a core of their own.
await Promise.all([...files, "offline.js"].map(compress));
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
console.log(`compressed with brotli: the page ${megabytes(sizes.page)}, its model ${megabytes(sizes.model)}`);
