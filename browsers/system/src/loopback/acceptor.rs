//! The thread that takes connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Shared, connection};

/// After a failure to accept (out of file descriptors, mostly) others need time to give some back.
const BREATH: Duration = Duration::from_millis(50);
/// How long a call to ourselves may take. The port is ours and the call does not leave the machine.
const CALL: Duration = Duration::from_millis(200);
/// How many calls to ourselves are made; the first one does unless the queue is full of strangers.
const CALLS: usize = 10;

/// The running thread.
pub(super) struct Acceptor {
    thread: JoinHandle<()>,
    address: SocketAddr,
}

impl Acceptor {
    /// Starts to accept.
    pub(super) fn start(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Self> {
        let address = callable(listener.local_addr()?);
        let accept = move || {
            for stream in listener.incoming() {
                if shared.seats.is_closed() {
                    return;
                }
                match stream.and_then(|stream| seat(stream, &shared)) {
                    Ok(()) => {}
                    Err(_) => thread::sleep(BREATH),
                }
            }
        };
        let thread = thread::Builder::new().name("entrada-accept".into()).spawn(accept)?;
        Ok(Self { thread, address })
    }

    /// Ends the thread, and with it the port; the seats must be closed by now.
    pub(super) fn stop(self) {
        // `accept` can only be ended by a connection, so we call ourselves.
        for _ in 0..CALLS {
            let called = TcpStream::connect_timeout(&self.address, CALL);
            if called.is_ok() || self.thread.is_finished() {
                let _ = self.thread.join();
                return;
            }
        }
    }
}

/// Gives a connection its seat and its thread.
fn seat(stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let Some(number) = shared.seats.take(&stream)? else { return Ok(()) };
    let guest = Arc::clone(shared);
    let serve = move || {
        connection::serve(&stream, number, &guest);
        // First the connection, then the seat: whoever gets the seat may count on it.
        drop(stream);
        guest.seats.leave(number);
    };
    match thread::Builder::new().name("entrada-answer".into()).spawn(serve) {
        Ok(_) => Ok(()),
        Err(error) => {
            shared.seats.leave(number);
            Err(error)
        }
    }
}

/// The address under which this machine reaches a bound one: nobody can call "any".
fn callable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
