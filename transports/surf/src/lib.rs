//! The asynchronous HTTP transport of entrada on async-std, over [`surf`] and rustls; and async-std's clock
//! and executor.
//!
//! **Neither surf nor async-std is maintained any more.** async-std was discontinued in favour of smol
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052.html)); surf's last release is of
//! 2021 ([surf#352](https://github.com/http-rs/surf/issues/352)). This crate is for programs that have them
//! already. A new program takes `entrada-smol`, which keeps the same promises: its sockets and timers are
//! those on which async-std stands, too, so a program on async-std can take it as it is.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use entrada_core::ports::asynchronous::{Body, Transport};
//! use entrada_surf::SurfTransport;
//!
//! # async_std::task::block_on(async {
//! let transport = SurfTransport::builder().ca_file("/etc/ssl/corp-root.pem").build()?;
//! let request = http::Request::get("https://hr-contoso.msappproxy.net/api/me").body(Body::empty())?;
//! let reply = transport.send(request, Duration::from_secs(30)).await?;
//! let page = reply.into_body().read_to_limit(1 << 20).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # What it does, and what it does not
//!
//! - HTTP/1.1 with keep-alive; bodies are streamed both ways. Connections are kept, up to eight for each
//!   host and 15 seconds long. A safe request (`GET`, `HEAD`) without a body that goes out on a kept
//!   connection which the server closes before its answer is sent once more on a new one; no other request
//!   ever is.
//! - No redirect is followed, no cookie kept, no status is an error, and no header is added besides
//!   `Host`, those that frame the body, and `User-Agent` where one was asked for; unless middleware does.
//! - TLS 1.2 and 1.3 by rustls with the ring provider. The roots are the system's, or those of
//!   `SSL_CERT_FILE` and `SSL_CERT_DIR`, and those that [`Builder::ca_file`](entrada_dial::Builder::ca_file)
//!   adds. They are loaded at the first https request and not before.
//! - Proxies come from the environment, in the way curl reads it; see
//!   [`Builder::proxy_from_env`](entrada_dial::Builder::proxy_from_env).
//! - Nothing is spawned: the work is done where the request, or the body of its answer, is awaited. Whoever
//!   drops the future, or the body before its end, closes the connection.
//!
//! # Time
//!
//! The time limit holds for each of these by itself: looking the name up, connecting (with the proxy and
//! TLS), any single write, the whole wait for the head of the answer, and any single read of its body. With
//! a client of the program's own it limits the whole wait for the head, and any single read of the body.
//!
//! # surf's backends, and ours
//!
//! surf sends through a backend, and each of its own is out of date: `h1-client-rustls` holds rustls 0.18,
//! `hyper-client` holds tokio 0.2, `h1-client` and `curl-client` need OpenSSL or libcurl. None of them is
//! enabled here. The backend is this crate's own: async-std's sockets, today's rustls, and the HTTP/1.1 of
//! `ureq-proto`. surf's types know not every method, status and header value (`PROPFIND` they know, 299 they
//! do not); with our own backend nothing is lost all the same. There is no tokio in this crate's tree.
//!
//! # Advisories
//!
//! As of August 2026 the RustSec database has these about crates that surf brings with it, and none that says
//! that a connection could be attacked:
//!
//! - `RUSTSEC-2025-0036`, `RUSTSEC-2026-0169` (surf) and `RUSTSEC-2025-0052` (async-std): unmaintained, see above.
//! - `RUSTSEC-2026-0174` (http-types): `Authorization` and `WwwAuthenticate` can make a header value that is not
//!   ASCII. Neither type is used; what goes over the wire is the original header, checked by the crate `http`.
//! - `RUSTSEC-2026-0097` (rand 0.7): unsound with its feature `log` and a logger that draws random numbers. That
//!   feature is off.
//! - `RUSTSEC-2021-0059`, `RUSTSEC-2021-0060`, `RUSTSEC-2021-0064` (aesni, aes-soft, cpuid-bool): unmaintained.
//!   They are for the encrypted cookies of http-types, which nothing here makes.
//! - `RUSTSEC-2020-0056`, `RUSTSEC-2024-0384` (stdweb, instant): unmaintained. They are in the lockfile for
//!   WebAssembly alone.
//!
//! # Logs
//!
//! `ureq-proto` writes to the `log` crate; at `trace` it writes whole answers: do not collect that level.
//! surf's own logging is switched off.
mod backend;
mod engine;
mod message;
mod network;
mod patient;
mod runtime;

