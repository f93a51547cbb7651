//! What went wrong, with the exit code that scripts rely on.

use std::error::Error as _;
use std::io;

use entrada::protocol::aadsts::Matter;
use entrada::protocol::{DiscoveryTrouble, GatewayPage, GatewayTrouble};
use entrada::{Error, Fault, Port, ServerError};

/// The end of a run that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) remedy: Option<Box<str>>,
    pub(crate) aadsts: Option<u32>,
    pub(crate) correlation_id: Option<Box<str>>,
    /// For how many seconds the authority, or the app, wants to be left alone.
    pub(crate) retry_after: Option<u32>,
    /// What did not go as it should before that.
    pub(crate) warnings: Box<[String]>,
}

pub(crate) const OTHER: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const TOO_MANY_REDIRECTS: u8 = 6;
pub(crate) const NETWORK: u8 = 7;
pub(crate) const SIGN_IN_NEEDED: u8 = 10;
pub(crate) const REFUSED: u8 = 11;
pub(crate) const SIGN_IN_TIMED_OUT: u8 = 12;
pub(crate) const POLICY: u8 = 13;
pub(crate) const PROXY_REFUSED: u8 = 14;
pub(crate) const CONFIGURATION: u8 = 15;
pub(crate) const STORE: u8 = 16;

/// The statuses of an app that passes, and is tried again where that is allowed.
pub(crate) const PASSING: [u16; 5] = [408, 429, 502, 503, 504];

impl Failure {
    pub(crate) fn new(code: u8, kind: &str, message: String) -> Self {
        Self {
            code,
            kind: kind.to_owned(),
            message,
            remedy: None,
            aadsts: None,
            correlation_id: None,
            retry_after: None,
            warnings: Box::default(),
        }
    }

    pub(crate) fn config(message: String) -> Self {
        Self::new(CONFIGURATION, "configuration", message)
    }

