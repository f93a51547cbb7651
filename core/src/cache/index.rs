//! Where to look: hashes of what entries are asked by, sorted, so that a lookup costs the same in any cache.
//!
//! A hash only says where an entry may be; whoever follows it compares the fields. It is built anew
//! after a change, which costs less than the write that follows.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::entry::Entity;
use super::{Field, Section, TokenCache};
use crate::UnixTime;

#[derive(Clone, Default)]
pub(super) struct Index {
    /// Plain Bearers by client, user and each of their scopes.
    by_scope: Vec<(u64, u32)>,
    /// Accounts by user, and by user name.
    by_user: Vec<(u64, u32)>,
    by_name: Vec<(u64, u32)>,
    /// Owners by client, and by client and user.
    by_client: Vec<(u64, u32)>,
    by_holder: Vec<(u64, u32)>,
    owners: Vec<Owner>,
}

/// Who has tokens: a user, with one client, at one environment, in one realm by one name.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// One of the credentials, for its fields.
    sample: (Section, u32),
    /// The newest of the refresh tokens that say when they were modified, and the last of those that do not.
    pub(super) refresh_token: Option<u32>,
    pub(super) undated_refresh_token: Option<u32>,
    /// When the last of the access tokens was put in.
    pub(super) cached_at: Option<UnixTime>,
    /// When the last of the access tokens expires.
    pub(super) expires_on: Option<UnixTime>,
}

impl Index {
    pub(super) fn of(cache: &TokenCache) -> Self {
        let mut index = Self::default();
        for (at, token) in numbered(cache, Section::AccessToken).filter(|(_, token)| token.is_plain_bearer()) {
            let (client, user) = (token.text(Field::ClientId), token.text(Field::HomeAccountId));
            index.by_scope.extend(token.scopes().map(|scope| (hash(&[client, user, scope]), at)));
        }
        for (at, account) in numbered(cache, Section::Account) {
            index.by_user.push((hash(&[account.text(Field::HomeAccountId)]), at));
            index.by_name.push((hash(&[account.text(Field::Username)]), at));
        }
        index.find_owners(cache);
        for list in [&mut index.by_scope, &mut index.by_user, &mut index.by_name] {
            list.sort_unstable();
        }
        index
    }

    fn find_owners(&mut self, cache: &TokenCache) {
        let mut credentials: Vec<(u64, Entity<'_>, Section, u32)> = Vec::new();
        for section in [Section::RefreshToken, Section::AccessToken] {
            let held = numbered(cache, section).filter(|(_, token)| token.has_text(Field::HomeAccountId));
            credentials
                .extend(held.map(|(at, token)| (hash(&OWNER.map(|field| token.text(field))), token, section, at)));
        }
        // By the hash, as numbers are compared faster; by the fields where hashes are equal, be it on purpose. Stable,
        // so that credentials of one owner stay in the order of the cache.
        credentials
            .sort_by(|(one, token, ..), (other, another, ..)| one.cmp(other).then_with(|| compare(*token, *another)));
        let is_same = |one: Entity<'_>, other: Entity<'_>| compare(one, other).is_eq();
        for credentials in credentials.chunk_by(|(_, one, ..), (_, other, ..)| is_same(*one, *other)) {
            let Some((_, token, section, at)) = credentials.first() else { continue };
            let number = self.owners.len() as u32;
            let (client, user) = (token.text(Field::ClientId), token.text(Field::HomeAccountId));
            self.by_client.push((hash(&[client]), number));
            self.by_holder.push((hash(&[client, user]), number));
            let mut owner = Owner::of((*section, *at));
            for (_, token, section, at) in credentials {
                owner.count(cache, *section, *at, *token);
            }
            self.owners.push(owner);
        }
        self.by_client.sort_unstable();
        self.by_holder.sort_unstable();
    }
}

/// An order of owners, without regard to case.
fn compare(one: Entity<'_>, other: Entity<'_>) -> Ordering {
    let orders = OWNER.iter().map(|field| {
        let (one, other) = (one.text(*field).bytes(), other.text(*field).bytes());
        one.map(|byte| byte.to_ascii_lowercase()).cmp(other.map(|byte| byte.to_ascii_lowercase()))
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

/// What tells owners apart.
const OWNER: [Field; 5] = [Field::ClientId, Field::HomeAccountId, Field::Environment, Field::Realm, Field::AskedTenant];

impl Owner {
    fn of(sample: (Section, u32)) -> Self {
        Self { sample, refresh_token: None, undated_refresh_token: None, cached_at: None, expires_on: None }
    }

    fn count(&mut self, cache: &TokenCache, section: Section, at: u32, token: Entity<'_>) {
        if section == Section::AccessToken {
            self.expires_on = self.expires_on.max(token.times().expires_on);
            self.cached_at = self.cached_at.max(token.times().cached_at);
        } else if token.text(Field::Secret).is_empty() {
            // Nothing to refresh with.
        } else if token.times().last_modification_time.is_none() {
            self.undated_refresh_token = Some(at);
        } else {
            let is_newer = self
                .refresh_token
                .and_then(|held| cache.entry(section, held as usize))
                .is_none_or(|held| token.times().last_modification_time >= held.times().last_modification_time);
            if is_newer {
                self.refresh_token = Some(at);
            }
        }
    }
}

impl TokenCache {
    /// A credential of an owner, which tells who they are.
    pub(super) fn sample(&self, owner: &Owner) -> Option<Entity<'_>> {
        self.entry(owner.sample.0, owner.sample.1 as usize)
    }

    /// All who have tokens of a client.
    pub(super) fn owners(&self, client_id: &str) -> impl Iterator<Item = (&Owner, Entity<'_>)> {
        self.index.owners_at(&self.index.by_client, hash(&[client_id])).filter_map(|owner| {
            let sample = self.sample(owner)?;
            sample.is(Field::ClientId, client_id).then_some((owner, sample))
        })
    }

    /// The same of one user; more than one where there are tokens of several tenants or environments.
    pub(super) fn owners_of(&self, client_id: &str, user: &str) -> impl Iterator<Item = (&Owner, Entity<'_>)> {
        self.index.owners_at(&self.index.by_holder, hash(&[client_id, user])).filter_map(move |owner| {
            let sample = self.sample(owner)?;
            let is_theirs = sample.is(Field::ClientId, client_id) && sample.is(Field::HomeAccountId, user);
            is_theirs.then_some((owner, sample))
        })
    }

    /// Access tokens that may be for that scope.
    pub(super) fn tokens_for(&self, client_id: &str, user: &str, scope: &str) -> impl Iterator<Item = Entity<'_>> {
        let found = equal(&self.index.by_scope, hash(&[client_id, user, scope]));
        found.iter().filter_map(|(_, at)| self.entry(Section::AccessToken, *at as usize))
    }

    /// Account entries that may be of that user.
    pub(super) fn accounts_of(&self, user: &str) -> impl Iterator<Item = Entity<'_>> {
        let found = equal(&self.index.by_user, hash(&[user]));
        found.iter().filter_map(|(_, at)| self.entry(Section::Account, *at as usize))
    }

    /// Account entries that may have that user name.
    pub(super) fn accounts_named(&self, username: &str) -> impl Iterator<Item = Entity<'_>> {
        let found = equal(&self.index.by_name, hash(&[username]));
        found.iter().filter_map(|(_, at)| self.entry(Section::Account, *at as usize))
    }
}

