//! Bytes that may be secret.

use zeroize::Zeroizing;

/// Bytes from a callback, wiped when they are dropped, and where they outgrow their place.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    is_misused: bool,
}

impl Buffer {
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let length = self.bytes.len() + bytes.len();
        if length > self.bytes.capacity() {
            // What a vector leaves behind when it grows is not wiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(length.max(2 * self.bytes.capacity())));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What was to be appended was not there.
    pub(crate) fn misuse(&mut self) {
        self.is_misused = true;
    }

    pub(crate) fn is_misused(&self) -> bool {
        self.is_misused
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
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

    /// In bytes, without the zero at its end.
    pub(crate) fn length(&self) -> usize {
        self.0.len() - 1
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
        assert_eq!((Text::new("a\0b").length(), Text::new("").length()), (2, 0));
    }
}
