//! Who signed in: the payload of an id token, and Entra's `client_info`.
//!
//! Both come straight from the token endpoint over TLS, which vouches for them
//! (OpenID Connect Core 3.1.3.7, item 6), so that signatures are not checked here.

use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::App;

/// The claims of an id token that name the user.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdClaims(Map<String, Value>);

impl IdClaims {
    /// Reads the payload segment; `None` where it is no JWT.
    pub(crate) fn from_jwt(jwt: &str) -> Option<Self> {
        let payload = jwt.split('.').nth(1)?;
        decode_object(payload).map(Self)
    }

    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    /// The name to show: what MSAL takes for it, in its order.
    pub(crate) fn username(&self) -> &str {
        ["preferred_username", "upn", "email"].iter().find_map(|claim| self.text(claim)).unwrap_or_default()
    }

    /// The user in this tenant.
    pub(crate) fn local_account_id(&self) -> &str {
        self.text("oid").or_else(|| self.text("sub")).unwrap_or_default()
    }

    /// Whether the token is meant for this client: `aud` is a string or a list. Entra's client ids are
    /// GUIDs, which people copy in either case.
    pub(crate) fn is_for(&self, app: &App) -> bool {
        let is_client = |audience: &str| match app.authority().issuer() {
            Some(_) => audience == app.client_id(),
            None => audience.eq_ignore_ascii_case(app.client_id()),
        };
        match self.0.get("aud") {
            Some(Value::String(audience)) => is_client(audience),
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).any(is_client),
            _ => false,
        }
    }
}

/// `{uid}.{utid}` from the base64url JSON of `client_info`.
pub(crate) fn home_account_id(client_info: &str) -> Option<String> {
    let info = decode_object(client_info)?;
    let part =
        |name: &str| info.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToString::to_string);
    Some(alloc::format!("{}.{}", part("uid")?, part("utid")?))
}

fn decode_object(text: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}
