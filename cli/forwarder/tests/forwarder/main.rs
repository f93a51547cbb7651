//! The forwarder between a client's socket and an app: the stage's behind its proxy, or one that does as it is told.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

mod support;

mod bodies;
mod crowd;
mod ending;
mod failures;
mod heads;
mod hostile;
mod strangers;
mod tokens;
mod upgrades;
