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
//! | Linux | WebKitGTK's headers (Debian: `libwebkit2gtk-4.1-dev`) | WebKitGTK 4.1, X11 or Wayland | on X11, by the tests |
//! | Windows | | the WebView2 runtime, which is part of Windows 11 | not yet, nor compiled |
//! | macOS | | | not yet, nor compiled |
//!
//! Windows live on a thread of their own, which begins with the first sign-in and ends with the process. Only on macOS they
//! must be on the main thread: there a program begins with [`windows_on_main_thread`]. GTK is bound to one thread, so a
//! program that uses it by itself cannot have these windows as well; it is told so.
//!
//! # Advisories
//!
//! On Linux `wry` 0.57 stands on version 0.18 of the GTK 3 bindings. RustSec listed those as unmaintained
//! (RUSTSEC-2024-0411 to 0420) until they found a maintainer, for versions from 0.19 on
//! ([rustsec/advisory-db#3189](https://github.com/rustsec/advisory-db/pull/3189)), to which `wry` is on its way
//! ([tauri-apps/wry#1843](https://github.com/tauri-apps/wry/pull/1843)). Until then `glib` 0.18 brings RUSTSEC-2024-0429, an
//! unsound iterator over the strings in a `Variant`, which is not used here, and its macros RUSTSEC-2024-0370, a helper at
//! build time that is no longer maintained. Who does not ask for this crate gets none of them.
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
