//! Downloads that can be interrupted and continued.
//!
//! Bytes are written to `<file>.part`; a second run requests only the rest. The file gets its final name when its size
//! and checksum are correct. Whatever the server does, the attempts end: after three in a row without progress, the
//! download gives up.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use md5::{Digest, Md5};
use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode};

use crate::folder::at;
use crate::{Error, Result, lacked_room, with_suffix};

/// Number of attempts in a row without progress before the download gives up.
const FRUITLESS: u32 = 3;

/// How long a download waits, and how much it accepts.
struct Limits {
    /// Timeout for resolving a name, and for connecting.
    connect: Duration,
    /// Timeout for the head of a response, and for each further piece of it.
    silence: Duration,
    /// Pause between two attempts.
    pause: Duration,
    /// The longest pause that a server may request between two attempts.
    retry_after: Duration,
    /// Maximum size of a file in bytes.
    bytes: u64,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(60),
    pause: Duration::from_secs(1),
    retry_after: Duration::from_secs(60),
    bytes: 4 << 30,
};

/// A file on a server, with what is published about it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Address of the file.
    pub url: &'a str,
    /// Its published size in bytes.
    pub size: Option<u64>,
    /// Its published MD5 in lower-case hexadecimal.
    pub md5: Option<&'a str>,
}

impl Source<'_> {
    /// Returns true if the downloaded file can be used for another attempt after an error that occurred while it was
    /// processed: it has the published checksum, or only disk space was missing.
    pub fn outlives(&self, error: &(dyn std::error::Error + 'static)) -> bool {
        self.md5.is_some() || lacked_room(error)
    }
}

/// The progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Number of bytes received, and the total if it is known.
    Bytes {
        /// Bytes in the file so far.
        have: u64,
        /// Bytes of the whole file.
        of: Option<u64>,
    },
    /// The server asks to wait.
    Waiting(Duration),
}

/// Whether another attempt may help.
enum Failure {
    /// Retry after the usual pause, or after the wait that the server requests.
    Retry(Error, Option<Duration>),
    Final(Error),
}

/// Downloads `source` to `dest` and returns the number of bytes received over the network. That is 0 if `dest` already
/// has the published checksum, or exists and no checksum is published.
///
/// # Errors
/// The server refuses the download or sends something else, or the file cannot be written. A part that can be continued
/// remains as `DEST.part`.
pub fn fetch(source: &Source, dest: &Path, on_progress: &mut dyn FnMut(Progress)) -> Result<u64> {
    fetch_within(&LIMITS, source, dest, on_progress)
}

fn fetch_within(
    limits: &Limits,
    source: &Source,
    dest: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<u64> {
    let is_right = || {
        Ok::<_, Error>(match source.md5 {
            Some(md5) => md5_of(dest)? == md5,
            None => true,
        })
    };
    if dest.is_file() && is_right()? {
        return Ok(0);
    }
    if let Some(folder) = dest.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let mut download = Download {
        limits,
        source,
        part: with_suffix(dest, ".part"),
        origin: with_suffix(dest, ".part.origin"),
        received: 0,
        reached: false,
        on_progress,
    };
    // A server that ignores ranges or contradicts itself may send the same bytes forever: only new bytes are progress.
    let (mut furthest, _) = download.resume_point()?;
    let mut fruitless = 0;
    while let Err(failure) = download.attempt() {
        let (error, wait) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Retry(error, wait) => (error, wait.unwrap_or(limits.pause)),
        };
        let last = Box::new(error);
        let have = download.have()?;
        fruitless = if have > furthest { 0 } else { fruitless + 1 };
        furthest = furthest.max(have);
        if wait > limits.retry_after {
            return Err(Error::Busy {
                seconds: wait.as_secs(),
                last,
            });
        }
        if fruitless == FRUITLESS {
            return Err(Error::GaveUp {
                attempts: FRUITLESS,
                have,
                part: download.part,
                last,
            });
        }
        if wait > limits.pause {
            (download.on_progress)(Progress::Waiting(wait));
        }
        thread::sleep(wait);
    }
    download.verify()?;
    // The name may reach the disk before what it names.
    let part = File::options().write(true).open(&download.part);
    part.and_then(|part| part.sync_all())
        .map_err(at(&download.part))?;
    fs::rename(&download.part, dest).map_err(at(dest))?;
    ser_files::remove_file(&download.origin)?;
    Ok(download.received)
}

/// Formats a number of bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// Returns the MD5 of a file in lower-case hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn md5_of(path: &Path) -> Result<String> {
    let mut hash = Md5::new();
    feed(path, |bytes| hash.update(bytes))?;
    Ok(hex(&hash.finalize()))
}

/// Passes the contents of a file to `take` piece by piece.
///
/// # Errors
/// The file cannot be read.
pub fn feed(path: &Path, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer).map_err(at(path))?;
        if read == 0 {
            return Ok(());
        }
        take(&buffer[..read]);
    }
}

