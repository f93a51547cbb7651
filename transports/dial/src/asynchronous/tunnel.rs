//! A way through an HTTP proxy: the method `CONNECT` (RFC 9110, 9.3.6).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use entrada_core::ports::AdapterError;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::network::Stream;
use super::proxy::User;
use crate::Place;

/// Asks the proxy at the other end of the stream for a way to this host and port.
pub(super) async fn connect(
    stream: &mut Stream,
    (host, port): (&str, u16),
    user: Option<&User>,
    place: &Place,
) -> Result<(), AdapterError> {
    let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(user) = user {
        let basic = BASE64_STANDARD.encode(format!("{}:{}", user.name, user.password));
        head += &format!("Proxy-Authorization: Basic {basic}\r\n");
    }
    head += "\r\n";
    let asked = async {
        stream.write_all(head.as_bytes()).await?;
        stream.flush().await
    };
    asked.await.map_err(|_| place.refused_by_proxy(None))?;
    match status(stream).await {
        Some(200..=299) => Ok(()),
        status => Err(place.refused_by_proxy(status)),
    }
}

/// The status of the proxy's answer, whose head is read to its end and no further: what follows is the tunnel.
async fn status(stream: &mut Stream) -> Option<u16> {
    const LONGEST: usize = 16 * 1024;
    let mut head = Vec::new();
    while head.len() < LONGEST {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.ok()?;
        head.push(byte[0]);
        if head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n") {
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut answer = httparse::Response::new(&mut headers);
            answer.parse(&head).ok()?;
            return answer.code;
        }
    }
    None
}
