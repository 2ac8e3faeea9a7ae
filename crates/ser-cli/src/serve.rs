//! The command `ser serve`: runs the service in one process.

use std::fs;
use std::io;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use ser_server::{Limits, Service, Settings, Speakers, serve};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::args::ServeArgs;
use crate::{Outcome, model};

pub fn run(args: &ServeArgs, json: bool) -> Result<Outcome> {
    let predictor = model::open(args.model.file.as_deref())?;
    let tokens = tokens(args)?;
    let is_local = args.bind.ip().is_loopback();
    if !is_local && tokens.is_empty() {
        bail!(
            "{}: other machines can reach this address: require tokens with --tokens FILE, or bind to 127.0.0.1 and put a \
             proxy that authenticates in front of the service",
            args.bind
        );
    }
    let speakers = match &args.speakers {
        Some(folder) => {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            Speakers::Folder(folder.clone())
        }
        None => Speakers::default(),
    };
    let service = Service::new(Settings {
        predictor,
        speakers,
        tokens,
        is_local,
        limits: Limits {
            body_bytes: args.megabytes.saturating_mul(1 << 20),
            memory_bytes: args.memory.max(args.megabytes).saturating_mul(1 << 20),
            seconds: 60.0 * f64::from(args.minutes),
            per_minute: args.per_minute,
            ..Limits::default()
        },
    });
    log(json);
    // A client that disconnects must end only its connection. `main` has set SIGPIPE so that it ends the program.
    #[cfg(unix)]
    // SAFETY: This is a plain system call, made before another thread is started.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the threads of the service could not be started")?;
    let outcome = runtime.block_on(async {
            let listener = TcpListener::bind(args.bind).await;
            let listener = listener.with_context(|| {
                format!(
                    "{}: the service cannot listen here; choose another address with --bind, such as 127.0.0.1:0 for a \
                     free port",
                    args.bind
                )
            })?;
            let address: SocketAddr = listener.local_addr()?;
            let page = if ser_server::HAS_PAGE { "including the web page, " } else { "" };
            // A client may end the service as soon as it knows the address.
            let listen = || Signals::listen().context("the service could not listen for the signals that end it");
            let (mut first, mut both) = (listen()?, listen()?);
            if json {
                let page = ser_server::HAS_PAGE;
                println!("{}", serde_json::json!({ "address": format!("http://{address}"), "page": page }));
            } else {
                println!(
                    "serving on http://{address}, {page}described at http://{address}/docs; stop it with Ctrl-C"
                );
            }
            let stopped_twice = async {
                both.next().await;
                both.next().await;
            };
            tokio::select! {
                () = serve(listener, service, async move { first.next().await }) => {}
                () = stopped_twice => {
                    tracing::warn!("cut off the requests in progress, after a second signal");
                }
            }
            Ok(Outcome::Done)
        });
    // To drop the runtime would be to wait for the computations that were cut off.
    runtime.shutdown_background();
    outcome
}

/// Reads the file of tokens, which has one token per line.
fn tokens(args: &ServeArgs) -> Result<Vec<String>> {
    let Some(file) = &args.tokens else {
        return Ok(Vec::new());
    };
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let tokens = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tokens: Vec<String> = tokens.map(str::to_owned).collect();
    if tokens.is_empty() {
        bail!(
            "{}: expected one token per line, found none",
            file.display()
        );
    }
    Ok(tokens)
}

/// Starts the log on standard error.
fn log(json: bool) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        // Where standard error cannot be written, as on a full disk, the message about that could not be written either.
        .log_internal_errors(false)
        .with_target(false);
    if json { log.json().init() } else { log.init() }
}

/// The signals that end the service, Ctrl-C and SIGTERM, from its creation on.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(windows)]
            interrupt: tokio::signal::windows::ctrl_c()?,
        })
    }

    /// Waits for the next signal.
    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}
