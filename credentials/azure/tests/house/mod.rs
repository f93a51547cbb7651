//! A client over a stage, with a user who may be made to wait.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use entrada::ports::AdapterError;
use entrada::ports::blocking::{Browser, Cache, Clock, Listener, TryLock};
use entrada::{Authority, Client, Listen, Prompt, UnixTime};
use entrada_authority::{Endpoint, Stage};
use entrada_azure::{EntradaCredential, EntradaCredentialOptions, Interaction};

pub(crate) struct House {
    pub(crate) stage: Arc<Stage>,
    pub(crate) client: Client,
    user_is_there: Arc<Gate>,
    cache: Arc<Watched>,
}

impl House {
    pub(crate) fn new() -> Self {
        let house = Self::held();
        house.release();
        house
    }

    /// The user does nothing before [`House::release`].
    pub(crate) fn held() -> Self {
        let stage = Arc::new(Stage::start().unwrap());
        let (user_is_there, cache) = (Arc::<Gate>::default(), Arc::<Watched>::default());
        let listener = entrada::system_browser::SystemBrowser::builder().open_browser(false).writer(io::sink());
        let client = Client::builder(stage.client_id())
            .authority(Authority::entra(&stage.authority_url()).unwrap())
            .cache(Watching(Arc::clone(&cache)))
            .browser(Visiting(Arc::clone(&stage), listener.build().unwrap(), Arc::clone(&user_is_there)))
            .clock(StageClock(Arc::clone(&stage)))
            .build()
            .unwrap();
        Self { stage, client, user_is_there, cache }
    }

    pub(crate) fn credential(&self, interaction: Interaction) -> Arc<EntradaCredential> {
        let options = EntradaCredentialOptions { interaction, ..Default::default() };
        EntradaCredential::new(self.client.clone(), Some(options))
    }

    pub(crate) fn release(&self) {
        self.user_is_there.open();
    }

    /// Token requests by code, user code and refresh token that brought a token.
    pub(crate) fn grants(&self) -> (usize, usize, usize) {
        let count = |grant: &str| self.stage.count(Endpoint::Token, grant);
        (count("authorization_code"), count("urn:ietf:params:oauth:grant-type:device_code"), count("refresh_token"))
    }

    /// How often the cache was read.
    pub(crate) fn loads(&self) -> usize {
        self.cache.loads.load(Ordering::SeqCst)
    }

    /// Waits until something is in the cache.
    pub(crate) fn saved(&self) {
        self.cache.saved.wait();
    }

    /// The next look into the cache panics.
    pub(crate) fn break_once(&self) {
        self.cache.broken.store(true, Ordering::SeqCst);
    }
}

/// Shut, until it is opened for good.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let shut = self.is_open.lock().unwrap();
        drop(self.opened.wait_while(shut, |is_open| !*is_open).unwrap());
    }
}

/// The system browser's listener, with the stage's own visitor for a user.
struct Visiting(Arc<Stage>, entrada::system_browser::SystemBrowser, Arc<Gate>);

impl Browser for Visiting {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.1.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        let (stage, gate) = (Arc::clone(&self.0), Arc::clone(&self.2));
        match prompt.clone() {
            Prompt::SignIn { url, .. } => {
                std::thread::spawn(move || {
                    gate.wait();
                    stage.visitor().visit(&url)
                });
            }
            // Entered before the stage's clock goes on.
            Prompt::UserCode { code, .. } => drop(stage.visitor().enter_user_code(&code).unwrap()),
            Prompt::OtherSignIn { .. } => {}
            _ => panic!("what is that?"),
        }
        Ok(())
    }
}

/// The stage's clock, which nobody has to wait for.
struct StageClock(Arc<Stage>);

impl Clock for StageClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.now())
    }

    fn sleep(&self, duration: Duration) {
        // A breath, so that others get on while the stage's time flies.
        std::thread::sleep(Duration::from_millis(2));
        self.0.advance(duration);
    }
}

/// A memory cache that is counted, waited for and broken.
#[derive(Default)]
struct Watched {
    kept: entrada::memory_cache::MemoryCache,
    loads: AtomicUsize,
    saved: Gate,
    broken: AtomicBool,
}

struct Watching(Arc<Watched>);

impl Cache for Watching {
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        assert!(!self.0.broken.swap(false, Ordering::SeqCst), "broken, as the proof ordered");
        self.0.kept.load()
    }

    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError> {
        self.0.kept.save(bytes)?;
        self.0.saved.open();
        Ok(())
    }

    fn set_aside(&self) -> Result<String, AdapterError> {
        self.0.kept.set_aside()
    }

    fn try_lock(&self) -> Result<TryLock, AdapterError> {
        self.0.kept.try_lock()
    }

    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        self.0.kept.try_lock_sign_in(name)
    }

    fn location(&self) -> String {
        self.0.kept.location()
    }
}
