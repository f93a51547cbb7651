//! The unified token cache that Microsoft's libraries share: one JSON object with the sections
//! `AccessToken`, `RefreshToken`, `IdToken`, `Account` and `AppMetadata`.
//!
//! The fields of an entry are the contract, not its key: libraries spell keys differently, so that lookups
//! go by fields. What is not known here, sections, entries and fields alike, is kept as it came.

mod entity;
mod lookup;
mod merge;

#[cfg(test)]
#[cfg(feature = "std")]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_json::{Map, Value};

pub(crate) use lookup::{Found, Renewable, Wanted};
pub(crate) use merge::{Filing, declined_scopes};

/// A cache in memory, read from its bytes and written back to them.
///
/// ```
/// use entrada_core::cache::TokenCache;
///
/// let foreign = br#"{"AccessToken":{"half":{"an entry":true}},"SomethingNew":[1,2]}"#;
/// let cache = TokenCache::parse(foreign)?;
/// assert_eq!(cache.to_bytes(), foreign);
/// # Ok::<(), entrada_core::cache::Unreadable>(())
/// ```
#[derive(Clone, Default)]
pub struct TokenCache {
    root: Map<String, Value>,
}

/// The bytes are no cache: not JSON, or not of its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these bytes are not a token cache")
    }
}

impl core::error::Error for Unreadable {}

/// The sections by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    AccessToken,
    RefreshToken,
    IdToken,
    Account,
    AppMetadata,
}

impl Section {
    const ALL: [Self; 5] = [Self::AccessToken, Self::RefreshToken, Self::IdToken, Self::Account, Self::AppMetadata];

    const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "AccessToken",
            Self::RefreshToken => "RefreshToken",
            Self::IdToken => "IdToken",
            Self::Account => "Account",
            Self::AppMetadata => "AppMetadata",
        }
    }
}

impl TokenCache {
    /// Reads UTF-8 JSON. Nothing at all, or white space alone, is an empty cache: other libraries
    /// create their file before they fill it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let root: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| Unreadable)?;
        let misshapen = |section: Section| root.get(section.name()).is_some_and(|entries| !entries.is_object());
        if Section::ALL.into_iter().any(misshapen) {
            return Err(Unreadable);
        }
        Ok(Self { root })
    }

    /// Writes UTF-8 JSON. It holds secrets: keep it for its user alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.root).unwrap_or_default()
    }

    /// The entries of a section that are objects; anything else in it is passed over, and kept.
    fn entries(&self, section: Section) -> impl Iterator<Item = entity::Entity<'_>> {
        let entries = self.root.get(section.name()).and_then(Value::as_object);
        entries.into_iter().flatten().filter_map(|(_, entry)| entry.as_object().map(entity::Entity))
    }

    fn section_mut(&mut self, section: Section) -> Option<&mut Map<String, Value>> {
        self.root.entry(section.name()).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
    }

    /// Takes every entry out for which `gone` says so, and returns the last of them.
    fn take(&mut self, section: Section, gone: impl Fn(entity::Entity<'_>) -> bool) -> Option<Map<String, Value>> {
        let entries = self.root.get_mut(section.name())?.as_object_mut()?;
        let mut taken = None;
        entries.retain(|_, entry| match entry.as_object() {
            Some(fields) if gone(entity::Entity(fields)) => {
                taken = Some(core::mem::take(entry));
                false
            }
            _ => true,
        });
        match taken {
            Some(Value::Object(fields)) => Some(fields),
            _ => None,
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("TokenCache");
        for section in Section::ALL {
            shape.field(section.name(), &self.entries(section).count());
        }
        shape.finish()
    }
}
