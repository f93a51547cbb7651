//! A strict Entra-like authority, application proxy and app on loopback, for tests and for the demo.
//!
//! One [`Stage`] is all three, each on its own port of 127.0.0.1, on a clock of its own that a test can advance. It is
//! faithful to what Microsoft documents and users report, and it refuses what the platform refuses, with the AADSTS
//! number. It is independent of the client that it judges.
//!
//! ```
//! use entrada_authority::Stage;
//!
//! let stage = Stage::builder().start()?;
//! assert!(stage.authority_url().starts_with("http://127.0.0.1:"));
//! assert!(stage.scope().ends_with("//user_impersonation"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod aadsts;
mod app;
mod authority;
mod breakage;
mod builder;
mod claims_request;
mod clock;
mod connection;
mod directory;
mod faults;
mod form;
mod frame;
mod graph;
mod grown;
mod internet;
mod jwt;
mod ledger;
mod levers;
mod message;
mod observed;
mod proxy;
mod published;
mod random;
mod realm;
mod redirect_uri;
mod scope;
mod server;
mod spoil;
mod stage;
mod tls;
mod visitor;
mod websocket;

pub use breakage::{Breakage, Suggestion};
pub use builder::StageBuilder;
pub use directory::{Platform, User};
pub use faults::{Endpoint, Fault, Faults, RetryAfter};
pub use graph::{GraphRequest, Role as DirectoryRole};
pub use internet::NameAsked;
pub use jwt::decode_claims;
pub use ledger::Revocation;
pub use observed::{RequestSeen, TokensIssued};
pub use proxy::table::{Answer, Audience, BackEnd, Condition, ProxyTable, Redirection};
pub use realm::SignInMode;
pub use stage::Stage;
pub use visitor::{Delivery, Visit, Visitor};
