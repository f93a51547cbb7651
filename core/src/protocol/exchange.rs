//! One request to the app, and the further ones that it may turn into: with another token, or elsewhere.

use alloc::boxed::Box;
use alloc::string::{String, ToString};

use super::{AppCall, ProxyRefused, Verdict};
use crate::{Error, Secret, Token};

/// The policy of a call to the app, for whatever client sends it: blocking, async, or by hand.
///
/// The Bearer goes to the app's own origin only. A claims challenge is answered once: get a token with the claims
/// (a refresh, then a sign-in), and send the same once more; a second challenge is the caller's answer, as in the
/// Azure SDKs. `drive::blocking::call` and its async twin carry it out over the ports. The proxy's redirect to sign-in is never followed, others only as far as allowed.
///
/// ```
/// use entrada_core::protocol::{Exchange, Next};
/// use entrada_core::{Error, Token};
///
/// fn moved_elsewhere(token: &Token) -> Result<(), Error> {
///     let mut exchange = Exchange::new("https://hr-contoso.msappproxy.net/api/me")?.follow(5);
///     assert!(exchange.authorization(token).is_some()); // send it with that, and say what came back:
///     let next = exchange.heard(token, "GET", 302, &[("location", "https://elsewhere.example/")])?;
///     assert!(matches!(next, Next::Follow { keeps_credentials: false, .. }));
///     assert!(exchange.authorization(token).is_none());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    app: AppCall,
    here: AppCall,
    most_redirects: u32,
    redirects: u32,
    has_replayed: bool,
}

/// What is to be done with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It is the answer: hand it on.
    Deliver,
    /// Get a token with these claims (JSON), and send the same once more.
    Replay {
        /// What the token must be asked for with.
        claims: String,
    },
    /// Send it to there.
    Follow {
        /// The absolute URL.
        to: String,
        /// Whether it becomes a GET without a body (RFC 9110 15.4).
        as_get: bool,
        /// Whether cookies and the like may go along: only within the app's origin.
        keeps_credentials: bool,
    },
}

impl Exchange {
    /// For the app at this URL: https, or http on loopback. No redirects are followed.
    pub fn new(url: &str) -> Result<Self, Error> {
        let app = AppCall::new(url)?;
        Ok(Self { here: app.clone(), app, most_redirects: 0, redirects: 0, has_replayed: false })
    }

    /// Follows up to that many redirects.
    pub fn follow(mut self, redirects: u32) -> Self {
        self.most_redirects = redirects;
        self
    }

    /// The value of `Authorization` for the request that is due; `None` where it goes to another origin than the app's.
    pub fn authorization(&self, token: &Token) -> Option<Secret> {
        self.app.authorization(token, self.here.url())
    }

    /// Reads the head of an answer to a request with this token: its status, and its headers as names and values.
    ///
    /// Fails with [`Error::ProxyRefused`] where the proxy refused the token, and with [`Error::TooManyRedirects`].
    pub fn heard(&mut self, token: &Token, method: &str, status: u16, headers: &[(&str, &str)]) -> Result<Next, Error> {
        let is_home = self.app.is_same_origin(&self.here);
        match self.here.verdict(status, headers) {
            // A stranger may redirect further, and has no say about the token.
            Verdict::Redirect { to, .. } if self.most_redirects > 0 => self.redirected(method, status, to),
            Verdict::ProxyRefused(edge) if is_home => {
                Err(Error::ProxyRefused(Box::new(ProxyRefused::new(edge, &token.secret))))
            }
            Verdict::ClaimsDemanded { claims } if is_home && !self.has_replayed => {
                self.has_replayed = true;
                Ok(Next::Replay { claims })
            }
            _ => Ok(Next::Deliver),
        }
    }

