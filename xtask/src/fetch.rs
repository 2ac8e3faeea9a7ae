//! Downloads that survive being cut off.
//!
//! Bytes go into `<file>.part`; a second run asks the server for the rest of it only. The file gets its final name
//! when its size and checksum are right.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use md5::{Digest, Md5};
use ureq::http::{HeaderMap, StatusCode};

use crate::paths::with_suffix;

const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);
/// Attempts in a row that bring not one byte before we give up.
const FRUITLESS: u32 = 3;

/// A file on a server and what is known about it beforehand.
pub struct Source<'a> {
    pub url: &'a str,
    pub size: Option<u64>,
    pub md5: Option<&'a str>,
}

/// Whether another attempt may help.
enum Failure {
    Retry(Error),
    Final(Error),
}

/// Downloads `source` to `dest` and returns how many bytes came over the network.
pub fn fetch(source: &Source, dest: &Path) -> Result<u64> {
    if let Some(folder) = dest.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut download = Download {
        source,
        part: with_suffix(dest, ".part"),
        origin: with_suffix(dest, ".part.origin"),
        received: 0,
        reached: false,
        bar: ProgressBar::no_length().with_style(
            ProgressStyle::with_template(
                "  {bytes:>10} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left",
            )
            .context("progress bar template")?,
        ),
    };
    let mut fruitless = 0;
    loop {
        let before = download.received;
        match download.attempt() {
            Ok(()) => break,
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Retry(error)) => {
                fruitless = if download.received > before {
                    0
                } else {
                    fruitless + 1
                };
                if fruitless == FRUITLESS {
                    return Err(error.context(format!(
                        "gave up after {FRUITLESS} attempts without progress; the next run continues from {} in {}",
                        size(download.have()?),
                        download.part.display()
                    )));
                }
                thread::sleep(PAUSE);
            }
        }
    }
    download.bar.finish_and_clear();
    download.verify()?;
    fs::rename(&download.part, dest).with_context(|| format!("writing {}", dest.display()))?;
    remove(&download.origin)?;
    Ok(download.received)
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// The MD5 of a file in lower-case hexadecimal.
pub fn md5_of(path: &Path) -> Result<String> {
    let mut hash = Md5::new();
    feed(path, |bytes| hash.update(bytes))?;
    Ok(hex(&hash.finalize()))
}

/// Hands a file to `take` piece by piece.
pub fn feed(path: &Path, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file
            .read(&mut buffer)
            .with_context(|| format!("reading {}", path.display()))?;
        if read == 0 {
            return Ok(());
        }
        take(&buffer[..read]);
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Download<'a> {
    source: &'a Source<'a>,
    part: PathBuf,
    /// Beside the part: its URL and the server's mark for this very content (ETag or date), one per line.
    origin: PathBuf,
    received: u64,
    /// Whether the server has answered in this run.
    reached: bool,
    bar: ProgressBar,
}

