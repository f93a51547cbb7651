//! Putting answers of the authority into the cache, and taking accounts out.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::entry::{Entity, Entry, Fields};
use super::field::ASKED_TENANT;
use super::lookup::{is_clients, is_issued, is_of};
use super::{Field, Section, TokenCache};
use crate::protocol::{RESERVED_SCOPES, TokenAnswer};
use crate::{App, Secret, UnixTime};

/// Where an answer belongs: whose it is, and which scopes it is good for.
pub(crate) struct Filing {
    pub(crate) home_account_id: String,
    pub(crate) realm: String,
    pub(crate) scopes: Vec<String>,
}

impl Filing {
    /// For the answer to a request; a refresh may leave out who the user is, as that is known.
    ///
    /// `implied` are the scopes that hold where the answer names none.
    pub(crate) fn of(
        app: &App,
        answer: &TokenAnswer,
        requested: &[String],
        implied: &[String],
        known_account: Option<&str>,
    ) -> Self {
        let home_account_id =
            known_account.map(String::from).or_else(|| answer.home_account_id.clone()).unwrap_or_default();
        let tenant = answer.id_claims.as_ref().and_then(|claims| claims.text("tid"));
        let realm = match (app.authority().tenant_name(), tenant) {
            (Some(_), Some(tenant)) => tenant.to_ascii_lowercase(),
            _ => app.authority().fallback_realm(),
        };
        Self { home_account_id, realm, scopes: granted_scopes(answer, requested, implied) }
    }
}

/// The scopes that a token is filed under.
///
/// Servers spell scopes their own way: Entra answers `https://app//x` with `https://app/x`. Filed under the
/// answer's spelling, such a token would never be found again (MSAL.NET issue 1040), and found for another
/// audience, so a scope that was granted in another spelling is noted as it was asked for. `.default` is noted
/// beside what it stands for.
fn granted_scopes(answer: &TokenAnswer, requested: &[String], implied: &[String]) -> Vec<String> {
    if answer.scopes.is_empty() {
        return implied.to_vec();
    }
    let is_misspelled =
        |held: &String| !requested.contains(held) && requested.iter().any(|asked| spelled_alike(held, asked));
    let mut scopes: Vec<String> = answer.scopes.iter().filter(|held| !is_misspelled(held)).cloned().collect();
    for asked in requested {
        if !scopes.contains(asked) && is_granted(answer, asked) {
            scopes.push(asked.clone());
        }
    }
    scopes
}

fn is_granted(answer: &TokenAnswer, asked: &str) -> bool {
    asked.ends_with("/.default") || answer.scopes.iter().any(|held| spelled_alike(held, asked))
}

/// Whether two scopes differ in case and doubled slashes at most.
fn spelled_alike(one: &str, other: &str) -> bool {
    let plain = |scope: &str| {
        scope.to_ascii_lowercase().split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    };
    plain(one) == plain(other)
}

/// What was asked for and not granted.
pub(crate) fn declined_scopes(answer: &TokenAnswer, requested: &[String]) -> Vec<String> {
    if answer.scopes.is_empty() {
        return Vec::new();
    }
    let missing = |asked: &&String| !RESERVED_SCOPES.contains(&asked.as_str()) && !is_granted(answer, asked);
    requested.iter().filter(missing).cloned().collect()
}

impl TokenCache {
    /// Files an answer of the token endpoint, as one change.
    ///
    /// An account is written only at a sign-in: a refresh must not bring back whoever signed out meanwhile.
    pub(crate) fn store(&mut self, app: &App, filing: &Filing, answer: &TokenAnswer, is_sign_in: bool, now: UnixTime) {
        self.change(|cache| {
            cache.store_access_token(app, filing, answer, now);
            cache.store_refresh_token(app, filing, answer, is_sign_in, now);
            cache.store_id_token(app, filing, answer);
            if is_sign_in {
                cache.store_account(app, filing, answer);
            }
            cache.store_app(app, answer);
        });
    }

    fn store_app(&mut self, app: &App, answer: &TokenAnswer) {
        let environment = app.authority().environment();
        let fields = Fields::over(self.take(Section::AppMetadata, |entry| is_clients(entry, app)))
            .with("client_id", app.client_id())
            .with("environment", environment)
            .with_some("family_id", answer.family_id.as_deref());
        self.put(Section::AppMetadata, &format!("appmetadata-{environment}-{}", app.client_id()), &fields);
    }

