//! Downloads that survive being cut off.
//!
//! Bytes go into `<file>.part`; a second run asks the server for the rest of it only. The file gets its final name
//! when its size and checksum are right. Whatever the server does, attempts end: three in a row that bring the file no
//! further are the last.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use md5::{Digest, Md5};
use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode};

use crate::paths::with_suffix;

/// Attempts in a row that bring the file no further before we give up.
const FRUITLESS: u32 = 3;

/// How long a download waits and how much it takes.
struct Limits {
    /// For a name to be resolved, and for a connection.
    connect: Duration,
    /// For the head of an answer, and for every next piece of it.
    silence: Duration,
    /// Between two attempts.
    pause: Duration,
    /// The longest wait a server may ask for between two attempts.
    retry_after: Duration,
    /// The longest file.
    bytes: u64,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(60),
    pause: Duration::from_secs(1),
    retry_after: Duration::from_secs(60),
    bytes: 4 << 30,
};

/// A file on a server and what is known about it beforehand.
pub struct Source<'a> {
    pub url: &'a str,
    pub size: Option<u64>,
    pub md5: Option<&'a str>,
}

/// Whether another attempt may help.
enum Failure {
    /// After the usual pause, or the wait the server asks for.
    Retry(Error, Option<Duration>),
    Final(Error),
}

/// Downloads `source` to `dest` and returns how many bytes came over the network: none if `dest` has the right checksum.
pub fn fetch(source: &Source, dest: &Path) -> Result<u64> {
    fetch_within(&LIMITS, source, dest)
}

fn fetch_within(limits: &Limits, source: &Source, dest: &Path) -> Result<u64> {
    if let Some(md5) = source.md5
        && dest.is_file()
        && md5_of(dest)? == md5
    {
        return Ok(0);
    }
    if let Some(folder) = dest.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut download = Download {
        limits,
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
    // A server that ignores ranges, or contradicts itself, may send the same bytes for ever: only new ones are progress.
    let (mut furthest, _) = download.resume_point()?;
    let mut fruitless = 0;
    while let Err(failure) = download.attempt() {
        let (error, wait) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Retry(error, wait) => (error, wait.unwrap_or(limits.pause)),
        };
        let have = download.have()?;
        fruitless = if have > furthest { 0 } else { fruitless + 1 };
        furthest = furthest.max(have);
        if wait > limits.retry_after {
            return Err(error.context(format!(
                "the server asks to wait {} seconds: run again later",
                wait.as_secs()
            )));
        }
        if fruitless == FRUITLESS {
            return Err(error.context(format!(
                "gave up after {FRUITLESS} attempts without progress; run again later, it continues from {} in {}",
                size(have),
                download.part.display()
            )));
        }
        if wait > limits.pause {
            let seconds = wait.as_secs();
            download
                .bar
                .suspend(|| println!("  the server asks to wait {seconds} seconds"));
        }
        thread::sleep(wait);
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

/// Where a part comes from, one line each in a file: the URL, the mark, the size.
#[derive(Default)]
struct Origin {
    /// The server's mark for this very content: ETag or date.
    mark: Option<String>,
    /// The size of the whole file: the published one, or else what the first answer announced.
    size: Option<u64>,
}

struct Download<'a> {
    limits: &'a Limits,
    source: &'a Source<'a>,
    part: PathBuf,
    /// Beside the part, see [`Origin`].
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

    /// How much of the part can be kept, and what is known about the whole of it.
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
        // Without a mark only a checksum could tell that two halves do not belong together.
        let resumable = same_url && (mark.is_some() || self.source.md5.is_some());
        if have > 0 && (!resumable || size.is_some_and(|size| have > size)) {
            self.discard()?;
            return Ok((0, Origin::default()));
        }
        Ok((have, Origin { mark, size }))
    }

    /// Removes the part, for no resuming could make a right file of it.
    fn discard(&self) -> Result<()> {
        remove(&self.part)?;
        remove(&self.origin)
    }

    /// Removes the part and says that the next attempt is to begin anew.
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
            return Err(self.begin_anew(anyhow!(
                "the server announced {before} bytes before and {now} now"
            )));
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

    /// Asks for what is missing after the first `have` bytes.
    fn ask(&mut self, have: u64, mark: Option<&str>) -> Result<Response<Body>, Failure> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(self.limits.connect))
            .timeout_connect(Some(self.limits.connect))
            .timeout_recv_response(Some(self.limits.silence))
            .timeout_per_read(Some(self.limits.silence))
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
        let response = request.call().map_err(|error| {
            // A server never reached in this run is out of reach; one lost on the way may come back.
            let retry = self.reached || dropped(&error);
            let error = anyhow!(error).context(format!(
                "no answer from {} or from where it redirects to",
                self.source.url
            ));
            if retry {
                Failure::Retry(error, None)
            } else {
                Failure::Final(error)
            }
        })?;
        self.reached = true;
        Ok(response)
    }

    /// Where the bytes of an answer begin and how long the whole file is, as the server says.
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
                    return Err(
                        self.begin_anew(anyhow!("the server sent another range than asked for"))
                    );
                }
            },
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
                return Err(self.begin_anew(anyhow!(
                    "the server does not know the rest of {}",
                    self.part.display()
                )));
            }
            status => {
                let error = anyhow!("{} answered {status}", self.source.url);
                let passing = status.is_server_error()
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || status == StatusCode::REQUEST_TIMEOUT;
                return Err(if passing {
                    // A date instead of seconds is not worth reading a calendar for.
                    let wait = number(headers, "retry-after").map(Duration::from_secs);
                    Failure::Retry(error, wait)
                } else {
                    Failure::Final(error)
                });
            }
        };
        match (self.source.size, total) {
            (Some(expected), Some(total)) if expected != total => Err(Failure::Final(anyhow!(
                "{} offers {total} bytes where {expected} are published: it is another file",
                self.source.url
            ))),
            _ => Ok((start, total)),
        }
    }

    fn too_long(&self, limit: u64) -> Failure {
        let error = anyhow!(
            "{} sends more than the {} it may",
            self.source.url,
            size(limit)
        );
        Failure::Final(self.discard().err().unwrap_or(error))
    }

    fn open_part(&self, start: u64, headers: &HeaderMap, total: Option<u64>) -> Result<File> {
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
        let size = total.map(|total| total.to_string()).unwrap_or_default();
        let origin = format!("{}\n{mark}\n{size}", self.source.url);
        fs::write(&self.origin, origin).with_context(opening)?;
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
                let error = anyhow!(error).context(format!("cut off after {}", size(position)));
                Failure::Retry(error, None)
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
            let most = total.unwrap_or(self.limits.bytes);
            if position > most {
                return Err(self.too_long(most));
            }
        }
        match total {
            Some(total) if position < total => Err(Failure::Retry(
                anyhow!("cut off after {} of {}", size(position), size(total)),
                None,
            )),
            _ => Ok(()),
        }
    }

    /// Checks size and checksum; a file that fails is removed, for no resuming could repair it.
    fn verify(&self) -> Result<()> {
        let have = self.have()?;
        if let Some(expected) = self.source.size
            && have != expected
        {
            self.discard()?;
            bail!(
                "{} has {have} bytes, expected {expected}; removed, run again",
                self.source.url
            );
        }
        if let Some(expected) = self.source.md5 {
            let actual = md5_of(&self.part)?;
            if actual != expected {
                self.discard()?;
                bail!(
                    "{} has md5 {actual}, expected {expected}; removed, run again",
                    self.source.url
                );
            }
        }
        Ok(())
    }
}

/// Whether a connection broke off that had been made.
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
mod tests;
