//! Taking tokens over from another cache, and handing them out.

use entrada_core::cache::TokenCache;
use entrada_core::ports::AdapterError;
use entrada_core::{App, Error, Fault, Flow, Port, Warning};

use crate::client::Client;
use crate::outcome;

impl Client {
    /// Takes over what another cache holds, of whatever clients: JSON in UTF-8 as Microsoft's libraries
    /// serialise it, or as [`export`](Client::export) gives it. Returns how many entries are new or changed by it.
    ///
    /// What the cache has and is newer stays; see [`TokenCache::absorb`]. It is done under the cache's lock, so
    /// that nothing is lost of what others write meanwhile. Bytes that are no cache are refused with
    /// [`Error::Config`], and change nothing.
    pub fn import(&self, bytes: &[u8]) -> Result<(usize, Vec<Warning>), Error> {
        outcome::imported(self.run(Flow::import(self.app(), foreign(bytes)?))?)
    }

    /// This client's part of the cache, for another library or another place: JSON in UTF-8 as Microsoft's libraries
    /// read it. It holds secrets: keep it for its user alone.
    ///
    /// It has the tokens at this authority, their accounts and the client's metadata, and nothing of other clients.
    pub fn export(&self) -> Result<Vec<u8>, Error> {
        exported(self.app(), self.cache.load(), &self.cache.location())
    }
}

/// What is to be imported.
pub(crate) fn foreign(bytes: &[u8]) -> Result<TokenCache, Error> {
    TokenCache::parse(bytes).map_err(|unreadable| {
        Error::Config(format!(
            "nothing was imported: {unreadable}; it should be the JSON that one of Microsoft's libraries serialises \
             its cache to, decrypted if it was encrypted"
        ))
    })
}

/// The app's part of what was loaded.
pub(crate) fn exported(
    app: &App,
    loaded: Result<Option<Vec<u8>>, AdapterError>,
    location: &str,
) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::from_adapter(Port::Cache, error);
    let cache = TokenCache::from_bytes(loaded.map_err(failed)?.unwrap_or_default()).map_err(|_| {
        failed(AdapterError::new(Fault::Corrupt, format!("{location} holds something that is not a token cache")))
    })?;
    Ok(cache.extract(app).to_bytes())
}
