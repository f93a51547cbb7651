//! HTTP/1.1 by hyper, driven by whoever waits for it.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes};
use entrada_dial::asynchronous::{Connection, Failure, LONGEST_HEAD, Outgoing, Receive, Stream};
use http::{Request, Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use smol_hyper::rt::FuturesIo;

use crate::payload::Payload;

/// hyper's two halves of a connection.
pub(crate) struct HyperConnection {
    requests: SendRequest<Payload>,
    link: Link,
}

/// What moves the bytes; it ends where the connection does.
struct Link(Option<Pin<Box<Moving>>>);

type Moving = http1::Connection<FuturesIo<Stream>, Payload>;

impl Link {
    /// Moves what can be moved now. How it ended, the request or the body is told.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(link) = &mut self.0
            && link.as_mut().poll(context).is_ready()
        {
            self.0 = None;
        }
    }
}

impl Connection for HyperConnection {
    type Body = HyperBody;

    async fn over(stream: Stream) -> Result<Self, Failure> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(LONGEST_HEAD).max_buf_size(LONGEST_HEAD);
        let (requests, link) = builder.handshake(FuturesIo::new(stream)).await.map_err(failure)?;
        Ok(Self { requests, link: Link(Some(Box::pin(link))) })
    }

    fn is_open(&mut self) -> bool {
        // Takes notice of an end that has come meanwhile.
        self.link.drive(&mut Context::from_waker(Waker::noop()));
        self.link.0.is_some() && self.requests.is_ready()
    }

    async fn send(mut self, request: Request<Outgoing>) -> Result<Response<HyperBody>, Failure> {
        let (mut parts, outgoing) = request.into_parts();
        let go_ahead = outgoing.go_ahead();
        // Only path and query go into the request line.
        parts.uri = parts.uri.into_parts().path_and_query.map_or_else(Uri::default, Uri::from);
        let mut request = Request::from_parts(parts, Payload(outgoing));
        hyper::ext::on_informational(&mut request, move |answer| {
            if answer.status() == http::StatusCode::CONTINUE {
                go_ahead();
            }
        });
        let ready = poll_fn(|context| {
            self.link.drive(context);
            self.requests.poll_ready(context)
        });
        ready.await.map_err(failure)?;
        let mut answer = pin!(self.requests.send_request(request));
        let answer = poll_fn(|context| {
            self.link.drive(context);
            answer.as_mut().poll(context)
        });
        let (parts, body) = answer.await.map_err(failure)?.into_parts();
        Ok(Response::from_parts(parts, HyperBody { body, piece: Bytes::new(), connection: self }))
    }
}

/// The body of an answer.
pub(crate) struct HyperBody {
    body: Incoming,
    /// What has come and was not yet read.
    piece: Bytes,
    connection: HyperConnection,
}

impl Receive<HyperConnection> for HyperBody {
    fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Failure>> {
        while self.piece.is_empty() {
            self.connection.link.drive(context);
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => self.piece = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(failure(error))),
                Poll::Ready(None) => return Poll::Ready(Ok(0)),
                Poll::Pending => return Poll::Pending,
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Poll::Ready(Ok(count))
    }

    fn is_at_end(&self) -> bool {
        self.piece.is_empty() && self.body.is_end_stream()
    }

    fn into_connection(mut self) -> Option<HyperConnection> {
        // Not ready is also a connection whose request is still being sent: the answer came before its end.
        self.connection.is_open().then_some(self.connection)
    }
}

fn failure(error: hyper::Error) -> Failure {
    if error.is_parse() {
        let reason = error.to_string();
        // hyper has no other way to say so to a client.
        let is_too_large = reason == "message head is too large";
        return if is_too_large { Failure::HeadTooLarge(LONGEST_HEAD) } else { Failure::NotHttp(reason) };
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Failure::Io(io::ErrorKind::UnexpectedEof.into());
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(source) => Failure::Io(again(source)),
        None => Failure::Io(io::Error::other(error.to_string())),
    }
}

/// The same error once more, with what rustls said.
fn again(error: &io::Error) -> io::Error {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => io::Error::new(error.kind(), tls.clone()),
        None if inner.is_none() => error.kind().into(),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
