//! A service in a separate process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::http::{Connection, Response};

/// A running service, which is stopped when this is dropped.
pub struct Server {
    program: Child,
    pub address: String,
}

impl Server {
    /// Starts a program that prints a line with its address for each of its workers.
    pub fn start(command: &mut Command, workers: usize) -> Result<Self> {
        let mut program = command.stdout(Stdio::piped()).spawn()?;
        let stdout = program.stdout.take().context("no standard output")?;
        let mut server = Self {
            program,
            address: String::new(),
        };
        let mut lines = BufReader::new(stdout).lines();
        for _ in 0..workers {
            let line = lines
                .next()
                .context("the service ended before it was ready")??;
            let address = line.split("http://").nth(1);
            let address = address.with_context(|| format!("no address in {line:?}"))?;
            server.address = address.split(',').next().unwrap_or_default().to_owned();
        }
        Ok(server)
    }

    /// Starts `ser serve` on a free port, without its log.
    pub fn ser(ser: &str) -> Result<Self> {
        let mut command = Command::new(ser);
        command.args(["serve", "--bind", "127.0.0.1:0"]);
        Self::start(command.stderr(Stdio::null()), 1)
    }

    pub fn get(&self, path: &str) -> Result<Response> {
        Connection::open(&self.address)?.request("GET", path, b"")
    }

    /// Returns the memory of the service in MB: `VmRSS` is the current value, `VmHWM` the peak so far.
    pub fn memory(&self, key: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: f64 = kilobytes.context("no memory of the service")?.parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// Checks that the service is still running.
    ///
    /// # Errors
    ///
    /// It has ended; the error says how.
    pub fn require_running(&mut self) -> Result<()> {
        match self.program.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the service ended by itself: {status}"),
        }
    }

    fn signal(&mut self, signal: Signal) {
        // The number of a program that has ended may belong to another one by now.
        if let (Ok(None), Ok(id)) = (self.program.try_wait(), i32::try_from(self.program.id())) {
            // An error means that the service has already ended, which is the goal.
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    /// Ends the service with SIGTERM, as operating systems do.
    pub fn end(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM);
        let status = self.program.wait()?;
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
        for _ in 0..100 {
            if !matches!(self.program.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.program.kill();
    }
}
