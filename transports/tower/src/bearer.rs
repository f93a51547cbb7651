//! The Bearer as a layer.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use entrada_core::Error;
use entrada_core::ports::asynchronous::TokenProvider;
use entrada_core::protocol::{AppCall, Exchange, Next};
use futures::future::BoxFuture;
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxError;

/// Puts the Bearer on the requests to one app, and on no others.
///
/// - A request to the app's origin gets the token that the [`TokenProvider`] gives, in place of any
///   `Authorization`; one to another origin passes as it is. Below a layer that follows redirects, each of its
///   requests is looked at by itself.
/// - Where the app demands claims, a token with them is asked for and the request sent once more, if its body can be
///   cloned; else the demand is the answer, and the next request has that token.
/// - The application proxy's redirect to its sign-in page is the error [`Error::ProxyRefused`].
///
/// Errors are the service's own or an [`Error`], boxed.
///
/// ```
/// use entrada_core::ports::asynchronous::TokenProvider;
/// use entrada_tower::BearerLayer;
/// use tower_layer::Layer;
///
/// fn calling_hr<S>(client: S, tokens: impl TokenProvider + 'static) -> Result<entrada_tower::Bearer<S>, entrada_core::Error> {
///     Ok(BearerLayer::new("https://hr-contoso.msappproxy.net/", tokens)?.layer(client))
/// }
/// ```
#[derive(Clone)]
pub struct BearerLayer<C = Cloned> {
    app: AppCall,
    tokens: Arc<dyn TokenProvider>,
    clone_body: C,
}

impl BearerLayer {
    /// For the app at this URL, https or http on loopback, with tokens from there; for bodies that are [`Clone`].
    pub fn new(app_url: &str, tokens: impl TokenProvider + 'static) -> Result<Self, Error> {
        Ok(Self { app: AppCall::new(app_url)?, tokens: Arc::new(tokens), clone_body: Cloned })
    }
}

impl<C> BearerLayer<C> {
    /// For other bodies: how to get a second one, `None` where there is no way.
    pub fn clone_body_with<D>(self, clone_body: D) -> BearerLayer<D> {
        BearerLayer { app: self.app, tokens: self.tokens, clone_body }
    }
}

/// A way to get a second body for a request that may have to be sent again; a closure is one.
pub trait CloneBody<B> {
    /// The same body once more; `None` where it cannot be had.
    fn clone_body(&self, body: &B) -> Option<B>;
}

/// Bodies are cloned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cloned;

impl<B: Clone> CloneBody<B> for Cloned {
    fn clone_body(&self, body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl<B, F: Fn(&B) -> Option<B>> CloneBody<B> for F {
    fn clone_body(&self, body: &B) -> Option<B> {
        self(body)
    }
}

impl<S, C: Clone> Layer<S> for BearerLayer<C> {
    type Service = Bearer<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Bearer { inner, layer: self.clone() }
    }
}

/// The service that a [`BearerLayer`] makes.
#[derive(Clone)]
pub struct Bearer<S, C = Cloned> {
    inner: S,
    layer: BearerLayer<C>,
}

impl<S, C, B, R> Service<Request<B>> for Bearer<S, C>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    C: CloneBody<B> + Clone + Send + 'static,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<R>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // It is this one that is ready, not its clone.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        Box::pin(self.layer.clone().send(inner, request))
    }
}

impl<C> BearerLayer<C> {
    async fn send<S, B, R>(self, mut service: S, mut request: Request<B>) -> Result<Response<R>, BoxError>
    where
        S: Service<Request<B>, Response = Response<R>>,
        S::Error: Into<BoxError>,
        C: CloneBody<B>,
    {
        let to = request.uri().to_string();
        if !AppCall::new(&to).is_ok_and(|to| self.app.is_same_origin(&to)) {
            return service.call(request).await.map_err(Into::into);
        }
        let mut exchange = Exchange::new(&to)?;
        let mut token = self.tokens.token(None).await?;
        loop {
            exchange.authorize(&token, request.headers_mut())?;
            let method = request.method().clone();
            let again = self.again(&request);
            let response = service.call(request).await.map_err(Into::into)?;
            let Next::Replay { claims } =
                exchange.heard_http(&token, &method, response.status(), response.headers())?
            else {
                return Ok(response);
            };
            token = self.tokens.token(Some(claims)).await?;
            request = match again {
                Some(again) => again,
                None => return Ok(response),
            };
            poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
        }
    }

    fn again<B>(&self, request: &Request<B>) -> Option<Request<B>>
    where
        C: CloneBody<B>,
    {
        let mut again = Request::new(self.clone_body.clone_body(request.body())?);
        *again.method_mut() = request.method().clone();
        *again.uri_mut() = request.uri().clone();
        *again.version_mut() = request.version();
        *again.headers_mut() = request.headers().clone();
        *again.extensions_mut() = request.extensions().clone();
        Some(again)
    }
}

impl<C> fmt::Debug for BearerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerLayer").field("app", &self.app.url()).finish_non_exhaustive()
    }
}

impl<S, C> fmt::Debug for Bearer<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("app", &self.layer.app.url()).finish_non_exhaustive()
    }
}