impl Download<'_> {
    fn have(&self) -> Result<u64> {
        match fs::metadata(&self.part) {
            Ok(meta) => Ok(meta.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error).with_context(|| format!("reading {}", self.part.display())),
        }
    }

    /// How much of the part can be kept, and the mark to resume it with.
    fn resume_point(&self) -> Result<(u64, Option<String>)> {
        let have = self.have()?;
        let origin = fs::read_to_string(&self.origin).unwrap_or_default();
        let mut lines = origin.lines();
        let same_url = lines.next() == Some(self.source.url);
        let mark = lines.next().map(str::to_owned);
        // Without a mark only a checksum could tell that two halves do not belong together.
        let resumable = same_url && (mark.is_some() || self.source.md5.is_some());
        let too_long = self.source.size.is_some_and(|size| have > size);
        if have > 0 && (!resumable || too_long) {
            remove(&self.part)?;
            return Ok((0, None));
        }
        Ok((have, mark))
    }

    fn attempt(&mut self) -> Result<(), Failure> {
        let (have, mark) = self.resume_point().map_err(Failure::Final)?;
        if have > 0 && self.source.size == Some(have) {
            return Ok(());
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build()
            .new_agent();
        // A re-encoded body would make byte positions meaningless.
        let mut request = agent
            .get(self.source.url)
            .header("accept-encoding", "identity");
        if have > 0 {
            request = request.header("range", format!("bytes={have}-"));
            if let Some(mark) = mark {
                request = request.header("if-range", mark);
            }
        }
        let mut response = request.call().map_err(|error| {
            let error = anyhow!(error).context(format!("no answer from {}", self.source.url));
            // A server never reached in this run is out of reach; one lost on the way may come back.
            if self.reached {
                Failure::Retry(error)
            } else {
                Failure::Final(error)
            }
        })?;
        self.reached = true;

        let (start, total) = match response.status() {
            StatusCode::OK => (0, number(response.headers(), "content-length")),
            StatusCode::PARTIAL_CONTENT => match content_range(response.headers()) {
                Some((start, total)) if start == have => (start, total),
                _ => {
                    remove(&self.part).map_err(Failure::Final)?;
                    return Err(Failure::Retry(anyhow!(
                        "the server sent another range than asked for"
                    )));
                }
            },
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                remove(&self.part).map_err(Failure::Final)?;
                return Err(Failure::Retry(anyhow!(
                    "the server does not know the rest of {}",
                    self.part.display()
                )));
            }
            status => {
                let error = anyhow!("{} answered {status}", self.source.url);
                let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                return Err(if passing {
                    Failure::Retry(error)
                } else {
                    Failure::Final(error)
                });
            }
        };
        if let (Some(expected), Some(total)) = (self.source.size, total)
            && expected != total
        {
            return Err(Failure::Final(anyhow!(
                "{} offers {total} bytes where {expected} are published: it is another file",
                self.source.url
            )));
        }
        let mut file = self
            .open_part(start, response.headers())
            .map_err(Failure::Final)?;
        let total = self.source.size.or(total);
        self.copy(
            &mut response.body_mut().as_reader(),
            &mut file,
            start,
            total,
        )
    }

    fn open_part(&self, start: u64, headers: &HeaderMap) -> Result<File> {
        let opening = || format!("writing {}", self.part.display());
        if start > 0 {
            return OpenOptions::new()
                .append(true)
                .open(&self.part)
                .with_context(opening);
        }
        // The part goes first: a kill between the two lines must not leave old bytes with the new mark.
        let file = File::create(&self.part).with_context(opening)?;
        let mark = ["etag", "last-modified"]
            .iter()
            .filter_map(|name| headers.get(*name)?.to_str().ok())
            .find(|mark| !mark.starts_with("W/"))
            .unwrap_or_default();
        fs::write(&self.origin, format!("{}\n{mark}", self.source.url)).with_context(opening)?;
        Ok(file)
    }

    fn copy(
        &mut self,
        body: &mut impl Read,
        file: &mut File,
        start: u64,
        total: Option<u64>,
    ) -> Result<(), Failure> {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(start);
        let mut position = start;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = body.read(&mut buffer).map_err(|error| {
                Failure::Retry(anyhow!(error).context(format!("cut off after {}", size(position))))
            })?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read])
                .with_context(|| format!("writing {}", self.part.display()))
                .map_err(Failure::Final)?;
            position += read as u64;
            self.received += read as u64;
            self.bar.set_position(position);
            if total.is_some_and(|total| position > total) {
                remove(&self.part).map_err(Failure::Final)?;
                return Err(Failure::Final(anyhow!(
                    "{} sends more than the {} announced",
                    self.source.url,
                    size(total.unwrap_or_default())
                )));
            }
        }
        match total {
            Some(total) if position < total => Err(Failure::Retry(anyhow!(
                "cut off after {} of {}",
                size(position),
                size(total)
            ))),
            _ => Ok(()),
        }
    }

    /// Checks size and checksum; a file that fails is removed, for no resuming could repair it.
    fn verify(&self) -> Result<()> {
        let have = self.have()?;
        if let Some(expected) = self.source.size
            && have != expected
        {
            remove(&self.part)?;
            bail!(
                "{} has {have} bytes, expected {expected}; removed, run again",
                self.source.url
            );
        }
        if let Some(expected) = self.source.md5 {
            let actual = md5_of(&self.part)?;
            if actual != expected {
                remove(&self.part)?;
                bail!(
                    "{} has md5 {actual}, expected {expected}; removed, run again",
                    self.source.url
                );
            }
        }
        Ok(())
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `bytes 100-199/200` → (100, Some(200)).
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get("content-range")?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()))
}

