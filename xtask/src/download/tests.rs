use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use ser_fixtures::loopback::{self, Answer, serve};

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
    assert_eq!(actor("03-01-05-02-01-02-11.flac"), Some(11));
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
    assert_eq!(recordings_under(&to).unwrap().len(), CLIPS);
    let clip = to.join("Actor_11/03-01-05-02-01-02-11.wav");
    assert_eq!(
        fs::read_to_string(clip).unwrap(),
        "03-01-05-02-01-02-11.wav"
    );
    // The corpus is complete: there is nothing to do, and no request to the network.
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

#[cfg(unix)]
#[test]
fn links_are_followed_and_what_leads_nowhere_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("elsewhere")).unwrap();
    fs::create_dir_all(at("data/folder.wav")).unwrap();
    fs::write(at("elsewhere/a.wav"), "x").unwrap();
    for (target, link) in [
        ("elsewhere", "data/Actor_01"),
        ("elsewhere/a.wav", "data/b.WAV"),
        ("nowhere.wav", "data/c.wav"),
        ("data", "data/round"),
    ] {
        libtorch::symlink(&at(target), &at(link)).unwrap();
    }
    let found = [at("data/Actor_01/a.wav"), at("data/b.WAV")];
    assert_eq!(require_audio(&at("data")).unwrap(), found);
}

/// Returns a response of a server with the bytes of a file.
fn answer(file: &Path) -> Answer {
    let body = fs::read(file).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat().into()
}

/// Returns the names in a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn of_two_downloads_into_one_folder_one_makes_the_corpus_and_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.zip");
    zip_of(&file, clip_entries());
    // A file of the user must not be overwritten.
    let own = folder.path().join("there/corpus.zip");
    fs::create_dir(own.parent().unwrap()).unwrap();
    fs::write(&own, "mine").unwrap();
    let to = own.with_file_name("corpus");
    // One response is enough: the second run finds the corpus of the first before it sends a request.
    let (url, server) = serve(vec![answer(&file)]);
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let runs = [(); 2].map(|()| scope.spawn(|| get(Some(&url), &to)));
        runs.map(|run| run.join().unwrap()).into()
    });
    let refusals: Vec<String> = results
        .into_iter()
        .filter_map(|result| Some(result.err()?.to_string()))
        .collect();
    assert!(
        refusals.len() == 1 && refusals[0].contains("in the way"),
        "{refusals:?}"
    );
    assert!(is_whole(&to).unwrap());
    assert_eq!(names_in(own.parent().unwrap()), ["corpus", "corpus.zip"]);
    assert_eq!(fs::read_to_string(own).unwrap(), "mine");
    server.join().unwrap();
}

#[test]
fn a_useless_archive_from_a_server_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    fs::write(&page, "<html>Sign in to the network</html>").unwrap();
    let to = folder.path().join("there/corpus");
    let (url, server) = serve(vec![answer(&page)]);
    let error = get(Some(&url), &to).unwrap_err().to_string();
    assert!(error.contains("not a readable zip archive"), "{error}");
    assert_eq!(names_in(to.parent().unwrap()), [""; 0]);
    server.join().unwrap();
}

#[test]
fn an_archive_with_the_published_checksum_is_downloaded_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("short.zip");
    zip_of(&file, clip_entries().into_iter().skip(1));
    let to = folder.path().join("there/corpus");
    let (url, server) = serve(vec![answer(&file)]);
    let md5 = md5_of(&file).unwrap();
    let source = Source {
        url: &url,
        size: None,
        md5: Some(&md5),
    };
    // The second time, the server is gone.
    for _ in 0..2 {
        let error = from_url(&source, &to).unwrap_err().to_string();
        assert!(error.contains("1439 of 1440"), "{error}");
        assert_eq!(names_in(to.parent().unwrap()), [".corpus.ser-downloading"]);
    }
    server.join().unwrap();
}

#[test]
fn a_damaged_clip_is_named_and_no_part_of_the_corpus_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("damaged.zip");
    let mut zip = ZipWriter::new(fs::File::create(&file).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, _) in clip_entries() {
        zip.start_file(name, stored).unwrap();
        zip.write_all(b"samples").unwrap();
    }
    zip.finish().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let third = bytes
        .windows(7)
        .enumerate()
        .filter(|(_, window)| window == b"samples")
        .nth(2)
        .unwrap()
        .0;
    bytes[third] = b'S';
    fs::write(&file, bytes).unwrap();
    let to = folder.path().join("there/corpus");
    let error = format!("{:#}", get(file.to_str(), &to).unwrap_err());
    assert!(
        error.contains("Actor_01/03-01-01-01-02-01-01.wav") && error.contains("checksum"),
        "{error}"
    );
    assert_eq!(names_in(to.parent().unwrap()), [""; 0]);
}

#[test]
fn a_folder_where_a_clip_should_be_is_no_clip() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hollow.zip");
    let mut entries = clip_entries();
    entries[0].0.push('/');
    let mut zip = ZipWriter::new(fs::File::create(&file).unwrap());
    for (name, content) in entries {
        if name.ends_with('/') {
            zip.add_directory(name, SimpleFileOptions::default())
                .unwrap();
        } else {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
    }
    zip.finish().unwrap();
    let to = folder.path().join("corpus");
    let error = get(file.to_str(), &to).unwrap_err().to_string();
    assert!(error.contains("1439 of 1440"), "{error}");
    assert!(!to.exists());
}

#[test]
fn what_is_in_the_way_is_found_before_the_download() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("corpus");
    fs::write(&to, "mine").unwrap();
    let error = get(Some(&loopback::dead()), &to).unwrap_err().to_string();
    assert!(error.contains("in the way"), "{error}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "mine");
}

#[test]
fn a_link_stays_until_there_is_something_better() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("corpus");
    libtorch::symlink(folder.path(), &to).unwrap();
    get(Some(&loopback::dead()), &to).unwrap_err();
    assert!(to.is_symlink());
}

#[test]
fn an_unreachable_server_names_the_ways_out() {
    let folder = tempfile::tempdir().unwrap();
    let error = get(Some(&loopback::dead()), &folder.path().join("corpus"))
        .unwrap_err()
        .to_string();
    for way in ["--from", "--data", "--synthetic"] {
        assert!(error.contains(way), "{error}");
    }
}
