//! One suite per port: every adapter passes it.
//!
//! A suite is one function that takes a way to make the adapter and panics where the adapter fails; an
//! adapter's own test calls it.

mod answering;
pub mod blocked;
pub mod browser;
pub mod cache;
pub mod environment;
#[cfg(unix)]
pub mod session;
pub mod transport;

pub use answering::answering;
