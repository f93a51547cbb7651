//! One entry of a section: its JSON as it came, and where in it the fields stand that lookups ask for.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::Field;
use crate::UnixTime;

/// Text that was read, which stands in the cache's source, or that was written since.
#[derive(Clone)]
pub(super) enum Text {
    Read(Span),
    Written(Zeroizing<String>),
}

/// A place in a text, in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// Where a part stands in its whole; `None` where it does not, as what was unescaped, or lies too far in.
    pub(super) fn of(part: &str, whole: &str) -> Option<Self> {
        let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
        let lies_within = start.checked_add(part.len())? <= whole.len();
        Some(Self { start: u32::try_from(start).ok().filter(|_| lies_within)?, length: part.len().try_into().ok()? })
    }

    pub(super) fn in_text(self, whole: &str) -> &str {
        let start = self.start as usize;
        whole.get(start..start + self.length as usize).unwrap_or_default()
    }
}

impl Text {
    pub(super) fn read(part: &str, source: &str) -> Self {
        Span::of(part, source).map_or_else(|| Self::written(part), Self::Read)
    }

    pub(super) fn written(text: impl Into<String>) -> Self {
        Self::Written(Zeroizing::new(text.into()))
    }

    pub(super) fn get<'a>(&'a self, source: &'a str) -> &'a str {
        match self {
            Self::Read(span) => span.in_text(source),
            Self::Written(text) => text,
        }
    }
}

/// An entry under its key.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Text,
    pub(super) json: Text,
    /// `None` where the JSON is no object: such an entry is kept, and passed over.
    pub(super) facts: Option<Facts>,
}

/// What an entry's fields say.
///
/// A field of the wrong type reads as absent: one bad entry never costs the others.
#[derive(Clone, Default)]
pub(super) struct Facts {
    /// Where each text stands in the entry's JSON; at 0, where only the brace is, it is absent.
    texts: [Span; Field::COUNT],
    /// Texts with escapes, undone.
    unescaped: Vec<(Field, Zeroizing<String>)>,
    times: Times,
    /// Whether a field binds the token to a key, an assertion, or further cache components.
    is_bound: bool,
}

/// Seconds since the epoch: a decimal string as all libraries write it, or a number.
#[derive(Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) expires_on: Option<UnixTime>,
    pub(super) cached_at: Option<UnixTime>,
    pub(super) refresh_on: Option<UnixTime>,
    pub(super) last_modification_time: Option<UnixTime>,
}

impl Times {
    fn named(&mut self, name: &str) -> Option<&mut Option<UnixTime>> {
        match name {
            "expires_on" => Some(&mut self.expires_on),
            "cached_at" => Some(&mut self.cached_at),
            "refresh_on" => Some(&mut self.refresh_on),
            "last_modification_time" => Some(&mut self.last_modification_time),
            _ => None,
        }
    }
}

/// Fields whose presence says that the token is no plain Bearer for everybody; libraries spell them differently.
pub(super) const BINDING: [&str; 8] = [
    "key_id",
    "kid",
    "keyid",
    "ext_cache_key",
    "ext",
    "additionalCacheKeyComponents",
    "user_assertion_hash",
    "userAssertionHash",
];

impl Facts {
    pub(super) fn read(json: &str) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer.deserialize_map(FactsVisitor(json)).ok()
    }
}

struct FactsVisitor<'a>(&'a str);

impl<'de> Visitor<'de> for FactsVisitor<'de> {
    type Value = Facts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts, A::Error> {
        let mut facts = Facts::default();
        while let Some(Word(name)) = map.next_key()? {
            let value = map.next_value::<&RawValue>()?.get();
            if let Some(field) = Field::named(&name) {
                facts.texts[field as usize] = match text(value) {
                    Some(Cow::Borrowed(text)) => Span::of(text, self.0).unwrap_or_default(),
                    Some(Cow::Owned(text)) => {
                        facts.unescaped.push((field, Zeroizing::new(text)));
                        UNESCAPED
                    }
                    None => Span::default(),
                };
            } else if let Some(time) = facts.times.named(&name) {
                let seconds = text(value).map_or_else(|| value.parse(), |text| text.trim().parse());
                *time = seconds.ok().map(UnixTime::from_secs);
            } else if BINDING.contains(&&*name) {
                facts.is_bound |= value != "null";
            }
        }
        Ok(facts)
    }
}

