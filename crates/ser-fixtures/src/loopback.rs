//! A scripted web server on the loopback interface, for the tests of downloads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The response for one connection.
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

/// Returns a response after which the connection stays open until the client closes it.
pub fn stalled(bytes: &str) -> Answer {
    Answer {
        stalls: true,
        ..bytes.into()
    }
}

/// Returns a complete response without a body.
pub fn status(line: &str) -> Answer {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into()
}

/// Serves one response per connection and then stops.
///
/// Returns the URL, and a handle that yields the requests in lower case when it is joined.
///
/// # Panics
/// Panics if there is no loopback interface; the thread panics if a connection fails.
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
            // A client that has received enough may close the connection.
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

/// Returns a URL at which nothing listens.
///
/// # Panics
/// Panics if there is no loopback interface.
pub fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/file.zip", listener.local_addr().unwrap())
}
