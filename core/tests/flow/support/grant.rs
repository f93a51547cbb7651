//! What the authority answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrada_core::protocol::HttpAnswer;
use entrada_core::{App, Fault};
use serde_json::{Map, Value};

use super::{CLIENT, TENANT};

/// Somebody who can sign in.
pub(crate) struct User {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    uid: &'static str,
    utid: &'static str,
}

pub(crate) const ADA: User = User {
    id: "ada-0001.11111111-2222-3333-4444-555555555555",
    name: "ada@contoso.com",
    uid: "ada-0001",
    utid: TENANT,
};

pub(crate) const BOB: User = User {
    id: "bob-0002.99999999-8888-7777-6666-555555555555",
    name: "bob@fabrikam.com",
    uid: "bob-0002",
    utid: "99999999-8888-7777-6666-555555555555",
};

/// The next answer of the authority.
#[derive(Clone)]
pub(crate) enum Reply {
    Grant(Grant),
    Answer(HttpAnswer),
    Fault(Fault),
}

impl From<Grant> for Reply {
    fn from(grant: Grant) -> Self {
        Self::Grant(grant)
    }
}

impl From<HttpAnswer> for Reply {
    fn from(answer: HttpAnswer) -> Self {
        Self::Answer(answer)
    }
}

impl From<Value> for Reply {
    fn from(body: Value) -> Self {
        Self::Answer(json(200, &body))
    }
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A 200 of the token endpoint.
#[derive(Clone)]
pub(crate) struct Grant {
    fields: Map<String, Value>,
    claims: Option<Map<String, Value>>,
}

impl Grant {
    /// An access token for an hour.
    pub(crate) fn of(access_token: &str) -> Self {
        let grant = Self { fields: Map::new(), claims: None };
        grant.with("access_token", access_token).with("token_type", "Bearer").with("expires_in", 3600)
    }

    /// With a refresh token.
    pub(crate) fn refresh(self, secret: &str) -> Self {
        self.with("refresh_token", secret)
    }

    /// With any other field.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.into(), value.into());
        self
    }

    /// With an id token and `client_info` of this user, in the tenant.
    pub(crate) fn to(self, user: &User) -> Self {
        let info = serde_json::json!({ "uid": user.uid, "utid": user.utid }).to_string();
        let grant = self.with("client_info", URL_SAFE_NO_PAD.encode(info));
        grant
            .claim("aud", CLIENT)
            .claim("iss", format!("https://login.microsoftonline.com/{TENANT}/v2.0"))
            .claim("tid", TENANT)
            .claim("oid", user.uid)
            .claim("sub", format!("sub-of-{}", user.uid))
            .claim("preferred_username", user.name)
            .claim("name", "Somebody Real")
    }

    /// With an id token that names this app's authority.
    pub(crate) fn by(self, app: &App) -> Self {
        match app.authority().issuer() {
            Some(issuer) => self.claim("iss", issuer),
            None => self.claim("iss", format!("https://{}/{TENANT}/v2.0", app.authority().environment())),
        }
    }

    /// With this claim in the id token; the nonce comes by itself.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// As it comes over the wire, for a sign-in with this nonce.
    pub(crate) fn answer(&self, nonce: Option<&str>) -> HttpAnswer {
        let mut fields = self.fields.clone();
        if let Some(mut claims) = self.claims.clone() {
            if let Some(nonce) = nonce {
                claims.entry("nonce").or_insert_with(|| nonce.into());
            }
            let payload = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
            fields.insert("id_token".into(), format!("eyJhbGciOiJub25lIn0.{payload}.signature").into());
        }
        json(200, &Value::Object(fields))
    }
}

/// Any JSON answer.
pub(crate) fn json(status: u16, body: &Value) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: vec![("Content-Type".into(), "application/json; charset=utf-8".into())],
        body: body.to_string().into_bytes(),
    }
}

/// An OAuth error as Entra words it; no suberror where it is empty.
pub(crate) fn error(status: u16, error: &str, suberror: &str) -> HttpAnswer {
    let mut body = serde_json::json!({
        "error": error,
        "error_description": "AADSTS70008: The grant has expired. Trace ID: 1 Correlation ID: 2",
        "error_codes": [70008],
        "correlation_id": "c0ffee00-0000-0000-0000-000000000000",
    });
    if !suberror.is_empty() {
        body["suberror"] = suberror.into();
    }
    json(status, &body)
}

/// A page, as proxies and outages send it.
pub(crate) fn html(status: u16) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: b"<!doctype html><title>Hello</title>".to_vec(),
    }
}

/// Nothing but a status.
pub(crate) fn status(status: u16) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: Vec::new() }
}
