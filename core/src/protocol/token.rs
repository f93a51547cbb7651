//! The token endpoint (RFC 6749 4.1.3, 6; RFC 8628 3.4).

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::answer::{read_object, seconds, text};
use super::id_token::{self, IdClaims};
use super::telemetry::{self, Anchor};
use super::{BODY_LIMIT, Form, HttpAnswer, HttpQuery, Method, TIMEOUT, with_reserved};
use crate::{App, Error, Secret};

/// How the request for a token is justified.
pub(crate) enum Grant<'a> {
    Code {
        code: &'a Secret,
        redirect_uri: &'a str,
        verifier: &'a Secret,
        /// Whom the sign-in was told to expect.
        login_hint: Option<&'a str>,
    },
    RefreshToken {
        secret: &'a Secret,
        /// The scopes that the sign-in was granted, where they are known.
        granted: &'a [String],
        /// The home account id of the user.
        account: &'a str,
    },
    DeviceCode(&'a Secret),
}

/// Builds the request to the token endpoint.
pub(crate) fn token_query(
    app: &App,
    endpoint: &str,
    grant: &Grant<'_>,
    scopes: &[String],
    claims: Option<&str>,
    correlation_id: Option<&str>,
) -> HttpQuery {
    let form = Form::new().with("client_id", app.client_id());
    let form = match grant {
        Grant::Code { code, redirect_uri, verifier, .. } => form
            .with("grant_type", "authorization_code")
            .with("code", code.expose())
            .with("redirect_uri", redirect_uri)
            .with("code_verifier", verifier.expose()),
        Grant::RefreshToken { secret, .. } => {
            form.with("grant_type", "refresh_token").with("refresh_token", secret.expose())
        }
        Grant::DeviceCode(code) => {
            form.with("grant_type", "urn:ietf:params:oauth:grant-type:device_code").with("device_code", code.expose())
        }
    };
    let scope = match (app.authority().issuer(), grant) {
        // A generic authority gives what the sign-in was granted, and nothing beyond it (RFC 6749 6).
        (Some(_), Grant::Code { .. }) => None,
        (Some(_), Grant::RefreshToken { granted, .. }) => Some(granted.join(" ")).filter(|granted| !granted.is_empty()),
        _ => Some(with_reserved(scopes)),
    };
    let client_info = app.authority().has_client_info().then_some("1");
    let form =
        form.with_some("scope", scope.as_deref()).with_some("client_info", client_info).with_some("claims", claims);
    let anchor = match grant {
        Grant::Code { login_hint, .. } => Anchor::LoginHint(*login_hint),
        Grant::RefreshToken { account, .. } => Anchor::Account(account),
        Grant::DeviceCode(_) => Anchor::Unknown,
    };
    post(endpoint, form, telemetry::headers(app, correlation_id, anchor))
}

/// A `POST` of a form to the authority.
pub(super) fn post(endpoint: &str, form: Form, telemetry: Vec<(&'static str, String)>) -> HttpQuery {
    let mut headers = vec![
        ("content-type", String::from("application/x-www-form-urlencoded")),
        ("accept", String::from("application/json")),
    ];
    headers.extend(telemetry);
    HttpQuery {
        method: Method::Post,
        url: endpoint.to_string(),
        headers,
        body: Secret::new(form.finish()),
        timeout: TIMEOUT,
        body_limit: BODY_LIMIT,
    }
}

/// What a token endpoint grants.
#[derive(Debug)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: Secret,
    pub(crate) expires_in: Duration,
    pub(crate) ext_expires_in: Option<Duration>,
    pub(crate) refresh_in: Option<Duration>,
    /// Empty where the answer named none: then the request's own hold.
    pub(crate) scopes: Vec<String>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) id_token: Option<Secret>,
    pub(crate) id_claims: Option<IdClaims>,
    pub(crate) client_info: Option<String>,
    pub(crate) home_account_id: Option<String>,
    pub(crate) family_id: Option<String>,
}

/// Reads the answer of the token endpoint.
pub(crate) fn read_token(answer: &HttpAnswer) -> Result<TokenAnswer, Error> {
    let object = read_object("the authority's token endpoint", answer)?;
    let Some(access_token) = text(&object, "access_token") else {
        return Err(Error::protocol("the authority's token endpoint answered without an access token"));
    };
    if !access_token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        return Err(Error::protocol("the authority issued an access token with characters that no header can carry"));
    }
    if let Some(kind) = text(&object, "token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(Error::protocol(alloc::format!("the authority issued a token of type {kind:?}, not a Bearer")));
    }
    let id_token = text(&object, "id_token").map(Secret::new);
    let id_claims = id_token.as_ref().and_then(|token| IdClaims::from_jwt(token.expose()));
    let client_info = text(&object, "client_info").map(String::from);
    let home_account_id = client_info
        .as_deref()
        .and_then(id_token::home_account_id)
        .or_else(|| id_claims.as_ref().and_then(|claims| claims.text("sub")).map(String::from));
    Ok(TokenAnswer {
        access_token: Secret::new(access_token),
        // RFC 6749 5.1 only recommends it; ten minutes is what MSAL for Python assumes.
        expires_in: seconds(&object, "expires_in").unwrap_or(Duration::from_secs(600)),
        ext_expires_in: seconds(&object, "ext_expires_in"),
        refresh_in: seconds(&object, "refresh_in"),
        scopes: text(&object, "scope").unwrap_or_default().split_whitespace().map(String::from).collect(),
        refresh_token: text(&object, "refresh_token").map(Secret::new),
        id_token,
        id_claims,
        client_info,
        home_account_id,
        family_id: text(&object, "foci").map(String::from),
    })
}
