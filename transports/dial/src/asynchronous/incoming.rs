//! Bodies on their way in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::io::AsyncRead;

use super::client::explain;
use super::connect::Route;
use super::network::{Network, sleep};
use super::outgoing::Writes;
use super::pool::Pool;
use super::{Connection, Receive};
use crate::{Broken, Place, Step};

/// The body of an answer, whose errors say what happened in the port's words; after its end the connection is kept.
pub(super) struct Incoming<C: Connection> {
    /// Not after the end, nor after an error.
    body: Option<C::Body>,
    pool: Arc<Pool<C>>,
    route: Route,
    writes: Writes,
    place: Place,
    wait: Wait,
    broken: Option<Broken>,
}

/// The limit of each single wait.
struct Wait {
    limit: Duration,
    sleep: fn(Duration) -> BoxFuture<'static, ()>,
    now: Option<BoxFuture<'static, ()>>,
}

impl<C: Connection> Incoming<C> {
    pub(super) fn new<N: Network>(
        body: C::Body,
        (pool, route, writes): (Arc<Pool<C>>, Route, Writes),
        place: Place,
        limit: Duration,
    ) -> Self {
        let wait = Wait { limit, sleep: sleep::<N>, now: None };
        let mut incoming = Self { body: Some(body), pool, route, writes, place, wait, broken: None };
        incoming.keep_at_end();
        incoming
    }

    fn keep_at_end(&mut self) {
        if let Some(body) = self.body.take_if(|body| body.is_at_end()) {
            self.keep(body);
        }
    }

    fn keep(&self, body: C::Body) {
        if let Some(connection) = body.into_connection() {
            self.pool.put(&self.route, connection, self.writes.clone(), Instant::now());
        }
    }
}

impl<C: Connection> AsyncRead for Incoming<C> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Some(broken) = &this.broken {
            return Poll::Ready(Err(broken.into()));
        }
        let Some(body) = &mut this.body else { return Poll::Ready(Ok(0)) };
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let error = match body.poll_read(context, buffer) {
            Poll::Ready(Ok(count)) => {
                this.wait.now = None;
                if let Some(body) = this.body.take_if(|body| count == 0 || body.is_at_end()) {
                    this.keep(body);
                }
                return Poll::Ready(Ok(count));
            }
            Poll::Ready(Err(failure)) => explain(&this.place, &failure),
            Poll::Pending => {
                let wait = &mut this.wait;
                let now = wait.now.get_or_insert_with(|| (wait.sleep)(wait.limit));
                if now.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                this.place.too_slow(Step::Body)
            }
        };
        this.body = None;
        let broken = this.broken.insert(error.into());
        Poll::Ready(Err((&*broken).into()))
    }
}
