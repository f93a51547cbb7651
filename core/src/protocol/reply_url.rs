//! Whether a redirect URI is a client's own: asked of the authority, with nobody signed in.

use alloc::string::String;

use url::Url;

use super::aadsts;
use crate::Authority;

/// What the authority says of a redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyUrl {
    /// It sent the browser back to it, with an error, as nobody is signed in: the URI is registered, for a client that
    /// the tenant knows. On which platform does not show.
    Registered,
    /// It kept the browser on a page of its own.
    Refused {
        /// The AADSTS number on that page, where there is one: 50011 for a URI that is not registered, 700016 for an
        /// unknown client.
        aadsts: Option<u32>,
    },
}

impl ReplyUrl {
    /// The URL to ask, with a GET and without cookies, following no redirect; `None` where the authority's kind knows no
    /// such question.
    ///
    /// It is the authorization endpoint with `prompt=none` (OpenID Connect Core 3.1.2.1): with nobody signed in, it
    /// redirects to the URI with an error if that is registered, and shows a page of its own if not (AADSTS50011).
    pub fn question(authority: &Authority, client_id: &str, redirect_uri: &str) -> Option<String> {
        let endpoints = authority.template_endpoints().filter(|_| authority.routes_by_user())?;
        let mut url = Url::parse(&endpoints.authorize).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("response_mode", "query")
            .append_pair("scope", "openid")
            .append_pair("prompt", "none");
        Some(url.into())
    }

    /// Reads the answer to that: its status, its `Location` if it has one, and the beginning of its body.
    pub fn read(redirect_uri: &str, status: u16, location: Option<&str>, body: &[u8]) -> Self {
        let asked = Url::parse(redirect_uri).ok();
        let is_reply = |location: &str| {
            asked.as_ref().is_some_and(|asked| {
                Url::parse(location).is_ok_and(|url| {
                    url.origin() == asked.origin()
                        && url.path() == asked.path()
                        && url.query_pairs().any(|(name, _)| name == "error")
                })
            })
        };
        match matches!(status, 302 | 303) && location.is_some_and(is_reply) {
            true => Self::Registered,
            false => Self::Refused { aadsts: aadsts::numbers_in(&String::from_utf8_lossy(body)).first().copied() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_whose_redirect_uri_it_is() {
        let authority = Authority::entra("https://login.example/t").unwrap();
        let url = ReplyUrl::question(&authority, "c", "http://localhost").unwrap();
        assert!(url.starts_with("https://login.example/t/oauth2/v2.0/authorize?client_id=c&"), "{url}");
        assert!(url.contains("redirect_uri=http%3A%2F%2Flocalhost&") && url.ends_with("&prompt=none"), "{url}");
        let other = Authority::oidc("https://id.example").unwrap();
        assert_eq!(ReplyUrl::question(&other, "c", "http://localhost"), None);
    }

    #[test]
    fn a_redirect_back_and_nothing_else_is_a_registered_uri() {
        let read = |status, location, body: &str| ReplyUrl::read("http://localhost", status, location, body.as_bytes());
        let back = "http://localhost/?error=login_required&error_description=x";
        assert_eq!(read(302, Some(back), ""), ReplyUrl::Registered);
        for (status, location) in [
            (200, Some(back)),
            (302, None),
            (302, Some("http://localhost/?code=x")),
            (302, Some("http://localhost/other?error=x")),
            (302, Some("http://localhost:81/?error=x")),
            (302, Some("https://login.example/error")),
        ] {
            assert_eq!(read(status, location, ""), ReplyUrl::Refused { aadsts: None }, "{status} {location:?}");
        }
        let page = "<p>AADSTS50011: The redirect URI 'http://localhost' specified in the request does not match";
        assert_eq!(read(200, None, page), ReplyUrl::Refused { aadsts: Some(50011) });
        assert_eq!(read(400, None, r#""sErrorCode":"700016","#), ReplyUrl::Refused { aadsts: Some(700_016) });
    }
}
