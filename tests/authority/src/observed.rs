//! What the stage saw and gave.

use crate::faults::Endpoint;
use crate::message::{Inquiry, value};
use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct RequestSeen {
    /// Where.
    pub endpoint: Endpoint,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path, undecoded.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Form parameters, decoded, in order. Empty at the proxy and at the app, which do not read bodies to log them.
    pub form: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Seconds since 1970 on the stage's clock.
    pub at: u64,
}

impl RequestSeen {
    pub(crate) fn new(endpoint: Endpoint, inquiry: &Inquiry, at: u64) -> Self {
        let headers = inquiry.headers.iter();
        let headers = headers.map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
        Self {
            endpoint,
            method: inquiry.method.to_string(),
            path: inquiry.path.clone(),
            query: inquiry.query.clone(),
            form: inquiry.form.clone(),
            headers: headers.collect(),
            at,
        }
    }

    /// A form parameter, else a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        value(&self.form, name).or_else(|| value(&self.query, name))
    }

    /// A header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    /// The token of `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

/// An answer of the token endpoint.
#[derive(Debug, Clone)]
pub struct TokensIssued {
    /// `grant_type` of the request.
    pub grant: String,
    /// The user's principal name in the home tenant.
    pub upn: String,
    /// The client.
    pub client_id: String,
    /// The tenant that issued.
    pub tenant_id: String,
    /// The audience of the access token.
    pub audience: String,
    /// The granted scopes, as in the answer.
    pub scope: String,
    /// The access token.
    pub access_token: String,
    /// The claims of the access token.
    pub access_claims: Value,
    /// The refresh token, if `offline_access` was asked for.
    pub refresh_token: Option<String>,
    /// The id token, if `openid` was asked for.
    pub id_token: Option<String>,
    /// The `claims` parameter of the request, or of the sign-in that it completes.
    pub claims_requested: Option<Value>,
}
