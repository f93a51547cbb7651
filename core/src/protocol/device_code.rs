//! The device authorization grant (RFC 8628).

use alloc::string::String;
use core::time::Duration;

use super::answer::{read_object, seconds, text};
use super::telemetry::{self, Anchor};
use super::token::{Grant, post, token_query};
use super::{Form, HttpAnswer, HttpQuery, with_reserved};
use crate::{App, Error, Secret, TokenRequest};

/// What the authority hands out for one sign-in by user code.
#[derive(Clone, Debug)]
pub(crate) struct DeviceCode {
    pub(crate) secret: Secret,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) expires_in: Duration,
    pub(crate) interval: Duration,
}

/// The request for a user code.
pub(crate) fn device_code_query(app: &App, endpoint: &str, request: &TokenRequest, claims: Option<&str>) -> HttpQuery {
    let form = Form::new()
        .with("client_id", app.client_id())
        .with("scope", &with_reserved(request.scopes()))
        .with_some("claims", claims);
    post(endpoint, form, telemetry::headers(app, request.correlation_id.as_deref(), Anchor::Unknown))
}

/// One question whether the user has entered the code.
pub(crate) fn poll_query(
    app: &App,
    endpoint: &str,
    code: &DeviceCode,
    request: &TokenRequest,
    claims: Option<&str>,
) -> HttpQuery {
    let grant = Grant::DeviceCode(&code.secret);
    token_query(app, endpoint, &grant, request.scopes(), claims, request.correlation_id.as_deref())
}

/// Reads the answer of the device authorization endpoint.
pub(crate) fn read_device_code(answer: &HttpAnswer) -> Result<DeviceCode, Error> {
    let object = read_object("the authority's device code endpoint", answer)?;
    // Entra's v1 endpoint and some others spell it with `url`.
    let uri = text(&object, "verification_uri").or_else(|| text(&object, "verification_url"));
    let (Some(secret), Some(user_code), Some(verification_uri)) =
        (text(&object, "device_code"), text(&object, "user_code"), uri)
    else {
        return Err(Error::protocol("the authority's device code endpoint answered without a code"));
    };
    Ok(DeviceCode {
        secret: Secret::new(secret),
        user_code: String::from(user_code),
        verification_uri: String::from(verification_uri),
        verification_uri_complete: text(&object, "verification_uri_complete").map(String::from),
        message: text(&object, "message").map(String::from),
        expires_in: seconds(&object, "expires_in").unwrap_or(Duration::from_secs(900)),
        // RFC 8628 3.2: five seconds where none is named.
        interval: seconds(&object, "interval").unwrap_or(Duration::from_secs(5)).max(Duration::from_secs(1)),
    })
}
