//! What comes before HTTP in entrada's transports: whom to trust, through which proxy, and what to say
//! where it fails.
//!
//! ```
//! use entrada_dial::{Builder, Settings};
//!
//! struct MyTransport(Settings);
//!
//! impl From<Settings> for MyTransport {
//!     fn from(settings: Settings) -> Self {
//!         Self(settings)
//!     }
//! }
//!
//! let transport = Builder::<MyTransport>::default().user_agent("reports/2.1").build()?;
//! let uri = "https://hr-contoso.msappproxy.net/api/me".parse()?;
//! if let Some(proxy) = transport.0.proxies.for_uri(&uri) {
//!     println!("{} names the proxy", proxy.name());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For whoever writes a transport: [`Settings`] is what all of them are made from, [`Builder`] how a
//! program gives it, and [`Place`] turns what went wrong into a fault for the core and a sentence for people.
//! The feature `async` brings [`asynchronous`], a client around any runtime's sockets; it needs no runtime itself.

#[cfg(feature = "async")]
pub mod asynchronous;
mod builder;
mod environment;
mod framing;
mod place;
mod roots;

pub use builder::{Builder, Settings};
pub use environment::{Environment, Variable};
pub use framing::{Left, announce, is_bodiless};
pub use place::{Broken, Place, Step, is_cut};
pub use roots::Roots;
