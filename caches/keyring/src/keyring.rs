//! The keyring as its users see it: named entries, and no wait without an end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

use crate::bounded::within;
use crate::system::{self, Entries, Opening};

/// How long a call waits unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(3);

/// For how long a keyring that did not answer is not asked again: one flow looks into its cache several times.
const REST: Duration = Duration::from_secs(10);

/// The keyring of the operating system, and how to ask it.
///
/// Nothing is opened until it is used. Clones share what they know of it: after a call that timed out, further ones
/// fail at once for ten seconds.
#[derive(Clone)]
pub struct Keyring {
    service: String,
    timeout: Duration,
    prompts: bool,
    hung: Arc<Mutex<Option<Instant>>>,
}

impl Default for Keyring {
    fn default() -> Self {
        Self::new()
    }
}

impl Keyring {
    /// The user's keyring; the entries belong to the service `entrada`.
    pub fn new() -> Self {
        Self { service: "entrada".to_owned(), timeout: TIMEOUT, prompts: true, hung: Arc::default() }
    }

    /// Whose entries they are, for the user to read in the keyring's own window.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// How long a call may take, a user included who unlocks the keyring meanwhile; three seconds if not said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether a locked keyring may ask the user to unlock it, as it may unless told otherwise; else it is denied.
    ///
    /// On macOS and Windows the system alone decides whether it asks.
    pub fn prompts(mut self, prompts: bool) -> Self {
        self.prompts = prompts;
        self
    }

    /// Whether there may be a keyring here; it is not asked, so that this costs next to nothing.
    ///
    /// On Linux that is whether the session has a D-Bus; macOS and Windows always have one.
    pub fn is_there() -> bool {
        system::is_there()
    }

    /// Asks it, on a thread of its own, and waits for as long as that may take.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Entries) -> Result<T, AdapterError> + Send + 'static,
    ) -> Result<T, AdapterError> {
        // What is not there needs neither a thread nor a wait.
        if self.has_hung() && system::is_there() {
            let text = "the keyring did not answer a moment ago: unlock it where it is locked, and try again";
            return Err(AdapterError::new(Fault::TimedOut, text));
        }
        let patience = if self.prompts { self.timeout } else { Duration::ZERO };
        let opening = Opening { service: self.service.clone(), patience };
        let result = within(self.timeout, move || work(&system::connect(&opening)?));
        if result.as_ref().is_err_and(|error| error.fault() == Fault::TimedOut) {
            *self.hung.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        result
    }

    /// How long a call may take.
    pub(crate) fn limit(&self) -> Duration {
        self.timeout
    }

    fn has_hung(&self) -> bool {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        hung.is_some_and(|since| since.elapsed() < REST)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("service", &self.service)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
