//! Randomness from the operating system.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Entropy;
use entrada_core::{Fault, TokenRequest};

/// The operating system's source of randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), AdapterError> {
        getrandom::getrandom(buffer).map_err(|error| AdapterError::new(Fault::Other, error.to_string()))
    }
}

/// Makes correlation ids: GUIDs that differ from each other and from everybody else's.
///
/// Random once, and counted on from there: most requests are answered by the cache, and need not ask the system
/// for randomness.
#[derive(Debug, Default)]
pub(crate) struct CorrelationIds {
    first: OnceLock<Option<u128>>,
    made: AtomicU64,
}

impl CorrelationIds {
    /// Gives the request a correlation id where it has none.
    pub(crate) fn trace(&self, request: &TokenRequest, entropy: &dyn Entropy) -> TokenRequest {
        match request.given_correlation_id() {
            Some(_) => request.clone(),
            None => request.clone().correlation_id(self.next(entropy)),
        }
    }

    /// The next one (RFC 9562, version 4 by its form); `None` where there is no randomness.
    pub(crate) fn next(&self, entropy: &dyn Entropy) -> Option<String> {
        let first = self.first.get_or_init(|| {
            let mut bytes = [0; 16];
            entropy.fill(&mut bytes).ok()?;
            Some(u128::from_be_bytes(bytes))
        });
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Some(guid((*first)?.wrapping_add(number.into())))
    }
}

fn guid(number: u128) -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let number = number & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62;
    let digits = number.to_be_bytes().map(|byte| [byte >> 4, byte & 0xf]);
    let mut text = String::with_capacity(36);
    for (at, digit) in digits.as_flattened().iter().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(char::from(b"0123456789abcdef"[usize::from(*digit)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_ids_are_guids_and_differ() {
        assert_eq!(guid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(guid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let ids = CorrelationIds::default();
        let [one, two] = [ids.next(&SystemEntropy).unwrap(), ids.next(&SystemEntropy).unwrap()];
        assert!(one != two && one.len() == 36 && one.as_bytes()[14] == b'4', "{one} {two}");
        assert_ne!(one, CorrelationIds::default().next(&SystemEntropy).unwrap());
    }
}
