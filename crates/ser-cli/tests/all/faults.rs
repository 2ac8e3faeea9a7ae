//! Tests of runs that are killed, that meet a full disk, or that meet another run. A file under its final name is complete,
//! and the next call ends as if nothing had happened.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::{self, complaint, quick_recipe, synthetic, with_recipe};

/// The arguments of a call of the program.
type Call = Vec<String>;

fn call(words: &[&dyn AsRef<OsStr>]) -> Call {
    let word = |w: &&dyn AsRef<OsStr>| w.as_ref().to_str().unwrap().to_owned();
    words.iter().map(word).collect()
}

/// Returns the error message of a call that must fail.
fn refusal(call: &Call) -> String {
    let words: Vec<&dyn AsRef<OsStr>> = call.iter().map(|word| word as _).collect();
    complaint(1, &words)
}

fn program(call: &Call) -> Command {
    let mut program = Command::new(assert_cmd::cargo::cargo_bin("ser"));
    program
        .args(call)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    program
}

/// Returns every file below a folder by its relative path.
fn tree(folder: &Path) -> BTreeMap<String, PathBuf> {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    let name = |path: &Path| {
        path.strip_prefix(folder)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    files
        .map(|entry| (name(entry.path()), entry.into_path()))
        .collect()
}

/// Kills calls at random moments, each in the folder with what the earlier calls left, and then lets one finish. Calls
/// `check` after every kill.
fn killed_again_and_again(call: &Call, usual: Duration, kills: usize, mut check: impl FnMut()) {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..kills {
        let mut child = program(call).spawn().unwrap();
        std::thread::sleep(usual.mul_f64(rng.random_range(0.02..0.9)));
        child.kill().unwrap();
        child.wait().unwrap();
        check();
    }
    let ended = program(call).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
}

/// Whether a file is the same in every run of the same recipe. Files with times are not.
fn same_everywhere(name: &str) -> bool {
    let timed = ["training.json", "report.html"];
    !timed.iter().any(|file| name.ends_with(file)) && !name.contains("history")
}

fn assert_same(disturbed: &Path, whole: &Path) {
    let (disturbed, whole) = (tree(disturbed), tree(whole));
    assert_eq!(
        disturbed.keys().collect::<Vec<_>>(),
        whole.keys().collect::<Vec<_>>()
    );
    for (name, path) in disturbed.iter().filter(|(name, _)| same_everywhere(name)) {
        assert!(
            fs::read(path).unwrap() == fs::read(&whole[name]).unwrap(),
            "{name}"
        );
    }
}

/// Writes an ensemble of two small recipes.
fn ensemble(folder: &Path) -> PathBuf {
    let [one, two] = ["one", "two"].map(|name| quick_recipe(folder, name, "loso", 2));
    common::ensemble(folder, "both", [&one, &two], "")
}

#[test]
fn a_cross_validation_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = ensemble(folder.path());
    let crossval = |name: &str| {
        let (out, store) = (
            folder.path().join(name),
            folder.path().join(format!("{name}-store")),
        );
        let words: [&dyn AsRef<OsStr>; 9] = [
            &"crossval",
            &"--recipe",
            &recipe,
            &"--data",
            &synthetic(),
            &"--store",
            &store,
            &"--out",
            &out,
        ];
        (call(&words), out)
    };
    let (undisturbed, whole) = crossval("whole");
    let start = Instant::now();
    assert!(program(&undisturbed).status().unwrap().success());
    let usual = start.elapsed();

    let (disturbed, out) = crossval("killed");
    // Every split is trained only once, and its model is never written again.
    let mut finished: BTreeMap<String, SystemTime> = BTreeMap::new();
    let mut kept = 0;
    let written = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    killed_again_and_again(&disturbed, usual, 12, || {
        for (name, path) in tree(&out) {
            let Some(split) = name.strip_suffix("/model.safetensors") else {
                continue;
            };
            // The mean of the members is computed again each time, because it needs no training.
            if split.ends_with(".ser-unfinished") || !split.starts_with("members/") {
                continue;
            }
            for file in [
                "run.json",
                "recipe.toml",
                "split.csv",
                "predictions.csv",
                "training.json",
            ] {
                assert!(
                    path.with_file_name(file).is_file(),
                    "{split} without {file}"
                );
            }
            let at = written(&path);
            kept += usize::from(finished.insert(name.clone(), at).is_some_and(|before| {
                assert_eq!(before, at, "{name} was trained again");
                true
            }));
        }
    });
    assert!(
        kept > 0,
        "no kill found a split that an earlier one had left"
    );
    for (name, at) in finished {
        assert_eq!(written(&out.join(&name)), at, "{name} was trained again");
    }
    assert_same(&out, &whole);
    assert!(!folder.path().join(".killed.ser-lock").exists());
}

#[test]
fn extraction_selection_and_fitting_killed_at_any_moment_end_as_if_they_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "one", "loso", 2);
    let fixed = fs::read_to_string(&recipe).unwrap() + "monitor = \"last-epoch\"\n";
    fs::write(&recipe, fixed).unwrap();
    for command in ["extract", "select", "fit"] {
        let at = |name: &str| folder.path().join(format!("{command}-{name}"));
        let words = |name: &str| match command {
            "extract" => {
                fs::create_dir_all(at(name)).unwrap();
                let (out, store) = (
                    at(name).join("all.safetensors"),
                    at(&format!("{name}-store")),
                );
                call(&[&command, &synthetic(), &"--store", &store, &"--out", &out])
            }
            "select" => call(&[
                &command,
                &recipe,
                &"--data",
                &synthetic(),
                &"--out",
                &at(name),
            ]),
            _ => call(&with_recipe(&command, &recipe, &synthetic(), &at(name))),
        };
        let start = Instant::now();
        assert!(program(&words("whole")).status().unwrap().success());
        let out = at("killed");
        killed_again_and_again(&words("killed"), start.elapsed(), 5, || {});
        if command == "extract" {
            // The program does not clean up a folder of the user. Partial files remain there, but not under a final name.
            for (name, path) in tree(&out) {
                if name.starts_with(ser_files::UNFINISHED) {
                    fs::remove_file(path).unwrap()
                } else {
                    assert_eq!(name, "all.safetensors")
                }
            }
        }
        assert_same(&out, &at("whole"));
    }
}

