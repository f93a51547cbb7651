//! How to sign in: the browser where one can be opened, else a user code, else a pasted redirect.

use entrada::console_browser::{ConsoleBrowser, NATIVE_CLIENT};
use entrada::ports::AdapterError;
use entrada::system_browser::SystemBrowser;
use entrada::{Authority, Client, Cloud, Error, SignIn, Token, TokenRequest};

use crate::args::{Flow, Store};
use crate::keys::{Key, WithKeys};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::store;

/// The user's choice of flow, and how to speak meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct SignInChoice {
    flow: Flow,
    no_browser: bool,
    /// The store was chosen for the user, who is to know.
    tells_store: bool,
    sign_in: SignIn,
    notice: Notice,
}

impl SignInChoice {
    pub(crate) fn new(settings: &Settings, sign_in: SignIn, notice: Notice) -> Self {
        let tells_store = settings.store == Store::Auto && settings.cache.is_none();
        Self { flow: settings.flow, no_browser: settings.no_browser, tells_store, sign_in, notice }
    }

    /// Signs the user in.
    pub(crate) fn sign_in(&self, client: &Client, request: &TokenRequest) -> Result<Token, Error> {
        let token = self.sign_in_by_flow(client, request)?;
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
        match (client.with_browser(browser).sign_in(request, &self.sign_in), chosen()) {
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
        client.with_browser(ConsoleBrowser::user_code_only()).sign_in_by_code(request, &self.sign_in)
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
        client.with_browser(console).sign_in(request, &self.sign_in)
    }

    fn browser(&self) -> Result<SystemBrowser, Error> {
        SystemBrowser::builder().open_browser(!self.no_browser).build().map_err(config)
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
