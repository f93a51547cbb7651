//! Where a window may go, and where it stops.

use std::net::{Ipv4Addr, Ipv6Addr};

use entrada_core::Secret;
use url::{Host, Url};

/// What a window does about an address that it is about to load.
#[derive(Debug)]
pub(crate) enum Navigation {
    /// It loads it.
    Page,
    /// It is the redirect URI: nothing is loaded, as these parameters are all that matters.
    Redirect(Secret),
    /// It stays where it is.
    Refused,
}

/// Decides before anything is sent.
///
/// The redirect is recognised by its scheme, host, port and path. All else must be https: no page of a sign-in needs
/// files, programs or plain text, except on this very machine.
pub(crate) fn judge(address: &str, redirect_uri: &Url) -> Navigation {
    let Ok(url) = Url::parse(address) else { return Navigation::Refused };
    if is_redirect(&url, redirect_uri) {
        return Navigation::Redirect(Secret::new(url.query().unwrap_or_default()));
    }
    // `about:` is how frames begin.
    if is_web_page(&url) || url.scheme() == "about" { Navigation::Page } else { Navigation::Refused }
}

/// Whether a window may show it: a page over https, or over http from this machine.
pub(crate) fn is_web_page(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip == Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(ip)) => ip == Ipv6Addr::LOCALHOST,
            None => false,
        },
        _ => false,
    }
}

fn is_redirect(url: &Url, redirect_uri: &Url) -> bool {
    url.scheme() == redirect_uri.scheme()
        && url.host() == redirect_uri.host()
        && url.port_or_known_default() == redirect_uri.port_or_known_default()
        && url.path() == redirect_uri.path()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Who is behind a page, for the title of its window: the host, which a page cannot choose, and how it is reached where
/// that is not https. A host's letters beyond ASCII are shown as Punycode, so that none looks like another.
pub(crate) fn origin_shown(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(is_web_page)?;
    let origin = url.origin().ascii_serialization();
    Some(origin.strip_prefix("https://").map_or_else(|| origin.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, redirect_uri: &str) -> String {
        match judge(address, &Url::parse(redirect_uri).unwrap()) {
            Navigation::Page => "page".to_owned(),
            Navigation::Redirect(parameters) => format!("redirect {}", parameters.expose()),
            Navigation::Refused => "refused".to_owned(),
        }
    }

    #[test]
    fn only_the_redirect_uri_itself_is_taken() {
        let at = crate::NATIVE_CLIENT;
        let query = "code=0.AX%2B_x&state=s1";
        for (address, expected) in [
            (format!("{at}?{query}"), format!("redirect {query}")),
            (format!("{at}?{query}#"), format!("redirect {query}")),
            (at.to_owned(), "redirect ".to_owned()),
            (at.replace("https://login", "HTTPS://LOGIN").replace(".com/", ".com:443/"), "redirect ".to_owned()),
            (format!("{at}/?{query}"), "page".to_owned()),
            (format!("{at}x?{query}"), "page".to_owned()),
            (at.replace("nativeclient", "NativeClient"), "page".to_owned()),
            (at.replace("https", "http"), "refused".to_owned()),
            (at.replace(".com/", ".com:444/"), "page".to_owned()),
            (at.replace(".com/", ".com.evil.example/"), "page".to_owned()),
            (at.replace("https://", "https://a@"), "page".to_owned()),
            (format!("https://evil.example/?{at}?{query}"), "page".to_owned()),
        ] {
            assert_eq!(judged(&address, at), expected, "{address}");
        }
        let custom = "msal0a7e8f52://auth";
        assert_eq!(judged(&format!("{custom}?{query}"), custom), format!("redirect {query}"));
        assert_eq!(judged(&format!("{custom}2?{query}"), custom), "refused");
        assert_eq!(judged("http://localhost/?code=c", "http://localhost"), "redirect code=c");
    }

    #[test]
    fn pages_come_over_https_or_from_this_machine() {
        for (address, expected) in [
            ("https://login.example/authorize?a=b", "page"),
            ("http://127.0.0.1:8080/", "page"),
            ("http://localhost/x", "page"),
            ("http://[::1]:1/", "page"),
            ("about:blank", "page"),
            ("about:srcdoc", "page"),
            ("http://login.example/", "refused"),
            ("http://localhost.evil.example/", "refused"),
            ("http://127.0.0.2/", "refused"),
            ("file:///etc/passwd", "refused"),
            ("data:text/html,x", "refused"),
            ("javascript:alert(1)", "refused"),
            ("ms-settings:privacy", "refused"),
            ("mailto:help@contoso.example", "refused"),
            ("", "refused"),
        ] {
            assert_eq!(judged(address, crate::NATIVE_CLIENT), expected, "{address}");
        }
    }

    #[test]
    fn the_title_names_the_host_and_nothing_that_a_page_can_choose() {
        for (address, expected) in [
            ("https://login.microsoftonline.com/a?b", Some("login.microsoftonline.com")),
            ("https://login.microsoftonline.com@evil.example:8443/", Some("evil.example:8443")),
            ("https://lоgin.example/", Some("xn--lgin-55d.example")),
            ("http://127.0.0.1:80/", Some("http://127.0.0.1")),
            ("about:blank", None),
        ] {
            assert_eq!(origin_shown(address).as_deref(), expected, "{address}");
        }
    }
}
