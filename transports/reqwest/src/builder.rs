//! How a transport is put together.

use std::path::{Path, PathBuf};

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_dial::Roots;
use reqwest::Client;
use reqwest::redirect::Policy;

use crate::ReqwestTransport;
use crate::proxies::Proxies;
use crate::roots::tls;

/// Puts a [`ReqwestTransport`] together.
///
/// ```
/// let transport = entrada_reqwest::ReqwestTransport::builder()
///     .user_agent("reports/2.1")
///     .proxy_from_env(false)
///     .build()?;
/// # Ok::<(), entrada_core::ports::AdapterError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Builder {
    roots: Vec<Source>,
    user_agent: Option<String>,
    proxy_from_env: bool,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Pem(Vec<u8>),
}

impl Default for Builder {
    fn default() -> Self {
        Self { roots: Vec::new(), user_agent: None, proxy_from_env: true }
    }
}

impl Builder {
    /// Trusts the certificates in this PEM file as well, besides the system's; may be called again.
    ///
    /// For an authority or an app with a certificate from a private CA.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.roots.push(Source::File(path.as_ref().to_owned()));
        self
    }

    /// Trusts these PEM certificates as well, besides the system's; may be called again.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(Source::Pem(pem.into()));
        self
    }

    /// Whether to take a proxy from the environment; on unless switched off.
    ///
    /// The rules are those of all of entrada's transports, not reqwest's own; see
    /// [`entrada_dial::Builder::proxy_from_env`]: this computer itself (`localhost`, `127.0.0.0/8`, `::1`) is always
    /// reached directly. Two things differ, as they are reqwest's: a request for http goes to an HTTP proxy whole, as
    /// with curl, so that the answer may be the proxy's own; and a SOCKS 4 proxy is not told the user.
    ///
    /// The variables are read by [`build`](Self::build); a value that is no URL of a proxy is an error of the first
    /// request that needs it.
    pub fn proxy_from_env(mut self, on: bool) -> Self {
        self.proxy_from_env = on;
        self
    }

    /// The `User-Agent` of requests that bring none; without this, none is sent.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// The transport; no connection is made and the system's roots are not loaded yet.
    ///
    /// # Errors
    ///
    /// A CA file that is missing ([`Fault::NotFound`]), cannot be read ([`Fault::Denied`]), or has no
    /// certificate in it ([`Fault::Corrupt`]); a user agent that is no header value ([`Fault::Other`]).
    pub fn build(self) -> Result<ReqwestTransport, AdapterError> {
        let mut roots = Roots::default();
        for source in self.roots {
            match source {
                Source::File(path) => roots.add_file(&path)?,
                Source::Pem(pem) => roots.add_pem("the CA certificates given", &pem)?,
            }
        }
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls(roots)?)
            .redirect(Policy::none())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .pool_max_idle_per_host(8);
        if let Some(name) = self.user_agent {
            let name = http::HeaderValue::from_str(&name).map_err(|_| {
                AdapterError::new(Fault::Other, "the user agent has characters that no header may have")
            })?;
            client = client.user_agent(name);
        }
        let proxies = if self.proxy_from_env { Proxies::read() } else { Proxies::default() };
        let client = client
            .no_proxy()
            .proxy(proxies.for_reqwest())
            .build()
            .map_err(|error| AdapterError::new(Fault::Other, format!("no HTTP client can be made: {error}")))?;
        Ok(ReqwestTransport::over(client, proxies))
    }
}
