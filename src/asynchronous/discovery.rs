//! From a URL alone, without waiting.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_core::protocol::{PublishedApp, Settling};
use entrada_core::{Authority, Error, Flow, TokenRequest};
use http::Response;

use super::adapters::AsyncClientBuilder;
use super::call::{AsyncCall, probe};
use super::client::{AsyncClient, SignInWith};
use crate::call::get;
use crate::discovery::{CONFIRMATION_TIMEOUT, ENOUGH, PAGE_TIMEOUT, confirmed_by, has_page, in_cloud, is_sure, read};

impl AsyncClientBuilder {
    /// A client for the published app at this URL, and what is known of the app; see
    /// [`discover`](crate::ClientBuilder::discover) of the client that waits.
    pub async fn discover(self, url: &str) -> Result<(AsyncClient, PublishedApp), Error> {
        self.discovered(url, true).await
    }

    /// The same from the URL itself, whatever is known from earlier calls.
    pub async fn discover_anew(self, url: &str) -> Result<(AsyncClient, PublishedApp), Error> {
        self.discovered(url, false).await
    }

    async fn discovered(mut self, url: &str, may_know: bool) -> Result<(AsyncClient, PublishedApp), Error> {
        let named = self.named()?;
        let (transport, cache) = self.asked()?;
        let snapshot = if may_know { cache.snapshot().await.ok() } else { None };
        let app = match snapshot.and_then(|snapshot| snapshot.published_app(url, named.as_ref())) {
            Some(app) => app,
            None => discover(&*transport, url, named.as_ref(), self.timeout).await?,
        };
        let app = in_cloud(url, app, self.cloud)?;
        Ok((self.authority(app.authority().clone()).build()?, app))
    }
}

impl AsyncClient {
    /// Begins a call to a published app that was [discovered](AsyncClientBuilder::discover); see
    /// [`reach`](crate::Client::reach) of the client that waits.
    pub fn reach(&self, app: &PublishedApp) -> Result<AsyncCall<'_>, Error> {
        Ok(AsyncCall::new(self, TokenRequest::new(app.scopes().first())?, Some(app.clone())))
    }

    /// Finds out which of a published app's scopes the proxy accepts; see [`settle`](crate::Client::settle) of the client
    /// that waits.
    pub async fn settle(&self, app: PublishedApp, request: &TokenRequest) -> Result<PublishedApp, Error> {
        self.settle_within(app, request, self.timeout).await
    }

    pub(super) async fn settle_within(
        &self,
        app: PublishedApp,
        request: &TokenRequest,
        timeout: Duration,
    ) -> Result<PublishedApp, Error> {
        if app.accepted_scope().is_some() {
            return Ok(app);
        }
        let external_url = app.external_url().to_owned();
        let refusing: SignInWith = Arc::new(|_, _, needed| Box::pin(ready(Err(needed))));
        let quiet = Self { sign_in_with: Some(refusing), ..self.clone() };
        let mut settling = Settling::of(app);
        loop {
            let request = request.clone().for_scopes([settling.next()?])?;
            let client = if settling.may_ask() { self } else { &quiet };
            let tried = client.call(&request).timeout(timeout).exchange(get(&external_url)?).await;
            let is_sure = tried.as_ref().is_ok_and(|response| is_sure(response.status()));
            let Some(app) = settling.ended(tried.map(drop))? else { continue };
            if is_sure && let Err(error) = self.run(Flow::remember(self.app(), app.clone())).await {
                tracing::debug!(%error, "what was learnt could not be noted");
            }
            return Ok(app);
        }
    }

    pub(super) async fn learn_again(
        &self,
        url: &str,
        request: &TokenRequest,
        timeout: Duration,
    ) -> Result<PublishedApp, Error> {
        let app = discover(&*self.transport, url, Some(self.app().authority()), timeout).await?;
        self.settle_within(app, request, timeout).await
    }
}

async fn discover(
    transport: &dyn Transport,
    url: &str,
    named: Option<&Authority>,
    timeout: Duration,
) -> Result<PublishedApp, Error> {
    let (head, body) = probe(transport, url, timeout).await?.into_parts();
    let beginning = match has_page(head.status) {
        true => body.read_beginning(ENOUGH, timeout.min(PAGE_TIMEOUT)).await,
        false => Vec::new(),
    };
    let app = read(url, &Response::from_parts(head, ()), &beginning, named)?;
    Ok(confirmed(transport, app, timeout.min(CONFIRMATION_TIMEOUT)).await)
}

async fn confirmed(transport: &dyn Transport, app: PublishedApp, timeout: Duration) -> PublishedApp {
    let Some(request) = app.confirmation_url().and_then(|url| get::<Body>(&url).ok()) else { return app };
    match transport.send(request, timeout).await {
        Ok(response) => confirmed_by(app, &response),
        Err(error) => {
            tracing::debug!(%error, "the authority could not be asked whether the app is at its URL");
            app
        }
    }
}
