//! `cargo xtask download`: gets the RAVDESS speech corpus.
//!
//! RAVDESS (Livingstone & Russo 2018, PLoS ONE 13(5) e0196391) is published under CC BY-NC-SA 4.0 as Zenodo record
//! 1188976. A copy with another checksum (zipped again, or a mirror with a second copy inside) is accepted if it holds
//! exactly the 1440 names of the published archive.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use ser_download::{Archive, Limits, Source, fill, make_way, may_fill, md5_of, size};
use ser_files::beside;

use crate::fetch::fetch;
use crate::recordings::recordings;
use crate::{libtorch, lock, paths};

/// The published archive of the speech part.
const PUBLISHED: Source = Source {
    url: "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
    size: Some(208_468_073),
    md5: Some("bc696df654c87fed845eb13823edef8a"),
};
/// 24 actors with 60 clips each.
const CLIPS: usize = 1440;
/// A mirror may hold everything twice and some extra files; the clips are 590 MB unpacked.
const LIMITS: Limits = Limits {
    entries: 10_000,
    bytes: 4 << 30,
};

/// Other ways to get a corpus, for error messages.
const WAYS_OUT: &str = "You can go on without this download:\n  \
    cargo xtask download --from FILE.zip|FOLDER|URL   a copy you have, or a mirror\n  \
    cargo xtask pipeline --data DIR                   run on a folder that holds recordings\n  \
    cargo xtask pipeline --synthetic                  run on the built-in synthetic corpus, no download at all";

#[derive(clap::Args)]
pub struct Args {
    /// The source of the corpus: a URL, the archive on disk, or a folder of unpacked clips (used in place).
    #[arg(long, value_name = "URL|ARCHIVE|FOLDER")]
    from: Option<String>,
    /// The folder for the unpacked corpus [default: data/corpora/ravdess].
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Runs the task.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let to = args.to.clone().unwrap_or_else(|| folder(root));
    get(args.from.as_deref(), &to)
}

/// Returns the default folder of the corpus.
pub fn folder(root: &Path) -> PathBuf {
    paths::corpora(root).join("ravdess")
}

/// Gets the corpus into `to`. Without `from`, it does nothing if the corpus is already there.
pub fn get(from: Option<&str>, to: &Path) -> Result<()> {
    let to = std::path::absolute(to).with_context(|| format!("resolving {}", to.display()))?;
    let _lock = lock::hold(&beside(&to, "lock"), "the corpus")?;
    if from.is_none() && is_whole(&to)? {
        println!("RAVDESS: all {CLIPS} clips are at {}", to.display());
        return Ok(());
    }
    match from {
        None => from_url(&PUBLISHED, &to).map_err(with_ways_out),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => from_url(
            &Source {
                url,
                size: None,
                md5: None,
            },
            &to,
        )
        .map_err(with_ways_out),
        Some(path) => {
            let path = Path::new(path);
            let meta = path
                .metadata()
                .with_context(|| format!("--from {}", path.display()))?;
            if meta.is_dir() {
                from_folder(path, &to)
            } else {
                from_archive(path, &to)
            }
        }
    }
}

fn with_ways_out(error: Error) -> Error {
    anyhow!("RAVDESS could not be downloaded: {error:#}\n{WAYS_OUT}")
}

fn from_url(source: &Source, to: &Path) -> Result<()> {
    may_fill(to)?;
    let archive = beside(to, "downloading");
    println!("RAVDESS: downloading {}", source.url);
    match fetch(source, &archive)? {
        0 => println!("  {} was already downloaded", archive.display()),
        received => println!("  {} downloaded", size(received)),
    }
    let unpacked = from_archive(&archive, to);
    // If the archive outlives the error, the next run continues with it.
    let outlives = |error: &Error| source.outlives(error.as_ref());
    if !unpacked.as_ref().is_err_and(outlives) {
        fs::remove_file(&archive).with_context(|| format!("removing {}", archive.display()))?;
    }
    unpacked
}

