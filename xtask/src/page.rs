//! `cargo xtask page`: builds the web page in `target/page`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command;
use crate::files::copy;

const TARGET: &str = "wasm32-unknown-unknown";
/// The sources that npm bundles.
const SOURCES: &str = "crates/ser-web/page";

/// Builds the folder from scratch, with the engine, the model, and the page that uses them. Returns its path. If a step fails, the
/// previous folder remains.
pub fn run(root: &Path) -> Result<PathBuf> {
    command::output(npm(root).arg("--version"))
        .context("the page needs Node.js with npm: install them, then try again")?;
    let module = compile(root)?;
    let target = module.ancestors().nth(3).context("no target folder")?;
    let folder = target.join("page");
    let staging = ser_files::beside(&folder, "building");
    ser_files::remove_folder(&staging)?;
    let mut bindgen = command::cargo(root);
    bindgen.args(["run", "--quiet", "--package", "ser-bindgen", "--"]);
    command::run(bindgen.arg(&module).arg(&staging))?;
    let model = root.join("data/models/robust.safetensors");
    copy(&model, &staging.join("model.safetensors"))?;
    let types = root.join(SOURCES).join("src/ser_web.d.ts");
    copy(&staging.join("ser_web.d.ts"), &types)?;
    command::run(npm(root).arg("ci"))?;
    command::run(
        npm(root)
            .args(["run", "--silent", "build", "--"])
            .arg(&staging),
    )?;
    ser_files::remove_folder(&folder)?;
    fs::rename(&staging, &folder).with_context(|| format!("writing {}", folder.display()))?;
    println!("the page: {}", folder.display());
    Ok(folder)
}

fn npm(root: &Path) -> Command {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(root.join(SOURCES));
    npm
}

/// Compiles `ser-web`, and returns the path of its module: `target/wasm32-unknown-unknown/wasm/ser_web.wasm`.
fn compile(root: &Path) -> Result<PathBuf> {
    let libraries = ["--print", "target-libdir", "--target", TARGET];
    let libraries = command::output(Command::new("rustc").current_dir(root).args(libraries))?;
    if !Path::new(&libraries).is_dir() {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(root).args(["target", "add", TARGET]);
        command::run(&mut rustup).context("the compiler lacks its library for WebAssembly")?;
    }
    let mut cargo = command::cargo(root);
    cargo.args(["build", "--profile", "wasm", "--package", "ser-web"]);
    cargo.args(["--lib", "--target", TARGET]);
    let messages = command::messages(&mut cargo)?;
    let module = command::built(&messages, "ser_web", "wasm")?;
    ensure!(module.is_file(), "cargo did not write {}", module.display());
    Ok(module)
}
