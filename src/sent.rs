//! A request that was sent, and may have to be sent again: with another token, or to where a redirect leads.

use entrada_core::ports::blocking::Body;
use entrada_core::protocol::AppCall;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, StatusCode, Uri};

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

    /// The request that a redirect asks for (RFC 9110 15.4), and where it goes: another origin gets no
    /// credentials, and a 303, or a 301 or 302 to a POST, becomes a GET.
    pub(crate) fn redirected(
        mut self,
        status: StatusCode,
        app: &AppCall,
        to: &str,
    ) -> Option<(Request<Body>, AppCall)> {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Some(Vec::new());
            for of_the_body in [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING] {
                self.headers.remove(of_the_body);
            }
        }
        let target = AppCall::new(to).ok()?;
        if !app.is_same_origin(&target) {
            for credential in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                self.headers.remove(credential);
            }
        }
        self.uri = to.parse().ok()?;
        Some((self.again()?, target))
    }
}
