//! How long is waited.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use entrada_core::ports::asynchronous::Clock;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, select};

use crate::body::Upload;

/// The longest single wait, by a clock.
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
}

impl Limit {
    pub(crate) fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = Arc::clone(&self.clock);
        async move { clock.sleep(duration).await }.boxed()
    }

    /// Waits for the head of the answer; `None` where the other side has done nothing for too long.
    pub(crate) async fn head<R>(&self, upload: &Upload, head: impl Future<Output = R> + Send) -> Option<R> {
        let mut head = std::pin::pin!(head);
        let mut patience = self.timeout;
        loop {
            match select(head.as_mut(), self.sleep(patience)).await {
                Either::Left((head, _)) => return Some(head),
                Either::Right(((), _)) => patience = upload.patience(self.timeout)?,
            }
        }
    }
}

/// A wait for a piece, which begins when it is first asked.
#[derive(Default)]
pub(crate) struct Wait(Option<BoxFuture<'static, ()>>);

impl Wait {
    pub(crate) fn poll(&mut self, limit: &Limit, context: &mut Context<'_>) -> Poll<()> {
        self.0.get_or_insert_with(|| limit.sleep(limit.timeout)).poll_unpin(context)
    }

    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}
