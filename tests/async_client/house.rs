//! A client in front of a stage, on whatever runtime.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use entrada::ports::AdapterError;
use entrada::ports::asynchronous::{Body, Clock, OnThread, Runtime, Transport};
use entrada::ports::blocking::{Browser, Listener};
use entrada::{AsyncClient, AsyncClientBuilder, Authority, Listen, Prompt, TokenRequest, UnixTime};
use entrada_authority::{Stage, StageBuilder};
use entrada_browser_system::SystemBrowser;
use entrada_cache_memory::MemoryCache;
use futures::future::BoxFuture;

/// What the scenes are played on.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) block_on: fn(BoxFuture<'static, ()>),
    /// A transport that trusts this CA (PEM) as well.
    pub(crate) transport: fn(Option<&str>) -> Arc<dyn Transport>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Ground {
    /// Runs these at once, each in a task of its own, and returns what they come to.
    pub(crate) async fn tasks<R: Send + 'static>(&self, tasks: impl Iterator<Item = BoxFuture<'static, R>>) -> Vec<R> {
        let started: Vec<_> = tasks
            .map(|task| {
                let (sender, receiver) = futures::channel::oneshot::channel();
                self.runtime.spawn(Box::pin(async move { drop(sender.send(task.await)) }));
                receiver
            })
            .collect();
        let mut ended = Vec::new();
        for task in started {
            ended.push(task.await.unwrap());
        }
        ended
    }
}

/// The stage's time, and the runtime's patience.
struct StageClock(Arc<Stage>, Arc<dyn Runtime>);

#[async_trait::async_trait]
impl Clock for StageClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.now())
    }

    async fn sleep(&self, duration: Duration) {
        self.1.sleep(duration).await;
    }
}

/// The system browser's listener, with the stage's own visitor for a user.
pub(crate) struct Visiting(pub(crate) Arc<Stage>, pub(crate) SystemBrowser);

impl Visiting {
    pub(crate) fn new(stage: &Arc<Stage>) -> Self {
        Self(Arc::clone(stage), nobody())
    }
}

impl Browser for Visiting {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.1.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        let (stage, prompt) = (Arc::clone(&self.0), prompt.clone());
        std::thread::spawn(move || match prompt {
            Prompt::SignIn { url, .. } => stage.visitor().visit(&url),
            Prompt::UserCode { code, .. } => stage.visitor().enter_user_code(&code),
            other => panic!("an unknown prompt: {other:?}"),
        });
        Ok(())
    }
}

/// A listener on a port, and nobody who comes.
pub(crate) fn nobody() -> SystemBrowser {
    SystemBrowser::builder().open_browser(false).writer(io::sink()).build().unwrap()
}

pub(crate) struct House {
    pub(crate) stage: Arc<Stage>,
    pub(crate) client: AsyncClient,
}

impl House {
    pub(crate) fn open(ground: &Ground) -> Self {
        Self::with(ground, Stage::builder(), |builder| builder)
    }

    pub(crate) fn with(
        ground: &Ground,
        stage: StageBuilder,
        adapt: impl FnOnce(AsyncClientBuilder) -> AsyncClientBuilder,
    ) -> Self {
        let stage = Arc::new(stage.start().unwrap());
        let client = adapt(builder(ground, &stage)).build().unwrap();
        Self { stage, client }
    }

    pub(crate) fn request(&self) -> TokenRequest {
        TokenRequest::new([self.stage.scope()]).unwrap()
    }
}

/// All that a client needs for this stage.
pub(crate) fn builder(ground: &Ground, stage: &Arc<Stage>) -> AsyncClientBuilder {
    AsyncClient::builder(stage.client_id())
        .authority(Authority::entra(&stage.authority_url()).unwrap())
        .transport((ground.transport)(stage.ca_pem()))
        .runtime(Arc::clone(&ground.runtime))
        .clock(StageClock(Arc::clone(stage), Arc::clone(&ground.runtime)))
        .cache(OnThread::looking_at_once(MemoryCache::new()))
        .blocking_browser(Visiting::new(stage))
}

pub(crate) async fn text(response: http::Response<Body>) -> String {
    String::from_utf8(response.into_body().read_to_limit(1 << 20).await.unwrap().unwrap()).unwrap()
}
