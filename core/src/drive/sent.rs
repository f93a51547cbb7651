//! A request to the app that was sent, and may have to be sent again: with another token, or to where a redirect
//! leads. What both loops make of it stands here.

use std::vec::Vec;

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, EXPECT,
    HOST, HeaderName, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, Method, Request, Response, Uri};

use crate::protocol::{Exchange, Next};
use crate::{Error, Token};

/// What a request has on account of its body (RFC 9110, 15.4).
const OF_THE_BODY: [HeaderName; 7] =
    [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING];

/// The head of a request, and its body where that is in memory: a stream is gone once it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Sent {
    pub(super) fn of<B>(request: &Request<B>, body: Option<&[u8]>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: body.map(<[u8]>::to_vec),
        }
    }

    /// What the head of an answer leads to.
    pub(super) fn heard<B>(
        &self,
        exchange: &mut Exchange,
        token: &Token,
        response: &Response<B>,
    ) -> Result<Next, Error> {
        exchange.heard_http(token, &self.method, response.status(), response.headers())
    }

    /// The same once more; `None` where the body was a stream.
    pub(super) fn again<B: From<Vec<u8>>>(self) -> Option<Request<B>> {
        let mut request = Request::new(B::from(self.body?));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        Some(request)
    }

    /// The same to where a redirect leads; `None` where the body was a stream, and is needed.
    pub(super) fn redirected<B: From<Vec<u8>>>(
        mut self,
        to: &str,
        as_get: bool,
        keeps_credentials: bool,
    ) -> Option<Request<B>> {
        if as_get {
            self.method = Method::GET;
            self.body = Some(Vec::new());
            for of_the_body in OF_THE_BODY {
                self.headers.remove(of_the_body);
            }
        }
        if !keeps_credentials {
            for of_the_origin in [AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION] {
                self.headers.remove(of_the_origin);
            }
        }
        self.uri = to.parse().ok()?;
        self.again()
    }
}
