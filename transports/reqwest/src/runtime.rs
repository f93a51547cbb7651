//! tokio's timers and tasks.

use std::time::Duration;

use async_trait::async_trait;
use entrada_core::UnixTime;
use entrada_core::ports::asynchronous::{Clock, Runtime};
use futures::future::BoxFuture;

/// The tokio runtime that this is used on, with the operating system's clock.
///
/// Used outside of a tokio runtime, it panics, as tokio itself does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

#[async_trait]
impl Clock for Tokio {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl Runtime for Tokio {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}
