//! The one mechanism for concurrency: try the lock, back off, and always load again.
//!
//! Whoever finds that another thread or process has done the work in the meantime ends without asking the
//! authority. A lock that cannot be had is gone without: the cache can only help.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::context::{Context, Loaded};
use super::refusal::Note;
use super::silent::{self, Lookup};
use super::{Step, misuse, store};
use crate::ask::Answer;
use crate::cache::{Snapshot, TokenCache};
use crate::{Account, AccountSelector, Error, Fault, Guarded, Lock, Outcome, Port, TryLock, WaitReason, Warning};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Longer than a refresh takes: whoever holds the lock beyond that is as good as stuck.
const PATIENCE: Duration = Duration::from_secs(45);

/// What is to be done with the lock held.
#[derive(Debug)]
pub(super) enum Work {
    /// Refresh an access token.
    Refresh,
    /// Store what a sign-in brought.
    Store(Box<store::Granted>),
    /// Take accounts out; all of them with `None`.
    SignOut(Option<AccountSelector>),
    /// Take over the entries of another cache.
    Absorb(Box<TokenCache>),
    /// Note something, and end.
    Note(Box<Noting>),
}

impl Work {
    fn is_mere_note(&self) -> bool {
        matches!(self, Self::Note(noting) if !noting.notes.iter().any(Note::takes_a_token))
    }
}

/// What is to be noted, and with what the flow ends after it.
#[derive(Debug)]
pub(super) struct Noting {
    pub(super) notes: Vec<Note>,
    pub(super) result: Result<Outcome, Error>,
}

/// Notes something, and ends with the result.
pub(super) fn note(context: &mut Context, note: Note, result: Result<Outcome, Error>) -> Step {
    begin(context, Work::Note(Box::new(Noting { notes: [note].into(), result })))
}

/// Whether there is a lock to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holding {
    Lock,
    Nothing,
}

/// On the way to the lock.
#[derive(Debug)]
pub(super) struct Locking {
    work: Work,
    waited: Duration,
    pause: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The lock was asked for.
    Trying,
    /// It was busy.
    Pausing,
    /// A look whether the one who has it is done already.
    Peeking,
    /// The cache is loaded again before the work.
    Loading(Holding),
}

pub(super) fn begin(context: &mut Context, work: Work) -> Step {
    attempt(context, Locking { work, waited: Duration::ZERO, pause: FIRST_PAUSE, stage: Stage::Trying })
}

/// Loads the cache once more for work that follows a request. With the lock, too, others may have saved during
/// the request: those who have lost their patience with it. Theirs is to be kept.
pub(super) fn load_again(context: &mut Context, holding: Holding, work: Work) -> Step {
    let stage = Stage::Loading(holding);
    load(context, Locking { work, waited: Duration::ZERO, pause: FIRST_PAUSE, stage: Stage::Trying }, stage)
}

pub(super) fn resume(context: &mut Context, state: Locking, answer: Result<Answer, Fault>) -> Step {
    match (&state.stage, answer) {
        (Stage::Trying, answer) if !matches!(answer, Ok(Answer::Lock(Lock::Held))) && state.work.is_mere_note() => {
            // Not worth a wait, nor the risk of another's save.
            match (state.work, answer) {
                (Work::Note(noting), Ok(Answer::Lock(_)) | Err(_)) => Step::End(noting.result),
                _ => misuse(),
            }
        }
        (Stage::Trying, Ok(Answer::Lock(Lock::Held))) => {
            context.holds_lock = true;
            load(context, state, Stage::Loading(Holding::Lock))
        }
        (Stage::Trying, Ok(Answer::Lock(Lock::Busy))) if state.waited < PATIENCE => pause(context, state),
        (Stage::Trying, Ok(Answer::Lock(Lock::Unsupported))) => load(context, state, Stage::Loading(Holding::Nothing)),
        (Stage::Trying, Ok(Answer::Lock(Lock::Busy)) | Err(_)) => {
            context.warn(Warning::Unlocked);
            load(context, state, Stage::Loading(Holding::Nothing))
        }
        (Stage::Pausing, Err(Fault::Cancelled)) => Step::End(Err(Error::Cancelled)),
        (Stage::Pausing, Ok(Answer::Waited) | Err(_)) => match state.work {
            Work::Refresh => load(context, state, Stage::Peeking),
            Work::Store(_) | Work::SignOut(_) | Work::Absorb(_) | Work::Note(_) => attempt(context, state),
        },
        (Stage::Peeking, Ok(Answer::Loaded(snapshot))) => peeked(context, state, Ok(snapshot)),
        (Stage::Peeking, Err(fault)) => peeked(context, state, Err(fault)),
        (&Stage::Loading(holding), Ok(Answer::Loaded(snapshot))) => loaded(context, state.work, holding, Ok(snapshot)),
        (&Stage::Loading(holding), Err(fault)) => loaded(context, state.work, holding, Err(fault)),
        _ => misuse(),
    }
}

