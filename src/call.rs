//! The call to the app: the Bearer on, the answer read, a claims challenge answered, redirects followed on request.

use std::time::Duration;

use entrada_core::drive::blocking::call;
use entrada_core::ports::blocking::{Body, Transport};
use entrada_core::protocol::{AppCall, DiscoveryError, DiscoveryTrouble, Exchange, PublishedApp};
use entrada_core::{AccountSelector, Error, Port, ServerError, Token, TokenRequest};
use http::{Request, Response};

use crate::client::Client;

/// Application proxy gives an app up to 180 seconds; a shorter patience would blame the wrong side
/// (application-proxy-faq).
pub(crate) const PATIENCE: Duration = Duration::from_secs(200);

type OnToken<'a> = Box<dyn Fn(&Token) + 'a>;

/// A call to the app, about to be made; begun by [`Client::call`].
pub struct Call<'a> {
    client: &'a Client,
    token_request: TokenRequest,
    /// Where its scope was learnt and not named.
    learnt: Option<PublishedApp>,
    timeout: Duration,
    max_redirects: u32,
    on_token: Option<OnToken<'a>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, token_request: TokenRequest, learnt: Option<PublishedApp>) -> Self {
        Self { client, token_request, learnt, timeout: client.timeout, max_redirects: 0, on_token: None }
    }

    /// For this account, where several are signed in.
    pub fn account(mut self, account: AccountSelector) -> Self {
        self.token_request = self.token_request.account(account);
        self
    }

    /// How long to wait for the head of the answer, and for any further piece of it; if not said, as long as the client's
    /// [`timeout`](crate::Builder::timeout) says.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Follows up to that many redirects of the app's own. The Bearer stays with the app's origin.
    pub fn follow(mut self, redirects: u32) -> Self {
        self.max_redirects = redirects;
        self
    }

    /// Shows each token that is used, with its warnings, before it is sent.
    pub fn on_token(mut self, show: impl Fn(&Token) + 'a) -> Self {
        self.on_token = Some(Box::new(show));
        self
    }

    /// Gets a page of the app.
    pub fn get(self, url: &str) -> Result<Response<Body>, Error> {
        self.send(get(url)?)
    }

    /// Sends the request with a Bearer, to its own origin only.
    ///
    /// Where the app demands claims, a token with them is fetched, by refresh or sign-in, and the request is
    /// sent once more, if its body is in memory; else the demand is the answer, and the next call has that token.
    ///
    /// Where the scope was learnt ([`Client::reach`]) and the proxy no longer accepts it, what it accepts now is found
    /// out, and the request sent once more, if its body is in memory.
    pub fn send(mut self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let Some(learnt) = self.learnt.take() else { return self.exchange(request) };
        let url = request.uri().to_string();
        belongs(&learnt, &url)?;
        let is_news = learnt.accepted_scope().is_none();
        let app = self.client.settle_within(learnt, &self.token_request, self.timeout)?;
        self.token_request = self.token_request.for_scopes(app.accepted_scope())?;
        let again = again(&request, request.body().as_bytes().filter(|_| !is_news));
        let refused = match self.exchange(request) {
            Err(error) if !is_news && is_outdated(&error) => error,
            other => return other,
        };
        // Also where the request cannot be sent again: the next one is to find what is accepted now.
        let now = self.client.learn_again(&url, &self.token_request, self.timeout)?;
        if now.app_id() == app.app_id() && now.accepted_scope() == app.accepted_scope() {
            return Err(refused);
        }
        let Some(again) = again else { return Err(outdated(url)) };
        self.token_request = self.token_request.for_scopes(now.accepted_scope())?;
        self.exchange(again)
    }

    fn exchange(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let exchange = Exchange::new(&request.uri().to_string())?.follow(self.max_redirects);
        call(&*self.client.transport, exchange, request, self.timeout, |claims| match claims {
            Some(claims) => self.token(&self.token_request.clone().claims(Some(claims))),
            None => self.token(&self.token_request),
        })
    }

    fn token(&self, request: &TokenRequest) -> Result<Token, Error> {
        let token = self.client.token_for(request)?;
        if let Some(show) = &self.on_token {
            show(&token);
        }
        Ok(token)
    }
}

/// A GET without a token.
pub(crate) fn probe(transport: &dyn Transport, url: &str, timeout: Duration) -> Result<Response<Body>, Error> {
    transport.send(get(url)?, timeout).map_err(|error| Error::from_adapter(Port::App, error))
}

/// A token for one app must not go to another.
pub(crate) fn belongs(app: &PublishedApp, url: &str) -> Result<(), Error> {
    match app.covers(url) {
        true => Ok(()),
        false => Err(Error::Config(format!("{url} is no URL of the app that is published at {}", app.external_url()))),
    }
}

/// Whether an error may come of a scope that is right no more.
pub(crate) fn is_outdated(error: &Error) -> bool {
    matches!(error, Error::ProxyRefused(_)) || error.server().is_some_and(ServerError::is_about_scope)
}

pub(crate) fn outdated(url: String) -> Error {
    DiscoveryError::new(url, DiscoveryTrouble::Outdated).into()
}

/// The same request once more, if its body is in memory.
pub(crate) fn again<B: From<Vec<u8>>>(request: &Request<B>, body: Option<&[u8]>) -> Option<Request<B>> {
    let mut again = Request::new(B::from(body?.to_vec()));
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

/// A request for a page, in either kind of body.
pub(crate) fn get<B: Default>(url: &str) -> Result<Request<B>, Error> {
    let request = Request::get(AppCall::new(url)?.url()).body(B::default());
    request.map_err(|error| Error::Config(format!("{url:?} cannot be called: {error}")))
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("token_request", &self.token_request)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
