//! An HTTP client around the sockets of any runtime and an engine that speaks HTTP/1.1 over one of them.
//!
//! A transport brings two things: a [`Network`], which is its runtime's sockets and timers, and a
//! [`Connection`], which is its engine. The [`Client`] does the rest: proxies, TLS, the connections that
//! are kept, time-outs, the one retry, and the sentences. Nothing is spawned: all work is done where the
//! request, or the body of its answer, is awaited, and whoever drops either closes the connection.

mod client;
mod connect;
mod incoming;
mod network;
mod outgoing;
mod pool;
mod proxy;
mod socks;
mod tunnel;

use std::future::Future;
use std::io;
use std::task::{Context, Poll};

use http::{Request, Response};

pub use client::Client;
pub use connect::Dialer;
pub use network::{Duplex, Network, Stream};
pub use outgoing::Outgoing;

/// HTTP/1.1 over one stream, one request after the other.
pub trait Connection: Send + Sized + 'static {
    /// An answer's body, which holds the connection until it has been read.
    type Body: Receive<Self>;

    /// Over a new stream.
    fn over(stream: Stream) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// Whether another request can be sent: not where the other side has closed the connection meanwhile.
    fn is_open(&mut self) -> bool;

    /// Sends a request whose headers are complete, `Host` and framing among them, and whose URI is a full one;
    /// resolves with the head of the answer that is not a 1xx.
    ///
    /// [`Outgoing::go_ahead`] is called where the other side says `100 Continue`.
    fn send(self, request: Request<Outgoing>) -> impl Future<Output = Result<Response<Self::Body>, Failure>> + Send;
}

/// The body of an answer, as it comes.
pub trait Receive<C>: Send + Unpin + 'static {
    /// Its length, where the answer tells it.
    fn length(&self) -> Option<u64>;

    /// Reads; nothing at its end.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Failure>>;

    /// Whether it is known, without another read, that all of it has been read.
    fn is_at_end(&self) -> bool;

    /// After the end: the connection, where it can be used again.
    fn into_connection(self) -> Option<C>;
}

/// Why an engine has no answer, or no more of its body.
#[derive(Debug)]
pub enum Failure {
    /// The stream's error; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) where it ended too early.
    Io(io::Error),
    /// What came is not HTTP, for that reason.
    NotHttp(String),
    /// The head of the answer is longer than this many bytes, or has too many headers.
    HeadTooLarge(usize),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// How many bytes the head of an answer may have.
pub const LONGEST_HEAD: usize = 128 * 1024;