fn attempt(context: &mut Context, state: Locking) -> Step {
    let action = crate::Action::TryLock(context.ask(TryLock { of: Guarded::Cache }, Answer::Lock));
    Step::Ask(super::State::Locking(Locking { stage: Stage::Trying, ..state }), action)
}

fn pause(context: &mut Context, mut state: Locking) -> Step {
    context.waited = true;
    let duration = state.pause;
    state.waited += duration;
    state.pause = (duration * 2).min(LONGEST_PAUSE);
    state.stage = Stage::Pausing;
    let action = context.ask_wait(duration, WaitReason::Lock);
    Step::Ask(super::State::Locking(state), action)
}

fn load(context: &mut Context, state: Locking, stage: Stage) -> Step {
    let action = context.ask_load();
    Step::Ask(super::State::Locking(Locking { stage, ..state }), action)
}

fn peeked(context: &mut Context, state: Locking, snapshot: Result<Snapshot, Fault>) -> Step {
    let loaded = Loaded::read(context, snapshot);
    match silent::look_up(context, &loaded) {
        Ok(Lookup::Hit(token)) => Step::End(Ok(Outcome::Token(token))),
        Ok(Lookup::Miss) => attempt(context, state),
        Err(error) => Step::End(Err(error)),
    }
}

fn loaded(context: &mut Context, work: Work, holding: Holding, snapshot: Result<Snapshot, Fault>) -> Step {
    let loaded = Loaded::read(context, snapshot);
    match work {
        Work::Refresh => silent::locked(context, loaded, holding),
        Work::Store(granted) => store::begin(context, holding, loaded, *granted),
        Work::Note(noting) => store::note(context, holding, loaded, &noting.notes, noting.result),
        Work::SignOut(selector) => sign_out(context, loaded, holding, selector.as_ref()),
        Work::Absorb(other) => absorb(context, loaded, holding, &other),
    }
}

fn sign_out(context: &mut Context, mut loaded: Loaded, holding: Holding, selector: Option<&AccountSelector>) -> Step {
    if let Some(fault) = loaded.standing.fault() {
        return store::end(context, holding, Err(Error::adapter(Port::Cache, fault)));
    }
    let leaving = match leaving(&loaded.cache, context, selector) {
        Ok(accounts) => accounts,
        Err(error) => return store::end(context, holding, Err(error)),
    };
    loaded.cache_mut().remove_accounts(&context.app, leaving.iter().map(|account| account.home_account_id.as_str()));
    let nothing_to_do = leaving.is_empty();
    let result = Ok(Outcome::SignedOut { accounts: leaving, warnings: Vec::new() });
    if nothing_to_do { store::end(context, holding, result) } else { store::save(context, holding, loaded, result) }
}

/// An unreadable cache is set aside before, as for a token; one that cannot be read now may be whole, and stays.
fn absorb(context: &mut Context, mut loaded: Loaded, holding: Holding, other: &TokenCache) -> Step {
    let entries = loaded.cache_mut().absorb(other);
    let result = Ok(Outcome::Imported { entries, warnings: Vec::new() });
    if entries == 0 { store::end(context, holding, result) } else { store::save(context, holding, loaded, result) }
}

fn leaving(cache: &TokenCache, context: &Context, selector: Option<&AccountSelector>) -> Result<Vec<Account>, Error> {
    match selector {
        None => Ok(cache.accounts(&context.app)),
        Some(selector) => Ok(cache.select_account(&context.app, selector)?.into_iter().collect()),
    }
}
