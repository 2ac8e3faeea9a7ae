//! Starts other programs.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The features of the workspace that need libtorch.
pub const TRAIN: &str = "ser-cli/train,ser-experiment/train";

/// Returns a command for the cargo that started this process, in the workspace.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Builds packages in release mode, as `args` names them, and returns the paths of their programs.
pub fn build(root: &Path, args: &[&str]) -> Result<Programs> {
    let mut cargo = cargo(root);
    let messages = messages(cargo.args(["build", "--release"]).args(args))?;
    Ok(Programs::of(&messages))
}

/// Prints a `cargo build` command, runs it, and returns its messages, one JSON object per line.
pub fn messages(cargo: &mut Command) -> Result<String> {
    println!("$ {}", line(cargo));
    captured(cargo.arg("--message-format=json-render-diagnostics"))
}

/// Runs a program whose standard error goes to the user, and returns its standard output.
///
/// # Errors
///
/// The program cannot be started, or fails.
pub fn captured(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    check(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the version of the compiler that builds the workspace.
pub fn rustc_version(root: &Path) -> Result<String> {
    output(Command::new("rustc").current_dir(root).arg("--version"))
}

/// The programs that cargo has built.
pub struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Reads the messages of cargo, one JSON object per line.
    pub fn of(messages: &str) -> Self {
        let program = |message: &str| {
            let message: Value = serde_json::from_str(message).ok()?;
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        };
        Self(messages.lines().filter_map(program).collect())
    }

    pub fn path(&self, name: &str) -> Result<&Path> {
        let path = self.0.get(name).map(PathBuf::as_path);
        path.with_context(|| format!("cargo built no program called `{name}`"))
    }
}

/// Returns the file with an extension that cargo has built for a target. `messages` has one JSON object per line.
pub fn built(messages: &str, target: &str, extension: &str) -> Result<PathBuf> {
    let file = |message: &str| {
        let message: Value = serde_json::from_str(message).ok()?;
        let files = message["filenames"].as_array()?.iter();
        let mut files = files.filter_map(Value::as_str).map(PathBuf::from);
        let is_wanted = |file: &PathBuf| file.extension().is_some_and(|e| e == extension);
        (message["target"]["name"] == target).then(|| files.find(is_wanted))?
    };
    let file = messages.lines().find_map(file);
    file.with_context(|| format!("cargo built no .{extension} of {target}"))
}

/// Runs a program, and returns its standard output without the line break at the end.
///
/// # Errors
///
/// The program cannot be started, or fails; the error contains its standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!(
            "`{}` failed ({}): {}",
            line(command),
            output.status,
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// Returns the command line as a user would type it.
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

/// Prints the command and runs it.
///
/// # Errors
///
/// The command cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command
        .status()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    check(command, status)
}

/// Turns a non-zero exit status into an error that names the command.
pub fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status}); its output is above", line(command));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tells_where_it_put_a_program() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"ser"},"executable":"/t/release/ser"}
            {"reason":"build-finished","success":true}"#;
        let programs = Programs::of(messages);
        assert_eq!(programs.path("ser").unwrap(), Path::new("/t/release/ser"));
        assert!(programs.path("serde").is_err());
        assert!(Programs::of("not json").path("ser").is_err());
    }

    #[test]
    fn cargo_tells_where_it_put_a_file() {
        let told =
            r#"{"target":{"name":"ser_web"},"filenames":["/t/libser_web.rlib","/t/ser_web.wasm"]}"#;
        let file = built(told, "ser_web", "wasm").unwrap();
        assert_eq!(file, Path::new("/t/ser_web.wasm"));
        assert!(built(&told.replace("ser_web\"}", "serde\"}"), "ser_web", "wasm").is_err());
        assert!(built("not json", "ser_web", "wasm").is_err());
    }
}
