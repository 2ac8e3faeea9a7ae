//! A web server on the loopback that answers by script, for the tests of downloads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What one connection gets.
#[derive(Debug)]
pub struct Answer {
    bytes: Vec<u8>,
    stalls: bool,
}

impl<T: Into<Vec<u8>>> From<T> for Answer {
    fn from(bytes: T) -> Self {
        Self {
            bytes: bytes.into(),
            stalls: false,
        }
    }
}

/// An answer that does not end with its last byte: the connection stays open until the client closes it.
pub fn stalled(bytes: &str) -> Answer {
    Answer {
        stalls: true,
        ..bytes.into()
    }
}

/// A whole answer without a body.
pub fn status(line: &str) -> Answer {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into()
}

/// Serves one answer per connection and then is gone.
///
/// Gives the URL, and when joined the requests in lower case.
///
/// # Panics
/// There is no loopback; when joined, a connection could not be used.
pub fn serve(answers: Vec<Answer>) -> (String, JoinHandle<Vec<String>>) {
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
            // A client that has had enough hangs up, and is right to.
            let sent = stream.write_all(&answer.bytes);
            if sent.is_ok() && answer.stalls {
                let _ = stream.read(&mut [0]);
            }
            seen.push(request.to_lowercase());
        }
        seen
    });
    (url, seen)
}

/// A URL where nothing listens.
///
/// # Panics
/// There is no loopback.
pub fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/file.zip", listener.local_addr().unwrap())
}
