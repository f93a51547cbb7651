//! The examples do what they say: each runs against an authority that is as strict as Entra.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod by_hand;
mod c;
mod freed;
mod panics;
mod poll_loop;
mod session;
