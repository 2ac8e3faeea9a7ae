//! As little of HTTP as a load takes: requests with a body over a connection that stays open.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// How long an answer may take: `explain` takes seconds of processor time, of which a soak at low priority gets little.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A response, read to its end.
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A connection to a service.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    /// Asks and waits for the whole answer.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response> {
        let head = head(method, path, body.len());
        // A service that refuses a body need not read it: its answer counts, not what became of the body.
        let sent = self.0.get_mut().write_all(&[&head, body].concat());
        let response = self.response();
        response.or_else(|error| sent.map_err(Into::into).and(Err(error)))
    }

    /// Waits for the answer to what was sent.
    pub fn response(&mut self) -> Result<Response> {
        let (status, length) = self.head()?;
        let mut body = vec![0; length.context("a response without its length")?];
        self.0.read_exact(&mut body)?;
        Ok(Response { status, body })
    }

    /// Waits for a status and the length of what follows: 100, without, if a body may be sent.
    pub fn head(&mut self) -> Result<(u16, Option<usize>)> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("a response that begins {line:?}"))?;
        let mut length = None;
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.parse()?);
                }
                Some(_) => {}
                None => return Ok((status, length)),
            }
        }
    }

    /// Whether more has come than was asked for.
    pub fn has_surplus(&self) -> bool {
        !self.0.buffer().is_empty()
    }
}

/// What comes before a body of so many bytes.
pub fn head(method: &str, path: &str, length: usize) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")
        .into()
}
