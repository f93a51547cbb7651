//! From a URL alone: whom to ask for tokens, and for which scope.

use std::sync::Arc;
use std::time::Duration;

use entrada_core::ports::blocking::{Body, Transport};
use entrada_core::protocol::{AppCall, DiscoveryError, DiscoveryTrouble, PublishedApp, Settling};
use entrada_core::{Authority, Cloud, Error, Flow, TokenRequest};
use http::{Response, StatusCode};

use crate::adapters::ClientBuilder;
use crate::call::{Call, PATIENCE, get, probe};
use crate::client::Client;

/// The longest that the authority may take to say whether an app is at a URL.
pub(crate) const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(30);
/// As much of a body as tells a page of the proxy's from one of the app's, in bytes.
pub(crate) const ENOUGH: usize = 64 * 1024;
/// The longest that this may take to come, where it comes by and by.
pub(crate) const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

impl ClientBuilder {
    /// A client for the published app at this URL, and what is known of the app: from an earlier call, or from the URL
    /// itself, which is asked without a token.
    ///
    /// An authority or tenant that was named stays, and the URL must lead to it; else it must lead to one of
    /// Microsoft's. Fails with [`Error::Discovery`] where it does not, or tells nothing; see [`PublishedApp`] for what
    /// is trusted, and why.
    ///
    /// ```no_run
    /// let url = "https://hr-contoso.msappproxy.net/api/me";
    /// let (client, app) = entrada::Client::builder("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4").discover(url)?;
    /// let reply = client.reach(&app)?.get(url)?;
    /// # drop(reply);
    /// # Ok::<(), entrada::Error>(())
    /// ```
    pub fn discover(self, url: &str) -> Result<(Client, PublishedApp), Error> {
        self.discovered(url, true)
    }

    /// The same from the URL itself, whatever is known from earlier calls.
    pub fn discover_anew(self, url: &str) -> Result<(Client, PublishedApp), Error> {
        self.discovered(url, false)
    }

    fn discovered(mut self, url: &str, may_know: bool) -> Result<(Client, PublishedApp), Error> {
        let named = self.named()?;
        let (transport, cache) = self.asked()?;
        // A cache that cannot be read now says so when a token is looked for.
        let look = || cache.snapshot().ok()?.published_app(url, named.as_ref());
        let app = match may_know.then(look).flatten() {
            Some(app) => app,
            None => discover_within(&*transport, url, named.as_ref(), self.timeout)?,
        };
        let app = in_cloud(url, app, self.cloud)?;
        Ok((self.authority(app.authority().clone()).build()?, app))
    }
}

impl Client {
    /// Begins a call to a published app that was [discovered](ClientBuilder::discover).
    ///
    /// Where it is not known yet which of its scopes the proxy accepts, that is found out first, as
    /// [`settle`](Client::settle) does.
    pub fn reach(&self, app: &PublishedApp) -> Result<Call<'_>, Error> {
        Ok(Call::new(self, TokenRequest::new(app.scopes().first())?, Some(app.clone())))
    }

    /// Finds out which of a published app's scopes the proxy accepts, by a GET of its external URL with a token for each;
    /// what it accepts is noted in the cache. Does nothing where that is known already.
    ///
    /// The request says for whom and how fresh; its scopes are of no weight. Where the user has to be seen, a sign-in is made as for
    /// any token, but not for each scope: see [`Settling`]. Fails with [`Error::Discovery`] where no scope is accepted.
    pub fn settle(&self, app: PublishedApp, request: &TokenRequest) -> Result<PublishedApp, Error> {
        self.settle_within(app, request, self.timeout)
    }

    pub(crate) fn settle_within(
        &self,
        app: PublishedApp,
        request: &TokenRequest,
        timeout: Duration,
    ) -> Result<PublishedApp, Error> {
        if app.accepted_scope().is_some() {
            return Ok(app);
        }
        let external_url = app.external_url().to_owned();
        let quiet = Self { sign_in_with: Some(Arc::new(|_, _, needed| Err(needed))), ..self.clone() };
        let mut settling = Settling::of(app);
        loop {
            let request = request.clone().for_scopes([settling.next()?])?;
            let client = if settling.may_ask() { self } else { &quiet };
            let tried = client.call(&request).timeout(timeout).get(&external_url);
            let is_sure = tried.as_ref().is_ok_and(|response| is_sure(response.status()));
            let Some(app) = settling.ended(tried.map(drop))? else { continue };
            if is_sure && let Err(error) = self.run(Flow::remember(self.app(), app.clone())) {
                tracing::debug!(%error, "what was learnt could not be noted");
            }
            return Ok(app);
        }
    }

    /// The same anew, where what was accepted once is no longer; the authority stays.
    pub(crate) fn learn_again(
        &self,
        url: &str,
        request: &TokenRequest,
        timeout: Duration,
    ) -> Result<PublishedApp, Error> {
        let app = discover_within(&*self.transport, url, Some(self.app().authority()), timeout)?;
        self.settle_within(app, request, timeout)
    }
}