    fn store_access_token(&mut self, app: &App, filing: &Filing, answer: &TokenAnswer, now: UnixTime) {
        let resource_scopes = |scopes: &[String]| -> Vec<String> {
            scopes.iter().filter(|s| !RESERVED_SCOPES.contains(&s.as_str())).cloned().collect()
        };
        let new = resource_scopes(&filing.scopes);
        // Older tokens for the same scopes would only shadow this one, as MSAL.NET prunes them.
        let older = self.take(Section::AccessToken, |entry| {
            is_of(entry, app, &filing.home_account_id)
                && entry.is(Field::Realm, &filing.realm)
                && entry.is_plain_bearer()
                && entry.scopes().any(|held| new.iter().any(|scope| scope.eq_ignore_ascii_case(held)))
        });
        // Sorted, as MSAL for Python does it: else the same token would stand there twice.
        let mut target = filing.scopes.clone();
        target.sort_unstable();
        let target = target.join(" ");
        let environment = app.authority().environment();
        let asked = asked_tenants(app, filing, &Fields::over(older));
        let mut fields = credential(Fields::default(), app, filing, "AccessToken", &answer.access_token)
            .with("realm", &filing.realm)
            .with("target", &target)
            .with("token_type", "Bearer")
            .with_time("cached_at", now)
            .with_time("expires_on", now + answer.expires_in)
            .with_time("extended_expires_on", now + answer.ext_expires_in.unwrap_or(answer.expires_in))
            .with_some(ASKED_TENANT, asked.as_deref());
        if let Some(refresh_in) = answer.refresh_in {
            fields = fields.with_time("refresh_on", now + refresh_in);
        }
        let key = format!(
            "{}-{environment}-accesstoken-{}-{}-{target}",
            filing.home_account_id,
            app.client_id(),
            filing.realm
        );
        self.put(Section::AccessToken, &key, &fields);
    }

    fn store_refresh_token(
        &mut self,
        app: &App,
        filing: &Filing,
        answer: &TokenAnswer,
        is_sign_in: bool,
        now: UnixTime,
    ) {
        let Some(secret) = &answer.refresh_token else { return };
        let environment = app.authority().environment();
        // One per user and client: libraries key them differently, and the older ones are superseded.
        let older = self.take(Section::RefreshToken, |entry| is_of(entry, app, &filing.home_account_id));
        let fields = credential(Fields::over(older), app, filing, "RefreshToken", secret)
            .with_time("last_modification_time", now)
            .with_some("family_id", answer.family_id.as_deref());
        let is_generic = app.authority().tenant_name().is_none();
        let granted = filing.scopes.join(" ");
        let fields = fields
            .with_some("realm", is_generic.then_some(filing.realm.as_str()))
            .with_some("target", (is_generic && is_sign_in).then_some(granted.as_str()));
        // MSAL for Python notes scopes, and finds the entry that it is to delete by a key with them in it.
        let noted = fields.text("target").filter(|_| !is_generic).unwrap_or_default();
        let realm = if is_generic { filing.realm.as_str() } else { "" };
        let key = format!("{}-{environment}-refreshtoken-{}-{realm}-{noted}", filing.home_account_id, app.client_id());
        self.put(Section::RefreshToken, &key, &fields);
    }

    fn store_id_token(&mut self, app: &App, filing: &Filing, answer: &TokenAnswer) {
        let Some(secret) = &answer.id_token else { return };
        let environment = app.authority().environment();
        self.take(Section::IdToken, |entry| {
            is_of(entry, app, &filing.home_account_id) && entry.is(Field::Realm, &filing.realm)
        });
        let fields = credential(Fields::default(), app, filing, "IdToken", secret).with("realm", &filing.realm);
        let key = format!("{}-{environment}-idtoken-{}-{}-", filing.home_account_id, app.client_id(), filing.realm);
        self.put(Section::IdToken, &key, &fields);
    }

