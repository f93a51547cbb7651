//! hyper's reads and writes over a stream, without a buffer being zeroed for each read.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use entrada_dial::asynchronous::Stream;
use futures::io::{AsyncRead as _, AsyncWrite as _};
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::limits::LONGEST_READ;
use crate::watch::Watch;

thread_local! {
    /// What is read goes through here: hyper lends memory that nothing was written to yet, and what was read is
    /// seldom more than a fraction of it.
    static PASSING: RefCell<Box<[u8]>> = RefCell::new(vec![0; LONGEST_READ].into_boxed_slice());
}

/// A stream as hyper wants it.
pub(crate) struct Wire {
    pub(crate) stream: Stream,
    /// A client's, which is told whether it takes what is written.
    watch: Option<Arc<Watch>>,
}

impl Wire {
    pub(crate) fn to_client(stream: Stream, watch: Arc<Watch>) -> Self {
        Self { stream, watch: Some(watch) }
    }

    pub(crate) fn to_app(stream: Stream) -> Self {
        Self { stream, watch: None }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Some(watch) = &self.watch {
            watch.wrote(written.is_ready());
        }
        written
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        PASSING.with_borrow_mut(|passing| {
            let most = buffer.remaining().min(passing.len());
            let count = ready!(Pin::new(&mut self.stream).poll_read(context, &mut passing[..most]))?;
            buffer.put_slice(&passing[..count]);
            Poll::Ready(Ok(()))
        })
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written)
    }
}
