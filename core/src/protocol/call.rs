//! The call to the app: whom the Bearer may go to, and what an answer means.

use alloc::string::{String, ToString};

use url::Url;

use super::{EdgeRedirect, claims_challenge};
use crate::authority::is_confidential;
use crate::{Error, Token};

/// One call to a published app, bound to the app's origin.
///
/// ```
/// use entrada_core::protocol::{AppCall, Verdict};
///
/// let call = AppCall::new("https://hr-contoso.msappproxy.net/api/me")?;
/// let verdict = call.verdict(302, &[("location", "https://elsewhere.example/")]);
/// assert!(matches!(verdict, Verdict::Redirect { same_origin: false, .. }));
/// # Ok::<(), entrada_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AppCall {
    url: Url,
}

/// What an answer of the app, or of the proxy in front of it, means for the token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is the app's answer: hand it on.
    Deliver,
    /// The app demands a token with these claims (JSON): get one and send the request once more.
    ClaimsDemanded {
        /// The claims, decoded.
        claims: String,
    },
    /// The proxy wants a sign-in: there was no token, or it was refused. Never followed.
    ProxyRefused(EdgeRedirect),
    /// A redirect of the app's own.
    Redirect {
        /// Where to, absolute.
        to: String,
        /// Whether the Bearer may go along.
        same_origin: bool,
    },
}

impl AppCall {
    /// For the app at this URL: https, or http on loopback.
    pub fn new(url: &str) -> Result<Self, Error> {
        let parsed = Url::parse(url).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                Error::Config(alloc::format!("{url:?} is not a whole URL: it should begin with https://"))
            }
            other => Error::Config(alloc::format!("{url:?} is not a URL: {other}")),
        })?;
        if !is_confidential(&parsed) {
            return Err(Error::Config(alloc::format!(
                "{} is not https: a token goes over https only (http is taken on loopback)",
                parsed.origin().ascii_serialization()
            )));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(Error::Config(String::from("the URL must have no user name or password in it")));
        }
        Ok(Self { url: parsed })
    }

    /// The URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn parsed(&self) -> &Url {
        &self.url
    }

    /// Whether another call is to the same scheme, host and port.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    /// The value of `Authorization` for a request to this URL; `None` where it is another origin than the app's.
    pub fn authorization(&self, token: &Token, to: &str) -> Option<crate::Secret> {
        let to = Url::parse(to).ok()?;
        (to.origin() == self.url.origin())
            .then(|| crate::Secret::new(alloc::format!("Bearer {}", token.secret.expose())))
    }

    /// Reads the head of an answer: its status, and its headers as names and values.
    pub fn verdict(&self, status: u16, headers: &[(&str, &str)]) -> Verdict {
        let named = |name: &'static str| {
            headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
        };
        match status {
            401 => match claims_challenge(named("www-authenticate")) {
                Some(claims) => Verdict::ClaimsDemanded { claims },
                None => Verdict::Deliver,
            },
            301 | 302 | 303 | 307 | 308 => match named("location").next() {
                Some(location) => self.redirect(location),
                None => Verdict::Deliver,
            },
            _ => Verdict::Deliver,
        }
    }

    fn redirect(&self, location: &str) -> Verdict {
        if let Some(edge) = EdgeRedirect::read(location) {
            return Verdict::ProxyRefused(edge);
        }
        match self.url.join(location) {
            Ok(to) => Verdict::Redirect { same_origin: to.origin() == self.url.origin(), to: to.to_string() },
            Err(_) => Verdict::Deliver,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{Secret, TokenSource, UnixTime};

    pub(in crate::protocol) fn token() -> Token {
        Token {
            secret: Secret::new("s3cret"),
            scopes: [].into(),
            expires_on: UnixTime::default(),
            source: TokenSource::Cache,
            renewal_due: false,
            account: None,
            warnings: [].into(),
        }
    }

    #[test]
    fn the_bearer_goes_to_the_apps_own_origin_only() {
        let token = token();
        let call = AppCall::new("https://hr.example/api").unwrap();
        assert_eq!(call.authorization(&token, "https://hr.example:443/other").unwrap().expose(), "Bearer s3cret");
        for other in [
            "http://hr.example/api",
            "https://hr.example:8443/",
            "https://hr.example.evil/",
            "https://a.hr.example/",
            "/api",
            "",
        ] {
            assert!(call.authorization(&token, other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_url_must_be_whole_and_confidential() {
        assert!(AppCall::new("http://localhost:8080/x").is_ok());
        for bad in ["hr.example/api", "http://hr.example/", "file:///etc/passwd", "https://me:word@hr.example/", ""] {
            assert!(matches!(AppCall::new(bad), Err(Error::Config(_))), "{bad}");
        }
    }
}
