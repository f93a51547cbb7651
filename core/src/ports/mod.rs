//! The traits that adapters implement.
//!
//! [`blocking`] for programs that wait, `asynchronous` (feature `async`) for those that do not. Both
//! name the same five ports, in the same words; what they share is here.

#[cfg(feature = "async")]
pub mod asynchronous;
pub mod blocking;
#[cfg(feature = "async")]
mod on_thread;
mod shared;

use std::boxed::Box;
use std::error::Error as StdError;
use std::fmt;

use crate::Fault;

/// What an adapter could not do: the [`Fault`] for the core, and the rest for the reader.
#[derive(Debug)]
pub struct AdapterError {
    fault: Fault,
    source: Box<dyn StdError + Send + Sync>,
}

impl AdapterError {
    /// From the adapter's own error, or from a sentence.
    ///
    /// The sentence is read by people: what happened and what to do about it, and never a secret.
    pub fn new(fault: Fault, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { fault, source: source.into() }
    }

    /// From an I/O error, with the fault that its kind stands for, and what was being done.
    pub fn io(doing: impl fmt::Display, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let fault = match error.kind() {
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Fault::Denied,
            Kind::NotFound => Fault::NotFound,
            Kind::TimedOut | Kind::WouldBlock => Fault::TimedOut,
            Kind::InvalidData => Fault::Corrupt,
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::UnexpectedEof
            | Kind::BrokenPipe => Fault::Unreachable,
            _ => Fault::Other,
        };
        Self::new(fault, std::format!("{doing}: {error}"))
    }

    /// What the core decides on.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The adapter's own error.
    pub fn into_source(self) -> Box<dyn StdError + Send + Sync> {
        self.source
    }
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl StdError for AdapterError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.source()
    }
}