/// Formats bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The origin of a part, stored in a file with one line each for the URL, the mark and the size.
#[derive(Default)]
struct Origin {
    /// The server's identifier of this exact content: ETag or date.
    mark: Option<String>,
    /// The size of the whole file: the published one, or else the one that the first response announced.
    size: Option<u64>,
}

struct Download<'a> {
    limits: &'a Limits,
    source: &'a Source<'a>,
    part: PathBuf,
    /// The file beside the part that stores its [`Origin`].
    origin: PathBuf,
    received: u64,
    /// Whether the server has responded in this run.
    reached: bool,
    on_progress: &'a mut dyn FnMut(Progress),
}

impl Download<'_> {
    fn have(&self) -> Result<u64> {
        match fs::metadata(&self.part) {
            Ok(meta) => Ok(meta.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(at(&self.part)(error)),
        }
    }

    /// Returns how many bytes of the part can be kept, and what is known about the whole file.
    fn resume_point(&self) -> Result<(u64, Origin)> {
        let have = self.have()?;
        let text = fs::read_to_string(&self.origin).unwrap_or_default();
        let mut lines = text.lines();
        let same_url = lines.next() == Some(self.source.url);
        let mark = lines
            .next()
            .filter(|mark| !mark.is_empty())
            .map(str::to_owned);
        let told = lines.next().and_then(|size| size.parse().ok());
        let size = self.source.size.or(told);
        // Without a mark, only a checksum can show that two halves do not belong together.
        let resumable = same_url && (mark.is_some() || self.source.md5.is_some());
        if have > 0 && (!resumable || size.is_some_and(|size| have > size)) {
            self.discard()?;
            return Ok((0, Origin::default()));
        }
        Ok((have, Origin { mark, size }))
    }

    /// Removes the part, since no continuation could make it correct.
    fn discard(&self) -> Result<()> {
        ser_files::remove_file(&self.part)?;
        Ok(ser_files::remove_file(&self.origin)?)
    }

    /// Creates the error that the server contradicts itself.
    fn contradiction(&self, expected: String, actual: String) -> Error {
        Error::Contradiction {
            url: self.source.url.to_owned(),
            expected,
            actual,
        }
    }

    /// Removes the part, so that the next attempt starts from the beginning.
    fn begin_anew(&self, reason: Error) -> Failure {
        match self.discard() {
            Ok(()) => Failure::Retry(reason, None),
            Err(error) => Failure::Final(error),
        }
    }

    fn attempt(&mut self) -> Result<(), Failure> {
        let (have, origin) = self.resume_point().map_err(Failure::Final)?;
        if have > 0 && origin.size == Some(have) {
            return Ok(());
        }
        let mut response = self.ask(have, origin.mark.as_deref())?;
        let headers = response.headers();
        let (start, total) = self.offer(response.status(), headers, have)?;
        let known = if start > 0 {
            origin.size
        } else {
            self.source.size
        };
        if let (Some(before), Some(now)) = (known, total)
            && before != now
        {
            let (before, now) = (format!("{before} bytes as before"), format!("{now}"));
            return Err(self.begin_anew(self.contradiction(before, now)));
        }
        // Some servers continue another file all the same, although the request names the mark of this one.
        if let (Some(before), Some(now)) = (&origin.mark, mark_of(headers))
            && start > 0
            && before != now
        {
            let (before, now) = (format!("the file {before} as before"), now.to_owned());
            return Err(self.begin_anew(self.contradiction(before, now)));
        }
        let total = known.or(total);
        if total.is_some_and(|total| total > self.limits.bytes) {
            return Err(self.too_long(self.limits.bytes));
        }
        let mut file = self
            .open_part(start, headers, total)
            .map_err(Failure::Final)?;
        self.copy(
            &mut response.body_mut().as_reader(),
            &mut file,
            start,
            total,
        )
    }

    /// Requests the bytes after the first `have`.
    fn ask(&mut self, have: u64, mark: Option<&str>) -> Result<Response<Body>, Failure> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(self.limits.connect))
            .timeout_connect(Some(self.limits.connect))
            .timeout_recv_response(Some(self.limits.silence))
            .timeout_per_read(Some(self.limits.silence))
            .build()
            .new_agent();
        // Byte positions would have no meaning in a re-encoded body.
        let mut request = agent
            .get(self.source.url)
            .header("accept-encoding", "identity");
        if have > 0 {
            request = request.header("range", format!("bytes={have}-"));
            if let Some(mark) = mark {
                request = request.header("if-range", mark);
            }
        }
        let response = request.call().map_err(|error| {
            // A server that was never reached in this run is treated as unreachable; one that was lost may come back.
            let retry = self.reached || dropped(&error);
            let error = Error::NoAnswer {
                url: self.source.url.to_owned(),
                reason: error.to_string(),
            };
            if retry {
                Failure::Retry(error, None)
            } else {
                Failure::Final(error)
            }
        })?;
        self.reached = true;
        Ok(response)
    }

    /// Returns where the bytes of a response begin and how long the whole file is, according to the server.
    fn offer(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        have: u64,
    ) -> Result<(u64, Option<u64>), Failure> {
        let (start, total) = match status {
            StatusCode::OK => (0, number(headers, "content-length")),
            StatusCode::PARTIAL_CONTENT => match content_range(headers) {
                Some((start, total)) if start == have => (start, total),
                _ => {
                    let expected = format!("the bytes after the first {have}");
                    let other = self.contradiction(expected, "another range".to_owned());
                    return Err(self.begin_anew(other));
                }
            },
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                let expected = format!("the bytes after the first {have}");
                let none =
                    self.contradiction(expected, "a response that there are none".to_owned());
                return Err(self.begin_anew(none));
            }
            status => {
                let error = Error::Status {
                    url: self.source.url.to_owned(),
                    status: status.to_string(),
                };
                let passing = status.is_server_error()
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::REQUEST_TIMEOUT;
                return Err(if passing {
                    // A wait given as a date instead of seconds is ignored: it is not worth parsing a calendar for.
                    let wait = number(headers, "retry-after").map(Duration::from_secs);
                    Failure::Retry(error, wait)
                } else {
                    Failure::Final(error)
                });
            }
        };
        match (self.source.size, total) {
            (Some(expected), Some(actual)) if expected != actual => {
                Err(Failure::Final(Error::AnotherFile {
                    url: self.source.url.to_owned(),
                    expected,
                    actual,
                }))
            }
            _ => Ok((start, total)),
        }
    }

    fn too_long(&self, limit: u64) -> Failure {
        let error = Error::TooLong {
            url: self.source.url.to_owned(),
            limit,
        };
        Failure::Final(self.discard().err().unwrap_or(error))
    }

    fn open_part(&self, start: u64, headers: &HeaderMap, total: Option<u64>) -> Result<File> {
        if start > 0 {
            let part = OpenOptions::new().append(true).open(&self.part);
            return part.map_err(at(&self.part));
        }
        // The part is truncated first: if the program is killed between the two lines, old bytes must not remain with
        // the new mark.
        let file = File::create(&self.part).map_err(at(&self.part))?;
        let mark = mark_of(headers).unwrap_or_default();
        let size = total.map(|total| total.to_string()).unwrap_or_default();
        let origin = format!("{}\n{mark}\n{size}", self.source.url);
        fs::write(&self.origin, origin).map_err(at(&self.origin))?;
        Ok(file)
    }

    fn copy(
        &mut self,
        body: &mut impl Read,
        file: &mut File,
        start: u64,
        total: Option<u64>,
    ) -> Result<(), Failure> {
        let mut position = start;
        let cut_off = |have, reason: String| {
            let cut_off = Error::CutOff {
                have,
                of: total,
                reason,
            };
            Failure::Retry(cut_off, None)
        };
        let mut buffer = vec![0; 1 << 16];
        loop {
            (self.on_progress)(Progress::Bytes {
                have: position,
                of: total,
            });
            let read = body.read(&mut buffer);
            let read = read.map_err(|error| cut_off(position, error.to_string()))?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read])
                .map_err(|error| Failure::Final(at(&self.part)(error)))?;
            position += read as u64;
            self.received += read as u64;
            let most = total.unwrap_or(self.limits.bytes);
            if position > most {
                return Err(self.too_long(most));
            }
        }
        match total {
            Some(total) if position < total => {
                Err(cut_off(position, "no more bytes arrived".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Checks size and checksum. A file that fails is removed, since no continuation could repair it.
    fn verify(&self) -> Result<()> {
        let have = self.have()?;
        if let Some(expected) = self.source.size
            && have != expected
        {
            return Err(self.damaged("size", expected.to_string(), have.to_string())?);
        }
        if let Some(expected) = self.source.md5 {
            let actual = md5_of(&self.part)?;
            if actual != expected {
                return Err(self.damaged("md5", expected.to_owned(), actual)?);
            }
        }
        Ok(())
    }

    /// Removes the part, which is not the published file, and creates the error.
    fn damaged(&self, what: &'static str, expected: String, actual: String) -> Result<Error> {
        self.discard()?;
        Ok(Error::Damaged {
            url: self.source.url.to_owned(),
            what,
            expected,
            actual,
        })
    }
}

/// Returns true if an established connection was lost.
fn dropped(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error, ureq::Error::Io(error) if matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    ))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Returns what tells this version of a file from others: its strong ETag, or else its date.
fn mark_of(headers: &HeaderMap) -> Option<&str> {
    ["etag", "last-modified"]
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .find(|mark| !mark.starts_with("W/"))
}

/// Parses `bytes 100-199/200` to (100, Some(200)).
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get("content-range")?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()))
}

#[cfg(test)]
mod tests;
