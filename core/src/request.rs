//! What is asked for.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{AccountSelector, Error};

/// A request for a token: scopes, and how fresh and for whom.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    pub(crate) scopes: Arc<[String]>,
    pub(crate) account: AccountSelector,
    pub(crate) claims: Option<String>,
    pub(crate) force_refresh: bool,
    pub(crate) min_lifetime: Duration,
    pub(crate) defers_renewal: bool,
    pub(crate) correlation_id: Option<String>,
}

impl TokenRequest {
    /// For these scopes, taken verbatim: never trimmed, never given or robbed of a slash.
    ///
    /// Entra takes everything before a scope's last slash for the resource, so that a slash more or
    /// less names another audience. Fails on an empty list, an empty scope, and characters that no
    /// scope has (RFC 6749 3.3: printable ASCII without space, `"` and `\`).
    pub fn new<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        if scopes.is_empty() {
            return Err(Error::Config(String::from(
                "no scope is given: name the app's scope, such as https://APP.msappproxy.net//user_impersonation",
            )));
        }
        for scope in &scopes {
            let fits = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            if scope.is_empty() || !scope.bytes().all(fits) {
                return Err(Error::Config(format!(
                    "the scope {scope:?} is not one: a scope is printable ASCII without spaces, quotes and backslashes"
                )));
            }
        }
        Ok(Self {
            scopes: scopes.into(),
            account: AccountSelector::Only,
            claims: None,
            force_refresh: false,
            min_lifetime: Duration::ZERO,
            defers_renewal: false,
            correlation_id: None,
        })
    }

    /// The same for these scopes instead; see [`new`](Self::new).
    pub fn for_scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        Ok(Self { scopes: Self::new(scopes)?.scopes, ..self })
    }

    /// For this account.
    pub fn account(mut self, account: AccountSelector) -> Self {
        self.account = account;
        self
    }

    /// With these claims, the JSON of a claims challenge: the cache is passed over, and a refresh tried.
    ///
    /// Challenges have it in base64; [`Challenge::claims`](crate::protocol::Challenge::claims) decodes it. What is no
    /// JSON object, or cannot be sent together with the client's capabilities, ends the flow with [`Error::Config`].
    pub fn claims(mut self, claims: Option<String>) -> Self {
        self.claims = claims;
        self
    }

    /// Whether to pass the cached access token over, even a good one.
    pub fn force_refresh(mut self, force: bool) -> Self {
        self.force_refresh = force;
        self
    }

    /// How long the token must be good for at least, where that is more than the usual five minutes.
    pub fn min_lifetime(mut self, lifetime: Duration) -> Self {
        self.min_lifetime = lifetime;
        self
    }

    /// Whether a token that is good but due for renewal is given as it is, with
    /// [`renewal_due`](crate::Token::renewal_due): the renewal is the caller's, in the background.
    pub fn defer_renewal(mut self, defer: bool) -> Self {
        self.defers_renewal = defer;
        self
    }

    /// Under which the authority files this request; a GUID. It comes back in every error.
    pub fn correlation_id(mut self, id: Option<String>) -> Self {
        self.correlation_id = id;
        self
    }

    /// The correlation id, where one was given.
    pub fn given_correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The account that is meant.
    pub fn wanted_account(&self) -> &AccountSelector {
        &self.account
    }

    /// The scopes, verbatim.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }
}

/// How a sign-in is to be made.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub(crate) prompt: Option<PromptMode>,
    pub(crate) login_hint: Option<String>,
    pub(crate) domain_hint: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) unasked: bool,
    pub(crate) has_joined: bool,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            prompt: None,
            login_hint: None,
            domain_hint: None,
            timeout: Duration::from_secs(300),
            unasked: false,
            has_joined: false,
        }
    }
}

impl SignIn {
    /// With the authority's own choice of pages, and five minutes to come back.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which page to insist on.
    pub fn prompt(mut self, prompt: Option<PromptMode>) -> Self {
        self.prompt = prompt;
        self
    }

    /// The user name to fill in.
    pub fn login_hint(mut self, name: Option<String>) -> Self {
        self.login_hint = name;
        self
    }

    /// The domain whose sign-in page to go to straight away.
    pub fn domain_hint(mut self, domain: Option<String>) -> Self {
        self.domain_hint = domain;
        self
    }

    /// Whether the user did not ask for it: a call of the app needs it.
    ///
    /// Then a sign-in that another thread or process is making is awaited, and after three that nobody has
    /// answered none is shown for ten minutes. One that the user asks for is always shown.
    pub fn unasked(mut self, unasked: bool) -> Self {
        self.unasked = unasked;
        self
    }

    /// Whether another's sign-in was joined already ([`Outcome::Joined`](crate::Outcome::Joined)) and did not help: then
    /// this one is made, as soon as no other is under way.
    pub fn after_joining(mut self, joined: bool) -> Self {
        self.has_joined = joined;
        self
    }

    /// How long the user may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// The `prompt` parameter (OpenID Connect Core 3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromptMode {
    /// Show no page: succeed on an existing session or fail.
    None,
    /// Ask for the credentials again.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the user choose an account.
    SelectAccount,
}

impl PromptMode {
    /// As it goes over the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}
