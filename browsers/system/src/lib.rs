//! Sign-in through the user's own browser, with a loopback redirect (RFC 8252 7.3).
//!
//! [`SystemBrowser`] is a [`Browser`](entrada_core::ports::blocking::Browser): it binds a port on
//! 127.0.0.1 first, then shows the sign-in URL and opens it in a browser, and then waits for the one
//! redirect that carries the right `state`. Whatever else connects meanwhile gets a polite answer.
//!
//! ```
//! use entrada_browser_system::SystemBrowser;
//! use entrada_core::ports::blocking::Browser;
//! use entrada_core::protocol::ResponseMode;
//! use entrada_core::{Fault, Listen};
//!
//! let browser = SystemBrowser::builder().app_name("Contoso HR").open_browser(false).build()?;
//! let mut listener = browser.listen(&Listen { response_modes: vec![ResponseMode::FormPost] })?;
//! assert!(listener.listening().redirect_uri.starts_with("http://localhost:"));
//!
//! // Here the flow presents the URL and then waits; another thread may end that.
//! browser.canceller().cancel();
//! # use entrada_core::Receive;
//! # use std::time::Duration;
//! let query = Receive { state: "8Zr1".into(), timeout: Duration::from_secs(300) };
//! assert_eq!(listener.receive(&query).unwrap_err().fault(), Fault::Cancelled);
//! # Ok::<(), entrada_core::ports::AdapterError>(())
//! ```
//!
//! # Where to look
//!
//! | folder | what is in it |
//! | --- | --- |
//! | `browser`, `builder` | the adapter itself and its settings |
//! | `launch` | which command opens a browser here, and starting it |
//! | `loopback` | the port, the threads behind it, the wait and its end |
//! | `http` | one request: reading it, judging it, answering it |
//! | `page` | what the browser shows at the end |

mod browser;
mod builder;
mod http;
mod launch;
mod loopback;
mod page;

pub use browser::SystemBrowser;
pub use builder::Builder;
pub use launch::{Environment, Platform};
pub use loopback::Canceller;
