//! The adapters of a client that does not wait.

use std::future::Future;
use std::sync::Arc;

use entrada_core::ports::asynchronous::{Browser, Cache, Clock, OnThread, Runtime, Transport};
use entrada_core::ports::blocking;
use entrada_core::{Error, Token, TokenRequest};
use futures::FutureExt as _;

use super::client::{AsyncClient, SignInWith};
use crate::builder::Builder;

/// Puts an [`AsyncClient`] together; made by [`AsyncClient::builder`].
///
/// A transport and a runtime must be named, or both at once by the runtime's name: features add up over a program's
/// dependencies, and so none of them decides which runtime this is. What else is not given comes from the features: the file cache in its
/// usual place, the system browser.
pub type AsyncClientBuilder = Builder<AsyncAdapters>;

/// The adapters that an [`AsyncClient`] is put together from.
#[derive(Default)]
pub struct AsyncAdapters {
    transport: Option<Arc<dyn Transport>>,
    cache: Option<Arc<dyn Cache>>,
    browser: Option<Arc<dyn Browser>>,
    clock: Option<Arc<dyn Clock>>,
    runtime: Option<Arc<dyn Runtime>>,
    sign_in_with: Option<SignInWith>,
}

type Asked = (Arc<dyn Transport>, Arc<dyn Cache>);

impl AsyncClientBuilder {
    /// How requests are sent.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.adapters.transport = Some(Arc::new(transport));
        self
    }

    /// The runtime: its timers, and where renewals run in the background.
    pub fn runtime(mut self, runtime: impl Runtime + 'static) -> Self {
        self.adapters.runtime = Some(Arc::new(runtime));
        self
    }

    #[cfg(any(feature = "reqwest", feature = "smol", feature = "surf"))]
    fn transport_if_none<T: Transport + 'static>(mut self, transport: impl FnOnce() -> T) -> Self {
        self.adapters.transport.get_or_insert_with(|| Arc::new(transport()));
        self
    }

    /// reqwest and tokio, for programs on tokio. A transport that was given already stays.
    #[cfg(feature = "reqwest")]
    pub fn tokio(self) -> Self {
        self.transport_if_none(entrada_reqwest::ReqwestTransport::new).runtime(entrada_reqwest::Tokio)
    }

    /// surf and async-std, for programs on async-std. A transport that was given already stays.
    #[cfg(feature = "surf")]
    pub fn async_std(self) -> Self {
        self.transport_if_none(entrada_surf::SurfTransport::new).runtime(entrada_surf::AsyncStd)
    }

    /// hyper and smol, for programs on smol, and for those on no runtime in particular. A transport that was given
    /// already stays.
    #[cfg(feature = "smol")]
    pub fn smol(self) -> Self {
        self.transport_if_none(entrada_smol::SmolTransport::new).runtime(entrada_smol::Smol)
    }

    /// Where tokens are kept.
    pub fn cache(mut self, cache: impl Cache + 'static) -> Self {
        self.adapters.cache = Some(Arc::new(cache));
        self
    }

    /// Where tokens are kept, by a cache of the blocking port, each call of which has a thread of its own.
    ///
    /// For one that is in memory or in a file, `cache(OnThread::looking_at_once(cache))` saves most of the threads.
    pub fn blocking_cache(self, cache: impl blocking::Cache + 'static) -> Self {
        self.cache(OnThread::new(cache))
    }

    /// How the user signs in.
    pub fn browser(mut self, browser: impl Browser + 'static) -> Self {
        self.adapters.browser = Some(Arc::new(browser));
        self
    }

    /// How the user signs in, by a browser of the blocking port, such as the system's.
    pub fn blocking_browser(self, browser: impl blocking::Browser + 'static) -> Self {
        self.browser(OnThread::new(browser))
    }

    /// Another clock than the runtime's, for tests. With a clock and no runtime nothing runs in the background: the
    /// call that finds a token due for renewal renews it.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.adapters.clock = Some(Arc::new(clock));
        self
    }

    /// What to do where a sign-in is needed, instead of [`AsyncClient::sign_in`]: another flow, a choice, a refusal.
    ///
    /// The request carries the claims that the sign-in must ask for.
    pub fn sign_in_with<F>(
        mut self,
        sign_in: impl Fn(AsyncClient, TokenRequest, Error) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Token, Error>> + Send + 'static,
    {
        self.adapters.sign_in_with =
            Some(Arc::new(move |client, request, error| sign_in(client, request, error).boxed()));
        self
    }

    /// The client; nothing is sent, read or opened yet.
    ///
    /// Fails with [`Error::Config`] where an id or a URL is unusable, or a part is missing.
    pub fn build(mut self) -> Result<AsyncClient, Error> {
        let (transport, cache) = self.asked()?;
        let AsyncAdapters { browser, clock, runtime, sign_in_with, .. } = std::mem::take(&mut self.adapters);
        let clock = clock.or_else(|| runtime.clone().map(|runtime| runtime as Arc<dyn Clock>));
        Ok(AsyncClient {
            app: self.app()?,
            transport,
            cache,
            browser: browser.unwrap_or_else(default_browser),
            clock: clock.ok_or_else(|| missing("runtime"))?,
            background: runtime.filter(|_| self.renews_in_background),
            entropy: self.entropy,
            correlation_ids: Arc::default(),
            renewals: Arc::default(),
            timeout: self.timeout,
            sign_in: self.sign_in,
            sign_in_with,
        })
    }

    /// What is asked before the client is there: the transport and the cache, the same ones each time.
    pub(super) fn asked(&mut self) -> Result<Asked, Error> {
        let transport = self.adapters.transport.clone().ok_or_else(|| missing("transport"))?;
        let cache = self.adapters.cache.take().map_or_else(default_cache, Ok)?;
        self.adapters.cache = Some(Arc::clone(&cache));
        Ok((transport, cache))
    }
}

fn missing(what: &str) -> Error {
    Error::Config(format!("no {what} is given, and an asynchronous client has none by default"))
}

#[cfg(feature = "file-cache")]
fn default_cache() -> Result<Arc<dyn Cache>, Error> {
    Ok(Arc::new(OnThread::looking_at_once(crate::adapters::default_file()?)))
}

#[cfg(not(feature = "file-cache"))]
fn default_cache() -> Result<Arc<dyn Cache>, Error> {
    Err(crate::adapters::no_cache())
}

fn default_browser() -> Arc<dyn Browser> {
    #[cfg(feature = "system-browser")]
    return Arc::new(OnThread::new(entrada_browser_system::SystemBrowser::new()));
    #[cfg(not(feature = "system-browser"))]
    return Arc::new(OnThread::new(entrada_core::drive::blocking::NoBrowser));
}
