//! The body of a request, as hyper takes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use entrada_dial::asynchronous::Outgoing;
use futures::io::AsyncRead;
use http_body::{Body, Frame, SizeHint};

pub(crate) struct Payload(pub(crate) Outgoing);

/// How much is read at once.
const PIECE: usize = 16 * 1024;

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut piece = vec![0; PIECE];
        let count = ready!(Pin::new(&mut self.0).poll_read(context, &mut piece))?;
        piece.truncate(count);
        Poll::Ready((count > 0).then(|| Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
