//! smol's sockets and timers.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use entrada_dial::asynchronous::Network;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use smol::Timer;
use smol::net::TcpStream;

pub(crate) struct SmolNetwork;

impl Network for SmolNetwork {
    type Socket = TcpStream;

    async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        smol::net::resolve((host, port)).await
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn sleep(duration: Duration) -> BoxFuture<'static, ()> {
        Timer::after(duration).map(|_| ()).boxed()
    }

    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
        smol::unblock(work)
    }
}
