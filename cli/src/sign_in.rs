//! How to sign in: the browser where one can be opened, else a user code, else a pasted redirect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entrada::console_browser::{ConsoleBrowser, NATIVE_CLIENT};
use entrada::ports::AdapterError;
use entrada::ports::blocking::{Browser, Listener};
use entrada::system_browser::SystemBrowser;
use entrada::{Authority, Client, Cloud, Error, Listen, Prompt, SignIn, Token, TokenRequest};

use crate::args::{Flow, Store};
use crate::keys::{Key, WithKeys};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::store;

/// The user has signed in, or was about to, and in vain.
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// Whether a sign-in has failed that the user has seen, for a reason that passes: what is tried again by itself is not to
/// ask them a second time.
pub(crate) fn was_in_vain() -> bool {
    IN_VAIN.load(Ordering::Relaxed)
}

/// The user's choice of flow, and how to speak meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct SignInChoice {
    flow: Flow,
    no_browser: bool,
    /// The store was chosen for the user, who is to know.
    tells_store: bool,
    sign_in: SignIn,
    notice: Notice,
    /// The user has been shown a page, or a code.
    is_shown: Arc<AtomicBool>,
}

impl SignInChoice {
    pub(crate) fn new(settings: &Settings, sign_in: SignIn, notice: Notice) -> Self {
        let tells_store = settings.store == Store::Auto && settings.cache.is_none();
        let (flow, no_browser) = (settings.flow, settings.no_browser);
        Self { flow, no_browser, tells_store, sign_in, notice, is_shown: Arc::default() }
    }

    /// Signs the user in.
    pub(crate) fn sign_in(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        self.is_shown.store(false, Ordering::Relaxed);
        let token = self.sign_in_by_flow(client, request).inspect_err(|error| {
            if error.is_transient() && self.is_shown.load(Ordering::Relaxed) {
                IN_VAIN.store(true, Ordering::Relaxed);
            }
        })?;
        if self.tells_store {
            store::tell(client, self.notice);
        }
        Ok(token)
    }

    fn sign_in_by_flow(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        match self.flow {
            Flow::Browser => self.by_browser(client, request),
            Flow::Device => self.by_code(client, request),
            Flow::Paste => self.by_paste(client, request),
            Flow::Auto if self.browser()?.can_open() => self.by_browser(client, request),
            Flow::Auto => self.without_browser(client, request),
        }
    }

    /// No browser can be opened here: a user code works from any device, where the tenant allows it.
    fn without_browser(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        let refused = match self.by_code(client, request) {
            Err(error @ (Error::Config(_) | Error::Server(_))) if !error.is_transient() && !is_declined(&error) => {
                error
            }
            other => return other,
        };
        self.notice.warn(&format!("no sign-in by user code: {refused}"));
        self.by_paste(client, request)
    }

    fn by_browser(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        let browser = WithKeys::new(self.browser()?, self.notice);
        let chosen = browser.chosen();
        match (self.with(browser, client).sign_in(request, &self.sign_in), chosen()) {
            (Err(Error::Cancelled), Some(Key::Device)) => self.asked().by_code(client, request),
            (Err(Error::Cancelled), Some(Key::Paste)) => self.asked().by_paste(client, request),
            (result, _) => result,
        }
    }

    /// The same for a user who has asked for it, by a key.
    fn asked(&self) -> Self {
        Self { sign_in: self.sign_in.clone().unasked(false), ..self.clone() }
    }

    fn by_code(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        self.with(ConsoleBrowser::user_code_only(), client).sign_in_by_code(request, &self.sign_in)
    }

    fn by_paste(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        let console = match client.app().authority().issuer() {
            // Nobody listens there, so that the browser stops on an address that can be copied.
            Some(_) => ConsoleBrowser::builder().redirect_uri("http://localhost").build().map_err(config)?,
            None => ConsoleBrowser::builder()
                .redirect_uri(native_client(client.app().authority()))
                .build()
                .map_err(config)?,
        };
        self.with(console, client).sign_in(request, &self.sign_in)
    }

    fn with(&self, browser: impl Browser + 'static, client: &Client) -> Client {
        client.with_browser(Seen { browser, is_shown: Arc::clone(&self.is_shown) })
    }

    fn browser(&self) -> Result<SystemBrowser, Error> {
        SystemBrowser::builder().open_browser(!self.no_browser).build().map_err(config)
    }
}

/// A browser that takes note of what it shows.
struct Seen<B> {
    browser: B,
    is_shown: Arc<AtomicBool>,
}

impl<B: Browser> Browser for Seen<B> {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.browser.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        self.is_shown.store(true, Ordering::Relaxed);
        self.browser.present(prompt)
    }
}

/// Microsoft's page for native clients, which each cloud has at its own sign-in host; the public one for
/// hosts that are not Microsoft's.
pub(crate) fn native_client(authority: &Authority) -> String {
    let clouds = [Cloud::UsGov, Cloud::China];
    let host = clouds.map(Cloud::login_host).into_iter().find(|host| authority.environment() == *host);
    match host {
        Some(host) => format!("https://{host}/common/oauth2/nativeclient"),
        None => NATIVE_CLIENT.to_owned(),
    }
}

fn config(error: AdapterError) -> Error {
    Error::Config(error.to_string())
}

/// Whether the user said no: then another flow would only ask again.
fn is_declined(error: &Error) -> bool {
    error.server().is_some_and(|server| matches!(server.error.as_str(), "access_denied" | "authorization_declined"))
}
