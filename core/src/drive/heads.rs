//! Heads of the crate `http`, for those parts of the protocol that read names and values.

use std::string::String;
use std::vec::Vec;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::protocol::{AppCall, DiscoveryError, EdgeAnswer, EdgeHeaders, Exchange, Next, PublishedApp};
use crate::{Authority, Error, Token};

/// With the feature `std`: the same for heads of the crate `http`, as middleware has them in its hands.
impl Exchange {
    /// Puts the Bearer on, where the request that is due goes to the app's own origin; nobody else's stays there.
    ///
    /// Fails with [`Error::Config`] where the token has characters that no header can carry.
    pub fn authorize(&self, token: &Token, headers: &mut HeaderMap) -> Result<(), Error> {
        headers.remove(AUTHORIZATION);
        if let Some(bearer) = self.authorization(token) {
            let mut value = HeaderValue::from_str(bearer.expose())
                .map_err(|_| Error::Config("the token has characters that no header can carry".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(())
    }

    /// Reads the head of an answer; see [`heard`](Exchange::heard).
    pub fn heard_http(
        &mut self,
        token: &Token,
        method: &Method,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Next, Error> {
        with_pairs(headers, |headers| self.heard(token, method.as_str(), status.as_u16(), headers))
    }
}

/// With the feature `std`: the same for heads of the crate `http`.
impl EdgeAnswer {
    /// Reads an answer; see [`read`](EdgeAnswer::read).
    pub fn read_http(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        with_pairs(headers, |headers| Self::read(status.as_u16(), headers, body))
    }
}

/// With the feature `std`: the same for heads of the crate `http`.
impl EdgeHeaders {
    /// Reads the headers of an answer; see [`read`](EdgeHeaders::read).
    pub fn read_http(headers: &HeaderMap) -> Self {
        with_pairs(headers, Self::read)
    }
}

/// With the feature `std`: the same for heads of the crate `http`.
impl PublishedApp {
    /// Reads what came back to a request without a token; see [`read`](PublishedApp::read).
    pub fn read_http(
        asked: &AppCall,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        named: Option<&Authority>,
    ) -> Result<Self, DiscoveryError> {
        with_pairs(headers, |headers| Self::read(asked, status.as_u16(), headers, body, named))
    }
}

/// The headers as names and values; what is no UTF-8 in them is replaced.
fn with_pairs<T>(headers: &HeaderMap, read: impl FnOnce(&[(&str, &str)]) -> T) -> T {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let owned: Vec<(&str, String)> = headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let pairs: Vec<(&str, &str)> = owned.iter().map(|(name, value)| (*name, value.as_str())).collect();
    read(&pairs)
}
