//! Finding tokens and accounts by their fields.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::entry::Entity;
use super::{Field, Section, TokenCache};
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
        let scope = wanted.scopes.iter().find(|scope| !is_reserved(scope)).or(wanted.scopes.first())?;
        let covering = self.tokens_wanted(wanted, scope).filter(|entry| covers(*entry, wanted.scopes));
        self.longest_lived(covering, now)
    }

    fn tokens_wanted(&self, wanted: &Wanted<'_>, scope: &str) -> impl Iterator<Item = Entity<'_>> {
        let Wanted { app, home_account_id, .. } = *wanted;
        self.tokens_for(app.client_id(), home_account_id, scope).filter(move |entry| {
            entry.is_plain_bearer() && is_of(*entry, app, home_account_id) && realm_fits(*entry, app.authority())
        })
    }

    fn longest_lived<'a>(&self, candidates: impl Iterator<Item = Entity<'a>>, now: UnixTime) -> Option<Found> {
        let (entry, times) = candidates
            .map(|entry| (entry, entry.times()))
            .filter(|(entry, times)| {
                // A clock that was turned back, or a corrupt number: the entry's times mean nothing.
                let is_past = times.cached_at.unwrap_or_default() <= now + Duration::from_secs(300);
                let is_near = times.expires_on.is_some_and(|expires_on| expires_on <= now + LONGEST_LIFE);
                is_past && is_near && !entry.text(Field::Secret).is_empty()
            })
            .max_by_key(|(_, times)| times.expires_on)?;
        Some(Found {
            secret: self.secret(entry),
            scopes: entry.scopes().map(String::from).collect(),
            expires_on: times.expires_on?,
            refresh_on: times.refresh_on,
            cached_at: times.cached_at.unwrap_or_default(),
        })
    }

    fn secret(&self, entry: Entity<'_>) -> Secret {
        Secret::part(entry.text(Field::Secret), &self.source)
    }

    /// The client's refresh tokens of the user, the newest first: at Entra, one for all tenants and all apps. Libraries
    /// that share a cache can leave a second one.
    ///
    /// MSAL for JavaScript notes no date. Its refresh token is the newest if an access token is newer than all
    /// those with a date: they came together.
    pub(crate) fn refresh_tokens(&self, app: &App, home_account_id: &str) -> Vec<Renewable> {
        let issued = self.owners_of(app.client_id(), home_account_id).filter(|(_, sample)| is_issued(*sample, app));
        let (mut dated, mut undated, mut cached_at) = (None, None, None);
        let modified = |entry: Entity<'_>| entry.times().last_modification_time;
        for (owner, _) in issued {
            let entry = |at: Option<u32>| self.entry(Section::RefreshToken, at? as usize);
            if let Some(entry) = entry(owner.refresh_token)
                && dated.is_none_or(|held| modified(entry) >= modified(held))
            {
                dated = Some(entry);
            }
            undated = entry(owner.undated_refresh_token).or(undated);
            cached_at = owner.cached_at.max(cached_at);
        }
        let is_undated_newer = dated.is_none_or(|entry| cached_at > modified(entry));
        let newest_first = if is_undated_newer { [undated, dated] } else { [dated, undated] };
        let renewable = |entry: Entity<'_>| Renewable {
            secret: self.secret(entry),
            scopes: entry.scopes().map(String::from).collect(),
        };
        newest_first.into_iter().flatten().map(renewable).collect()
    }

    /// Everybody who has tokens of this client at this authority, each once, by user name.
    pub fn accounts(&self, app: &App) -> Vec<Account> {
        let mut accounts: Vec<Account> = self.users(app).into_iter().map(|user| self.account(app, user)).collect();
        accounts.sort_by(|one, other| one.username.cmp(&other.username));
        accounts
    }

    /// The users who have tokens of this client at this authority, each once.
    fn users(&self, app: &App) -> Vec<&str> {
        let issued = self.owners(app.client_id()).filter(|(_, sample)| is_issued(*sample, app));
        let mut users: Vec<&str> = issued.map(|(_, sample)| sample.text(Field::HomeAccountId)).collect();
        if users.len() > 1 {
            users.sort_by_cached_key(|user| user.to_ascii_lowercase());
        }
        users.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        users
    }

    /// The users that a selector may mean, each once.
    fn users_meant<'a>(&'a self, app: &App, selector: &'a AccountSelector) -> Vec<&'a str> {
        let AccountSelector::Named(name) = selector else { return self.users(app) };
        let named = self.accounts_named(name).filter(|account| account.is(Field::Username, name));
        let mut users: Vec<&str> = Vec::new();
        for user in named.map(|account| account.text(Field::HomeAccountId)).chain([name.as_str()]) {
            let is_new = !users.iter().any(|other| other.eq_ignore_ascii_case(user));
            if is_new && self.has_tokens(app, user) {
                users.push(user);
            }
        }
        users
    }

    /// The account that is meant; `None` where nobody fits.
    ///
    /// Among several, those that this authority's tenant knows come first; if that leaves more than one,
    /// the caller has to choose.
    pub(crate) fn select_account(&self, app: &App, selector: &AccountSelector) -> Result<Option<Account>, Error> {
        let users = self.users_meant(app, selector);
        let mut fitting: Vec<Account> = users.into_iter().map(|user| self.account(app, user)).collect();
        fitting.retain(|account| selector.fits(account));
        if fitting.len() > 1 {
            let known = |account: &Account| self.is_known(app, &account.home_account_id);
            let (known, _): (Vec<Account>, Vec<Account>) = fitting.iter().cloned().partition(known);
            if !known.is_empty() {
                fitting = known;
            }
        }
        if fitting.len() > 1 {
            fitting.sort_by(|one, other| one.username.cmp(&other.username));
            let names = fitting.iter().map(|account| String::from(account.name_to_choose_by()));
            return Err(Error::AmbiguousAccount(names.collect()));
        }
        Ok(fitting.pop())
    }

    /// Whether there is any token of this client for the user.
    pub(crate) fn has_tokens(&self, app: &App, home_account_id: &str) -> bool {
        self.owners_of(app.client_id(), home_account_id).any(|(_, sample)| is_issued(sample, app))
    }

    /// Whether this authority's tenant knows the user: by an access token, or by an account entry.
    fn is_known(&self, app: &App, user: &str) -> bool {
        let authority = app.authority();
        let is_here = |entry: Entity<'_>| {
            authority.is_environment(entry.text(Field::Environment)) && realm_fits(entry, authority)
        };
        self.owners_of(app.client_id(), user).any(|(owner, sample)| owner.expires_on.is_some() && is_here(sample))
            || self.accounts_of(user).any(|entry| entry.is(Field::HomeAccountId, user) && is_here(entry))
    }

    /// An account's data: from its own entry, best the one of the authority's tenant.
    pub(crate) fn account(&self, app: &App, home_account_id: &str) -> Account {
        let authority = app.authority();
        let mine = |entry: &Entity<'_>| {
            entry.is(Field::HomeAccountId, home_account_id) && authority.is_environment(entry.text(Field::Environment))
        };
        let entry = self
            .accounts_of(home_account_id)
            .filter(mine)
            .max_by_key(|entry| (realm_fits(*entry, authority), !entry.text(Field::Username).is_empty()));
        let issued = self.owners_of(app.client_id(), home_account_id).filter(|(_, sample)| is_issued(*sample, app));
        let text = |field| entry.map(|entry| entry.text(field)).unwrap_or_default().to_string();
        Account {
            home_account_id: home_account_id.to_string(),
            local_account_id: text(Field::LocalAccountId),
            username: text(Field::Username),
            name: Some(text(Field::Name)).filter(|name| !name.is_empty()),
            environment: authority.environment().to_string(),
            realm: text(Field::Realm),
            expires_on: issued.filter_map(|(owner, _)| owner.expires_on).max(),
        }
    }
}

