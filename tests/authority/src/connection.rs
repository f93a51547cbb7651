//! One HTTP/1.1 exchange as a client, and what becomes of a connection that leaves HTTP.

use futures_lite::future::zip;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, io as stream};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::upgrade::Upgraded;
use smol_hyper::rt::FuturesIo;
use std::{error::Error, io};

/// A byte stream, whatever is below it.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The one type that hyper sees, so that an upgraded connection can be taken back from it.
pub(crate) type Wire = Box<dyn Duplex>;

/// Sends one request over a fresh connection; the answer's body follows as it comes.
pub(crate) async fn send<B>(wire: Wire, request: Request<B>) -> io::Result<Response<Incoming>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(FuturesIo::new(wire)).await.map_err(io::Error::other)?;
    // Ends with the connection, which ends with the answer's body.
    smol::spawn(async move {
        let _ = connection.with_upgrades().await;
    })
    .detach();
    sender.send_request(request).await.map_err(io::Error::other)
}

/// The stream below an upgraded connection, and what has been read of it already.
pub(crate) fn taken_back(upgraded: Upgraded) -> io::Result<(Wire, Vec<u8>)> {
    let parts = upgraded.downcast::<FuturesIo<Wire>>().map_err(|_| io::ErrorKind::Unsupported)?;
    Ok((parts.io.into_inner(), parts.read_buf.to_vec()))
}

/// Carries bytes both ways until both ends are done.
pub(crate) async fn tunnel(a: Upgraded, b: Upgraded) -> io::Result<()> {
    let ((a, from_a), (b, from_b)) = (taken_back(a)?, taken_back(b)?);
    let ((read_a, mut write_a), (read_b, mut write_b)) = (stream::split(a), stream::split(b));
    let forth = async {
        let _ = stream::copy(io_chain(from_a, read_a), &mut write_b).await;
        write_b.close().await
    };
    let back = async {
        let _ = stream::copy(io_chain(from_b, read_b), &mut write_a).await;
        write_a.close().await
    };
    let (forth, back) = zip(forth, back).await;
    forth.and(back)
}

fn io_chain<R: AsyncRead + Unpin>(first: Vec<u8>, rest: R) -> impl AsyncRead + Unpin {
    stream::Cursor::new(first).chain(rest)
}
