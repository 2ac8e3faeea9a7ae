//! Tests with damaged and misnamed files: every command names them, processes the others, and ends with 3.

use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::Stdio;

use crate::common::{self, ser};

const PCM: u16 = 1;
const FLOAT: u16 = 3;

/// A WAV file whose header may be wrong.
#[derive(Clone)]
struct Wav {
    magic: &'static [u8; 4],
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
    /// Size of the data chunk, as stated.
    stated: u32,
    data: Vec<u8>,
}

impl Wav {
    /// Returns a valid file with one second of a tone.
    fn sound() -> Self {
        let sample = |n: u32| ((n as f32 * 0.08).sin() * 9000.0) as i16;
        let data: Vec<u8> = (0..16_000).flat_map(|n| sample(n).to_le_bytes()).collect();
        Self {
            magic: b"RIFF",
            tag: PCM,
            channels: 1,
            rate: 16_000,
            bits: 16,
            stated: data.len() as u32,
            data,
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut wav = Self::sound();
        change(&mut wav);
        wav.bytes()
    }

    /// Returns a file with other samples and a correct size.
    fn of(data: Vec<u8>) -> Vec<u8> {
        Self::with(|w| (w.stated, w.data) = (data.len() as u32, data))
    }

    fn format(&self) -> Vec<u8> {
        let frame = self.channels.wrapping_mul(self.bits / 8);
        let mut chunk = b"fmt \x10\0\0\0".to_vec();
        chunk.extend(self.tag.to_le_bytes());
        chunk.extend(self.channels.to_le_bytes());
        chunk.extend(self.rate.to_le_bytes());
        chunk.extend(self.rate.wrapping_mul(u32::from(frame)).to_le_bytes());
        chunk.extend(frame.to_le_bytes());
        chunk.extend(self.bits.to_le_bytes());
        chunk
    }

    fn samples(&self) -> Vec<u8> {
        [b"data".as_slice(), &self.stated.to_le_bytes(), &self.data].concat()
    }

    fn riff(&self, chunks: &[u8]) -> Vec<u8> {
        let length = (chunks.len() as u32 + 4).to_le_bytes();
        [self.magic.as_slice(), &length, b"WAVE", chunks].concat()
    }

    fn bytes(&self) -> Vec<u8> {
        self.riff(&[self.format(), self.samples()].concat())
    }
}

fn floats(bad: f32, places: Range<i32>) -> Vec<u8> {
    let values = (0..16_000).map(|n| if places.contains(&n) { bad } else { 0.1 });
    let data: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    Wav::with(|w| (w.tag, w.bits, w.stated, w.data) = (FLOAT, 32, data.len() as u32, data))
}

/// Returns invalid files: for each its name, its bytes, and a part of the error message.
fn bad_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let sound = Wav::sound();
    let swapped = sound.riff(&[sound.samples(), sound.format()].concat());
    let header = sound.bytes()[..30].to_vec();
    let hours = Wav::with(|w| (w.stated, w.data) = (10 * 3600 * 32_000, Vec::new()));
    vec![
        ("empty", vec![], "the file is empty"),
        ("one-byte", vec![b'R'], "it ends after 1 bytes"),
        ("cut-header", header, "inside the header"),
        ("no-samples", Wav::of(vec![]), "no samples"),
        ("no-fmt", sound.riff(&sound.samples()), "no fmt chunk"),
        ("fmt-after-data", swapped, "no fmt chunk before the data"),
        (
            "no-channels",
            Wav::with(|w| w.channels = 0),
            "zero channels",
        ),
        ("rate-0", Wav::with(|w| w.rate = 0), "rate is 0"),
        (
            "rate-4-ghz",
            Wav::with(|w| (w.rate, w.bits) = (4_000_000_000, 8)),
            "4000000000",
        ),
        ("bits-0", Wav::with(|w| w.bits = 0), "bits"),
        ("bits-1", Wav::with(|w| w.bits = 1), "bits"),
        ("bits-12", Wav::with(|w| w.bits = 12), "bits"),
        ("bits-64", Wav::with(|w| w.bits = 64), "64"),
        ("nan", floats(f32::NAN, 0..16_000), "sample 0 is NaN"),
        ("a-law", Wav::with(|w| (w.tag, w.bits) = (6, 8)), "0x0006"),
        ("mu-law", Wav::with(|w| (w.tag, w.bits) = (7, 8)), "0x0007"),
        (
            "adpcm",
            Wav::with(|w| (w.tag, w.bits) = (0x11, 4)),
            "0x0011",
        ),
        (
            "mp3",
            [[0xFF, 0xFB, 0x90, 0x64].as_slice(), &[0; 413]].concat(),
            "RIFF WAVE",
        ),
        (
            "text",
            b"Dear diary, today I was angry, then sad.".to_vec(),
            "RIFF WAVE",
        ),
        ("ten-hours", hours, "cut short: expected 1152000000"),
    ]
}

