//! Taking over what another cache holds, and handing out a client's part of one.
//!
//! What is the same entity is told by the fields that identify it, as libraries spell keys differently.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_core::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::entry::{BINDING, Entity, Entry, Word};
use super::field::ASKED_TENANT;
use super::lookup::is_clients;
use super::{Field, Member, Section, TokenCache};
use crate::{App, UnixTime};

impl TokenCache {
    /// Takes over the entries of another cache, and loses none of its own that is newer; returns how many
    /// entries are new or changed by it.
    ///
    /// Of two access tokens for the same the later cached one stays, of two refresh tokens the later modified
    /// one where both say so, and else its own; accounts and app metadata get the fields that they lack.
    /// Entries without the fields that identify them, and what the other has beside the entries, are passed over.
    ///
    /// ```
    /// use entrada_core::cache::TokenCache;
    ///
    /// let other = TokenCache::parse(br#"{"Account":{"u.t-host-t":
    ///     {"home_account_id":"u.t","environment":"host","realm":"t","of_theirs":[1]}}}"#)?;
    /// let mut cache = TokenCache::default();
    /// assert_eq!((cache.absorb(&other), cache.absorb(&other)), (1, 0));
    /// assert!(String::from_utf8_lossy(&cache.to_bytes()).contains(r#""of_theirs":[1]"#));
    /// # Ok::<(), entrada_core::cache::Unreadable>(())
    /// ```
    pub fn absorb(&mut self, other: &Self) -> usize {
        self.change(|cache| Section::ALL.map(|section| cache.absorb_section(section, other)).iter().sum())
    }

    /// The part of a client: its tokens at this authority, their accounts, and its own metadata, to the letter.
    pub fn extract(&self, app: &App) -> Self {
        let mut part = Self { source: self.source.clone(), ..Self::default() };
        let mut users = BTreeSet::new();
        for section in Section::ALL {
            let is_its = |entry: Entity<'_>| match section {
                Section::Account => {
                    app.authority().is_environment(entry.text(Field::Environment))
                        && users.contains(&folded(entry.text(Field::HomeAccountId)))
                }
                _ => is_clients(entry, app),
            };
            let entries = self.sections[section as usize].iter();
            let its: Vec<Entry> =
                entries.filter(|entry| entry.entity(&self.source).is_some_and(is_its)).cloned().collect();
            let entities = its.iter().filter_map(|entry| entry.entity(&self.source));
            users.extend(entities.map(|entity| folded(entity.text(Field::HomeAccountId))));
            if !its.is_empty() {
                part.members.push(Member::Section(section));
            }
            part.sections[section as usize] = its;
        }
        part.change(|_| ());
        part
    }

    fn absorb_section(&mut self, section: Section, other: &Self) -> usize {
        let mut held = Held::of(self, section);
        let mut count = 0;
        for entry in &other.sections[section as usize] {
            let Some(theirs) = entry.entity(&other.source).filter(|entity| is_sound(section, *entity)) else {
                continue;
            };
            let identity = identity(section, theirs);
            let ours = held.newest(self, section, &identity);
            let taken_over = match ours.and_then(|at| Some((at, self.entry(section, at)?))) {
                None => {
                    let key = held.free_key(entry.key.get(&other.source), section, theirs);
                    held.places.entry(identity).or_default().push(self.sections[section as usize].len());
                    self.open(section);
                    self.sections[section as usize].push(Entry::of_json(&key, theirs.json().to_string()));
                    true
                }
                Some((at, ours)) => match merged(section, ours, theirs) {
                    Some(json) => {
                        let key = self.sections[section as usize][at].key.get(&self.source).to_string();
                        self.sections[section as usize][at] = Entry::of_json(&key, json);
                        true
                    }
                    None => false,
                },
            };
            count += usize::from(taken_over);
        }
        count
    }
}

/// The fields that identify an entity, without regard to case.
type Identity = Vec<String>;

/// What a section holds: where its entities are, and which keys are taken.
struct Held {
    places: BTreeMap<Identity, Vec<usize>>,
    keys: BTreeSet<String>,
}

impl Held {
    fn of(cache: &TokenCache, section: Section) -> Self {
        let mut held = Self { places: BTreeMap::new(), keys: BTreeSet::new() };
        for (at, entry) in cache.sections[section as usize].iter().enumerate() {
            held.keys.insert(entry.key.get(&cache.source).to_string());
            if let Some(entity) = entry.entity(&cache.source) {
                held.places.entry(identity(section, entity)).or_default().push(at);
            }
        }
        held
    }

    /// Where the entity is; the newest, if it is there more than once.
    fn newest(&self, cache: &TokenCache, section: Section, identity: &Identity) -> Option<usize> {
        let places = self.places.get(identity)?.iter().rev();
        places.copied().max_by_key(|at| cache.entry(section, *at).map(|entity| age(section, entity)))
    }

    /// The entry's own key; one that says what its fields say, where that is taken; and takes it.
    ///
    /// It is lower case, as [`TokenCache::put`] has it.
    fn free_key(&mut self, own: &str, section: Section, entity: Entity<'_>) -> String {
        let canonical = canonical_key(section, entity).to_lowercase();
        let numbered = (2..).map(|number: u64| format!("{canonical}-{number}"));
        let keys = [own.to_lowercase(), canonical.clone()].into_iter().chain(numbered);
        let key = keys.into_iter().find(|key| !self.keys.contains(key)).unwrap_or_default();
        self.keys.insert(key.clone());
        key
    }
}

