//! What the proxy's edge does when: data, so that a later observation of the real one changes data only.
//!
//! The defaults are what Microsoft's documents and the reports of users say (application-proxy-security.md,
//! application-proxy-troubleshoot.md, microsoft-authentication-library-for-objc#1187). Status codes of the error pages
//! are not in public documents: only the words on them are.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// What the edge finds, in the order in which it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// The app is in maintenance mode.
    Maintenance,
    /// More headers than [`ProxyTable::header_limit`].
    TooManyHeaders,
    /// `/robots.txt` at the root.
    Robots,
    /// A path outside the one under which the app is published.
    NotPublished,
    /// A request `OPTIONS`, which carries no credentials.
    Preflight,
    /// No `Authorization: Bearer`.
    NoToken,
    /// Not a JSON Web Token.
    MalformedToken,
    /// Not signed by the authority's key.
    BadSignature,
    /// Neither of the tenant's issuers.
    WrongIssuer,
    /// Another tenant's `tid`.
    WrongTenant,
    /// A token that the proxy app itself has asked for: one registration serves as proxy app and as native client
    /// (microsoft-authentication-library-for-objc#1665).
    OwnClient,
    /// An `aud` that none of [`ProxyTable::audiences`] allows.
    WrongAudience,
    /// `ver` 2.0 where [`ProxyTable::accepts_v2_tokens`] is off.
    WrongVersion,
    /// `exp` is past.
    Expired,
    /// `nbf` is ahead.
    NotYetValid,
    /// No `scp`: no user (application-only token), or no `user_impersonation` in it.
    MissingScope,
    /// The user is not assigned to the app.
    NotAssigned,
    /// Claims are demanded that the token was not issued with.
    ClaimsDemanded,
    /// The token is right, and the proxy app's registration has been changed by hand so that pre-authentication is broken
    /// (application-proxy-faq.yml).
    RegistrationEdited,
    /// The user has no licence, which the edge tells as it tells a missing assignment.
    NotLicensed,
    /// No connector of the app's group takes requests.
    NoConnector,
    /// A connector whose client certificate the service does not see, since TLS is inspected on its way out.
    ConnectorUnauthorized,
    /// The connector does not reach the app.
    BackEndAway,
    /// The app does not answer in [`ProxyTable::back_end_timeout_ms`].
    BackEndTimeout,
    /// The app answers 401 and [`ProxyTable::hides_401`] is on.
    BackEndUnauthorized,
}

/// How the app behind the proxy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackEnd {
    /// It answers.
    #[default]
    Well,
    /// The connector does not reach it.
    Away,
    /// It takes so long (real time) for each answer.
    Slow(Duration),
    /// It answers 401 and wants credentials of its own: `Basic`.
    WantsBasic,
    /// It answers 401 and wants integrated Windows authentication: `Negotiate` and `NTLM`.
    WantsWindows,
}

/// What the edge answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 302 to the tenant's v1 authorize endpoint, with `AppProxyState`.
    SignInRedirect {
        /// `InvalidTokenRetry`: `null` where no token was seen, `true` where one was refused.
        invalid_token_retry: Option<bool>,
    },
    /// 401 with `WWW-Authenticate: Bearer ... error="insufficient_claims", claims="..."`.
    ClaimsChallenge,
    /// 401 with `WWW-Authenticate: Bearer ... error="invalid_token"`, which no report shows.
    InvalidToken,
    /// The page "This corporate app can't be accessed".
    Page {
        /// The HTTP status.
        status: u16,
        /// The word under "Status Code".
        word: String,
        /// `x-ms-proxy-error-details`.
        details: Option<String>,
    },
    /// 200 and the sign-in page, with the headers and cookies of the sign-in service and none of the proxy's: something on
    /// the way has followed the redirect.
    SignInPage,
    /// `User-agent: *`, `Disallow: /`.
    Robots,
    /// On to the app, as if nothing were wrong.
    Forward,
}

/// An `aud` that the edge takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The external URL, slash at the end: `https://h/`.
    ExternalUrl,
    /// The external URL without that slash: refused by default, as the reports say; some deployments take it.
    ExternalUrlWithoutSlash,
    /// The proxy app's id.
    AppId,
    /// `api://` and the proxy app's id.
    ApiUri,
    /// This very text.
    Exactly(String),
}

/// What a redirect to sign-in names where that is not what is right. By default all is right.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redirection {
    /// Scheme, host and port of the sign-in page, without a slash.
    pub instance: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The app's id.
    pub app_id: Option<String>,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// Keys that the state has besides the known ones.
    pub state: Map<String, Value>,
    /// Parameters that the URL has besides the known ones, as names and values.
    pub parameters: Vec<(String, String)>,
}

