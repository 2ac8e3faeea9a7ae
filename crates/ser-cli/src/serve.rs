//! `ser serve`: the service, in one process.

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
            "{}: whoever reaches this address could ask: name a file of tokens with --tokens, or bind to 127.0.0.1 and put a \
             proxy before it that knows who may",
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
    // A client that hangs up is to end its connection, not the program, which `main` lets end like any other in a pipe.
    #[cfg(unix)]
    // SAFETY: a plain system call, before there is any other thread.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    let runtime = Builder::new_multi_thread().enable_all().build();
    runtime
        .context("the threads of the service")?
        .block_on(async {
            let listener = TcpListener::bind(args.bind).await;
            let listener = listener.with_context(|| {
                format!(
                    "{}: take another address with --bind, as in 127.0.0.1:0 for a free port",
                    args.bind
                )
            })?;
            let address: SocketAddr = listener.local_addr()?;
            let page = match ser_server::HAS_PAGE {
                true => "with a page there, ",
                false => "",
            };
            println!(
                "serving on http://{address}, {page}described on http://{address}/docs; Ctrl-C ends it"
            );
            serve(listener, service, stopped()).await;
            Ok(Outcome::Done)
        })
}

/// The tokens of a file, one a line.
fn tokens(args: &ServeArgs) -> Result<Vec<String>> {
    let Some(file) = &args.tokens else {
        return Ok(Vec::new());
    };
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let tokens = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tokens: Vec<String> = tokens.map(str::to_owned).collect();
    if tokens.is_empty() {
        bail!("{}: expected a token a line, found none", file.display());
    }
    Ok(tokens)
}

/// Notes what is answered on standard error.
fn log(json: bool) {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_target(false);
    match json {
        true => log.json().init(),
        false => log.init(),
    }
}

/// Waits until the service is told to end.
async fn stopped() {
    let interrupted = async {
        // Without a handler the system ends the program at once.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
