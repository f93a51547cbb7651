//! Renewals behind the calls: a token that is due for one is given at once, and fetched anew meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entrada_core::{Error, Outcome, TokenRequest};

/// How long a renewal that failed is not tried again: the token is good for a good while yet.
const REST: Duration = Duration::from_secs(30);

/// The renewals of a client and its clones, one at a time for each kind of token.
#[derive(Debug, Default)]
pub(crate) struct Renewals {
    known: Mutex<HashMap<String, Renewal>>,
    changed: Condvar,
    /// Those who wait for a change without holding a thread up.
    #[cfg(feature = "async")]
    waiting: Mutex<Vec<futures::channel::oneshot::Sender<()>>>,
}

#[derive(Clone, Copy, Debug)]
enum Renewal {
    Running,
    Failed(Instant),
}

impl Renewals {
    /// Begins to renew what this request asks for; `None` where that is being done already, or has just failed.
    pub(crate) fn begin(self: &Arc<Self>, request: &TokenRequest) -> Option<Running> {
        let name = format!("{:?} {}", request.wanted_account(), request.scopes().join(" "));
        let mut known = self.known();
        match known.get(&name) {
            Some(Renewal::Running) => return None,
            Some(Renewal::Failed(at)) if at.elapsed() < REST => return None,
            _ => drop(known.insert(name.clone(), Renewal::Running)),
        }
        Some(Running { renewals: Arc::clone(self), name, is_renewed: false })
    }

    /// Waits until none is running, and not longer than that; tells whether none is.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.known(), timeout, |known| is_running(known));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// What resolves at the next end of a renewal; `None` where none is running.
    #[cfg(feature = "async")]
    pub(crate) fn next_end(&self) -> Option<futures::channel::oneshot::Receiver<()>> {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let known = self.known();
        is_running(&known).then(|| {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
            receiver
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Renewal>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_running(known: &HashMap<String, Renewal>) -> bool {
    known.values().any(|one| matches!(one, Renewal::Running))
}

/// A renewal under way; however it ends, the others hear of it.
pub(crate) struct Running {
    renewals: Arc<Renewals>,
    name: String,
    is_renewed: bool,
}

impl Running {
    /// How it has ended; one that is dropped before counts as failed.
    pub(crate) fn ended(mut self, ending: &Result<Outcome, Error>) {
        match ending {
            Ok(Outcome::Token(token)) if token.warnings.is_empty() => self.is_renewed = true,
            Ok(_) => tracing::debug!("a renewal has to wait"),
            Err(error) => tracing::debug!(%error, "a renewal failed"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        {
            let mut known = self.renewals.known();
            // What failed a while ago is of no interest any more.
            known.retain(|_, renewal| !matches!(renewal, Renewal::Failed(at) if at.elapsed() >= REST));
            if self.is_renewed {
                known.remove(&self.name);
            } else {
                known.insert(std::mem::take(&mut self.name), Renewal::Failed(Instant::now()));
            }
        }
        self.renewals.changed.notify_all();
        #[cfg(feature = "async")]
        for waiting in self.renewals.waiting.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = waiting.send(());
        }
    }
}
