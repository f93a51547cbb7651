//! Bodies on their way out, and how far they have come.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use entrada_core::ports::asynchronous::Body;
use futures::io::{AsyncRead, AsyncWrite};

use super::network::{Network, sleep};
use crate::Left;

/// The body of a request, which keeps to the length that it announced.
pub struct Outgoing {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    left: Left,
    /// How many reads may follow before others have their turn.
    turn: u8,
    upload: Upload,
}

/// How many reads are answered in a row: an engine that always has more to send would never look for an answer.
const TURN: u8 = 16;

/// How far a request has come.
#[derive(Clone)]
pub(super) struct Upload {
    state: Arc<Mutex<State>>,
}

struct State {
    /// When something last went on.
    moved: Instant,
    /// The body itself is what is waited for.
    at_source: bool,
    /// Where the body waits for `100 Continue`, whom to wake then.
    held: Option<Option<Waker>>,
    ended: bool,
    failure: Option<io::Error>,
}

impl Outgoing {
    /// Where the request expects `100 Continue`, the body is held back until then.
    pub(super) fn new(body: Body, expects_continue: bool) -> Self {
        let left = Left::of(body.length());
        let state = State {
            moved: Instant::now(),
            at_source: false,
            held: (expects_continue && !left.is_nothing()).then_some(None),
            ended: left.is_nothing(),
            failure: None,
        };
        Self { reader: body.into_reader(), left, turn: TURN, upload: Upload { state: Arc::new(Mutex::new(state)) } }
    }

    /// Its length, where it is known.
    pub fn length(&self) -> Option<u64> {
        self.left.length()
    }

    /// The other side said `100 Continue`: what calls this lets the body go.
    pub fn go_ahead(&self) -> impl Fn() + Send + Sync + 'static {
        let upload = self.upload.clone();
        move || upload.go_ahead()
    }

    pub(super) fn upload(&self) -> Upload {
        self.upload.clone()
    }
}

impl AsyncRead for Outgoing {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let room = this.left.room(buffer.len());
        if room == 0 {
            this.upload.state().ended = true;
            return Poll::Ready(Ok(0));
        }
        if let Some(waker) = &mut this.upload.state().held {
            *waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        if this.turn == 0 {
            this.turn = TURN;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.turn -= 1;
        let read = loop {
            match this.reader.as_mut().poll_read(context, &mut buffer[..room]) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(read) => break read,
                Poll::Pending => {
                    this.upload.state().at_source = true;
                    return Poll::Pending;
                }
            }
        };
        let read = read.and_then(|count| this.left.take(count).map(|()| count));
        let mut state = this.upload.state();
        state.moved = Instant::now();
        state.at_source = false;
        state.ended = matches!(read, Ok(0)) || this.left.is_nothing();
        Poll::Ready(read.map_err(|error| {
            let kind = error.kind();
            state.failure = Some(error);
            kind.into()
        }))
    }
}

impl Upload {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a body go that is held back. Said again, it is no progress.
    fn go_ahead(&self) {
        let mut state = self.state();
        let Some(waiting) = state.held.take() else { return };
        state.moved = Instant::now();
        drop(state);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Whether all of the body has been handed over.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Why the body could not be read, if that is what failed.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state().failure.take()
    }

    /// Resolves when the other side has neither taken more of the request nor answered for that long.
    pub(super) async fn until_stuck<N: Network>(&self, writes: &Writes, limit: Duration) {
        /// Not everybody who could say `100 Continue` does (RFC 9110, 10.1.1).
        const PATIENCE: Duration = Duration::from_secs(1);
        self.state().moved = Instant::now();
        let is_held = self.state().held.is_some();
        if is_held {
            sleep::<N>(limit.min(PATIENCE)).await;
            self.go_ahead();
        }
        while let Some(rest) = self.rest(writes, limit) {
            sleep::<N>(rest).await;
        }
    }

    fn rest(&self, writes: &Writes, limit: Duration) -> Option<Duration> {
        let state = self.state();
        if state.at_source {
            return Some(limit);
        }
        let since = state.moved.max(writes.last()).elapsed();
        limit.checked_sub(since).filter(|rest| !rest.is_zero())
    }
}

/// When a socket last took something.
#[derive(Clone)]
pub(super) struct Writes {
    last: Arc<Mutex<Instant>>,
}

impl Writes {
    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that remembers when it last took something.
pub(super) struct Watched<S> {
    socket: S,
    writes: Writes,
}

impl<S> Watched<S> {
    pub(super) fn new(socket: S) -> Self {
        Self { socket, writes: Writes { last: Arc::new(Mutex::new(Instant::now())) } }
    }

    pub(super) fn writes(&self) -> Writes {
        self.writes.clone()
    }

    fn note<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Ok(_)) = &written {
            *self.writes.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context)
    }
}
