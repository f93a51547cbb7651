//! The keyring as its users see it: named entries, and no wait without an end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

use crate::bounded::{Limits, within};
use crate::system::{self, Entries, Opening};

/// How long a call waits unless told otherwise, and how long for a user.
const TIMEOUT: Duration = Duration::from_secs(3);
const UNLOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// For how long a keyring that did not answer, or was not unlocked, is not asked again: one flow looks into its cache
/// several times.
const REST: Duration = Duration::from_secs(10);

/// The keyring of the operating system, and how to ask it.
///
/// Nothing is opened until it is used. Clones share what they know of it: after a call that timed out, or a user who
/// did not unlock it, further ones fail at once for ten seconds.
#[derive(Clone)]
pub struct Keyring {
    service: String,
    timeout: Duration,
    unlock_timeout: Duration,
    prompts: bool,
    resting: Arc<Mutex<Option<Resting>>>,
}

/// Why it is not asked again for now.
struct Resting {
    since: Instant,
    fault: Fault,
    why: String,
}

impl Default for Keyring {
    fn default() -> Self {
        Self::new()
    }
}

impl Keyring {
    /// The user's keyring; the entries belong to the service `entrada`.
    pub fn new() -> Self {
        Self {
            service: "entrada".to_owned(),
            timeout: TIMEOUT,
            unlock_timeout: UNLOCK_TIMEOUT,
            prompts: true,
            resting: Arc::default(),
        }
    }

    /// Whose entries they are, for the user to read in the keyring's own window.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// How long the keyring itself may take to answer; three seconds if not said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a user may take whom it asks to unlock it; two minutes if not said.
    ///
    /// The Secret Service is told to take its question back then. gnome-keyring is not, as it would abort: its window
    /// stays until the user closes it.
    pub fn unlock_timeout(mut self, timeout: Duration) -> Self {
        self.unlock_timeout = timeout;
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
        if let Some(error) = self.rests().filter(|_| system::is_there()) {
            return Err(error);
        }
        let (service, timeout) = (self.service.clone(), self.timeout);
        let patience = if self.prompts { self.unlock_timeout } else { Duration::ZERO };
        let limits = Limits { answer: self.timeout, unlock: self.unlock_timeout };
        let result =
            within(limits, move |asking| work(&system::connect(Opening { service, timeout, patience, asking })?));
        if let Err(error) = &result {
            self.rest_after(error);
        }
        result
    }

    fn rest_after(&self, error: &AdapterError) {
        let why = match error.fault() {
            Fault::TimedOut => {
                "the keyring did not answer a moment ago: see whether its service hangs, and try again".to_owned()
            }
            // A user who did not want to is not asked twice in a row.
            Fault::Denied if self.prompts => error.to_string(),
            _ => return,
        };
        let resting = Resting { since: Instant::now(), fault: error.fault(), why };
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = Some(resting);
    }

    /// How long a call may take while nobody is asked.
    pub(crate) fn limit(&self) -> Duration {
        self.timeout
    }

    fn rests(&self) -> Option<AdapterError> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let resting = resting.as_ref().filter(|resting| resting.since.elapsed() < REST)?;
        Some(AdapterError::new(resting.fault, resting.why.clone()))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("service", &self.service)
            .field("timeout", &self.timeout)
            .field("unlock_timeout", &self.unlock_timeout)
            .finish_non_exhaustive()
    }
}
