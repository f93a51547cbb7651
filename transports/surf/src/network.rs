//! async-std's sockets and timers.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use async_std::net::TcpStream;
use async_std::task;
use entrada_dial::asynchronous::Network;
use futures::FutureExt as _;
use futures::future::BoxFuture;

pub(crate) struct AsyncStdNetwork;

impl Network for AsyncStdNetwork {
    type Socket = TcpStream;

    async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let addresses = task::spawn_blocking(move || (host, port).to_socket_addrs());
        Ok(addresses.await?.collect())
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn sleep(duration: Duration) -> BoxFuture<'static, ()> {
        task::sleep(duration).boxed()
    }

    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
        task::spawn_blocking(work)
    }
}