/// The text that a JSON value is; `None` where it is another kind of value, or no text that can be read.
fn text(json: &str) -> Option<Cow<'_, str>> {
    let quoted = json.strip_prefix('"')?.strip_suffix('"')?;
    if quoted.contains('\\') { serde_json::from_str(json).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(quoted)) }
}

/// Stands for a text that is among the unescaped ones.
const UNESCAPED: Span = Span { start: u32::MAX, length: 0 };

/// An entry to be looked at.
#[derive(Clone, Copy)]
pub(super) struct Entity<'a> {
    json: &'a str,
    facts: &'a Facts,
}

impl Entry {
    pub(super) fn read(key: &str, json: &str, source: &str) -> Self {
        Self { key: Text::read(key, source), json: Text::read(json, source), facts: Facts::read(json) }
    }

    pub(super) fn written(key: &str, fields: &Fields) -> Self {
        let length: usize = fields.0.iter().map(|(name, json)| name.len() + json.get().len() + 4).sum();
        let mut out = String::with_capacity(length + 2);
        out.push('{');
        for (at, (name, json)) in fields.0.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_text(&mut out, name);
            out.push(':');
            out.push_str(json.get());
        }
        out.push('}');
        Self::of_json(key, out)
    }

    pub(super) fn of_json(key: &str, json: String) -> Self {
        Self { key: Text::written(key), facts: Facts::read(&json), json: Text::written(json) }
    }

    pub(super) fn entity<'a>(&'a self, source: &'a str) -> Option<Entity<'a>> {
        Some(Entity { json: self.json.get(source), facts: self.facts.as_ref()? })
    }
}

impl<'a> Entity<'a> {
    /// A text field; absent, or of another type, it is empty.
    pub(super) fn text(self, field: Field) -> &'a str {
        let span = self.facts.texts[field as usize];
        if span.start == UNESCAPED.start {
            let unescaped = self.facts.unescaped.iter().rev().find(|(of, _)| *of == field);
            return unescaped.map_or("", |(_, text)| text);
        }
        if span.start == 0 { "" } else { span.in_text(self.json) }
    }

    /// Whether a text field has this value, without regard to case.
    pub(super) fn is(self, field: Field, value: &str) -> bool {
        self.text(field).eq_ignore_ascii_case(value)
    }

    /// Whether a field is there and text, be it empty.
    pub(super) fn has_text(self, field: Field) -> bool {
        self.facts.texts[field as usize].start != 0
    }

    pub(super) fn times(self) -> Times {
        self.facts.times
    }

    /// The scopes of an access token.
    pub(super) fn scopes(self) -> impl Iterator<Item = &'a str> {
        self.text(Field::Target).split_whitespace()
    }

    /// Whether the access token is a plain Bearer: not bound to a key, an assertion, or further cache components.
    pub(super) fn is_plain_bearer(self) -> bool {
        let kind = self.text(Field::TokenType);
        (kind.is_empty() || kind.eq_ignore_ascii_case("bearer")) && !self.facts.is_bound
    }

    pub(super) fn json(self) -> &'a str {
        self.json
    }

    /// All fields, known here or not.
    pub(super) fn fields(self) -> FieldMap {
        serde_json::from_str(self.json).unwrap_or_default()
    }
}

/// A key, borrowed where it has no escapes.
pub(super) struct Word<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Word<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WordVisitor).map(Self)
    }
}

struct WordVisitor;

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.into()))
    }
}

/// A field's JSON, to the letter. It may be a secret.
#[derive(Clone)]
pub(super) struct Json(Zeroizing<String>);

impl Json {
    /// What a text is in JSON.
    fn of(text: &str) -> Self {
        let mut json = Zeroizing::new(String::with_capacity(text.len() + 2));
        write_text(&mut json, text);
        Self(json)
    }

    fn get(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(Zeroizing::new(json.get().into())))
    }
}

/// A text as JSON. Whoever makes room for it and two quotes leaves no part of a secret behind.
pub(super) fn write_text(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\')) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// An entry's fields as they came.
pub(super) type FieldMap = BTreeMap<String, Json>;

/// Collects the fields of an entry that is to be written.
#[derive(Default)]
pub(super) struct Fields(pub(super) FieldMap);

impl Fields {
    /// On top of what an older entry had, so that fields of other libraries stay.
    pub(super) fn over(older: Option<FieldMap>) -> Self {
        Self(older.unwrap_or_default())
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(String::from(name), Json::of(value));
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn with_time(self, name: &str, time: UnixTime) -> Self {
        self.with(name, &alloc::format!("{time}"))
    }

    /// A text among them.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        text(self.0.get(name)?.get())
    }
}
