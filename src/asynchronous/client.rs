//! The asynchronous client.

use std::sync::Arc;
use std::time::Duration;

use entrada_core::drive::asynchronous::{Ports, run};
use entrada_core::ports::asynchronous::{Body, Browser, Cache, Clock, Entropy, Runtime, Transport};
use entrada_core::{Account, AccountSelector, Action, App, Error, Flow, Outcome, SignIn, Token, TokenRequest, Warning};
use futures::future::{BoxFuture, Either, select};

use super::adapters::AsyncClientBuilder;
use super::call::AsyncCall;
use crate::client::MOST_JOINED;
use crate::entropy::CorrelationIds;
use crate::outcome;
use crate::renewal::Renewals;

pub(super) type SignInWith =
    Arc<dyn Fn(AsyncClient, TokenRequest, Error) -> BoxFuture<'static, Result<Token, Error>> + Send + Sync>;

/// A client that does not wait: the verbs of [`Client`](crate::Client), on whatever runtime.
///
/// Cheap to clone, and to be shared: clones and tasks use one cache, one lock and one connection pool. Its futures
/// are [`Send`]. One that is dropped gives back what it held: the lock, and the listener of a sign-in.
///
/// ```no_run
/// # async fn example(transport: impl entrada::ports::asynchronous::Transport + 'static,
/// #     runtime: impl entrada::ports::asynchronous::Runtime + 'static) -> Result<(), entrada::Error> {
/// let scope = "https://hr-contoso.msappproxy.net//user_impersonation";
///
/// let client = entrada::AsyncClient::builder("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4")
///     .tenant("contoso.onmicrosoft.com")
///     .transport(transport)
///     .runtime(runtime)
///     .build()?;
/// let reply = client.get("https://hr-contoso.msappproxy.net/api/me", &[scope]).await?;
/// # drop(reply);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AsyncClient {
    pub(super) app: App,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) cache: Arc<dyn Cache>,
    pub(super) browser: Arc<dyn Browser>,
    pub(super) clock: Arc<dyn Clock>,
    /// Where renewals run; `None` where the call that finds them due makes them.
    pub(super) background: Option<Arc<dyn Runtime>>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) correlation_ids: Arc<CorrelationIds>,
    pub(super) renewals: Arc<Renewals>,
    pub(super) timeout: Duration,
    pub(super) sign_in: SignIn,
    pub(super) sign_in_with: Option<SignInWith>,
}

impl AsyncClient {
    /// Begins a client for this client id: the Application (client) ID of the native registration.
    pub fn builder(client_id: impl Into<String>) -> AsyncClientBuilder {
        AsyncClientBuilder::new(client_id.into())
    }

    /// A token for these scopes: from the cache, by a silent refresh, or by a sign-in.
    pub async fn token(&self, scopes: &[&str]) -> Result<Token, Error> {
        self.token_for(&TokenRequest::new(scopes.iter().copied())?).await
    }

    /// The same without a sign-in: where one is needed, [`Error::UiRequired`].
    pub async fn silent(&self, scopes: &[&str]) -> Result<Token, Error> {
        self.silent_for(&TokenRequest::new(scopes.iter().copied())?).await
    }

    /// A token for a request in detail: from the cache, by a silent refresh, or by a sign-in.
    pub async fn token_for(&self, request: &TokenRequest) -> Result<Token, Error> {
        let error = match self.silent_for(request).await {
            Err(error) if error.needs_ui() => error,
            other => return other,
        };
        let claims = match &error {
            Error::UiRequired(required) => required.claims.clone(),
            _ => None,
        };
        let request = request.clone().claims(claims);
        match &self.sign_in_with {
            Some(sign_in) => sign_in(self.clone(), request, error).await,
            None => self.sign_in(&request, &self.sign_in.clone().unasked(true)).await,
        }
    }

    /// A token for a request in detail, without a sign-in.
    ///
    /// One that is good but due for renewal is given at once, and renewed in the background.
    pub async fn silent_for(&self, request: &TokenRequest) -> Result<Token, Error> {
        let Some(background) = &self.background else {
            return outcome::token(self.run_silent(request).await?);
        };
        let token = outcome::token(self.run_silent(&request.clone().defer_renewal(true)).await?)?;
        // What has just failed in the foreground does not begin again behind it.
        if token.renewal_due && !token.warnings.contains(&Warning::RefreshPostponed) {
            self.renew_behind(&**background, request);
        }
        Ok(token)
    }