/// Asks a URL, without a token, whom to ask for tokens; see [`ClientBuilder::discover`]. Nothing is looked up or noted.
pub fn discover(transport: &dyn Transport, url: &str, named: Option<&Authority>) -> Result<PublishedApp, Error> {
    discover_within(transport, url, named, PATIENCE)
}

fn discover_within(
    transport: &dyn Transport,
    url: &str,
    named: Option<&Authority>,
    timeout: Duration,
) -> Result<PublishedApp, Error> {
    let mut response = probe(transport, url, timeout)?;
    // A page that is cut tells no less by its head.
    let beginning = match has_page(response.status()) {
        true => response.body_mut().read_beginning(ENOUGH, timeout.min(PAGE_TIMEOUT)),
        false => Vec::new(),
    };
    let app = read(url, &response, &beginning, named)?;
    Ok(confirmed(transport, app, timeout.min(CONFIRMATION_TIMEOUT)))
}

/// With the authority's word on whether the app is at the URL, where it can be had.
fn confirmed(transport: &dyn Transport, app: PublishedApp, timeout: Duration) -> PublishedApp {
    let asked = app.confirmation_url().and_then(|url| get::<Body>(&url).ok());
    match asked.map(|request| transport.send(request, timeout)) {
        Some(Ok(response)) => confirmed_by(app, &response),
        Some(Err(error)) => {
            tracing::debug!(%error, "the authority could not be asked whether the app is at its URL");
            app
        }
        None => app,
    }
}

/// The proxy's pages come with errors; what comes with others may be without end.
pub(crate) fn has_page(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Whether an answer tells for sure that the token was accepted, so that it can be noted: some refuse by a status, and
/// some have not even looked at it.
pub(crate) fn is_sure(status: StatusCode) -> bool {
    !(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
        || status.is_server_error())
}

/// The app, if it is in the cloud that was named.
pub(crate) fn in_cloud(url: &str, app: PublishedApp, named: Option<Cloud>) -> Result<PublishedApp, Error> {
    match named.filter(|named| app.cloud().is_some_and(|cloud| cloud != *named)) {
        None => Ok(app),
        Some(named) => {
            let found = app.authority().url();
            let named = format!("https://{}", named.login_host());
            Err(DiscoveryError::new(url, DiscoveryTrouble::OtherAuthority { found, named }).into())
        }
    }
}

/// What an answer tells of the app.
pub(crate) fn read<B>(
    url: &str,
    response: &Response<B>,
    body: &[u8],
    named: Option<&Authority>,
) -> Result<PublishedApp, Error> {
    Ok(PublishedApp::read_http(&AppCall::new(url)?, response.status(), response.headers(), body, named)?)
}

/// What the authority's answer says.
pub(crate) fn confirmed_by<B>(app: PublishedApp, response: &Response<B>) -> PublishedApp {
    let location = response.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
    app.confirmed_by(response.status().as_u16(), location)
}
