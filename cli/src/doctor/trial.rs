//! The scopes, tried one after the other with a token and a call for each, as `entrada get` finds the one that the proxy
//! accepts.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use entrada::protocol::PublishedApp;
use entrada::{Client, Error, Token, TokenRequest};

use super::observe::Answer;

/// A token, and what a call with it brought.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) token: Token,
    /// The one that was sent in the end: a demand for claims brings another one.
    pub(super) used: Token,
    /// `None` where no token is sent there.
    pub(super) outcome: Option<Result<Answer, Error>>,
}

impl Trial {
    /// Gets a token, and the URL with it, where one is given.
    pub(super) fn make(
        client: &Client,
        request: &TokenRequest,
        url: Option<&str>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let token = client.token_for(request)?;
        let used = RefCell::new(token.clone());
        let outcome = url.map(|url| {
            let began = Instant::now();
            let call = client.call(request).timeout(timeout).on_token(|token| used.borrow_mut().clone_from(token));
            call.get(url).map(|response| Answer::of_app(response, began.elapsed()))
        });
        Ok(Self { token, used: used.into_inner(), outcome })
    }

    fn is_refused_by_proxy(&self) -> bool {
        matches!(self.outcome, Some(Err(Error::ProxyRefused(_))))
    }
}

/// The scopes to try, in their order: those that are configured, else the one that was accepted before, and each other one
/// of the app's.
pub(super) fn choices(configured: &[String], app: Option<&PublishedApp>, accepted: Option<&str>) -> Vec<Vec<String>> {
    if !configured.is_empty() {
        return vec![configured.to_vec()];
    }
    let others = app.map(PublishedApp::scopes).unwrap_or_default();
    let others = others.into_iter().filter(|scope| Some(scope.as_str()) != accepted);
    accepted.map(String::from).into_iter().chain(others).map(|scope| vec![scope]).collect()
}

/// Tries each until the authority knows it and the proxy accepts its token; `None` where there is none to try.
///
/// Where the proxy accepts none it is the first one that it refused, which should have been right; where the authority
/// knows none, what it says of the first.
pub(super) fn first_accepted(
    choices: Vec<Vec<String>>,
    mut make: impl FnMut(Vec<String>) -> Result<Trial, Error>,
) -> Option<Result<Trial, Error>> {
    let (mut refused, mut unknown) = (None, None);
    for scopes in choices {
        match make(scopes) {
            Ok(trial) if trial.is_refused_by_proxy() => {
                refused.get_or_insert(trial);
            }
            Err(error) if error.server().is_some_and(|server| server.is_about_scope()) => {
                unknown.get_or_insert(error);
            }
            ended => return Some(ended),
        }
    }
    refused.map(Ok).or_else(|| unknown.map(Err))
}
