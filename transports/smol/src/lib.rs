//! The asynchronous HTTP transport of entrada on [`smol`], over [`hyper`] and rustls; and smol's clock and executor.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use entrada_core::ports::asynchronous::{Body, Transport};
//! use entrada_smol::SmolTransport;
//!
//! # smol::block_on(async {
//! let transport = SmolTransport::builder().ca_file("/etc/ssl/corp-root.pem").build()?;
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
//!   `Host`, those that frame the body, and `User-Agent` where one was asked for.
//! - TLS 1.2 and 1.3 by rustls with the ring provider. The roots are the system's, or those of
//!   `SSL_CERT_FILE` and `SSL_CERT_DIR`, and those that [`Builder::ca_file`](entrada_dial::Builder::ca_file)
//!   adds. They are loaded at the first https request and not before.
//! - Proxies come from the environment, in the way curl reads it; see
//!   [`Builder::proxy_from_env`](entrada_dial::Builder::proxy_from_env).
//! - Nothing is spawned: the work is done where the request, or the body of its answer, is awaited. So the
//!   transport serves any executor; whoever drops the future, or the body before its end, closes the
//!   connection; and an idle connection that is too old is closed by the next request.
//!
//! # Time
//!
//! The time limit holds for each of these by itself: looking the name up, connecting (with the proxy and
//! TLS), any single write, the whole wait for the head of the answer, and any single read of its body. So
//! an upload or a download may take as long as it needs while bytes keep moving.
//!
//! # Which runtime
//!
//! Sockets and timers are those of `async-io`, with the one thread that it starts; names are looked up on
//! the threads of `blocking`. [`Smol`] spawns on smol's global executor. There is no tokio runtime: hyper
//! names the crate `tokio` for its feature `sync` alone, which is channels.

mod engine;
mod network;
mod payload;
mod runtime;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_dial::Settings;
use entrada_dial::asynchronous::Client;
use http::{Request, Response};

use engine::HyperConnection;
use network::SmolNetwork;

pub use runtime::Smol;

/// Puts a [`SmolTransport`] together.
pub type Builder = entrada_dial::Builder<SmolTransport>;

/// HTTP over hyper on smol.
///
/// Clones share their connections and their root certificates.
#[derive(Clone)]
pub struct SmolTransport {
    client: Arc<Client<SmolNetwork, HyperConnection>>,
}

impl SmolTransport {
    /// With the system's root certificates and the environment's proxy.
    pub fn new() -> Self {
        Self::from(Settings::of_the_system())
    }

    /// For more root certificates, another proxy, a user agent.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Default for SmolTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Settings> for SmolTransport {
    fn from(settings: Settings) -> Self {
        Self { client: Arc::new(settings.into()) }
    }
}

impl fmt::Debug for SmolTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmolTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for SmolTransport {
    async fn send(&self, request: Request<Body>, timeout: Duration) -> Result<Response<Body>, AdapterError> {
        self.client.send(request, timeout).await
    }
}
