//! Why there is no token.

mod server;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error as StdError;
use core::fmt;
use core::time::Duration;

use crate::protocol::{DiscoveryError, ProxyRefused};
use crate::words::clean;
use crate::{Fault, TokenRequest, Warning};

pub use self::server::ServerError;

/// Why a flow, or a call to the app, ended without what was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Silently it cannot be done: the user has to sign in.
    UiRequired(Box<UiRequired>),
    /// The authority answered with an error of its own.
    Server(Box<ServerError>),
    /// The other side answered something that the protocol does not allow.
    Protocol(Box<ProtocolError>),
    /// An adapter failed: network, TLS, store, browser.
    Adapter(Box<AdapterFailure>),
    /// What was waited for did not come in time.
    TimedOut(Waiting),
    /// The user, or the embedding program, gave up.
    Cancelled,
    /// The application proxy sent to its sign-in page although a token was presented.
    ProxyRefused(Box<ProxyRefused>),
    /// An app's URL did not tell whom to ask for tokens, or told something that is not to be trusted.
    Discovery(Box<DiscoveryError>),
    /// The app redirected more often than was allowed.
    TooManyRedirects(u32),
    /// Several accounts fit. The user names are in their own order.
    AmbiguousAccount(Vec<String>),
    /// The user signed in, and is signed in, but as somebody else than was asked for.
    OtherAccount {
        /// The name of the account that is now in the cache.
        signed_in: String,
    },
    /// The configuration cannot be used; the sentence says what is wrong and what would be right.
    Config(String),
    /// The flow was driven wrongly: a stale or foreign answer, or one after its end.
    Misuse(&'static str),
}

impl Error {
    /// Whether a sign-in would help.
    pub fn needs_ui(&self) -> bool {
        matches!(self, Self::UiRequired(_))
    }

    /// Whether the same may succeed when tried again later, without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(server) => server.is_transient(),
            Self::Adapter(failure) => failure.fault.is_transient(),
            Self::UiRequired(_)
            | Self::Protocol(_)
            | Self::TimedOut(_)
            | Self::Cancelled
            | Self::ProxyRefused(_)
            | Self::Discovery(_)
            | Self::TooManyRedirects(_)
            | Self::AmbiguousAccount(_)
            | Self::OtherAccount { .. }
            | Self::Config(_)
            | Self::Misuse(_) => false,
        }
    }

    /// What the authority said, where it is behind this error.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Server(server) => Some(server),
            Self::UiRequired(required) => required.server.as_ref(),
            _ => None,
        }
    }

    /// For how long whoever has answered wants to be left alone, where it said so (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Discovery(discovery) => discovery.retry_after,
            _ => self.server()?.retry_after,
        }
    }

    /// The correlation id under which the authority's operators find this request.
    pub fn correlation_id(&self) -> Option<&str> {
        match self {
            Self::Protocol(protocol) => protocol.correlation_id.as_deref(),
            Self::ProxyRefused(refused) => refused.edge.correlation_id.as_deref(),
            _ => self.server()?.correlation_id.as_deref(),
        }
    }

    /// With the request's own correlation id, where the answer behind this error told none.
    pub(crate) fn traced(mut self, request: &TokenRequest) -> Self {
        match &mut self {
            Self::Server(server) => server.trace(request),
            Self::UiRequired(required) => required.server.iter_mut().for_each(|server| server.trace(request)),
            Self::Protocol(protocol) if protocol.correlation_id.is_none() => {
                protocol.correlation_id = request.correlation_id.clone();
            }
            _ => {}
        }
        self
    }

    /// What the user or an administrator can do about it, where we know.
    pub fn remedy(&self) -> Option<&'static str> {
        self.server().and_then(ServerError::remedy)
    }

    pub(crate) fn adapter(port: Port, fault: Fault) -> Self {
        match fault {
            Fault::Cancelled => Self::Cancelled,
            _ => Self::Adapter(Box::new(AdapterFailure { port, fault, source: None })),
        }
    }

    /// The failure of an adapter that was used outside a flow, such as a call to the app.
    #[cfg(feature = "std")]
    pub fn from_adapter(port: Port, error: crate::ports::AdapterError) -> Self {
        Self::adapter(port, error.fault()).with_source(error.into_source())
    }

    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol(Box::new(ProtocolError { what: what.into(), status: None, correlation_id: None }))
    }

    pub(crate) fn ui_required(reason: UiReason) -> Self {
        Self::UiRequired(Box::new(UiRequired { reason, claims: None, server: None, warnings: Vec::new() }))
    }

    /// Gives the adapter's own error back to the failure that it caused.
    pub fn with_source(mut self, cause: Box<dyn StdError + Send + Sync>) -> Self {
        if let Self::Adapter(failure) = &mut self {
            failure.source.get_or_insert(cause);
        }
        self
    }
}

