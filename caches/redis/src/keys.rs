//! The names of a partition's keys.

use std::fmt::Write;

/// All keys of one partition; the braces keep them in one slot of a cluster.
#[derive(Clone)]
pub(crate) struct Keys {
    base: String,
}

impl Keys {
    pub(crate) fn of(prefix: &str, partition: &str) -> Self {
        Self { base: format!("{}{{{}}}", plain(prefix), plain(partition)) }
    }

    /// The hash with the version `v` and the bytes `b`.
    pub(crate) fn cache(&self) -> &str {
        &self.base
    }

    pub(crate) fn lock(&self) -> String {
        format!("{}:lock", self.base)
    }

    pub(crate) fn sign_in(&self, name: &str) -> String {
        format!("{}:sign-in:{}", self.base, plain(name))
    }

    pub(crate) fn aside(&self, number: &str) -> String {
        format!("{}:aside:{number}", self.base)
    }
}

/// Percent-encoded where a brace would move the slot, or a wildcard would widen an ACL's pattern.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' | b'/' => {
                plain.push(char::from(byte));
            }
            other => {
                let _ = write!(plain, "%{other:02X}");
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_partitions_share_a_key_and_no_name_leaves_its_slot() {
        assert_eq!(Keys::of("hr:", "u1.t1").cache(), "hr:{u1.t1}");
        assert_eq!(Keys::of("a{b}", "x}:lock{*").cache(), "a%7Bb%7D{x%7D:lock%7B%2A}");
        assert_ne!(Keys::of("", "a%7D").cache(), Keys::of("", "a}").cache());
        assert_eq!(Keys::of("", "ä").lock(), "{%C3%A4}:lock");
    }
}
