//! Reading a cache from its bytes, without a copy of what is in it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde_core::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::entry::{Entry, Text, Word};
use super::field::Section;
use super::index::Index;
use super::{Member, TokenCache, Unreadable};

pub(super) fn read(bytes: Vec<u8>) -> Result<TokenCache, Unreadable> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(TokenCache::default());
    }
    let source = match String::from_utf8(bytes) {
        Ok(text) => Arc::new(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            return Err(Unreadable);
        }
    };
    let mut cache = TokenCache { source: Arc::clone(&source), ..TokenCache::default() };
    let mut deserializer = serde_json::Deserializer::from_str(&source);
    deserializer.deserialize_map(Root(&mut cache, &source)).map_err(|_| Unreadable)?;
    deserializer.end().map_err(|_| Unreadable)?;
    cache.index = Index::of(&cache);
    Ok(cache)
}

/// The whole object.
struct Root<'a>(&'a mut TokenCache, &'a str);

impl<'de> Visitor<'de> for Root<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token cache")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(cache, source) = self;
        while let Some(Word(key)) = map.next_key()? {
            if let Some(section) = Section::named(&key) {
                cache.open(section);
                map.next_value_seed(Entries(&mut cache.sections[section as usize], source))?;
            } else {
                let json: &RawValue = map.next_value()?;
                let (key, json) = (Text::read(&key, source), Text::read(json.get(), source));
                cache.members.push(Member::Foreign { key, json });
            }
        }
        Ok(())
    }
}

/// One section.
struct Entries<'a>(&'a mut Vec<Entry>, &'a str);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section of entries")
    }

    /// A section that is null has no entries.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Word(key)) = map.next_key()? {
            let json: &RawValue = map.next_value()?;
            self.0.push(Entry::read(&key, json.get(), self.1));
        }
        Ok(())
    }
}
