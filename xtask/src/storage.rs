//! `cargo xtask storage`: tests the program with object storage, against a server that the task installs.

use std::path::Path;

use anyhow::Result;

use crate::{command, python};

const FEATURE: [&str; 2] = ["--features", "object-store"];

pub fn run(root: &Path) -> Result<()> {
    let requirements = root.join("crates/ser-cli/tests/requirements.txt");
    let python = python::environment(&root.join("target/seaweedfs"), &requirements)?;
    let mut clippy = command::cargo(root);
    clippy.args(["clippy", "-p", "ser-archive", "-p", "ser-cli"]);
    clippy.args(["--all-targets"]).args(FEATURE);
    command::run(clippy.args(["--", "-D", "warnings"]))?;
    let mut test = command::cargo(root);
    test.args(["test", "-p", "ser-cli", "--test", "storage"]);
    test.args(FEATURE).args(["--", "--nocapture"]);
    command::run(test.env("SER_SEAWEEDFS", python.with_file_name("weed")))
}
