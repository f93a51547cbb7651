//! A request on its way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use entrada_dial::asynchronous::{Failure, Outgoing, Stream};
use futures::io::{AsyncRead, AsyncWrite};
use http::{Request, request};
use ureq_proto::client::state::SendBody;
use ureq_proto::client::{Await100Result, Call, SendRequestResult};

use super::{head_size, unwritable};

/// What of a request has not been sent yet.
pub(super) struct Sending {
    /// Encoded, and sent up to `sent`.
    bytes: Vec<u8>,
    sent: usize,
    body: Option<Body>,
    state: State,
}

struct Body {
    outgoing: Outgoing,
    call: Call<SendBody>,
    piece: Vec<u8>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    UnderWay,
    Done,
    /// The body could not be read.
    Unreadable,
    /// The stream takes no more.
    Refused,
}

/// How much of a body is read at once.
const PIECE: usize = 16 * 1024;

impl Sending {
    pub(super) fn new(parts: request::Parts, outgoing: Outgoing) -> Result<Self, Failure> {
        let size = head_size(&parts);
        let mut call = Call::new(Request::from_parts(parts, ())).map_err(unwritable)?;
        call.allow_non_standard_methods(true);
        call.force_send_body();
        let mut call = call.proceed();
        let mut bytes = vec![0; size];
        let mut length = 0;
        while !call.can_proceed() {
            length += call.write(&mut bytes[length..]).map_err(unwritable)?;
        }
        bytes.truncate(length);
        let call = match call.proceed().map_err(unwritable)? {
            Some(SendRequestResult::SendBody(call)) => Some(call),
            // It is the outgoing body that waits for `100 Continue`.
            Some(SendRequestResult::Await100(call)) => match call.proceed().map_err(unwritable)? {
                Await100Result::SendBody(call) => Some(call),
                Await100Result::RecvResponse(_) => None,
            },
            Some(SendRequestResult::RecvResponse(_)) | None => None,
        };
        let body = call.map(|call| Body { outgoing, call, piece: vec![0; PIECE] });
        Ok(Self { bytes, sent: 0, body, state: State::UnderWay })
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.state == State::Unreadable
    }

    /// Sends what can be sent now; ready when that was all, or no more can be.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, stream: &mut Stream) -> Poll<io::Result<()>> {
        while self.state == State::UnderWay {
            while self.sent < self.bytes.len() {
                let written = ready!(Pin::new(&mut *stream).poll_write(context, &self.bytes[self.sent..]));
                self.sent += self.accepted(written.and_then(not_zero))?;
            }
            if let Some(body) = &mut self.body {
                let read = Pin::new(&mut body.outgoing).poll_read(context, &mut body.piece);
                if read.is_pending() {
                    // The other side may want to see what there is so far.
                    let flushed = ready!(Pin::new(&mut *stream).poll_flush(context));
                    self.accepted(flushed)?;
                    return Poll::Pending;
                }
                let count = ready!(read).inspect_err(|_| self.state = State::Unreadable)?;
                body.encode(count, &mut self.bytes)?;
                self.sent = 0;
                if count == 0 || body.call.can_proceed() {
                    self.body = None;
                }
            } else {
                let flushed = ready!(Pin::new(&mut *stream).poll_flush(context));
                self.accepted(flushed)?;
                self.state = State::Done;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn accepted<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|_| self.state = State::Refused)
    }
}

impl Body {
    /// The next piece as it goes over the wire; an empty one is the end.
    fn encode(&mut self, count: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        // Lengths and line ends of chunks take less than that.
        bytes.resize(PIECE + 1024, 0);
        let (mut read, mut length) = (0, 0);
        loop {
            let written = self.call.write(&self.piece[read..count], &mut bytes[length..]);
            let (taken, put) = written.map_err(|error| io::Error::other(error.to_string()))?;
            read += taken;
            length += put;
            if read == count {
                break;
            }
        }
        bytes.truncate(length);
        Ok(())
    }
}

fn not_zero(count: usize) -> io::Result<usize> {
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
}
