//! The adapters of a client that waits.

use std::sync::Arc;

use entrada_core::ports::blocking::{Browser, Cache, Clock, SystemClock, Transport};
use entrada_core::{Error, Token, TokenRequest};

use crate::builder::Builder;
use crate::client::{Client, SignInWith};

/// Puts a [`Client`] together; made by [`Client::builder`].
///
/// What is not given comes from the features: ureq, the file cache in its usual place, the system browser.
pub type ClientBuilder = Builder<Adapters>;

/// The adapters that a client is put together from.
#[derive(Default)]
pub struct Adapters {
    transport: Option<Arc<dyn Transport>>,
    cache: Option<Arc<dyn Cache>>,
    browser: Option<Arc<dyn Browser>>,
    clock: Option<Arc<dyn Clock>>,
    sign_in_with: Option<SignInWith>,
}

pub(crate) type Asked = (Arc<dyn Transport>, Arc<dyn Cache>);

impl ClientBuilder {
    /// How requests are sent.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.adapters.transport = Some(Arc::new(transport));
        self
    }

    /// Where tokens are kept.
    pub fn cache(mut self, cache: impl Cache + 'static) -> Self {
        self.adapters.cache = Some(Arc::new(cache));
        self
    }

    /// How the user signs in.
    pub fn browser(mut self, browser: impl Browser + 'static) -> Self {
        self.adapters.browser = Some(Arc::new(browser));
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.adapters.clock = Some(Arc::new(clock));
        self
    }

    /// What to do where a sign-in is needed, instead of [`Client::sign_in`]: another flow, a choice, a refusal.
    ///
    /// The request carries the claims that the sign-in must ask for.
    pub fn sign_in_with(
        mut self,
        sign_in: impl Fn(&Client, &TokenRequest, Error) -> Result<Token, Error> + Send + Sync + 'static,
    ) -> Self {
        self.adapters.sign_in_with = Some(Arc::new(sign_in));
        self
    }

    /// The client; nothing is sent, read or opened yet.
    ///
    /// Fails with [`Error::Config`] where an id or a URL is unusable, or a part is missing.
    pub fn build(mut self) -> Result<Client, Error> {
        let (transport, cache) = self.asked()?;
        Ok(Client {
            app: self.app()?,
            transport,
            cache,
            browser: self.adapters.browser.unwrap_or_else(default_browser),
            clock: self.adapters.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            entropy: self.entropy,
            correlation_ids: Arc::default(),
            renewals: Arc::default(),
            renews_in_background: self.renews_in_background,
            timeout: self.timeout,
            sign_in: self.sign_in,
            sign_in_with: self.adapters.sign_in_with,
        })
    }

    /// What is asked before the client is there: the transport and the cache, the same ones each time.
    pub(crate) fn asked(&mut self) -> Result<Asked, Error> {
        let transport = self.adapters.transport.take().map_or_else(default_transport, Ok)?;
        let cache = self.adapters.cache.take().map_or_else(default_cache, Ok)?;
        self.adapters.transport = Some(Arc::clone(&transport));
        self.adapters.cache = Some(Arc::clone(&cache));
        Ok((transport, cache))
    }
}

#[cfg(feature = "ureq")]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    let transport = entrada_ureq::UreqTransport::builder().build();
    Ok(Arc::new(transport.map_err(|error| Error::Config(error.to_string()))?))
}

#[cfg(not(feature = "ureq"))]
fn default_transport() -> Result<Arc<dyn Transport>, Error> {
    Err(Error::Config("no transport: enable the feature `ureq`, or give one".into()))
}

#[cfg(feature = "file-cache")]
fn default_cache() -> Result<Arc<dyn Cache>, Error> {
    Ok(Arc::new(default_file()?))
}

#[cfg(not(feature = "file-cache"))]
fn default_cache() -> Result<Arc<dyn Cache>, Error> {
    Err(no_cache())
}

/// The file in this user's usual place.
#[cfg(feature = "file-cache")]
pub(crate) fn default_file() -> Result<entrada_cache_file::FileCache, Error> {
    match entrada_cache_file::FileCache::default_path() {
        Some(path) => Ok(entrada_cache_file::FileCache::new(path)),
        None => Err(Error::Config("there is no home directory to keep the token cache in: give its path".into())),
    }
}

#[cfg(not(feature = "file-cache"))]
pub(crate) fn no_cache() -> Error {
    Error::Config("no cache: enable the feature `file-cache` or `memory-cache`, or give one".into())
}

fn default_browser() -> Arc<dyn Browser> {
    #[cfg(feature = "system-browser")]
    return Arc::new(entrada_browser_system::SystemBrowser::new());
    #[cfg(not(feature = "system-browser"))]
    return Arc::new(entrada_core::drive::blocking::NoBrowser);
}
