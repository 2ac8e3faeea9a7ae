//! Tests of `ser predict --manifest s3://…` with SeaweedFS, whose program the environment variable `SER_SEAWEEDFS` names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{clips, ser};
use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ser_tables::{Column, Form, Kind, TableWriter, Value};

/// The identities that the server knows. A client without a key may do everything: the tests write and read objects that
/// way.
const IDENTITIES: &str = r#"{"identities": [
    {"name": "ser", "credentials": [{"accessKey": "key", "secretKey": "secret"}], "actions": ["Read", "Write", "List"]},
    {"name": "anonymous", "actions": ["Admin", "Read", "Write", "List"]}
]}"#;

/// A server with an empty bucket.
struct Server {
    program: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts the server; returns `None` if there is no SeaweedFS.
    fn start() -> Option<Self> {
        let Some(weed) = std::env::var_os("SER_SEAWEEDFS").filter(|name| !name.is_empty()) else {
            eprintln!("skipped: SER_SEAWEEDFS does not name SeaweedFS");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let identities = folder.path().join("identities.json");
        fs::write(&identities, IDENTITIES).unwrap();
        // All listeners are open at the same time, so that their ports differ.
        let listeners: Vec<_> = (0..8)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let ports: Vec<u16> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        drop(listeners);
        let mut command = Command::new(weed);
        command.args([
            "server",
            "-filer",
            "-s3",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
        ]);
        command.args(["-volume.max=20", "-master.volumeSizeLimitMB=64"]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        let names = ["master.port", "volume.port", "filer.port", "s3.port"];
        for (name, ports) in names.iter().zip(ports.chunks(2)) {
            command.arg(format!("-{name}={}", ports[0]));
            command.arg(format!("-{name}.grpc={}", ports[1]));
        }
        command.arg(format!("-s3.config={}", identities.display()));
        command.arg(format!("-dir={}", folder.path().display()));
        let log = File::create(folder.path().join("log")).unwrap();
        let program = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let url = format!("http://127.0.0.1:{}", ports[6]);
        let server = Self {
            program,
            url,
            folder,
        };
        let began = Instant::now();
        while ureq::put(server.at("")).send_empty().is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        // The bucket exists before the server accepts objects in it.
        while ureq::put(server.at("ready")).send(b"ready").is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        server.remove("ready");
        Some(server)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Returns the HTTP URL of an object.
    fn at(&self, key: &str) -> String {
        let key = key
            .replace('%', "%25")
            .replace(' ', "%20")
            .replace('#', "%23");
        format!(
            "{}/bucket/{}",
            self.url,
            key.replace('ü', "%C3%BC").replace('+', "%2B")
        )
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        ureq::put(self.at(key)).send(bytes).unwrap();
    }

    fn remove(&self, key: &str) {
        ureq::delete(self.at(key)).call().unwrap();
    }

    /// Returns the bytes of an object, or `None` if it does not exist.
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        match ureq::get(self.at(key)).call() {
            Ok(mut got) => Some(got.body_mut().read_to_vec().unwrap()),
            Err(ureq::Error::StatusCode(404)) => None,
            Err(error) => panic!("{key}: {error}"),
        }
    }

    /// Returns a call on a manifest of the bucket.
    fn predict(&self, manifest: &str, shard: &str, out: &str) -> Command {
        let mut command = self.client();
        command.args(["predict", "--shard", shard]);
        command.args(["--manifest", &format!("s3://bucket/{manifest}")]);
        command.args(["--out", &format!("s3://bucket/{out}")]);
        command
    }

    /// Returns a call of the program with the address and the key of the server.
    fn client(&self) -> Command {
        let mut command = Command::new(ser().get_program());
        command.env("AWS_ENDPOINT_URL", &self.url);
        command.env("AWS_ACCESS_KEY_ID", "key");
        command.env("AWS_SECRET_ACCESS_KEY", "secret");
        command
    }

    /// Returns the rows of all existing shards, sorted.
    fn rows(&self, out: &str, shards: u32) -> Vec<String> {
        let width = shards.to_string().len();
        let names = (0..shards).map(|n| format!("{out}/shard-{n:0width$}-of-{shards}.csv"));
        let tables = names.filter_map(|name| self.get(&name));
        let mut rows = Vec::new();
        for table in tables {
            let text = String::from_utf8(table).unwrap();
            rows.extend(text.lines().skip(1).map(str::to_owned));
        }
        rows.sort();
        rows
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

/// Returns the standard output of a call that must end with 0.
fn told(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    String::from_utf8(ended.stdout).unwrap()
}

/// Returns the standard error of a call that must end with 1.
fn complaint(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    said
}

/// Writes recordings, and a manifest of recordings, parts of recordings, and rows that cannot be answered.
fn archive(server: &Server, count: usize) {
    let clips = clips(1, 6);
    for (n, clip) in clips.iter().enumerate() {
        server.put(&format!("speech/{n}.wav"), &fs::read(clip).unwrap());
    }
    server.put("speech/empty.wav", b"");
    server.put("speech/page.mp3", b"<!DOCTYPE html><title>404</title>");
    let mut text = "id,path,start\n".to_owned();
    for n in 0..count {
        let (path, start) = match n % 10 {
            6 => ("empty.wav".to_owned(), String::new()),
            7 => ("gone.wav".to_owned(), String::new()),
            8 => ("page.mp3".to_owned(), String::new()),
            _ => (format!("{}.wav", n % clips.len()), format!("0.{n:03}")),
        };
        text += &format!("row {n},{path},{start}\n");
    }
    server.put("speech/manifest.csv", text.as_bytes());
}

#[test]
fn shards_that_are_killed_at_random_moments_and_run_again_are_the_rows_of_one_process() {
    const SHARDS: u32 = 20;

    let Some(server) = Server::start() else {
        return;
    };
    archive(&server, 400);
    let predict = |shard: &str, out: &str| server.predict("speech/manifest.csv", shard, out);
    told(&mut predict("0/1", "whole"));
    let expected = server.rows("whole", 1);
    assert_eq!(expected.len(), 400);
    let began = Instant::now();
    told(&mut predict(&format!("0/{SHARDS}"), "timed"));
    let takes = began.elapsed();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for n in 0..SHARDS {
        let shard = format!("{n}/{SHARDS}");
        loop {
            let mut child = predict(&shard, "out")
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let after = takes.mul_f64(rng.random_range(0.0..1.0));
            std::thread::sleep(after);
            child.kill().unwrap();
            // Without an exit code, the call was killed before its end.
            if child.wait().unwrap().code().is_none() {
                eprintln!("{shard}: killed after {after:.0?} of {takes:.0?}");
                break;
            }
            server.remove(&format!("out/shard-{n:02}-of-{SHARDS}.csv"));
        }
        // A call that was killed between its last write and its end has written the shard.
        let there = server.rows("out", SHARDS).len();
        assert!(there == 20 * n as usize || there == 20 * (n as usize + 1));
        let said = told(&mut predict(&shard, "out"));
        assert!(said.contains("answered"), "{said}");
        let said = told(&mut predict(&shard, "out"));
        assert!(said.contains("answered before"), "{said}");
    }
    assert_eq!(server.rows("out", SHARDS), expected);
}

#[test]
fn of_several_who_answer_a_shard_at_once_one_writes_it() {
    let Some(server) = Server::start() else {
        return;
    };
    archive(&server, 40);
    let predict = || server.predict("speech/manifest.csv", "0/1", "out");
    let calls: Vec<String> = std::thread::scope(|scope| {
        let calls = (0..4).map(|_| scope.spawn(|| told(&mut predict())));
        let calls: Vec<_> = calls.collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let written = calls.iter().filter(|said| said.contains("written: "));
    assert_eq!(written.count(), 1, "{calls:?}");
    assert_eq!(server.rows("out", 1).len(), 40);
}

/// Tests a recording that is larger than one request, a part of it, and a name with characters that have a meaning in URLs.
#[test]
fn a_recording_in_storage_has_the_answer_of_the_file() {
    let Some(server) = Server::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let long = ser_fixtures::voice(48_000, 120.0, 120.0);
    ser_fixtures::write_wav_f32(&at("long.wav"), 48_000, long);
    let pcm = ser_fixtures::voice(16_000, 2.0, 180.0).into_iter();
    let pcm: Vec<i16> = pcm.map(|x| (x * 32_767.0) as i16).collect();
    fs::write(at("of 5 % + #1, ü.flac"), ser_fixtures::flac(16_000, &pcm)).unwrap();
    let rows = [
        ("whole", "long.wav", None),
        ("part", "long.wav", Some(100.0)),
        ("name", "of 5 % + #1, ü.flac", None),
    ];
    let columns = [
        ("id", Kind::Text),
        ("path", Kind::Text),
        ("start", Kind::Double),
    ];
    let columns = columns.map(|(name, kind)| Column::new(name, kind));
    let file = File::create(at("manifest.parquet")).unwrap();
    let mut table = TableWriter::new(file, Form::Parquet, &columns).unwrap();
    for (id, path, start) in rows {
        let start = start.map_or(Value::Missing, Value::Double);
        table
            .row(&[Value::Text(id), Value::Text(path), start])
            .unwrap();
    }
    table.finish().unwrap();
    assert!(fs::metadata(at("long.wav")).unwrap().len() > 4 << 20);
    for name in ["long.wav", "of 5 % + #1, ü.flac", "manifest.parquet"] {
        server.put(name, &fs::read(at(name)).unwrap());
    }
    told(&mut server.predict("manifest.parquet", "0/1", "out"));
    let shard = server.get("out/shard-0-of-1.parquet").unwrap();
    fs::write(at("stored.parquet"), shard).unwrap();
    let mut command = Command::new(ser().get_program());
    command
        .args(["predict", "--manifest"])
        .arg(at("manifest.parquet"));
    told(command.arg("--out").arg(at("out")));
    let stored = rows_of(&at("stored.parquet"));
    assert_eq!(stored, rows_of(&at("out/shard-0-of-1.parquet")));
    assert!(
        stored.iter().all(|row| row.contains("error: null")),
        "{stored:?}"
    );
    // A manifest on disk, with recordings in object storage.
    let mut command = server.client();
    command.args(["predict", "--root", "s3://bucket", "--manifest"]);
    command.arg(at("manifest.parquet"));
    told(command.arg("--out").arg(at("mixed")));
    assert_eq!(rows_of(&at("mixed/shard-0-of-1.parquet")), stored);
}

/// Returns the rows of a table as text.
fn rows_of(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().to_string()).collect()
}

#[test]
fn what_is_wrong_is_named_and_changes_nothing() {
    let Some(server) = Server::start() else {
        return;
    };
    archive(&server, 10);
    let predict = |manifest: &str, shard: &str| server.predict(manifest, shard, "out");
    let said = complaint(&mut predict("speech/gone.csv", "0/1"));
    assert!(
        said.contains("s3://bucket/speech/gone.csv: no such object"),
        "{said}"
    );
    let said = complaint(predict("speech/manifest.csv", "0/1").env("AWS_SECRET_ACCESS_KEY", "no"));
    assert!(said.contains("check the credentials"), "{said}");
    assert_eq!(server.get("out/_archive.json"), None);
    told(&mut predict("speech/manifest.csv", "0/2"));
    let said = complaint(&mut predict("speech/manifest.csv", "0/1"));
    assert!(
        said.contains("number of shards: expected 1, found 2"),
        "{said}"
    );
    let rows = server.rows("out", 2);
    assert_eq!(rows.len(), 5);
    assert!(
        rows.iter()
            .any(|row| row.starts_with("row 6,") && row.contains("speech/empty.wav")),
        "{rows:?}"
    );
}