/// Starts a long run, and returns it with its arguments once it has begun.
fn long_run(folder: &Path) -> (std::process::Child, Call) {
    let recipe = quick_recipe(folder, "long", "seed5", 200);
    let out = folder.join("run");
    let words = call(&with_recipe(&"crossval", &recipe, &synthetic(), &out));
    let child = program(&words).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !folder.join(".run.ser-lock").exists() {
        assert!(start.elapsed().as_secs() < 60, "no run began");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The file exists a moment before the lock on it is held.
    std::thread::sleep(Duration::from_millis(200));
    (child, words)
}

#[test]
fn of_two_runs_into_one_folder_the_second_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, words) = long_run(folder.path());
    let said = refusal(&words);
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(said.contains("another run is writing there"), "{said}");
}

#[test]
fn a_run_further_inside_keeps_what_it_is_writing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut inner, _) = long_run(folder.path());
    let out = folder.path().join("run");
    for unfinished in [
        "run/fold.ser-unfinished",
        "gone/fold.ser-unfinished",
        "user/notes.unfinished",
    ] {
        fs::create_dir_all(folder.path().join(unfinished)).unwrap();
    }
    // The call is refused, but only after the outer folder was cleaned up.
    let recipe = quick_recipe(folder.path(), "early", "loso", 1);
    let (data, around) = (synthetic(), folder.path());
    complaint(
        1,
        &[&"select", &recipe, &"--data", &data, &"--out", &around],
    );
    inner.kill().unwrap();
    inner.wait().unwrap();
    assert!(out.join("fold.ser-unfinished").is_dir());
    assert!(!around.join("gone/fold.ser-unfinished").exists());
    assert!(around.join("user/notes.unfinished").is_dir());
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_what_is_kept_and_ends_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let (child, _) = long_run(folder.path());
    // SAFETY: This sends a signal to a child that has not been waited for.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(
        said.contains("run the same command again to continue"),
        "{said}"
    );
}

/// Runs the program with a limit of `kilobytes` on the size of files. Beyond the limit, the system returns an error, as on a
/// full disk.
#[cfg(target_os = "linux")]
fn with_little_space(kilobytes: u32, words: &Call) -> (Option<i32>, String) {
    let limited = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
    let ended = Command::new("bash")
        .args(["-c", &limited])
        .arg(assert_cmd::cargo::cargo_bin("ser"))
        .args(words)
        .output()
        .unwrap();
    (
        ended.status.code(),
        String::from_utf8_lossy(&ended.stderr).into_owned(),
    )
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file_and_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 1);
    let to = |name: &str| folder.path().join(name);
    let data = synthetic();
    let calls: [(&str, u32, Call); 5] = [
        (
            "all.safetensors",
            64,
            call(&[&"extract", &data, &"--out", &to("all.safetensors")]),
        ),
        (
            "index.csv",
            1,
            call(&[&"index", &data, &"--out", &to("index.csv")]),
        ),
        (
            "corpus",
            16,
            call(&[&"synth", &to("corpus"), &"--actors", &"2"]),
        ),
        (
            "run",
            4,
            call(&with_recipe(&"train", &recipe, &data, &to("run"))),
        ),
        (
            "all",
            4,
            call(&with_recipe(&"crossval", &recipe, &data, &to("all"))),
        ),
    ];
    for (name, kilobytes, words) in calls {
        let (code, said) = with_little_space(kilobytes, &words);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(
            said.contains(&*folder.path().to_string_lossy()) && said.contains("too large"),
            "{name}: {said}"
        );
        match name {
            // The folder belongs to the cross-validation, and no split in it is finished.
            "all" => assert!(
                tree(&to(name))
                    .keys()
                    .all(|file| file.contains(".ser-unfinished/"))
            ),
            _ => assert!(!to(name).exists(), "{name}"),
        }
        assert!(fs::read_dir(folder.path()).unwrap().flatten().all(|entry| {
            let left = entry.file_name().to_string_lossy().into_owned();
            !left.starts_with('.') || panic!("{name} left {left}")
        }));
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = quick_recipe(folder.path(), "quick", "seed5", 1);
    let file = folder.path().join("a-file");
    fs::write(&file, "in the way").unwrap();
    let (data, below) = (synthetic(), file.join("below"));
    let calls: [Call; 5] = [
        call(&[
            &"extract",
            &data,
            &"--out",
            &below.with_extension("safetensors"),
        ]),
        call(&[&"index", &data, &"--out", &below]),
        call(&[&"synth", &below, &"--actors", &"2"]),
        call(&with_recipe(&"train", &recipe, &data, &below)),
        call(&[&"select", &recipe, &"--data", &data, &"--out", &below]),
    ];
    for words in calls {
        let said = refusal(&words);
        assert!(said.contains("a-file") && said.contains("folder"), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
}
