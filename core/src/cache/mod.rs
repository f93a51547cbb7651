//! The unified token cache that Microsoft's libraries share: one JSON object with the sections
//! `AccessToken`, `RefreshToken`, `IdToken`, `Account` and `AppMetadata`.
//!
//! The fields of an entry are the contract, not its key: libraries spell keys differently, so that lookups
//! go by fields. What is not known here, sections, entries and fields alike, is kept as it came.
//!
//! A cache is read once, and found in by an index: a lookup costs the same with one entry and with 100,000.
//! What was not changed is written back to the letter.

mod absorb;
mod entry;
mod field;
mod index;
mod lookup;
mod merge;
mod notes;
mod read;
mod snapshot;

#[cfg(test)]
#[cfg(feature = "std")]
mod tests;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use self::entry::{Entity, Entry, FieldMap, Fields, Text, write_text};
use self::field::{Field, Section};
use self::index::Index;
pub(crate) use self::lookup::{Found, Renewable, Wanted};
pub(crate) use self::merge::{Filing, declined_scopes};
pub(crate) use self::notes::name as note_name;
pub use self::snapshot::Snapshot;

/// A cache in memory, read from its bytes and written back to them.
///
/// ```
/// use entrada_core::cache::TokenCache;
///
/// let foreign = br#"{"SomethingNew":[1,2],"AccessToken":{"half":{"an entry":true}}}"#;
/// let cache = TokenCache::parse(foreign)?;
/// assert_eq!(cache.to_bytes(), foreign);
/// # Ok::<(), entrada_core::cache::Unreadable>(())
/// ```
#[derive(Clone, Default)]
pub struct TokenCache {
    /// What was read, and what the spans of all below refer to.
    source: Arc<Zeroizing<String>>,
    /// The object's members in the order in which they came.
    members: Vec<Member>,
    sections: [Vec<Entry>; Section::ALL.len()],
    index: Index,
}

/// A member of the object: one of the sections, or something else to be kept.
#[derive(Clone)]
enum Member {
    Section(Section),
    Foreign { key: Text, json: Text },
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

impl TokenCache {
    /// Reads UTF-8 JSON. Nothing at all, or white space alone, is an empty cache: other libraries
    /// create their file before they fill it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        Self::from_bytes(bytes.to_vec())
    }

    /// The same without a copy of the bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Unreadable> {
        read::read(bytes)
    }

    /// Writes UTF-8 JSON. It holds secrets: keep it for its user alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Room for all of it at once: what a text leaves behind when it grows is not wiped.
        let length = |key: &Text, json: &Text| key.get(&self.source).len() + json.get(&self.source).len() + 4;
        let entries: usize = self.sections.iter().flatten().map(|entry| length(&entry.key, &entry.json)).sum();
        let members = self.members.iter().map(|member| match member {
            Member::Foreign { key, json } => length(key, json),
            Member::Section(section) => section.name().len() + 6,
        });
        let mut out = String::with_capacity(entries + members.sum::<usize>() + 2);
        out.push('{');
        for (at, member) in self.members.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            match member {
                Member::Foreign { key, json } => self.write(&mut out, key, json),
                Member::Section(section) => {
                    write_text(&mut out, section.name());
                    out.push_str(":{");
                    for (at, entry) in self.sections[*section as usize].iter().enumerate() {
                        if at > 0 {
                            out.push(',');
                        }
                        self.write(&mut out, &entry.key, &entry.json);
                    }
                    out.push('}');
                }
            }
        }
        out.push('}');
        out.into_bytes()
    }

    fn write(&self, out: &mut String, key: &Text, json: &Text) {
        write_text(out, key.get(&self.source));
        out.push(':');
        out.push_str(json.get(&self.source));
    }

    /// The entries of a section that are objects; anything else in it is passed over, and kept.
    fn entries(&self, section: Section) -> impl Iterator<Item = Entity<'_>> {
        self.sections[section as usize].iter().filter_map(|entry| entry.entity(&self.source))
    }

    /// One of them, by its place.
    fn entry(&self, section: Section, at: usize) -> Option<Entity<'_>> {
        self.sections[section as usize].get(at)?.entity(&self.source)
    }

    /// Changes the entries, and then the index to them.
    fn change<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        let result = change(self);
        self.index = Index::of(self);
        result
    }

    /// Takes every entry out for which `gone` says so, and returns the fields of the last of them.
    fn take(&mut self, section: Section, gone: impl Fn(Entity<'_>) -> bool) -> Option<FieldMap> {
        let source = &self.source;
        let mut taken = None;
        self.sections[section as usize].retain(|entry| match entry.entity(source) {
            Some(entity) if gone(entity) => {
                taken = Some(entity.fields());
                false
            }
            _ => true,
        });
        taken
    }

    /// Puts an entry in, in place of one with its key.
    ///
    /// Keys are lower case throughout: MSAL for JavaScript looks at them before it looks at the fields.
    fn put(&mut self, section: Section, key: &str, fields: &Fields) {
        let key = key.to_lowercase();
        let entry = Entry::written(&key, fields);
        self.open(section);
        let entries = &mut self.sections[section as usize];
        entries.retain(|entry| entry.key.get(&self.source) != key);
        entries.push(entry);
    }

    /// Makes the section a member, where it is none yet.
    fn open(&mut self, section: Section) {
        if !self.members.iter().any(|member| matches!(member, Member::Section(other) if *other == section)) {
            self.members.push(Member::Section(section));
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("TokenCache");
        for section in Section::ALL {
            shape.field(section.name(), &self.sections[section as usize].len());
        }
        shape.finish()
    }
}
