//! The `claims` parameter (OpenID Connect Core 1.0 section 5.5; claims-challenge.md).

use crate::aadsts::{Denial, Kind};
use serde_json::Value;

/// An object of JSON, or a refusal.
pub(crate) fn parse(text: Option<&str>) -> Result<Option<Value>, Denial> {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(None) };
    match serde_json::from_str::<Value>(text) {
        Ok(claims) if claims.is_object() => Ok(Some(claims)),
        _ => Err(Denial::new(Kind::InvalidRequest, 50101, "The claims parameter is not valid JSON.")),
    }
}

/// True where every member of `demanded` stands in `asked`, at any depth.
pub(crate) fn covers(asked: &Value, demanded: &Value) -> bool {
    match (asked, demanded) {
        (Value::Object(asked), Value::Object(demanded)) => {
            demanded.iter().all(|(name, wanted)| asked.get(name).is_some_and(|got| covers(got, wanted)))
        }
        _ => asked == demanded,
    }
}

/// True where the client declares the capability `cp1` (app-resilience-continuous-access-evaluation.md).
pub(crate) fn declares_cp1(claims: Option<&Value>) -> bool {
    claims
        .and_then(|c| c["access_token"]["xms_cc"]["values"].as_array())
        .is_some_and(|values| values.iter().any(|v| v.as_str().is_some_and(|v| v.eq_ignore_ascii_case("cp1"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_demanded_member_has_to_be_asked_for() {
        let demanded = json!({"access_token": {"a": {"essential": true}, "b": null}});
        assert!(covers(&json!({"access_token": {"a": {"essential": true}, "b": null, "c": 1}}), &demanded));
        for asked in [json!({}), json!({"access_token": {"b": null}}), json!({"access_token": {"a": null, "b": null}})]
        {
            assert!(!covers(&asked, &demanded), "{asked}");
        }
    }

    #[test]
    fn claims_are_an_object() {
        assert_eq!(parse(None).unwrap(), None);
        assert!(declares_cp1(parse(Some(r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)).unwrap().as_ref()));
        assert_eq!(parse(Some("eyJhIjoxfQ==")).unwrap_err().code, 50101);
    }
}
