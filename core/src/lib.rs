//! The token state machine of **entrada** as pure transitions: no I/O, no clock, no randomness, no runtime.
//!
//! A [`Flow`] is plain data. It tells what it wants with an [`Action`], is told what happened with an
//! [`Event`], and ends with a token or a typed [`Error`]. Whoever drives it brings the I/O:
//!
//! ```
//! use entrada_core::cache::Snapshot;
//! use entrada_core::{Action, App, Authority, Error, Flow, TokenRequest, UnixTime};
//!
//! let authority = Authority::entra("https://login.microsoftonline.com/contoso.onmicrosoft.com")?;
//! let app = App::new("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4", authority)?;
//! let request = TokenRequest::new(["https://hr-contoso.msappproxy.net//user_impersonation"])?;
//!
//! // Look into the cache, refresh silently: here the cache is empty, so a sign-in is needed.
//! let (mut flow, mut action) = Flow::silent(&app, &request);
//! let result = loop {
//!     let event = match action {
//!         Action::Load(ask) => ask.answer(Snapshot::of(None)),
//!         Action::Done(result) => break result,
//!         other => unreachable!("an empty cache leads to {other:?}"),
//!     };
//!     action = flow.resume(UnixTime::from_secs(1_800_000_000), event);
//! };
//! assert!(matches!(result, Err(Error::UiRequired(_))));
//! # Ok::<(), Error>(())
//! ```
//!
//! # The rooms
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`flow`] | the phases: silent, lock, interactive, device code |
//! | [`cache`] | the unified token cache that Microsoft's libraries share |
//! | [`protocol`] | what goes over the wire: authorize, token, device code, discovery, challenges, the proxy's redirect |
//! | [`ports`] | the traits that adapters implement (feature `std`; the async ones: feature `async`) |
//! | [`words`] | what the user reads, with text from outside made harmless |
//! | [`compared`] | where Microsoft's libraries differ, what is done here, and why |
//! | [`drive`] | the loops that run a flow over the ports (same features) |
//!
//! # Features
//!
//! `std` (default) adds the blocking ports and their driver, `async` the same for futures. Without them
//! the crate is `no_std` with `alloc`; `tests/no_std` proves it with a program that has the C library alone. `examples` has
//! flows driven by hand, inside a poll loop, and from C.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod cache;
pub mod compared;
pub mod flow;
pub mod protocol;
pub mod words;

#[cfg(feature = "std")]
pub mod drive;
#[cfg(feature = "std")]
pub mod ports;

mod account;
mod app;
mod ask;
mod authority;
mod error;
mod fault;
mod request;
mod secret;
mod time;
mod token;

pub use account::{Account, AccountSelector};
pub use app::App;
pub use ask::{
    Action, Ask, Entropy, Event, Guarded, Listen, Listening, Load, Lock, Prompt, Receive, Redirect, Save, SetAside,
    TryLock, Unlock, Wait, WaitReason,
};
pub use authority::{Authority, Cloud, Endpoints};
pub use error::{AdapterFailure, Error, Port, ProtocolError, ServerError, UiReason, UiRequired, Waiting};
pub use fault::Fault;
pub use flow::Flow;
pub use request::{PromptMode, SignIn, TokenRequest};
pub use secret::Secret;
pub use time::UnixTime;
pub use token::{Outcome, Token, TokenSource, Warning};
