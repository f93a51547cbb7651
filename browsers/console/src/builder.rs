//! The settings of a [`ConsoleBrowser`].

use std::fmt;
use std::io::{self, Read, Write};

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use url::Url;

use crate::{ConsoleBrowser, NATIVE_CLIENT};

/// Settings of a [`ConsoleBrowser`], made by [`ConsoleBrowser::builder`].
#[must_use = "settings do nothing before `build`"]
pub struct Builder {
    pub(crate) redirect_uri: String,
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) writer: Box<dyn Write + Send>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { redirect_uri: NATIVE_CLIENT.to_owned(), reader: Box::new(io::stdin()), writer: Box::new(io::stderr()) }
    }

    /// The redirect URI as it is registered; [`NATIVE_CLIENT`] by default. Other clouds have that page at
    /// their own sign-in host.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = uri.into();
        self
    }

    /// Where lines come from; standard input by default.
    ///
    /// It is read byte by byte, and never beyond the line that was needed, so that what follows is still
    /// there for others. Give something buffered.
    pub fn reader(mut self, reader: impl Read + Send + 'static) -> Self {
        self.reader = Box::new(reader);
        self
    }

    /// Where the user reads what to do; standard error by default.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Box::new(writer);
        self
    }

    /// Puts the browser together.
    ///
    /// # Errors
    ///
    /// A redirect URI that is no URL, or that has a query or a fragment.
    pub fn build(self) -> Result<ConsoleBrowser, AdapterError> {
        match Url::parse(&self.redirect_uri) {
            Ok(url) if url.query().is_none() && url.fragment().is_none() => {
                Ok(ConsoleBrowser::from_builder(self, Some(url)))
            }
            _ => Err(AdapterError::new(Fault::Other, format!("{:?} cannot be a redirect URI", self.redirect_uri))),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}
