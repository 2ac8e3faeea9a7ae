//! A service on a port of its own.
#![allow(dead_code)] // every test file uses its own part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::common::ser;

/// A service on a port of its own.
pub struct Serving {
    program: Child,
    pub address: String,
    /// Reads the log, lest a service with much to say waits for a reader.
    log: Option<JoinHandle<String>>,
}

impl Serving {
    pub fn new(options: &[&str]) -> Self {
        let mut program = Command::new(ser().get_program())
            .args(["serve", "--bind", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = program.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap();
        let address = address.split(',').next().unwrap().to_owned();
        let mut stderr = program.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        Self {
            program,
            address,
            log: Some(log),
        }
    }

    /// The status and the body of a response.
    pub fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        self.post_as("application/octet-stream", path, body)
    }

    /// As from a form that somebody chose a file in.
    pub fn post_file(&self, path: &str, name: &str, bytes: &[u8]) -> (u16, Value) {
        let head = format!(
            "--part\r\nContent-Disposition: form-data; name=\"recording\"; filename=\"{name}\"\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, b"\r\n--part--\r\n"].concat();
        self.post_as("multipart/form-data; boundary=part", path, &body)
    }

    fn post_as(&self, kind: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// Ends it as systems do, and gives its log.
    pub fn end(mut self) -> String {
        let id = self.program.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let log = self.log.take().unwrap().join().unwrap();
        assert!(self.program.wait().unwrap().success(), "{log}");
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.program.kill();
    }
}
