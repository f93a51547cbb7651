//! A request, from the port to the engine and back.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Transport};
use futures::future::{Either, select};
use http::header::{EXPECT, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::{Extensions, Request, Response, Uri, Version, request};

use super::connect::{Dialer, Route};
use super::incoming::Incoming;
use super::network::Network;
use super::outgoing::{Outgoing, Writes};
use super::pool::Pool;
use super::{Connection, Failure, Receive as _};
use crate::{Place, Settings, Step, announce, is_bodiless, is_cut};

/// An HTTP/1.1 client: the transport of the port over a runtime's [`Network`] and an engine's [`Connection`].
///
/// - Connections are kept, up to eight for each host and 15 seconds long, where both sides agree.
/// - A safe request (`GET`, `HEAD`) without a body on a connection that was kept, which the other side
///   closes before its answer, is sent once more on a new one; no other request ever is.
/// - The time limit holds for each of these by itself: looking the name up, connecting (with the proxy and
///   TLS), any single write, the whole wait for the head of the answer, any single read of its body.
/// - With `Expect: 100-continue` the body is held back until the other side asks for it, for a second at most.
pub struct Client<N, C> {
    dialer: Dialer<N>,
    pool: Arc<Pool<C>>,
    user_agent: Option<HeaderValue>,
}

impl<N: Network, C: Connection> From<Settings> for Client<N, C> {
    fn from(settings: Settings) -> Self {
        let Settings { user_agent, roots, proxies } = settings;
        Self { dialer: Dialer::new(roots, proxies), pool: Arc::new(Pool::new()), user_agent }
    }
}

#[async_trait]
impl<N: Network, C: Connection> Transport for Client<N, C> {
    async fn send(&self, request: Request<Body>, limit: Duration) -> Result<Response<Body>, AdapterError> {
        let (mut parts, body) = request.into_parts();
        let mut place = Place::of(&parts.uri, limit);
        let route = self.dialer.route(&parts.uri, &mut place)?;
        complete(&mut parts, &body, self.user_agent.as_ref());

        let again = (body.length() == Some(0) && parts.method.is_safe()).then(|| parts.clone());
        let call = Call { client: self, route, place, limit };
        if let Some((connection, writes)) = self.pool.take(&call.route, Instant::now()) {
            match (call.send(connection, writes, parts, body).await, again) {
                (Err(Unsent { is_cut: true, .. }), Some(parts)) => call.send_anew(parts, Body::empty()).await,
                (answer, _) => answer.map_err(|unsent| unsent.error),
            }
        } else {
            call.send_anew(parts, body).await
        }
    }
}

/// Adds to a request what its message needs, and takes off what is none of the engine's business.
fn complete(parts: &mut request::Parts, body: &Body, user_agent: Option<&HeaderValue>) {
    parts.version = Version::HTTP_11;
    parts.extensions = Extensions::new();
    announce(&mut parts.headers, &parts.method, body.length());
    if !parts.headers.contains_key(HOST)
        && let Some(host) = host(&parts.uri)
    {
        parts.headers.insert(HOST, host);
    }
    if let Some(user_agent) = user_agent {
        parts.headers.entry(USER_AGENT).or_insert_with(|| user_agent.clone());
    }
}

/// The host, and its port where it is not the scheme's own (RFC 9110, 7.2).
fn host(uri: &Uri) -> Option<HeaderValue> {
    let host = uri.host()?;
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    match uri.port_u16().filter(|port| *port != usual) {
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
        None => HeaderValue::from_str(host).ok(),
    }
}

/// One request under way.
struct Call<'a, N, C> {
    client: &'a Client<N, C>,
    route: Route,
    place: Place,
    limit: Duration,
}

/// Why there is no answer.
struct Unsent {
    error: AdapterError,
    /// The other side closed the connection.
    is_cut: bool,
}

impl<N: Network, C: Connection> Call<'_, N, C> {
    async fn send_anew(&self, parts: request::Parts, body: Body) -> Result<Response<Body>, AdapterError> {
        let (stream, writes) = self.client.dialer.open(&self.route, &self.place, self.limit).await?;
        let connection = C::over(stream).await.map_err(|failure| explain(&self.place, &failure))?;
        self.send(connection, writes, parts, body).await.map_err(|unsent| unsent.error)
    }

    async fn send(
        &self,
        connection: C,
        writes: Writes,
        parts: request::Parts,
        body: Body,
    ) -> Result<Response<Body>, Unsent> {
        let method = parts.method.clone();
        let outgoing = Outgoing::new(body, expects_continue(&parts.headers));
        let upload = outgoing.upload();
        let sent = {
            let answer = pin!(connection.send(Request::from_parts(parts, outgoing)));
            match select(answer, pin!(upload.until_stuck::<N>(&writes, self.limit))).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => {
                    let step = if upload.has_ended() { Step::Head } else { Step::Send };
                    return Err(Unsent { error: self.place.too_slow(step), is_cut: false });
                }
            }
        };
        match (sent, upload.failure()) {
            (Ok(answer), _) => {
                let (parts, body) = answer.into_parts();
                let length = if is_bodiless(&method, parts.status) { Some(0) } else { body.length() };
                let keep = (Arc::clone(&self.client.pool), self.route.clone(), writes);
                let incoming = Incoming::new::<N>(body, keep, self.place.clone(), self.limit);
                Ok(Response::from_parts(parts, Body::stream(incoming, length)))
            }
            (Err(_), Some(failure)) => Err(Unsent { error: self.place.unreadable_body(&failure), is_cut: false }),
            (Err(failure), None) => {
                let is_cut = matches!(&failure, Failure::Io(error) if is_cut(error));
                Err(Unsent { error: explain(&self.place, &failure), is_cut })
            }
        }
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// An engine's failure, in the words of all transports.
pub(super) fn explain(place: &Place, failure: &Failure) -> AdapterError {
    match failure {
        Failure::Io(error) => place.io(error),
        Failure::NotHttp(reason) => place.not_http(reason),
        Failure::HeadTooLarge(limit) => place.head_too_large(format_args!("{limit} bytes are allowed")),
    }
}

impl<N, C> fmt::Debug for Client<N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
