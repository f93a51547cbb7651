//! HTTP as the core sees it: plain data.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroize;

use crate::Secret;

/// The two methods that the protocol needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`, without a body.
    Get,
    /// `POST` of a form.
    Post,
}

impl Method {
    /// As it goes over the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request to the authority.
///
/// Redirects are not to be followed, whatever the transport does otherwise: an authority answers its
/// own endpoints.
#[derive(Clone)]
pub struct HttpQuery {
    /// The method.
    pub method: Method,
    /// An absolute URL, https, or http on loopback.
    pub url: String,
    /// Names in lower case, with their values.
    pub headers: Vec<(&'static str, String)>,
    /// The form of a `POST`, `application/x-www-form-urlencoded`; empty otherwise. It may hold secrets.
    pub body: Secret,
    /// How long the whole exchange may take.
    pub timeout: Duration,
    /// The largest body of an answer that is read, in bytes; beyond it, answer `Fault::TooLarge`.
    pub body_limit: usize,
}

impl fmt::Debug for HttpQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url)
    }
}

/// What came back, whatever its status. The body may hold secrets: it is wiped when the answer is dropped.
#[derive(Clone, Default)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Names with their values, in the order they came, each as text.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The first header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Drop for HttpAnswer {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// How the authority delivers the answer of an authorization request
/// (OAuth 2.0 Multiple Response Types 2.1, OAuth 2.0 Form Post Response Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// The browser posts a form to the redirect URI. The code stays out of histories and logs.
    FormPost,
    /// The parameters are in the query of the redirect URI.
    Query,
}

impl ResponseMode {
    /// As it goes over the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FormPost => "form_post",
            Self::Query => "query",
        }
    }
}
