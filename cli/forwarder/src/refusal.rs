//! What the forwarder answers itself.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};

use crate::body::Reply;

/// The header that tells an answer of the forwarder's from one of the app's.
const ENTRADA_ERROR: HeaderName = HeaderName::from_static("x-entrada-error");

/// An answer that is not the app's: what happened, and what to do.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) help: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, kind: &'static str, text: String) -> Self {
        Self { status, kind, text, help: None }
    }

    pub(crate) fn into_response(self) -> Response<Reply> {
        let help = self.help.map(|help| format!("{help}\n")).unwrap_or_default();
        let mut response = Response::new(Reply::own(Bytes::from(format!("entrada: {}\n{help}", self.text))));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ENTRADA_ERROR, HeaderValue::from_static(self.kind));
        response
    }
}
