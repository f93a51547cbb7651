//! HTTP for entrada on tokio, over [`reqwest`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use entrada_core::ports::asynchronous::{Body, Transport};
//! use entrada_reqwest::ReqwestTransport;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "rustls")]
//! let transport = ReqwestTransport::builder().ca_file("/etc/ssl/corp-root.pem").build()?;
//! # #[cfg(not(feature = "rustls"))]
//! # let transport = ReqwestTransport::from_client(reqwest::Client::new());
//! let request = http::Request::get("https://hr-contoso.msappproxy.net/api/me").body(Body::empty())?;
//! let reply = transport.send(request, Duration::from_secs(30)).await?;
//! let page = reply.into_body().read_to_limit(1 << 20).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does, and what it does not
//!
//! - HTTP/1.1 with keep-alive, and HTTP/2 with the feature `http2`; bodies are streamed both ways. A safe request
//!   (`GET`, `HEAD`) without a body whose connection is cut before the answer is sent once more, as the server may
//!   just have closed a connection that was kept; no other request ever is.
//! - No redirect is followed, no cookie kept, nothing decompressed, no status is an error, and no header is added
//!   besides `Host`, those that frame the body, reqwest's own `Accept: */*` where the request has no `Accept`, and
//!   `User-Agent` where one was asked for.
//! - With `Expect: 100-continue` the body is held back for a second, unless the answer comes before: reqwest does not
//!   tell when the server asks for it.
//! - TLS 1.2 and 1.3 by rustls with the ring provider. The roots are the system's, or those of `SSL_CERT_FILE` and
//!   `SSL_CERT_DIR`, and those that [`Builder::ca_file`] adds. They are loaded at the first handshake.
//! - Proxies come from the environment, in the way curl reads it; see [`Builder::proxy_from_env`].
//!
//! A client of the program's own, with [`ReqwestTransport::from_client`], keeps what it is built with; see there what
//! becomes of redirects, and of proxies. Without the default feature `rustls` that is all there is, and reqwest's features are
//! as the program has them.
//!
//! # Time
//!
//! `timeout` limits the wait for the head of the answer as a whole, name lookup and connection included, which begins
//! anew with each piece of the request's body that the server takes; and any single wait for more of the answer's
//! body. So uploads and downloads may take as long as they need while bytes keep going.
//!
//! # The rest of tokio
//!
//! [`Tokio`] is the clock and the runtime that an asynchronous client asks for. With the feature `middleware`,
//! `BearerMiddleware` brings the Bearer to a client of the crate `reqwest-middleware`.

#[cfg(feature = "rustls")]
mod builder;
mod client;
mod failure;
#[cfg(feature = "middleware")]
mod middleware;
mod proxies;
#[cfg(feature = "rustls")]
mod roots;
mod runtime;
mod transport;

#[cfg(feature = "rustls")]
pub use builder::Builder;
#[cfg(feature = "middleware")]
pub use middleware::BearerMiddleware;
pub use runtime::Tokio;
pub use transport::ReqwestTransport;
