//! The port on this machine: bound before a browser opens, open until the listener is dropped.
//!
//! One thread accepts, one per connection reads and answers, and what they have to tell comes to the
//! waiting [`Loopback`] through one channel, so that nothing polls.

mod acceptor;
mod cancel;
mod connection;
mod listener;
mod redirect_uri;
mod seats;

use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use entrada_core::Secret;

pub use cancel::Canceller;
pub(crate) use listener::Loopback;
pub(crate) use redirect_uri::RedirectUri;

use crate::http::Address;
use crate::page::Pages;

/// What ends a wait.
enum Signal {
    /// The redirect that the wait of this number was for, with its parameters.
    Redirect(u64, Secret),
    /// Somebody gave up.
    Cancelled,
}

/// What the threads of one listener share.
struct Shared {
    address: Address,
    pages: Pages,
    seats: seats::Seats,
    awaited: Mutex<Awaited>,
    signals: Sender<Signal>,
}

/// Which redirect is awaited.
#[derive(Default)]
struct Awaited {
    /// The number of the wait: the same listener may wait again.
    wait: u64,
    /// Its state; `None` where nobody waits.
    state: Option<String>,
    /// Whether it has come: a second one is answered alike, and changes nothing.
    is_here: bool,
}

/// A thread that panicked while it held a lock left nothing half done: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
