//! The settings of a [`SystemBrowser`].

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};

use entrada_core::ports::AdapterError;

use crate::loopback::RedirectUri;
use crate::page::Pages;
use crate::{Environment, SystemBrowser};

/// Settings of a [`SystemBrowser`], made by [`SystemBrowser::builder`].
///
/// ```
/// use entrada_browser_system::SystemBrowser;
///
/// // In a container that publishes port 8400 of the same number, with the URL shown and not opened.
/// let browser = SystemBrowser::builder()
///     .redirect_uri("http://localhost:8400")
///     .bind_address([0, 0, 0, 0])
///     .open_browser(false)
///     .build()?;
/// # Ok::<(), entrada_core::ports::AdapterError>(())
/// ```
#[must_use = "settings do nothing before `build`"]
pub struct Builder {
    pub(crate) redirect_uri: String,
    pub(crate) bind_address: IpAddr,
    pub(crate) open_browser: bool,
    pub(crate) environment: Option<Environment>,
    pub(crate) writer: Box<dyn Write + Send>,
    pub(crate) pages: Pages,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            redirect_uri: "http://localhost".to_owned(),
            bind_address: Ipv4Addr::LOCALHOST.into(),
            open_browser: true,
            environment: None,
            writer: Box::new(io::stderr()),
            pages: Pages::default(),
        }
    }

    /// The redirect URI as it is registered: `http://localhost` (the default) or `http://127.0.0.1`, with
    /// a path if it has one.
    ///
    /// Without a port a free one is taken and added, as Entra ignores it when it compares (RFC 8252 7.3).
    /// With a port that one is bound, or listening fails: for authorities that compare it, and for
    /// containers that publish it.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = uri.into();
        self
    }

    /// Where to listen; 127.0.0.1 by default.
    ///
    /// Only a container that publishes the port needs more, usually 0.0.0.0; then others in its network
    /// can connect, and are told apart by the state alone.
    pub fn bind_address(mut self, ip: impl Into<IpAddr>) -> Self {
        self.bind_address = ip.into();
        self
    }

    /// Whether a browser is opened (the default), or the URL only shown.
    pub fn open_browser(mut self, open: bool) -> Self {
        self.open_browser = open;
        self
    }

    /// What decides how a browser is opened; [`Environment::current`] by default.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Where the user reads what to do; standard error by default.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Box::new(writer);
        self
    }

    /// What the user signs in to, for the page at the end.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.pages.app_name = Some(name.into());
        self
    }

    /// A page of your own after a success: HTML, which may have inline styles and nothing else.
    pub fn success_page(mut self, html: impl Into<String>) -> Self {
        self.pages.success = Some(html.into());
        self
    }

    /// A page of your own after a failure. `{error}` and `{description}` are filled with what the
    /// authority sent, escaped for HTML text and for quoted attributes.
    pub fn failure_page(mut self, html: impl Into<String>) -> Self {
        self.pages.failure = Some(html.into());
        self
    }

    /// Puts the browser together.
    ///
    /// # Errors
    ///
    /// A redirect URI that is not `http://localhost` or `http://127.0.0.1` with at most a port and a path.
    pub fn build(self) -> Result<SystemBrowser, AdapterError> {
        let redirect_uri = RedirectUri::parse(&self.redirect_uri)?;
        Ok(SystemBrowser::from_builder(self, redirect_uri))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("redirect_uri", &self.redirect_uri)
            .field("bind_address", &self.bind_address)
            .field("open_browser", &self.open_browser)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
