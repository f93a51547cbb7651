//! The client that does not wait: the same verbs, on whatever runtime.

mod adapters;
mod call;
mod client;
mod discovery;
mod exchange;
mod tokens;

pub use adapters::{AsyncAdapters, AsyncClientBuilder};
pub use call::AsyncCall;
pub use client::AsyncClient;
pub use tokens::AsyncTokens;
