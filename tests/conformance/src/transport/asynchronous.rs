//! What only an asynchronous transport can be asked: futures are dropped, and many wait on one thread.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Instant;

use entrada_core::ports::asynchronous::{Body, Transport};
use futures::AsyncReadExt as _;
use futures::channel::oneshot;
use futures::future::{Either, join_all, select};
use http::{Request, StatusCode};

use super::server::{Connection, Server};
use super::{AMPLE, Ground, Options};
use crate::blocked::BlockOn;

/// Runs the part of the suite that is for asynchronous transports alone; it panics where the transport fails it.
///
/// `make` makes a new transport, with a connection pool of its own and without a proxy for loopback.
/// `block_on` is the runtime's own.
pub fn asynchronous<T: Transport>(make: impl Fn(Options) -> T, block_on: &BlockOn) {
    let make = |options| Box::new(make(options));
    for ground in [Ground::plain(&make), Ground::secure(&make)] {
        a_dropped_request_closes_its_connection(&ground, block_on);
        a_dropped_body_closes_its_connection(&ground, block_on);
        an_answer_before_the_end_of_an_upload(&ground, block_on);
        a_hundred_at_once(&ground, block_on);
    }
}

/// A server that does this with each connection, and tells when the client is gone.
fn until_gone<T>(
    ground: &Ground<'_, T>,
    serve: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
) -> (Server, Receiver<()>) {
    let (gone, is_gone) = channel();
    let gone = Mutex::new(gone);
    let server = ground.serve(move |connection| {
        serve(connection)?;
        connection.wait_for_the_end();
        gone.lock().expect("gone").send(()).map_err(io::Error::other)
    });
    (server, is_gone)
}

fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).expect("a request")
}

fn a_dropped_request_closes_its_connection<T: Transport>(ground: &Ground<'_, T>, block_on: &BlockOn) {
    let transport = ground.make();
    let (told, is_there) = oneshot::channel();
    let told = Mutex::new(Some(told));
    let (server, is_gone) = until_gone(ground, move |connection| {
        connection.head()?;
        let told = told.lock().expect("told").take().expect("one request");
        told.send(()).map_err(|()| io::Error::other("nobody waits"))
    });
    block_on(Box::pin(async {
        match select(transport.send(get(&server.url("/")), AMPLE), is_there).await {
            Either::Left(_) => panic!("an answer where none was sent"),
            Either::Right((is_there, _request)) => is_there.expect("the server got it"),
        }
    }));
    is_gone.recv_timeout(AMPLE).expect("the connection of a dropped request is closed");
}

fn a_dropped_body_closes_its_connection<T: Transport>(ground: &Ground<'_, T>, block_on: &BlockOn) {
    let transport = ground.make();
    let (server, is_gone) = until_gone(ground, |connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
    });
    block_on(Box::pin(async {
        let answer = transport.send(get(&server.url("/")), AMPLE).await.expect("an answer");
        let mut first = [0; 5];
        answer.into_body().into_reader().read_exact(&mut first).await.expect("what was sent");
        assert_eq!(&first, b"first");
    }));
    is_gone.recv_timeout(AMPLE).expect("the connection of a dropped body is closed");
}

fn an_answer_before_the_end_of_an_upload<T: Transport>(ground: &Ground<'_, T>, block_on: &BlockOn) {
    let transport = ground.make();
    let (server, is_gone) = until_gone(ground, |connection| {
        connection.head()?;
        connection.answer("413 Too Much", "enough")
    });
    block_on(Box::pin(async {
        let endless = Body::stream(futures::io::repeat(b'x'), None);
        let upload = Request::post(server.url("/")).body(endless).expect("a request");
        let answer = transport.send(upload, AMPLE).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let body = answer.into_body().read_to_limit(100).await.expect("its body");
        assert_eq!(body.as_deref(), Some(&b"enough"[..]));
    }));
    is_gone.recv_timeout(AMPLE).expect("the connection, with a request half sent, is closed");
}

fn a_hundred_at_once<T: Transport>(ground: &Ground<'_, T>, block_on: &BlockOn) {
    let transport = ground.make();
    const REQUESTS: usize = 100;
    let (all, open) = (Barrier::new(REQUESTS), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&open);
    let server = ground.serve(move |connection| {
        count.fetch_add(1, Ordering::SeqCst);
        let served = serve_together(connection, &all);
        count.fetch_sub(1, Ordering::SeqCst);
        served
    });
    let page = async |path: String| {
        let answer = transport.send(get(&server.url(&path)), AMPLE).await.expect("an answer");
        let body = answer.into_body().read_to_limit(1000).await.expect("its body").expect("a short one");
        assert_eq!(body, path.as_bytes());
    };
    block_on(Box::pin(async {
        join_all((0..REQUESTS).map(|number| page(format!("/together/{number}")))).await;
        assert_eq!(server.connections(), REQUESTS);
        for number in 0..3 {
            page(format!("/alone/{number}")).await;
        }
    }));
    assert_eq!(server.connections(), REQUESTS, "some were kept");
    let at_most = |most: usize| {
        let since = Instant::now();
        while open.load(Ordering::SeqCst) > most {
            assert!(since.elapsed() < AMPLE, "{} connections are open", open.load(Ordering::SeqCst));
            thread::yield_now();
        }
    };
    at_most(8);
    drop(transport);
    at_most(0);
}

/// Answers with the target; to those who come together, when all are there.
fn serve_together(connection: &mut Connection, all: &Barrier) -> io::Result<()> {
    loop {
        let head = connection.head()?;
        let target = head.target().split('?').next().unwrap_or_default().to_owned();
        if target.starts_with("/together") {
            all.wait();
        }
        connection.answer("200 OK", target)?;
    }
}
