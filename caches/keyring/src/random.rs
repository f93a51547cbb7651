//! Unpredictable bytes.

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), AdapterError> {
    let failed = |_| AdapterError::new(Fault::Other, "the operating system has no random numbers to give");
    SystemRandom::new().fill(bytes).map_err(failed)
}

/// An id that nobody else has: 32 hexadecimal digits.
pub(crate) fn hex_id() -> Result<String, AdapterError> {
    let mut id = [0; 16];
    fill(&mut id)?;
    Ok(to_hex(&id))
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
