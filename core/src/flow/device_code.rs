//! The sign-in on another device: a user code, and patience (RFC 8628).

use alloc::boxed::Box;
use core::time::Duration;

use super::context::Context;
use super::interactive::check_id_token;
use super::lock::{self, Work};
use super::store::Granted;
use super::{Step, misuse, refusal};
use crate::ask::Answer;
use crate::protocol::{DeviceCode, HttpAnswer, device_code_query, poll_query, read_device_code, read_token};
use crate::{Action, Error, Fault, Port, Prompt, TokenSource, WaitReason, Waiting};

/// By how much `slow_down` lengthens the interval (RFC 8628 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest interval after connections that failed.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) enum State {
    Asking,
    Presenting(Pending),
    Pausing(Pending),
    Polling(Pending),
}

/// A user code that is not entered yet.
///
/// Its age is the sum of the pauses, not the wall clock: clocks jump when a laptop wakes, or drift under WSL.
#[derive(Debug)]
pub(super) struct Pending {
    code: DeviceCode,
    interval: Duration,
    waited: Duration,
    /// How long the authority wants to be left alone this once.
    wish: Duration,
}

impl Pending {
    /// How long the code is still good.
    fn left(&self) -> Duration {
        self.code.expires_in.saturating_sub(self.waited)
    }

    /// Lengthens the interval after a failure: twofold, or as wished. One that is long already is never shortened.
    /// A wish for more than the longest interval is granted once.
    fn back_off(&mut self, wish: Option<Duration>) {
        self.wish = wish.unwrap_or_default();
        let longer = wish.unwrap_or(self.interval.saturating_mul(2));
        self.interval = longer.min(LONGEST_INTERVAL).max(self.interval);
    }
}

pub(super) fn begin(context: &mut Context) -> Step {
    let Some(endpoint) = context.endpoints.as_ref().and_then(|endpoints| endpoints.device_code.clone()) else {
        return Step::End(Err(Error::Config("this authority offers no sign-in by user code: use the browser".into())));
    };
    let query = device_code_query(&context.app, &endpoint, &context.request, context.claims.as_deref());
    let action = context.ask_http(query);
    Step::Ask(super::State::UserCode(State::Asking), action)
}

pub(super) fn resume(context: &mut Context, state: State, answer: Result<Answer, Fault>) -> Step {
    match (state, answer) {
        (State::Asking, Ok(Answer::Http(answer))) => match read_device_code(&answer) {
            Ok(code) => present(context, code),
            Err(error) => refused(context, error),
        },
        (State::Asking, Err(fault)) => Step::End(Err(Error::adapter(Port::Authority, fault))),
        (State::Presenting(pending), Ok(Answer::Presented)) => pause(context, pending),
        (State::Presenting(_), Err(fault)) => Step::End(Err(Error::adapter(Port::Browser, fault))),
        (State::Pausing(pending), Ok(Answer::Waited)) => poll(context, pending),
        (State::Pausing(_), Err(fault)) => Step::End(Err(Error::adapter(Port::Browser, fault))),
        (State::Polling(pending), Ok(Answer::Http(answer))) => polled(context, pending, &answer),
        (State::Polling(mut pending), Err(fault)) if fault.is_transient() => {
            pending.back_off(None);
            pause(context, pending)
        }
        (State::Polling(_), Err(fault)) => Step::End(Err(Error::adapter(Port::Authority, fault))),
        _ => misuse(),
    }
}

fn present(context: &mut Context, code: DeviceCode) -> Step {
    let expires_in = code.expires_in.min(context.sign_in.timeout);
    let prompt = Prompt::UserCode {
        code: code.user_code.clone(),
        verification_uri: code.verification_uri.clone(),
        verification_uri_complete: code.verification_uri_complete.clone(),
        message: code.message.clone(),
        expires_in,
    };
    let action = Action::Present(context.ask(prompt, |()| Answer::Presented));
    let (interval, code) = (code.interval, DeviceCode { expires_in, ..code });
    let pending = Pending { code, interval, waited: Duration::ZERO, wish: Duration::ZERO };
    Step::Ask(super::State::UserCode(State::Presenting(pending)), action)
}

fn pause(context: &mut Context, mut pending: Pending) -> Step {
    if pending.left().is_zero() {
        return refusal::in_vain(context, Error::TimedOut(Waiting::UserCode));
    }
    // The last pause ends with the code, so that the last question is not asked in vain.
    let wish = core::mem::take(&mut pending.wish);
    let duration = pending.interval.max(wish).min(pending.left());
    pending.waited = pending.waited.saturating_add(duration);
    let action = context.ask_wait(duration, WaitReason::UserCode);
    Step::Ask(super::State::UserCode(State::Pausing(pending)), action)
}

fn poll(context: &mut Context, pending: Pending) -> Step {
    let Some(endpoints) = &context.endpoints else { return misuse() };
    let query = poll_query(&context.app, &endpoints.token, &pending.code, &context.request, context.claims.as_deref());
    let action = context.ask_http(query);
    Step::Ask(super::State::UserCode(State::Polling(pending)), action)
}

fn polled(context: &mut Context, mut pending: Pending, answer: &HttpAnswer) -> Step {
    let server = match read_token(answer) {
        Ok(answer) => {
            return match check_id_token(context, &answer, None) {
                Ok(()) => {
                    let granted = Granted { answer, source: TokenSource::SignIn, renewed: None };
                    lock::begin(context, Work::Store(Box::new(granted)))
                }
                Err(error) => Step::End(Err(error)),
            };
        }
        Err(Error::Server(server)) => server,
        Err(error) => return Step::End(Err(error)),
    };
    match server.error.as_str() {
        "authorization_pending" => pause(context, pending),
        "slow_down" => {
            pending.interval = pending.interval.saturating_add(SLOW_DOWN);
            pause(context, pending)
        }
        "expired_token" | "code_expired" => refusal::in_vain(context, Error::TimedOut(Waiting::UserCode)),
        // Whoever is to come again after the code's end need not come again.
        _ if server.is_transient() && server.retry_after.is_none_or(|wish| wish <= pending.left()) => {
            pending.back_off(server.retry_after);
            pause(context, pending)
        }
        _ => refused(context, Error::Server(server)),
    }
}

/// Ends with what the authority said. That it was about a user code is noted: blocked here, the browser may do.
fn refused(context: &mut Context, mut error: Error) -> Step {
    if let Error::Server(server) = &mut error {
        server.by_user_code = true;
    }
    if refusal::is_no(&error) { refusal::in_vain(context, error) } else { Step::End(Err(error)) }
}
