//! The adapter: opens the window, and listens for its answer.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Browser, Listener};
use entrada_core::protocol::ResponseMode;
use entrada_core::words::{other_sign_in, span, user_code};
use entrada_core::{Fault, Listen, Listening, Prompt};
use url::Url;

use crate::desk::Desk;
use crate::listener::WindowListener;
use crate::navigation::is_web_page;
use crate::screen::{self, Order};
use crate::window::Opening;
use crate::{Builder, Canceller};

/// The page that Microsoft offers as redirect URI to embedded views in the public cloud.
pub const NATIVE_CLIENT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";

/// A window with the sign-in's page in it.
///
/// Several sign-ins may be under way at the same time, each in its own window.
///
/// # What the user sees
///
/// The window's title is the host of the page that is shown, and nothing that a page could choose. The window closes by
/// itself when the sign-in has ended, in whatever way; closing it is a way to give up
/// ([`Fault::Cancelled`]). What is awaited and for how long is also written, with the URL alone on its line.
///
/// A user code is shown in writing, and no window opens for it: it is for those whose browser is elsewhere, and nothing
/// would tell the window when to close.
///
/// # What the page can do
///
/// What a page in a browser can, and less: pages come over https with certificates that the system trusts (or over http
/// from this machine), nothing is downloaded, no camera, microphone or position is given away. What a page opens in a new
/// window comes in the same one. No script is put into it, it has no way to call this program, and its developer
/// tools are off. Cookies last as long as the window, or live in [`Builder::data_folder`]. Security keys and passkeys do not
/// work in WebKitGTK.
///
/// The program that embeds the window could look at what is typed into it, as any program with a view of its own: the
/// reason to prefer the system's browser where its redirect is registered (RFC 8252 8.12).
pub struct WebviewBrowser {
    redirect_uri: String,
    redirect_url: Arc<Url>,
    data_folder: Option<PathBuf>,
    writer: Mutex<Box<dyn Write + Send>>,
    desk: Arc<Desk>,
}

impl WebviewBrowser {
    /// With settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_builder(builder: Builder, redirect_url: Url) -> Self {
        Self {
            redirect_uri: builder.redirect_uri,
            redirect_url: Arc::new(redirect_url),
            data_folder: builder.data_folder,
            writer: Mutex::new(builder.writer),
            desk: Arc::default(),
        }
    }

    /// What ends a wait from another thread.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(&self.desk)
    }

    fn sign_in(&self, url: &str, expires_in: Duration) -> Result<(), AdapterError> {
        let refused = |sentence| Err(AdapterError::new(Fault::Other, sentence));
        // Shown as it is, so one that a terminal would obey is refused.
        let is_plain = url.chars().all(|c| c.is_ascii_graphic());
        let Some(parsed) = Url::parse(url).ok().filter(|parsed| is_plain && is_web_page(parsed)) else {
            return refused("the sign-in URL is not one that a window should open");
        };
        let Some((_, state)) = parsed.query_pairs().find(|(name, _)| name == "state") else {
            return refused("the sign-in URL has no state, by which its answer would be known");
        };
        let Some(number) = self.desk.show(&state) else {
            return refused("nobody awaits this sign-in any more");
        };
        // With a window before them the user needs no words: those are for the log, and for who looks for the window.
        let time = span(expires_in);
        let _ = self.write(&format!(
            "Waiting up to {time} for you to sign in in the window that opens; closing it gives up. It shows this page:\n{url}\n"
        ));
        screen::order(Order::Open(Opening {
            number,
            url: url.to_owned(),
            redirect_uri: Arc::clone(&self.redirect_url),
            data_folder: self.data_folder.clone(),
            desk: Arc::clone(&self.desk),
        }))
    }

    /// In one piece, so that lines of several sign-ins do not mix.
    fn write(&self, text: &str) -> Result<(), AdapterError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
        written.map_err(|error: io::Error| AdapterError::io("telling the user where to sign in", error))
    }
}

impl Browser for WebviewBrowser {
    /// Starts the thread of the windows, where it does not run yet.
    ///
    /// Without a screen, or without the query mode, it answers [`Fault::NotFound`], and says what to do instead.
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        if !query.response_modes.contains(&ResponseMode::Query) {
            return Err(AdapterError::new(
                Fault::NotFound,
                "the authority does not put the answer into the address, where a window could take it from: sign in with \
                 the system browser or with a user code",
            ));
        }
        screen::start()?;
        let listening = Listening { redirect_uri: self.redirect_uri.clone(), response_mode: ResponseMode::Query };
        Ok(Box::new(WindowListener::new(listening, Arc::clone(&self.desk))))
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        match prompt {
            Prompt::SignIn { url, expires_in } => self.sign_in(url, *expires_in),
            Prompt::UserCode { code, verification_uri, verification_uri_complete, message, expires_in } => {
                let complete = verification_uri_complete.as_deref();
                self.write(&user_code(code, verification_uri, complete, message.as_deref(), *expires_in))
            }
            Prompt::OtherSignIn { expires_in } => self.write(&other_sign_in(*expires_in)),
            _ => Err(AdapterError::new(Fault::NotFound, "this browser does not know how to show that")),
        }
    }
}

impl fmt::Debug for WebviewBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebviewBrowser")
            .field("redirect_uri", &self.redirect_uri)
            .field("data_folder", &self.data_folder)
            .finish_non_exhaustive()
    }
}