    fn store_account(&mut self, app: &App, filing: &Filing, answer: &TokenAnswer) {
        let authority = app.authority();
        let older = self.take(Section::Account, |entry| {
            entry.is(Field::HomeAccountId, &filing.home_account_id)
                && authority.is_environment(entry.text(Field::Environment))
                && entry.is(Field::Realm, &filing.realm)
        });
        let claims = answer.id_claims.clone().unwrap_or_default();
        let older = Fields::over(older);
        let asked = asked_tenants(app, filing, &older);
        let fields = older
            .with("home_account_id", &filing.home_account_id)
            .with("environment", authority.environment())
            .with("realm", &filing.realm)
            .with("local_account_id", claims.local_account_id())
            .with("username", claims.username())
            .with("authority_type", authority.account_type())
            .with_some("name", claims.text("name"))
            .with_some("client_info", answer.client_info.as_deref())
            .with_some(ASKED_TENANT, asked.as_deref());
        let key = format!("{}-{}-{}", filing.home_account_id, authority.environment(), filing.realm);
        self.put(Section::Account, &key, &fields);
    }

    /// Dates a refresh token that was used and stays the newest: the answer brought no other.
    pub(crate) fn date_refresh_token(&mut self, app: &App, secret: &Secret, now: UnixTime) {
        let is_it = |entry: Entity<'_>| is_issued(entry, app) && entry.text(Field::Secret) == secret.expose();
        self.change(|cache| {
            let source = Arc::clone(&cache.source);
            for entry in &mut cache.sections[Section::RefreshToken as usize] {
                if let Some(entity) = entry.entity(&source).filter(|entity| is_it(*entity)) {
                    let fields = Fields::over(Some(entity.fields())).with_time("last_modification_time", now);
                    *entry = Entry::written(entry.key.get(&source), &fields);
                }
            }
        });
    }

    /// Forgets a refresh token that the authority called worthless; newer ones stay.
    pub(crate) fn forget_refresh_token(&mut self, app: &App, secret: &Secret) {
        self.change(|cache| {
            let is_it = |entry: Entity<'_>| is_issued(entry, app) && entry.text(Field::Secret) == secret.expose();
            cache.take(Section::RefreshToken, is_it);
        });
    }

    /// Takes users' tokens of this client out, and the accounts themselves where no other client has tokens for them.
    pub(crate) fn remove_accounts<'a>(&mut self, app: &App, users: impl IntoIterator<Item = &'a str>) {
        let leaving: BTreeSet<String> = users.into_iter().map(str::to_ascii_lowercase).collect();
        let user = |entry: Entity<'_>| entry.text(Field::HomeAccountId).to_ascii_lowercase();
        let is_here = |entry: Entity<'_>| app.authority().is_environment(entry.text(Field::Environment));
        self.change(|cache| {
            for section in [Section::AccessToken, Section::RefreshToken, Section::IdToken] {
                cache.take(section, |entry| is_issued(entry, app) && leaving.contains(&user(entry)));
            }
            let tokens = [Section::AccessToken, Section::RefreshToken].into_iter();
            let staying: BTreeSet<String> =
                tokens.flat_map(|section| cache.entries(section)).filter(|entry| is_here(*entry)).map(user).collect();
            cache.take(Section::Account, |entry| {
                let user = user(entry);
                is_here(entry) && leaving.contains(&user) && !staying.contains(&user)
            });
        });
    }
}

/// The names that a tenant goes by besides its id: those noted before, and the one asked for now.
fn asked_tenants(app: &App, filing: &Filing, older: &Fields) -> Option<String> {
    let noted = older.text(ASKED_TENANT).unwrap_or_default();
    let mut names: Vec<&str> = noted.split_whitespace().collect();
    let asked = app.authority().tenant_name().filter(|tenant| !tenant.eq_ignore_ascii_case(&filing.realm));
    names.extend(asked.filter(|asked| !noted.split_whitespace().any(|name| name == *asked)));
    (!names.is_empty()).then(|| names.join(" "))
}

/// The fields that all credentials share.
fn credential(fields: Fields, app: &App, filing: &Filing, kind: &str, secret: &Secret) -> Fields {
    fields
        .with("home_account_id", &filing.home_account_id)
        .with("environment", app.authority().environment())
        .with("client_id", app.client_id())
        .with("credential_type", kind)
        .with("secret", secret.expose())
}
