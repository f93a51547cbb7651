//! The body of a request on its way out.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use entrada_core::ports::asynchronous::Body;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::io::AsyncRead;
use http::Method;
use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http_body::{Frame, SizeHint};

use crate::limit::Limit;

const CHUNK: u64 = 16 * 1024;

/// Not everybody who could say `100 Continue` does (RFC 9110 10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// A [`Body`] as an [`http_body::Body`], which keeps to the length that it announced.
///
/// One that ends early is an error, and one that is longer is cut: neither spoils the connection. With
/// `Expect: 100-continue` it is held back until the other side asks for it, for a second at most; what is left of it
/// when the answer has ended, or is dropped, is not sent.
pub struct RequestBody {
    /// Within a lock for its `Sync`, which many clients want of a body; it is never taken.
    source: Mutex<Source>,
    /// What the announced length leaves to send; nothing was announced for a chunked body.
    left: Option<u64>,
    upload: Upload,
}

struct Source {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    /// How long it is held back.
    held: Option<BoxFuture<'static, ()>>,
}

/// What others know of a body that is under way.
#[derive(Clone, Default)]
pub(crate) struct Upload(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// When the client last asked for a piece.
    last_asked: Option<Instant>,
    /// Whether it would take one, and there is none yet.
    is_starved: bool,
    /// Whether the other side has said `100 Continue`.
    may_go: bool,
    /// Whether nobody is interested in what is left.
    is_over: bool,
    /// Whom to wake when one of these changes.
    waker: Option<Waker>,
    failure: Option<io::Error>,
}

impl Upload {
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        let waker = self.with(|state| {
            change(state);
            state.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The other side has asked for the body.
    #[cfg(feature = "hyper")]
    pub(crate) fn go_ahead(&self) {
        self.tell(|state| state.may_go = true);
    }

    /// The answer has ended, and so what is left of the body is not to be sent.
    pub(crate) fn end(&self) {
        self.tell(|state| state.is_over = true);
    }

    /// Why the body could not be read, where that was the reason.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.with(|state| state.failure.take())
    }

    /// How much longer to wait for the other side, of which a wait for `timeout` is over: it has as long again after each
    /// piece that it takes, and it is not its fault where there is none to take. `None` where it was long enough.
    pub(crate) fn patience(&self, timeout: Duration) -> Option<Duration> {
        self.with(|state| match state.last_asked {
            _ if state.is_starved => Some(timeout),
            Some(last) => timeout.checked_sub(last.elapsed()).filter(|rest| !rest.is_zero()),
            None => None,
        })
    }
}

impl RequestBody {
    /// Sets the headers that frame this body, in place of any that are there.
    pub(crate) fn frame(headers: &mut HeaderMap, method: &Method, body: Body, limit: &Limit) -> Self {
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        let left = body.length();
        match left {
            // Only where a body is expected must its absence be told (RFC 9110 8.6).
            Some(0) if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {}
            Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
            None => {}
        }
        let expects = headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let held = (expects && left != Some(0)).then(|| limit.sleep(limit.timeout.min(PATIENCE)));
        Self { source: Mutex::new(Source { reader: body.into_reader(), held }), left, upload: Upload::default() }
    }

    pub(crate) fn empty() -> Self {
        let source = Source { reader: Body::empty().into_reader(), held: None };
        Self { source: Mutex::new(source), left: Some(0), upload: Upload::default() }
    }

    pub(crate) fn upload(&self) -> Upload {
        self.upload.clone()
    }

    fn source(&mut self) -> &mut Source {
        self.source.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready where the body may go, with an error where it is not to go on.
    fn poll_go(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (may_go, is_over) = self.upload.with(|state| {
            state.waker = Some(context.waker().clone());
            (state.may_go, state.is_over)
        });
        if is_over {
            return Poll::Ready(Err(io::Error::other("its answer has ended before it")));
        }
        let source = self.source();
        if let Some(held) = &mut source.held
            && !may_go
        {
            ready!(held.poll_unpin(context));
        }
        source.held = None;
        Poll::Ready(Ok(()))
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let most = self.left.map_or(CHUNK, |left| left.min(CHUNK));
        if most == 0 {
            return Poll::Ready(None);
        }
        if let Err(error) = ready!(self.poll_go(context)) {
            return Poll::Ready(Some(Err(error)));
        }
        let reader = &mut self.source().reader;
        let mut piece = vec![0; most as usize];
        let count = loop {
            match ready!(reader.as_mut().poll_read(context, &mut piece)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
                Ok(count) => break count,
            }
        };
        if count == 0 {
            return Poll::Ready(self.left.take().map(|left| {
                let text = format!("it ended {left} bytes before the length that was announced");
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
            }));
        }
        self.left = self.left.map(|left| left - count as u64);
        piece.truncate(count);
        Poll::Ready(Some(Ok(Bytes::from(piece))))
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let piece = self.poll_piece(context);
        self.upload.with(|state| {
            state.is_starved = piece.is_pending();
            state.last_asked = Some(Instant::now());
        });
        let Some(piece) = ready!(piece) else { return Poll::Ready(None) };
        Poll::Ready(Some(piece.map(Frame::data).map_err(|error| {
            let kind = error.kind();
            self.upload.with(|state| state.failure = Some(error));
            kind.into()
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestBody").field("left", &self.left).finish_non_exhaustive()
    }
}
