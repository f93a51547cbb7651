//! Randomness from the operating system.

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Entropy;

/// The operating system's source of randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), AdapterError> {
        getrandom::getrandom(buffer).map_err(|error| AdapterError::new(Fault::Other, error.to_string()))
    }
}

/// A random GUID (RFC 9562, version 4), for a correlation id; `None` where there is no randomness.
pub(crate) fn correlation_id(entropy: &dyn Entropy) -> Option<String> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes).ok()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}
