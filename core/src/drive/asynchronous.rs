//! Runs a flow to its end on whatever runtime polls it.

use std::boxed::Box;
use std::io;
use std::string::String;
use std::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

use futures::io::AsyncReadExt;
use tracing::Instrument as _;

use super::sent::Sent;
use super::trace::{self, Times};
use super::{Cause, Guards, http_answer, http_request, no_listener, too_large};
use crate::cache::Snapshot;
use crate::ports::AdapterError;
use crate::ports::asynchronous::{Body, Browser, Cache, Clock, Entropy, Listener, Transport};
use crate::protocol::{Exchange, HttpAnswer, HttpQuery, Next};
use crate::{Action, Error, Flow, Guarded, Outcome, Port, Token};

/// What a flow is run over.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Sends the requests to the authority.
    pub transport: &'a dyn Transport,
    /// Keeps the tokens.
    pub cache: &'a dyn Cache,
    /// Takes the user through a sign-in.
    pub browser: &'a dyn Browser,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Brings randomness.
    pub entropy: &'a dyn Entropy,
}

impl std::fmt::Debug for Ports<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}

/// Does what the flow asks for until it is done; see [`blocking::run`](super::blocking::run).
///
/// Dropping the future gives lock and listener back.
pub async fn run((flow, action): (Flow, Action), ports: Ports<'_>) -> Result<Outcome, Error> {
    let span = trace::span(&flow);
    walk(flow, action, ports).instrument(span).await
}

async fn walk(mut flow: Flow, mut action: Action, ports: Ports<'_>) -> Result<Outcome, Error> {
    let mut times = Times::begin();
    let mut cause = Cause::default();
    let mut guards = Guards::default();
    let mut listener: Option<Box<dyn Listener>> = None;
    loop {
        times.next(&action);
        let mut note = |error: AdapterError| cause.note(error);
        let event = match action {
            Action::Http(ask) => {
                let answer = exchange(ports.transport, &ask.query).await.map_err(&mut note);
                ask.reply(answer)
            }
            Action::Load(ask) => {
                let loaded = match guards.cache {
                    Some(_) => ports.cache.load().await.map(Snapshot::of),
                    None => ports.cache.snapshot().await,
                };
                ask.reply(loaded.map_err(&mut note))
            }
            Action::Save(ask) => {
                let saved = ports.cache.save(&ask.query.bytes).await.map_err(&mut note);
                ask.reply(saved)
            }
            Action::SetAside(ask) => ask.reply(ports.cache.set_aside().await.map_err(&mut note)),
            Action::TryLock(ask) => {
                let tried = match &ask.query.of {
                    Guarded::Cache => ports.cache.try_lock().await,
                    Guarded::SignIn(name) => ports.cache.try_lock_sign_in(name).await,
                };
                let taken = tried.map(|tried| guards.take(&ask.query.of, tried));
                ask.reply(taken.map_err(&mut note))
            }
            Action::Unlock(ask) => {
                if let Some(lock) = guards.of(&ask.query.of).take() {
                    ports.cache.unlock(lock).await;
                }
                ask.answer(())
            }
            Action::Entropy(ask) => {
                let mut bytes = vec![0; ask.query.bytes];
                let filled = ports.entropy.fill(&mut bytes).map_err(&mut note);
                ask.reply(filled.map(|()| bytes))
            }
            Action::Listen(ask) => {
                let opened = ports.browser.listen(&ask.query).await.map_err(&mut note);
                ask.reply(opened.map(|opened| listener.insert(opened).listening().clone()))
            }
            Action::Present(ask) => {
                let presented = ports.browser.present(&ask.query).await.map_err(&mut note);
                ask.reply(presented)
            }
            Action::Receive(ask) => {
                let received = match listener.take() {
                    Some(mut open) => open.receive(&ask.query).await,
                    None => Err(no_listener()),
                };
                ask.reply(received.map_err(&mut note))
            }
            Action::Wait(ask) => {
                tracing::trace!(reason = ?ask.query.reason, duration = ?ask.query.duration, "waiting");
                ports.clock.sleep(ask.query.duration).await;
                ask.answer(())
            }
            Action::Done(result) => return result.map_err(|error| cause.explain(error)),
        };
        action = flow.resume(ports.clock.now(), event);
    }
}

/// Calls the app; see [`blocking::call`](super::blocking::call).
pub async fn call<F>(
    transport: &dyn Transport,
    mut exchange: Exchange,
    mut request: http::Request<Body>,
    timeout: Duration,
    mut token: impl FnMut(Option<String>) -> F,
) -> Result<http::Response<Body>, Error>
where
    F: Future<Output = Result<Token, Error>>,
{
    let mut bearer = token(None).await?;
    loop {
        let sent = Sent::of(&request, request.body().as_bytes());
        exchange.authorize(&bearer, request.headers_mut())?;
        let response = transport.send(request, timeout).await.map_err(|error| Error::from_adapter(Port::App, error))?;
        let next = match sent.heard(&mut exchange, &bearer, &response)? {
            Next::Deliver => None,
            Next::Replay { claims } => {
                bearer = token(Some(claims)).await?;
                sent.again()
            }
            Next::Follow { to, as_get, keeps_credentials } => sent.redirected(&to, as_get, keeps_credentials),
        };
        request = match next {
            Some(next) => next,
            None => return Ok(response),
        };
    }
}

async fn exchange(transport: &dyn Transport, query: &HttpQuery) -> Result<HttpAnswer, AdapterError> {
    let deadline = Instant::now() + query.timeout;
    let response = transport.send(http_request(query)?, query.timeout).await?;
    let status = response.status().as_u16();
    tracing::debug!(method = query.method.as_str(), status, "asked the authority");
    let (head, body) = response.into_parts();
    let body = read_until(body, query.body_limit, deadline).await;
    match body.map_err(|error| AdapterError::io("reading the answer", error))? {
        Some(body) => Ok(http_answer(&http::Response::from_parts(head, ()), body)),
        None => Err(too_large(query)),
    }
}

/// Reads the whole body, `None` where it is too long; see the blocking twin.
async fn read_until(body: Body, limit: usize, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
    let mut reader = body.into_reader();
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        match reader.read(&mut chunk).await {
            Ok(0) => return Ok(Some(bytes)),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > limit {
            return Ok(None);
        }
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}
