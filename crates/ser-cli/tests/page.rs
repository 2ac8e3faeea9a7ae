//! Runs the tests of the page in a browser (`crates/ser-web/page/tests`) against `ser serve`. This needs Chromium and what
//! `npm ci` installs there; if either is missing, the test prints that it is skipped.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;
#[path = "common/serve.rs"]
mod serve;

use std::path::{Path, PathBuf};
use std::process::Command;

use serve::Serving;

const RATE: u32 = 48_000;

/// Returns the browser that `CHROMIUM` names, or that of the system.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/google-chrome"].map(PathBuf::from);
    named
        .into_iter()
        .chain(usual)
        .find(|program| program.is_file())
}

/// Writes the recordings that the tests use.
fn record(folder: &Path) {
    let voice = |seconds, pitch| ser_fixtures::voice(RATE, seconds, pitch);
    let write = |name: &str, samples| {
        ser_fixtures::write_wav_f32(&folder.join(name), RATE, samples);
    };
    write("voice.wav", voice(4.0, 160.0));
    write("short.wav", voice(0.6, 220.0));
    write("long.wav", voice(70.0, 160.0));
    write("microphone.wav", voice(10.0, 190.0));
    std::fs::write(folder.join("none.mp3"), "no recording").unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../ser-audio/tests/fixtures");
    std::fs::copy(
        Path::new(fixtures).join("pcm.aiff"),
        folder.join("voice.aiff"),
    )
    .unwrap();
    let (one, other) = (voice(12.0, 120.0), voice(13.0, 230.0));
    let call = folder.join("call.wav");
    ser_fixtures::write_stereo_f32(&call, RATE, &one, &other[RATE as usize..]);
}

#[test]
fn the_page_answers_in_a_browser() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ser-web/page");
    let Some(chromium) = chromium() else {
        eprintln!("skipped: no Chromium at /usr/bin/chromium, and CHROMIUM names none");
        return;
    };
    if !page.join("node_modules").is_dir() {
        eprintln!("skipped: `npm ci` was not run in crates/ser-web/page");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    record(folder.path());
    let serving = Serving::new(&[]);
    let tested = Command::new("npm")
        .args(["run", "--silent", "test"])
        .current_dir(page)
        .env("CHROMIUM", chromium)
        .env("SER_ADDRESS", format!("http://{}", serving.address))
        .env("SER_RECORDINGS", folder.path())
        .status()
        .unwrap();
    assert!(tested.success());
}
