//! Finding tokens and accounts by their fields.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::entity::Entity;
use super::{Section, TokenCache};
use crate::protocol::RESERVED_SCOPES;
use crate::{Account, AccountSelector, App, Authority, Error, Secret, UnixTime};

/// Tokens said to live longer than this are corrupt (as in MSAL.NET, issue 1806 there).
const LONGEST_LIFE: Duration = Duration::from_secs(3650 * 24 * 3600);

/// What is looked for: tokens of one client, at one authority, for one user.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) app: &'a App,
    pub(crate) home_account_id: &'a str,
    pub(crate) scopes: &'a [String],
}

/// An access token that fits.
pub(crate) struct Found {
    pub(crate) secret: Secret,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_on: UnixTime,
    pub(crate) refresh_on: Option<UnixTime>,
    pub(crate) cached_at: UnixTime,
}

/// A refresh token, and what it was granted for where that is noted.
#[derive(Debug)]
pub(crate) struct Renewable {
    pub(crate) secret: Secret,
    pub(crate) scopes: Vec<String>,
}

impl Renewable {
    /// Whether access tokens for these scopes can come of it.
    ///
    /// At Entra any that the client may have; elsewhere those of the sign-in alone (RFC 6749 6).
    pub(crate) fn covers(&self, app: &App, scopes: &[String]) -> bool {
        let is_granted = |scope: &String| self.scopes.iter().any(|granted| granted.eq_ignore_ascii_case(scope));
        app.authority().tenant_name().is_some() || self.scopes.is_empty() || scopes.iter().all(is_granted)
    }
}

impl TokenCache {
    /// The access token for all the scopes that lives longest, whether it is still good or not.
    pub(crate) fn access_token(&self, wanted: &Wanted<'_>, now: UnixTime) -> Option<Found> {
        let candidates = self.entries(Section::AccessToken).filter(|entry| {
            entry.is_plain_bearer()
                && is_of(*entry, wanted.app, wanted.home_account_id)
                && realm_fits(*entry, wanted.app.authority())
                && covers(*entry, wanted.scopes)
        });
        candidates
            .filter_map(|entry| {
                let expires_on = entry.time("expires_on")?;
                let cached_at = entry.time("cached_at").unwrap_or_default();
                // A clock that was turned back, or a corrupt number: the entry's times mean nothing.
                let sensible = cached_at <= now + Duration::from_secs(300) && expires_on <= now + LONGEST_LIFE;
                let secret = Some(entry.text("secret")).filter(|secret| !secret.is_empty() && sensible)?;
                Some(Found {
                    secret: Secret::new(secret),
                    scopes: entry.scopes().map(String::from).collect(),
                    expires_on,
                    refresh_on: entry.time("refresh_on"),
                    cached_at,
                })
            })
            .max_by_key(|found| found.expires_on)
    }

    /// The client's newest refresh token of the user: at Entra, one for all tenants and all apps.
    pub(crate) fn refresh_token(&self, app: &App, home_account_id: &str) -> Option<Renewable> {
        self.entries(Section::RefreshToken)
            .filter(|entry| is_of(*entry, app, home_account_id) && !entry.text("secret").is_empty())
            .max_by_key(|entry| entry.time("last_modification_time"))
            .map(|entry| Renewable {
                secret: Secret::new(entry.text("secret")),
                scopes: entry.scopes().map(String::from).collect(),
            })
    }

    /// Everybody who has tokens of this client at this authority, each once, by user name.
    pub fn accounts(&self, app: &App) -> Vec<Account> {
        let mut accounts: Vec<Account> = Vec::new();
        for section in [Section::RefreshToken, Section::AccessToken] {
            let names_somebody = |entry: &Entity<'_>| is_issued(*entry, app) && entry.has_text("home_account_id");
            for entry in self.entries(section).filter(names_somebody) {
                let id = entry.text("home_account_id");
                if !accounts.iter().any(|account| account.home_account_id.eq_ignore_ascii_case(id)) {
                    accounts.push(self.account(app, id));
                }
            }
        }
        accounts.sort_by(|one, other| one.username.cmp(&other.username));
        accounts
    }