fn from_archive(path: &Path, to: &Path) -> Result<()> {
    // Checked before the work as well as after it.
    may_fill(to)?;
    let md5 = md5_of(path)?;
    let published = PUBLISHED.md5 == Some(md5.as_str());
    if published {
        println!("  {} is the published archive (md5 {md5})", path.display());
    }
    let mut archive = Archive::open(path, &LIMITS)?;
    let mut clips: HashMap<&str, (&str, u32)> = HashMap::new();
    for entry in archive.entries() {
        let Some(name) = file_name(&entry.name).filter(|name| actor(name).is_some()) else {
            continue;
        };
        let (first, crc32) = *clips.entry(name).or_insert((&entry.name, entry.crc32));
        ensure!(
            crc32 == entry.crc32,
            "{} holds two different clips of one name: {first:?} and {:?}",
            path.display(),
            entry.name
        );
    }
    ensure!(
        clips.len() == CLIPS,
        "{} is not the RAVDESS speech archive: md5 {md5} (published: {}) and {} of {CLIPS} clip names",
        path.display(),
        PUBLISHED.md5.unwrap_or_default(),
        clips.len()
    );
    if !published {
        println!(
            "  {} is not the published archive (md5 {md5}), but it holds its {CLIPS} clip names: accepted",
            path.display()
        );
    }
    let wanted: HashSet<String> = clips
        .into_values()
        .map(|(entry, _)| entry.to_owned())
        .collect();

    fill(to, |staging| {
        archive.unpack(staging, |entry| {
            let name = file_name(&entry.name).filter(|_| wanted.contains(&entry.name))?;
            Some(Path::new(&format!("Actor_{:02}", actor(name)?)).join(name))
        })
    })?;
    println!("RAVDESS: {CLIPS} clips unpacked to {}", to.display());
    Ok(())
}

/// Links to a folder that holds the clips, at any depth. Nothing is copied or changed there.
fn from_folder(from: &Path, to: &Path) -> Result<()> {
    let from = from
        .canonicalize()
        .with_context(|| format!("reading {}", from.display()))?;
    let found = clips_under(&from)?.len();
    ensure!(
        found == CLIPS,
        "{} holds {found} of the {CLIPS} RAVDESS speech clips; to use a part of the corpus: cargo xtask pipeline --data {}",
        from.display(),
        from.display()
    );
    if to.canonicalize().ok().as_ref() != Some(&from) {
        make_way(to)?;
        libtorch::symlink(&from, to).with_context(|| format!("linking {}", to.display()))?;
    }
    println!(
        "RAVDESS: all {CLIPS} clips are used in place: {} -> {}",
        to.display(),
        from.display()
    );
    Ok(())
}

/// Whether a folder holds all clips of the corpus.
pub fn is_whole(folder: &Path) -> Result<bool> {
    Ok(clips_under(folder)?.len() == CLIPS)
}

/// Returns the distinct names of the RAVDESS speech clips under a folder, without extensions.
fn clips_under(folder: &Path) -> Result<HashSet<String>> {
    let names = recordings_under(folder)?.into_iter().filter_map(|path| {
        actor(path.file_name()?.to_str()?)?;
        Some(path.file_stem()?.to_str()?.to_owned())
    });
    Ok(names.collect())
}

/// Returns all recordings under a folder, sorted, following links; none if the folder is missing.
fn recordings_under(folder: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    // Unreadable entries below the folder, and links that form a loop or lead nowhere, are left to `ser`, which names and skips them.
    let mut files: Vec<PathBuf> = recordings(folder).flatten().collect();
    files.sort();
    Ok(files)
}

fn file_name(entry: &str) -> Option<&str> {
    entry.rsplit('/').next()
}

/// Parses the actor from the name of a RAVDESS speech clip, `03-01-EE-II-SS-RR-AA.wav`, or `.flac`, which is lossless. Returns `None`
/// for any other name.
fn actor(name: &str) -> Option<u8> {
    let stem = name.strip_suffix(".wav").or(name.strip_suffix(".flac"))?;
    let fields: Vec<&str> = stem.split('-').collect();
    let two_digits =
        |field: &&str| field.len() == 2 && field.bytes().all(|byte| byte.is_ascii_digit());
    if !fields.iter().all(two_digits) {
        return None;
    }
    let numbers: Vec<u8> = fields
        .iter()
        .filter_map(|field| field.parse().ok())
        .collect();
    let [
        3,
        1,
        emotion @ 1..=8,
        intensity @ 1..=2,
        1..=2,
        1..=2,
        actor @ 1..=24,
    ] = numbers[..]
    else {
        return None;
    };
    // Neutral speech has no strong form.
    (emotion > 1 || intensity == 1).then_some(actor)
}

/// Returns the recordings of a folder.
///
/// # Errors
///
/// The folder cannot be read, or holds no recordings.
pub fn require_audio(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = recordings_under(folder)?;
    if files.is_empty() {
        bail!("{} holds no recordings", folder.display());
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
