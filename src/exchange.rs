//! Taking tokens over from another cache, and handing them out.

use entrada_core::cache::TokenCache;
use entrada_core::ports::AdapterError;
use entrada_core::{Error, Fault, Flow, Outcome, Port, Warning};

use crate::client::Client;

impl Client {
    /// Takes over what another cache holds, of whatever clients: JSON in UTF-8 as Microsoft's libraries
    /// serialise it, or as [`export`](Client::export) gives it. Returns how many entries are new or changed by it.
    ///
    /// What the cache has and is newer stays; see [`TokenCache::absorb`]. It is done under the cache's lock, so
    /// that nothing is lost of what others write meanwhile. Bytes that are no cache are refused with
    /// [`Error::Config`], and change nothing.
    pub fn import(&self, bytes: &[u8]) -> Result<(usize, Vec<Warning>), Error> {
        let other = TokenCache::parse(bytes).map_err(|unreadable| {
            Error::Config(format!(
                "nothing was imported: {unreadable}; it should be the JSON that one of Microsoft's libraries \
                 serialises its cache to, decrypted if it was encrypted"
            ))
        })?;
        match self.run(Flow::import(self.app(), other))? {
            Outcome::Imported { entries, warnings } => Ok((entries, warnings)),
            _ => Err(Error::Misuse("a flow for an import ended with something else")),
        }
    }

    /// This client's part of the cache, for another library or another place: JSON in UTF-8 as Microsoft's libraries
    /// read it. It holds secrets: keep it for its user alone.
    ///
    /// It has the tokens at this authority, their accounts and the client's metadata, and nothing of other clients.
    pub fn export(&self) -> Result<Vec<u8>, Error> {
        let failed = |error| Error::from_adapter(Port::Cache, error);
        let bytes = self.cache.load().map_err(failed)?.unwrap_or_default();
        let cache = TokenCache::from_bytes(bytes).map_err(|_| {
            let text = format!("{} holds something that is not a token cache", self.cache.location());
            failed(AdapterError::new(Fault::Corrupt, text))
        })?;
        Ok(cache.extract(self.app()).to_bytes())
    }
}
