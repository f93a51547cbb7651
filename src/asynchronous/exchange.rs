//! Taking tokens over from another cache, and handing them out.

use entrada_core::{Error, Flow, Warning};

use super::client::AsyncClient;
use crate::exchange::{exported, foreign};
use crate::outcome;

impl AsyncClient {
    /// Takes over what another cache holds; see [`Client::import`](crate::Client::import).
    pub async fn import(&self, bytes: &[u8]) -> Result<(usize, Vec<Warning>), Error> {
        outcome::imported(self.run(Flow::import(self.app(), foreign(bytes)?)).await?)
    }

    /// This client's part of the cache; see [`Client::export`](crate::Client::export).
    pub async fn export(&self) -> Result<Vec<u8>, Error> {
        exported(self.app(), self.cache.load().await, &self.cache.location())
    }
}
