//! The forwarder at work: connections in, and an end without haste.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use entrada_dial::asynchronous::Stream;
use futures::FutureExt as _;
use futures::future::{Either, select};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use smol::Timer;
use smol::channel::{Receiver, Sender};

use crate::body::Reply;
use crate::builder::Builder;
use crate::counts::Counts;
use crate::exchange;
use crate::limits::{LONGEST_HEAD, LONGEST_READ, Limits};
use crate::listener::Listener;
use crate::rounds::Rounds;
use crate::site::Site;
use crate::watch::{Tick, Watch};
use crate::wire::Wire;
use crate::worker::{self, Load, Worker};

/// A forwarder whose listeners are open; dropped, they are closed.
pub struct Forwarder {
    pub(crate) sites: Vec<(Arc<Site>, Listener)>,
    pub(crate) workers: Vec<Arc<Worker>>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) limits: Limits,
}

impl Forwarder {
    /// Begins one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The local counterpart of each app's URL, with the secret in it; in the order in which they were published.
    ///
    /// Of one at a Unix socket, what is to be asked for there.
    pub fn local_urls(&self) -> Vec<String> {
        self.sites.iter().map(|(site, _)| site.origin.local_url(site.gate.here())).collect()
    }

    /// The port of each listener; none of a Unix socket's.
    pub fn ports(&self) -> Vec<Option<u16>> {
        self.sites.iter().map(|(_, listener)| listener.port()).collect()
    }

    /// What goes through, for as long as it runs.
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Forwards until `stop` resolves, then lets what is under way come to its end, for [`Limits::ending`] at most.
    ///
    /// # Errors
    ///
    /// Where a thread cannot be started, or the system does not let one wait for what comes.
    pub fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let (stopping, stopped) = smol::channel::bounded::<()>(1);
        let (living, ended) = smol::channel::bounded::<()>(1);
        let Some((first, others)) = self.workers.split_first() else { return Ok(()) };
        for (site, listener) in self.sites {
            let workers = self.workers.iter().map(Arc::downgrade).collect();
            first.spawn(accept(Arc::clone(&site), listener, workers, (stopped.clone(), living.clone())));
            first.spawn(sweep(Arc::clone(&site), stopped.clone()));
            // The first request need not wait for it.
            first.spawn(async move { drop(site.tokens.get().await) });
        }
        drop(living);
        let (done, over) = smol::channel::bounded::<()>(1);
        let (fail, failed) = smol::channel::bounded::<io::Error>(1);
        std::thread::scope(|scope| {
            for worker in others {
                let (over, fail) = (over.clone(), fail.clone());
                let work = move || {
                    if let Err(error) = worker.run(over.recv()) {
                        let _ = fail.try_send(error);
                    }
                };
                std::thread::Builder::new().name("entrada-forwarder".into()).spawn_scoped(scope, work)?;
            }
            let until = async {
                let _done = done;
                match select(pin!(stop), pin!(failed.recv())).await {
                    Either::Right((Ok(error), _)) => return Err(error),
                    _ => drop(stopping),
                }
                let _ = select(pin!(ended.recv()), Timer::after(self.limits.ending)).await;
                Ok(())
            };
            first.run(until)?
        })
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Closes kept connections that are too old, which nobody else would.
async fn sweep(site: Arc<Site>, stopped: Receiver<()>) {
    while let Either::Right(_) = select(pin!(stopped.recv()), Timer::after(Duration::from_secs(5))).await {
        site.pool.sweep();
    }
}

async fn accept(
    site: Arc<Site>,
    listener: Listener,
    workers: Vec<Weak<Worker>>,
    (stopped, living): (Receiver<()>, Sender<()>),
) {
    let (connections, freed) = (Arc::new(AtomicUsize::new(0)), smol::channel::bounded::<()>(1));
    loop {
        let next = async {
            while connections.load(Ordering::Acquire) >= site.limits.connections {
                let _ = freed.1.recv().await;
            }
            let accepted = listener.accept().await?;
            let worker = worker::least_busy(&workers).ok_or(io::ErrorKind::NotConnected)?;
            Ok::<_, io::Error>((accepted.on(&worker.reactor)?, worker))
        };
        let (stream, worker) = match select(pin!(stopped.recv()), pin!(next)).await {
            Either::Left(_) => return,
            Either::Right((Ok(accepted), _)) => accepted,
            Either::Right((Err(error), _)) => {
                // A client that has gone, or no file descriptor left for now.
                tracing::debug!(%error, "no connection accepted");
                Timer::after(Duration::from_millis(20)).await;
                continue;
            }
        };
        connections.fetch_add(1, Ordering::AcqRel);
        let place = Place { _load: Load::on(&worker), connections: Arc::clone(&connections), freed: freed.0.clone() };
        let (site, stopped, living) = (Arc::clone(&site), stopped.clone(), living.clone());
        let work = async move {
            let watch = Arc::new(Watch::of(place));
            let answer = |request| exchange::answer(Arc::clone(&site), Arc::clone(&watch), request);
            serve(site.limits, &watch, (stream, stopped), answer).await;
            drop(living);
        };
        worker.spawn(work);
        // Many may come at once, and those that are there already have their turn too.
        smol::future::yield_now().await;
    }
}

/// A client's connection among those that may be; a tunnel keeps it.
pub(crate) struct Place {
    connections: Arc<AtomicUsize>,
    freed: Sender<()>,
    _load: Load,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::AcqRel);
        let _ = self.freed.try_send(());
    }
}

/// Serves one client's connection to its end.
async fn serve<A>(
    limits: Limits,
    watch: &Arc<Watch>,
    (stream, stopped): (Stream, Receiver<()>),
    answer: impl Fn(Request<Incoming>) -> A,
) where
    A: Future<Output = Result<Response<Reply>, Infallible>>,
{
    let service = service_fn(answer);
    let mut builder = http1::Builder::new();
    builder.max_header_size(LONGEST_HEAD).max_buf_size(LONGEST_READ);
    let mut connection =
        pin!(builder.serve_connection(Wire::to_client(stream, Arc::clone(watch)), service).with_upgrades());
    let mut stopping = Some(pin!(stopped.recv()));
    let (mut timer, mut rounds) = (Timer::after(limits.idle), Rounds::new());
    poll_fn(|context| {
        if let Some(stop) = &mut stopping
            && stop.as_mut().poll(context).is_ready()
        {
            stopping = None;
            connection.as_mut().graceful_shutdown();
        }
        while timer.poll_unpin(context).is_ready() {
            match watch.tick(&limits) {
                Tick::After(rest) => timer = Timer::after(rest),
                Tick::Close => return Poll::Ready(()),
            }
        }
        // One that ends in an error has ended: a client that went away.
        rounds.poll(context, |context| connection.as_mut().poll(context)).map(drop)
    })
    .await;
}

#[cfg(test)]
pub(crate) mod tests;
