//! `cargo xtask download`: the RAVDESS speech corpus.
//!
//! RAVDESS (Livingstone & Russo 2018, PLoS ONE 13(5) e0196391) is published under CC BY-NC-SA 4.0 as Zenodo record
//! 1188976. A copy under another checksum (zipped anew, a mirror with a second copy inside) is taken when it holds
//! exactly the 1440 names of the published archive.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};

use crate::archive::{Archive, Limits};
use crate::fetch::{self, Source};
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

/// Other ways to a corpus, for errors.
const WAYS_OUT: &str = "Ways on without this download:\n  \
    cargo xtask download --from FILE.zip|FOLDER|URL   a copy you have, or a mirror\n  \
    cargo xtask pipeline --data DIR                   run on a folder that holds the WAV files\n  \
    cargo xtask pipeline --synthetic                  run on the built-in synthetic corpus, no download at all";

#[derive(clap::Args)]
pub struct Args {
    /// Where to take the corpus from: a URL, the archive on disk, or a folder of unpacked WAV files (used in place).
    #[arg(long, value_name = "URL|ARCHIVE|FOLDER")]
    from: Option<String>,
    /// Where the unpacked corpus goes [default: data/corpora/ravdess].
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Runs the task.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let to = args.to.clone().unwrap_or_else(|| folder(root));
    get(args.from.as_deref(), &to)
}

/// Where the corpus lies by default.
pub fn folder(root: &Path) -> PathBuf {
    paths::corpora(root).join("ravdess")
}

/// Makes `to` hold the corpus; does nothing if it does.
pub fn get(from: Option<&str>, to: &Path) -> Result<()> {
    let to = std::path::absolute(to).with_context(|| format!("resolving {}", to.display()))?;
    let name = to.file_name().unwrap_or_default().display();
    let _lock = lock::hold(&to.with_file_name(format!(".{name}.lock")), "the corpus")?;
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
    println!("RAVDESS: downloading {}", source.url);
    let archive = paths::with_suffix(to, ".zip");
    let received = fetch::fetch(source, &archive)?;
    println!("  {} downloaded", fetch::size(received));
    // Whether good or useless, the archive has done its service.
    let unpacked = from_archive(&archive, to);
    fs::remove_file(&archive).with_context(|| format!("removing {}", archive.display()))?;
    unpacked
}

fn from_archive(path: &Path, to: &Path) -> Result<()> {
    let md5 = fetch::md5_of(path)?;
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
            "{} holds two different clips of one name: `{first}` and `{}`",
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

    let staging = paths::with_suffix(to, ".unpacking");
    libtorch::clear(&staging)?;
    archive.unpack(&staging, |entry| {
        let name = file_name(&entry.name).filter(|_| wanted.contains(&entry.name))?;
        Some(Path::new(&format!("Actor_{:02}", actor(name)?)).join(name))
    })?;
    make_way(to)?;
    fs::rename(&staging, to).with_context(|| format!("writing {}", to.display()))?;
    println!("RAVDESS: {CLIPS} clips unpacked to {}", to.display());
    Ok(())
}

/// Links to a folder that holds the clips, at any depth; nothing is copied or changed there.
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

/// Clears the destination of a link or an incomplete corpus of ours, but never of anything else.
fn make_way(to: &Path) -> Result<()> {
    let Ok(meta) = to.symlink_metadata() else {
        return Ok(());
    };
    if meta.is_symlink() {
        return fs::remove_file(to).with_context(|| format!("removing {}", to.display()));
    }
    let empty = meta.is_dir() && fs::read_dir(to)?.next().is_none();
    ensure!(
        empty,
        "{} is in the way; move it elsewhere and run again",
        to.display()
    );
    fs::remove_dir(to).with_context(|| format!("removing {}", to.display()))
}

/// Whether a folder holds all clips of the corpus.
pub fn is_whole(folder: &Path) -> Result<bool> {
    Ok(clips_under(folder)?.len() == CLIPS)
}

/// The distinct names of RAVDESS speech clips under a folder.
fn clips_under(folder: &Path) -> Result<HashSet<String>> {
    let names = wav_files(folder)?
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .filter(|name| actor(name).is_some())
        .collect();
    Ok(names)
}

/// All WAV files under a folder, sorted; none if the folder is missing.
pub fn wav_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.with_context(|| format!("reading {}", folder.display()))?,
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn file_name(entry: &str) -> Option<&str> {
    entry.rsplit('/').next()
}

