//! Remembers which stages of a run are done, and from which inputs.
//!
//! A stage is skipped if its output exists and the fingerprint of its inputs is the same as when it last finished.
//! The memory is a small JSON file in the output folder. A stage is removed from it before it starts and added when it has
//! finished, so a stage that failed or was killed runs again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use ser_files::write_file;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A digest over everything a stage depends on.
#[derive(Clone, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a text.
    pub fn text(mut self, text: &str) -> Self {
        // The length distinguishes ("ab", "c") from ("a", "bc").
        self.0.update(text.len().to_le_bytes());
        self.0.update(text);
        self
    }

    /// Adds the content of a file.
    pub fn file(mut self, path: &Path) -> Result<Self> {
        let mut content = Sha256::new();
        ser_download::feed(path, |bytes| content.update(bytes))?;
        self.0.update(content.finalize());
        Ok(self)
    }

    /// Adds the name, size and modification time of each file.
    pub fn listing(mut self, files: &[PathBuf]) -> Result<Self> {
        for path in files {
            let reading = || format!("reading {}", path.display());
            let meta = path.metadata().with_context(reading)?;
            let changed = meta
                .modified()
                .with_context(reading)?
                .duration_since(UNIX_EPOCH);
            let line = format!(
                "{} {} {}",
                path.display(),
                meta.len(),
                changed.unwrap_or_default().as_nanos()
            );
            self = self.text(&line);
        }
        Ok(self)
    }

    fn finish(self) -> String {
        ser_download::hex(&self.0.finalize())
    }
}

/// The key of the folder of the recordings in the memory. No stage has this key.
const DATA: &str = "data";

/// The stages of one output folder.
pub struct Stages {
    file: PathBuf,
    done: Map<String, Value>,
}

impl Stages {
    /// Reads the memory of the folder. An unreadable memory counts as empty.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let file = folder.join("pipeline.json");
        let done = fs::read_to_string(&file)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Ok(Self { file, done })
    }

    /// Runs `work` unless the stage is already done. The user sees `title`; `key` names the stage in the memory.
    ///
    /// # Errors
    ///
    /// `work` fails, or the output is missing or empty afterwards.
    pub fn run(
        &mut self,
        title: &str,
        key: &str,
        inputs: Fingerprint,
        output: &Path,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let inputs = inputs.finish();
        if present(output)
            && self
                .done
                .get(key)
                .is_some_and(|stage| stage["inputs"] == *inputs)
        {
            println!("\n{title}: skipped, its inputs are unchanged");
            return Ok(());
        }
        println!("\n{title} ...");
        if self.done.remove(key).is_some() {
            self.save()?;
        }
        let start = Instant::now();
        work().with_context(|| {
            format!("{title} failed; finished stages are kept for the next run")
        })?;
        ensure!(
            present(output),
            "{title} succeeded but left nothing at {}",
            output.display()
        );
        let finished = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        self.done.insert(
            key.to_owned(),
            json!({ "inputs": inputs, "finished": finished.to_string() }),
        );
        self.save()?;
        println!("{title}: done in {:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Returns a text that identifies the last completion of a stage, as input of a stage that reads its output.
    pub fn completion(&self, key: &str) -> String {
        self.done.get(key).map(Value::to_string).unwrap_or_default()
    }

    /// Returns the folder of the recordings that the results of the output folder come from.
    pub fn data(&self) -> Option<&str> {
        self.done.get(DATA)?.as_str()
    }

    /// Remembers the folder of the recordings.
    pub fn set_data(&mut self, folder: &str) -> Result<()> {
        if self.data() != Some(folder) {
            self.done.insert(DATA.to_owned(), json!(folder));
            self.save()?;
        }
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.done)
            .with_context(|| format!("writing {}", self.file.display()))?;
        Ok(write_file(&self.file, text)?)
    }
}

/// Runs a stage that decides by itself what is left to do.
pub fn always<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n{title} ...");
    let start = Instant::now();
    let made = work().with_context(|| format!("{title} failed"))?;
    println!("{title}: done in {:.1} s", start.elapsed().as_secs_f64());
    Ok(made)
}

/// Whether a path is a file with content, or a folder with entries.
fn present(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path
            .metadata()
            .is_ok_and(|meta| meta.is_file() && meta.len() > 0),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Runs the stage `one` with the given inputs, and returns whether its work was done.
    fn ran(folder: &Path, inputs: &str) -> bool {
        let output = folder.join("output");
        let worked = Cell::new(false);
        Stages::open(folder)
            .unwrap()
            .run(
                "one",
                "one",
                Fingerprint::default().text(inputs),
                &output,
                || {
                    worked.set(true);
                    Ok(fs::write(&output, "x")?)
                },
            )
            .unwrap();
        worked.get()
    }

    #[test]
    fn a_stage_runs_once_until_its_inputs_change() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ran(folder.path(), "a"));
        assert!(!ran(folder.path(), "a"));
        assert!(ran(folder.path(), "b"));
        assert!(!ran(folder.path(), "b"));
    }

    #[test]
    fn a_lost_or_empty_output_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        ran(folder.path(), "a");
        fs::remove_file(&output).unwrap();
        assert!(ran(folder.path(), "a"));
        fs::write(&output, "").unwrap();
        assert!(ran(folder.path(), "a"));
    }

    #[test]
    fn a_failed_stage_is_forgotten_though_its_old_output_stands() {
        let folder = tempfile::tempdir().unwrap();
        ran(folder.path(), "a");
        let output = folder.path().join("output");
        let failed = Stages::open(folder.path()).unwrap().run(
            "one",
            "one",
            Fingerprint::default().text("b"),
            &output,
            || anyhow::bail!("no luck"),
        );
        assert!(format!("{:#}", failed.unwrap_err()).contains("no luck"));
        assert!(ran(folder.path(), "a"));
    }

    #[test]
    fn a_stage_that_writes_nothing_fails() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let mut stages = Stages::open(folder.path()).unwrap();
        let error = stages
            .run("one", "one", Fingerprint::default(), &output, || Ok(()))
            .unwrap_err();
        assert!(error.to_string().contains("left nothing"), "{error}");
    }

    #[test]
    fn a_damaged_memory_only_costs_time() {
        let folder = tempfile::tempdir().unwrap();
        ran(folder.path(), "a");
        fs::write(folder.path().join("pipeline.json"), "{ half").unwrap();
        assert!(ran(folder.path(), "a"));
    }

    #[test]
    fn a_fingerprint_sees_content_names_and_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wav");
        fs::write(&file, "one").unwrap();
        let content = |path: &Path| Fingerprint::default().file(path).unwrap().finish();
        let listing = |files: &[PathBuf]| Fingerprint::default().listing(files).unwrap().finish();
        let (content_before, listing_before) =
            (content(&file), listing(std::slice::from_ref(&file)));
        fs::write(&file, "longer").unwrap();
        assert_ne!(content(&file), content_before);
        assert_ne!(listing(std::slice::from_ref(&file)), listing_before);
        assert_ne!(listing(&[]), listing(&[file]));
        let apart = |a: &str, b: &str| Fingerprint::default().text(a).text(b).finish();
        assert_ne!(apart("ab", "c"), apart("a", "bc"));
    }
}
