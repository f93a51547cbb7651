//! The transport.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_tower::ServiceTransport;
use http::{Request, Response};

use crate::Tokio;
use crate::client::{ReqwestService, Timeout};
use crate::proxies::Proxies;

/// HTTP over reqwest, on tokio.
///
/// Clones share their connections and their root certificates.
#[derive(Clone)]
pub struct ReqwestTransport {
    service: ServiceTransport<ReqwestService>,
}

impl ReqwestTransport {
    /// With the system's root certificates and the environment's proxy.
    #[cfg(feature = "rustls")]
    pub fn new() -> Self {
        Self::builder().build().expect("no option is set that could be wrong")
    }

    /// For more root certificates, no proxy, a user agent.
    #[cfg(feature = "rustls")]
    pub fn builder() -> crate::Builder {
        crate::Builder::default()
    }

    /// Over a client that the program has already: its TLS, proxy, pool, cookies, headers and user agent.
    ///
    /// Build it with [`redirect(Policy::none())`](reqwest::redirect::Policy::none): the port's promise is that no
    /// redirect is followed, and reqwest has no say about that for a single request. Where the client does follow them,
    /// it is kept from repeating a request elsewhere, as no body that is sent through here can be had twice, so that
    /// the redirect is the answer; but one that turns the request into a `GET` without a body (303, and 301 and 302
    /// after a `POST`) it follows. An answer from another URL than the one that was asked for is then an error, before
    /// anything of it is used. The Bearer was sent nowhere else: reqwest takes `Authorization` off where a
    /// redirect leads to another host, port or scheme.
    ///
    /// Which proxy it uses for what is the program's own to say, this computer included: with `http_proxy` set, a client
    /// that is left to reqwest's detection sends requests to `localhost` through that proxy, Bearer and all, unless
    /// `no_proxy` names it. Build it with [`no_proxy`](reqwest::ClientBuilder::no_proxy), or with a
    /// [`Proxy`](reqwest::Proxy) of your own that has its exceptions.
    pub fn from_client(client: reqwest::Client) -> Self {
        Self::over(client, Proxies::default())
    }

    pub(crate) fn over(client: reqwest::Client, proxies: Proxies) -> Self {
        Self { service: ServiceTransport::new(ReqwestService { client, proxies }, Tokio) }
    }

    /// The client that this sends through, for the program's own requests: they share its connections.
    pub fn client(&self) -> &reqwest::Client {
        &self.service.service().client
    }
}

#[cfg(feature = "rustls")]
impl Default for ReqwestTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, mut request: Request<Body>, timeout: Duration) -> Result<Response<Body>, AdapterError> {
        request.extensions_mut().insert(Timeout(timeout));
        self.service.send(request, timeout).await
    }
}
