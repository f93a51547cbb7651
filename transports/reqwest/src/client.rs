//! The client as a service of the crate `http`, with what the port wants of it besides.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_dial::Place;
use entrada_tower::RequestBody;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response, Uri};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use reqwest::{Body, Client, Url};
use tower_service::Service;

use crate::failure::{Failure, explain, is_cut};
use crate::proxies::{Proxies, address};

/// Sends through a [`Client`].
#[derive(Clone)]
pub(crate) struct ReqwestService {
    pub(crate) client: Client,
    /// What it was built with; none, where the program built it.
    pub(crate) proxies: Proxies,
}

impl ReqwestService {
    /// Says which way the request goes, where that is ours to say.
    fn place(&self, uri: &Uri, timeout: Duration) -> Result<Place, AdapterError> {
        let mut place = Place::of(uri, timeout);
        if let Ok(url) = Url::parse(&uri.to_string())
            && let Some(proxy) = self.proxies.for_url(&url)?
        {
            place.through(address(&proxy));
        }
        Ok(place)
    }
}

/// The limit on each wait, beside a request: for the sentence about one that took too long.
#[derive(Clone, Copy, Default)]
pub(crate) struct Timeout(pub(crate) Duration);

type Incoming = UnsyncBoxBody<<Body as http_body::Body>::Data, AdapterError>;

impl Service<Request<RequestBody>> for ReqwestService {
    type Response = Response<Incoming>;
    type Error = AdapterError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, AdapterError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AdapterError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let Timeout(timeout) = parts.extensions.get().copied().unwrap_or_default();
            let place = service.place(&parts.uri, timeout)?;
            let client = service.client;
            let again = (body.is_end_stream() && parts.method.is_safe()).then(|| parts.clone());
            let mut answer = send(&client, parts, Unrepeatable(Some(body))).await;
            if let (Err(Failure::Reqwest(error)), Some(parts)) = (&answer, again)
                && is_cut(error)
            {
                answer = send(&client, parts, Unrepeatable(None)).await;
            }
            let answer = answer.map_err(|failure| failure.explain(&place))?;
            Ok(answer.map(|body| body.map_err(move |error| explain(&place, error)).boxed_unsync()))
        })
    }
}

async fn send(client: &Client, parts: Parts, body: Unrepeatable) -> Result<Response<Body>, Failure> {
    let request = Request::from_parts(parts, Body::wrap(body));
    let request = reqwest::Request::try_from(request).map_err(Failure::Reqwest)?;
    let asked = request.url().clone();
    let answer = client.execute(request).await.map_err(Failure::Reqwest)?;
    match answer.url() {
        there if *there != asked => Err(Failure::Followed(there.origin().ascii_serialization())),
        _ => Ok(answer.into()),
    }
}

/// A body that reqwest cannot send a second time, not even where it is empty: then it cannot follow a redirect that
/// wants the same request once more.
struct Unrepeatable(Option<RequestBody>);

impl http_body::Body for Unrepeatable {
    type Data = <RequestBody as http_body::Body>::Data;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, io::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(RequestBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(body) if !body.is_end_stream() => body.size_hint(),
            // A hint of zero would be taken for a body that can be had again.
            _ => SizeHint::default(),
        }
    }
}