    /// The account that is meant; `None` where nobody fits.
    ///
    /// Among several, those that this authority's tenant knows come first; if that leaves more than one,
    /// the caller has to choose.
    pub(crate) fn select_account(&self, app: &App, selector: &AccountSelector) -> Result<Option<Account>, Error> {
        let mut fitting = self.accounts(app);
        fitting.retain(|account| selector.fits(account));
        if fitting.len() > 1 {
            let known = |account: &Account| {
                let has = |section| {
                    self.entries(section).any(|entry| {
                        entry.is("home_account_id", &account.home_account_id)
                            && app.authority().is_environment(entry.text("environment"))
                            && realm_fits(entry, app.authority())
                    })
                };
                has(Section::AccessToken) || has(Section::Account)
            };
            let (known, _): (Vec<Account>, Vec<Account>) = fitting.iter().cloned().partition(known);
            if !known.is_empty() {
                fitting = known;
            }
        }
        if fitting.len() > 1 {
            let names = fitting.iter().map(|account| String::from(account.name_to_choose_by()));
            return Err(Error::AmbiguousAccount(names.collect()));
        }
        Ok(fitting.pop())
    }

    /// An account's data: from its own entry, best the one of the authority's tenant.
    pub(crate) fn account(&self, app: &App, home_account_id: &str) -> Account {
        let authority = app.authority();
        let mine = |entry: &Entity<'_>| {
            entry.is("home_account_id", home_account_id) && authority.is_environment(entry.text("environment"))
        };
        let entry = self
            .entries(Section::Account)
            .filter(mine)
            .max_by_key(|entry| (realm_fits(*entry, authority), !entry.text("username").is_empty()));
        let expires_on = self
            .entries(Section::AccessToken)
            .filter(|entry| is_of(*entry, app, home_account_id))
            .filter_map(|entry| entry.time("expires_on"))
            .max();
        let text = |name: &str| entry.map(|entry| entry.text(name)).unwrap_or_default().to_string();
        Account {
            home_account_id: home_account_id.to_string(),
            local_account_id: text("local_account_id"),
            username: text("username"),
            name: Some(text("name")).filter(|name| !name.is_empty()),
            environment: authority.environment().to_string(),
            realm: text("realm"),
            expires_on,
        }
    }
}

/// Whether an entry is this client's, at this authority.
pub(super) fn is_clients(entry: Entity<'_>, app: &App) -> bool {
    entry.is("client_id", app.client_id()) && app.authority().is_environment(entry.text("environment"))
}

/// Whether a credential is this client's and was issued by this very authority: generic ones on one host
/// differ by their realm, while Entra's refresh tokens have none.
pub(super) fn is_issued(entry: Entity<'_>, app: &App) -> bool {
    is_clients(entry, app) && (app.authority().tenant_name().is_some() || realm_fits(entry, app.authority()))
}

/// The same, and this user's.
pub(super) fn is_of(entry: Entity<'_>, app: &App, home_account_id: &str) -> bool {
    is_issued(entry, app) && entry.is("home_account_id", home_account_id)
}

/// Whether an entry belongs to the tenant that the authority means.
///
/// Entries carry the tenant's id, while people name tenants by a domain too: what was asked for is noted
/// on write in a field of our own. `organizations` and the like mean the user's home tenant, as in MSAL.NET.
pub(super) fn realm_fits(entry: Entity<'_>, authority: &Authority) -> bool {
    let Some(tenant) = authority.tenant_name() else {
        return entry.is("realm", &authority.fallback_realm());
    };
    if entry.is("realm", tenant)
        || entry.text(ASKED_TENANT).split_whitespace().any(|asked| asked.eq_ignore_ascii_case(tenant))
    {
        return true;
    }
    let home_tenant = entry.text("home_account_id").split_once('.').map(|(_, tenant)| tenant);
    match tenant {
        "common" | "organizations" => home_tenant.is_some_and(|home| entry.is("realm", home)),
        "consumers" => entry.is("realm", CONSUMERS),
        _ => false,
    }
}

/// The tenant of personal accounts (identity-platform/v2-protocols).
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// The field that notes under which names a tenant was asked for.
pub(super) const ASKED_TENANT: &str = "entrada_tenant";

/// Whether an access token is good for all the scopes; reserved ones count only where there are no others.
fn covers(entry: Entity<'_>, scopes: &[String]) -> bool {
    let is_reserved = |scope: &String| RESERVED_SCOPES.contains(&scope.as_str());
    let only_reserved = scopes.iter().all(is_reserved);
    scopes
        .iter()
        .filter(|scope| only_reserved || !is_reserved(scope))
        .all(|scope| entry.scopes().any(|held| held.eq_ignore_ascii_case(scope)))
}
