//! What a flow did and how long that took, for those who listen: a span around it, and an event at its end.

use std::time::{Duration, Instant};

use crate::{Action, Flow, Outcome, TokenSource, WaitReason};

/// The span around a flow.
pub(super) fn span(flow: &Flow) -> tracing::Span {
    tracing::debug_span!("flow", kind = flow.kind(), correlation_id = flow.correlation_id())
}

/// The times of one run; nobody looks at the clock where nobody listens.
pub(super) struct Times(Option<Taken>);

struct Taken {
    begun: Instant,
    phase: Option<(Phase, Instant)>,
    spent: [Duration; 4],
}

/// What time is spent on.
#[derive(Clone, Copy)]
enum Phase {
    Cache,
    Lock,
    Authority,
    User,
}

impl Phase {
    fn of(action: &Action) -> Option<Self> {
        Some(match action {
            Action::Http(_) => Self::Authority,
            Action::Load(_) | Action::Save(_) | Action::SetAside(_) => Self::Cache,
            Action::TryLock(_) | Action::Unlock(_) => Self::Lock,
            Action::Listen(_) | Action::Present(_) | Action::Receive(_) => Self::User,
            Action::Wait(ask) => match ask.query.reason {
                WaitReason::Lock => Self::Lock,
                WaitReason::Retry => Self::Authority,
                WaitReason::UserCode | WaitReason::OtherSignIn => Self::User,
            },
            Action::Entropy(_) | Action::Done(_) => return None,
        })
    }
}

impl Times {
    pub(super) fn begin() -> Self {
        let is_heard = tracing::enabled!(tracing::Level::DEBUG);
        Self(is_heard.then(|| Taken { begun: Instant::now(), phase: None, spent: [Duration::ZERO; 4] }))
    }

    /// The last action is done, and this one begins; tells all where it is the end.
    pub(super) fn next(&mut self, action: &Action) {
        let Some(taken) = &mut self.0 else { return };
        let now = Instant::now();
        if let Some((phase, since)) = taken.phase.take() {
            taken.spent[phase as usize] += now.duration_since(since);
        }
        taken.phase = Phase::of(action).map(|phase| (phase, now));
        if let Action::Done(result) = action {
            let milliseconds = |duration: Duration| (duration.as_secs_f64() * 100_000.0).round() / 100.0;
            let [cache_ms, lock_ms, authority_ms, user_ms] = taken.spent.map(milliseconds);
            let ended = match result {
                Ok(Outcome::Token(token)) => match token.source {
                    TokenSource::Cache => "a token from the cache",
                    TokenSource::Refresh => "a token from a refresh",
                    TokenSource::SignIn => "a token from a sign-in",
                },
                Ok(_) => "done",
                Err(error) if error.needs_ui() => "a sign-in is needed",
                Err(_) => "failed",
            };
            let total_ms = milliseconds(now.duration_since(taken.begun));
            tracing::debug!(ended, total_ms, cache_ms, lock_ms, authority_ms, user_ms, "a flow has ended");
        }
    }
}
