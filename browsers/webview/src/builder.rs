//! The settings of a [`WebviewBrowser`].

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use url::Url;

use crate::{NATIVE_CLIENT, WebviewBrowser};

/// Settings of a [`WebviewBrowser`], made by [`WebviewBrowser::builder`].
///
/// ```
/// use entrada_browser_webview::WebviewBrowser;
///
/// // The cloud of the US government, with cookies that the next sign-in finds again.
/// let browser = WebviewBrowser::builder()
///     .redirect_uri("https://login.microsoftonline.us/common/oauth2/nativeclient")
///     .data_folder("/home/maria/.local/share/contoso/webview")
///     .build()?;
/// # Ok::<(), entrada_core::ports::AdapterError>(())
/// ```
#[must_use = "settings do nothing before `build`"]
pub struct Builder {
    pub(crate) redirect_uri: String,
    pub(crate) data_folder: Option<PathBuf>,
    pub(crate) writer: Box<dyn Write + Send>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { redirect_uri: NATIVE_CLIENT.to_owned(), data_folder: None, writer: Box::new(io::stderr()) }
    }

    /// The redirect URI as it is registered; [`NATIVE_CLIENT`] by default.
    ///
    /// Other clouds have that page at their own sign-in host; an AD FS or another authority takes any URI that is not
    /// needed otherwise, also one with a scheme of its own such as `msal{client id}://auth`.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = uri.into();
        self
    }

    /// Where cookies and the like live on, so that the next sign-in finds the user's session; by default all is
    /// forgotten with the window.
    ///
    /// Whoever reads this folder has the user's session: give one that belongs to the user alone. On macOS the folder's name
    /// does not count, as the system keeps the data of a program in a place of its own.
    pub fn data_folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_folder = Some(path.into());
        self
    }

    /// Where the user reads what to do; standard error by default.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Box::new(writer);
        self
    }

    /// Puts the browser together. No window opens, and no thread starts.
    ///
    /// # Errors
    ///
    /// A redirect URI that is no URL, or that has a query, a fragment or credentials, or plain http to another machine.
    pub fn build(self) -> Result<WebviewBrowser, AdapterError> {
        let is_usable = |url: &Url| {
            url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && (url.scheme() != "http" || crate::navigation::is_web_page(url))
                && !url.cannot_be_a_base()
        };
        match Url::parse(&self.redirect_uri).ok().filter(is_usable) {
            Some(url) => Ok(WebviewBrowser::from_builder(self, url)),
            None => Err(AdapterError::new(Fault::Other, format!("{:?} cannot be a redirect URI", self.redirect_uri))),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("redirect_uri", &self.redirect_uri)
            .field("data_folder", &self.data_folder)
            .finish_non_exhaustive()
    }
}
