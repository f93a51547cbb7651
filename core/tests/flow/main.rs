//! Flows in a scripted world: every test is a story, told over a simulated clock.

#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

mod support;

mod accounts;
mod authorities;
mod broken_cache;
mod claims;
mod device_code;
mod discovery;
mod drivers;
mod foreign_data;
mod import;
mod insisting;
mod interactive;
mod interactive_fails;
mod join;
mod lock;
mod random;
mod redaction;
mod refresh;
mod refresh_fails;
mod scopes;
mod silent;
mod stories;
mod table;
mod telemetry;
mod tenants;
mod throttle;
mod traces;
