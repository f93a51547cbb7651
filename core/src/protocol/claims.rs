//! The `claims` parameter: client capabilities and the claims of a challenge, in one object
//! (identity-platform/claims-challenge).

use alloc::string::{String, ToString};

use serde_json::{Map, Value, json};

use crate::{App, Error};

/// What to send as `claims`: the challenge's own, with the capabilities where the app declared some.
pub(crate) fn merged_claims(app: &App, challenge: Option<&str>) -> Result<Option<String>, Error> {
    let challenge = match challenge {
        Some(text) => Some(serde_json::from_str::<Map<String, Value>>(text).map_err(|_| {
            Error::Config(String::from("the claims are not a JSON object: pass the decoded claims of the challenge"))
        })?),
        None => None,
    };
    if app.declared_capabilities().is_empty() {
        return Ok(challenge.map(|claims| Value::Object(claims).to_string()));
    }
    let mut claims = challenge.unwrap_or_default();
    let access_token = claims.entry("access_token").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(access_token) = access_token {
        access_token.insert(String::from("xms_cc"), json!({ "values": app.declared_capabilities() }));
    }
    Ok(Some(Value::Object(claims).to_string()))
}
