//! Reach apps published through Microsoft Entra application proxy.
//!
//! **entrada** looks a token up in the cache, refreshes it silently, falls back to a sign-in only when the
//! authority says so, and calls the app with it as a Bearer, which never goes to another origin.
//!
//! ```no_run
//! # #[cfg(all(feature = "ureq", feature = "file-cache", feature = "system-browser"))]
//! # fn main() -> Result<(), entrada::Error> {
//! let scope = "https://hr-contoso.msappproxy.net//user_impersonation";
//!
//! let client = entrada::Client::builder("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4")
//!     .tenant("contoso.onmicrosoft.com")
//!     .build()?; // ureq, the file cache and the system browser, by default
//! let token = client.token(&[scope])?; // cache, refresh, or sign-in
//! let reply = client.get("https://hr-contoso.msappproxy.net/api/me", &[scope])?; // an http::Response
//! # let _ = (token, reply);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "ureq", feature = "file-cache", feature = "system-browser")))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | what it brings | default |
//! | --- | --- | --- |
//! | `ureq` | the blocking HTTP transport: rustls, the system's roots, proxies from the environment | yes |
//! | `async` | `AsyncClient`, the async ports and their driver, on whatever runtime | |
//! | `smol` | `async`, and the HTTP transport on smol, over hyper; smol's clock and executor | |
//! | `reqwest` | `async`, and the HTTP transport on tokio, over reqwest; tokio's clock and executor | |
//! | `reqwest-middleware` | `reqwest`, and the Bearer as a middleware of the crate `reqwest-middleware` | |
//! | `surf` | `async`, and the HTTP transport on async-std, over surf; both are no longer maintained | |
//! | `tower` | `async`, any tower service as a transport, and the Bearer as a tower layer | |
//! | `file-cache` | the token cache in one file, in the format that Microsoft's libraries share | yes |
//! | `memory-cache` | the token cache in memory | |
//! | `keyring-cache` | the token cache in the system's keyring, or in a file that is encrypted with a key from there | |
//! | `redis-cache` | the token cache in a Redis server, a partition for each user: for fleets | |
//! | `system-browser` | the sign-in in the user's browser, with a loopback redirect | yes |
//! | `console-browser` | the sign-in in a terminal: a pasted redirect, or a user code | |
//! | `webview-browser` | the sign-in in a window of its own, for Microsoft's "native client" redirect; needs the system's web view to build | |
//!
//! Whoever brings their own I/O uses [`Flow`] alone, from [`core`](entrada_core) without its features.

mod adapters;
#[cfg(feature = "async")]
mod asynchronous;
mod builder;
mod call;
mod client;
mod discovery;
mod entropy;
mod exchange;
mod outcome;
mod renewal;

pub use adapters::{Adapters, ClientBuilder};
#[cfg(feature = "async")]
pub use asynchronous::{AsyncAdapters, AsyncCall, AsyncClient, AsyncClientBuilder, AsyncTokens};
pub use builder::Builder;
pub use call::Call;
pub use client::Client;
pub use discovery::discover;
pub use entrada_core::*;
pub use entropy::SystemEntropy;

#[cfg(feature = "console-browser")]
pub use entrada_browser_console as console_browser;
#[cfg(feature = "system-browser")]
pub use entrada_browser_system as system_browser;
#[cfg(feature = "webview-browser")]
pub use entrada_browser_webview as webview_browser;
#[cfg(feature = "file-cache")]
pub use entrada_cache_file as file_cache;
#[cfg(feature = "keyring-cache")]
pub use entrada_cache_keyring as keyring_cache;
#[cfg(feature = "memory-cache")]
pub use entrada_cache_memory as memory_cache;
#[cfg(feature = "redis-cache")]
pub use entrada_cache_redis as redis_cache;
#[cfg(feature = "reqwest")]
pub use entrada_reqwest as reqwest;
#[cfg(feature = "smol")]
pub use entrada_smol as smol;
#[cfg(feature = "surf")]
pub use entrada_surf as surf;
#[cfg(feature = "tower")]
pub use entrada_tower as tower;
#[cfg(feature = "ureq")]
pub use entrada_ureq as ureq;

/// The README's examples, compiled with the others.
#[cfg(all(doctest, feature = "smol", feature = "ureq", feature = "file-cache", feature = "system-browser"))]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