    pub(crate) fn usage(message: String) -> Self {
        Self::new(USAGE, "usage", message)
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<Box<str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// For an answer of the app whose status is no success.
    pub(crate) fn status(status: u16, message: String) -> Self {
        let (code, kind) = status_code(status);
        Self::new(code, &kind, message)
    }

    /// Whether the same may succeed a little later: nobody was there, or the app or the proxy was busy or broken.
    pub(crate) fn passes(&self) -> bool {
        let is_passing_status = || PASSING.iter().any(|status| self.kind == format!("http_{status}"));
        (self.code == NETWORK && self.kind != "tls") || is_passing_status()
    }

    pub(crate) fn output(what: &str, error: &io::Error) -> Self {
        Self::new(OTHER, "output", format!("{what} cannot be written: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (code, kind) = code_and_kind(&error);
        // The remedy has a field of its own.
        let remedy: Option<Box<str>> = match &error {
            Error::ProxyRefused(refused) => Some(refused.remedy().into()),
            Error::Discovery(discovery) => Some(discovery.remedy().into()),
            Error::OtherAccount { .. } => {
                Some("sign in again and pick the right one: entrada login --prompt select_account".into())
            }
            other => other.remedy().map(Box::from),
        };
        let mut message = error.to_string();
        if let Some(rest) = remedy.as_ref().and_then(|remedy| message.strip_suffix(&**remedy)) {
            message = rest.trim_end_matches([';', ':', ' ']).to_owned();
        }
        let mut cause = error.source().and_then(|source| source.source());
        while let Some(deeper) = cause {
            let text = deeper.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = deeper.source();
        }
        Self {
            code,
            kind,
            message,
            remedy,
            aadsts: error.server().and_then(ServerError::aadsts),
            correlation_id: error.correlation_id().map(Box::from),
            retry_after: error.retry_after().and_then(|pause| u32::try_from(pause.as_secs()).ok()),
            warnings: match &error {
                Error::UiRequired(required) => required.warnings.iter().map(ToString::to_string).collect(),
                _ => Box::default(),
            },
        }
    }
}

/// An HTTP status that is no success.
fn status_code(status: u16) -> (u8, String) {
    let code = match status {
        300..400 => 3,
        400..500 => 4,
        500..600 => 5,
        _ => OTHER,
    };
    (code, format!("http_{status}"))
}

/// A page of the proxy's: its status, except where it is about who is assigned.
pub(crate) fn page_code(page: &GatewayPage) -> (u8, String) {
    match page.trouble {
        GatewayTrouble::NotAssigned => (POLICY, "not_assigned".to_owned()),
        _ => status_code(page.status),
    }
}

fn code_and_kind(error: &Error) -> (u8, String) {
    let (code, kind) = match error {
        Error::UiRequired(_) => (SIGN_IN_NEEDED, "sign_in_needed"),
        Error::Server(server) => return server_code(server),
        Error::Protocol(_) => (CONFIGURATION, "not_an_authority"),
        Error::Adapter(failure) => match (failure.port, failure.fault) {
            (Port::Cache, _) => (STORE, "store"),
            (_, Fault::Untrusted) => (NETWORK, "tls"),
            (_, Fault::TimedOut) => (NETWORK, "timed_out"),
            (_, Fault::Unreachable) => (NETWORK, "unreachable"),
            (Port::Authority | Port::App, Fault::Denied) => (NETWORK, "denied"),
            (Port::Authority, Fault::TooLarge) => (CONFIGURATION, "not_an_authority"),
            (Port::Browser, _) => (OTHER, "browser"),
            _ => (OTHER, "other"),
        },
        Error::TimedOut(_) => (SIGN_IN_TIMED_OUT, "sign_in_timed_out"),
        Error::Cancelled => (REFUSED, "cancelled"),
        Error::ProxyRefused(_) => (PROXY_REFUSED, "proxy_refused"),
        Error::Discovery(discovery) => match &discovery.trouble {
            // It is the proxy that has seen a token, and refused it.
            DiscoveryTrouble::NoScope { refused_by_proxy: true, .. } => (PROXY_REFUSED, "no_scope"),
            DiscoveryTrouble::Outdated => (PROXY_REFUSED, "outdated"),
            DiscoveryTrouble::Gateway(page) => return page_code(page),
            DiscoveryTrouble::NoSignIn { status: status @ (429 | 500..) } => return status_code(*status),
            _ => (CONFIGURATION, "discovery"),
        },
        Error::TooManyRedirects(_) => (TOO_MANY_REDIRECTS, "too_many_redirects"),
        Error::AmbiguousAccount(_) => (CONFIGURATION, "ambiguous_account"),
        Error::OtherAccount { .. } => (CONFIGURATION, "other_account"),
        Error::Config(_) => (CONFIGURATION, "configuration"),
        _ => (OTHER, "other"),
    };
    (code, kind.to_owned())
}

/// The exit code explains, as the number does: a known number says more than `error`, where there is none.
fn server_code(server: &ServerError) -> (u8, String) {
    if server.is_transient() {
        return (NETWORK, "temporarily_unavailable".to_owned());
    }
    if let Some(known) = server.explanation() {
        let code = match known.matter {
            Matter::Configuration => CONFIGURATION,
            Matter::Policy => POLICY,
            Matter::SignIn => SIGN_IN_NEEDED,
            Matter::Declined => REFUSED,
            Matter::Passing => NETWORK,
            _ => OTHER,
        };
        return (code, known.kind.to_owned());
    }
    let code = match server.error.as_str() {
        "access_denied" | "authorization_declined" => REFUSED,
        "consent_required" | "interaction_required" => POLICY,
        "invalid_client"
        | "unauthorized_client"
        | "invalid_scope"
        | "invalid_resource"
        | "invalid_target"
        | "invalid_request"
        | "unsupported_grant_type" => CONFIGURATION,
        "login_required" | "invalid_grant" => SIGN_IN_NEEDED,
        _ => OTHER,
    };
    (code, server.error.clone())
}
