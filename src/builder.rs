//! What every client is put together from, whether it waits or not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use entrada_core::ports::blocking::Entropy;
use entrada_core::{App, Authority, Cloud, Error, SignIn};

use crate::call::PATIENCE;
use crate::entropy::SystemEntropy;

/// Puts a client together: one that waits, or one that does not, which have adapters of two kinds.
pub struct Builder<Adapters> {
    client_id: String,
    authority: Option<Result<Authority, Error>>,
    pub(crate) cloud: Option<Cloud>,
    tenant: Option<String>,
    capabilities: Vec<String>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) renews_in_background: bool,
    pub(crate) timeout: Duration,
    pub(crate) sign_in: SignIn,
    pub(crate) adapters: Adapters,
}

impl<Adapters: Default> Builder<Adapters> {
    pub(crate) fn new(client_id: String) -> Self {
        Self {
            client_id,
            authority: None,
            cloud: None,
            tenant: None,
            capabilities: Vec::new(),
            entropy: Arc::new(SystemEntropy),
            renews_in_background: true,
            timeout: PATIENCE,
            sign_in: SignIn::default(),
            adapters: Adapters::default(),
        }
    }
}

impl<Adapters> Builder<Adapters> {
    /// The tenant: its id, one of its domains, `organizations`, `common` or `consumers`.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// The cloud that the tenant is in; if not said, the public one, or for a discovered app its own.
    pub fn cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = Some(cloud);
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

    /// Another source of randomness, for tests.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Whether tokens that are good but due for renewal are renewed behind the call that finds them due, as they are
    /// unless told otherwise; else by that call.
    pub fn renew_in_background(mut self, in_background: bool) -> Self {
        self.renews_in_background = in_background;
        self
    }

    /// How long a call to the app, and one that finds out about it, waits for the head of the answer and for any further
    /// piece of it, where the call itself does not say; 200 seconds if nothing does.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How a sign-in is made where nothing else is said: prompt, hints, and how long it may take.
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = sign_in;
        self
    }

    /// The authority, where one is named.
    pub(crate) fn named(&mut self) -> Result<Option<Authority>, Error> {
        let authority = match (self.authority.take(), &self.tenant) {
            (Some(authority), _) => authority?,
            (None, Some(tenant)) => Authority::tenant(self.cloud.unwrap_or_default(), tenant)?,
            (None, None) => return Ok(None),
        };
        self.authority = Some(Ok(authority.clone()));
        Ok(Some(authority))
    }

    /// The native registration; fails where an id or a URL is unusable, or none is given.
    pub(crate) fn app(&mut self) -> Result<App, Error> {
        let authority = self.named()?;
        let nobody = || Error::Config("no tenant is given: name its id or one of its domains".into());
        let authority = authority.ok_or_else(nobody)?;
        Ok(App::new(self.client_id.clone(), authority)?.capabilities(std::mem::take(&mut self.capabilities)))
    }
}

impl<Adapters> fmt::Debug for Builder<Adapters> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
