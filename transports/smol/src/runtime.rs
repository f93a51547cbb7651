//! smol, for what a client needs besides a transport.

use std::time::Duration;

use async_trait::async_trait;
use entrada_core::UnixTime;
use entrada_core::ports::asynchronous::{Clock, Runtime};
use futures::future::BoxFuture;

/// The system's clock with smol's timers, and smol's global executor.
///
/// The number of its threads is `SMOL_THREADS`, one by default; see [`smol::spawn`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

#[async_trait]
impl Clock for Smol {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        smol::Timer::after(duration).await;
    }
}

impl Runtime for Smol {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        smol::spawn(task).detach();
    }
}
