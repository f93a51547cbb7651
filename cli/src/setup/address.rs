//! The URLs that application proxy takes.

use entrada::protocol::AppCall;
use url::Url;

use super::refusal::trap;
use crate::failure::Failure;

/// What it takes inside and outside (add-on-premises-application).
pub(super) fn check(name: &str, text: &str) -> Result<(), Failure> {
    let wrong = |why: String, remedy: &str| Err(trap("url", format!("the {name} URL {text:?} {why}"), remedy));
    let Ok(url) = Url::parse(text) else {
        return wrong("is not a URL".to_owned(), "write it whole, such as https://hr-contoso.msappproxy.net/");
    };
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
        return wrong("is not one that can be published".to_owned(), "it begins with https:// or http:// and a host");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(
            "has a query or a fragment".to_owned(),
            "it ends with its path: what is below is published with it",
        );
    }
    if !text.ends_with('/') {
        return wrong("does not end with a slash".to_owned(), &format!("write {text}/"));
    }
    Ok(())
}

/// The proxy listens on 443 (and on 80), and a token goes over https alone; http is taken on loopback.
pub(super) fn check_external(text: &str) -> Result<(), Failure> {
    let wrong = |why: &str, remedy: String| Err(trap("url", format!("the external URL {text:?} {why}"), remedy));
    if AppCall::new(text).is_err() {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        return wrong("is not https, and entrada sends no token over http", format!("write https://{rest}"));
    }
    let Ok(mut url) = Url::parse(text) else { return Ok(()) };
    // A parsed URL does not tell a 443 that was written.
    let host = text.split('/').nth(2).unwrap_or_default();
    let has_port = host.rsplit(']').next().is_some_and(|after| after.contains(':'));
    if url.scheme() == "https" && has_port && url.set_port(None).is_ok() {
        return wrong("has a port, and application proxy takes the one of https alone", format!("write {url}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_external_url_is_one_that_can_be_called() {
        for (url, why, remedy) in [
            ("http://hr-contoso.msappproxy.net/", "not https", "write https://hr-contoso.msappproxy.net/"),
            ("https://hr-contoso.msappproxy.net:8443/", "a port", "write https://hr-contoso.msappproxy.net/"),
            ("https://hr.contoso.example:443/hr/", "a port", "write https://hr.contoso.example/hr/"),
            ("https://[::1]:8443/", "a port", "write https://[::1]/"),
        ] {
            let failure = check_external(url).unwrap_err();
            assert!(failure.message.contains(why), "{}", failure.message);
            assert_eq!(failure.remedy.as_deref(), Some(remedy));
        }
        for url in ["https://hr-contoso.msappproxy.net/", "https://hr.contoso.example/a:b/", "http://127.0.0.1:8080/"] {
            check_external(url).unwrap();
        }
    }
}
