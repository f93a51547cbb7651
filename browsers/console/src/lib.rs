//! Sign-in from a terminal: the user copies the redirect from any browser's address bar, or enters a
//! user code.
//!
//! For registrations whose only redirect URI is Microsoft's "native client" page, and for machines
//! without a browser. [`ConsoleBrowser`] is a [`Browser`](entrada_core::ports::blocking::Browser):
//!
//! ```
//! use std::io::Cursor;
//! use std::time::Duration;
//!
//! use entrada_browser_console::{ConsoleBrowser, NATIVE_CLIENT};
//! use entrada_core::ports::blocking::Browser;
//! use entrada_core::protocol::ResponseMode;
//! use entrada_core::{Listen, Receive, Redirect};
//!
//! // What the user would paste.
//! let pasted = Cursor::new(format!("{NATIVE_CLIENT}?code=0.AXoA&state=8Zr1\n"));
//! let browser = ConsoleBrowser::builder().reader(pasted).writer(std::io::sink()).build()?;
//! let mut listener = browser.listen(&Listen { response_modes: vec![ResponseMode::Query] })?;
//! assert_eq!(listener.listening().redirect_uri, NATIVE_CLIENT);
//!
//! let redirect = listener.receive(&Receive { state: "8Zr1".into(), timeout: Duration::from_secs(60) })?;
//! assert!(matches!(redirect, Redirect::Parameters(_)));
//! # Ok::<(), entrada_core::ports::AdapterError>(())
//! ```
//!
//! # Where to look
//!
//! | file | what is in it |
//! | --- | --- |
//! | `browser`, `builder` | the adapter itself and its settings |
//! | `pasted` | what the user may paste, and what is wrong with it |
//! | `listener` | asking until a line is of use |
//! | `lines` | the thread that reads lines, and giving up on it |

mod browser;
mod builder;
mod lines;
mod listener;
mod pasted;

pub use browser::{ConsoleBrowser, NATIVE_CLIENT};
pub use builder::Builder;
pub use lines::Canceller;
