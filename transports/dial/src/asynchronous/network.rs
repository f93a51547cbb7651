//! What a runtime brings.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use futures::io::{AsyncRead, AsyncWrite};

/// The sockets and timers of a runtime.
pub trait Network: Send + Sync + 'static {
    /// A TCP connection.
    type Socket: Duplex;

    /// The addresses of a name.
    fn resolve(host: String, port: u16) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// A connection that sends without delay.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Socket>> + Send;

    /// Resolves after that long.
    fn sleep(duration: Duration) -> BoxFuture<'static, ()>;

    /// Does work that blocks, where that holds nobody up.
    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send;
}

/// A stream in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Duplex for S {}

/// A stream in both directions, of whatever is between here and there.
pub type Stream = Box<dyn Duplex>;

/// The end of time is further away than any program runs, and near enough to be added to an instant.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) fn sleep<N: Network>(duration: Duration) -> BoxFuture<'static, ()> {
    N::sleep(duration.min(FOREVER))
}

/// What comes of it within that time.
pub(super) async fn within<N: Network, T>(limit: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
    match select(pin!(work), sleep::<N>(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
