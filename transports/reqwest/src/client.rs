//! The client as a service of the crate `http`, with what the port wants of it besides.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use entrada_core::Fault;
use entrada_tower::{RequestBody, links};
use futures::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use reqwest::{Body, Client, Url};
use tower_service::Service;

/// Sends through a [`Client`].
#[derive(Clone)]
pub(crate) struct ReqwestService(pub(crate) Client);

impl Service<Request<RequestBody>> for ReqwestService {
    type Response = Response<Body>;
    type Error = ReqwestError;
    type Future = BoxFuture<'static, Result<Response<Body>, ReqwestError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ReqwestError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let again = (body.is_end_stream() && parts.method.is_safe()).then(|| parts.clone());
            match (send(&client, parts, Unrepeatable(Some(body))).await, again) {
                (Err(ReqwestError::Reqwest(error)), Some(parts)) if is_cut(&error) => {
                    send(&client, parts, Unrepeatable(None)).await
                }
                (answer, _) => answer,
            }
        })
    }
}

async fn send(client: &Client, parts: Parts, body: Unrepeatable) -> Result<Response<Body>, ReqwestError> {
    let request = Request::from_parts(parts, Body::wrap(body));
    let request = reqwest::Request::try_from(request).map_err(|_| ReqwestError::NoUrl)?;
    let asked = request.url().clone();
    let answer = client.execute(request).await.map_err(|error| ReqwestError::Reqwest(error.without_url()))?;
    if answer.url() != &asked { Err(ReqwestError::Followed(origin(answer.url()))) } else { Ok(answer.into()) }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
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

#[derive(Debug)]
pub(crate) enum ReqwestError {
    Reqwest(reqwest::Error),
    /// The client followed a redirect, to there.
    Followed(String),
    NoUrl,
}

const FOLLOWS: &str = "the client follows redirects, which must not be: build it with `redirect(Policy::none())`";

impl fmt::Display for ReqwestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reqwest(error) => error.fmt(f),
            Self::Followed(to) => write!(f, "it redirects, and {FOLLOWS} (it ended at {to})"),
            Self::NoUrl => f.write_str("the URL is not a full http or https URL"),
        }
    }
}

impl Error for ReqwestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Reqwest(error) => Some(error),
            Self::Followed(_) | Self::NoUrl => None,
        }
    }
}

/// Whether the other side was there, and then closed the connection.
fn is_cut(error: &reqwest::Error) -> bool {
    use io::ErrorKind as Kind;
    !error.is_connect()
        && links(error).any(|link| {
            link.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_incomplete_message())
                || link.downcast_ref::<io::Error>().is_some_and(|error| {
                    matches!(
                        error.kind(),
                        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe
                    )
                })
        })
}

/// What reqwest's errors mean.
pub(crate) fn explain(link: &(dyn Error + 'static)) -> Option<(Fault, String)> {
    #[cfg(feature = "rustls")]
    if let Some(error) = link.downcast_ref::<rustls::Error>() {
        return Some((Fault::Untrusted, crate::roots::not_trusted(error)));
    }
    let told = |fault, text: &str| Some((fault, text.to_owned()));
    if let Some(error) = link.downcast_ref::<reqwest::Error>() {
        return match () {
            () if error.is_dns() => {
                told(Fault::Unreachable, "no address was found for it: check its spelling, the network or the VPN")
            }
            () if error.is_redirect() => told(Fault::Other, &format!("it redirects, and {FOLLOWS}")),
            // The source says no more than this.
            () if error.is_builder() => told(Fault::Other, "the URL is not a full http or https URL"),
            () => None,
        };
    }
    // The type of this one is private.
    match link.to_string().strip_prefix("tunnel error: ")? {
        "proxy authorization required" => {
            told(Fault::Denied, "the proxy on the way asks for a user and password (http://user:password@proxy:port)")
        }
        "unsuccessful" => told(Fault::Unreachable, "the proxy on the way does not allow it, or failed"),
        "unexpected end of file" => told(Fault::Unreachable, "the proxy on the way did not answer"),
        _ => None,
    }
}
