//! The token in use: kept in memory, renewed behind the requests, and asked for once, however many need it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entrada_core::ports::asynchronous::TokenProvider;
use entrada_core::{Error, Token, UnixTime};
use futures::lock::Mutex as Turnstile;
use http::HeaderValue;

use crate::builder::SignInHelp;
use crate::counts::Counts;
use crate::site::{Event, OnEvent};

/// Good for less than that is not good: the request has a way to go.
const MARGIN: Duration = Duration::from_secs(10);

/// How often the provider is asked again: it renews early, and forgets whoever has signed out.
const RECHECK: Duration = Duration::from_secs(30);

/// The same within the token's last minutes, when it is due for renewal.
const RECHECK_DUE: Duration = Duration::from_secs(5);
const DUE: Duration = Duration::from_secs(300);

/// How long a failure is the answer to all who ask.
const FAILED: Duration = Duration::from_secs(1);

pub(crate) type Now = Arc<dyn Fn() -> UnixTime + Send + Sync>;

/// A token as it goes onto requests.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) token: Token,
    pub(crate) header: HeaderValue,
}

pub(crate) struct Tokens {
    provider: Arc<dyn TokenProvider>,
    now: Now,
    app: String,
    on_event: OnEvent,
    sign_in_help: Option<SignInHelp>,
    counts: Arc<Counts>,
    /// Whose token it is in the counts.
    number: usize,
    state: Mutex<State>,
    /// One asks the provider at a time.
    turnstile: Turnstile<()>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Bearer>>,
    asked: Option<UnixTime>,
    failed: Option<(Arc<Error>, Instant)>,
    /// That there is no token has been told.
    told: bool,
}

/// A token, and whether it is time to ask for the next one behind the request.
pub(crate) struct Lent {
    pub(crate) bearer: Arc<Bearer>,
    pub(crate) is_due: bool,
}

impl Tokens {
    pub(crate) fn new(
        provider: Arc<dyn TokenProvider>,
        now: Now,
        app: String,
        (on_event, sign_in_help): (OnEvent, Option<SignInHelp>),
        (counts, number): (Arc<Counts>, usize),
    ) -> Self {
        let (state, turnstile) = (Mutex::default(), Turnstile::new(()));
        Self { provider, now, app, on_event, sign_in_help, counts, number, state, turnstile }
    }

    /// The token to use now.
    pub(crate) async fn get(&self) -> Result<Lent, Arc<Error>> {
        if let Some(lent) = self.at_hand() {
            return Ok(lent);
        }
        let _turn = self.turnstile.lock().await;
        match self.at_hand() {
            Some(lent) => Ok(lent),
            None => self.ask(None).await.map(|bearer| Lent { bearer, is_due: false }),
        }
    }

    /// Asks for a newer one behind the requests; the present one stays in use meanwhile.
    pub(crate) async fn renew(&self) {
        let _turn = self.turnstile.lock().await;
        let is_due = self.at_hand().is_none_or(|lent| lent.is_due);
        if is_due {
            // A failure that passes is told by the request that finds the token at its end.
            let _ = self.ask(None).await;
        }
    }

    /// Another token than this one, which the app wants these claims in; `None` where there is none.
    pub(crate) async fn with_claims(
        &self,
        refused: &Bearer,
        claims: String,
    ) -> Result<Option<Arc<Bearer>>, Arc<Error>> {
        let _turn = self.turnstile.lock().await;
        // Whoever was first has it, or a sign-in elsewhere has brought it.
        if let Some(other) = self.other_than(refused) {
            return Ok(Some(other));
        }
        if let Ok(found) = self.ask(None).await
            && found.header != refused.header
        {
            return Ok(Some(found));
        }
        let found = self.ask(Some(claims)).await?;
        Ok(Some(found).filter(|found| found.header != refused.header))
    }

    /// Another token than this one, which the proxy refused: where it has been replaced meanwhile, or has ended.
    pub(crate) async fn instead_of(&self, refused: &Bearer) -> Option<Arc<Bearer>> {
        let has_ended = refused.token.expires_on <= (self.now)();
        match self.other_than(refused) {
            Some(other) => Some(other),
            None if has_ended => {
                self.get().await.ok().map(|lent| lent.bearer).filter(|other| other.header != refused.header)
            }
            None => None,
        }
    }

    /// What to do about an error, where a sign-in mends it.
    pub(crate) fn help(&self, error: &Error) -> Option<String> {
        self.sign_in_help.as_ref().filter(|_| error.needs_ui()).map(|help| help(error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn other_than(&self, refused: &Bearer) -> Option<Arc<Bearer>> {
        let current = self.state().current.clone()?;
        (current.header != refused.header).then_some(current)
    }

    fn at_hand(&self) -> Option<Lent> {
        let now = (self.now)();
        let state = self.state();
        let bearer = state.current.clone().filter(|bearer| bearer.token.expires_on > now + MARGIN)?;
        let every = if bearer.token.expires_on > now + DUE { RECHECK } else { RECHECK_DUE };
        let is_due = state.asked.is_none_or(|asked| now >= asked + every || now < asked);
        Some(Lent { bearer, is_due })
    }

    /// Asks the provider, whose turn it is.
    async fn ask(&self, claims: Option<String>) -> Result<Arc<Bearer>, Arc<Error>> {
        if claims.is_none()
            && let Some((error, since)) = &self.state().failed
            && since.elapsed() < FAILED
        {
            return Err(Arc::clone(error));
        }
        self.state().asked = Some((self.now)());
        let asked_with_claims = claims.is_some();
        let found = self.provider.token(claims).await.and_then(Bearer::of);
        match found {
            Ok(bearer) => Ok(self.found(Arc::new(bearer))),
            Err(error) => Err(self.failed(Arc::new(error), asked_with_claims)),
        }
    }

    fn found(&self, bearer: Arc<Bearer>) -> Arc<Bearer> {
        let mut state = self.state();
        let before = state.current.replace(Arc::clone(&bearer));
        state.failed = None;
        // The one that was refused, once more, is no news.
        let is_news = state.told && before.is_none_or(|before| before.header != bearer.header);
        state.told &= !is_news;
        drop(state);
        self.counts.token_ends(self.number, bearer.token.expires_on.as_secs());
        if is_news {
            (self.on_event)(Event::Token { app: &self.app });
        }
        bearer
    }

    fn failed(&self, error: Arc<Error>, asked_with_claims: bool) -> Arc<Error> {
        let mut state = self.state();
        if !asked_with_claims {
            state.failed = Some((Arc::clone(&error), Instant::now()));
            if error.needs_ui() {
                // Nobody is signed in any more: what they left is not lent further.
                state.current = None;
                self.counts.token_ends(self.number, 0);
            }
        }
        let is_lost = state.current.is_none() || asked_with_claims;
        let was_told = state.told;
        state.told |= is_lost;
        drop(state);
        if is_lost && !was_told {
            (self.on_event)(Event::NoToken { app: &self.app, error: &error, help: self.help(&error) });
        }
        error
    }
}

impl Bearer {
    fn of(token: Token) -> Result<Self, Error> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose()))
            .map_err(|_| Error::Config("the token has characters that no header can carry".into()))?;
        header.set_sensitive(true);
        Ok(Self { token, header })
    }
}
