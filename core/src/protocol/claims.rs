//! The `claims` parameter: client capabilities and the claims of a challenge, in one object
//! (OpenID Connect Core 5.5; identity-platform/claims-challenge).

use alloc::format;
use alloc::string::{String, ToString};

use serde_json::map::Entry;
use serde_json::{Map, Value, json};

use super::challenge::decode;
use crate::{App, Error};

/// What to send as `claims`: the challenge's own, with the capabilities where the app declared some.
///
/// Objects are merged member by member, and where both have a value the challenge wins, as in MSAL.NET. `null` asks
/// for nothing in particular, so that it takes nothing away. Where one has an object and the other something else,
/// there is no way to send both. The challenge is JSON; base64 is refused, as in all of Microsoft's libraries, for
/// it would have to be guessed at.
pub(crate) fn merged_claims(app: &App, challenge: Option<&str>) -> Result<Option<String>, Error> {
    let challenge = challenge.map(read).transpose()?;
    if app.declared_capabilities().is_empty() {
        return Ok(challenge.map(|claims| Value::Object(claims).to_string()));
    }
    let mut claims = Map::new();
    claims.insert(String::from("access_token"), json!({ "xms_cc": { "values": app.declared_capabilities() } }));
    merge(&mut claims, challenge.unwrap_or_default(), "")?;
    Ok(Some(Value::Object(claims).to_string()))
}

fn read(text: &str) -> Result<Map<String, Value>, Error> {
    let is_object = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
    is_object(text).map_err(|_| {
        let is_encoded = decode(text).is_some_and(|decoded| is_object(&decoded).is_ok());
        Error::Config(String::from(if is_encoded {
            "the claims are still in base64, as the challenge has them: decode them first"
        } else {
            "the claims are not a JSON object: pass the decoded claims of the challenge"
        }))
    })
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>, path: &str) -> Result<(), Error> {
    for (name, value) in from {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (into.entry(name), value) {
            (Entry::Vacant(place), value) => {
                place.insert(value);
            }
            (Entry::Occupied(_), Value::Null) => {}
            (Entry::Occupied(mut place), value) => match (place.get_mut(), value) {
                (Value::Object(into), Value::Object(from)) => merge(into, from, &path)?,
                (Value::Object(_), _) | (_, Value::Object(_)) => {
                    return Err(Error::Config(format!(
                        "the claims cannot be sent together with the client's capabilities: both have {path}, \
                         and only one of them as an object"
                    )));
                }
                (old, new) => *old = new,
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Authority;

    fn merged(capabilities: &[&str], challenge: &str) -> Result<Value, Error> {
        let app = App::new("c", Authority::entra("https://login.example/t").unwrap()).unwrap();
        let app = app.capabilities(capabilities.iter().copied());
        merged_claims(&app, Some(challenge)).map(|claims| serde_json::from_str(&claims.unwrap()).unwrap())
    }

    #[test]
    fn capabilities_and_challenge_are_merged_member_by_member() {
        let cp1 = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } });
        for (challenge, expected) in [
            ("{}", cp1.clone()),
            (r#"{"access_token":{}}"#, cp1.clone()),
            (r#"{"access_token":null}"#, cp1.clone()),
            (r#"{"access_token":{"xms_cc":null}}"#, cp1.clone()),
            (
                r#"{"access_token":{"nbf":{"essential":true,"value":"1"},"auth_time":null},"id_token":{"a":null}}"#,
                json!({
                    "access_token": {
                        "nbf": { "essential": true, "value": "1" }, "auth_time": null, "xms_cc": { "values": ["cp1"] },
                    },
                    "id_token": { "a": null },
                }),
            ),
            (
                r#"{"access_token":{"xms_cc":{"essential":true}}}"#,
                json!({ "access_token": { "xms_cc": { "essential": true, "values": ["cp1"] } } }),
            ),
            // The challenge wins.
            (
                r#"{"access_token":{"xms_cc":{"values":["cp2"]}}}"#,
                json!({ "access_token": { "xms_cc": { "values": ["cp2"] } } }),
            ),
        ] {
            assert_eq!(merged(&["cp1"], challenge).unwrap(), expected, "{challenge}");
        }
    }

    #[test]
    fn without_capabilities_the_challenge_is_sent_as_it_is() {
        for challenge in ["{}", r#"{"access_token":null}"#, r#"{"access_token":"x","other":[1]}"#] {
            let own: Value = serde_json::from_str(challenge).unwrap();
            assert_eq!(merged(&[], challenge).unwrap(), own);
        }
    }

    #[test]
    fn what_cannot_be_sent_together_is_named() {
        for (challenge, word) in [
            (r#"{"access_token":"x"}"#, "both have access_token,"),
            (r#"{"access_token":[]}"#, "both have access_token,"),
            (r#"{"access_token":{"xms_cc":["cp1"]}}"#, "both have access_token.xms_cc,"),
            (r#"{"access_token":{"xms_cc":{"values":{}}}}"#, "both have access_token.xms_cc.values,"),
            ("eyJhY2Nlc3NfdG9rZW4iOnt9fQ", "still in base64"),
            ("eyJhY2Nlc3NfdG9rZW4iOnt9fQ==", "still in base64"),
            ("[]", "not a JSON object"),
            ("", "not a JSON object"),
        ] {
            let Err(Error::Config(sentence)) = merged(&["cp1"], challenge) else { panic!("{challenge}") };
            assert!(sentence.contains(word), "{challenge}: {sentence}");
        }
    }
}
