//! The token state machine.
//!
//! A [`Flow`] goes through phases, one file each:
//!
//! ```text
//!  silent ──► (valid in the cache) ───────────────────────────────► Done
//!     │
//!     └► discovery? ─► lock ─► load again ─► refresh ─► load ─► save ─► unlock ─► Done
//!                                   │            └► refusal: noted the same way ─► Done
//!                                   └► (somebody else has refreshed) ────────────► Done
//!
//!  join ──► (another's sign-in is over) ──────────────────────────► Done
//!     ├► interactive: discovery? ─► entropy ─► listen ─► present ─► receive ─► redeem ┐
//!     └► device code: discovery? ─► user code ─► present ─► wait ─► poll ─────────────┤
//!                                            lock ─► load ─► save ─► unlock ─► Done
//! ```
//!
//! The lock covers load, refresh and save, and never a sign-in. Sign-ins have one of their own, so that no two
//! windows ask the same user for the same at once; with it held they begin, and it is given back at the end.

mod context;
mod device_code;
mod interactive;
mod join;
mod lock;
mod refusal;
mod silent;
mod store;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use self::context::Context;
use crate::ask::{Answer, Event};
use crate::cache::TokenCache;
use crate::protocol::{self, PublishedApp};
use crate::{AccountSelector, Action, App, Error, Fault, Guarded, Port, SignIn, TokenRequest, UnixTime};

/// One run of the token state machine.
///
/// It is plain data: `Send`, storable, droppable at any point. It never borrows, blocks, panics or reads a
/// clock. Start it, do what its [`Action`] says, and [`resume`](Flow::resume) it with the event that the
/// action's [`Ask`](crate::Ask) makes of the answer, until the action is [`Action::Done`].
#[derive(Debug)]
pub struct Flow {
    #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "shown by the drivers and by `Debug`"))]
    kind: &'static str,
    context: Context,
    state: State,
}

/// Where a flow stands: which question is out.
#[derive(Debug)]
enum State {
    Silent(silent::State),
    Joining(join::Joining),
    Discovering(AfterDiscovery),
    Locking(lock::Locking),
    Storing(store::State),
    SigningIn(interactive::State),
    UserCode(device_code::State),
    /// The sign-in is over; others may begin theirs.
    Leaving(Result<crate::Outcome, Error>),
    Ended,
}

/// What the endpoints are needed for.
#[derive(Clone, Copy, Debug)]
enum AfterDiscovery {
    Refresh,
    SignIn,
    UserCode,
}

/// The next state, and the question that goes with it; an end where there is none.
#[expect(clippy::large_enum_variant, reason = "moved once; a box would cost every step an allocation")]
enum Step {
    Ask(State, Action),
    End(Result<crate::Outcome, Error>),
}

impl Flow {
    /// Looks into the cache, refreshes where needed, and never shows anything to the user.
    ///
    /// Where that is not enough it ends with [`Error::UiRequired`].
    pub fn silent(app: &App, request: &TokenRequest) -> (Self, Action) {
        Self::start("silent", Context::new(app, request, SignIn::default()), silent::begin)
    }

    /// Signs the user in with a browser: authorization code with PKCE.
    pub fn interactive(app: &App, request: &TokenRequest, sign_in: &SignIn) -> (Self, Action) {
        Self::start("interactive", Context::new(app, request, sign_in.clone()), |context| {
            join::begin(context, AfterDiscovery::SignIn)
        })
    }

    /// Signs the user in on another device, with a user code.
    pub fn device_code(app: &App, request: &TokenRequest, sign_in: &SignIn) -> (Self, Action) {
        Self::start("device code", Context::new(app, request, sign_in.clone()), |context| {
            join::begin(context, AfterDiscovery::UserCode)
        })
    }

    /// Tells who is signed in; ends with [`Outcome::Accounts`](crate::Outcome::Accounts).
    pub fn accounts(app: &App) -> (Self, Action) {
        Self::start("accounts", Context::without_request(app), silent::begin_accounts)
    }

    /// Takes accounts and their tokens out of the cache: the one that is meant, or all with `None`.
    ///
    /// Ends with [`Outcome::SignedOut`](crate::Outcome::SignedOut). The authority is not told: its session
    /// in the user's browser is not ours to end.
    pub fn sign_out(app: &App, account: Option<AccountSelector>) -> (Self, Action) {
        Self::start("sign-out", Context::without_request(app), |context| {
            lock::begin(context, lock::Work::SignOut(account))
        })
    }

    /// Takes over the entries of another cache, of whatever clients; see [`TokenCache::absorb`].
    ///
    /// Ends with [`Outcome::Imported`](crate::Outcome::Imported). Nothing is saved where nothing is new.
    pub fn import(app: &App, other: TokenCache) -> (Self, Action) {
        let work = lock::Work::Absorb(Box::new(other));
        Self::start("import", Context::without_request(app), |context| lock::begin(context, work))
    }

