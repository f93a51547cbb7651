//! The blocking client.

use std::sync::Arc;
use std::time::Duration;

use entrada_core::drive::blocking::{Ports, run};
use entrada_core::ports::blocking::{Body, Browser, Cache, Clock, Entropy, Transport};
use entrada_core::{Account, AccountSelector, Action, App, Error, Flow, Outcome, SignIn, Token, TokenRequest, Warning};

use crate::adapters::ClientBuilder;
use crate::call::Call;
use crate::entropy::CorrelationIds;
use crate::outcome;
use crate::renewal::Renewals;

pub(crate) type SignInWith = Arc<dyn Fn(&Client, &TokenRequest, Error) -> Result<Token, Error> + Send + Sync>;

/// So many sign-ins of others are awaited, one after the other, before it is said that one is needed.
pub(crate) const MOST_JOINED: u32 = 8;

/// A client that waits: for programs without a runtime, and for threads.
///
/// Cheap to clone, and to be shared: clones and threads use one cache, one lock and one connection pool.
#[derive(Clone)]
pub struct Client {
    pub(crate) app: App,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) cache: Arc<dyn Cache>,
    pub(crate) browser: Arc<dyn Browser>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) correlation_ids: Arc<CorrelationIds>,
    pub(crate) renewals: Arc<Renewals>,
    pub(crate) renews_in_background: bool,
    pub(crate) timeout: Duration,
    pub(crate) sign_in: SignIn,
    pub(crate) sign_in_with: Option<SignInWith>,
}

impl Client {
    /// Begins a client for this client id: the Application (client) ID of the native registration.
    pub fn builder(client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(client_id.into())
    }

    /// A token for these scopes: from the cache, by a silent refresh, or by a sign-in.
    pub fn token(&self, scopes: &[&str]) -> Result<Token, Error> {
        self.token_for(&TokenRequest::new(scopes.iter().copied())?)
    }

    /// The same without a sign-in: where one is needed, [`Error::UiRequired`].
    pub fn silent(&self, scopes: &[&str]) -> Result<Token, Error> {
        self.silent_for(&TokenRequest::new(scopes.iter().copied())?)
    }

    /// A token for a request in detail: from the cache, by a silent refresh, or by a sign-in.
    pub fn token_for(&self, request: &TokenRequest) -> Result<Token, Error> {
        let error = match self.silent_for(request) {
            Err(error) if error.needs_ui() => error,
            other => return other,
        };
        let claims = match &error {
            Error::UiRequired(required) => required.claims.clone(),
            _ => None,
        };
        let request = request.clone().claims(claims);
        match &self.sign_in_with {
            Some(sign_in) => sign_in(self, &request, error),
            None => self.sign_in(&request, &self.sign_in.clone().unasked(true)),
        }
    }

    /// A token for a request in detail, without a sign-in.
    ///
    /// One that is good but due for renewal is given at once, and renewed in the background.
    pub fn silent_for(&self, request: &TokenRequest) -> Result<Token, Error> {
        if !self.renews_in_background {
            return outcome::token(self.run_silent(request)?);
        }
        let token = outcome::token(self.run_silent(&request.clone().defer_renewal(true))?)?;
        // What has just failed in the foreground does not begin again behind it.
        if token.renewal_due && !token.warnings.contains(&Warning::RefreshPostponed) {
            self.renew_behind(request);
        }
        Ok(token)
    }

    /// Renews on a thread of its own, unless that is being done already.
    fn renew_behind(&self, request: &TokenRequest) {
        let Some(running) = self.renewals.begin(request) else { return };
        let (client, request) = (self.clone(), request.clone().defer_renewal(false));
        let renew = move || running.ended(&client.run_silent(&request));
        if let Err(error) = std::thread::Builder::new().name("entrada-renewal".into()).spawn(renew) {
            // The renewal was dropped with its thread, and counts as failed.
            tracing::debug!(%error, "no thread for a renewal");
        }
    }

    /// Waits for renewals in the background to end, and not longer than that; for programs that end themselves.
    ///
    /// `false` where one is still under way: if the process ends now, the lock that it holds is left to be inherited.
    pub fn wait_for_renewals(&self, timeout: Duration) -> bool {
        self.renewals.wait(timeout)
    }

