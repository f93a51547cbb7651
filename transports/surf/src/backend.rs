//! What surf sends with: our own sockets, TLS and HTTP/1.1.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entrada_core::ports::asynchronous::Transport as _;
use entrada_dial::Settings;
use entrada_dial::asynchronous::Client;
use http_client::Config;
use surf::http::{Error, Request, Response, StatusCode};

use crate::engine::Http1;
use crate::message;
use crate::network::AsyncStdNetwork;

/// surf's backend. Clones share their connections.
pub(crate) struct Backend {
    client: Arc<Client<AsyncStdNetwork, Http1>>,
    config: Config,
}

impl From<Settings> for Backend {
    fn from(settings: Settings) -> Self {
        Self { client: Arc::new(settings.into()), config: Config::new() }
    }
}

#[async_trait]
impl surf::HttpClient for Backend {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (request, limit) =
            message::from_surf(request).map_err(|error| Error::new(StatusCode::BadRequest, error))?;
        let limit = limit.or(self.config.timeout).unwrap_or(Duration::MAX);
        match self.client.send(request, limit).await {
            Ok(answer) => Ok(message::answer_into_surf(answer)),
            Err(error) => Err(Error::new(StatusCode::BadGateway, error)),
        }
    }

    fn set_config(&mut self, config: Config) -> Result<(), Error> {
        self.config = config;
        Ok(())
    }

    fn config(&self) -> &Config {
        &self.config
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}
