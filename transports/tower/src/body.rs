//! The body of a request on its way out.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use entrada_core::ports::asynchronous::Body;
use futures::io::AsyncRead;
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http_body::{Frame, SizeHint};

const CHUNK: u64 = 16 * 1024;

/// A [`Body`] as an [`http_body::Body`], which keeps to the length that it announced.
///
/// One that ends early is an error, and one that is longer is cut: neither spoils the connection.
pub struct RequestBody {
    /// Within a lock for its `Sync`, which many clients want of a body; it is never taken.
    reader: Mutex<Pin<Box<dyn AsyncRead + Send>>>,
    /// What the announced length leaves to send; nothing was announced for a chunked body.
    left: Option<u64>,
    upload: Upload,
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
    failure: Option<io::Error>,
}

impl Upload {
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
    pub(crate) fn frame(headers: &mut HeaderMap, method: &Method, body: Body) -> Self {
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        let left = body.length();
        match left {
            // Only where a body is expected must its absence be told (RFC 9110 8.6).
            Some(0) if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {}
            Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
            None => {}
        }
        Self { reader: Mutex::new(body.into_reader()), left, upload: Upload::default() }
    }

    pub(crate) fn upload(&self) -> Upload {
        self.upload.clone()
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let most = self.left.map_or(CHUNK, |left| left.min(CHUNK));
        if most == 0 {
            return Poll::Ready(None);
        }
        let reader = self.reader.get_mut().unwrap_or_else(PoisonError::into_inner);
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
