//! A stage with somebody signed in, a forwarder, and a client that sends what it is told.

mod app;
mod client;

pub(crate) use app::App;
pub(crate) use client::{Answer, Client};

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use async_trait::async_trait;
use entrada::memory_cache::MemoryCache;
use entrada::ports::AdapterError;
use entrada::ports::asynchronous::TokenProvider;
use entrada::ports::blocking::{Browser, Clock, Listener};
use entrada::system_browser::SystemBrowser;
use entrada::{Error, Listen as Listening, Prompt, SignIn, Token, TokenRequest, UnixTime};
use entrada_authority::{Stage, StageBuilder};
use entrada_forwarder::{Builder, Counts, Event, Forwarder, Listen, Published};
use smol::channel::Sender;

/// A stage on which Ada has signed in.
pub(crate) struct World {
    pub(crate) stage: Arc<Stage>,
    pub(crate) client: entrada::Client,
    pub(crate) events: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Stage::builder())
    }

    pub(crate) fn with(builder: StageBuilder) -> Self {
        let stage = Arc::new(builder.start().unwrap());
        let client = entrada::Client::builder(stage.client_id())
            .authority(entrada::Authority::entra(&stage.authority_url()).unwrap())
            .cache(MemoryCache::new())
            .clock(StageClock(Arc::clone(&stage)))
            .browser(StandIn::new(&stage))
            .build()
            .unwrap();
        let world = Self { stage, client, events: Arc::default() };
        world.sign_in();
        world
    }

    pub(crate) fn sign_in(&self) {
        self.client.sign_in(&self.request(), &SignIn::new()).unwrap();
        self.stage.forget_requests();
    }

    pub(crate) fn request(&self) -> TokenRequest {
        TokenRequest::new([self.stage.scope()]).unwrap()
    }

    pub(crate) fn lender(&self) -> Lender {
        self.lender_of(self.request())
    }

    pub(crate) fn lender_of(&self, request: TokenRequest) -> Lender {
        Lender { client: self.client.clone(), request }
    }

    /// The stage's app, through its proxy.
    pub(crate) fn published(&self) -> Published {
        Published::new(self.stage.external_url(), self.lender())
            .unwrap()
            .sign_in_help(|_| "run: the sign-in".to_owned())
    }

    /// A forwarder to the stage's app.
    pub(crate) fn forwarder(&self) -> Local {
        Local::start(self.builder().publish(self.published(), Listen::default()))
    }

    /// A forwarder to another app, with the stage's tokens.
    pub(crate) fn forwarder_to(&self, app: &App) -> Local {
        Local::start(self.builder_to(app))
    }

    pub(crate) fn builder_to(&self, app: &App) -> Builder {
        self.builder().publish(Published::new(&app.url("/"), self.lender()).unwrap(), Listen::default())
    }

    /// On the stage's clock.
    pub(crate) fn builder(&self) -> Builder {
        let (stage, events) = (Arc::clone(&self.stage), Arc::clone(&self.events));
        Forwarder::builder().clock(move || UnixTime::from_secs(stage.now())).on_event(move |event| {
            let text = match event {
                Event::NoToken { help, .. } => format!("no token; {}", help.unwrap_or_default()),
                Event::Token { .. } => "token".to_owned(),
                Event::Failing { text, .. } => format!("failing: {text}"),
                _ => "other".to_owned(),
            };
            events.lock().unwrap().push(text);
        })
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }
}

/// Gives tokens as the command does: silently.
pub(crate) struct Lender {
    client: entrada::Client,
    request: TokenRequest,
}

#[async_trait]
impl TokenProvider for Lender {
    async fn token(&self, claims: Option<String>) -> Result<Token, Error> {
        let (client, mut request) = (self.client.clone(), self.request.clone());
        if claims.is_some() {
            request = request.claims(claims);
        }
        smol::unblock(move || client.silent_for(&request)).await
    }
}

/// A forwarder that runs. Dropped, it ends.
pub(crate) struct Local {
    pub(crate) url: String,
    pub(crate) port: u16,
    pub(crate) counts: Arc<Counts>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Local {
    pub(crate) fn start(builder: Builder) -> Self {
        let forwarder = builder.bind().unwrap();
        let url = forwarder.local_urls()[0].trim_end_matches('/').to_owned();
        let port = forwarder.ports()[0].unwrap_or_default();
        let counts = forwarder.counts();
        let (stop, stopped) = smol::channel::bounded(1);
        let thread = thread::spawn(move || {
            forwarder.run(async move {
                let _ = stopped.recv().await;
            })
        });
        Self { url, port, counts, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.port)
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Gets a page over a new connection.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.connect().get(target)
    }

    /// Asks it to end.
    pub(crate) fn stop(&mut self) {
        self.stop = None;
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) {
        self.stop();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The stage's own time.
struct StageClock(Arc<Stage>);

impl Clock for StageClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.now())
    }

    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// The system browser's listener, with a visitor of the stage's pages in front of it.
struct StandIn {
    listener: SystemBrowser,
    stage: Arc<Stage>,
}

impl StandIn {
    fn new(stage: &Arc<Stage>) -> Self {
        let listener = SystemBrowser::builder().open_browser(false).writer(io::sink()).build().unwrap();
        Self { listener, stage: Arc::clone(stage) }
    }
}

impl Browser for StandIn {
    fn listen(&self, query: &Listening) -> Result<Box<dyn Listener>, AdapterError> {
        self.listener.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        if let Prompt::SignIn { url, .. } = prompt {
            let (stage, url) = (Arc::clone(&self.stage), url.clone());
            thread::spawn(move || stage.visitor().visit(&url));
        }
        Ok(())
    }
}

/// Waits until that is so.
#[track_caller]
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(30), "it never came to that");
        thread::sleep(Duration::from_millis(2));
    }
}
