//! The keyring of the operating system, entry by entry.

#[cfg(any(target_os = "macos", windows))]
mod native;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod secret_service;

#[cfg(any(target_os = "macos", windows))]
pub(crate) use native::{connect, is_there};
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) use secret_service::{connect, is_there};

use std::time::Duration;

use entrada_core::ports::AdapterError;
use zeroize::Zeroizing;

use crate::bounded::Asking;

/// Entries by name, each replaced as a whole or not at all.
///
/// Their values are text: KWallet keeps nothing else.
pub(crate) trait Entries {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, AdapterError>;
    fn set(&self, name: &str, value: &str) -> Result<(), AdapterError>;
    /// That there is no such entry is no failure.
    fn delete(&self, name: &str) -> Result<(), AdapterError>;
}

/// What a keyring is opened with.
pub(crate) struct Opening {
    /// Whose entries they are, for the user to read.
    pub(crate) service: String,
    /// How long the service may take for one call.
    #[cfg_attr(any(target_os = "macos", windows), allow(dead_code, reason = "these systems' calls have no limit"))]
    pub(crate) timeout: Duration,
    /// How long to wait for a user who is asked to unlock it; zero asks nobody.
    #[cfg_attr(windows, allow(dead_code, reason = "the system alone decides whom it asks"))]
    pub(crate) patience: Duration,
    /// To be told while a user is asked.
    #[cfg_attr(windows, allow(dead_code, reason = "the system asks nobody"))]
    pub(crate) asking: Asking,
}
