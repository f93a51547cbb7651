//! The body of a request, as hyper takes it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use entrada_dial::asynchronous::Outgoing;
use futures::io::AsyncRead;
use http_body::{Body, Frame, SizeHint};

pub(crate) struct Payload {
    outgoing: Outgoing,
    /// How many pieces may follow before others have their turn.
    turn: u8,
}

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// How many pieces are sent in a row: hyper reads no answer while there is always more to send.
const TURN: u8 = 16;

impl Payload {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, turn: TURN }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.turn == 0 {
            self.turn = TURN;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.turn -= 1;
        let mut piece = vec![0; PIECE];
        let count = ready!(Pin::new(&mut self.outgoing).poll_read(context, &mut piece))?;
        piece.truncate(count);
        Poll::Ready((count > 0).then(|| Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.outgoing.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.outgoing.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