    /// Notes a published app whose scope is known, for all who share the cache; see [`Snapshot::published_app`](crate::cache::Snapshot::published_app).
    ///
    /// Ends with [`Outcome::Noted`](crate::Outcome::Noted), whether or not it could be: a note can only help.
    pub fn remember(app: &App, published: PublishedApp) -> (Self, Action) {
        let note = refusal::Note::Published(Box::new(published));
        Self::start("remember", Context::without_request(app), |context| {
            lock::note(context, note, Ok(crate::Outcome::Noted))
        })
    }

    /// Which flow this is, for those who read traces.
    #[cfg(feature = "std")]
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    #[cfg(feature = "std")]
    pub(crate) fn correlation_id(&self) -> Option<&str> {
        self.context.request.correlation_id.as_deref()
    }

    fn start(kind: &'static str, mut context: Context, begin: impl FnOnce(&mut Context) -> Step) -> (Self, Action) {
        let step = match context.prepare() {
            Ok(()) => begin(&mut context),
            Err(error) => Step::End(Err(error)),
        };
        let mut flow = Self { kind, context, state: State::Ended };
        let action = flow.settle(step);
        (flow, action)
    }

    /// Goes on with what happened, at this time.
    ///
    /// Total: an answer to another question than the one that is out, or one after the end, leads to
    /// [`Error::Misuse`], and the flow is over; a lock that it holds is asked to be given back first.
    pub fn resume(&mut self, now: UnixTime, event: Event) -> Action {
        let state = core::mem::replace(&mut self.state, State::Ended);
        let context = &mut self.context;
        if matches!(state, State::Ended) {
            return Action::Done(Err(Error::Misuse("it has ended already")));
        }
        if event.number != context.number() {
            let error = Error::Misuse("this answers an older question, or one of another flow");
            return self.settle(Step::End(Err(error)));
        }
        context.advance(now);
        let step = match state {
            State::Silent(state) => silent::resume(context, state, event.answer),
            State::Joining(state) => join::resume(context, state, event.answer),
            State::Discovering(next) => discovered(context, next, event.answer),
            State::Locking(state) => lock::resume(context, state, event.answer),
            State::Storing(state) => store::resume(context, state, event.answer),
            State::SigningIn(state) => interactive::resume(context, state, event.answer),
            State::UserCode(state) => device_code::resume(context, state, event.answer),
            State::Leaving(result) => match event.answer {
                Ok(Answer::Unlocked) | Err(_) => Step::End(result),
                Ok(_) => misuse(),
            },
            State::Ended => misuse(),
        };
        self.settle(step)
    }

    fn settle(&mut self, step: Step) -> Action {
        match step {
            Step::Ask(state, action) => {
                self.state = state;
                action
            }
            // Only a misuse can end a flow that still has the lock: it is given back all the same, once.
            Step::End(result) if core::mem::take(&mut self.context.holds_lock) => {
                let step = store::end(&mut self.context, lock::Holding::Lock, result);
                self.settle(step)
            }
            Step::End(result) if core::mem::take(&mut self.context.holds_sign_in) => {
                let action = self.context.ask_unlock(Guarded::SignIn(refusal::sign_in_name(&self.context)));
                self.state = State::Leaving(result);
                action
            }
            Step::End(result) => {
                Action::Done(self.context.conclude(result).map_err(|error| error.traced(&self.context.request)))
            }
        }
    }
}

/// An answer whose kind is not the question's: only mixed-up flows can bring that about.
fn misuse() -> Step {
    Step::End(Err(Error::Misuse("this answers a question of another kind")))
}

/// Goes on at once where the endpoints are known, else asks the issuer for them.
fn with_endpoints(context: &mut Context, next: AfterDiscovery) -> Step {
    if context.endpoints.is_none() {
        context.endpoints = context.app.authority().template_endpoints();
    }
    if context.endpoints.is_some() {
        return after_discovery(context, next);
    }
    let query = protocol::discovery_query(&context.app, context.request.correlation_id.as_deref());
    let action = context.ask_http(query);
    Step::Ask(State::Discovering(next), action)
}

fn discovered(context: &mut Context, next: AfterDiscovery, answer: Result<Answer, Fault>) -> Step {
    let endpoints = match answer {
        Ok(Answer::Http(answer)) => {
            protocol::read_discovery(context.app.authority().issuer().unwrap_or_default(), &answer)
        }
        Ok(_) => return misuse(),
        Err(fault) => Err(Error::adapter(Port::Authority, fault)),
    };
    match endpoints {
        Ok(endpoints) => {
            context.endpoints = Some(endpoints);
            after_discovery(context, next)
        }
        Err(error) => silent::give_up(context, error),
    }
}

fn after_discovery(context: &mut Context, next: AfterDiscovery) -> Step {
    match next {
        AfterDiscovery::Refresh => lock::begin(context, lock::Work::Refresh),
        AfterDiscovery::SignIn => interactive::begin(context),
        AfterDiscovery::UserCode => device_code::begin(context),
    }
}
