//! The client as a source of tokens for middleware.

use async_trait::async_trait;
use entrada_core::ports::asynchronous::TokenProvider;
use entrada_core::{Error, Token, TokenRequest};

use super::client::AsyncClient;

/// Gives middleware the tokens of one request: from the cache, by a silent refresh, or by a sign-in; made by
/// [`AsyncClient::tokens`].
#[derive(Clone, Debug)]
pub struct AsyncTokens {
    client: AsyncClient,
    request: TokenRequest,
    is_silent: bool,
}

impl AsyncTokens {
    /// Without a sign-in: where one is needed, the call ends with [`Error::UiRequired`].
    pub fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }
}

impl AsyncClient {
    /// The tokens of this request, for middleware that puts them on requests to an app.
    pub fn tokens(&self, request: &TokenRequest) -> AsyncTokens {
        AsyncTokens { client: self.clone(), request: request.clone(), is_silent: false }
    }
}

#[async_trait]
impl TokenProvider for AsyncTokens {
    async fn token(&self, claims: Option<String>) -> Result<Token, Error> {
        let with_claims = claims.map(|claims| self.request.clone().claims(Some(claims)));
        let request = with_claims.as_ref().unwrap_or(&self.request);
        match self.is_silent {
            true => self.client.silent_for(request).await,
            false => self.client.token_for(request).await,
        }
    }
}
