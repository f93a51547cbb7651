//! Sign-in in a window of its own, for registrations whose redirect URI is Microsoft's "native client" page.
//!
//! That page, `https://login.microsoftonline.com/common/oauth2/nativeclient`, is meant for embedded views: the window
//! stops before it and takes the answer from its address, so that no server sees it and nothing needs to be pasted.
//! [`WebviewBrowser`] is a [`Browser`](entrada_core::ports::blocking::Browser) on the web view that the system brings:
//! WebKitGTK on Linux, WebView2 on Windows, WKWebView on macOS.
//!
//! ```
//! use entrada_browser_webview::{NATIVE_CLIENT, WebviewBrowser};
//! use entrada_core::ports::blocking::Browser;
//! use entrada_core::protocol::ResponseMode;
//! use entrada_core::{Fault, Listen};
//!
//! let browser = WebviewBrowser::builder().redirect_uri(NATIVE_CLIENT).build()?;
//! match browser.listen(&Listen { response_modes: vec![ResponseMode::Query] }) {
//!     // Here the flow presents the URL, which opens the window, and then waits.
//!     Ok(listener) => assert_eq!(listener.listening().redirect_uri, NATIVE_CLIENT),
//!     // No screen: the error says what to do instead.
//!     Err(error) => assert_eq!(error.fault(), Fault::NotFound),
//! }
//! # Ok::<(), entrada_core::ports::AdapterError>(())
//! ```
//!
//! Where `http://localhost` is registered, the system's browser is the better choice (RFC 8252 8.12): it has the user's
//! sessions, passkeys and password manager, and shows whom the password is given to.
//!
//! # What is needed
//!
//! | system | to build | to run | tried |
//! | --- | --- | --- | --- |
//! | Linux | WebKitGTK's headers (Debian: `libwebkit2gtk-4.1-dev`) | WebKitGTK 4.1, a screen | X11 |
//! | Windows | | the WebView2 runtime, part of Windows 11 | not even compiled |
//! | macOS | | | not even compiled |
//!
//! Windows live on a thread of their own, which begins with the first sign-in and ends with the process. Only on macOS they
//! must be on the main thread: there a program begins with [`windows_on_main_thread`]. GTK is bound to one thread, so a
//! program that uses it by itself cannot have these windows as well; it is told so.
//!
//! # Advisories
//!
//! `wry` 0.57 stands on version 0.18 of the GTK 3 bindings. RustSec lists those as unmaintained (RUSTSEC-2024-0411 to
//! 0420); they have found a maintainer since, for versions from 0.19 on, and `wry` is about to follow
//! ([tauri-apps/wry#1843](https://github.com/tauri-apps/wry/pull/1843)). Until then `glib` 0.18 also brings
//! RUSTSEC-2024-0429, an unsound iterator over strings in a `Variant`, which nothing here uses, and RUSTSEC-2024-0370, an
//! unmaintained helper of its macros at build time. There is no web view for Rust on Linux without them yet; who does not
//! ask for this crate gets none of them.
//!
//! # Where to look
//!
//! | file | what is in it |
//! | --- | --- |
//! | `browser`, `builder` | the adapter itself and its settings |
//! | `navigation` | where the window may go, and where it stops |
//! | `desk` | which answer is for whom |
//! | `listener` | the wait and its end |
//! | `screen` | the thread that the windows live on |
//! | `window` | one window |

mod browser;
mod builder;
mod desk;
mod listener;
mod navigation;
mod screen;
mod window;

pub use browser::{NATIVE_CLIENT, WebviewBrowser};
pub use builder::Builder;
pub use desk::Canceller;
pub use screen::windows_on_main_thread;