/// Removes a file that may not exist.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    const BODY: &[u8] = b"0123456789abcdef";
    const BODY_MD5: &str = "4032af8d61035123906e58e067140cc5";

    /// A server on the loopback that gives one scripted answer per connection and then is gone;
    /// it returns the requests it saw.
    fn serve(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file.zip", listener.local_addr().unwrap());
        let seen = thread::spawn(move || {
            let mut seen = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_secs(10)))
                    .unwrap();
                let mut request = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut request).unwrap() > 2 {}
                stream.write_all(answer.as_bytes()).unwrap();
                seen.push(request.to_lowercase());
            }
            seen
        });
        (url, seen)
    }

    /// A whole answer that announces `announced` bytes and sends `body`.
    fn full(announced: usize, body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n{body}"
        )
    }

    fn rest(start: usize) -> String {
        let body = std::str::from_utf8(&BODY[start..]).unwrap();
        format!(
            "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes {start}-15/16\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    fn whole() -> String {
        full(16, "0123456789abcdef")
    }

    fn known(url: &str) -> Source<'_> {
        Source {
            url,
            size: Some(16),
            md5: Some(BODY_MD5),
        }
    }

    #[test]
    fn a_file_arrives_whole_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("deep/file.zip");
        let (url, server) = serve(vec![whole()]);
        assert_eq!(fetch(&known(&url), &dest).unwrap(), 16);
        assert_eq!(fs::read(&dest).unwrap(), BODY);
        assert_eq!(fs::read_dir(dest.parent().unwrap()).unwrap().count(), 1);
        assert!(!server.join().unwrap()[0].contains("range:"));
    }

    #[test]
    fn a_cut_download_is_continued_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        let (url, server) = serve(vec![full(16, "01234"), rest(5)]);
        assert_eq!(fetch(&known(&url), &dest).unwrap(), 16);
        assert_eq!(fs::read(&dest).unwrap(), BODY);
        let seen = server.join().unwrap();
        assert!(
            seen[1].contains("range: bytes=5-") && seen[1].contains("if-range: \"v1\""),
            "{}",
            seen[1]
        );
    }

    #[test]
    fn a_later_run_continues_the_part_of_a_killed_one() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        let (url, server) = serve(vec![rest(7)]);
        fs::write(with_suffix(&dest, ".part"), &BODY[..7]).unwrap();
        fs::write(with_suffix(&dest, ".part.origin"), format!("{url}\n\"v1\"")).unwrap();
        assert_eq!(fetch(&known(&url), &dest).unwrap(), 9);
        assert_eq!(fs::read(&dest).unwrap(), BODY);
        assert!(server.join().unwrap()[0].contains("range: bytes=7-"));
    }

    #[test]
    fn a_part_of_another_url_or_a_changed_file_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        // Another URL: the part is dropped, no range is asked for.
        fs::write(with_suffix(&dest, ".part"), "XXXXX").unwrap();
        fs::write(
            with_suffix(&dest, ".part.origin"),
            "http://elsewhere/\n\"v1\"",
        )
        .unwrap();
        let (url, server) = serve(vec![whole()]);
        fetch(&known(&url), &dest).unwrap();
        assert_eq!(fs::read(&dest).unwrap(), BODY);
        assert!(!server.join().unwrap()[0].contains("range:"));
        // The same URL, but the server answers If-Range with the whole new file.
        fs::remove_file(&dest).unwrap();
        let (url, server) = serve(vec![whole()]);
        fs::write(with_suffix(&dest, ".part"), "XXXXX").unwrap();
        fs::write(with_suffix(&dest, ".part.origin"), format!("{url}\n\"v0\"")).unwrap();
        fetch(&known(&url), &dest).unwrap();
        assert_eq!(fs::read(&dest).unwrap(), BODY);
        assert!(server.join().unwrap()[0].contains("if-range: \"v0\""));
    }

    #[test]
    fn a_wrong_checksum_removes_the_download() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        let (url, server) = serve(vec![full(16, "0123456789abcdeX")]);
        let error = fetch(&known(&url), &dest).unwrap_err().to_string();
        assert!(error.contains("md5") && error.contains(BODY_MD5), "{error}");
        assert!(!dest.exists() && !with_suffix(&dest, ".part").exists());
        server.join().unwrap();
    }

    #[test]
    fn a_file_of_another_size_is_refused_before_it_is_downloaded() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        let (url, server) = serve(vec![full(5, "01234")]);
        let error = fetch(&known(&url), &dest).unwrap_err().to_string();
        assert!(error.contains("offers 5 bytes where 16"), "{error}");
        assert!(!dest.exists());
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_never_delivers_is_given_up_and_the_part_kept() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("file.zip");
        let nothing =
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        let (url, server) = serve(vec![
            full(16, "0123"),
            nothing.clone(),
            nothing.clone(),
            nothing,
        ]);
        let error = format!("{:#}", fetch(&known(&url), &dest).unwrap_err());
        assert!(
            error.contains("continues from 4 bytes") && error.contains("503"),
            "{error}"
        );
        assert_eq!(fs::read(with_suffix(&dest, ".part")).unwrap(), b"0123");
        assert_eq!(server.join().unwrap().len(), 4);
    }

    #[test]
    fn a_missing_file_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing =
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
        let (url, server) = serve(vec![missing]);
        let error = fetch(&known(&url), &folder.path().join("file.zip"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("404"), "{error}");
        server.join().unwrap();
    }
}
