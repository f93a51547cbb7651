//! The loops that run a flow, and a call to the app, over the ports: [`blocking`], and `asynchronous`
//! (feature `async`).

#[cfg(feature = "async")]
pub mod asynchronous;
pub mod blocking;
mod heads;
mod sent;
mod trace;

use std::boxed::Box;
use std::string::String;

use crate::ports::AdapterError;
use crate::ports::blocking::TryLock;
use crate::protocol::{HttpAnswer, HttpQuery};
use crate::{Error, Guarded, Lock};

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

/// The locks that a flow holds; given back when dropped.
#[derive(Default)]
struct Guards {
    cache: Option<Box<dyn Send>>,
    sign_in: Option<Box<dyn Send>>,
}

impl Guards {
    fn of(&mut self, guarded: &Guarded) -> &mut Option<Box<dyn Send>> {
        match guarded {
            Guarded::Cache => &mut self.cache,
            Guarded::SignIn(_) => &mut self.sign_in,
        }
    }

    fn take(&mut self, guarded: &Guarded, tried: TryLock) -> Lock {
        match tried {
            TryLock::Held(held) => {
                *self.of(guarded) = Some(held);
                Lock::Held
            }
            TryLock::Busy => Lock::Busy,
            TryLock::Unsupported => Lock::Unsupported,
        }
    }

    fn free(&mut self, guarded: &Guarded) {
        *self.of(guarded) = None;
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
