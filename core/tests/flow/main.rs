//! Flows in a scripted world: every test is a story, told over a simulated clock.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

mod support;

mod silent;
