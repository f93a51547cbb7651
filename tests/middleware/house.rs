//! A stage and a client on tokio, signed in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use entrada::ports::AdapterError;
use entrada::ports::asynchronous::{Clock, OnThread, Runtime};
use entrada::ports::blocking::{Browser, Listener};
use entrada::reqwest::{ReqwestTransport, Tokio};
use entrada::{AsyncClient, AsyncTokens, Authority, Listen, Prompt, TokenRequest, UnixTime};
use entrada_authority::{Endpoint, Stage};
use entrada_browser_system::SystemBrowser;
use entrada_cache_memory::MemoryCache;
use futures::future::BoxFuture;
use serde_json::json;

/// The system browser's listener, with the stage's own visitor for a user.
struct Visiting(Arc<Stage>, SystemBrowser);

impl Browser for Visiting {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.1.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        let Prompt::SignIn { url, .. } = prompt else { panic!("{prompt:?}") };
        let (stage, url) = (Arc::clone(&self.0), url.clone());
        std::thread::spawn(move || stage.visitor().visit(&url));
        Ok(())
    }
}

/// tokio with the stage's time.
struct StageRuntime(Arc<Stage>);

#[async_trait::async_trait]
impl Clock for StageRuntime {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.now())
    }

    async fn sleep(&self, duration: Duration) {
        Tokio.sleep(duration).await;
    }
}

impl Runtime for StageRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        Tokio.spawn(task);
    }
}

pub(crate) struct House {
    pub(crate) stage: Arc<Stage>,
    pub(crate) client: AsyncClient,
}

impl House {
    pub(crate) fn open() -> Self {
        let stage = Arc::new(Stage::start().unwrap());
        let listener = SystemBrowser::builder().open_browser(false).writer(io::sink()).build().unwrap();
        let client = AsyncClient::builder(stage.client_id())
            .authority(Authority::entra(&stage.authority_url()).unwrap())
            .transport(ReqwestTransport::builder().proxy_from_env(false).build().unwrap())
            .runtime(StageRuntime(Arc::clone(&stage)))
            .cache(OnThread::looking_at_once(MemoryCache::new()))
            .blocking_browser(Visiting(Arc::clone(&stage), listener))
            .build()
            .unwrap();
        Self { stage, client }
    }

    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.stage.external_url())
    }

    /// The app itself, without the proxy: another origin.
    pub(crate) fn elsewhere(&self, path: &str) -> String {
        format!("{}{path}", self.stage.internal_url())
    }

    pub(crate) fn tokens(&self) -> AsyncTokens {
        self.tokens_for(self.stage.scope())
    }

    pub(crate) fn tokens_for(&self, scope: String) -> AsyncTokens {
        self.client.tokens(&TokenRequest::new([scope]).unwrap())
    }

    pub(crate) fn demand_claims(&self) {
        self.stage.demand_claims(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.stage.count(Endpoint::Token, "refresh_token")
    }

    /// How many requests the proxy has seen.
    pub(crate) fn asked(&self) -> usize {
        self.stage.requests_at(Endpoint::Proxy).len()
    }
}
