//! Runs a flow to its end, waiting where it waits.

use std::boxed::Box;
use std::io::{self, Read};
use std::string::String;
use std::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

use super::sent::Sent;
use super::trace::{self, Times};
use super::{Cause, Guards, http_answer, http_request, no_listener, too_large};
use crate::cache::Snapshot;
use crate::ports::AdapterError;
use crate::ports::blocking::{Body, Browser, Cache, Clock, Entropy, Listener, Transport};
use crate::protocol::{Exchange, HttpAnswer, HttpQuery, Next};
use crate::{Action, Error, Fault, Flow, Guarded, Outcome, Port, Token};

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

/// Does what the flow asks for until it is done.
///
/// Where it ends because an adapter failed, the adapter's own error is the `source()` of the flow's. A lock
/// that is held when this returns, or is unwound, is given back.
pub fn run((mut flow, mut action): (Flow, Action), ports: Ports<'_>) -> Result<Outcome, Error> {
    let span = trace::span(&flow);
    let _within = span.enter();
    let mut times = Times::begin();
    let mut cause = Cause::default();
    let mut guards = Guards::default();
    let mut listener: Option<Box<dyn Listener>> = None;
    loop {
        times.next(&action);
        let mut note = |error: AdapterError| cause.note(error);
        let event = match action {
            Action::Http(ask) => {
                let answer = exchange(ports.transport, &ask.query).map_err(&mut note);
                ask.reply(answer)
            }
            Action::Load(ask) => {
                // With the lock held what counts is what is there, and not what was there a moment ago.
                let loaded =
                    if guards.cache.is_some() { ports.cache.load().map(Snapshot::of) } else { ports.cache.snapshot() };
                ask.reply(loaded.map_err(&mut note))
            }
            Action::Save(ask) => {
                let saved = ports.cache.save(&ask.query.bytes).map_err(&mut note);
                ask.reply(saved)
            }
            Action::SetAside(ask) => ask.reply(ports.cache.set_aside().map_err(&mut note)),
            Action::TryLock(ask) => {
                let tried = match &ask.query.of {
                    Guarded::Cache => ports.cache.try_lock(),
                    Guarded::SignIn(name) => ports.cache.try_lock_sign_in(name),
                };
                let taken = tried.map(|tried| guards.take(&ask.query.of, tried));
                ask.reply(taken.map_err(&mut note))
            }
            Action::Unlock(ask) => {
                guards.free(&ask.query.of);
                ask.answer(())
            }
            Action::Entropy(ask) => {
                let mut bytes = vec![0; ask.query.bytes];
                let filled = ports.entropy.fill(&mut bytes).map_err(&mut note);
                ask.reply(filled.map(|()| bytes))
            }
            Action::Listen(ask) => {
                let opened = ports.browser.listen(&ask.query).map_err(&mut note);
                ask.reply(opened.map(|opened| listener.insert(opened).listening().clone()))
            }
            Action::Present(ask) => {
                let presented = ports.browser.present(&ask.query).map_err(&mut note);
                ask.reply(presented)
            }
            Action::Receive(ask) => {
                let received = listener.as_mut().ok_or_else(no_listener).and_then(|open| open.receive(&ask.query));
                listener = None;
                ask.reply(received.map_err(&mut note))
            }
            Action::Wait(ask) => {
                tracing::trace!(reason = ?ask.query.reason, duration = ?ask.query.duration, "waiting");
                ports.clock.sleep(ask.query.duration);
                ask.answer(())
            }
            Action::Done(result) => return result.map_err(|error| cause.explain(error)),
        };
        action = flow.resume(ports.clock.now(), event);
    }
}

/// Calls the app: sends the request with the token that `token` brings, as the [`Exchange`] has it.
///
/// `token` is asked at first for any token (`None`), and once more for one with the claims (JSON) that the app
/// demands; then the request is sent again, if its body is in memory. Where it is not, the demand is the answer.
/// `timeout` is the transport's.
pub fn call(
    transport: &dyn Transport,
    mut exchange: Exchange,
    mut request: http::Request<Body>,
    timeout: Duration,
    mut token: impl FnMut(Option<String>) -> Result<Token, Error>,
) -> Result<http::Response<Body>, Error> {
    let mut bearer = token(None)?;
    loop {
        let sent = Sent::of(&request, request.body().as_bytes());
        exchange.authorize(&bearer, request.headers_mut())?;
        let response = transport.send(request, timeout).map_err(|error| Error::from_adapter(Port::App, error))?;
        let next = match sent.heard(&mut exchange, &bearer, &response)? {
            Next::Deliver => None,
            Next::Replay { claims } => {
                bearer = token(Some(claims))?;
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

fn exchange(transport: &dyn Transport, query: &HttpQuery) -> Result<HttpAnswer, AdapterError> {
    let deadline = Instant::now() + query.timeout;
    let mut response = transport.send(http_request(query)?, query.timeout)?;
    let status = response.status().as_u16();
    tracing::debug!(method = query.method.as_str(), status, "asked the authority");
    let body = read_until(response.body_mut(), query.body_limit, deadline);
    match body.map_err(|error| AdapterError::io("reading the answer", error))? {
        Some(body) => Ok(http_answer(&response, body)),
        None => Err(too_large(query)),
    }
}

/// Reads the whole body, `None` where it is too long. The transport limits each wait, and this their sum: a
/// trickle must not hold the lock for ever.
fn read_until(body: &mut Body, limit: usize, deadline: Instant) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        match body.read(&mut chunk) {
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

/// A browser for where nobody can sign in: it refuses with [`Fault::NotFound`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBrowser;

impl Browser for NoBrowser {
    fn listen(&self, _: &crate::Listen) -> Result<Box<dyn Listener>, AdapterError> {
        Err(nobody())
    }

    fn present(&self, _: &crate::Prompt) -> Result<(), AdapterError> {
        Err(nobody())
    }
}

fn nobody() -> AdapterError {
    AdapterError::new(Fault::NotFound, "no browser was configured")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// One byte at a time, without end.
    struct Trickle;

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer[0] = b'x';
            Ok(1)
        }
    }

    #[test]
    fn a_trickle_ends_with_the_time_or_with_the_limit() {
        let soon = Instant::now() + Duration::from_secs(3600);
        assert_eq!(read_until(&mut Body::stream(Trickle, None), 100, soon).unwrap(), None);
        let error = read_until(&mut Body::stream(Trickle, None), usize::MAX, Instant::now()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(read_until(&mut Body::from(b"all".to_vec()), 3, soon).unwrap().as_deref(), Some(&b"all"[..]));
    }
}
