//! The port's limit on the wait for more of a body, where a backend of surf has none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_std::task;
use entrada_dial::{Broken, Place, Step};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::io::AsyncRead;

/// A reader that is waited for no longer than the limit, and whose errors say what happened in the port's words.
pub(crate) struct Patient<R> {
    reader: R,
    place: Place,
    limit: Duration,
    wait: Option<BoxFuture<'static, ()>>,
    broken: Option<Broken>,
}

impl<R> Patient<R> {
    pub(crate) fn new(reader: R, place: Place, limit: Duration) -> Self {
        Self { reader, place, limit, wait: None, broken: None }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Patient<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Some(broken) = &this.broken {
            return Poll::Ready(Err(broken.into()));
        }
        let error = match Pin::new(&mut this.reader).poll_read(context, buffer) {
            Poll::Ready(Ok(count)) => {
                this.wait = None;
                return Poll::Ready(Ok(count));
            }
            Poll::Ready(Err(error)) => this.place.io(&error),
            Poll::Pending => {
                let wait = this.wait.get_or_insert_with(|| task::sleep(this.limit).boxed());
                if wait.poll_unpin(context).is_pending() {
                    return Poll::Pending;
                }
                this.place.too_slow(Step::Body)
            }
        };
        let broken = this.broken.insert(error.into());
        Poll::Ready(Err((&*broken).into()))
    }
}
