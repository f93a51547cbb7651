//! As much of the internet as the stage has names in: an HTTP proxy that tunnels to these names and to no other
//! (RFC 9110 section 9.3.6).

use crate::realm::{Realm, locked};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt, io as stream};
use smol::net::TcpStream;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex};

/// No head of a `CONNECT` is longer.
const HEAD_LIMIT: usize = 16 * 1024;

/// The names that the stage goes by.
#[derive(Debug, Default)]
pub(crate) struct Internet {
    /// Host name to listener; the port of all is 443.
    pub(crate) names: Vec<(String, SocketAddr)>,
    /// The proxy's own URL.
    pub(crate) proxy_url: String,
    pub(crate) asked: Mutex<Vec<NameAsked>>,
}

impl Internet {
    pub(crate) fn address(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let found = self.names.iter().find(|(name, _)| port == 443 && name.eq_ignore_ascii_case(host));
        found.map(|(_, address)| *address)
    }
}

/// A request at [`Stage::internet_proxy_url`](crate::Stage::internet_proxy_url).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAsked {
    /// `CONNECT`, or the method of a plain request, which is refused.
    pub method: String,
    /// `host:port` of a `CONNECT`, the URL of a plain request.
    pub target: String,
    /// Whether there is such a name, so that a tunnel was made.
    pub known: bool,
}

/// One connection: one `CONNECT`, then bytes both ways until both ends are done.
pub(crate) async fn serve(realm: &Arc<Realm>, client: TcpStream) {
    // A connection that ends in an error has ended: a client that went away.
    let _ = tunnel(realm, client).await;
}

async fn tunnel(realm: &Arc<Realm>, mut client: TcpStream) -> io::Result<()> {
    let internet = realm.internet.as_ref().ok_or(io::ErrorKind::Unsupported)?;
    let (head, rest) = head(&mut client).await?;
    let mut words = head.split_ascii_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let address = target.rsplit_once(':').filter(|_| method == "CONNECT");
    let address = address.and_then(|(host, port)| internet.address(host, port.parse().ok()?));
    locked(&internet.asked).push(NameAsked {
        method: method.to_owned(),
        target: target.to_owned(),
        known: address.is_some(),
    });
    let Some(address) = address else {
        let refusal = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        client.write_all(refusal).await?;
        return client.close().await;
    };
    let server = TcpStream::connect(address).await?;
    let _ = server.set_nodelay(true);
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut to_server = server.clone();
    to_server.write_all(&rest).await?;
    let forth = async {
        let _ = stream::copy(client.clone(), &mut to_server).await;
        server.shutdown(Shutdown::Write)
    };
    let back = async {
        let _ = stream::copy(server.clone(), &mut client.clone()).await;
        client.shutdown(Shutdown::Write)
    };
    let (forth, back) = zip(forth, back).await;
    forth.and(back)
}

/// The head of a request, and what has come after it already.
async fn head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut came = Vec::new();
    let mut piece = [0; 2048];
    loop {
        if let Some(end) = came.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = came.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&came).into_owned(), rest));
        }
        match client.read(&mut piece).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if came.len() > HEAD_LIMIT => return Err(io::ErrorKind::InvalidData.into()),
            read => came.extend_from_slice(&piece[..read]),
        }
    }
}
