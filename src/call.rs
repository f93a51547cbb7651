//! The call to the app: the Bearer on, the answer read, a claims challenge answered, redirects followed on request.

use std::time::Duration;

use entrada_core::ports::blocking::{Body, Transport};
use entrada_core::protocol::{AppCall, ProxyRefused, Verdict};
use entrada_core::{Error, Port, Token, TokenRequest};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::client::Client;

/// Application proxy gives an app up to 180 seconds; a shorter patience would blame the wrong side
/// (application-proxy-faq).
const PATIENCE: Duration = Duration::from_secs(200);

/// A call to the app, about to be made; begun by [`Client::call`].
pub struct Call<'a> {
    client: &'a Client,
    token_request: TokenRequest,
    timeout: Duration,
    max_redirects: u32,
    on_token: Option<Box<dyn Fn(&Token) + 'a>>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a Client, token_request: TokenRequest) -> Self {
        Self { client, token_request, timeout: PATIENCE, max_redirects: 0, on_token: None }
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
    /// sent once more, if its body is in memory.
    pub fn send(self, request: Request<Body>) -> Result<Response<Body>, Error> {
        let app = AppCall::new(&request.uri().to_string())?;
        let mut here = app.clone();
        let mut token = self.token(&self.token_request)?;
        let mut request = request;
        let mut redirects = 0;
        let mut may_replay = true;
        loop {
            let replay = copy(&request);
            let response = self.exchange(&app, &token, request)?;
            request = match (read(&app, &here, &response), replay) {
                (Verdict::ClaimsDemanded { claims }, Some(replay)) if may_replay => {
                    may_replay = false;
                    token = self.token(&self.token_request.clone().claims(Some(claims)))?;
                    replay
                }
                (Verdict::ProxyRefused(edge), _) => {
                    return Err(Error::ProxyRefused(Box::new(ProxyRefused::new(edge, &token.secret))));
                }
                (Verdict::Redirect { to, .. }, Some(replay)) if self.max_redirects > 0 => {
                    redirects += 1;
                    if redirects > self.max_redirects {
                        return Err(Error::TooManyRedirects(self.max_redirects));
                    }
                    match redirected(replay, response.status(), &app, &to) {
                        Some((next, target)) => {
                            here = target;
                            next
                        }
                        None => return Ok(response),
                    }
                }
                _ => return Ok(response),
            };
        }
    }

    fn token(&self, request: &TokenRequest) -> Result<Token, Error> {
        let token = self.client.token_for(request)?;
        if let Some(show) = &self.on_token {
            show(&token);
        }
        Ok(token)
    }

    fn exchange(&self, call: &AppCall, token: &Token, mut request: Request<Body>) -> Result<Response<Body>, Error> {
        request.headers_mut().remove(AUTHORIZATION);
        if let Some(bearer) = call.authorization(token, &request.uri().to_string()) {
            let mut value = HeaderValue::from_str(bearer.expose())
                .map_err(|_| Error::Config("the token has characters that no header can carry".into()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.client.transport.send(request, self.timeout).map_err(|error| Error::from_adapter(Port::App, error))
    }
}

/// What the answer from here means. A stranger may redirect further, and has no say about the token.
fn read(app: &AppCall, here: &AppCall, response: &Response<Body>) -> Verdict {
    let headers: Vec<(&str, &str)> =
        response.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    match here.verdict(response.status().as_u16(), &headers) {
        verdict @ Verdict::Redirect { .. } => verdict,
        verdict if app.is_same_origin(here) => verdict,
        _ => Verdict::Deliver,
    }
}

/// A GET without a token.
pub(crate) fn probe(transport: &dyn Transport, url: &str) -> Result<Response<Body>, Error> {
    transport.send(get(url)?, PATIENCE).map_err(|error| Error::from_adapter(Port::App, error))
}

fn get(url: &str) -> Result<Request<Body>, Error> {
    let request = Request::get(AppCall::new(url)?.url()).body(Body::empty());
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

/// The request once more, where its body is in memory.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let body = Body::from(request.body().as_bytes()?.to_vec());
    let mut copy = Request::new(body);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// The request that a redirect asks for (RFC 9110 15.4), and where it goes: another origin gets no credentials, and
/// a 303, or a 301 or 302 to a POST, becomes a GET.
fn redirected(
    mut request: Request<Body>,
    status: StatusCode,
    app: &AppCall,
    to: &str,
) -> Option<(Request<Body>, AppCall)> {
    let becomes_get = match status {
        StatusCode::SEE_OTHER => *request.method() != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *request.method() == Method::POST,
        _ => false,
    };
    if becomes_get {
        *request.method_mut() = Method::GET;
        *request.body_mut() = Body::empty();
        request.headers_mut().remove(CONTENT_TYPE);
        request.headers_mut().remove(CONTENT_LENGTH);
    }
    let target = AppCall::new(to).ok()?;
    if !app.is_same_origin(&target) {
        for credential in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            request.headers_mut().remove(credential);
        }
    }
    *request.uri_mut() = to.parse::<Uri>().ok()?;
    Some((request, target))
}
