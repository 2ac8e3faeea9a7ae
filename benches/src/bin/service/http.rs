//! The little of HTTP that a load test needs: requests with a body over a persistent connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// Longest time for a response. `explain` takes seconds of processor time, and a soak test at low priority gets little of it.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A response that was read completely.
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

    /// Sends a request, and waits for the whole response.
    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Response> {
        let head = head(method, path, body.len());
        // A service that refuses a body need not read it, so an error while sending matters only if there is no response.
        let sent = self.0.get_mut().write_all(&[&head, body].concat());
        let response = self.response();
        response.or_else(|error| sent.map_err(Into::into).and(Err(error)))
    }

    /// Waits for the response to a request that was sent.
    pub fn response(&mut self) -> Result<Response> {
        let (status, length) = self.head()?;
        let mut body = vec![0; length.context("a response without its length")?];
        self.0.read_exact(&mut body)?;
        Ok(Response { status, body })
    }

    /// Waits for the status and the length of the body. The status 100, without a length, means that the body can be sent.
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

    /// Whether more has arrived than the response.
    pub fn has_surplus(&self) -> bool {
        !self.0.buffer().is_empty()
    }
}

/// Returns the head of a request with a body of `length` bytes.
pub fn head(method: &str, path: &str, length: usize) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")
        .into()
}
