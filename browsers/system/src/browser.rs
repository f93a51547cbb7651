//! The adapter: shows the sign-in, and listens for its end.

use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Browser, Listener};
use entrada_core::words::{other_sign_in, span, user_code};
use entrada_core::{Fault, Listen, Prompt};
use url::Url;

use crate::launch::{Plan, advice, plan, start};
use crate::loopback::{Loopback, RedirectUri};
use crate::page::Pages;
use crate::{Builder, Canceller, Environment};

/// The user's own browser, with a redirect to a port of this machine.
///
/// Several sign-ins may be under way at the same time, each with its own port.
///
/// # What the user sees
///
/// The URL is always written, alone on its line, whether a browser opens or not; a line before says what
/// is awaited and for how long. The browser is `$BROWSER` where it is set, or else the system's; none is
/// started in an SSH session, under sudo, in a container without a screen, or where there is no screen at all, and it is
/// said why and what else will do. No shell is involved, and the browser lives on when this program ends.
///
/// A user code is shown, and no page opened: it is for those whose browser is elsewhere, and whoever types the code
/// has looked at the address and at what they confirm (RFC 8628 5.4).
///
/// # What is answered
///
/// Both a form (`response_mode=form_post`) and a query count, whichever was asked for, as long as the
/// `Host` is ours, the path is that of the redirect URI, and there is exactly one `state`, the right one.
/// Everything else is answered without ending the wait: favicons, connections opened ahead of need,
/// preflights, answers of older sign-ins, requests too large or too slow. With a query the code stays in
/// the browser's history, but it is spent within the second and of no use without this flow's verifier
/// (RFC 7636).
pub struct SystemBrowser {
    redirect_uri: RedirectUri,
    bind_address: IpAddr,
    open_browser: bool,
    environment: Environment,
    writer: Arc<Mutex<dyn Write + Send>>,
    pages: Pages,
    canceller: Canceller,
}

impl SystemBrowser {
    /// With `http://localhost` and a free port, writing to standard error.
    pub fn new() -> Self {
        Self::from_builder(Builder::new(), RedirectUri::default())
    }

    /// With settings.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_builder(builder: Builder, redirect_uri: RedirectUri) -> Self {
        Self {
            redirect_uri,
            bind_address: builder.bind_address,
            open_browser: builder.open_browser,
            environment: builder.environment.unwrap_or_else(Environment::current),
            writer: Arc::new(Mutex::new(builder.writer)),
            pages: builder.pages,
            canceller: Canceller::default(),
        }
    }

    /// What ends a wait from another thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Whether a browser would be started here. Where not, a user code serves the user better, as
    /// this way needs a browser on this very machine.
    pub fn can_open(&self) -> bool {
        self.open_browser && matches!(plan(&self.environment, "about:blank"), Plan::Start(_))
    }

    fn sign_in(&self, url: &str, expires_in: Duration) -> Result<(), AdapterError> {
        let parsed = checked(url)?;
        let plan = if self.open_browser { Some(plan(&self.environment, url)) } else { None };
        let time = span(expires_in);
        let mut text = match &plan {
            Some(Plan::Start(_)) => {
                format!("Waiting up to {time} for you to sign in in the browser. If none opens, open this:\n{url}\n")
            }
            _ => format!("Waiting up to {time} for you to sign in. Open this in a browser on this machine:\n{url}\n"),
        };
        if let Some(Plan::Nothing(why)) = &plan {
            text.push_str(&format!("{why}. "));
        }
        if let Some(advice) = advice(&self.environment, plan.as_ref(), redirect_port(&parsed)) {
            text.push_str(&format!("{advice}\n"));
        }
        let written = self.write(&text);
        if let Some(Plan::Start(commands)) = plan {
            let writer = Arc::clone(&self.writer);
            start(commands, move |why| {
                let _ = write_to(&writer, &format!("No browser could be started ({why}). Open the URL yourself.\n"));
            });
            // The user has a browser before them, even if they cannot read what is written here.
            return Ok(());
        }
        written
    }

    fn write(&self, text: &str) -> Result<(), AdapterError> {
        write_to(&self.writer, text).map_err(|error| AdapterError::io("telling the user where to sign in", error))
    }
}

impl Browser for SystemBrowser {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        let Some(&mode) = query.response_modes.first() else {
            return Err(AdapterError::new(Fault::NotFound, "the authority offers no way to send the answer back"));
        };
        let pages = self.pages.clone();
        Ok(Box::new(Loopback::bind(self.bind_address, &self.redirect_uri, mode, pages, &self.canceller)?))
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

impl Default for SystemBrowser {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemBrowser")
            .field("redirect_uri", &self.redirect_uri)
            .field("bind_address", &self.bind_address)
            .field("open_browser", &self.open_browser)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// In one piece, so that lines of several sign-ins do not mix.
fn write_to(writer: &Mutex<dyn Write + Send>, text: &str) -> io::Result<()> {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    writer.write_all(text.as_bytes())?;
    writer.flush()
}

/// A command gets the URL as one word: it must be a web page's, and nothing that could be taken for more.
fn checked(url: &str) -> Result<Url, AdapterError> {
    let is_plain = url.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\`".contains(c));
    Url::parse(url)
        .ok()
        .filter(|parsed| is_plain && matches!(parsed.scheme(), "http" | "https"))
        .ok_or_else(|| AdapterError::new(Fault::Other, "the sign-in URL is not one that a browser should open"))
}

/// The port that the sign-in will end at.
fn redirect_port(url: &Url) -> Option<u16> {
    let (_, redirect_uri) = url.query_pairs().find(|(name, _)| name == "redirect_uri")?;
    Url::parse(&redirect_uri).ok()?.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_of_a_page_is_opened() {
        assert!(checked("https://login.example/authorize?a=b&c=%22#d").is_ok());
        for wrong in [
            "",
            "-x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://a/\n",
            "https://a/ b",
            "https://a/\"b",
            "https://ä",
        ] {
            assert!(checked(wrong).is_err(), "{wrong:?}");
        }
    }
}
