//! Three listeners, one thread.

use crate::clock::http_date;
use crate::connection::Wire;
use crate::faults::{Endpoint, Fault};
use crate::message::{Inquiry, Reply, set};
use crate::realm::Realm;
use crate::{app, authority, proxy, spoil};
use futures_lite::future::race;
use futures_rustls::TlsAcceptor;
use http::Request;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use smol::channel::Receiver;
use smol::net::TcpListener;
use smol::{Async, Executor};
use smol_hyper::rt::{FuturesIo, SmolTimer};
use std::net::TcpListener as Bound;
use std::{io, sync::Arc};

const FORM_LIMIT: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Authority,
    Proxy,
    App,
}

/// Serves until `stop` is closed, then closes every connection.
pub(crate) fn run(
    realm: Arc<Realm>,
    authority: Bound,
    proxy: Bound,
    app: Bound,
    stop: &Receiver<()>,
) -> io::Result<()> {
    let executor = Executor::new();
    let listen = |bound: Bound| Async::new(bound).map(TcpListener::from);
    smol::block_on(executor.run(async {
        let (authority, proxy, app) = (listen(authority)?, listen(proxy)?, listen(app)?);
        let stopped = async {
            let _ = stop.recv().await;
        };
        let serving = race(
            accept(&executor, &realm, &authority, Role::Authority),
            race(accept(&executor, &realm, &proxy, Role::Proxy), accept(&executor, &realm, &app, Role::App)),
        );
        race(stopped, serving).await;
        Ok(())
    }))
}

async fn accept(executor: &Executor<'static>, realm: &Arc<Realm>, listener: &TcpListener, role: Role) {
    loop {
        // An error here is a client that has gone, or no file descriptor left for now.
        let Ok((stream, _)) = listener.accept().await else {
            smol::Timer::after(std::time::Duration::from_millis(5)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let realm = realm.clone();
        let connection = async move {
            match &realm.tls {
                Some(tls) if role != Role::App => {
                    if let Ok(stream) = TlsAcceptor::from(tls.server.clone()).accept(stream).await {
                        serve(realm.clone(), Box::new(stream), role).await;
                    }
                }
                _ => serve(realm, Box::new(stream), role).await,
            }
        };
        executor.spawn(connection).detach();
    }
}

async fn serve(realm: Arc<Realm>, wire: Wire, role: Role) {
    let service = service_fn(|request| handle(realm.clone(), role, request));
    // A connection that ends in an error has ended: a client that went away, or a fault on order.
    let _ = http1::Builder::new()
        .timer(SmolTimer::new())
        .serve_connection(FuturesIo::new(wire), service)
        .with_upgrades()
        .await;
}

/// `Date` tells the stage's time, so that a client can see how far its own clock is off.
async fn handle(realm: Arc<Realm>, role: Role, request: Request<Incoming>) -> io::Result<Reply> {
    let mut reply = respond(realm.clone(), role, request).await?;
    if role != Role::App {
        set(&mut reply, "date", &http_date(realm.clock.now()));
    }
    Ok(reply)
}

async fn respond(realm: Arc<Realm>, role: Role, request: Request<Incoming>) -> io::Result<Reply> {
    let (inquiry, request) = match role {
        Role::Authority => {
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, FORM_LIMIT).collect().await.map_err(io::Error::other)?.to_bytes();
            (Inquiry::new(&parts, &body), None)
        }
        Role::Proxy | Role::App => {
            let (parts, body) = request.into_parts();
            (Inquiry::new(&parts, &[]), Some(Request::from_parts(parts, body)))
        }
    };
    let endpoint = match role {
        Role::Authority => authority::endpoint(&inquiry.path),
        Role::Proxy => Endpoint::Proxy,
        Role::App => Endpoint::App,
    };
    realm.note(endpoint, &inquiry);
    let fault = realm.faults.take(endpoint);
    match &fault {
        None | Some(Fault::CutMidBody) => {}
        Some(Fault::Slow(delay)) => {
            smol::Timer::after(*delay).await;
        }
        Some(Fault::Cut) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(other) => return Ok(spoil::instead(&realm, other)),
    }
    let reply = match (role, request) {
        (Role::Proxy, Some(request)) => proxy::edge::answer(&realm, &inquiry, request).await,
        (Role::App, Some(request)) => app::answer(&realm, &inquiry, request).await,
        _ => authority::answer(&realm, &inquiry),
    };
    if fault == Some(Fault::CutMidBody) { spoil::halved(reply).await } else { Ok(reply) }
}
