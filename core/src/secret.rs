//! The one type that secrets live in.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;

use zeroize::Zeroizing;

/// Text that must not be seen: an access or refresh token, a code, a verifier.
///
/// `Debug` and `Display` print `[redacted]`, and the memory is wiped when the value is dropped. What was found in
/// a small cache is not copied out of it: it is wiped with the last value that was.
/// [`Secret::expose`] is the only way to the text, so that a search for it finds every use.
///
/// ```
/// let token = entrada_core::Secret::new("eyJ0eXAi");
/// assert_eq!(format!("{token:?} {token}"), "[redacted] [redacted]");
/// assert_eq!(token.expose(), "eyJ0eXAi");
/// ```
#[derive(Clone)]
pub struct Secret(Text);

/// In bytes; most caches are smaller.
const LARGE: usize = 64 * 1024;

#[derive(Clone)]
enum Text {
    Own(Zeroizing<String>),
    Part { of: Arc<Zeroizing<String>>, range: Range<usize> },
}

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Text::Own(Zeroizing::new(text.into())))
    }

    /// A part of a longer text, without a copy where it lies in there, and that is not so long that it should not be
    /// kept for the sake of a part.
    pub(crate) fn part(text: &str, of: &Arc<Zeroizing<String>>) -> Self {
        let start = (text.as_ptr() as usize).wrapping_sub(of.as_ptr() as usize);
        let is_small = of.len() <= LARGE;
        match start.checked_add(text.len()).filter(|end| is_small && *end <= of.len()) {
            Some(end) => Self(Text::Part { of: Arc::clone(of), range: start..end }),
            None => Self::new(text),
        }
    }

    /// The text itself, for the one place that sends or stores it.
    pub fn expose(&self) -> &str {
        match &self.0 {
            Text::Own(text) => text,
            Text::Part { of, range } => of.get(range.clone()).unwrap_or_default(),
        }
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_the_text_that_it_was_made_of() {
        let whole = Arc::new(Zeroizing::new(String::from("one two")));
        let part = Secret::part(&whole[4..], &whole);
        assert_eq!((part.expose(), part == Secret::new("two")), ("two", true));
        assert_eq!(Arc::strong_count(&whole), 2, "without a copy");
        let elsewhere = String::from("three");
        assert_eq!(Secret::part(&elsewhere, &whole).expose(), "three");
        assert_eq!(Arc::strong_count(&whole), 2);
        drop(part);
        assert_eq!(Arc::strong_count(&whole), 1);
    }
}
