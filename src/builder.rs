//! Putting a client together.

use std::sync::Arc;

use entrada_core::ports::blocking::{Browser, Cache, Clock, Entropy, SystemClock, Transport};
use entrada_core::{App, Authority, Cloud, Error, SignIn, Token, TokenRequest};

use crate::client::{Client, SignInWith};
use crate::entropy::SystemEntropy;

/// Puts a [`Client`] together; made by [`Client::builder`].
///
/// What is not given comes from the features: ureq, the file cache in its usual place, the system browser.
pub struct ClientBuilder {
    client_id: String,
    authority: Option<Result<Authority, Error>>,
    cloud: Cloud,
    tenant: Option<String>,
    capabilities: Vec<String>,
    transport: Option<Arc<dyn Transport>>,
    cache: Option<Arc<dyn Cache>>,
    browser: Option<Arc<dyn Browser>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    renews_in_background: bool,
    sign_in: SignIn,
    sign_in_with: Option<SignInWith>,
}

impl ClientBuilder {
    pub(crate) fn new(client_id: String) -> Self {
        Self {
            client_id,
            authority: None,
            cloud: Cloud::Public,
            tenant: None,
            capabilities: Vec::new(),
            transport: None,
            cache: None,
            browser: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            renews_in_background: true,
            sign_in: SignIn::default(),
            sign_in_with: None,
        }
    }

    /// The tenant: its id, one of its domains, `organizations`, `common` or `consumers`.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// The cloud that the tenant is in; the public one if not said.
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// The authority itself, instead of cloud and tenant. It is trusted as named.
    pub fn authority(mut self, authority: Authority) -> Self {
        self.authority = Some(Ok(authority));
        self
    }

    /// Any OpenID provider by its issuer, instead of cloud and tenant.
    pub fn oidc(mut self, issuer: &str) -> Self {
        self.authority = Some(Authority::oidc(issuer));
        self
    }

    /// Client capabilities to declare, such as `cp1`.
    pub fn capabilities<S: Into<String>>(mut self, capabilities: impl IntoIterator<Item = S>) -> Self {
        self.capabilities = capabilities.into_iter().map(Into::into).collect();
        self
    }

    /// How requests are sent.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Where tokens are kept.
    pub fn cache(mut self, cache: impl Cache + 'static) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// How the user signs in.
    pub fn browser(mut self, browser: impl Browser + 'static) -> Self {
        self.browser = Some(Arc::new(browser));
        self
    }

    /// Another clock, for tests.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of randomness, for tests.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Whether tokens that are good but due for renewal are renewed on a thread of the client's own, as they are
    /// unless told otherwise; else by the call that finds them due.
    pub fn renew_in_background(mut self, in_background: bool) -> Self {
        self.renews_in_background = in_background;
        self
    }

    /// How a sign-in is made where nothing else is said: prompt, hints, and how long it may take.
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = sign_in;
        self
    }

    /// What to do where a sign-in is needed, instead of [`Client::sign_in`]: another flow, a choice, a refusal.
    ///
    /// The request carries the claims that the sign-in must ask for.
    pub fn sign_in_with(
        mut self,
        sign_in: impl Fn(&Client, &TokenRequest, Error) -> Result<Token, Error> + Send + Sync + 'static,
    ) -> Self {
        self.sign_in_with = Some(Arc::new(sign_in));
        self
    }

    /// The client; nothing is sent, read or opened yet.
    ///
    /// Fails with [`Error::Config`] where an id or a URL is unusable, or a part is missing.
    pub fn build(self) -> Result<Client, Error> {
        let authority = match (self.authority, self.tenant) {
            (Some(authority), _) => authority?,
            (None, Some(tenant)) => Authority::tenant(self.cloud, &tenant)?,
            (None, None) => return Err(Error::Config("no tenant is given: name its id or one of its domains".into())),
        };
        Ok(Client {
            app: App::new(self.client_id, authority)?.capabilities(self.capabilities),
            transport: self.transport.map_or_else(default_transport, Ok)?,
            cache: self.cache.map_or_else(default_cache, Ok)?,
            browser: self.browser.unwrap_or_else(default_browser),
            clock: self.clock,
            entropy: self.entropy,
            correlation_ids: Arc::default(),
            renewals: Arc::default(),
            renews_in_background: self.renews_in_background,
            sign_in: self.sign_in,
            sign_in_with: self.sign_in_with,
        })
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("client_id", &self.client_id).finish_non_exhaustive()
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
    match entrada_cache_file::FileCache::default_path() {
        Some(path) => Ok(Arc::new(entrada_cache_file::FileCache::new(path))),
        None => Err(Error::Config("there is no home directory to keep the token cache in: give its path".into())),
    }
}

#[cfg(not(feature = "file-cache"))]
fn default_cache() -> Result<Arc<dyn Cache>, Error> {
    Err(Error::Config("no cache: enable the feature `file-cache` or `memory-cache`, or give one".into()))
}

fn default_browser() -> Arc<dyn Browser> {
    #[cfg(feature = "system-browser")]
    return Arc::new(entrada_browser_system::SystemBrowser::new());
    #[cfg(not(feature = "system-browser"))]
    return Arc::new(entrada_core::drive::blocking::NoBrowser);
}
