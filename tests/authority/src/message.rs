//! Requests as they came and answers as they go.

use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Bytes;
use serde_json::Value;
use std::io;

pub(crate) type Body = BoxBody<Bytes, io::Error>;
pub(crate) type Reply = Response<Body>;

/// Names and values in the order in which they came.
pub(crate) type Pairs = Vec<(String, String)>;

/// A request whose body has been read.
#[derive(Debug, Clone)]
pub(crate) struct Inquiry {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Path and query as they came.
    pub(crate) target: String,
    pub(crate) query: Pairs,
    pub(crate) headers: HeaderMap,
    pub(crate) form: Pairs,
}

impl Inquiry {
    pub(crate) fn new(parts: &http::request::Parts, body: &[u8]) -> Self {
        let headers = parts.headers.clone();
        let form = if has_form_type(&headers) { pairs(body) } else { Vec::new() };
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let target = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        Self { method: parts.method.clone(), path: parts.uri.path().to_owned(), target, query, headers, form }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';')).find_map(
            |pair| {
                let (k, v) = pair.trim().split_once('=')?;
                (k == name).then_some(v)
            },
        )
    }

    pub(crate) fn is_form(&self) -> bool {
        has_form_type(&self.headers)
    }
}

fn has_form_type(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split(';').next())
        .is_some_and(|v| v.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

pub(crate) fn pairs(encoded: &[u8]) -> Pairs {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

/// The first value of a name.
pub(crate) fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

pub(crate) fn reply(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(full(body));
    *reply.status_mut() = status;
    set(&mut reply, "content-type", content_type);
    reply
}

pub(crate) fn html(status: StatusCode, page: String) -> Reply {
    let mut reply = reply(status, "text/html; charset=utf-8", page);
    set(&mut reply, "cache-control", "no-store, no-cache");
    set(&mut reply, "pragma", "no-cache");
    reply
}

pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
    let mut reply = reply(status, "application/json; charset=utf-8", body.to_string());
    set(&mut reply, "cache-control", "no-store, no-cache");
    set(&mut reply, "pragma", "no-cache");
    reply
}

pub(crate) fn redirect(to: &str) -> Reply {
    let mut reply = html(StatusCode::FOUND, String::new());
    set(&mut reply, "location", to);
    reply
}

/// Sets a header; a value that no header can hold is left out.
pub(crate) fn set(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        reply.headers_mut().insert(name, value);
    }
}
