//! The adapter: shows where to sign in, and asks for what comes of it.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Browser, Listener};
use entrada_core::protocol::ResponseMode;
use entrada_core::words::{clean, other_sign_in, span, user_code};
use entrada_core::{Fault, Listen, Listening, Prompt};
use url::Url;

use crate::lines::Lines;
use crate::listener::Paste;
use crate::{Builder, Canceller};

/// The page that Microsoft offers as redirect URI to native clients in the public cloud.
pub const NATIVE_CLIENT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";

/// A terminal in place of a browser.
///
/// # Limits
///
/// A line may have 64 KiB, but a terminal in its usual mode hands over less: 4095 characters on Linux
/// and 1023 on macOS, where a redirect with a long code is better pasted as the code alone, or through
/// a pipe (`pbpaste | ...`).
///
/// Reading cannot be interrupted: after a time-out or a cancellation one thread goes on waiting for its
/// line. The next sign-in takes that line; without one it is dropped.
pub struct ConsoleBrowser {
    /// `None` where only user codes are shown.
    redirect_uri: Option<(String, Url)>,
    screen: Screen,
    lines: Arc<Lines>,
}

impl ConsoleBrowser {
    /// With settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// With [`NATIVE_CLIENT`], standard input and standard error.
    pub fn new() -> Self {
        Self::from_builder(Builder::new(), Url::parse(NATIVE_CLIENT).ok())
    }

    /// Only shows user codes, on standard error, and never reads; listening answers [`Fault::NotFound`].
    pub fn user_code_only() -> Self {
        Self::user_code_only_to(io::stderr())
    }

    /// The same with another writer.
    pub fn user_code_only_to(writer: impl Write + Send + 'static) -> Self {
        Self::from_builder(Self::builder().reader(io::empty()).writer(writer), None)
    }

    pub(crate) fn from_builder(builder: Builder, url: Option<Url>) -> Self {
        Self {
            redirect_uri: url.map(|url| (builder.redirect_uri, url)),
            screen: Screen(Arc::new(Mutex::new(builder.writer))),
            lines: Arc::new(Lines::new(builder.reader)),
        }
    }

    /// What ends a wait from another thread.
    pub fn canceller(&self) -> Canceller {
        self.lines.canceller()
    }

    fn sign_in(&self, url: &str, expires_in: Duration) -> Result<(), AdapterError> {
        let refused = |sentence| Err(AdapterError::new(Fault::NotFound, sentence));
        let Some((redirect_uri, parsed)) = &self.redirect_uri else {
            return refused("only user codes are shown here");
        };
        // Shown as it is: a changed one would not work, so one that a terminal would obey is refused.
        if !url.chars().all(|c| c.is_ascii_graphic()) {
            return Err(AdapterError::new(Fault::Other, "the sign-in URL has characters that a URL cannot have"));
        }
        let time = span(expires_in);
        let place = clean(redirect_uri);
        let mut text = format!(
            "Waiting up to {time} for you to sign in. Open this in a browser, on any machine:\n{url}\n\
             At the end the browser goes to an address that begins with {place}\n"
        );
        if is_microsofts(parsed) {
            text.push_str(
                "COPY THAT WHOLE ADDRESS AT ONCE: within about a second the page warns of phishing and jumps to\n\
                 .../common/wrongplace, and the code is gone from the address. Press Esc to stop it, or if it was too\n\
                 fast, open the URL above again. The warning is expected here; give the address to nobody else.\n",
            );
        } else {
            text.push_str("Copy that whole address, and give it to nobody else.\n");
        }
        text.push_str("Paste it here, or only the value of `code` in it, then press Enter:\n");
        self.screen.show(&text)
    }
}

impl Browser for ConsoleBrowser {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        let refused = |sentence| Err(AdapterError::new(Fault::NotFound, sentence));
        let Some((redirect_uri, url)) = &self.redirect_uri else {
            return refused("only user codes are shown here, and no redirect can be received");
        };
        if !query.response_modes.contains(&ResponseMode::Query) {
            return refused(
                "the authority does not put the answer into the address, so there is nothing to paste: \
                 sign in with the system browser or with a device code",
            );
        }
        let listening = Listening { redirect_uri: redirect_uri.clone(), response_mode: ResponseMode::Query };
        Ok(Box::new(Paste::new(listening, url.clone(), self.screen.clone(), Arc::clone(&self.lines))))
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        match prompt {
            Prompt::SignIn { url, expires_in } => self.sign_in(url, *expires_in),
            Prompt::UserCode { code, verification_uri, verification_uri_complete, message, expires_in } => {
                let complete = verification_uri_complete.as_deref();
                self.screen.show(&user_code(code, verification_uri, complete, message.as_deref(), *expires_in))
            }
            Prompt::OtherSignIn { expires_in } => self.screen.show(&other_sign_in(*expires_in)),
            _ => Err(AdapterError::new(Fault::NotFound, "this terminal does not know how to show that")),
        }
    }
}

impl Default for ConsoleBrowser {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConsoleBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redirect_uri = self.redirect_uri.as_ref().map(|(text, _)| text);
        f.debug_struct("ConsoleBrowser").field("redirect_uri", &redirect_uri).finish_non_exhaustive()
    }
}

/// The page of any of Microsoft's clouds: it is the path that jumps away.
fn is_microsofts(url: &Url) -> bool {
    url.path() == "/common/oauth2/nativeclient"
}

/// Where the user reads.
#[derive(Clone)]
pub(crate) struct Screen(Arc<Mutex<dyn Write + Send>>);

impl Screen {
    pub(crate) fn show(&self, text: &str) -> Result<(), AdapterError> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
        written.map_err(|error| AdapterError::io("telling the user where to sign in", error))
    }
}
