//! How a forwarder is put together.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::TokenProvider;
use entrada_core::protocol::AppCall;
use entrada_core::{Error, UnixTime};
use entrada_dial::asynchronous::Dialer;
use entrada_dial::{Environment, Roots, Settings};
use url::Url;

use crate::address::Origin;
use crate::counts::Counts;
use crate::gate::Gate;
use crate::limits::Limits;
use crate::listener::{Listen, Listener};
use crate::pool::Pool;
use crate::secret::PathSecret;
use crate::serve::Forwarder;
use crate::site::{Event, OnEvent, Site};
use crate::tokens::{Now, Tokens};
use crate::worker::Worker;

/// A published app, and who has its tokens.
pub struct Published {
    origin: Origin,
    tokens: Arc<dyn TokenProvider>,
    sign_in_help: Option<SignInHelp>,
}

/// What to do where nobody is signed in, by the error that says so.
pub(crate) type SignInHelp = Box<dyn Fn(&Error) -> String + Send + Sync>;

impl Published {
    /// The app at this URL, https or http on loopback: requests go to its origin, whatever their path.
    ///
    /// The provider is asked early, often and by one at a time; it should keep its tokens, not ask a
    /// user, and not block: others' requests wait on the same thread.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where a token may not go there.
    pub fn new(url: &str, tokens: impl TokenProvider + 'static) -> Result<Self, Error> {
        let unusable = || Error::Config(format!("{url:?} cannot be forwarded to"));
        let url = Url::parse(AppCall::new(url)?.url()).map_err(|_| unusable())?;
        let origin = Origin::of(&url).ok_or_else(unusable)?;
        Ok(Self { origin, tokens: Arc::new(tokens), sign_in_help: None })
    }

    /// What clients are told to do where the provider says that a sign-in is needed.
    pub fn sign_in_help(mut self, help: impl Fn(&Error) -> String + Send + Sync + 'static) -> Self {
        self.sign_in_help = Some(Box::new(help));
        self
    }

    /// Its origin, such as `https://hr-contoso.msappproxy.net`.
    pub fn origin(&self) -> &str {
        &self.origin.text
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("origin", &self.origin.text).finish_non_exhaustive()
    }
}

/// Puts a [`Forwarder`] together.
#[must_use]
pub struct Builder {
    apps: Vec<(Published, Listen)>,
    settings: (Roots, Environment),
    secret: Option<PathSecret>,
    limits: Limits,
    now: Now,
    on_event: OnEvent,
    threads: usize,
}

impl Default for Builder {
    fn default() -> Self {
        let Settings { roots, proxies, .. } = Settings::of_the_system();
        Self {
            apps: Vec::new(),
            settings: (roots, proxies),
            secret: None,
            limits: Limits::default(),
            now: Arc::new(UnixTime::now),
            on_event: Arc::new(|_| {}),
            threads: std::thread::available_parallelism().map_or(1, usize::from).min(4),
        }
    }
}

impl Builder {
    /// Forwards to this app what comes in there; may be called again for another app.
    pub fn publish(mut self, app: Published, listen: Listen) -> Self {
        self.apps.push((app, listen));
        self
    }

    /// Trusts the certificates in this PEM file as well, besides the system's; may be called again.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or has no certificate in it.
    pub fn ca_file(mut self, path: &Path) -> Result<Self, AdapterError> {
        self.settings.0.add_file(path)?;
        Ok(self)
    }

    /// Lets only those in who know the secret.
    pub fn secret(mut self, secret: PathSecret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Other limits than the default ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Another clock than the system's, for tests: the time by which tokens end.
    pub fn clock(mut self, now: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
    }

    /// Whom to tell what whoever runs it should know; on a thread that serves connections, which it must not block.
    pub fn on_event(mut self, tell: impl Fn(Event<'_>) + Send + Sync + 'static) -> Self {
        self.on_event = Arc::new(tell);
        self
    }

    /// How many threads do the work, each with its own connections; as many as there are processors, and four at most, if
    /// not said.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Opens the listeners; nobody is answered before it [runs](Forwarder::run).
    ///
    /// # Errors
    ///
    /// Where an address cannot be listened at, which the error names, or the system has no file left to wait with.
    pub fn bind(self) -> io::Result<Forwarder> {
        let workers =
            (0..self.threads).map(|number| Worker::new(number).map(Arc::new)).collect::<io::Result<Vec<_>>>()?;
        let counts = Arc::new(Counts::of(self.apps.len()));
        let dialer = Arc::new(Dialer::new(self.settings.0, self.settings.1));
        let mut sites = Vec::new();
        for (number, (app, listen)) in self.apps.into_iter().enumerate() {
            let listener = Listener::bind(&listen, &workers[0].reactor)
                .map_err(|error| io::Error::new(error.kind(), format!("{listen} cannot be listened at: {error}")))?;
            let gate = Gate { bases: listener.bases(), secret: self.secret.clone() };
            let (text, on_event) = (app.origin.text.clone(), Arc::clone(&self.on_event));
            let uri = text.parse().map_err(|_| io::Error::other(format!("{text} is no URI")))?;
            let tokens = Tokens::new(
                app.tokens,
                Arc::clone(&self.now),
                text,
                (on_event, app.sign_in_help),
                (Arc::clone(&counts), number),
            );
            let site = Site {
                origin: app.origin,
                uri,
                gate,
                tokens,
                dialer: Arc::clone(&dialer),
                pool: Pool::new(workers.len()),
                limits: self.limits,
                counts: Arc::clone(&counts),
                on_event: Arc::clone(&self.on_event),
                failing: Mutex::default(),
            };
            sites.push((Arc::new(site), listener));
        }
        Ok(Forwarder { sites, workers, counts, limits: self.limits })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("apps", &self.apps).field("limits", &self.limits).finish_non_exhaustive()
    }
}
