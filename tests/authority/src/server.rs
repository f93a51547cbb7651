//! All listeners, one thread.

use crate::clock::http_date;
use crate::connection::Wire;
use crate::faults::{Endpoint, Fault};
use crate::message::{Inquiry, Reply, set};
use crate::realm::Realm;
use crate::{app, authority, graph, internet, proxy, spoil};
use futures_lite::FutureExt;
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

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Authority,
    Proxy,
    App,
    /// Microsoft Graph.
    Graph,
    /// A site that answers as if it were the proxy.
    Stranger,
    /// The HTTP proxy through which the public names are reached.
    Internet,
}

/// Serves until `stop` is closed, then closes every connection.
pub(crate) fn run(realm: Arc<Realm>, listeners: Vec<(Role, Bound)>, stop: &Receiver<()>) -> io::Result<()> {
    let executor = Executor::new();
    let listen = |bound: Bound| Async::new(bound).map(TcpListener::from);
    smol::block_on(executor.run(async {
        let mut serving = async {
            let _ = stop.recv().await;
        }
        .boxed_local();
        for (role, bound) in listeners {
            let (listener, realm, executor) = (listen(bound)?, &realm, &executor);
            serving = race(serving, async move { accept(executor, realm, &listener, role).await }).boxed_local();
        }
        serving.await;
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
                _ if role == Role::Internet => internet::serve(&realm, stream).await,
                Some(tls) if role != Role::App => {
                    if let Ok(stream) = TlsAcceptor::from(tls.server_of(role).clone()).accept(stream).await {
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
        Role::Graph => {
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, FORM_LIMIT).collect().await.map_err(io::Error::other)?.to_bytes();
            return graph_answer(&realm, &Inquiry::new(&parts, &[]), &body).await;
        }
        Role::Proxy | Role::App | Role::Stranger | Role::Internet => {
            let (parts, body) = request.into_parts();
            (Inquiry::new(&parts, &[]), Some(Request::from_parts(parts, body)))
        }
    };
    let endpoint = match role {
        Role::Authority => authority::endpoint(&inquiry.path),
        Role::Proxy => Endpoint::Proxy,
        Role::App => Endpoint::App,
        Role::Graph => Endpoint::Graph,
        Role::Stranger | Role::Internet => Endpoint::Stranger,
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
        (Role::Stranger, _) => {
            proxy::edge::stranger(&realm, realm.stranger_url.as_deref().unwrap_or_default(), &inquiry)
        }
        _ => authority::answer(&realm, &inquiry),
    };
    if fault == Some(Fault::CutMidBody) { spoil::halved(reply).await } else { Ok(reply) }
}

/// Graph has errors of its own shape; of the faults it knows statuses and those of connections.
async fn graph_answer(realm: &Realm, inquiry: &Inquiry, body: &[u8]) -> io::Result<Reply> {
    realm.note(Endpoint::Graph, inquiry);
    match realm.faults.take(Endpoint::Graph) {
        Some(Fault::Cut) => Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::CutMidBody) => spoil::halved(graph::answer(realm, inquiry, body)).await,
        Some(fault) => Ok(graph::faulty(realm, &fault).unwrap_or_else(|| spoil::instead(realm, &fault))),
        None => Ok(graph::answer(realm, inquiry, body)),
    }
}
