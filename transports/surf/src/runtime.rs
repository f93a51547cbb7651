//! async-std, for what a client needs besides a transport.

use std::time::Duration;

use async_std::task;
use async_trait::async_trait;
use entrada_core::UnixTime;
use entrada_core::ports::asynchronous::{Clock, Runtime};
use futures::future::BoxFuture;

/// The system's clock with async-std's timers, and async-std's executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

#[async_trait]
impl Clock for AsyncStd {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        task::sleep(duration).await;
    }
}

impl Runtime for AsyncStd {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        drop(task::spawn(work));
    }
}
