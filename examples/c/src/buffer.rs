//! Bytes that may be secret.

use zeroize::Zeroizing;

/// Bytes from a callback, wiped when they are dropped, and where they outgrow their place.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            // What a vector leaves behind when it grows is not wiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(length.max(2 * self.0.capacity())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// Text as C takes it, ended by a zero, and wiped when it is dropped.
#[derive(Debug)]
pub(crate) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    /// Zeros within are left out: they would end it early.
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend(text.bytes().filter(|byte| *byte != 0));
        bytes.push(0);
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn as_c(&self) -> *const std::ffi::c_char {
        self.0.as_ptr().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_keeps_all_that_is_appended() {
        let mut buffer = Buffer::default();
        for part in ["", "one", " ", "two and more"] {
            buffer.append(part.as_bytes());
        }
        assert_eq!((buffer.text().as_str(), buffer.into_bytes().len()), ("one two and more", 16));
    }

    #[test]
    fn a_text_ends_with_its_only_zero() {
        assert_eq!(*Text::new("a\0b").0, b"ab\0");
        assert_eq!(*Text::new("").0, b"\0");
    }
}