/// Returns unusual files that must be read: for each its name and its bytes.
fn good_files() -> Vec<(&'static str, Vec<u8>)> {
    let many = Wav::with(|w| {
        w.channels = 255;
        w.data = w
            .data
            .as_chunks::<2>()
            .0
            .iter()
            .flat_map(|x| x.repeat(255))
            .collect();
        w.stated = w.data.len() as u32;
    });
    let sound = Wav::sound();
    let note = b"LIST\x03\0\0\0abc\0".to_vec();
    let noted = sound.riff(&[sound.format(), note, sound.samples()].concat());
    vec![
        ("sound", sound.bytes()),
        ("cut-data", sound.bytes()[..9000].to_vec()),
        ("odd", Wav::with(|w| (w.stated, _) = (31_999, w.data.pop()))),
        ("length-0", Wav::with(|w| w.stated = 0)),
        ("length-too-short", Wav::with(|w| w.stated = 1000)),
        ("some-nan", floats(f32::NAN, 7000..7010)),
        ("infinite", floats(f32::NEG_INFINITY, 7000..7001)),
        ("odd-chunk", noted),
        ("recorder", Wav::with(|w| w.stated = 0x8000_0000)),
        ("unknown-length", Wav::with(|w| w.stated = u32::MAX)),
        ("channels-255", many),
        ("zeros", Wav::of(vec![0; 32_000])),
        ("clipped", Wav::of([0xFF, 0x7F, 0x00, 0x80].repeat(8000))),
        ("one-sample", Wav::of(vec![1, 2])),
        (
            "id3",
            [b"ID3\x04\0\0\0\0\0\0".as_slice(), &sound.bytes()].concat(),
        ),
    ]
}

/// Writes all files, and adds cases of the file system. Returns the good files, and the bad files with a part of the error
/// message of each.
fn catalogue(folder: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, &'static str)>) {
    let write = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(format!("{name}.wav"));
        fs::write(&path, bytes).unwrap();
        path
    };
    let good = good_files()
        .into_iter()
        .map(|(name, bytes)| write(name, bytes));
    let mut good: Vec<_> = good.collect();
    let bad = bad_files()
        .into_iter()
        .map(|(name, bytes, said)| (write(name, bytes), said));
    let mut bad: Vec<_> = bad.collect();
    bad.push((folder.join("missing.wav"), "No such file"));
    #[cfg(unix)]
    {
        let dangling = folder.join("dangling.wav");
        std::os::unix::fs::symlink(folder.join("nowhere.wav"), &dangling).unwrap();
        bad.push((dangling, "No such file"));
        // Permissions do not stop a user who may read everything.
        let secret = write("secret", Wav::sound().bytes());
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        match fs::read(&secret) {
            Ok(_) => good.push(secret),
            Err(_) => bad.push((secret, "Permission denied")),
        }
    }
    (good, bad)
}

/// Runs a command that must end with 3. Returns its standard output and standard error.
fn with_skips(words: &[&dyn AsRef<OsStr>]) -> (String, String) {
    let ended = ser().args(words).assert().code(3);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let ended = ended.get_output();
    (text(&ended.stdout), text(&ended.stderr))
}

/// Asserts that every bad file is named in a line with its reason, and that no good file is named.
fn assert_named(said: &str, good: &[PathBuf], bad: &[(PathBuf, &str)]) {
    let line = |path: &Path| {
        let name = format!("{}:", path.display());
        said.lines()
            .find(move |line| line.starts_with("skipped:") && line.contains(&name))
    };
    for (path, reason) in bad {
        let line = line(path).unwrap_or_else(|| panic!("{} is not named:\n{said}", path.display()));
        assert!(line.contains(reason), "{line}\nlacks: {reason}");
    }
    for path in good {
        assert!(line(path).is_none(), "{:?}", line(path));
    }
}

#[test]
fn extraction_names_every_bad_file_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = folder.path().join("sounds");
    fs::create_dir_all(sounds.join("a-folder.wav")).unwrap();
    let (good, mut bad) = catalogue(&sounds);
    // The search of a folder does not find a missing file.
    bad.retain(|(path, _)| !path.ends_with("missing.wav"));
    let out = folder.path().join("all.safetensors");
    let (_, said) = with_skips(&[&"extract", &sounds, &"--out", &out]);
    assert_named(&said, &good, &bad);
    let bytes = fs::read(out).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.len(), good.len());
    for (name, tensor) in tensors.tensors() {
        let values = tensor.data().as_chunks::<4>().0;
        let finite = values.iter().all(|&b| f32::from_le_bytes(b).is_finite());
        assert!(finite && !values.is_empty(), "{name}");
    }
}

#[test]
fn prediction_names_every_bad_file_and_answers_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = catalogue(folder.path());
    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"--json", &"predict"];
    words.extend(good.iter().map(|path| path as &dyn AsRef<OsStr>));
    words.extend(bad.iter().map(|(path, _)| path as &dyn AsRef<OsStr>));
    let (printed, said) = with_skips(&words);
    assert_named(&said, &good, &bad);
    assert_eq!(printed.lines().count(), good.len());
    for line in printed.lines() {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let sum: f64 = answer["probabilities"]
            .as_object()
            .unwrap()
            .values()
            .map(|p| p.as_f64().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-4, "{line}");
    }
}

