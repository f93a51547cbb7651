//! The call to the app, without waiting.

use std::time::Duration;

use entrada_core::drive::asynchronous::call;
use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_core::protocol::{Exchange, PublishedApp};
use entrada_core::{AccountSelector, Error, Port, Token, TokenRequest};
use http::{Request, Response};

use super::client::AsyncClient;
use crate::call::{PATIENCE, again, belongs, get, is_outdated, outdated};

type OnToken<'a> = Box<dyn Fn(&Token) + Send + Sync + 'a>;

/// A call to the app, about to be made; begun by [`AsyncClient::call`].
pub struct AsyncCall<'a> {
    client: &'a AsyncClient,
    token_request: TokenRequest,
    /// Where its scope was learnt and not named.
    learnt: Option<PublishedApp>,
    timeout: Duration,
    max_redirects: u32,
    on_token: Option<OnToken<'a>>,
}

impl<'a> AsyncCall<'a> {
    pub(crate) fn new(client: &'a AsyncClient, token_request: TokenRequest, learnt: Option<PublishedApp>) -> Self {
        Self { client, token_request, learnt, timeout: PATIENCE, max_redirects: 0, on_token: None }
    }

    /// For this account, where several are signed in.
    pub fn account(mut self, account: AccountSelector) -> Self {
        self.token_request = self.token_request.account(account);
        self
    }

    /// How long to wait for the head of the answer, and for any further piece of it; 200 seconds if not said.
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
    pub fn on_token(mut self, show: impl Fn(&Token) + Send + Sync + 'a) -> Self {
        self.on_token = Some(Box::new(show));
        self
    }

    /// Gets a page of the app.
    pub async fn get(self, url: &str) -> Result<Response<Body>, Error> {
        self.send(get(url)?).await
    }

    /// Sends the request with a Bearer, to its own origin only; see [`Call::send`](crate::Call::send).
    pub async fn send(mut self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let Some(learnt) = self.learnt.take() else { return self.exchange(request).await };
        let url = request.uri().to_string();
        belongs(&learnt, &url)?;
        let is_news = learnt.accepted_scope().is_none();
        let app = self.client.settle_within(learnt, &self.token_request, self.timeout).await?;
        self.token_request = self.token_request.for_scopes(app.accepted_scope())?;
        let again = again(&request, request.body().as_bytes().filter(|_| !is_news));
        let refused = match self.exchange(request).await {
            Err(error) if !is_news && is_outdated(&error) => error,
            other => return other,
        };
        // Also where the request cannot be sent again: the next one is to find what is accepted now.
        let now = self.client.learn_again(&url, &self.token_request, self.timeout).await?;
        if now.app_id() == app.app_id() && now.accepted_scope() == app.accepted_scope() {
            return Err(refused);
        }
        let Some(again) = again else { return Err(outdated(url)) };
        self.token_request = self.token_request.for_scopes(now.accepted_scope())?;
        self.exchange(again).await
    }

    pub(super) async fn exchange(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let exchange = Exchange::new(&request.uri().to_string())?.follow(self.max_redirects);
        call(&*self.client.transport, exchange, request, self.timeout, |claims| self.token(claims)).await
    }

    async fn token(&self, claims: Option<String>) -> Result<Token, Error> {
        let token = match claims {
            Some(claims) => self.client.token_for(&self.token_request.clone().claims(Some(claims))).await?,
            None => self.client.token_for(&self.token_request).await?,
        };
        if let Some(show) = &self.on_token {
            show(&token);
        }
        Ok(token)
    }
}

/// A GET without a token.
pub(super) async fn probe(transport: &dyn Transport, url: &str, timeout: Duration) -> Result<Response<Body>, Error> {
    transport.send(get(url)?, timeout).await.map_err(|error| Error::from_adapter(Port::App, error))
}

impl std::fmt::Debug for AsyncCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncCall")
            .field("token_request", &self.token_request)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
