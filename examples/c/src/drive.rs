//! The loop: a flow, run over callbacks.

use std::time::Duration;

use entrada_core::cache::Snapshot;
use entrada_core::protocol::{HttpAnswer, HttpQuery};
use entrada_core::{Action, Error, Fault, Flow, Lock, Outcome, Prompt, UnixTime};

/// What a program in C does for a flow, in Rust's own words.
pub(crate) trait Host {
    fn send(&self, query: &HttpQuery) -> Result<HttpAnswer, Fault>;
    fn load(&self) -> Result<Option<Vec<u8>>, Fault>;
    fn save(&self, cache: &[u8]) -> Result<(), Fault>;
    fn set_aside(&self) -> Result<String, Fault>;
    fn show_code(&self, code: &str, uri: &str, message: Option<&str>) -> Result<(), Fault>;
    fn wait(&self, duration: Duration) -> Result<(), Fault>;
    fn now(&self) -> UnixTime;
    /// Whether there is no use in going on.
    fn is_misused(&self) -> bool;
}

pub(crate) fn drive((mut flow, mut action): (Flow, Action), host: &dyn Host) -> Result<Outcome, Error> {
    loop {
        let event = match action {
            Action::Http(ask) => {
                let answer = host.send(&ask.query);
                ask.reply(answer)
            }
            Action::Load(ask) => ask.reply(host.load().map(Snapshot::of)),
            Action::Save(ask) => {
                let saved = host.save(&ask.query.bytes);
                ask.reply(saved)
            }
            Action::SetAside(ask) => ask.reply(host.set_aside()),
            Action::TryLock(ask) => ask.answer(Lock::Unsupported),
            Action::Unlock(ask) => ask.answer(()),
            Action::Present(ask) => {
                let shown = show(&ask.query, host);
                ask.reply(shown)
            }
            Action::Wait(ask) => {
                let waited = host.wait(ask.query.duration);
                ask.reply(waited)
            }
            // For a sign-in with a browser, which this library does not offer.
            Action::Entropy(ask) => ask.fail(Fault::NotFound),
            Action::Listen(ask) => ask.fail(Fault::NotFound),
            Action::Receive(ask) => ask.fail(Fault::NotFound),
            Action::Done(result) => return result,
            _ => return Err(Error::Misuse("an action that this library does not know")),
        };
        if host.is_misused() {
            return Err(Error::Cancelled);
        }
        action = flow.resume(host.now(), event);
    }
}

fn show(prompt: &Prompt, host: &dyn Host) -> Result<(), Fault> {
    match prompt {
        Prompt::UserCode { code, verification_uri, message, .. } => {
            host.show_code(code, verification_uri, message.as_deref())
        }
        _ => Err(Fault::NotFound),
    }
}
