//! Answers of the wrong kind, which no driver can make by itself: at every question, every kind.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::discriminant;
use core::time::Duration;

use super::Flow;
use crate::ask::{Answer, Event};
use crate::cache::{Snapshot, TokenCache};
use crate::protocol::{HttpAnswer, ResponseMode};
use crate::{
    Action, App, Authority, Error, Listening, Lock, Outcome, Redirect, Secret, SignIn, TokenRequest, UnixTime,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CACHE: &str = r#"{"RefreshToken":{"r":{"home_account_id":"a.b","environment":"id.example","client_id":"c",
    "secret":"refresh-1"}}}"#;
const DISCOVERY: &str = r#"{"issuer":"https://id.example/t","authorization_endpoint":"https://id.example/a",
    "token_endpoint":"https://id.example/token","device_authorization_endpoint":"https://id.example/d"}"#;
const USER_CODE: &str = r#"{"device_code":"d","user_code":"u","verification_uri":"https://id.example/v"}"#;
const GRANT: &str = r#"{"access_token":"access-1","expires_in":3600}"#;

/// One answer of each kind.
fn kinds() -> Vec<Answer> {
    let listening = Listening { redirect_uri: String::from("http://localhost:1"), response_mode: ResponseMode::Query };
    vec![
        Answer::Http(HttpAnswer::default()),
        Answer::Loaded(Snapshot::default()),
        Answer::Saved,
        Answer::SetAside(String::new()),
        Answer::Lock(Lock::Held),
        Answer::Unlocked,
        Answer::Entropy(vec![0; 64]),
        Answer::Listening(listening),
        Answer::Presented,
        Answer::Redirect(Redirect::BareCode(Secret::new("code"))),
        Answer::Waited,
    ]
}

fn app(generic: bool) -> App {
    let authority =
        if generic { Authority::oidc("https://id.example/t") } else { Authority::entra("https://id.example/t") };
    App::new("c", authority.unwrap()).unwrap()
}

/// A cache with an account that no other has.
fn other() -> TokenCache {
    TokenCache::parse(br#"{"Account":{"a":{"home_account_id":"n.t","environment":"e","realm":"t"}}}"#).unwrap()
}

/// Every flow there is, over a cache of these bytes.
fn flows(cache: &'static str) -> Vec<(Run, (Flow, Action))> {
    let request = TokenRequest::new(["s"]).unwrap();
    let mut flows = Vec::new();
    for app in [app(false), app(true)] {
        let started = [
            Flow::silent(&app, &request),
            Flow::interactive(&app, &request, &SignIn::new()),
            Flow::device_code(&app, &request, &SignIn::new()),
            Flow::accounts(&app),
            Flow::sign_out(&app, None),
            Flow::import(&app, other()),
        ];
        flows.extend(started.map(|flow| (Run { cache, tries: 0 }, flow)));
    }
    flows
}

/// A world where all goes well, but for a lock that is busy once.
struct Run {
    cache: &'static str,
    tries: u32,
}

impl Run {
    /// The right answer, or the end.
    fn answer(&mut self, action: Action) -> Result<Event, Result<Outcome, Error>> {
        Ok(match action {
            Action::Http(ask) => {
                let body = match ask.query.url.as_str() {
                    url if url.ends_with("openid-configuration") => DISCOVERY,
                    url if url.ends_with("/d") || url.ends_with("/devicecode") => USER_CODE,
                    _ => GRANT,
                };
                ask.answer(HttpAnswer { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() })
            }
            Action::Load(ask) => ask.answer(Snapshot::of(Some(self.cache.as_bytes().to_vec()))),
            Action::Save(ask) => ask.answer(()),
            Action::SetAside(ask) => ask.answer(String::from("aside")),
            Action::TryLock(ask) => {
                self.tries += 1;
                ask.answer(if self.tries == 1 { Lock::Busy } else { Lock::Held })
            }
            Action::Unlock(ask) => ask.answer(()),
            Action::Entropy(ask) => {
                let count = ask.query.bytes;
                ask.answer(vec![7; count])
            }
            Action::Listen(ask) => {
                let response_mode = ask.query.response_modes[0];
                ask.answer(Listening { redirect_uri: String::from("http://localhost:1"), response_mode })
            }
            Action::Present(ask) => ask.answer(()),
            Action::Receive(ask) => {
                let parameters = format!("code=code-1&state={}", ask.query.state);
                ask.answer(Redirect::Parameters(Secret::new(parameters)))
            }
            Action::Wait(ask) => ask.answer(()),
            Action::Done(ending) => return Err(ending),
        })
    }
}

/// The flow of that number after so many right answers, and the next right one; nothing where it has ended.
fn standing_at(cache: &'static str, number: usize, steps: usize) -> Option<(Flow, Event, u32)> {
    let (mut run, (mut flow, mut action)) = flows(cache).swap_remove(number);
    for _ in 0..steps {
        action = flow.resume(NOW, run.answer(action).ok()?);
    }
    let locks = u32::from(flow.context.holds_lock) + u32::from(flow.context.holds_sign_in);
    Some((flow, run.answer(action).ok()?, locks))
}

#[test]
fn an_answer_of_the_wrong_kind_ends_every_state_and_gives_the_lock_back() {
    let (mut refused, mut locked) = (0, 0);
    for cache in [CACHE, "not json"] {
        for number in 0..flows(cache).len() {
            for steps in 0.. {
                let Some((_, right, _)) = standing_at(cache, number, steps) else { break };
                let right = discriminant(&right.answer.expect("a good answer"));
                for wrong in kinds().into_iter().filter(|kind| discriminant(kind) != right) {
                    let (mut flow, event, locks) = standing_at(cache, number, steps).expect("the same state");
                    let kind = format!("{wrong:?} at {:?}", flow.state);
                    let event = Event { number: event.number, answer: Ok(wrong) };
                    let action = flow.resume(NOW + Duration::from_secs(1), event);
                    let mut action = action;
                    let mut given_back = 0;
                    while let Action::Unlock(ask) = action {
                        given_back += 1;
                        action = flow.resume(NOW, ask.answer(()));
                    }
                    assert_eq!(given_back, locks, "{kind}");
                    assert!(matches!(action, Action::Done(Err(Error::Misuse(_)))), "{kind}: {action:?}");
                    assert!(!flow.context.holds_lock && !flow.context.holds_sign_in, "{kind}");
                    refused += 1;
                    locked += locks;
                }
            }
        }
    }
    assert!(refused > 1000 && locked > 200, "{refused} refused, {locked} of them under the lock");
}
