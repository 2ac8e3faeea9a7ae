//! The command `ser download NAME`: fetches the archive of a corpus and unpacks it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use ser_data::corpora::{Access, KnownCorpus};
use ser_data::{Corpus, Scan};
use ser_download::{Archive, Limits, Progress, Source, fetch, fill, may_fill, md5_of, size};
use ser_experiment::Skipped;
use ser_files::{Lock, beside};
use serde::Serialize;

use crate::Outcome;
use crate::args::DownloadArgs;
use crate::output::{plain, progress, tell};

/// Limits on an archive. The largest corpora have 35 000 recordings, and the archives of some hold everything twice.
const LIMITS: Limits = Limits {
    entries: 200_000,
    bytes: 64 << 30,
};

/// The result of a download.
#[derive(Serialize)]
struct Downloaded<'a> {
    corpus: &'static str,
    folder: &'a Path,
    recordings: usize,
    expected: usize,
    skipped: Vec<Skipped>,
}

/// Fetches a corpus into a folder, unless the folder holds the complete corpus already.
pub fn get(known: &'static KnownCorpus, args: &DownloadArgs, json: bool) -> Result<Outcome> {
    let shown = args.to.clone().unwrap_or_else(|| known.name.into());
    // A link is kept, and its target is filled.
    let to = shown
        .canonicalize()
        .or_else(|_| std::path::absolute(&shown));
    let to = to.with_context(|| shown.display().to_string())?;

    let there = recordings_in(&to, known);
    let done = |recordings, skipped| Downloaded {
        corpus: known.name,
        folder: &shown,
        recordings,
        expected: known.recordings,
        skipped,
    };
    if there >= known.recordings {
        return told(known, &done(there, Vec::new()), json);
    }
    may_fill(&to).with_context(|| match there {
        0 => format!("{} holds something else", shown.display()),
        _ => format!(
            "{} holds {there} of {} recordings",
            shown.display(),
            known.recordings
        ),
    })?;
    // The finished folder takes the place of this one, and a shell would stay behind in the old one.
    if std::env::current_dir().is_ok_and(|here| here.starts_with(&to)) {
        bail!(
            "{} is the current folder: name a folder in it, as in `--to {}`",
            shown.display(),
            known.name
        );
    }
    let origin = Origin::of(known, args.from.as_deref())?;
    let _lock = lock(&to)?;
    // Another program may have filled it in the meantime.
    may_fill(&to)?;
    let (recordings, skipped) = match origin {
        Origin::Server(source) => from_server(known, &source, &to)?,
        Origin::Disk(archive) => from_disk(known, archive, &to)?,
    };
    told(known, &done(recordings, skipped), json)
}

/// Returns the number of recordings of a corpus that a folder holds.
fn recordings_in(folder: &Path, known: &KnownCorpus) -> usize {
    match Corpus::scan(folder) {
        Ok(Scan { audit, .. }) if audit.known == Some(known) && !audit.synthetic => audit.clips,
        // Anything else, or a folder that cannot be read, is not this corpus.
        _ => 0,
    }
}

/// The source of the archive.
enum Origin<'a> {
    Server(Source<'a>),
    Disk(&'a Path),
}

impl<'a> Origin<'a> {
    fn of(known: &KnownCorpus, from: Option<&'a str>) -> Result<Self> {
        let (published, size, md5) = match known.access {
            Access::Archive { url, size, md5 } => (Ok(url), size, md5),
            Access::ByHand(reason) => (Err(reason), None, None),
        };
        let url = match (from, published) {
            (Some(url), _) if url.starts_with("http://") || url.starts_with("https://") => url,
            (Some(path), _) => return Ok(Self::Disk(path.as_ref())),
            (None, Ok(url)) => url,
            (None, Err(reason)) => bail!(
                "{} cannot be downloaded by this program: {reason}. Get it from {}; then run `ser index DIR` on its folder, or \
                 `ser download {} --from ARCHIVE` on a zip archive",
                known.title,
                known.address,
                known.name
            ),
        };
        Ok(Self::Server(Source { url, size, md5 }))
    }
}

/// Takes the lock with which only one program at a time fills a folder.
fn lock(to: &Path) -> Result<Lock> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(ser_files::Error::at(parent))?;
    }
    let lock = Lock::take(&beside(to, "lock"))?;
    lock.with_context(|| {
        format!(
            "{}: another program is downloading into this folder: wait until it has ended",
            to.display()
        )
    })
}

fn from_server(known: &KnownCorpus, source: &Source, to: &Path) -> Result<(usize, Vec<Skipped>)> {
    eprintln!("from: {}", plain(source.url));
    if source.md5.is_none() {
        eprintln!(
            "no checksum of this archive is published: its own checksums show damage, but not whether it is the authors' archive"
        );
    }
    let path = beside(to, "downloading");
    let origin = beside(to, "origin");
    // Without a checksum, only this file tells whether a finished download is from the same address.
    let is_the_same = || std::fs::read_to_string(&origin).is_ok_and(|url| url == source.url);
    if source.md5.is_none() && !is_the_same() {
        ser_files::remove_file(&path)?;
    }
    let received = fetch_with_bar(source, &path)?;
    ser_files::write_file(&origin, source.url)?;
    match received {
        0 => eprintln!("{} was already there", path.display()),
        received => eprintln!("{} downloaded", size(received)),
    }
    if let Some(md5) = source.md5 {
        eprintln!("it has the published checksum: md5 {md5}");
    }
    let unpacked = unpack(known, &path, to);
    // If the downloaded file is not the cause of the error, it is kept for the next run.
    let outlives = |error: &Error| source.outlives(error.as_ref());
    if !unpacked.as_ref().is_err_and(outlives) {
        ser_files::remove_file(&path)?;
        ser_files::remove_file(&origin)?;
    }
    unpacked
}

