//! A connection that has left HTTP: bytes both ways, until both sides are done.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use entrada_dial::asynchronous::Stream;
use futures::future::{Either, select};
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};

use crate::connection::Link;
use crate::counts::{Counts, Open};
use crate::watch::Watch;
use crate::wire::Wire;

/// How much is carried at once.
const PIECE: usize = 16 * 1024;

/// After so many pieces others have their turn: two sides that are always ready would leave them none.
const IN_A_ROW: u8 = 16;

/// The two sides, which both have agreed to leave HTTP.
pub(crate) struct Tunnel {
    pub(crate) client: OnUpgrade,
    pub(crate) app: OnUpgrade,
    /// What the app's side still has to do for that.
    pub(crate) link: Link,
    pub(crate) counts: Arc<Counts>,
    /// The client's connection, which has its place until the end.
    pub(crate) watch: Arc<Watch>,
}

impl Tunnel {
    /// Carries bytes until both sides have closed, or one has failed.
    pub(crate) async fn run(self) {
        let (_open, _watch) = (Open::new(&self.counts), self.watch);
        self.link.finish().await;
        let (Ok(app), Ok(client)) = (self.app.await, self.client.await) else { return };
        if let (Some(app), Some(client)) = (taken_back(app), taken_back(client)) {
            // A side that breaks off ends the tunnel: nobody is left to be told.
            let _ = carry(client, app, &self.counts).await;
        }
    }
}

/// The stream below, and what has been read of it already.
fn taken_back(upgraded: Upgraded) -> Option<(Stream, Bytes)> {
    let parts = upgraded.downcast::<Wire>().ok()?;
    Some((parts.io.stream, parts.read_buf))
}

async fn carry(client: (Stream, Bytes), app: (Stream, Bytes), counts: &Counts) -> io::Result<()> {
    let ((from_client, to_client), (from_app, to_app)) = (client.0.split(), app.0.split());
    let up = Box::pin(one_way(client.1, from_client, to_app, &counts.up));
    let down = Box::pin(one_way(app.1, from_app, to_client, &counts.down));
    match select(up, down).await {
        Either::Left((Ok(()), down)) => down.await,
        Either::Right((Ok(()), up)) => up.await,
        Either::Left((Err(error), _)) | Either::Right((Err(error), _)) => Err(error),
    }
}

async fn one_way(
    first: Bytes,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: &AtomicU64,
) -> io::Result<()> {
    Counts::add(count, first.len());
    to.write_all(&first).await?;
    to.flush().await?;
    let (mut piece, mut in_a_row) = (vec![0; PIECE], 0);
    loop {
        if in_a_row == IN_A_ROW {
            in_a_row = 0;
            smol::future::yield_now().await;
        }
        in_a_row += 1;
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return to.close().await;
        }
        Counts::add(count, read);
        to.write_all(&piece[..read]).await?;
        to.flush().await?;
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::sync::atomic::Ordering;
    use std::task::{Context, Waker};

    use super::*;
    use crate::serve::tests::Ready;

    #[test]
    fn a_tunnel_that_never_waits_lets_others_have_their_turn() {
        for (client, app) in [("xxxxxxxx", ""), ("", "xxxxxxxx"), ("xxxxxxxx", "xxxxxxxx")] {
            let side = |body| Box::new(Ready::new("", body).speaking_first());
            let (counts, client, app) = (Counts::of(1), side(client), side(app));
            let taken = [&client, &app].map(|side| Arc::clone(&side.taken));
            let moved = || taken.iter().map(|taken| taken.load(Ordering::Relaxed)).sum::<u64>();
            let mut carrying = pin!(carry((client, Bytes::new()), (app, Bytes::new()), &counts));
            for turn in 1..=5 {
                let before = moved();
                assert!(carrying.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                let moved = moved() - before;
                assert!(moved > 0 && moved < 8 << 20, "{moved} in turn {turn}");
            }
        }
    }
}
