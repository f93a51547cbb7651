//! Renewals in the background: a token that is due for one is given at once, and fetched anew meanwhile.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entrada_core::{Outcome, TokenRequest};

use crate::client::Client;

/// How long a renewal that failed is not tried again: the token is good for a good while yet.
const REST: Duration = Duration::from_secs(30);

/// The renewals of a client and its clones, one at a time for each kind of token.
#[derive(Debug, Default)]
pub(crate) struct Renewals {
    known: Mutex<HashMap<String, Renewal>>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug)]
enum Renewal {
    Running,
    Failed(Instant),
}

impl Renewals {
    /// Renews what this request asks for, on a thread of its own, unless that is being done already.
    pub(crate) fn start(&self, client: &Client, request: &TokenRequest) {
        let name = format!("{:?} {}", request.wanted_account(), request.scopes().join(" "));
        {
            let mut known = self.known();
            match known.get(&name) {
                Some(Renewal::Running) => return,
                Some(Renewal::Failed(at)) if at.elapsed() < REST => return,
                _ => drop(known.insert(name.clone(), Renewal::Running)),
            }
        }
        let (client, request) = (client.clone(), request.clone().defer_renewal(false));
        let running = Running { client, name };
        let spawned = std::thread::Builder::new().name("entrada-renewal".into()).spawn(move || running.renew(&request));
        if let Err(error) = spawned {
            // The renewal was dropped with its thread, and counts as failed.
            tracing::debug!(%error, "no thread for a renewal");
        }
    }

    /// Waits until none is running, and not longer than that; tells whether none is.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let is_running =
            |known: &mut HashMap<String, Renewal>| known.values().any(|one| matches!(one, Renewal::Running));
        let waited = self.changed.wait_timeout_while(self.known(), timeout, is_running);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Renewal>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A renewal under way; however it ends, the others hear of it.
struct Running {
    client: Client,
    name: String,
}

impl Running {
    fn renew(self, request: &TokenRequest) {
        match self.client.run_silent(request) {
            Ok(Outcome::Token(token)) if token.warnings.is_empty() => {
                self.client.renewals.known().remove(&self.name);
            }
            Ok(_) => tracing::debug!("a renewal has to wait"),
            Err(error) => tracing::debug!(%error, "a renewal failed"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let renewals = &self.client.renewals;
        if let Some(renewal @ Renewal::Running) = renewals.known().get_mut(&self.name) {
            *renewal = Renewal::Failed(Instant::now());
        }
        renewals.changed.notify_all();
    }
}
