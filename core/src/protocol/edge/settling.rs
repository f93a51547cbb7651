//! Which scope a published app's proxy accepts: tried, one after the other.

use alloc::string::{String, ToString};
use alloc::vec::{IntoIter, Vec};

use super::{DiscoveryError, DiscoveryTrouble, PublishedApp};
use crate::Error;

/// The trial of a published app's scopes, as plain data: whoever drives it calls the app with a token for the
/// [`next`](Self::next) scope, and says how that [ended](Self::ended).
///
/// A scope that the authority does not know, and one whose token the proxy refuses, lead on to the next; any other
/// failure is the end. The call is a GET of the external URL: what the proxy refuses has not come to the app, but what
/// it accepts has.
#[derive(Debug)]
pub struct Settling {
    app: PublishedApp,
    scopes: IntoIter<String>,
    trying: Option<String>,
    tried: Vec<String>,
    /// The first refusal of the proxy's, and of the authority's: they say most, since they are about the app's id where
    /// that is known.
    refused_by_proxy: Option<Error>,
    refused_by_authority: Option<Error>,
}

impl Settling {
    /// Begins with the first of the app's scopes.
    pub fn of(app: PublishedApp) -> Self {
        Self {
            scopes: app.scopes().into_iter(),
            app,
            trying: None,
            tried: Vec::new(),
            refused_by_proxy: None,
            refused_by_authority: None,
        }
    }

    /// The scope to try now.
    ///
    /// Fails where there is none left: with the first refusal, the proxy's before the authority's; and with
    /// [`Error::Discovery`] where scopes by the app's id were not even tried.
    #[expect(clippy::should_implement_trait, reason = "it fails at its end, which an iterator does not")]
    pub fn next(&mut self) -> Result<String, Error> {
        if let Some(scope) = self.scopes.next() {
            self.tried.push(scope.clone());
            self.trying = Some(scope.clone());
            return Ok(scope);
        }
        let refused_by_proxy = self.refused_by_proxy.is_some();
        let refusal = self.refused_by_proxy.take().or_else(|| self.refused_by_authority.take());
        if let Some(refusal) = refusal.filter(|_| self.app.is_confirmed()) {
            return Err(refusal);
        }
        let withheld = (!self.app.is_confirmed()).then(|| alloc::format!("{}/.default", self.app.app_id()));
        let tried = core::mem::take(&mut self.tried);
        let trouble = DiscoveryTrouble::NoScope { tried, withheld, refused_by_proxy };
        Err(DiscoveryError { url: self.app.external_url().to_string(), trouble }.into())
    }

    /// How the call ended: with any answer of the app's, or with a failure. Brings the app with its scope where that was
    /// accepted, and `None` where the next is to be tried.
    pub fn ended(&mut self, result: Result<(), Error>) -> Result<Option<PublishedApp>, Error> {
        match (result, self.trying.take()) {
            (Ok(()), Some(scope)) => Ok(Some(self.app.clone().accepting(scope))),
            (Ok(()), None) => Err(Error::Misuse("no scope is being tried")),
            (Err(error @ Error::ProxyRefused(_)), _) => {
                self.refused_by_proxy.get_or_insert(error);
                Ok(None)
            }
            (Err(error), _) if error.server().is_some_and(|server| server.is_about_scope()) => {
                self.refused_by_authority.get_or_insert(error);
                Ok(None)
            }
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;

    use super::*;
    use crate::protocol::{AppCall, EdgeRedirect, ProxyRefused};
    use crate::{Secret, ServerError};

    const SIGN_IN: &str = "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01/oauth2/authorize\
        ?client_id=a&redirect_uri=https://hr.example/&state=AppProxyState:{}";

    fn app(is_confirmed: bool) -> PublishedApp {
        let asked = AppCall::new("https://hr.example/x").unwrap();
        let app = PublishedApp::read(&asked, 302, &[("location", SIGN_IN)], b"", None).unwrap();
        app.confirmed_by(302, Some("https://hr.example/?error=login_required").filter(|_| is_confirmed))
    }

    fn refused() -> Result<(), Error> {
        let edge = EdgeRedirect::read(SIGN_IN).unwrap();
        Err(Error::ProxyRefused(Box::new(ProxyRefused::new(edge, &Secret::new("t")))))
    }

    fn server(error: &str) -> Result<(), Error> {
        Err(Error::Server(Box::new(ServerError { error: error.into(), ..ServerError::default() })))
    }

    #[test]
    fn scopes_are_tried_until_the_proxy_accepts_one() {
        let mut settling = Settling::of(app(true));
        let expected =
            ["a/.default", "https://hr.example//user_impersonation", "https://hr.example/user_impersonation"];
        for (scope, outcome) in expected.into_iter().zip([refused(), server("invalid_resource"), Ok(())]) {
            assert_eq!(settling.next().unwrap(), scope);
            let found = settling.ended(outcome).unwrap();
            assert_eq!(
                found.map(|app| app.accepted_scope().map(String::from)),
                scope.starts_with("https://hr.example/u").then(|| Some(scope.into()))
            );
        }
    }

    #[test]
    fn another_failure_is_the_end() {
        let mut settling = Settling::of(app(true));
        settling.next().unwrap();
        assert!(matches!(settling.ended(server("consent_required")), Err(Error::Server(_))));
        assert!(matches!(settling.ended(Ok(())), Err(Error::Misuse(_))));
    }

    #[test]
    fn the_end_of_the_list_says_what_was_tried_and_what_was_not() {
        let end = |is_confirmed, outcome: fn() -> Result<(), Error>| {
            let mut settling = Settling::of(app(is_confirmed));
            loop {
                match settling.next() {
                    Ok(_) => assert_eq!(settling.ended(outcome()).unwrap(), None),
                    Err(error) => return error,
                }
            }
        };
        assert!(matches!(end(true, refused), Error::ProxyRefused(_)));
        let text = end(false, refused).to_string();
        assert!(!text.contains("api://") && text.ends_with("name it: a/.default"), "{text}");
        assert!(text.contains("https://hr.example//user_impersonation"), "{text}");
        assert!(matches!(end(true, || server("invalid_scope")), Error::Server(_)), "the proxy was not even asked");
    }
}