impl Index {
    fn owners_at(&self, list: &'_ [(u64, u32)], hash: u64) -> impl Iterator<Item = &Owner> {
        equal(list, hash).iter().filter_map(|(_, at)| self.owners.get(*at as usize))
    }
}

fn numbered(cache: &TokenCache, section: Section) -> impl Iterator<Item = (u32, Entity<'_>)> {
    let entries = cache.sections[section as usize].iter();
    (0..).zip(entries).filter_map(|(at, entry)| Some((at, entry.entity(&cache.source)?)))
}

/// The stretch of a sorted list that has this hash.
fn equal(list: &[(u64, u32)], hash: u64) -> &[(u64, u32)] {
    let start = list.partition_point(|(other, _)| *other < hash);
    let length = list[start..].partition_point(|(other, _)| *other == hash);
    &list[start..start + length]
}

/// Of texts without regard to case, eight bytes at a time; equal texts have equal hashes, and that is all.
fn hash(texts: &[&str]) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    // Takes the case off ASCII letters, and one bit off everything else.
    const CASE: u64 = 0x2020_2020_2020_2020;
    let mut hash = 0u64;
    let mut mix = |word: u64| hash = (hash.rotate_left(23) ^ word).wrapping_mul(SPREAD);
    for text in texts {
        let mut rest = text.as_bytes();
        while let Some((word, after)) = rest.split_first_chunk::<8>() {
            mix(u64::from_le_bytes(*word) | CASE);
            rest = after;
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        mix(u64::from_le_bytes(last) | CASE);
        mix(text.len() as u64);
    }
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_no_regard_to_case_and_regards_all_else() {
        assert_eq!(hash(&["Ada@Contoso.example", "X"]), hash(&["aDA@contoso.EXAMPLE", "x"]));
        let others = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["abd"], &["abcabcabc"], &[]];
        for (at, one) in others.iter().enumerate() {
            assert!(others[at + 1..].iter().all(|other| hash(one) != hash(other)), "{one:?}");
        }
    }

    #[test]
    fn a_stretch_is_found_wherever_it_is() {
        let list = [(1, 10), (3, 30), (3, 31), (9, 90)];
        assert_eq!(equal(&list, 3), &list[1..3]);
        assert_eq!(equal(&list, 1), &list[..1]);
        assert_eq!(equal(&list, 9), &list[3..]);
        assert!([0, 2, 10].iter().all(|hash| equal(&list, *hash).is_empty()) && equal(&[], 1).is_empty());
    }
}
