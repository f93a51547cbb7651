//! How a transport is put together.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use http::HeaderValue;

use crate::{Environment, Roots};

/// Puts a transport together.
///
/// ```
/// # #[derive(Debug)]
/// # struct MyTransport;
/// # impl From<entrada_dial::Settings> for MyTransport {
/// #     fn from(_: entrada_dial::Settings) -> Self { Self }
/// # }
/// # impl MyTransport {
/// #     fn builder() -> entrada_dial::Builder<Self> { entrada_dial::Builder::default() }
/// # }
/// let transport = MyTransport::builder().user_agent("reports/2.1").proxy_from_env(false).build()?;
/// # Ok::<(), entrada_core::ports::AdapterError>(())
/// ```
#[must_use]
pub struct Builder<T> {
    roots: Vec<Source>,
    user_agent: String,
    proxy_from_env: bool,
    makes: PhantomData<fn() -> T>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Pem(Vec<u8>),
}

/// What a transport is made from.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The `User-Agent` of requests that bring none.
    pub user_agent: Option<HeaderValue>,
    /// The certificates that are trusted besides the system's.
    pub roots: Roots,
    /// The proxies of the environment.
    pub proxies: Environment,
}

impl Settings {
    /// The system's root certificates and the environment's proxies, and no user agent.
    pub fn of_the_system() -> Self {
        Self { user_agent: None, roots: Roots::default(), proxies: Environment::read() }
    }
}

impl<T> Default for Builder<T> {
    fn default() -> Self {
        Self { roots: Vec::new(), user_agent: String::new(), proxy_from_env: true, makes: PhantomData }
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Builder");
        shown.field("roots", &self.roots).field("user_agent", &self.user_agent);
        shown.field("proxy_from_env", &self.proxy_from_env).finish()
    }
}

impl<T: From<Settings>> Builder<T> {
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
    /// As curl does: `https_proxy` for https, `http_proxy` for http, `all_proxy` for either, in lower
    /// case first and then in capitals; `no_proxy` names the exceptions: `*`, hosts with all that is
    /// below them, addresses and networks (`10.0.0.0/8`). Schemes: `http`, `https`, `socks4`,
    /// `socks4a`, `socks5`, `socks5h`.
    ///
    /// Unlike curl, this computer itself (`localhost`, `127.0.0.0/8`, `::1`) is always reached
    /// directly, and http too goes through an http proxy by `CONNECT`. `HTTP_PROXY` in capitals does
    /// not count in a CGI program, where a client could set it.
    ///
    /// The variables are read by [`build`](Self::build); a value that is no URL is an error of the
    /// first request that needs it.
    pub fn proxy_from_env(mut self, on: bool) -> Self {
        self.proxy_from_env = on;
        self
    }

    /// The `User-Agent` of requests that bring none; without this, none is sent.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// The transport; no connection is made and the system's roots are not loaded yet.
    ///
    /// # Errors
    ///
    /// A CA file that is missing ([`Fault::NotFound`]), cannot be read ([`Fault::Denied`]), or has no
    /// certificate in it ([`Fault::Corrupt`]); a user agent that is no header value ([`Fault::Other`]).
    pub fn build(self) -> Result<T, AdapterError> {
        let user_agent = HeaderValue::try_from(self.user_agent)
            .map_err(|_| AdapterError::new(Fault::Other, "the user agent has characters that no header may have"))?;
        let mut roots = Roots::default();
        for source in self.roots {
            match source {
                Source::File(path) => roots.add_file(&path)?,
                Source::Pem(pem) => roots.add_pem("the CA certificates given", &pem)?,
            }
        }
        let proxies = if self.proxy_from_env { Environment::read() } else { Environment::default() };
        Ok(T::from(Settings { user_agent: Some(user_agent).filter(|name| !name.is_empty()), roots, proxies }))
    }
}
