//! What a flow carries along from phase to phase.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::ask::Answer;
use crate::cache::{Found, Snapshot, TokenCache};
use crate::protocol::{HttpQuery, merged_claims};
use crate::{
    Account, Action, App, Ask, Endpoints, Error, Fault, Guarded, Load, Outcome, Port, Save, SetAside, SignIn, Token,
    TokenRequest, TokenSource, UiReason, UnixTime, Unlock, Wait, WaitReason, Warning,
};

/// A token with less to live than this is due for renewal, as in all of Microsoft's libraries.
const EXPIRY_MARGIN: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Context {
    pub(super) app: App,
    pub(super) request: TokenRequest,
    pub(super) sign_in: SignIn,
    /// The claims to send: those asked for, with the client's capabilities.
    pub(super) claims: Option<String>,
    pub(super) endpoints: Option<Endpoints>,
    /// A token that is still good, for the case that its renewal fails for a passing reason.
    pub(super) aging: Option<Box<Token>>,
    /// Whether that one is good for longer than the usual margin: its renewal is not needed yet.
    pub(super) is_early: bool,
    pub(super) warnings: Vec<Warning>,
    pub(super) now: UnixTime,
    started: Option<UnixTime>,
    /// Whether another held the lock when this flow wanted it.
    pub(super) waited: bool,
    /// Whether the lock is ours, so that no end forgets it.
    pub(super) holds_lock: bool,
    /// The same of the sign-in's lock.
    pub(super) holds_sign_in: bool,
    number: u32,
}

impl Context {
    pub(super) fn new(app: &App, request: &TokenRequest, sign_in: SignIn) -> Self {
        Self {
            app: app.clone(),
            request: request.clone(),
            sign_in,
            claims: None,
            endpoints: None,
            aging: None,
            is_early: false,
            warnings: Vec::new(),
            now: UnixTime::default(),
            started: None,
            waited: false,
            holds_lock: false,
            holds_sign_in: false,
            number: 0,
        }
    }

    /// For flows that ask for no token.
    pub(super) fn without_request(app: &App) -> Self {
        let nothing = TokenRequest {
            scopes: Arc::default(),
            account: crate::AccountSelector::Only,
            claims: None,
            force_refresh: false,
            min_lifetime: Duration::ZERO,
            defers_renewal: false,
            correlation_id: None,
        };
        Self::new(app, &nothing, SignIn::default())
    }