fn from_disk(known: &KnownCorpus, path: &Path, to: &Path) -> Result<(usize, Vec<Skipped>)> {
    if path.is_dir() {
        let path = path.display();
        bail!(
            "{path} is a folder, but an archive is expected: `ser index {path}` reports what the folder holds"
        );
    }
    if let Access::Archive { md5: Some(md5), .. } = known.access {
        let actual = md5_of(path)?;
        let is_or_not = if actual == md5 { "is" } else { "is not" };
        eprintln!(
            "{} {is_or_not} the published archive: md5 {actual}",
            path.display()
        );
    }
    unpack(known, path, to)
}

fn fetch_with_bar(source: &Source, path: &Path) -> Result<u64> {
    let template = "    download {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec} (left {eta})";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(template)?);
    let received = fetch(source, path, &mut |progress| match progress {
        Progress::Bytes { have, of } => {
            if let Some(of) = of {
                bar.set_length(of);
            }
            bar.set_position(have);
        }
        Progress::Waiting(wait) => {
            let seconds = wait.as_secs();
            bar.suspend(|| eprintln!("waiting {seconds} seconds, as the server asks"));
        }
    });
    bar.finish_and_clear();
    received.context(
        "the archive could not be downloaded; if you have a copy of it, name it with `--from`",
    )
}

/// Unpacks the files of the corpus. Returns the number of recordings, and the files that had to be skipped.
fn unpack(known: &KnownCorpus, path: &Path, to: &Path) -> Result<(usize, Vec<Skipped>)> {
    let mut archive = Archive::open(path, &LIMITS)?;
    let wanted = wanted(known, &archive);
    if wanted.is_empty() {
        let (path, title, example) = (path.display(), known.title, known.example);
        bail!("{path} holds no recording of {title}, such as {example}");
    }
    let bar = progress(wanted.len(), "unpack");
    let unpacked = fill(to, |staging| {
        archive.unpack(staging, |entry| {
            let is_wanted = wanted.contains(&entry.name);
            bar.inc(is_wanted.into());
            is_wanted.then(|| PathBuf::from(&entry.name))
        })?;
        let Scan { audit, .. } = Corpus::scan(staging).with_context(|| {
            let (path, title) = (path.display(), known.title);
            format!("{path} holds no readable recording of {title}")
        })?;
        if audit.known != Some(known) || audit.synthetic {
            let found = match audit.known {
                Some(found) if !audit.synthetic => found.title,
                _ => "synthetic voices",
            };
            bail!(
                "{} holds {found}, but {} is expected",
                path.display(),
                known.title
            );
        }
        let named = |skipped: Skipped| Skipped {
            path: match skipped.path.strip_prefix(staging) {
                Ok(below) => to.join(below),
                Err(_) => skipped.path,
            },
            ..skipped
        };
        let skipped = Skipped::of_audit(&audit).into_iter().map(named).collect();
        Ok((audit.clips, skipped))
    });
    bar.finish_and_clear();
    unpacked
}

/// Returns the names of the files to unpack. Some archives hold everything twice; of several copies of a file, the one in
/// the fewest folders is unpacked.
fn wanted<R: std::io::Read + std::io::Seek>(
    known: &KnownCorpus,
    archive: &Archive<R>,
) -> HashSet<String> {
    let mut files: HashMap<_, &str> = HashMap::new();
    for entry in archive.entries() {
        let path = Path::new(&entry.name);
        if known.wants(path) {
            let depth = |name: &str| Path::new(name).components().count();
            let kept = files
                .entry((path.file_name(), entry.size, entry.crc32))
                .or_insert(&entry.name);
            if depth(&entry.name) < depth(kept) {
                *kept = &entry.name;
            }
        }
    }
    files.into_values().map(str::to_owned).collect()
}

/// Prints what the folder holds and what to do with it.
fn told(known: &KnownCorpus, done: &Downloaded, json: bool) -> Result<Outcome> {
    tell(&done.skipped);
    let missing = known.recordings.saturating_sub(done.recordings);
    let outcome = match missing {
        0 => Outcome::of(&done.skipped),
        _ => Outcome::SomeSkipped,
    };
    if json {
        println!("{}", serde_json::to_string(done)?);
        return Ok(outcome);
    }
    let folder = done.folder.display();
    println!(
        "{}: {} of {} recordings are in {folder}",
        known.title, done.recordings, done.expected
    );
    if missing > 0 {
        println!("{missing} are missing: the archive does not hold the whole corpus");
    }
    println!("next: ser index {folder}");
    if known.speakers >= 5 {
        let name = known.name;
        println!(
            "      ser crossval --recipe mlp --protocol speakers-5 --data {folder} --out runs/{name}"
        );
    }
    Ok(outcome)
}
