//! Reading the authority's answers: JSON objects, error objects, and whatever else may come.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::ops::Deref;
use core::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::HttpAnswer;
use super::http_date::http_date;
use crate::error::ProtocolError;
use crate::{Error, ServerError};

/// The longest `Retry-After` that is taken at its word, as MSAL has it.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The object of an answer: its texts, of which any may be a secret, are wiped when it is dropped.
pub(super) struct Object(Map<String, Value>);

impl Deref for Object {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

/// The object of a 200 answer; an error for everything else.
pub(super) fn read_object(what: &str, answer: &HttpAnswer) -> Result<Object, Error> {
    let object = serde_json::from_slice(&answer.body).ok().map(Object);
    match object {
        Some(object) if answer.status == 200 && !object.contains_key("error") => Ok(object),
        Some(object) if object.get("error").is_some_and(Value::is_string) => {
            Err(Error::Server(Box::new(server_error(&object, answer))))
        }
        _ => Err(no_answer(what, answer)),
    }
}

/// An answer that is neither a result nor an OAuth error: an outage page, a captive portal, nothing at all.
fn no_answer(what: &str, answer: &HttpAnswer) -> Error {
    let kind = answer.header("content-type").map(|value| value.split(';').next().unwrap_or_default().trim());
    let what = if answer.body.is_empty() {
        format!("{what} answered with nothing")
    } else if (300..400).contains(&answer.status) {
        format!("{what} redirects elsewhere, which no authority does: check its URL, and proxies in between")
    } else {
        match kind {
            Some("application/json") | None => format!("{what} answered with JSON that cannot be read"),
            Some(kind) => {
                format!("{what} answered with {kind:?} instead of JSON: is its URL right, and no proxy in between?")
            }
        }
    };
    let correlation_id = answer.header("client-request-id").map(ToString::to_string);
    if matches!(answer.status, 408 | 429) || answer.status >= 500 {
        return Error::Server(Box::new(ServerError {
            error: String::from("temporarily_unavailable"),
            description: Some(format!("{what} (HTTP {})", answer.status)),
            correlation_id,
            retry_after: retry_after(answer),
            status: answer.status,
            ..ServerError::default()
        }));
    }
    Error::Protocol(Box::new(ProtocolError { what, status: Some(answer.status), correlation_id }))
}

fn server_error(object: &Map<String, Value>, answer: &HttpAnswer) -> ServerError {
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(String::from);
    ServerError {
        error: text("error").unwrap_or_default(),
        suberror: text("suberror"),
        description: text("error_description"),
        error_codes: object
            .get("error_codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|code| u32::try_from(code.as_u64()?).ok())
            .collect(),
        correlation_id: text("correlation_id").or_else(|| answer.header("client-request-id").map(String::from)),
        trace_id: text("trace_id"),
        claims: text("claims"),
        retry_after: retry_after(answer),
        status: answer.status,
        is_repeated: false,
        by_user_code: false,
    }
}

fn retry_after(answer: &HttpAnswer) -> Option<Duration> {
    // To wait for no time is to name none.
    pause(|name| answer.header(name)).filter(|wait| !wait.is_zero())
}

/// `Retry-After`, in seconds or as a date (RFC 9110 10.2.3), from headers by their names. A date counts from the answer's
/// own, as the server's clock and ours may differ.
pub(super) fn pause<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    let text = header("retry-after")?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => http_date(text)?.since(http_date(header("date")?)?),
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// A number of seconds, which authorities send as a number or as a string.
pub(super) fn seconds(object: &Map<String, Value>, name: &str) -> Option<Duration> {
    let seconds = match object.get(name)? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|float| float as u64))?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// A text that is there and not empty.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}
