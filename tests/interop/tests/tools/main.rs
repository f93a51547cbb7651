//! The token lent to programs that others wrote: git, kubectl, curl. Each reaches an app behind the application proxy.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod desk;
mod docs;
mod git;
mod kubectl;
