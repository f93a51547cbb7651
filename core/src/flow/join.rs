//! One sign-in at a time: whoever needs one while another thread or process is at it waits for that.
//!
//! A lock of its own stands for the sign-in, beside the one that stands for the cache. A user who asks for a
//! sign-in is never kept waiting; one who did not ask is not asked in vain for ever, either.

use core::time::Duration;

use super::context::{Context, Loaded};
use super::silent::{self, Lookup};
use super::{AfterDiscovery, Step, misuse, refusal, with_endpoints};
use crate::ask::Answer;
use crate::cache::Snapshot;
use crate::{Action, Error, Fault, Guarded, Lock, Outcome, Prompt, TryLock, UiReason, WaitReason, Waiting};

const PAUSE: Duration = Duration::from_millis(500);

/// On the way to a sign-in.
#[derive(Debug)]
pub(super) struct Joining {
    next: AfterDiscovery,
    waited: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The lock was asked for.
    Trying,
    /// The user is told that another sign-in is awaited.
    Telling,
    /// It goes on.
    Pausing,
    /// A look whether it has brought what is wanted.
    Peeking,
    /// A look with the lock held, or without any: whether another was done with it just now.
    Looking,
}

pub(super) fn begin(context: &mut Context, next: AfterDiscovery) -> Step {
    attempt(context, Joining { next, waited: Duration::ZERO, stage: Stage::Trying })
}

pub(super) fn resume(context: &mut Context, state: Joining, answer: Result<Answer, Fault>) -> Step {
    let is_patient = state.waited < context.sign_in.timeout;
    match (&state.stage, answer) {
        (Stage::Trying, Ok(Answer::Lock(Lock::Held))) => {
            context.holds_sign_in = true;
            if state.waited.is_zero() { look(context, state) } else { Step::End(Ok(Outcome::Joined)) }
        }
        (Stage::Trying, Ok(Answer::Lock(Lock::Busy))) if !context.sign_in.unasked => {
            with_endpoints(context, state.next)
        }
        (Stage::Trying, Ok(Answer::Lock(Lock::Busy))) if state.waited.is_zero() => tell(context, state),
        (Stage::Trying, Ok(Answer::Lock(Lock::Busy))) if is_patient => pause(context, state),
        // Another window would be one more that nobody answers.
        (Stage::Trying, Ok(Answer::Lock(Lock::Busy))) => Step::End(Err(Error::TimedOut(Waiting::SignIn))),
        (Stage::Trying, Ok(Answer::Lock(Lock::Unsupported)) | Err(_)) => look(context, state),
        // That the user cannot be told does not shorten the wait.
        (Stage::Telling, Ok(Answer::Presented) | Err(_)) => pause(context, state),
        (Stage::Pausing, Err(Fault::Cancelled)) => Step::End(Err(Error::Cancelled)),
        (Stage::Pausing, Ok(Answer::Waited) | Err(_)) => ask_load(context, state, Stage::Peeking),
        (Stage::Peeking, Ok(Answer::Loaded(snapshot))) => peeked(context, state, Ok(snapshot)),
        (Stage::Peeking, Err(fault)) => peeked(context, state, Err(fault)),
        (Stage::Looking, Ok(Answer::Loaded(snapshot))) => looked(context, &state, Ok(snapshot)),
        (Stage::Looking, Err(fault)) => looked(context, &state, Err(fault)),
        _ => misuse(),
    }
}

fn attempt(context: &mut Context, state: Joining) -> Step {
    let of = Guarded::SignIn(refusal::sign_in_name(context));
    let action = Action::TryLock(context.ask(TryLock { of }, Answer::Lock));
    Step::Ask(super::State::Joining(Joining { stage: Stage::Trying, ..state }), action)
}

fn tell(context: &mut Context, state: Joining) -> Step {
    let prompt = Prompt::OtherSignIn { expires_in: context.sign_in.timeout };
    let action = Action::Present(context.ask(prompt, |()| Answer::Presented));
    Step::Ask(super::State::Joining(Joining { stage: Stage::Telling, ..state }), action)
}

fn pause(context: &mut Context, state: Joining) -> Step {
    let action = context.ask_wait(PAUSE, WaitReason::OtherSignIn);
    let waited = state.waited + PAUSE;
    Step::Ask(super::State::Joining(Joining { stage: Stage::Pausing, waited, ..state }), action)
}

/// Whoever did not ask for the sign-in looks whether it is still needed, and whether to leave the user alone.
fn look(context: &mut Context, state: Joining) -> Step {
    if !context.sign_in.unasked {
        return with_endpoints(context, state.next);
    }
    ask_load(context, state, Stage::Looking)
}

fn ask_load(context: &mut Context, state: Joining, stage: Stage) -> Step {
    let action = context.ask_load();
    Step::Ask(super::State::Joining(Joining { stage, ..state }), action)
}

/// The user may have signed in elsewhere, while the window that is awaited stays open.
fn peeked(context: &mut Context, state: Joining, snapshot: Result<Snapshot, Fault>) -> Step {
    let loaded = Loaded::read(context, snapshot);
    brought(context, &loaded).unwrap_or_else(|| attempt(context, state))
}

/// The end, where a sign-in has brought what is wanted, or can.
fn brought(context: &mut Context, loaded: &Loaded) -> Option<Step> {
    if let Ok(Lookup::Hit(token)) = silent::look_up(context, loaded) {
        return Some(Step::End(Ok(Outcome::Token(token))));
    }
    // Unless it was joined already, and did not help.
    let may_help = !context.sign_in.has_joined && silent::has_fresh_sign_in(context, loaded);
    may_help.then_some(Step::End(Ok(Outcome::Joined)))
}

fn looked(context: &mut Context, state: &Joining, snapshot: Result<Snapshot, Fault>) -> Step {
    let loaded = Loaded::read(context, snapshot);
    if let Some(end) = brought(context, &loaded) {
        return end;
    }
    if loaded.cache.is_unanswered(&refusal::sign_in_name(context), context.now) {
        return Step::End(Err(Error::ui_required(UiReason::Unanswered)));
    }
    with_endpoints(context, state.next)
}
