//! The secret of one run, by a path or a header.

use std::fmt;
use std::io;

use subtle::ConstantTimeEq as _;

/// A secret that whoever uses the forwarder has to know: the first segment of the path, or the header
/// `X-Entrada-Secret`.
///
/// Its `Debug` does not show it.
#[derive(Clone)]
pub struct PathSecret {
    /// With the slash before it.
    prefix: String,
}

impl PathSecret {
    /// A new one, of 128 random bits. Fails where the system has no randomness.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::getrandom(&mut bytes).map_err(|_| io::Error::other("the system has no randomness"))?;
        let prefix = bytes.iter().fold(String::from("/"), |text, byte| text + &format!("{byte:02x}"));
        Ok(Self { prefix })
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        self.prefix.trim_start_matches('/')
    }

    /// A slash and the secret.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether that is the secret; how long it takes tells nothing about where it differs.
    pub(crate) fn is(&self, candidate: &[u8]) -> bool {
        self.expose().as_bytes().ct_eq(candidate).into()
    }
}

impl fmt::Debug for PathSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_new_each_time_and_not_shown() {
        let (one, two) = (PathSecret::random().unwrap(), PathSecret::random().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_eq!(one.expose().len(), 32);
        assert!(!format!("{one:?}").contains(one.expose()));
        assert!(one.is(one.expose().as_bytes()) && !one.is(two.expose().as_bytes()) && !one.is(b""));
    }
}
