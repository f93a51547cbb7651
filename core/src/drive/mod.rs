//! The two loops that run a flow over the ports: [`blocking`], and [`asynchronous`] (feature `async`).

#[cfg(feature = "async")]
pub mod asynchronous;
pub mod blocking;

use std::boxed::Box;
use std::string::String;

use crate::Error;
use crate::ports::AdapterError;
use crate::protocol::{HttpAnswer, HttpQuery};

/// Keeps the newest error of an adapter, to give it back where the flow ends because of it.
#[derive(Default)]
struct Cause(Option<AdapterError>);

impl Cause {
    fn note(&mut self, error: AdapterError) -> crate::Fault {
        let fault = error.fault();
        tracing::debug!(%fault, %error, "an adapter failed");
        self.0 = Some(error);
        fault
    }

    fn explain(self, error: Error) -> Error {
        match self.0 {
            Some(cause) => error.with_source(cause.into_source()),
            None => error,
        }
    }
}

/// The flow's own request as an `http` one.
fn http_request<B: From<String>>(query: &HttpQuery) -> Result<http::Request<B>, AdapterError> {
    let mut request = http::Request::builder().method(query.method.as_str()).uri(&query.url);
    for (name, value) in &query.headers {
        request = request.header(*name, value);
    }
    request
        .body(B::from(String::from(query.body.expose())))
        .map_err(|error| AdapterError::new(crate::Fault::Other, error))
}

/// The head of an `http` answer as the core's own; the body follows.
fn http_answer<B>(response: &http::Response<B>, body: std::vec::Vec<u8>) -> HttpAnswer {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    HttpAnswer {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(|(name, value)| (String::from(name.as_str()), text(value))).collect(),
        body,
    }
}

fn too_large(query: &HttpQuery) -> AdapterError {
    let sentence = std::format!("the answer is larger than {} bytes, which no authority's is", query.body_limit);
    AdapterError::new(crate::Fault::TooLarge, sentence)
}

/// A listener was needed and there is none: the flow was driven out of order.
fn no_listener() -> AdapterError {
    AdapterError::new(crate::Fault::Other, Box::<dyn std::error::Error + Send + Sync>::from("nothing listens"))
}
