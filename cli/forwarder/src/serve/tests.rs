//! One connection among others: streams that are always ready, and how much is done with them in one turn.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use entrada_core::Error;
use futures::future::{Either, select};
use futures::io::{AsyncRead, AsyncWrite};
use http::{Request, Response};
use hyper::body::Incoming;
use smol::Timer;

use super::serve;
use crate::body::{Reply, Source, Turn};
use crate::builder::Published;
use crate::connection::Connection;
use crate::counts::Counts;
use crate::limits::Limits;
use crate::listener::Listen;
use crate::serve::Forwarder;
use crate::site::Site;
use crate::upstream;
use crate::watch::Watch;

/// More than any turn may take.
const WHOLE: u64 = 64 << 20;
/// What one turn may take of what is always ready.
const TURN: u64 = 8 << 20;

/// A stream that gives its text and then a body without end, and takes all that comes.
pub(crate) struct Ready {
    text: Vec<u8>,
    body: &'static [u8],
    given: Arc<AtomicU64>,
    pub(crate) taken: Arc<AtomicU64>,
    /// What it may still take.
    room: Arc<AtomicU64>,
    /// It says nothing until it has heard something.
    is_asked: bool,
    waker: Option<Waker>,
}

impl Ready {
    pub(crate) fn new(text: &str, body: &'static str) -> Self {
        let (given, taken, room) = (Arc::default(), Arc::default(), Arc::new(AtomicU64::new(u64::MAX)));
        Self { text: text.into(), body: body.as_bytes(), given, taken, room, is_asked: false, waker: None }
    }

    pub(crate) fn speaking_first(self) -> Self {
        Self { is_asked: true, ..self }
    }
}

impl AsyncRead for Ready {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let given = self.given.load(Ordering::Relaxed);
        if !self.is_asked || given > WHOLE || (self.text.is_empty() && self.body.is_empty()) {
            self.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let mut count = self.text.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        if count == 0 {
            buffer.chunks_mut(self.body.len()).for_each(|part| part.copy_from_slice(&self.body[..part.len()]));
            count = buffer.len() / self.body.len() * self.body.len();
        }
        self.given.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Ready {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        self.waker.take().into_iter().for_each(Waker::wake);
        let count = self.room.load(Ordering::Relaxed).min(bytes.len() as u64);
        if count == 0 {
            self.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        self.room.fetch_sub(count, Ordering::Relaxed);
        self.taken.fetch_add(count, Ordering::Relaxed);
        Poll::Ready(Ok(count as usize))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn site() -> Arc<Site> {
    let nobody = |_| async { Err(Error::Config("no token is asked for here".into())) };
    let app = Published::new("http://127.0.0.1:1/", nobody).unwrap();
    Forwarder::builder().publish(app, Listen::default()).bind().unwrap().sites.remove(0).0
}

/// Serves this client with this app at the other end, without a token; where there is no app, with answers of its own.
async fn connect(client: Ready, app: Option<Ready>, counts: impl FnOnce(Arc<Counts>)) {
    connect_within(Limits::default(), client, app, counts).await;
}

async fn connect_within(limits: Limits, client: Ready, app: Option<Ready>, counts: impl FnOnce(Arc<Counts>)) {
    let (site, watch) = (site(), Arc::new(Watch::new()));
    counts(Arc::clone(&site.counts));
    let has_app = app.is_some();
    if let Some(app) = app {
        site.pool.put(Connection::over(Box::new(app)).await.unwrap());
    }
    let (_running, stopped) = smol::channel::bounded(1);
    let answer = async |request: Request<Incoming>| {
        let turn = Turn::new(&watch, &site.counts);
        Counts::add(&site.counts.requests, 1);
        let (head, body) = request.into_parts();
        let source = Source::of(body, false, &watch, &site.counts);
        if !has_app {
            return Ok(Response::new(Reply::own(Bytes::from("own")).in_turn(turn)));
        }
        let (response, connection) = upstream::send(&site, &head, source.as_ref(), &watch).await.unwrap();
        Ok(response.map(|body| Reply::app(body, connection, Arc::clone(&site)).in_turn(turn)))
    };
    serve(limits, &watch, (Box::new(client), stopped), answer).await;
}

/// How often a task was woken.
#[derive(Default)]
struct Task(AtomicU64);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls it a few times: each time something moves, but not too much, and it asks for another turn.
fn takes_turns(serving: impl Future<Output = ()>, moved: impl Fn() -> u64, most: u64) {
    let (task, mut serving) = (Arc::new(Task::default()), pin!(serving));
    for turn in 1..=5 {
        let before = moved();
        assert!(serving.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&task)))).is_pending());
        let moved = moved() - before;
        assert!(moved > 0 && moved < most, "{moved} in turn {turn}");
        assert!(task.0.swap(0, Ordering::Relaxed) > 0, "nobody polls it again after turn {turn}");
    }
}

#[test]
fn a_download_that_never_waits_lets_others_have_their_turn() {
    for (head, body) in
        [("content-length: 9000000000", "xxxxxxxxxxxxxxxx"), ("transfer-encoding: chunked", "1\r\nx\r\n")]
    {
        let app = Ready::new(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n"), body);
        let client = Ready::new("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "").speaking_first();
        let taken = Arc::clone(&client.taken);
        takes_turns(connect(client, Some(app), |_| {}), || taken.load(Ordering::Relaxed), TURN);
    }
}

#[test]
fn an_upload_that_never_waits_lets_others_have_their_turn() {
    let app = Ready::new("", "");
    let taken = Arc::clone(&app.taken);
    let head = "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000000000\r\n\r\n";
    let client = Ready::new(head, "xxxxxxxxxxxxxxxx").speaking_first();
    takes_turns(connect(client, Some(app), |_| {}), || taken.load(Ordering::Relaxed), 2 * TURN);
}

#[test]
fn a_client_that_pipelines_without_end_lets_others_have_their_turn() {
    let client = Ready::new("", "GET / HTTP/1.1\r\nhost: a\r\n\r\n").speaking_first();
    let counts = Arc::new(OnceLock::new());
    let requests = || counts.get().map_or(0, |counts: &Arc<Counts>| counts.requests());
    takes_turns(connect(client, None, |known| drop(counts.set(known))), requests, 500);
}

#[test]
fn a_client_that_reads_no_further_keeps_what_it_has_not_taken() {
    const LENGTH: u64 = 50_000;
    let limits = Limits { idle: Duration::from_millis(20), ..Limits::default() };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n");
    let app = Ready::new(&(head + &"x".repeat(LENGTH as usize)), "");
    let client = Ready::new("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "").speaking_first();
    let (taken, room) = (Arc::clone(&client.taken), Arc::clone(&client.room));
    room.store(1000, Ordering::Relaxed);
    smol::block_on(async {
        let mut serving = pin!(connect_within(limits, client, Some(app), |_| {}));
        // All of the answer has come and waits in the forwarder: far longer than a connection may be idle.
        let waited = select(serving.as_mut(), Timer::after(10 * limits.idle)).await;
        assert!(matches!(waited, Either::Right(_)), "it was cut after {} bytes", taken.load(Ordering::Relaxed));
        assert_eq!(taken.load(Ordering::Relaxed), 1000);
        room.store(u64::MAX, Ordering::Relaxed);
        // Polled because of its timer, it goes on; and then it is idle.
        serving.await;
    });
    assert!(taken.load(Ordering::Relaxed) > LENGTH);
}
