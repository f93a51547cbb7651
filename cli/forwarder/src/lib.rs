//! A local forwarder: it listens on loopback, and passes what it hears on to a published app with the Bearer put on.
//!
//! ```no_run
//! use entrada_core::ports::asynchronous::TokenProvider;
//! use entrada_forwarder::{Forwarder, Listen, Published};
//!
//! fn forward(tokens: impl TokenProvider + 'static) -> Result<(), Box<dyn std::error::Error>> {
//!     let app = Published::new("https://hr-contoso.msappproxy.net/api/", tokens)?;
//!     let forwarder = Forwarder::builder().publish(app, Listen::default()).bind()?;
//!     println!("{}", forwarder.local_urls()[0]); // http://127.0.0.1:40417/api/
//!     Ok(forwarder.run(std::future::pending())?)
//! }
//! ```
//!
//! # What is forwarded, and how
//!
//! - HTTP/1.1, one listener for each app: whatever comes in there goes to the app's origin and nowhere else. Bodies and
//!   trailers are streams both ways, at the pace of the slower side; nothing is ever held whole. Connections are kept on
//!   both sides. `Expect: 100-continue` is the app's to answer, for a second at most. A request to upgrade, such as a
//!   WebSocket's, gets the Bearer too, and is a tunnel from then on; `h2c` is not offered to the app.
//! - `Host` becomes the app's, and an `Authorization` that the client brings is replaced by the Bearer. Headers of a single
//!   connection stay behind (RFC 9110, 7.6.1). `Origin`, `Referer` and `Destination` that name the local address name the
//!   app instead.
//! - In answers, `Location`, `Content-Location`, `Refresh` and `Link` that name the app's origin become local; those of
//!   other origins stay as they are. Cookies lose what no http address on loopback can keep: a `Domain` of the app, `Secure`,
//!   `SameSite=None` and `Partitioned`; names that begin with `__Host-` or `__Secure-` begin with `entrada-host-` or
//!   `entrada-secure-` on this side. Bodies are not touched: a page with whole URLs of the app in it leads there.
//! - The token is kept in memory, asked for again every half a minute, and renewed before its end; many requests share one
//!   renewal. A claims challenge is answered with a token that has the claims, and the request sent again where no more than
//!   64 KiB of its body have been read; else the challenge is handed on. The proxy's redirect to its sign-in never is: it
//!   becomes a 502 that says why.
//!
//! # Who may come in
//!
//! Listeners are on loopback or Unix sockets. The `Host` must be the listener's own address, so that no name on the
//! internet that resolves to loopback is let in (421); an `Origin` that is another one, or a `Sec-Fetch-Site` that is
//! neither `same-origin` nor `none`, is turned away (403), preflights with them. `CONNECT` is not forwarded, nor is
//! `TRACE`, which the app would answer with the token (405). Other users of the same computer can reach
//! a port on loopback: where there are any, take a Unix socket, which only its owner can open, or a
//! [`secret`](Builder::secret).

mod address;
mod body;
mod builder;
mod connection;
mod cookies;
mod counts;
mod exchange;
mod gate;
mod hop;
mod limits;
mod listener;
mod network;
mod pool;
mod reactor;
mod refusal;
mod rounds;
mod secret;
mod serve;
mod site;
mod socket;
mod tokens;
mod tunnel;
mod upstream;
mod watch;
mod wire;
mod worker;

pub use builder::{Builder, Published};
pub use counts::Counts;
pub use limits::{Limits, raise_open_files};
pub use listener::Listen;
pub use secret::PathSecret;
pub use serve::Forwarder;
pub use site::Event;
