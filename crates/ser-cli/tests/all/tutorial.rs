//! Runs the commands of docs/tutorial.md.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

/// Returns the text of every block of shell commands.
fn commands(page: &str) -> Vec<&str> {
    let blocks = page.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_command_of_the_tutorial_does_what_it_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = commands(&page);
    assert!(blocks.len() > 8, "{} blocks", blocks.len());
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin("ser");
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    for block in blocks {
        let ended = Command::new("bash")
            .args(["-e", "-c", block])
            .current_dir(&folder)
            .env("PATH", &path)
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path().join("share"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{block}\n{said}");
    }
    for made in [
        "answers.csv",
        "why.svg",
        "runs/mine/report.html",
        "runs/robust-on-mine/report.html",
    ] {
        assert!(folder.path().join(made).is_file(), "{made}");
    }
}