    /// How a sign-in is made where nothing else is said.
    pub fn sign_in_options(&self) -> &SignIn {
        &self.sign_in
    }

    fn run_silent(&self, request: &TokenRequest) -> Result<Outcome, Error> {
        self.run(Flow::silent(&self.app, &self.traced(request)))
    }

    /// Signs the user in with the browser.
    pub fn sign_in(&self, request: &TokenRequest, sign_in: &SignIn) -> Result<Token, Error> {
        self.sign_in_by(Flow::interactive, request, sign_in)
    }

    /// Signs the user in with a user code, shown by this browser.
    pub fn sign_in_by_code(&self, request: &TokenRequest, sign_in: &SignIn) -> Result<Token, Error> {
        self.sign_in_by(Flow::device_code, request, sign_in)
    }

    /// The same client in another tenant, with the same cache: the user's sign-in serves there, too, where they are
    /// a guest.
    pub fn in_tenant(&self, tenant: &str) -> Result<Self, Error> {
        Ok(Self { app: self.app.in_tenant(tenant)?, renewals: Arc::default(), ..self.clone() })
    }

    /// The same client with another browser.
    pub fn with_browser(&self, browser: impl Browser + 'static) -> Self {
        Self { browser: Arc::new(browser), ..self.clone() }
    }

    /// Who is signed in, by user name.
    pub fn accounts(&self) -> Result<Vec<Account>, Error> {
        outcome::accounts(self.run(Flow::accounts(&self.app))?)
    }

    /// Takes an account and its tokens out of the cache, or all with `None`; returns whose are gone.
    pub fn sign_out(&self, account: Option<AccountSelector>) -> Result<(Vec<Account>, Vec<Warning>), Error> {
        outcome::signed_out(self.run(Flow::sign_out(&self.app, account))?)
    }

    /// Gets a page of the app.
    ///
    /// Redirects are not followed; a status of 4xx or 5xx is an answer. The proxy's redirect to its sign-in
    /// page is the error [`Error::ProxyRefused`].
    pub fn get(&self, url: &str, scopes: &[&str]) -> Result<http::Response<Body>, Error> {
        self.call(&TokenRequest::new(scopes.iter().copied())?).get(url)
    }

    /// Sends any request to the app; see [`get`](Client::get).
    pub fn send(&self, request: http::Request<Body>, scopes: &[&str]) -> Result<http::Response<Body>, Error> {
        self.call(&TokenRequest::new(scopes.iter().copied())?).send(request)
    }

    /// Begins a call to the app with a request for a token in detail.
    pub fn call(&self, request: &TokenRequest) -> Call<'_> {
        Call::new(self, request.clone(), None)
    }

    /// Asks a URL for its page without a token, as a stranger would: what a proxy redirects to tells whom to ask.
    pub fn probe(&self, url: &str) -> Result<http::Response<Body>, Error> {
        crate::call::probe(&*self.transport, url, self.timeout)
    }

    /// The native registration and its authority.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where the tokens are kept, for people to read.
    pub fn cache_location(&self) -> String {
        self.cache.location()
    }

    fn traced(&self, request: &TokenRequest) -> TokenRequest {
        self.correlation_ids.trace(request, &*self.entropy)
    }

    fn sign_in_by(
        &self,
        begin: fn(&App, &TokenRequest, &SignIn) -> (Flow, Action),
        request: &TokenRequest,
        sign_in: &SignIn,
    ) -> Result<Token, Error> {
        let mut joined = 0;
        loop {
            let sign_in = sign_in.clone().after_joining(joined > 0);
            match self.run(begin(&self.app, &self.traced(request), &sign_in))? {
                Outcome::Joined => joined += 1,
                other => return outcome::token(other),
            }
            // What another has signed in for may do for this, too; else it is this one's turn.
            match self.silent_for(request) {
                Err(error) if error.needs_ui() && joined < MOST_JOINED => {}
                other => return other,
            }
        }
    }

    pub(crate) fn run(&self, flow: (Flow, Action)) -> Result<Outcome, Error> {
        run(
            flow,
            Ports {
                transport: &*self.transport,
                cache: &*self.cache,
                browser: &*self.browser,
                clock: &*self.clock,
                entropy: &*self.entropy,
            },
        )
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("app", &self.app).field("cache", &self.cache.location()).finish_non_exhaustive()
    }
}