/// Whether an entry has what identifies it, and what it is for.
fn is_sound(section: Section, entity: Entity<'_>) -> bool {
    let has = |field| !entity.text(field).is_empty();
    let is_of_its_kind = match section {
        Section::AccessToken => has(Field::ClientId) && has(Field::Secret) && entity.times().expires_on.is_some(),
        Section::RefreshToken | Section::IdToken => has(Field::ClientId) && has(Field::Secret),
        Section::Account => has(Field::HomeAccountId),
        Section::AppMetadata => has(Field::ClientId),
    };
    is_of_its_kind && has(Field::Environment)
}

fn identity(section: Section, entity: Entity<'_>) -> Identity {
    let fields: &[Field] = match section {
        Section::Account => &[Field::Environment, Field::HomeAccountId, Field::Realm],
        Section::AppMetadata => &[Field::Environment, Field::ClientId],
        _ => &[Field::Environment, Field::HomeAccountId, Field::Realm, Field::ClientId],
    };
    let mut identity: Identity = fields.iter().map(|field| folded(entity.text(*field))).collect();
    if section == Section::AccessToken {
        let scopes: BTreeSet<String> = entity.scopes().map(folded).collect();
        identity.extend(scopes);
    }
    // A token that is bound to a key or an assertion never stands in for one that is not.
    if !matches!(section, Section::Account | Section::AppMetadata) && !entity.is_plain_bearer() {
        identity.push(format!(" {} {}", folded(entity.text(Field::TokenType)), bindings(entity)));
    }
    identity
}

/// What a token is bound to, in words that are the same for the same.
fn bindings(entity: Entity<'_>) -> String {
    let bound = members(entity.json()).into_iter().filter(|(name, _)| BINDING.contains(&&**name));
    let words: BTreeSet<String> = bound.map(|(name, value)| format!("{name}:{}", value.get())).collect();
    words.into_iter().collect()
}

/// How new an entity is, as far as it says.
fn age(section: Section, entity: Entity<'_>) -> (Option<UnixTime>, Option<UnixTime>) {
    let times = entity.times();
    match section {
        Section::AccessToken => (times.cached_at, times.expires_on),
        Section::RefreshToken => (times.last_modification_time, None),
        Section::IdToken | Section::Account | Section::AppMetadata => (None, None),
    }
}

/// The JSON that takes the place of ours; `None` where ours stays as it is.
fn merged(section: Section, ours: Entity<'_>, theirs: Entity<'_>) -> Option<String> {
    match section {
        Section::AccessToken => is_newer(section, theirs, ours).then(|| {
            // Under which names our tenant was asked for is worth keeping: the token is found by them.
            with_lacking(theirs.json(), ours.json(), |name| name == ASKED_TENANT)
                .unwrap_or_else(|| theirs.json().to_string())
        }),
        Section::RefreshToken => {
            let is_ours_dated = ours.times().last_modification_time.is_some();
            (is_ours_dated && is_newer(section, theirs, ours)).then(|| theirs.json().to_string())
        }
        Section::IdToken => None,
        Section::Account | Section::AppMetadata => with_lacking(ours.json(), theirs.json(), |_| true),
    }
}

fn is_newer(section: Section, one: Entity<'_>, other: Entity<'_>) -> bool {
    age(section, one) > age(section, other)
}

/// One object with the members of another that it lacks, to the letter; `None` where it lacks none.
fn with_lacking(one: &str, other: &str, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut names: BTreeSet<Cow<'_, str>> = members(one).into_iter().map(|(name, _)| name).collect();
    let is_empty = names.is_empty();
    let mut json = String::from(one.trim_end().strip_suffix('}')?);
    let before = json.len();
    for (name, value) in members(other).into_iter().rev().filter(|(name, _)| is_wanted(name)) {
        if names.insert(name.clone()) {
            if !is_empty || json.len() > before {
                json.push(',');
            }
            json.push_str(&serde_json::to_string(&*name).ok()?);
            json.push(':');
            json.push_str(value.get());
        }
    }
    let has_grown = json.len() > before;
    json.push('}');
    has_grown.then_some(json)
}

/// The members of an object as they stand there.
fn members(json: &str) -> Vec<(Cow<'_, str>, &RawValue)> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(MembersVisitor).unwrap_or_default()
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Word(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(members)
    }
}

fn canonical_key(section: Section, entity: Entity<'_>) -> String {
    let [user, host, client, realm, target] =
        [Field::HomeAccountId, Field::Environment, Field::ClientId, Field::Realm, Field::Target]
            .map(|field| entity.text(field));
    match section {
        Section::AccessToken => format!("{user}-{host}-accesstoken-{client}-{realm}-{target}"),
        Section::RefreshToken if realm.is_empty() => format!("{user}-{host}-refreshtoken-{client}--{target}"),
        Section::RefreshToken => format!("{user}-{host}-refreshtoken-{client}-{realm}-"),
        Section::IdToken => format!("{user}-{host}-idtoken-{client}-{realm}-"),
        Section::Account => format!("{user}-{host}-{realm}"),
        Section::AppMetadata => format!("appmetadata-{host}-{client}"),
    }
}

fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}