impl From<DiscoveryError> for Error {
    fn from(error: DiscoveryError) -> Self {
        Self::Discovery(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UiRequired(required) => required.fmt(f),
            Self::Server(server) => server.fmt(f),
            Self::Protocol(protocol) => protocol.fmt(f),
            Self::Adapter(failure) => failure.fmt(f),
            Self::TimedOut(waiting) => waiting.fmt(f),
            Self::ProxyRefused(refused) => refused.fmt(f),
            Self::Discovery(discovery) => discovery.fmt(f),
            Self::TooManyRedirects(limit) => write!(f, "the app redirected more than {limit} times"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::AmbiguousAccount(names) => {
                write!(f, "several accounts are signed in ({}): name the one to use", clean(&names.join(", ")))
            }
            Self::OtherAccount { signed_in } => {
                let signed_in = clean(signed_in);
                write!(f, "the sign-in was made as {signed_in}, which is not the account that was asked for")
            }
            Self::Config(sentence) => f.write_str(sentence),
            Self::Misuse(sentence) => write!(f, "the flow was driven wrongly: {sentence}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Adapter(failure) => failure.source.as_ref().map(|source| source.as_ref() as _),
            _ => None,
        }
    }
}

/// Why a sign-in is needed, and with what.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UiRequired {
    /// The reason.
    pub reason: UiReason,
    /// Claims that the sign-in must ask for, JSON, where the authority demanded some.
    pub claims: Option<String>,
    /// The authority's answer, where it was asked.
    pub server: Option<ServerError>,
    /// What did not go as it should on the way, such as a cache that could not be read.
    pub warnings: Vec<Warning>,
}

impl fmt::Display for UiRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sign-in is needed: {}", self.reason)?;
        match &self.server {
            Some(server) => {
                write!(f, " ({})", server.summary())?;
                server.tell_repetition(f)
            }
            None => Ok(()),
        }
    }
}

/// The reasons for which silence ends.
///
/// Taken from `error` and `suberror` alone: Microsoft asks not to decide on AADSTS numbers
/// (identity-platform/reference-error-codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UiReason {
    /// Nobody is signed in, or not the account that was asked for.
    NoAccount,
    /// The account is known, but there is no refresh token of this client.
    NoRefreshToken,
    /// `basic_action`: a sign-in settles it.
    BasicAction,
    /// `additional_action`: something outside the sign-in is to be done as well.
    AdditionalAction,
    /// `message_only`: the sign-in page only explains why it cannot be.
    MessageOnly,
    /// `consent_required`: the user or an administrator must consent.
    ConsentRequired,
    /// `user_password_expired`: the password must be changed.
    PasswordExpired,
    /// `bad_token`: the refresh token is worthless and was removed.
    BadRefreshToken,
    /// The authority refused the refresh token and said no more.
    RefreshRefused,
    /// Three sign-ins that the user had not asked for went unanswered, or were declined: none is shown for ten minutes.
    Unanswered,
}

impl fmt::Display for UiReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAccount => "nobody is signed in here yet",
            Self::NoRefreshToken => "the stored sign-in has no refresh token",
            Self::BasicAction => "the authority wants to see the user",
            Self::AdditionalAction => "the authority wants a further step from the user",
            Self::MessageOnly => "the authority has a message for the user",
            Self::ConsentRequired => "consent is missing",
            Self::PasswordExpired => "the password has expired",
            Self::BadRefreshToken => "the stored sign-in has become worthless",
            Self::RefreshRefused => "the authority no longer accepts the stored sign-in",
            Self::Unanswered => "three went unanswered or were declined, so that none is shown unasked for ten minutes",
        })
    }
}

/// An answer that the protocol does not allow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProtocolError {
    /// What was wrong with it.
    pub what: String,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Under which the authority's operators find the request.
    pub correlation_id: Option<String>,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        match &self.correlation_id {
            Some(id) => write!(f, " (correlation id {})", clean(id)),
            None => Ok(()),
        }
    }
}

/// An adapter's failure: which port, and why.
#[derive(Debug)]
#[non_exhaustive]
pub struct AdapterFailure {
    /// Which port failed.
    pub port: Port,
    /// Why, as far as the core must know.
    pub fault: Fault,
    /// The adapter's own error, put back by the driver.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl fmt::Display for AdapterFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.port),
            None => write!(f, "{}: {}", self.port, self.fault),
        }
    }
}

/// The ports by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Port {
    /// The authority could not be asked.
    Authority,
    /// The app could not be called.
    App,
    /// The token cache.
    Cache,
    /// The browser, or whatever shows the sign-in.
    Browser,
    /// The source of randomness.
    Entropy,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => "the authority cannot be asked",
            Self::App => "the app cannot be called",
            Self::Cache => "the token cache cannot be used",
            Self::Browser => "the sign-in cannot be shown",
            Self::Entropy => "there is no randomness",
        })
    }
}

/// What was waited for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// The redirect of a sign-in in the browser.
    SignIn,
    /// The user code to be entered.
    UserCode,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIn => {
                "the sign-in did not come back in time; if the browser shows an error page, it says why: \
                 Entra keeps some refusals, such as a missing assignment, on that page"
            }
            Self::UserCode => {
                "the user code was not entered in time; if the page said that access is blocked, \
                 the tenant's policy refuses user codes: sign in with the browser instead"
            }
        })
    }
}
