//! Sockets towards the app, of the worker that needs them.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use entrada_dial::asynchronous::Network;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use mio::net::TcpStream;
use rustix::net::sockopt;
use smol::Timer;

use crate::reactor::{Reactor, Watched};
use crate::socket::Socket;

pub(crate) struct WorkersNetwork;

impl Network for WorkersNetwork {
    type Socket = Socket<TcpStream>;

    async fn resolve(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        smol::net::resolve((host, port)).await
    }

    async fn connect(address: SocketAddr) -> io::Result<Socket<TcpStream>> {
        let reactor = Reactor::here().ok_or_else(|| io::Error::other("the forwarder does not run"))?;
        let stream = Watched::new(TcpStream::connect(address)?, &reactor)?;
        loop {
            poll_fn(|context| stream.poll_writable(context)).await;
            if let Some(error) = stream.get().take_error()? {
                return Err(error);
            }
            match stream.get().peer_addr() {
                // Woken for nothing.
                Err(error) if error.kind() == ErrorKind::NotConnected => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        stream.get().set_nodelay(true)?;
        // A tool that asks its socket whether the other side is still there asks us: so we ask the app's.
        sockopt::set_socket_keepalive(stream.get(), true)?;
        Ok(Socket::new(stream))
    }

    fn sleep(duration: Duration) -> BoxFuture<'static, ()> {
        Timer::after(duration).map(|_| ()).boxed()
    }

    fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send {
        smol::unblock(work)
    }
}