/// Whether an entry is this client's, at this authority.
pub(super) fn is_clients(entry: Entity<'_>, app: &App) -> bool {
    entry.is(Field::ClientId, app.client_id()) && app.authority().is_environment(entry.text(Field::Environment))
}

/// Whether a credential is this client's and was issued by this very authority: generic ones on one host
/// differ by their realm, while Entra's refresh tokens have none.
pub(super) fn is_issued(entry: Entity<'_>, app: &App) -> bool {
    is_clients(entry, app)
        && app.authority().can_know(entry.text(Field::HomeAccountId))
        && (app.authority().tenant_name().is_some() || realm_fits(entry, app.authority()))
}

/// The same, and this user's.
pub(super) fn is_of(entry: Entity<'_>, app: &App, home_account_id: &str) -> bool {
    is_issued(entry, app) && entry.has_text(Field::HomeAccountId) && entry.is(Field::HomeAccountId, home_account_id)
}

/// Whether an entry belongs to the tenant that the authority means.
///
/// Entries carry the tenant's id, while people name tenants by a domain too: what was asked for is noted
/// on write in a field of our own. `organizations` and the like mean the user's home tenant, as in MSAL.NET.
pub(super) fn realm_fits(entry: Entity<'_>, authority: &Authority) -> bool {
    let Some(tenant) = authority.tenant_name() else {
        return entry.is(Field::Realm, &authority.fallback_realm());
    };
    if entry.is(Field::Realm, tenant)
        || entry.text(Field::AskedTenant).split_whitespace().any(|asked| asked.eq_ignore_ascii_case(tenant))
    {
        return true;
    }
    let home_tenant = entry.text(Field::HomeAccountId).split_once('.').map(|(_, tenant)| tenant);
    match tenant {
        "common" | "organizations" => home_tenant.is_some_and(|home| entry.is(Field::Realm, home)),
        "consumers" => entry.is(Field::Realm, CONSUMERS),
        _ => false,
    }
}

/// The tenant of personal accounts (identity-platform/v2-protocols).
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Whether an access token is good for all the scopes; reserved ones count only where there are no others.
fn covers(entry: Entity<'_>, scopes: &[String]) -> bool {
    let only_reserved = scopes.iter().all(|scope| is_reserved(scope));
    scopes
        .iter()
        .filter(|scope| only_reserved || !is_reserved(scope))
        .all(|scope| entry.scopes().any(|held| held.eq_ignore_ascii_case(scope)))
}

fn is_reserved(scope: &str) -> bool {
    RESERVED_SCOPES.contains(&scope)
}
