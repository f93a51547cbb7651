//! The proof that entrada-core needs no std: a program that has none, what is linked into it, and what it does.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod built;
mod flows;
mod linked;
