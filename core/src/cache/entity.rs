//! One entry of the cache, read by fields.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::UnixTime;

/// A view of an entry's fields. A field of the wrong type reads as absent: one bad entry never costs the others.
#[derive(Clone, Copy)]
pub(super) struct Entity<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Entity<'a> {
    /// A text field; absent, or of another type, it is empty.
    pub(super) fn text(self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a text field has this value, without regard to case.
    pub(super) fn is(self, name: &str, value: &str) -> bool {
        self.text(name).eq_ignore_ascii_case(value)
    }

    /// Whether a field is there at all.
    pub(super) fn has(self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether a field is there and text, be it empty.
    pub(super) fn has_text(self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_string)
    }

    /// Seconds since the epoch: a decimal string as all libraries write it, or a number.
    pub(super) fn time(self, name: &str) -> Option<UnixTime> {
        let seconds = match self.0.get(name)? {
            Value::String(text) => text.trim().parse().ok()?,
            Value::Number(number) => number.as_u64()?,
            _ => return None,
        };
        Some(UnixTime::from_secs(seconds))
    }

    /// The scopes of an access token.
    pub(super) fn scopes(self) -> impl Iterator<Item = &'a str> {
        self.text("target").split_whitespace()
    }

    /// Whether the access token is a plain Bearer: not bound to a key, an assertion, or further cache components.
    pub(super) fn is_plain_bearer(self) -> bool {
        let kind = self.text("token_type");
        (kind.is_empty() || kind.eq_ignore_ascii_case("bearer"))
            && !["key_id", "kid", "keyid", "ext_cache_key", "ext", "user_assertion_hash", "userAssertionHash"]
                .iter()
                .any(|field| self.has(field))
    }
}

/// Collects the fields of an entry that is to be written.
#[derive(Default)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// On top of what an older entry had, so that fields of other libraries stay.
    pub(super) fn over(older: Option<Map<String, Value>>) -> Self {
        Self(older.unwrap_or_default())
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(String::from(name), Value::String(value.into()));
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn with_time(self, name: &str, time: UnixTime) -> Self {
        self.with(name, alloc::format!("{time}"))
    }
}
