//! The end of a connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::service::Service;

/// Number of bytes that are read and discarded at a time.
const WASTE: usize = 1 << 14;

/// How long a connection lingers at most while the service stops. A client that is refused while it sends has this long to
/// read why, and idle connections hardly delay the end of the service.
const LAST: Duration = Duration::from_millis(500);

/// A connection that keeps reading for a while after it was shut down, and discards what arrives. Otherwise a client that is
/// refused while it sends its recording would find its connection broken, and many clients then never read the response.
/// Writing fails if the client reads nothing for as long.
pub(crate) struct Lingering {
    stream: TcpStream,
    longest: Duration,
    service: Service,
    /// When to stop lingering; `None` before the connection is shut down.
    end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// When to give up writing; `None` if the last write has succeeded.
    give_up: Option<Pin<Box<Sleep>>>,
}

impl Lingering {
    pub(crate) fn new(stream: TcpStream, service: Service) -> Self {
        Self {
            stream,
            longest: service.0.limits.idle,
            service,
            end: None,
            give_up: None,
        }
    }

    /// Makes a write fail that has been waiting for too long.
    fn within(
        self: Pin<&mut Self>,
        context: &mut Context,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Self {
            longest, give_up, ..
        } = self.get_mut();
        if written.is_ready() {
            *give_up = None;
            return written;
        }
        let give_up = give_up.get_or_insert_with(|| Box::pin(sleep(*longest)));
        ready!(give_up.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.as_mut().stream().poll_write(context, bytes);
        self.within(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        slices: &[IoSlice],
    ) -> Poll<io::Result<usize>> {
        let written = self.as_mut().stream().poll_write_vectored(context, slices);
        self.within(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        let Self {
            stream,
            longest,
            service,
            end,
            ..
        } = self.get_mut();
        if end.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let end = end.get_or_insert_with(|| {
            let (longest, service) = (*longest, service.clone());
            Box::pin(async move {
                tokio::select! {
                    () = sleep(longest) => {}
                    () = service.ending() => sleep(LAST.min(longest)).await,
                }
            })
        });
        let mut waste = [0; WASTE];
        loop {
            let mut waste = ReadBuf::new(&mut waste);
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut waste));
            // The client has closed the connection.
            if read.is_err() || waste.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
