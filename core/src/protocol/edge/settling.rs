//! Which scope a published app's proxy accepts: tried, one after the other.

use alloc::string::String;
use alloc::vec::{IntoIter, Vec};

use super::{DiscoveryError, DiscoveryTrouble, PublishedApp};
use crate::Error;

/// The trial of a published app's scopes, as plain data: whoever drives it calls the app with a token for the
/// [`next`](Self::next) scope, and says how that [ended](Self::ended).
///
/// A scope that the authority does not know, and one whose token the proxy refuses, lead on to the next; any other
/// failure is the end. The call is a GET of the external URL: what the proxy refuses has not come to the app, but what
/// it accepts has.
///
/// The user is asked to sign in for the first scope alone, which is the likeliest; the others are tried with what that
/// has brought ([`may_ask`](Self::may_ask)). Only where none of them does it, the user is asked once more: for the first
/// scope for which the authority said that they must be seen, or, where it has refused the first one and so nobody is
/// signed in yet, for the second.
#[derive(Debug)]
pub struct Settling {
    app: PublishedApp,
    scopes: IntoIter<String>,
    trying: Option<String>,
    tried: Vec<String>,
    may_ask: bool,
    /// The first scope for which the user would have had to be asked.
    put_off: Option<String>,
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
            may_ask: false,
            put_off: None,
            refused_by_proxy: None,
            refused_by_authority: None,
        }
    }

    /// The scope to try now.
    ///
    /// Fails where there is none left: with the first refusal, the proxy's before the authority's; and with
    /// [`Error::Discovery`] where scopes by the app's id were not even tried, though none was named.
    #[expect(clippy::should_implement_trait, reason = "it fails at its end, which an iterator does not")]
    pub fn next(&mut self) -> Result<String, Error> {
        if let Some(scope) = self.scopes.next() {
            self.may_ask = self.tried.is_empty();
            self.tried.push(scope.clone());
            self.trying = Some(scope.clone());
            return Ok(scope);
        }
        let refused_by_proxy = self.refused_by_proxy.is_some();
        if let Some(scope) = self.put_off.take() {
            self.may_ask = true;
            self.trying = Some(scope.clone());
            return Ok(scope);
        }
        let refusal = self.refused_by_proxy.take().or_else(|| self.refused_by_authority.take());
        if let Some(refusal) = refusal.filter(|_| self.app.is_confirmed() || self.app.has_named_scope()) {
            return Err(refusal);
        }
        let withheld = (!self.app.is_confirmed()).then(|| alloc::format!("{}/.default", self.app.app_id()));
        let tried = core::mem::take(&mut self.tried);
        let trouble = DiscoveryTrouble::NoScope { tried, withheld, refused_by_proxy };
        Err(DiscoveryError::new(self.app.external_url(), trouble).into())
    }

    /// Whether the user may be asked to sign in for the scope that is being tried; else its token is to be got silently.
    pub fn may_ask(&self) -> bool {
        self.may_ask
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
            (Err(error @ Error::UiRequired(_)), Some(scope)) if !self.may_ask => {
                // A token that the proxy has refused is of somebody who is signed in.
                if error.server().is_some() || self.refused_by_proxy.is_none() {
                    self.put_off.get_or_insert(scope);
                }
                Ok(None)
            }
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::string::ToString as _;

    use super::*;
    use crate::protocol::{AppCall, EdgeRedirect, ProxyRefused};
    use crate::{Secret, ServerError, UiReason};

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

    fn unseen(is_said_by_authority: bool) -> Result<(), Error> {
        let Error::UiRequired(mut required) = Error::ui_required(UiReason::ConsentRequired) else { unreachable!() };
        required.server = is_said_by_authority.then(ServerError::default);
        Err(Error::UiRequired(required))
    }

    /// What is tried, and whether the user may be asked for it, until it ends or the outcomes do.
    fn tried(outcomes: impl IntoIterator<Item = Result<(), Error>>) -> Vec<(&'static str, bool)> {
        let mut settling = Settling::of(app(true));
        let mut tried = Vec::new();
        for outcome in outcomes {
            let Ok(scope) = settling.next() else { return tried };
            let name = ["a/.default", "https://hr.example//", "https://hr.example/u", "api://a"]
                .into_iter()
                .find(|name| scope.starts_with(name));
            tried.push((name.unwrap(), settling.may_ask()));
            assert_eq!(settling.ended(outcome).unwrap(), None);
        }
        assert!(settling.next().is_err());
        tried
    }

    #[test]
    fn the_user_is_asked_for_the_first_scope_and_once_more_where_nothing_else_remains() {
        let first = [("a/.default", true), ("https://hr.example//", false), ("https://hr.example/u", false)];
        let all = [&first[..], &[("api://a", false)]].concat();
        assert_eq!(tried((0..4).map(|_| refused())), all);
        let once_more = [&all[..], &[("https://hr.example/u", true)]].concat();
        assert_eq!(tried([refused(), unseen(false), unseen(true), unseen(true), refused()]), once_more);
        assert_eq!(tried([refused(), unseen(false), unseen(false), refused()]), all, "nobody said so");
        let in_vain = || server("invalid_resource");
        let second = [&all[..], &[("https://hr.example//", true)]].concat();
        assert_eq!(tried([in_vain(), unseen(false), unseen(false), unseen(false), in_vain()]), second);
    }

    #[test]
    fn a_sign_in_that_is_needed_and_not_made_is_the_end_only_where_it_may_be() {
        let mut settling = Settling::of(app(true));
        settling.next().unwrap();
        assert!(settling.ended(unseen(true)).unwrap_err().needs_ui());
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

    #[test]
    fn a_scope_that_was_named_is_tried_alone_and_refused_as_it_is() {
        let scope = "https://hr.example/user_impersonation";
        for (outcome, is_refused_by_proxy) in [(refused(), true), (server("invalid_resource"), false)] {
            let mut settling = Settling::of(app(false).trying_only(scope).unwrap());
            assert_eq!(settling.next().unwrap(), scope);
            assert_eq!(settling.ended(outcome).unwrap(), None);
            let error = settling.next().unwrap_err();
            assert_eq!(matches!(error, Error::ProxyRefused(_)), is_refused_by_proxy, "{error}");
            assert!(!matches!(error, Error::Discovery(_)), "{error}");
        }
    }
}