/// The actor of a RAVDESS speech clip by its name `03-01-EE-II-SS-RR-AA.wav`; `None` for any other name.
fn actor(name: &str) -> Option<u8> {
    let fields: Vec<&str> = name.strip_suffix(".wav")?.split('-').collect();
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

/// Fails unless a folder holds WAV files.
pub fn require_audio(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = wav_files(folder)?;
    if files.is_empty() {
        bail!("{} holds no WAV files", folder.display());
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn all_names() -> Vec<String> {
        let mut names = Vec::new();
        for actor in 1..=24 {
            for emotion in 1..=8 {
                for intensity in 1..=if emotion == 1 { 1 } else { 2 } {
                    for (statement, repetition) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                        names.push(format!(
                            "03-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor:02}.wav"
                        ));
                    }
                }
            }
        }
        names
    }

    fn zip_of(path: &Path, entries: impl IntoIterator<Item = (String, String)>) {
        let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
        for (name, content) in entries {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    }

    fn clip_entries() -> Vec<(String, String)> {
        all_names()
            .into_iter()
            .map(|name| (format!("Actor_{}/{name}", &name[18..20]), name))
            .collect()
    }

    #[test]
    fn the_name_pattern_admits_exactly_the_1440_clips() {
        let names = all_names();
        assert_eq!(names.len(), CLIPS);
        assert!(names.iter().all(|name| actor(name).is_some()));
        assert_eq!(actor("03-01-05-02-01-02-11.wav"), Some(11));
        for other in [
            "03-02-05-02-01-02-11.wav",
            "03-01-01-02-01-01-01.wav",
            "03-01-09-01-01-01-01.wav",
            "03-01-05-02-01-02-25.wav",
            "3-1-5-2-1-2-11.wav",
            "03-01-05-02-01-02.wav",
            "+3-01-05-02-01-02-11.wav",
            "03-01-05-02-01-02-11.mp3",
        ] {
            assert_eq!(actor(other), None, "{other}");
        }
    }

    #[test]
    fn a_rezipped_archive_with_a_nested_second_copy_unpacks_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.zip");
        let nested = clip_entries()
            .into_iter()
            .map(|(name, text)| (format!("audio_speech_actors_01-24/{name}"), text));
        let extra = [("__MACOSX/._x".to_owned(), "junk".to_owned())];
        zip_of(&file, nested.chain(clip_entries()).chain(extra));
        let to = folder.path().join("corpus");
        get(file.to_str(), &to).unwrap();
        assert_eq!(wav_files(&to).unwrap().len(), CLIPS);
        let clip = to.join("Actor_11/03-01-05-02-01-02-11.wav");
        assert_eq!(
            fs::read_to_string(clip).unwrap(),
            "03-01-05-02-01-02-11.wav"
        );
        // Complete: nothing more to do, and nothing is asked of the network.
        get(None, &to).unwrap();
    }

    #[test]
    fn an_archive_of_something_else_is_refused_with_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.zip");
        zip_of(&file, clip_entries().into_iter().skip(1));
        let to = folder.path().join("corpus");
        let error = format!("{:#}", get(file.to_str(), &to).unwrap_err());
        assert!(
            error.contains("1439 of 1440") && error.contains("bc696df6"),
            "{error}"
        );
        assert!(!to.exists());
    }

    #[test]
    fn two_clips_of_one_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("twins.zip");
        let twin = (
            "again/03-01-01-01-01-01-01.wav".to_owned(),
            "other".to_owned(),
        );
        zip_of(&file, clip_entries().into_iter().chain([twin]));
        let error = get(file.to_str(), &folder.path().join("corpus"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("two different clips"), "{error}");
    }

    #[test]
    fn a_folder_is_used_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("mine/deep");
        fs::create_dir_all(&from).unwrap();
        for name in all_names() {
            fs::write(from.join(name), "x").unwrap();
        }
        let to = folder.path().join("corpus");
        get(folder.path().join("mine").to_str(), &to).unwrap();
        assert!(to.symlink_metadata().unwrap().is_symlink());
        assert_eq!(clips_under(&to).unwrap().len(), CLIPS);

        fs::remove_file(from.join("03-01-01-01-01-01-01.wav")).unwrap();
        let error = get(
            folder.path().join("mine").to_str(),
            &folder.path().join("other"),
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("1439 of the 1440") && error.contains("--data"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_in_the_way_is_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.zip");
        zip_of(&file, clip_entries());
        let to = folder.path().join("corpus");
        fs::create_dir(&to).unwrap();
        fs::write(to.join("thesis.txt"), "dear").unwrap();
        let error = get(file.to_str(), &to).unwrap_err().to_string();
        assert!(error.contains("in the way"), "{error}");
        assert_eq!(fs::read_to_string(to.join("thesis.txt")).unwrap(), "dear");
    }

    #[test]
    fn an_unreachable_server_names_the_ways_out() {
        let folder = tempfile::tempdir().unwrap();
        // A port that was free a moment ago: nothing listens there.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let url = format!("http://127.0.0.1:{port}/speech.zip");
        let error = format!(
            "{:#}",
            get(Some(&url), &folder.path().join("corpus")).unwrap_err()
        );
        for way in ["--from", "--data", "--synthetic"] {
            assert!(error.contains(way), "{error}");
        }
    }
}
