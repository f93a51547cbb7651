//! A socket that asks the system for bytes only where there may be some.
//!
//! hyper looks for them at every turn, to notice an end: ten times in vain for a request. The reactor knows.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};
use mio::event::Source;
use mio::net::TcpStream;

use crate::reactor::Watched;

/// A connection of either kind.
pub(crate) struct Socket<S: Source> {
    io: Watched<S>,
    /// The last read has left nothing.
    is_drained: bool,
}

/// What is below.
pub(crate) trait Below: Source + Send + Sync + Unpin + 'static {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
    fn end(&self) -> io::Result<()>;
}

impl Below for TcpStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&mut &*self).read(buffer)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&mut &*self).write_vectored(slices)
    }

    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Below for mio::net::UnixStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&mut &*self).read(buffer)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&mut &*self).write_vectored(slices)
    }

    fn end(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl<S: Source> Socket<S> {
    pub(crate) fn new(io: Watched<S>) -> Self {
        Self { io, is_drained: false }
    }
}

impl<S: Below> AsyncRead for Socket<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if self.is_drained {
                if !self.io.follow()? {
                    ready!(self.io.poll_readable(context));
                }
                self.is_drained = false;
            }
            match self.io.get().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_drained = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => {
                    // Should more come, the reactor says so. (Not for urgent bytes and files sent along, which cut a read
                    // short and which HTTP has none of.)
                    let is_short = matches!(read, Ok(count) if count > 0 && count < buffer.len());
                    self.is_drained = is_short && !self.io.has_ended();
                    return Poll::Ready(read);
                }
            }
        }
    }
}

impl<S: Below> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.io.get().write(slices) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.io.follow()? {
                        ready!(self.io.poll_writable(context));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Unlike what smol's socket is made of, it tells the other side.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.io.get().end() {
            Err(error) if error.kind() == ErrorKind::NotConnected => Poll::Ready(Ok(())),
            ended => Poll::Ready(ended),
        }
    }
}
