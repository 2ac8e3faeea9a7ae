//! Starts `ser serve` for tests.
#![allow(dead_code)] // Each test file uses only a part of this module.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::common::ser;

/// A running service on its own port.
pub struct Serving {
    program: Child,
    pub address: String,
    /// The thread that reads the log; without a reader, a service that logs much would block.
    log: Option<JoinHandle<String>>,
}

impl Serving {
    pub fn new(options: &[&str]) -> Self {
        Self::logging_to(Stdio::piped(), options)
    }

    /// Starts a service that writes its log elsewhere.
    pub fn logging_to(log: Stdio, options: &[&str]) -> Self {
        let mut program = Command::new(ser().get_program())
            .args(["serve", "--bind", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = program.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap();
        let address = address.split([',', '"']).next().unwrap().to_owned();
        let log = program.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut log = String::new();
                stderr.read_to_string(&mut log).unwrap();
                log
            })
        });
        Self {
            program,
            address,
            log,
        }
    }

    /// Sends a recording, and returns the status and the body of the response.
    pub fn post(&self, path: &str, body: &[u8]) -> (u16, Value) {
        self.post_as("application/octet-stream", path, body)
    }

    /// Sends a recording as a form does in which a user has chosen a file.
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

    /// Sends SIGTERM to the service.
    pub fn signal(&self) {
        let id = self.program.id().to_string();
        let mut kill = Command::new("kill");
        assert!(kill.args(["-TERM", &id]).status().unwrap().success());
    }

    /// Ends the service with SIGTERM, and returns its log.
    pub fn end(mut self) -> String {
        self.signal();
        let log = self.log.take().map(|log| log.join().unwrap());
        let log = log.unwrap_or_default();
        assert!(self.program.wait().unwrap().success(), "{log}");
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A test that fails must not leave a process behind.
        let _ = self.program.kill();
    }
}
