//! A request that was sent, and may have to be sent again: with another token, or to where a redirect leads.

use entrada_core::ports::blocking::Body;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Uri};

/// The head of a request, and its body where that is in memory: a stream is gone once it was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Sent {
    pub(crate) fn of(request: &Request<Body>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: request.body().as_bytes().map(<[u8]>::to_vec),
        }
    }

    /// The same once more; `None` where the body was a stream.
    pub(crate) fn again(self) -> Option<Request<Body>> {
        let mut request = Request::new(Body::from(self.body?));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        Some(request)
    }

    /// The same to where a redirect leads; `None` where the body was a stream, and is needed.
    pub(crate) fn redirected(mut self, to: &str, as_get: bool, keeps_credentials: bool) -> Option<Request<Body>> {
        if as_get {
            self.method = Method::GET;
            self.body = Some(Vec::new());
            for of_the_body in [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING] {
                self.headers.remove(of_the_body);
            }
        }
        if !keeps_credentials {
            for credential in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                self.headers.remove(credential);
            }
        }
        self.uri = to.parse().ok()?;
        self.again()
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }
}
