//! HTTP/1.1 by `ureq-proto`, which does no input or output, driven by whoever waits for it.
//!
//! A `Call` of `ureq-proto` goes one way after the other: it reads no answer before the request is sent. An
//! answer may come earlier, to refuse an upload. So each direction has a call of its own.

mod receiving;
mod sending;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use entrada_dial::asynchronous::{Connection, Failure, Outgoing, Receive, Stream};
use futures::io::AsyncRead;
use http::{Request, Response, request};
use ureq_proto::Error;

use receiving::{Answer, Received, Rest};
use sending::Sending;

/// One connection, between two requests.
pub(crate) struct Http1 {
    stream: Stream,
    received: Received,
}

impl Connection for Http1 {
    type Body = Http1Body;

    async fn over(stream: Stream) -> Result<Self, Failure> {
        Ok(Self { stream, received: Received::default() })
    }

    fn is_open(&mut self) -> bool {
        // Nothing may come before the next request: neither an end nor a byte.
        let mut byte = [0];
        let read = Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut byte);
        self.received.is_empty() && read.is_pending()
    }

    async fn send(mut self, request: Request<Outgoing>) -> Result<Response<Http1Body>, Failure> {
        let (parts, outgoing) = request.into_parts();
        let go_ahead = outgoing.go_ahead();
        let mut answer = Answer::to(&parts)?;
        let mut sending = Sending::new(parts, outgoing)?;
        let mut unsent = None;
        let (head, rest) = poll_fn(|context| {
            if unsent.is_none()
                && let Poll::Ready(Err(error)) = sending.poll(context, &mut self.stream)
            {
                if sending.is_unreadable() {
                    return Poll::Ready(Err(Failure::Io(error)));
                }
                // The other side takes no more: perhaps it has answered already.
                unsent = Some(error);
            }
            let read = answer.poll_head(context, &mut self.stream, &mut self.received, &go_ahead);
            read.map_err(|failure| unsent.take().map_or(failure, Failure::Io))
        })
        .await?;
        let body = Http1Body { connection: self, sending, rest };
        Ok(head.map(|()| body))
    }
}

/// The body of an answer.
pub(crate) struct Http1Body {
    connection: Http1,
    sending: Sending,
    rest: Rest,
}

impl Receive<Http1> for Http1Body {
    fn length(&self) -> Option<u64> {
        self.rest.length()
    }

    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Failure>> {
        // What is left of the request goes on; where it cannot, the connection is given up at the end.
        let _ = self.sending.poll(context, &mut self.connection.stream);
        self.rest.poll_read(context, &mut self.connection.stream, &mut self.connection.received, buffer)
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_at_end()
    }

    fn into_connection(self) -> Option<Http1> {
        let is_reusable = self.sending.is_done() && self.rest.leaves_the_connection();
        is_reusable.then_some(self.connection).filter(|connection| connection.received.is_empty())
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::HttpParseTooManyHeaders => Failure::HeadTooLarge(entrada_dial::asynchronous::LONGEST_HEAD),
        other => Failure::NotHttp(other.to_string()),
    }
}

/// A request that cannot be written.
fn unwritable(error: Error) -> Failure {
    Failure::Io(io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))
}

/// Room for the request line and the headers.
fn head_size(parts: &request::Parts) -> usize {
    let target = parts.uri.path_and_query().map_or(1, |target| target.as_str().len() + 1);
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    parts.method.as_str().len() + target + headers + 64
}