    /// Merges the claims, which can be malformed.
    pub(super) fn prepare(&mut self) -> Result<(), Error> {
        self.claims = merged_claims(&self.app, self.request.claims.as_deref())?;
        Ok(())
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn advance(&mut self, now: UnixTime) {
        self.now = now;
        self.started.get_or_insert(now);
    }

    /// Whether the request wants a newer token than one that was cached at that time.
    ///
    /// One that another has fetched while this flow waited for the lock is new enough, claims aside.
    pub(super) fn passes_over(&self, cached_at: UnixTime) -> bool {
        let is_new = self.waited && self.started.is_some_and(|started| cached_at >= started);
        self.request.claims.is_some() || (self.request.force_refresh && !is_new)
    }

    /// Whether a token lives long enough for the request.
    pub(super) fn lives_long_enough(&self, found: &Found) -> bool {
        self.is_alive(found) && self.is_good(found.expires_on)
    }

    /// Whether a token is good for longer than the usual margin.
    ///
    /// One that was short-lived from the beginning is good for half of its life: with the whole margin taken
    /// off, it would never be good at all.
    pub(super) fn is_alive(&self, found: &Found) -> bool {
        let half_life = found.expires_on.since(found.cached_at) / 2;
        found.expires_on > self.now + EXPIRY_MARGIN.min(half_life)
    }

    /// Whether a token is good at all, and as long as the request insists on.
    pub(super) fn is_good(&self, expires_on: UnixTime) -> bool {
        expires_on > self.now + self.request.min_lifetime
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(super) fn token(&self, found: Found, account: Account) -> Box<Token> {
        Box::new(Token {
            secret: found.secret,
            scopes: found.scopes,
            expires_on: found.expires_on,
            source: TokenSource::Cache,
            renewal_due: found.refresh_on.is_some_and(|refresh_on| refresh_on <= self.now),
            account: Some(account),
            warnings: Vec::new(),
        })
    }

    /// Hands the warnings over with the end.
    pub(super) fn conclude(&mut self, result: Result<Outcome, Error>) -> Result<Outcome, Error> {
        let noticed = core::mem::take(&mut self.warnings);
        match result {
            Ok(Outcome::Token(mut token)) => {
                token.warnings.extend(noticed);
                Ok(Outcome::Token(token))
            }
            Ok(Outcome::SignedOut { accounts, .. }) => Ok(Outcome::SignedOut { accounts, warnings: noticed }),
            Ok(Outcome::Imported { entries, .. }) => Ok(Outcome::Imported { entries, warnings: noticed }),
            Err(Error::UiRequired(mut required)) => {
                required.warnings.extend(noticed);
                if required.claims.is_none() {
                    // What was asked for silently is to be asked for in the sign-in.
                    required.claims = self.request.claims.clone();
                }
                Err(Error::UiRequired(required))
            }
            other => other,
        }
    }

    pub(super) fn ask<Q, A>(&mut self, query: Q, wrap: fn(A) -> Answer) -> Ask<Q, A> {
        self.number = self.number.wrapping_add(1);
        Ask::new(self.number, query, wrap)
    }

    pub(super) fn ask_http(&mut self, query: HttpQuery) -> Action {
        Action::Http(self.ask(query, Answer::Http))
    }

    pub(super) fn ask_load(&mut self) -> Action {
        Action::Load(self.ask(Load, Answer::Loaded))
    }

    pub(super) fn ask_save(&mut self, save: Save) -> Action {
        Action::Save(self.ask(save, |()| Answer::Saved))
    }

    pub(super) fn ask_set_aside(&mut self) -> Action {
        Action::SetAside(self.ask(SetAside, Answer::SetAside))
    }

    pub(super) fn ask_unlock(&mut self, of: Guarded) -> Action {
        Action::Unlock(self.ask(Unlock { of }, |()| Answer::Unlocked))
    }

    pub(super) fn ask_wait(&mut self, duration: Duration, reason: WaitReason) -> Action {
        Action::Wait(self.ask(Wait { duration, reason }, |()| Answer::Waited))
    }
}

/// The cache as it was read, and what may be done to what it was read from.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) cache: Arc<TokenCache>,
    pub(super) standing: Standing,
}

/// What stands where the cache is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// A cache, or nothing yet: it may be replaced.
    #[default]
    Known,
    /// Something unreadable: it must be set aside first.
    Corrupt,
    /// Something that could not even be read: it must be left alone.
    Unread(Fault),
}

impl Standing {
    /// Why there is no cache to be read, if so.
    pub(super) fn fault(self) -> Option<Fault> {
        match self {
            Self::Known => None,
            Self::Corrupt => Some(Fault::Corrupt),
            Self::Unread(fault) => Some(fault),
        }
    }

    /// Why there is no account. A store that will answer again has not said that nobody is signed in, and no user is to
    /// be asked on its account.
    pub(super) fn nobody(self) -> Error {
        match self {
            Self::Unread(fault) if fault.is_transient() => Error::adapter(Port::Cache, fault),
            _ => Error::ui_required(UiReason::NoAccount),
        }
    }
}

impl Loaded {
    /// Reads what a load brought. The cache can only help: where it cannot be read, it is as good as empty.
    pub(super) fn read(context: &mut Context, loaded: Result<Snapshot, Fault>) -> Self {
        let (standing, warning) = match loaded.map(Snapshot::into_cache) {
            Ok(Some(cache)) => return Self { cache, standing: Standing::Known },
            Ok(None) | Err(Fault::Corrupt) => (Standing::Corrupt, Warning::CacheCorrupt),
            Err(fault) => (Standing::Unread(fault), Warning::CacheUnread(fault)),
        };
        context.warn(warning);
        Self { standing, ..Self::default() }
    }

    /// The cache, to be changed; others keep what they have.
    pub(super) fn cache_mut(&mut self) -> &mut TokenCache {
        Arc::make_mut(&mut self.cache)
    }
}