    /// Renews in a task of its own, unless that is being done already.
    fn renew_behind(&self, background: &dyn Runtime, request: &TokenRequest) {
        let Some(running) = self.renewals.begin(request) else { return };
        let (client, request) = (self.clone(), request.clone().defer_renewal(false));
        background.spawn(Box::pin(async move { running.ended(&client.run_silent(&request).await) }));
    }

    /// Waits for renewals in the background to end, and not longer than that; for programs that end themselves.
    ///
    /// `false` where one is still under way: if the process ends now, the lock that it holds is left to be inherited.
    pub async fn wait_for_renewals(&self, timeout: Duration) -> bool {
        let mut late = self.clock.sleep(timeout);
        while let Some(end) = self.renewals.next_end() {
            match select(end, late).await {
                Either::Left((_, waiting)) => late = waiting,
                Either::Right(_) => return false,
            }
        }
        true
    }

    /// How a sign-in is made where nothing else is said.
    pub fn sign_in_options(&self) -> &SignIn {
        &self.sign_in
    }

    async fn run_silent(&self, request: &TokenRequest) -> Result<Outcome, Error> {
        self.run(Flow::silent(&self.app, &self.traced(request))).await
    }

    /// Signs the user in with the browser.
    pub async fn sign_in(&self, request: &TokenRequest, sign_in: &SignIn) -> Result<Token, Error> {
        self.sign_in_by(Flow::interactive, request, sign_in).await
    }

    /// Signs the user in with a user code, shown by this browser.
    pub async fn sign_in_by_code(&self, request: &TokenRequest, sign_in: &SignIn) -> Result<Token, Error> {
        self.sign_in_by(Flow::device_code, request, sign_in).await
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
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        outcome::accounts(self.run(Flow::accounts(&self.app)).await?)
    }

    /// Takes an account and its tokens out of the cache, or all with `None`; returns whose are gone.
    pub async fn sign_out(&self, account: Option<AccountSelector>) -> Result<(Vec<Account>, Vec<Warning>), Error> {
        outcome::signed_out(self.run(Flow::sign_out(&self.app, account)).await?)
    }

    /// Gets a page of the app.
    ///
    /// Redirects are not followed; a status of 4xx or 5xx is an answer. The proxy's redirect to its sign-in
    /// page is the error [`Error::ProxyRefused`].
    pub async fn get(&self, url: &str, scopes: &[&str]) -> Result<http::Response<Body>, Error> {
        self.call(&TokenRequest::new(scopes.iter().copied())?).get(url).await
    }

    /// Sends any request to the app; see [`get`](AsyncClient::get).
    pub async fn send(&self, request: http::Request<Body>, scopes: &[&str]) -> Result<http::Response<Body>, Error> {
        self.call(&TokenRequest::new(scopes.iter().copied())?).send(request).await
    }

    /// Begins a call to the app with a request for a token in detail.
    pub fn call(&self, request: &TokenRequest) -> AsyncCall<'_> {
        AsyncCall::new(self, request.clone(), None)
    }

    /// Asks a URL for its page without a token, as a stranger would: what a proxy redirects to tells whom to ask.
    pub async fn probe(&self, url: &str) -> Result<http::Response<Body>, Error> {
        super::call::probe(&*self.transport, url, self.timeout).await
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

    async fn sign_in_by(
        &self,
        begin: fn(&App, &TokenRequest, &SignIn) -> (Flow, Action),
        request: &TokenRequest,
        sign_in: &SignIn,
    ) -> Result<Token, Error> {
        let mut joined = 0;
        loop {
            let sign_in = sign_in.clone().after_joining(joined > 0);
            match self.run(begin(&self.app, &self.traced(request), &sign_in)).await? {
                Outcome::Joined => joined += 1,
                other => return outcome::token(other),
            }
            // What another has signed in for may do for this, too; else it is this one's turn.
            match self.silent_for(request).await {
                Err(error) if error.needs_ui() && joined < MOST_JOINED => {}
                other => return other,
            }
        }
    }

    pub(super) async fn run(&self, flow: (Flow, Action)) -> Result<Outcome, Error> {
        let ports = Ports {
            transport: &*self.transport,
            cache: &*self.cache,
            browser: &*self.browser,
            clock: &*self.clock,
            entropy: &*self.entropy,
        };
        run(flow, ports).await
    }
}

impl std::fmt::Debug for AsyncClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncClient")
            .field("app", &self.app)
            .field("cache", &self.cache.location())
            .finish_non_exhaustive()
    }
}