    fn redirected(&mut self, method: &str, status: u16, to: String) -> Result<Next, Error> {
        let Ok(there) = AppCall::new(&to) else { return Ok(Next::Deliver) };
        self.redirects += 1;
        if self.redirects > self.most_redirects {
            return Err(Error::TooManyRedirects(self.most_redirects));
        }
        let as_get = match status {
            303 => method != "HEAD",
            301 | 302 => method == "POST",
            _ => false,
        };
        let keeps_credentials = self.app.is_same_origin(&there);
        let to = there.url().to_string();
        self.here = there;
        Ok(Next::Follow { to, as_get, keeps_credentials })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::call::tests::token;

    const CHALLENGE: (&str, &str) = ("WWW-Authenticate", r#"Bearer error="insufficient_claims", claims="e30=""#);
    const SIGN_IN: &str = "https://login.microsoftonline.com/t/oauth2/authorize?client_id=c&state=AppProxyState:{}";

    fn exchange() -> Exchange {
        Exchange::new("https://hr.example/api").unwrap()
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let mut exchange = exchange();
        let replay = Next::Replay { claims: "{}".into() };
        assert_eq!(exchange.heard(&token(), "POST", 401, &[CHALLENGE]).unwrap(), replay);
        assert_eq!(exchange.heard(&token(), "POST", 401, &[CHALLENGE]).unwrap(), Next::Deliver);
        assert_eq!(exchange.heard(&token(), "POST", 401, &[("www-authenticate", "Negotiate")]).unwrap(), Next::Deliver);
    }

    #[test]
    fn the_proxys_sign_in_is_an_error_and_other_redirects_are_delivered_unless_allowed() {
        for most in [0, 9] {
            let refused = exchange().follow(most).heard(&token(), "GET", 302, &[("location", SIGN_IN)]);
            assert!(matches!(refused, Err(Error::ProxyRefused(_))), "{refused:?}");
        }
        let elsewhere = [("location", "/other")];
        assert_eq!(exchange().heard(&token(), "GET", 302, &elsewhere).unwrap(), Next::Deliver);
        let insecure = [("location", "http://hr.example/")];
        assert_eq!(exchange().follow(9).heard(&token(), "GET", 302, &insecure).unwrap(), Next::Deliver);
    }

    #[test]
    fn a_redirect_changes_the_method_as_it_should_and_is_counted() {
        for (status, method, as_get) in [
            (303, "POST", true),
            (303, "HEAD", false),
            (302, "POST", true),
            (301, "POST", true),
            (302, "PUT", false),
            (307, "POST", false),
            (308, "DELETE", false),
        ] {
            let next = exchange().follow(1).heard(&token(), method, status, &[("location", "../x")]).unwrap();
            let expected = Next::Follow { to: "https://hr.example/x".into(), as_get, keeps_credentials: true };
            assert_eq!(next, expected, "{status} {method}");
        }
        let mut exchange = exchange().follow(2);
        for _ in 0..2 {
            exchange.heard(&token(), "GET", 302, &[("location", "/")]).unwrap();
        }
        let ending = exchange.heard(&token(), "GET", 302, &[("location", "/")]);
        assert!(matches!(ending, Err(Error::TooManyRedirects(2))), "{ending:?}");
    }

    #[test]
    fn a_stranger_gets_no_token_and_has_no_say() {
        let mut exchange = exchange().follow(9);
        assert_eq!(exchange.authorization(&token()).unwrap().expose(), "Bearer s3cret");
        let next = exchange.heard(&token(), "GET", 302, &[("location", "https://stranger.example/")]).unwrap();
        assert!(matches!(next, Next::Follow { keeps_credentials: false, .. }));
        assert!(exchange.authorization(&token()).is_none());
        assert_eq!(exchange.heard(&token(), "GET", 401, &[CHALLENGE]).unwrap(), Next::Deliver);
        assert_eq!(exchange.heard(&token(), "GET", 302, &[("location", SIGN_IN)]).unwrap(), Next::Deliver);
        exchange.heard(&token(), "GET", 302, &[("location", "https://hr.example/back")]).unwrap();
        assert!(exchange.authorization(&token()).is_some());
    }
}