use std::fmt;
use std::time::Duration;

use async_std::future::timeout;
use async_trait::async_trait;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_dial::{Place, Settings, Step};
use http::{Request, Response};
use surf::middleware::Middleware;

use backend::Backend;
use message::Inexpressible;
use patient::Patient;

pub use runtime::AsyncStd;

/// Puts a [`SurfTransport`] together.
pub type Builder = entrada_dial::Builder<SurfTransport>;

/// HTTP over surf on async-std.
///
/// Clones share their connections and their root certificates.
#[derive(Clone)]
pub struct SurfTransport {
    client: surf::Client,
    /// Whether the client's backend is ours.
    is_ours: bool,
}

impl SurfTransport {
    /// With the system's root certificates and the environment's proxy.
    pub fn new() -> Self {
        Self::from(Settings::of_the_system())
    }

    /// For more root certificates, another proxy, a user agent.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Over a client that the program has already: its backend with that one's TLS and proxy, and its middleware.
    ///
    /// What such a backend does is its own: it may follow redirects or add headers, which the port forbids. A
    /// request with a method or a header value that surf's types do not know is an error, and a status that they
    /// do not know is one of the backend's.
    pub fn from_client(client: surf::Client) -> Self {
        Self { client, is_ours: false }
    }

    /// With this middleware in front, as in [`surf::Client::with`]; other clones are left as they are.
    pub fn with(self, middleware: impl Middleware) -> Self {
        // A fresh clone: surf adds no middleware to a client that shares its list.
        Self { client: self.client.clone().with(middleware), is_ours: self.is_ours }
    }

    /// The client that all is sent through, for what else a program sends with surf.
    pub fn client(&self) -> &surf::Client {
        &self.client
    }
}

impl Default for SurfTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Settings> for SurfTransport {
    fn from(settings: Settings) -> Self {
        Self { client: surf::Client::with_http_client(Backend::from(settings)), is_ours: true }
    }
}

impl fmt::Debug for SurfTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SurfTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for SurfTransport {
    async fn send(&self, request: Request<Body>, limit: Duration) -> Result<Response<Body>, AdapterError> {
        let place = Place::of(request.uri(), limit);
        let request = match message::into_surf(request, limit) {
            Ok((_, Some(lost))) if !self.is_ours => return Err(inexpressible(&place, lost)),
            Ok((request, _)) => request,
            Err(lost) => return Err(inexpressible(&place, lost)),
        };
        let sent = self.client.send(request);
        // Our own backend heeds the limit itself, step by step.
        let sent = if self.is_ours {
            sent.await
        } else {
            timeout(limit, sent).await.map_err(|_| place.too_slow(Step::Head))?
        };
        let answer = sent.map_err(|error| explain(&place, error))?;
        let answer = message::answer_from_surf(answer.into()).map_err(|error| place.not_http(error))?;
        if self.is_ours {
            return Ok(answer);
        }
        Ok(answer.map(|body| match body.length() {
            Some(0) => body,
            length => Body::stream(Patient::new(body.into_reader(), place, limit), length),
        }))
    }
}

fn inexpressible(place: &Place, lost: Inexpressible) -> AdapterError {
    let what = match lost {
        Inexpressible::Url => return place.no_url(),
        Inexpressible::Method => "its method",
        Inexpressible::Header => "the value of one of its headers",
    };
    AdapterError::new(Fault::Other, format!("no request to {place} can be made: surf does not know {what}"))
}

/// Our own backend's error, or another's, whose text could hold anything and is left out.
fn explain(place: &Place, error: surf::Error) -> AdapterError {
    match error.downcast::<AdapterError>() {
        Ok(error) => error,
        Err(error) => match error.downcast_ref::<std::io::Error>() {
            Some(error) => place.io(error),
            None => AdapterError::new(Fault::Other, format!("the request to {place} failed in surf's backend")),
        },
    }
}
