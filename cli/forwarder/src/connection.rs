//! HTTP/1.1 to the app by hyper, driven by whoever waits for it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use entrada_dial::asynchronous::Stream;
use hyper::client::conn::http1::{self, SendRequest};

use crate::body::Upload;
use crate::limits::{LONGEST_HEAD, LONGEST_READ};
use crate::wire::Wire;

/// hyper's two halves of a connection.
pub(crate) struct Connection {
    pub(crate) requests: SendRequest<Upload>,
    pub(crate) link: Link,
}

/// What moves the bytes; it ends where the connection does, or where it leaves HTTP.
pub(crate) struct Link(Option<Pin<Box<Moving>>>);

type Moving = dyn Future<Output = hyper::Result<()>> + Send;

impl Link {
    /// Moves what can be moved now. How it ended, the request or the body is told.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(link) = &mut self.0
            && link.as_mut().poll(context).is_ready()
        {
            self.0 = None;
        }
    }

    /// Moves all that is left.
    pub(crate) async fn finish(mut self) {
        poll_fn(|context| {
            self.drive(context);
            if self.0.is_some() { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }
}

impl Connection {
    pub(crate) async fn over(stream: Stream) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(LONGEST_HEAD).max_buf_size(LONGEST_READ);
        let (requests, link) = builder.handshake(Wire::to_app(stream)).await?;
        Ok(Self { requests, link: Link(Some(Box::pin(link.with_upgrades()))) })
    }

    /// Whether another request can be sent; takes notice of an end that has come meanwhile.
    pub(crate) fn is_open(&mut self) -> bool {
        self.link.drive(&mut Context::from_waker(Waker::noop()));
        self.link.0.is_some() && self.requests.is_ready()
    }
}
