//! Adapters of the blocking ports where nobody may wait: what could take long is done on a thread.

use std::boxed::Box;
use std::cell::Cell;
use std::fmt;
use std::string::String;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::vec::Vec;

use async_trait::async_trait;
use futures::channel::oneshot;

use super::{AdapterError, asynchronous, blocking};
use crate::cache::Snapshot;
use crate::ports::blocking::TryLock;
use crate::{Fault, Listen, Listening, Prompt, Receive, Redirect};

/// A cache or a browser of the blocking ports, on whatever runtime: each call that could take long is made on a
/// thread of its own, which ends with the call.
///
/// ```
/// use entrada_core::drive::blocking::NoBrowser;
/// use entrada_core::ports::asynchronous::{Browser, OnThread};
///
/// let browser: &dyn Browser = &OnThread::new(NoBrowser);
/// ```
///
/// A future that is dropped does not wait for its call. A lock is held until the save that it was taken for has
/// ended; a wait for a redirect is ended at once, where the listener has a
/// [`stopper`](blocking::Listener::stopper), and the listener is closed. Locks and listeners that are dropped on the
/// way are given back on a thread as well.
///
/// So many threads there are as calls under way: where a thousand tasks look into a cache at once, a thousand.
pub struct OnThread<T> {
    adapter: Arc<T>,
    looks_at_once: bool,
    /// The cache's lock, where one of ours is held.
    held: Mutex<Weak<Held>>,
}

/// A lock's guard, shared by the flow that holds it and a save that is under way.
type Held = Mutex<Kept<Box<dyn Send>>>;

impl<T> OnThread<T> {
    /// Every call on a thread: for what asks another process, or another host.
    pub fn new(adapter: T) -> Self {
        Self { adapter: Arc::new(adapter), looks_at_once: false, held: Mutex::default() }
    }

    /// The same, but snapshots and locks are asked for where the future is polled: for a cache to which that is
    /// a matter of microseconds, such as one in memory, or in a file on this machine.
    pub fn looking_at_once(adapter: T) -> Self {
        Self { looks_at_once: true, ..Self::new(adapter) }
    }
}

impl<T: Send + Sync + 'static> OnThread<T> {
    async fn call<R: Send + 'static>(
        &self,
        call: impl FnOnce(&T) -> Result<R, AdapterError> + Send + 'static,
    ) -> Result<R, AdapterError> {
        let adapter = Arc::clone(&self.adapter);
        on_thread(move || call(&adapter))?.await.map_err(unfinished)?
    }

    /// What is to be dropped elsewhere, where that may take long.
    fn keep<R: Send + 'static>(&self, kept: R) -> Kept<R> {
        Kept { kept: Some(kept), may_wait: !self.looks_at_once }
    }

    async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&T) -> Result<R, AdapterError> + Send + 'static,
    ) -> Result<R, AdapterError> {
        if self.looks_at_once { look(&self.adapter) } else { self.call(look).await }
    }

    /// A call that changes something: the lock that is held now is held until it is done, whoever still waits for it.
    async fn change<R: Send + 'static>(
        &self,
        change: impl FnOnce(&T) -> Result<R, AdapterError> + Send + 'static,
    ) -> Result<R, AdapterError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let done = self.call(move |adapter| {
            let done = change(adapter);
            drop(held);
            done
        });
        done.await
    }
}

#[async_trait]
impl<T: blocking::Cache + 'static> asynchronous::Cache for OnThread<T> {
    async fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        self.call(T::load).await
    }

    async fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        self.look(T::snapshot).await
    }

    async fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        let bytes = zeroize::Zeroizing::new(Vec::from(bytes));
        self.change(move |cache| cache.save(&bytes)).await
    }

    async fn set_aside(&self) -> Result<String, AdapterError> {
        self.change(T::set_aside).await
    }

    async fn try_lock(&self) -> Result<TryLock, AdapterError> {
        Ok(match self.look(T::try_lock).await? {
            TryLock::Held(guard) => {
                let guard = Arc::new(Mutex::new(self.keep(guard)));
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&guard);
                TryLock::Held(Box::new(guard))
            }
            other => other,
        })
    }

    async fn unlock(&self, lock: Box<dyn Send>) {
        if self.looks_at_once {
            drop(lock);
        } else if let Ok(unlocked) = on_thread(move || drop(lock)) {
            // Nothing can be done about one that panics.
            let _ = unlocked.await;
        }
    }

    async fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        let name = String::from(name);
        Ok(match self.look(move |cache| cache.try_lock_sign_in(&name)).await? {
            TryLock::Held(guard) => TryLock::Held(Box::new(self.keep(guard))),
            other => other,
        })
    }

    fn location(&self) -> String {
        self.adapter.location()
    }
}

#[async_trait]
impl<T: blocking::Browser + 'static> asynchronous::Browser for OnThread<T> {
    async fn listen(&self, query: &Listen) -> Result<Box<dyn asynchronous::Listener>, AdapterError> {
        let query = query.clone();
        let opened = self.call(move |browser| browser.listen(&query)).await?;
        Ok(Box::new(Waiting { listening: opened.listening().clone(), listener: Some(self.keep(opened)) }))
    }

    async fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        let prompt = prompt.clone();
        self.call(move |browser| browser.present(&prompt)).await
    }
}

/// A listener that waits on a thread.
struct Waiting {
    listening: Listening,
    /// Not here while it waits.
    listener: Option<Kept<Box<dyn blocking::Listener>>>,
}

#[async_trait]
impl asynchronous::Listener for Waiting {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    async fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
        let Some(mut kept) = self.listener.take() else {
            return Err(AdapterError::new(Fault::Other, "this listener was left while it waited"));
        };
        let mut stop = Stop(kept.kept.as_ref().and_then(|listener| listener.stopper()));
        let query = query.clone();
        let wait = move || {
            let received = kept.kept.as_mut().map(|listener| listener.receive(&query));
            (received, kept)
        };
        let (received, kept) = on_thread(wait)?.await.map_err(unfinished)?;
        stop.0 = None;
        self.listener = Some(kept);
        received.unwrap_or_else(|| Err(AdapterError::new(Fault::Other, "nothing listens")))
    }
}

/// Ends a wait that nobody awaits any more.
struct Stop(Option<Box<dyn Fn() + Send + Sync>>);

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop();
        }
    }
}

/// Something whose drop may take long; it is dropped on a thread of ours, wherever that is asked for.
struct Kept<R: Send + 'static> {
    /// Always there until it is dropped.
    kept: Option<R>,
    may_wait: bool,
}

impl<R: Send + 'static> Drop for Kept<R> {
    fn drop(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        if self.may_wait && !IS_OURS.get() {
            // Where there is no thread to be had, it is dropped here after all.
            drop(on_thread(move || drop(kept)));
        }
    }
}

std::thread_local! {
    /// Whether this is a thread of ours, where waiting is what it is for.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// What it returns is dropped on the thread where nobody awaits it any more.
fn on_thread<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<oneshot::Receiver<R>, AdapterError> {
    let (done, awaited) = oneshot::channel();
    let run = move || {
        IS_OURS.set(true);
        drop(done.send(work()));
    };
    let spawned = thread::Builder::new().name("entrada-adapter".into()).spawn(run);
    spawned.map_err(|error| AdapterError::io("starting a thread", error))?;
    Ok(awaited)
}

fn unfinished(_: oneshot::Canceled) -> AdapterError {
    AdapterError::new(Fault::Other, "an adapter panicked on its thread")
}

impl<T> fmt::Debug for OnThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnThread").field("looks_at_once", &self.looks_at_once).finish_non_exhaustive()
    }
}
