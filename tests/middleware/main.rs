//! The Bearer as a middleware, in front of the strict authority, the proxy and the app, over clients that others wrote.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod house;
mod reqwest;
mod tower;