/// Condition to answer, and the edge's other habits.
#[derive(Debug, Clone)]
pub struct ProxyTable {
    /// What is answered to what; a condition that is not in it is forwarded.
    pub answers: BTreeMap<Condition, Answer>,
    /// The audiences taken.
    pub audiences: Vec<Audience>,
    /// Whether v2 access tokens are taken; not documented.
    pub accepts_v2_tokens: bool,
    /// Pre-authentication off: no token is needed or looked at.
    pub passthrough: bool,
    /// Whether the app gets to see the `Authorization` header; not documented.
    pub forwards_bearer: bool,
    /// A header with the user's principal name for the app, such as header-based single sign-on sets.
    pub user_header: Option<String>,
    /// Request headers allowed: 60 (application-proxy-release-version-history.md).
    pub header_limit: usize,
    /// Milliseconds (real time) that the app may take: 85 seconds (application-proxy-faq.yml).
    pub back_end_timeout_ms: u64,
    /// A 401 of the app becomes [`Condition::BackEndUnauthorized`], as with integrated Windows authentication.
    pub hides_401: bool,
    /// Whoever asks is past the proxy: the app answers by itself, and nothing says `x-ms-proxy`.
    pub bypassed: bool,
    /// How the redirect to sign-in differs from the right one.
    pub redirection: Redirection,
    /// The same for the site [`Stage::stranger_url`](crate::Stage::stranger_url), which is not the proxy's: there, all that
    /// is not set is of the published app, but for the redirect URI, which is the site's own.
    pub stranger: Redirection,
    /// Another app than the stage's own, such as a program's server: the internal URL's address.
    pub back_end: Option<SocketAddr>,
}

impl Default for ProxyTable {
    fn default() -> Self {
        use Condition::*;
        let page = |status, word: &str, details: Option<&str>| Answer::Page {
            status,
            word: word.to_owned(),
            details: details.map(str::to_owned),
        };
        let refused = Answer::SignInRedirect { invalid_token_retry: Some(true) };
        let unseen = Answer::SignInRedirect { invalid_token_retry: None };
        let answers = BTreeMap::from([
            (Maintenance, page(503, "Service unavailable", Some("ApplicationInMaintenance"))),
            (TooManyHeaders, page(400, "Bad request", Some("TooManyHeaders"))),
            (Robots, Answer::Robots),
            (NotPublished, page(404, "Not found", None)),
            (Preflight, unseen.clone()),
            (NoToken, unseen),
            (MalformedToken, refused.clone()),
            (BadSignature, refused.clone()),
            (WrongIssuer, refused.clone()),
            (WrongTenant, refused.clone()),
            (OwnClient, refused.clone()),
            (WrongAudience, refused.clone()),
            (WrongVersion, refused.clone()),
            (Expired, refused.clone()),
            (NotYetValid, refused.clone()),
            (MissingScope, refused.clone()),
            (NotAssigned, page(403, "Forbidden", None)),
            (ClaimsDemanded, Answer::ClaimsChallenge),
            (RegistrationEdited, refused),
            (NotLicensed, page(403, "Forbidden", None)),
            (NoConnector, page(504, "Gateway timeout", Some("EmptyConnectorGroup"))),
            (ConnectorUnauthorized, page(500, "InternalServerError: ConnectorError:Unauthorized", None)),
            (BackEndAway, page(502, "Bad gateway", Some("BackendServiceUnavailable"))),
            (BackEndTimeout, page(504, "Gateway timeout", Some("BackendTimeOut"))),
            (BackEndUnauthorized, page(403, "Forbidden", None)),
        ]);
        Self {
            answers,
            audiences: vec![Audience::ExternalUrl, Audience::AppId],
            accepts_v2_tokens: true,
            passthrough: false,
            forwards_bearer: true,
            user_header: None,
            header_limit: 60,
            back_end_timeout_ms: 85_000,
            hides_401: false,
            bypassed: false,
            redirection: Redirection::default(),
            stranger: Redirection::default(),
            back_end: None,
        }
    }
}

impl ProxyTable {
    /// Changes one answer.
    pub fn set(&mut self, condition: Condition, answer: Answer) -> &mut Self {
        self.answers.insert(condition, answer);
        self
    }

    /// The answer to a condition.
    pub fn answer(&self, condition: Condition) -> &Answer {
        self.answers.get(&condition).unwrap_or(&Answer::Forward)
    }
}