/// For the catalogue and the seeds of the fuzzer, the service returns the answer of the program, or refuses with its reason.
#[cfg(unix)]
#[test]
fn the_service_says_of_every_file_what_the_program_says() {
    use serde_json::Value;

    let folder = tempfile::tempdir().unwrap();
    catalogue(folder.path());
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/recording");
    for seed in fs::read_dir(seeds).unwrap() {
        let seed = seed.unwrap();
        fs::copy(seed.path(), folder.path().join(seed.file_name())).unwrap();
    }
    let files = fs::read_dir(folder.path()).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files.filter(|path| fs::read(path).is_ok()).collect();
    let mut words: Vec<&dyn AsRef<OsStr>> = vec![&"--json", &"predict"];
    words.extend(files.iter().map(|path| path as &dyn AsRef<OsStr>));
    let (printed, said) = with_skips(&words);
    let printed: Vec<Value> = common::lines(&printed);

    let serving = crate::serve::Serving::new(&[]);
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(path).unwrap();
        let (status, answer) = serving.post_file("/v1/predict", name, &bytes);
        let by_program = printed
            .iter()
            .find(|line| line["file"] == path.to_str().unwrap());
        if let Some(line) = by_program {
            let mut line = line.clone();
            line["file"] = name.into();
            assert_eq!((status, answer), (200, line), "{name}");
        } else {
            let detail = answer["detail"].as_str().unwrap();
            assert!(status == 415 || status == 422, "{name}: {status}: {answer}");
            let skipped = said.lines().filter(|line| line.starts_with("skipped:"));
            let mut of_file = skipped.filter(|line| line.contains(&format!("/{name}: ")));
            let line = of_file.next().unwrap();
            assert!(line.ends_with(detail), "{line}\ndiffers from: {detail}");
        }
        // An explanation takes seconds: of the recordings that are answered, one is explained.
        let is_explained = by_program.is_none_or(|line| *line == printed[0]);
        for other in ["/v1/timeline", "/v1/explain"]
            .into_iter()
            .take(1 + usize::from(is_explained))
        {
            let (status, answer) = serving.post_file(other, name, &bytes);
            assert!(status < 500, "{other} {name}: {answer}");
        }
    }
}

#[test]
fn a_manifest_leads_to_every_bad_file_and_to_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = catalogue(folder.path());
    let all = good.iter().chain(bad.iter().map(|(path, _)| path));
    let rows: String = all
        .map(|path| format!("{},sad,anna\n", path.file_name().unwrap().to_str().unwrap()))
        .collect();
    let manifest = folder.path().join("mine.csv");
    fs::write(&manifest, format!("path,emotion,speaker\n{rows}")).unwrap();
    let (said, _) = with_skips(&[&"--json", &"index", &manifest]);
    for (path, _) in &bad {
        let name = path.file_name().unwrap().to_str().unwrap();
        // The index does not read the samples, so it does not notice errors that only they show.
        let hidden = name == "nan.wav";
        assert!(
            said.contains(name) || hidden,
            "{name} is not named:\n{said}"
        );
    }
    let audit: serde_json::Value = serde_json::from_str(&said).unwrap();
    let damaged = audit["damaged"].as_array().unwrap();
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert_eq!(
        damaged[0]["reason"],
        "cut short: the header promises 1.0 s, the file holds 0.3 s"
    );
    let skipped = audit["skipped"].to_string();
    for path in &good {
        assert!(!skipped.contains(path.to_str().unwrap()), "{skipped}");
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8_are_read_like_others() {
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"caf\xE9.wav"));
    fs::write(&odd, Wav::sound().bytes()).unwrap();
    let out = folder.path().join("all.safetensors");
    ser()
        .args([
            OsStr::new("extract"),
            folder.path().as_os_str(),
            OsStr::new("--out"),
            out.as_os_str(),
        ])
        .assert()
        .success();
    let npy = folder.path().join("one.npy");
    ser()
        .args([
            OsStr::new("extract"),
            odd.as_os_str(),
            OsStr::new("--out"),
            npy.as_os_str(),
        ])
        .assert()
        .success();
}

/// Memory depends on what a file contains, even if its header announces ten hours or 255 channels.
#[cfg(target_os = "linux")]
#[test]
fn no_file_makes_the_program_ask_for_much_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = catalogue(folder.path());
    let out = folder.path().join("all.safetensors");
    let files = good.iter().chain(bad.iter().map(|(path, _)| path));
    #[expect(clippy::zombie_processes, reason = "wait4 waits")]
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_ser"))
        .args(["extract", "--out"])
        .arg(&out)
        .args(files)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The memory of this program alone: other tests start programs as well.
    let mut status = 0;
    // SAFETY: `rusage` is a plain structure, which the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let id = program.id().cast_signed();
        assert_eq!(libc::wait4(id, &mut status, 0, &mut usage), id);
        usage
    };
    assert_eq!(libc::WEXITSTATUS(status), 3);
    assert!(usage.ru_maxrss < 400 << 10, "{} kB", usage.ru_maxrss);
}
