// Tests the page in Chromium. `cargo test -p ser-cli --features page --test page` starts the service and makes the recordings.
import { defineConfig } from "@playwright/test";

const folder = process.env.SER_RECORDINGS;

export default defineConfig({
    testDir: "tests",
    // What is measured has the machine to itself.
    workers: process.env.SER_FIGURES ? 1 : 2,
    fullyParallel: true,
    timeout: 60_000,
    // Machines that run tests are often busy.
    expect: { timeout: 20_000 },
    reporter: "list",
    use: {
        baseURL: process.env.SER_ADDRESS,
        permissions: ["microphone"],
        launchOptions: {
            executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
            args: [
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                `--use-file-for-fake-audio-capture=${folder}/microphone.wav`,
                "--autoplay-policy=no-user-gesture-required",
            ],
        },
    },
});
