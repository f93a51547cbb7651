//! What the three servers of a stage share.

use crate::clock::Clock;
use crate::directory::Directory;
use crate::faults::{Endpoint, Faults};
use crate::graph::Graph;
use crate::internet::Internet;
use crate::jwt::SigningKey;
use crate::ledger::{Ledger, Policy};
use crate::message::Inquiry;
use crate::observed::{RequestSeen, TokensIssued};
use crate::proxy::table::ProxyTable;
use crate::published::{Published, wanted};
use crate::tls::Tls;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How users sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignInMode {
    /// Pages with forms: password, second factor where required, consent.
    #[default]
    Pages,
    /// No pages: the user of `login_hint`, else Ada, is signed in and consents at once.
    Automatic,
}

/// Lifetimes and habits, fixed at the start.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) sign_in: SignInMode,
    pub(crate) access_token_lifetime: Duration,
    /// When the `exp` of access tokens is, where that is not what the answer says.
    pub(crate) token_ends_after: Option<Duration>,
    /// Said in `refresh_in`; without it only lifetimes over two hours get one, half of the lifetime.
    pub(crate) refresh_in: Option<Duration>,
    pub(crate) device_interval: Duration,
    pub(crate) device_lifetime: Duration,
    /// The answer's `scope` has single slashes, as reported in microsoft-authentication-library-for-dotnet#1040.
    pub(crate) scope_normalised: bool,
}

pub(crate) struct Realm {
    pub(crate) clock: Clock,
    pub(crate) key: SigningKey,
    pub(crate) directory: Directory,
    pub(crate) settings: Settings,
    /// `scheme://host:port` of the authority, with no slash at the end.
    pub(crate) instance: String,
    /// The apps behind the proxy; the first is the one that the stage is about.
    pub(crate) published: Vec<Published>,
    /// `host:port` of the app.
    pub(crate) app_address: std::net::SocketAddr,
    pub(crate) tls: Option<Tls>,
    /// Where the URLs have names of the real world.
    pub(crate) internet: Option<Internet>,
    /// The site that is not the proxy's, with a slash at the end.
    pub(crate) stranger_url: Option<String>,
    /// The stand-in for Microsoft Graph, where it was asked for.
    pub(crate) graph: Option<Graph>,
    pub(crate) faults: Faults,
    pub(crate) table: Mutex<ProxyTable>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) policy: Mutex<Policy>,
    pub(crate) requests: Mutex<Vec<RequestSeen>>,
    pub(crate) issued: Mutex<Vec<TokensIssued>>,
}

impl Realm {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.ledger)
    }

    pub(crate) fn policy(&self) -> MutexGuard<'_, Policy> {
        locked(&self.policy)
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, ProxyTable> {
        locked(&self.table)
    }

    /// The app that the stage is about.
    pub(crate) fn app(&self) -> &Published {
        &self.published[0]
    }

    /// The app that a request at the proxy is for.
    pub(crate) fn wanted(&self, inquiry: &Inquiry) -> Option<&Published> {
        let host = self.internet.as_ref().and_then(|_| inquiry.header("host"));
        wanted(self.published.iter().chain(self.directory.grown.published()), host, &inquiry.path)
    }

    pub(crate) fn note(&self, endpoint: Endpoint, inquiry: &Inquiry) {
        locked(&self.requests).push(RequestSeen::new(endpoint, inquiry, self.clock.now()));
    }

    /// The issuer of v2 tokens: id tokens, and access tokens of resources that ask for version 2.
    pub(crate) fn issuer(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.instance)
    }
}

/// A test that panics while it looks must not spoil the next look.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The issuer of v1 access tokens (access-token-claims-reference.md, `iss`).
pub(crate) fn v1_issuer(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}
