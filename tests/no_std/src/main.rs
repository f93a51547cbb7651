//! A device that signs in with a user code, and has nothing but a C library: no std, no runtime, no threads.
//!
//! `no_std silent|sign-in AUTHORITY CLIENT_ID SCOPE CACHE SECONDS_AHEAD [CLAIMS]` gets a token, and says whose it is and
//! where it came from; the claims are those that `silent` said a sign-in must ask for. It speaks http to an authority on loopback; a device in the world has its platform's TLS in
//! `host::Host::send`, and nothing else changes.
#![no_std]
#![no_main]

extern crate alloc;
// The negative control has std. So has what the lints build, where panics unwind, which std alone can bring.
#[cfg(any(feature = "std", panic = "unwind"))]
extern crate std;

mod bare;
mod host;

use alloc::format;
use alloc::string::String;

use bare::{complain, say};
use entrada_core::cache::Snapshot;
use entrada_core::{Action, App, Authority, Error, Fault, Flow, Lock, Outcome, Prompt, SignIn, TokenRequest};
use host::Host;

/// Said where the arguments are not understood.
const USAGE: &str = "usage: no_std silent|sign-in AUTHORITY CLIENT_ID SCOPE CACHE SECONDS_AHEAD [CLAIMS]";

/// The exit code: 0 with a token, 10 where the user must sign in, 1 otherwise.
fn start(arguments: &[&str]) -> i32 {
    match run(arguments) {
        Ok(Outcome::Token(token)) => {
            let who = token.account.as_ref().map_or("nobody", |account| account.username.as_str());
            say(format_args!("a token of {who}'s from {:?}", token.source));
            token.warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
            0
        }
        Ok(other) => {
            say(format_args!("no token: {other:?}"));
            1
        }
        Err(Error::UiRequired(required)) => {
            say(format_args!("{required}; claims: {}", required.claims.as_deref().unwrap_or("none")));
            10
        }
        Err(error) => {
            complain(format_args!("{error}"));
            1
        }
    }
}

fn run(arguments: &[&str]) -> Result<Outcome, Error> {
    let usage = || Error::Config(String::from(USAGE));
    let &[what, authority, client_id, scope, cache, ahead, ref claims @ ..] = arguments else { return Err(usage()) };
    let claims = match claims {
        [] => None,
        [claims] => Some(String::from(*claims)),
        _ => return Err(usage()),
    };
    let ahead = ahead.parse().map_err(|_| usage())?;
    let (next, aside) = (format!("{cache}.next"), format!("{cache}.corrupt"));
    let host = Host { cache, next: &next, aside: &aside, ahead };

    let app = App::new(client_id, Authority::entra(authority)?)?;
    let request = TokenRequest::new([scope])?.claims(claims);
    match what {
        "silent" => drive(Flow::silent(&app, &request), &host),
        "sign-in" => drive(Flow::device_code(&app, &request, &SignIn::new()), &host),
        _ => Err(usage()),
    }
}

/// Does what the flow wants until it is done.
fn drive((mut flow, mut action): (Flow, Action), host: &Host<'_>) -> Result<Outcome, Error> {
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
            Action::SetAside(ask) => ask.reply(host.set_aside().map(|()| String::from(host.aside))),
            // Nobody else is on this device.
            Action::TryLock(ask) => ask.answer(Lock::Unsupported),
            Action::Unlock(ask) => ask.answer(()),
            Action::Entropy(ask) => {
                let bytes = host::entropy(ask.query.bytes);
                ask.reply(bytes)
            }
            Action::Present(ask) => {
                let shown = show(&ask.query);
                ask.reply(shown)
            }
            Action::Wait(ask) => {
                host::wait(ask.query.duration);
                ask.answer(())
            }
            // It has no browser, and asks for no sign-in with one.
            Action::Listen(ask) => ask.fail(Fault::NotFound),
            Action::Receive(ask) => ask.fail(Fault::NotFound),
            Action::Done(result) => return result,
            _ => return Err(Error::Misuse("this device knows no such action")),
        };
        action = flow.resume(host.now(), event);
    }
}

fn show(prompt: &Prompt) -> Result<(), Fault> {
    let Prompt::UserCode { code, verification_uri, .. } = prompt else { return Err(Fault::NotFound) };
    say(format_args!("enter {code} at {verification_uri}"));
    Ok(())
}
