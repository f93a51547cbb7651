//! Where the forwarder listens: on loopback, or at a Unix socket, and nowhere else.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use entrada_dial::asynchronous::Stream;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};

use crate::reactor::{Reactor, Watched};
use crate::socket::Socket;

#[cfg(unix)]
mod unix;

/// An address to listen at: `127.0.0.1:0` by default, where the system picks a free port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address of loopback.
    Tcp(SocketAddr),
    /// A Unix socket, which only its owner can open.
    Unix(PathBuf),
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0))
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err("unix: wants a path after it".to_owned())
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let address: SocketAddr = numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
            "expected is 127.0.0.1:PORT, [::1]:PORT, localhost:PORT or unix:PATH; port 0 is a free one".to_owned()
        })?;
        if !address.ip().is_loopback() {
            return Err(format!(
                "{} is not an address of loopback: whoever reached it would have your token",
                address.ip()
            ));
        }
        Ok(Self::Tcp(address))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A client's connection, which nobody watches yet.
pub(crate) enum Accepted {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(mio::net::UnixStream),
}

impl Accepted {
    pub(crate) fn on(self, reactor: &Arc<Reactor>) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream) => Ok(Box::new(Socket::new(Watched::new(stream, reactor)?))),
            #[cfg(unix)]
            Self::Unix(stream) => Ok(Box::new(Socket::new(Watched::new(stream, reactor)?))),
        }
    }
}

/// What is accepted next, as soon as there is something.
async fn next<L: Source, T>(listener: &Watched<L>, accept: impl Fn(&L) -> io::Result<T>) -> io::Result<T> {
    loop {
        match accept(listener.get()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                poll_fn(|context| listener.poll_readable(context)).await;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            accepted => return accepted,
        }
    }
}

/// A listener that is open.
pub(crate) enum Listener {
    Tcp(Watched<TcpListener>, SocketAddr),
    #[cfg(unix)]
    Unix(unix::Socket),
}

impl Listener {
    pub(crate) fn bind(listen: &Listen, reactor: &Arc<Reactor>) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(*address)?;
                let address = listener.local_addr()?;
                Ok(Self::Tcp(Watched::new(listener, reactor)?, address))
            }
            #[cfg(unix)]
            Listen::Unix(path) => unix::Socket::bind(path, reactor).map(Self::Unix),
            #[cfg(not(unix))]
            Listen::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// A client's connection.
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, _) => {
                let (stream, _) = next(listener, TcpListener::accept).await?;
                stream.set_nodelay(true)?;
                Ok(Accepted::Tcp(stream))
            }
            #[cfg(unix)]
            Self::Unix(socket) => socket.accept().await.map(Accepted::Unix),
        }
    }

    /// The port, where it has one.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(_, address) => Some(address.port()),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// `http://` with each host and port by which a client may name it, the best first.
    pub(crate) fn bases(&self) -> Vec<String> {
        let Some(port) = self.port() else { return vec!["http://localhost".to_owned()] };
        let (mut hosts, is_usual) = match self {
            Self::Tcp(_, address) if address.is_ipv6() => (vec![format!("[{}]", address.ip())], port == 80),
            Self::Tcp(_, address) => (vec![address.ip().to_string()], port == 80),
            #[cfg(unix)]
            Self::Unix(_) => (Vec::new(), false),
        };
        if let Self::Tcp(_, address) = self
            && matches!(address.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST) | IpAddr::V6(std::net::Ipv6Addr::LOCALHOST))
        {
            hosts.push("localhost".to_owned());
        }
        // An origin does not name its scheme's own port.
        let bare = hosts.iter().filter(|_| is_usual).map(|host| format!("http://{host}"));
        bare.chain(hosts.iter().map(|host| format!("http://{host}:{port}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_unix_sockets_are_addresses() {
        for (text, shown) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("[::1]:0", "[::1]:0"),
            ("127.9.9.9:1", "127.9.9.9:1"),
            ("unix:/run/x.sock", "unix:/run/x.sock"),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), shown);
        }
        for text in [
            "0.0.0.0:80",
            "192.168.1.2:1",
            "[::]:1",
            "[::ffff:127.0.0.1]:1",
            "8080",
            "example:1",
            "unix:",
            "",
            "127.0.0.1",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_listener_has_the_names_of_its_address() {
        let reactor = Arc::new(Reactor::new().unwrap());
        let listener = Listener::bind(&Listen::default(), &reactor).unwrap();
        let port = listener.port().unwrap();
        assert_eq!(listener.bases(), [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")]);
    }
}
