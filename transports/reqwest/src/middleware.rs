//! The Bearer as a middleware.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use entrada_core::ports::asynchronous::TokenProvider;
use entrada_core::protocol::{AppCall, EdgeRedirect, Exchange, ProxyRefused};
use entrada_core::{Error, Token};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

/// Puts the Bearer on the requests to one app, and on no others.
///
/// - A request to the app's origin gets the token that the [`TokenProvider`] gives, in place of any
///   `Authorization`; one to another origin passes as it is. Where the client below follows a redirect to another
///   origin, reqwest itself takes the Bearer off.
/// - Where the app demands claims, a token with them is asked for and the request sent once more, if its body is in
///   memory; else the demand is the answer, and the next request has that token.
/// - The application proxy's redirect to its sign-in page is the error [`Error::ProxyRefused`], also where the client
///   has followed it there: better build the client with
///   [`redirect(Policy::none())`](reqwest::redirect::Policy::none).
///
/// An [`Error`] of entrada's comes as [`reqwest_middleware::Error::Middleware`].
///
/// ```
/// use entrada_core::ports::asynchronous::TokenProvider;
/// use entrada_reqwest::BearerMiddleware;
/// use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
///
/// fn calling_hr(client: reqwest::Client, tokens: impl TokenProvider + 'static) -> Result<ClientWithMiddleware, entrada_core::Error> {
///     let bearer = BearerMiddleware::new("https://hr-contoso.msappproxy.net/", tokens)?;
///     Ok(ClientBuilder::new(client).with(bearer).build())
/// }
/// ```
#[derive(Clone)]
pub struct BearerMiddleware {
    app: AppCall,
    tokens: Arc<dyn TokenProvider>,
}

impl BearerMiddleware {
    /// For the app at this URL, https or http on loopback, with tokens from there.
    pub fn new(app_url: &str, tokens: impl TokenProvider + 'static) -> std::result::Result<Self, Error> {
        Ok(Self { app: AppCall::new(app_url)?, tokens: Arc::new(tokens) })
    }

    fn is_of_the_app(&self, url: &reqwest::Url) -> bool {
        AppCall::new(url.as_str()).is_ok_and(|to| self.app.is_same_origin(&to))
    }
}

#[async_trait]
impl Middleware for BearerMiddleware {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if !self.is_of_the_app(request.url()) {
            return next.run(request, extensions).await;
        }
        let mut exchange = Exchange::new(request.url().as_str()).map_err(told)?;
        let mut token = self.tokens.token(None).await.map_err(told)?;
        loop {
            exchange.authorize(&token, request.headers_mut()).map_err(told)?;
            let method = request.method().clone();
            let again = request.try_clone();
            let response = next.clone().run(request, extensions).await?;
            if !self.is_of_the_app(response.url()) {
                return elsewhere(response, &token);
            }
            let heard = exchange.heard_http(&token, &method, response.status(), response.headers());
            let entrada_core::protocol::Next::Replay { claims } = heard.map_err(told)? else {
                return Ok(response);
            };
            token = self.tokens.token(Some(claims)).await.map_err(told)?;
            request = match again {
                Some(again) => again,
                None => return Ok(response),
            };
        }
    }
}

/// The client has followed a redirect away from the app: to the proxy's sign-in, or to where the app itself led.
fn elsewhere(response: Response, token: &Token) -> Result<Response> {
    match EdgeRedirect::read(response.url().as_str()) {
        Some(edge) => Err(told(Error::ProxyRefused(Box::new(ProxyRefused::new(edge, &token.secret))))),
        None => Ok(response),
    }
}

fn told(error: Error) -> reqwest_middleware::Error {
    reqwest_middleware::Error::middleware(error)
}

impl fmt::Debug for BearerMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerMiddleware").field("app", &self.app.url()).finish_non_exhaustive()
    }
}
