//! The body of an answer, whose errors say what happened in the port's words.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use futures::io::AsyncRead;
use http_body::Body;

use crate::BoxError;
use crate::body::Upload;
use crate::limit::{Limit, Wait};
use crate::reason::{Place, Reasons};

/// Reads from an [`http_body::Body`].
pub(crate) struct Incoming<B: Body> {
    body: Pin<Box<B>>,
    piece: Option<B::Data>,
    limit: Limit,
    wait: Wait,
    upload: EndedWithThis,
    place: Place,
    reasons: Reasons,
    /// An error stays: a reader that goes on after it must not take the rest for a proper end.
    failed: Option<(io::ErrorKind, String)>,
}

/// An upload that ends with the answer to it.
struct EndedWithThis(Upload);

impl Drop for EndedWithThis {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<B: Body> Incoming<B> {
    pub(crate) fn new(body: B, limit: Limit, upload: Upload, place: Place, reasons: Reasons) -> Self {
        let (body, upload) = (Box::pin(body), EndedWithThis(upload));
        Self { body, piece: None, limit, wait: Wait::default(), upload, place, reasons, failed: None }
    }
}

impl<B> Incoming<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    /// The next piece that is not empty.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<B::Data>, AdapterError>> {
        loop {
            match self.body.as_mut().poll_frame(context) {
                Poll::Ready(next) => {
                    self.wait.end();
                    match next.map(|frame| frame.map(http_body::Frame::into_data)) {
                        None => return Poll::Ready(Ok(None)),
                        Some(Ok(Ok(piece))) if piece.has_remaining() => return Poll::Ready(Ok(Some(piece))),
                        // Nothing, or trailers.
                        Some(Ok(_)) => {}
                        Some(Err(error)) => {
                            let what = format_args!("the answer of {} broke off", self.place);
                            return Poll::Ready(Err(self.reasons.tell(what, error.into())));
                        }
                    }
                }
                Poll::Pending => {
                    let seconds = self.limit.timeout.as_secs_f32();
                    let text = || format!("the answer of {} did not go on within {seconds} s", self.place);
                    let late = self.wait.poll(&self.limit, context);
                    return late.map(|()| Err(AdapterError::new(Fault::TimedOut, text())));
                }
            }
        }
    }
}

impl<B> AsyncRead for Incoming<B>
where
    B: Body,
    B::Data: Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some((kind, text)) = &self.failed {
            return Poll::Ready(Err(io::Error::new(*kind, text.clone())));
        }
        let mut piece = match self.piece.take() {
            Some(piece) => piece,
            None => match std::task::ready!(self.poll_piece(context)) {
                Ok(Some(piece)) => piece,
                Ok(None) => {
                    self.upload.0.end();
                    return Poll::Ready(Ok(0));
                }
                Err(error) => {
                    let kind = match error.fault() {
                        Fault::TimedOut => io::ErrorKind::TimedOut,
                        Fault::Unreachable => io::ErrorKind::ConnectionAborted,
                        _ => io::ErrorKind::Other,
                    };
                    self.failed = Some((kind, error.to_string()));
                    return Poll::Ready(Err(io::Error::new(kind, error.to_string())));
                }
            },
        };
        let count = piece.remaining().min(buffer.len());
        piece.copy_to_slice(&mut buffer[..count]);
        self.piece = piece.has_remaining().then_some(piece);
        Poll::Ready(Ok(count))
    }
}
