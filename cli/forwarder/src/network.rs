//! smol's sockets towards the app.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use entrada_dial::asynchronous::Network;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rustix::net::sockopt;
use smol::{Async, Timer};

use crate::socket::Socket;

pub(crate) struct SmolNetwork;

impl Network for SmolNetwork {
    type Socket = Socket<TcpStream>;

    async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        smol::net::resolve((host, port)).await
    }

    async fn connect(address: SocketAddr) -> io::Result<Socket<TcpStream>> {
        let stream = Async::<TcpStream>::connect(address).await?;
        stream.get_ref().set_nodelay(true)?;
        // A tool that asks its socket whether the other side is still there asks us: so we ask the app's.
        sockopt::set_socket_keepalive(stream.get_ref(), true)?;
        Ok(Socket::new(stream))
    }

    fn sleep(duration: Duration) -> BoxFuture<'static, ()> {
        Timer::after(duration).map(|_| ()).boxed()
    }

    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
        smol::unblock(work)
    }
}
