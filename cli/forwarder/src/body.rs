//! Bodies: frames go on as they come, at the pace of whoever takes them.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::connection::Connection;
use crate::counts::{Counts, Open};
use crate::site::Site;
use crate::watch::{Phase, Watch};

/// How much of a request's body is remembered, so that it can be sent again with another token.
const REMEMBERED: usize = 64 * 1024;

/// The body of a client's request, which can begin anew for as long as all that was read of it is remembered.
#[derive(Clone)]
pub(crate) struct Source {
    read: Arc<Mutex<Read>>,
    size: SizeHint,
    /// Where the client waits for `100 Continue` before it sends.
    hold: Option<Arc<Hold>>,
    watch: Arc<Watch>,
    counts: Arc<Counts>,
}

struct Read {
    incoming: Incoming,
    remembered: Vec<Bytes>,
    bytes: usize,
    /// More was read than is remembered.
    is_beyond: bool,
}

/// Holds a body back until the app asks for it.
#[derive(Default)]
pub(crate) struct Hold {
    released: AtomicBool,
    waker: AtomicWaker,
}

impl Hold {
    pub(crate) fn release(&self) {
        self.released.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn is_released(&self, context: &Context<'_>) -> bool {
        if !self.released.load(Ordering::Acquire) {
            self.waker.register(context.waker());
        }
        self.released.load(Ordering::Acquire)
    }
}

impl Source {
    /// `None` where there is no body.
    pub(crate) fn of(
        incoming: Incoming,
        expects_continue: bool,
        watch: &Arc<Watch>,
        counts: &Arc<Counts>,
    ) -> Option<Self> {
        if incoming.is_end_stream() {
            return None;
        }
        let size = incoming.size_hint();
        let read = Read { incoming, remembered: Vec::new(), bytes: 0, is_beyond: false };
        Some(Self {
            read: Arc::new(Mutex::new(read)),
            size,
            hold: expects_continue.then(Arc::default),
            watch: Arc::clone(watch),
            counts: Arc::clone(counts),
        })
    }

    /// Whether it can be sent from its beginning.
    pub(crate) fn can_begin(&self) -> bool {
        !self.read.lock().unwrap_or_else(PoisonError::into_inner).is_beyond
    }

    /// What holds it back, if anything does.
    pub(crate) fn hold(&self) -> Option<&Arc<Hold>> {
        self.hold.as_ref()
    }
}

/// A body on its way to the app.
pub(crate) struct Upload(Option<Sending>);

struct Sending {
    source: Source,
    /// How many of the remembered pieces have been sent.
    next: usize,
}

impl Upload {
    pub(crate) fn of(source: Option<&Source>) -> Self {
        Self(source.map(|source| Sending { source: source.clone(), next: 0 }))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(Sending { source, next }) = &mut self.0 else { return Poll::Ready(None) };
        if source.hold.as_ref().is_some_and(|hold| !hold.is_released(context)) {
            return Poll::Pending;
        }
        let mut read = source.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(piece) = read.remembered.get(*next) {
            *next += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        let frame = ready!(Pin::new(&mut read.incoming).poll_frame(context));
        source.watch.touch();
        match frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
            Some(Ok(Some(piece))) => {
                Counts::add(&source.counts.up, piece.len());
                read.bytes = read.bytes.saturating_add(piece.len());
                if read.bytes <= REMEMBERED {
                    read.remembered.push(piece.clone());
                    *next += 1;
                } else {
                    read.is_beyond = true;
                    read.remembered = Vec::new();
                    *next = 0;
                }
            }
            // Trailers come once.
            Some(_) => read.is_beyond = true,
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|sending| sending.source.size.exact() == Some(0))
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |sending| sending.source.size)
    }
}

/// The body of an answer to a client.
pub(crate) struct Reply {
    content: Content,
    /// Until it has been sent.
    _turn: Option<Turn>,
}

enum Content {
    Own(Bytes),
    App(Box<Download>),
}

/// A request that is being answered; afterwards the connection waits for the next one.
pub(crate) struct Turn {
    watch: Arc<Watch>,
    _open: Open,
}

impl Turn {
    pub(crate) fn new(watch: &Arc<Watch>, counts: &Arc<Counts>) -> Self {
        watch.enter(Phase::Free);
        Self { watch: Arc::clone(watch), _open: Open::new(counts) }
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.watch.enter(Phase::Idle);
    }
}

struct Download {
    incoming: Incoming,
    connection: Option<Connection>,
    has_ended: bool,
    /// Bytes since it last waited.
    in_a_row: usize,
    site: Arc<Site>,
}

/// Of an app that is faster than its client can be told, hyper takes all that there is: after that many bytes it has to
/// look at others.
const IN_A_ROW: usize = 256 * 1024;

/// What a piece counts for at the least, however small it is.
const LEAST: usize = 4 * 1024;

impl Reply {
    /// Of the forwarder's own.
    pub(crate) fn own(bytes: Bytes) -> Self {
        Self { content: Content::Own(bytes), _turn: None }
    }

    /// The app's, which comes over this connection; at its end the connection is kept.
    pub(crate) fn app(incoming: Incoming, connection: Connection, site: Arc<Site>) -> Self {
        let download = Download { incoming, connection: Some(connection), has_ended: false, in_a_row: 0, site };
        Self { content: Content::App(Box::new(download)), _turn: None }
    }

    pub(crate) fn in_turn(self, turn: Turn) -> Self {
        Self { _turn: Some(turn), ..self }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        match &mut self.content {
            Content::Own(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Own(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::App(download) => download.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(bytes) => bytes.is_empty(),
            Content::App(download) => download.has_ended || download.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::App(download) => download.incoming.size_hint(),
        }
    }
}

impl Download {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if self.in_a_row >= IN_A_ROW {
            self.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(connection) = &mut self.connection {
            connection.link.drive(context);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) else {
            self.in_a_row = 0;
            return Poll::Pending;
        };
        match &frame {
            Some(Ok(frame)) => {
                let count = frame.data_ref().map_or(0, Bytes::len);
                self.in_a_row += count.max(LEAST);
                Counts::add(&self.site.counts.down, count);
            }
            Some(Err(_)) => self.connection = None,
            None => self.has_ended = true,
        }
        Poll::Ready(frame)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if (self.has_ended || self.incoming.is_end_stream())
            && let Some(connection) = self.connection.take()
        {
            self.site.pool.put(connection);
        }
    }
}
