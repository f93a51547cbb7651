//! The discovery document of a generic authority (OpenID Connect Discovery 4).

use alloc::string::{String, ToString};
use alloc::vec;

use serde_json::Value;
use url::Url;

use super::answer::{read_object, text};
use super::telemetry::{self, Anchor};
use super::{BODY_LIMIT, HttpAnswer, HttpQuery, Method, TIMEOUT};
use crate::authority::is_confidential;
use crate::{App, Endpoints, Error, Secret};

/// The request for the document.
pub(crate) fn discovery_query(app: &App, correlation_id: Option<&str>) -> HttpQuery {
    let issuer = app.authority().issuer().unwrap_or_default();
    let mut headers = vec![("accept", String::from("application/json"))];
    headers.extend(telemetry::headers(app, correlation_id, Anchor::Unknown));
    HttpQuery {
        method: Method::Get,
        url: alloc::format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')),
        headers,
        body: Secret::default(),
        timeout: TIMEOUT,
        body_limit: BODY_LIMIT,
    }
}

/// Reads the document; its issuer must be the one that was named (OpenID Connect Discovery 4.3).
pub(crate) fn read_discovery(issuer: &str, answer: &HttpAnswer) -> Result<Endpoints, Error> {
    let object = read_object("the issuer's discovery document", answer)?;
    let named = text(&object, "issuer").unwrap_or_default();
    if named != issuer {
        return Err(Error::Config(alloc::format!(
            "the discovery document names the issuer {named:?}, not {issuer:?}: give the issuer exactly as it names itself"
        )));
    }
    let endpoint = |name: &str| -> Result<Option<String>, Error> {
        let Some(url) = text(&object, name) else { return Ok(None) };
        match Url::parse(url) {
            Ok(parsed) if is_confidential(&parsed) => Ok(Some(url.to_string())),
            _ => Err(Error::protocol(alloc::format!("the discovery document's {name} is not an https URL"))),
        }
    };
    let required = |name: &str| -> Result<String, Error> {
        endpoint(name)?.ok_or_else(|| Error::protocol(alloc::format!("the discovery document has no {name}")))
    };
    let modes = object.get("response_modes_supported").and_then(Value::as_array);
    Ok(Endpoints {
        authorize: required("authorization_endpoint")?,
        token: required("token_endpoint")?,
        device_code: endpoint("device_authorization_endpoint")?,
        // Where the list is missing, only query and fragment are there (OpenID Connect Discovery 3).
        form_post: modes.is_some_and(|modes| modes.iter().any(|mode| mode == "form_post")),
        issuer: Some(named.to_string()),
        names_issuer: object.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Result<Endpoints, Error> {
        let answer = HttpAnswer { status: 200, headers: alloc::vec![], body: document.as_bytes().to_vec() };
        read_discovery("https://id.example", &answer)
    }

    #[test]
    fn the_issuer_must_be_the_one_that_was_named() {
        let good = r#"{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t"}"#;
        let endpoints = read(good).unwrap();
        assert_eq!(endpoints.token, "https://id.example/t");
        assert!(!endpoints.form_post && endpoints.device_code.is_none());

        assert!(matches!(read(&good.replace("https://id.example\"", "https://id.example/\"")), Err(Error::Config(_))));
        assert!(matches!(read(&good.replace("https://id.example/t", "http://id.example/t")), Err(Error::Protocol(_))));
        assert!(matches!(read("{}"), Err(Error::Config(_))));
    }
}
