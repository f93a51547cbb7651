//! The world around a flow: a clock that waits in no time, a cache, a lock, an authority and a browser that
//! follow a script, and a record of all that happened.
//!
//! Whatever story runs here is held to the same rules: a lock that was taken is given back before the end
//! and never covers a sign-in, nothing is saved past the lock without having tried it, a silent flow
//! refreshes once at most, and nothing that is printed shows a secret.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::time::Duration;

use entrada_core::cache::Snapshot;
use entrada_core::protocol::{HttpAnswer, HttpQuery, ResponseMode};
use entrada_core::{
    Action, App, Error, Event, Fault, Flow, Guarded, Listen, Listening, Lock, Outcome, Prompt, Receive, Redirect,
    Secret, SignIn, TokenRequest, UnixTime, Wait, WaitReason,
};
use serde_json::Value;

use super::watch::Watch;
use super::{Cached, FAULTS, NOW, Reply, Rng};

/// More steps than any story takes.
const LIMIT: usize = 2000;

/// A request that went to the authority.
pub(crate) struct Call {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    form: Vec<(String, String)>,
}

impl Call {
    /// A field of the form; empty where it is not there, and never there twice.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &str {
        let mut values = self.form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = values.next().unwrap_or_default();
        assert!(values.next().is_none(), "{name} is sent twice");
        value
    }

    /// The whole form, in its order.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        self.form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// What comes back from the browser; `{state}` stands for the state that was sent.
#[derive(Clone)]
pub(crate) enum Back {
    Parameters(String),
    Bare(String),
    Fault(Fault),
}

impl Back {
    pub(crate) fn with(parameters: &str) -> Self {
        Self::Parameters(parameters.into())
    }
}

/// One step of a flow: what happened, or how it ended.
pub(crate) enum Turn {
    Goes(Event),
    Ended(Result<Outcome, Error>),
}

pub(crate) struct World {
    pub(crate) cache: Option<Vec<u8>>,
    /// What the authority answers, in order.
    pub(crate) authority: VecDeque<Reply>,
    /// How tries for the lock end, in order; ours where the script says no more.
    pub(crate) locks: VecDeque<Lock>,
    /// The same of the sign-in's lock; there is none where the script says no more.
    pub(crate) sign_in_locks: VecDeque<Lock>,
    /// What others have made of the cache after each wait; untouched where the script says nothing.
    pub(crate) meanwhile: VecDeque<Option<Cached>>,
    pub(crate) browser: Back,
    /// Which action fails, whenever it comes.
    pub(crate) broken: Option<(&'static str, Fault)>,
    /// At which step, counted from 0, which fault strikes.
    pub(crate) strike: Option<(usize, Fault)>,
    /// Once in how many steps a random fault strikes; never at 0.
    pub(crate) chaos: usize,
    pub(crate) rng: Rng,

    pub(crate) calls: Vec<Call>,
    pub(crate) waits: Vec<Duration>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) modes: Vec<ResponseMode>,
    /// What was set aside.
    pub(crate) aside: Vec<Vec<u8>>,
    log: Vec<String>,
    elapsed: Duration,
    held: bool,
    signing_in: bool,
    retries: usize,
    tried_in_vain: bool,
    watch: Watch,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            cache: None,
            authority: VecDeque::new(),
            locks: VecDeque::new(),
            sign_in_locks: VecDeque::new(),
            meanwhile: VecDeque::new(),
            browser: Back::with("code=code-1&state={state}&session_state=1"),
            broken: None,
            strike: None,
            chaos: 0,
            rng: Rng::new(7),
            calls: Vec::new(),
            waits: Vec::new(),
            prompts: Vec::new(),
            modes: Vec::new(),
            aside: Vec::new(),
            log: Vec::new(),
            elapsed: Duration::ZERO,
            held: false,
            signing_in: false,
            retries: 0,
            tried_in_vain: false,
            watch: Watch::default(),
        }
    }

    pub(crate) fn with(cache: &Cached) -> Self {
        let mut world = Self::new();
        world.cache = Some(cache.bytes());
        world
    }

    /// What the authority answers next.
    pub(crate) fn answers(&mut self, reply: impl Into<Reply>) -> &mut Self {
        self.authority.push_back(reply.into());
        self
    }

    pub(crate) fn silent(&mut self, app: &App, request: &TokenRequest) -> Result<Outcome, Error> {
        self.run(Flow::silent(app, request))
    }

    pub(crate) fn interactive(&mut self, app: &App, request: &TokenRequest, how: &SignIn) -> Result<Outcome, Error> {
        self.run(Flow::interactive(app, request, how))
    }

    pub(crate) fn device_code(&mut self, app: &App, request: &TokenRequest, how: &SignIn) -> Result<Outcome, Error> {
        self.run(Flow::device_code(app, request, how))
    }

    /// Runs a flow to its end, and holds it to the rules.
    pub(crate) fn run(&mut self, (mut flow, mut action): (Flow, Action)) -> Result<Outcome, Error> {
        for _ in 0..LIMIT {
            self.sees_no_secret(&flow);
            match self.turn(action) {
                Turn::Goes(event) => action = flow.resume(self.now(), event),
                Turn::Ended(ending) => return ending,
            }
        }
        panic!("no end after {LIMIT} steps: {}", self.story());
    }

    /// Does what one action says.
    pub(crate) fn turn(&mut self, action: Action) -> Turn {
        self.sees_no_secret(&action);
        let event = match action {
            Action::Http(ask) => {
                let answer = self.http(&ask.query);
                ask.reply(answer)
            }
            Action::Load(ask) => ask.reply(self.load().map(Snapshot::of)),
            Action::Save(ask) => {
                let saved = self.save(&ask.query.bytes);
                ask.reply(saved)
            }
            Action::SetAside(ask) => ask.reply(self.set_aside()),
            Action::TryLock(ask) => match ask.query.of {
                Guarded::Cache => ask.reply(self.try_lock()),
                Guarded::SignIn(_) => ask.reply(self.try_sign_in_lock()),
            },
            Action::Unlock(ask) => match ask.query.of {
                Guarded::Cache => ask.reply(self.unlock()),
                Guarded::SignIn(_) => ask.reply(self.unlock_sign_in()),
            },
            Action::Entropy(ask) => {
                let bytes = self.entropy(ask.query.bytes);
                ask.reply(bytes)
            }
            Action::Listen(ask) => {
                let listening = self.listen(&ask.query);
                ask.reply(listening)
            }
            Action::Present(ask) => {
                let presented = self.present(&ask.query);
                ask.reply(presented)
            }
            Action::Receive(ask) => {
                let redirect = self.receive(&ask.query);
                ask.reply(redirect)
            }
            Action::Wait(ask) => {
                let waited = self.wait(&ask.query);
                ask.reply(waited)
            }
            Action::Done(ending) => return Turn::Ended(self.ended(ending)),
            other => panic!("an action that nobody knows: {other:?}"),
        };
        self.sees_no_secret(&event);
        Turn::Goes(event)
    }

    /// Looks at how a flow has ended.
    pub(crate) fn ended(&mut self, ending: Result<Outcome, Error>) -> Result<Outcome, Error> {
        assert!(!self.held && !self.signing_in, "a lock is still held at the end: {}", self.story());
        let refreshes = self.log.iter().filter(|word| *word == "refresh").count();
        // One with each refresh token that a neighbour may have left.
        let used: BTreeSet<&str> = self.calls.iter().map(|call| call.field("refresh_token")).collect();
        let tokens = used.iter().filter(|token| !token.is_empty()).count().max(1);
        assert!(refreshes <= tokens + self.retries.min(1), "one flow, {refreshes} refreshes: {}", self.story());
        self.retries = 0;
        self.tried_in_vain = false;
        self.sees_no_secret(&ending);
        if let Err(error) = &ending {
            self.sees_no_secret(&format_args!("{error}"));
        }
        ending
    }

    pub(crate) fn now(&self) -> UnixTime {
        NOW + self.elapsed
    }

    /// Lets time pass between two flows, and forgets what was noted of the first.
    pub(crate) fn later(&mut self, duration: Duration) -> &mut Self {
        self.elapsed += duration;
        self.log.clear();
        self.calls.clear();
        self
    }

    /// Lets time pass in the middle of a flow.
    pub(crate) fn sleeps(&mut self, duration: Duration) {
        self.elapsed += duration;
    }

    /// All that happened, a word each.
    pub(crate) fn story(&self) -> String {
        self.log.join(" ")
    }

    /// What is in the cache now.
    pub(crate) fn cached(&self) -> Value {
        serde_json::from_slice(self.cache.as_deref().expect("a cache")).expect("a readable cache")
    }

    /// The secrets of one section, in the order of their keys.
    pub(crate) fn secrets(&self, section: &str) -> Vec<String> {
        let cached = self.cached();
        let entries = cached[section].as_object().into_iter().flatten();
        entries.filter_map(|(_, entry)| entry["secret"].as_str().map(String::from)).collect()
    }

    fn note(&mut self, word: &str) -> Result<(), Fault> {
        let step = self.log.len();
        let struck = self.strike.filter(|(at, _)| *at == step).map(|(_, fault)| fault);
        let broken = self.broken.filter(|(what, _)| *what == word).map(|(_, fault)| fault);
        self.log.push(word.into());
        let chance = (self.chaos > 0 && self.rng.once_in(self.chaos)).then(|| *self.rng.pick(&FAULTS));
        match struck.or(broken).or(chance) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    pub(crate) fn http(&mut self, query: &HttpQuery) -> Result<HttpAnswer, Fault> {
        let form: Vec<(String, String)> =
            url::form_urlencoded::parse(query.body.expose().as_bytes()).into_owned().collect();
        let call = Call { url: query.url.clone(), headers: query.headers.clone(), form };
        let word = match call.field("grant_type") {
            "refresh_token" => "refresh",
            "authorization_code" => "redeem",
            "urn:ietf:params:oauth:grant-type:device_code" => "poll",
            _ if call.url.ends_with("/.well-known/openid-configuration") => "discovery",
            _ => "devicecode",
        };
        assert!(!self.held || word == "refresh", "the lock covers {word}");
        self.watch.keep(call.field("code_verifier"));
        self.calls.push(call);
        self.note(word)?;
        let Some(reply) = self.authority.pop_front() else { panic!("an unexpected {word}: {}", self.story()) };
        let answer = match reply {
            Reply::Grant(grant) => grant.answer(self.nonce().as_deref()),
            Reply::Answer(answer) => answer,
            Reply::Fault(fault) => return Err(fault),
        };
        if let Ok(body) = serde_json::from_slice::<Value>(&answer.body) {
            for name in ["access_token", "refresh_token", "id_token", "device_code"] {
                self.watch.keep(body[name].as_str().unwrap_or_default());
            }
        }
        Ok(answer)
    }

    /// The nonce of the sign-in page that was shown last.
    fn nonce(&self) -> Option<String> {
        match self.prompts.last()? {
            Prompt::SignIn { url, .. } => {
                let url = url::Url::parse(url).expect("a URL");
                url.query_pairs().find(|(name, _)| name == "nonce").map(|(_, nonce)| nonce.into_owned())
            }
            _ => None,
        }
    }

    pub(crate) fn load(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        self.note("load")?;
        self.watch.keep_cached(self.cache.as_deref());
        Ok(self.cache.clone())
    }

    pub(crate) fn save(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        assert!(self.held || self.tried_in_vain, "saved past the lock: {}", self.story());
        self.note("save")?;
        self.cache = Some(bytes.to_vec());
        self.watch.keep_cached(self.cache.as_deref());
        Ok(())
    }

    pub(crate) fn set_aside(&mut self) -> Result<String, Fault> {
        assert!(self.held || self.tried_in_vain, "set aside past the lock: {}", self.story());
        self.note("set-aside")?;
        self.aside.extend(self.cache.take());
        Ok("/somewhere/else".into())
    }

    pub(crate) fn try_lock(&mut self) -> Result<Lock, Fault> {
        assert!(!self.held, "locked twice: {}", self.story());
        self.tried_in_vain = true;
        self.note("lock")?;
        let lock = self.locks.pop_front().unwrap_or(Lock::Held);
        self.held = lock == Lock::Held;
        Ok(lock)
    }

    pub(crate) fn unlock(&mut self) -> Result<(), Fault> {
        assert!(self.held, "unlocked without a lock: {}", self.story());
        self.held = false;
        self.note("unlock")
    }

    /// A world that has no such lock says nothing of it.
    fn try_sign_in_lock(&mut self) -> Result<Lock, Fault> {
        assert!(!self.held && !self.signing_in, "locked twice: {}", self.story());
        let Some(lock) = self.sign_in_locks.pop_front() else { return Ok(Lock::Unsupported) };
        self.note("sign-in-lock")?;
        self.signing_in = lock == Lock::Held;
        Ok(lock)
    }

    fn unlock_sign_in(&mut self) -> Result<(), Fault> {
        assert!(self.signing_in && !self.held, "unlocked out of order: {}", self.story());
        self.signing_in = false;
        self.note("sign-in-unlock")
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.held
    }

    pub(crate) fn entropy(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        self.user_takes_part("entropy")?;
        Ok(self.rng.bytes(count))
    }

    pub(crate) fn listen(&mut self, query: &Listen) -> Result<Listening, Fault> {
        self.user_takes_part("listen")?;
        self.modes = query.response_modes.clone();
        Ok(Listening { redirect_uri: "http://localhost:53682".into(), response_mode: query.response_modes[0] })
    }

    pub(crate) fn present(&mut self, prompt: &Prompt) -> Result<(), Fault> {
        self.prompts.push(prompt.clone());
        self.user_takes_part("present")
    }

    pub(crate) fn receive(&mut self, query: &Receive) -> Result<Redirect, Fault> {
        self.user_takes_part("receive")?;
        self.elapsed += Duration::from_secs(20);
        match self.browser.clone() {
            Back::Parameters(text) => {
                self.watch.keep("code-1");
                Ok(Redirect::Parameters(Secret::new(text.replace("{state}", &query.state))))
            }
            Back::Bare(code) => {
                self.watch.keep(&code);
                Ok(Redirect::BareCode(Secret::new(code)))
            }
            Back::Fault(fault) => Err(fault),
        }
    }

    pub(crate) fn wait(&mut self, wait: &Wait) -> Result<(), Fault> {
        match wait.reason {
            // The one wait with the lock: a second, for an authority that stumbled.
            WaitReason::Retry => {
                assert!(!self.held || wait.duration <= Duration::from_secs(1), "{wait:?}");
                self.note("wait")?;
                self.retries += 1;
            }
            _ => self.user_takes_part("wait")?,
        }
        self.waits.push(wait.duration);
        self.elapsed = self.elapsed.saturating_add(wait.duration);
        if let Some(Some(cached)) = self.meanwhile.pop_front() {
            self.cache = Some(cached.bytes());
        }
        Ok(())
    }

    /// Notes a step that can take as long as the user likes.
    fn user_takes_part(&mut self, word: &str) -> Result<(), Fault> {
        assert!(!self.held, "the lock covers {word}: {}", self.story());
        self.note(word)
    }

    /// What is printed shows no secret.
    #[track_caller]
    pub(crate) fn sees_no_secret(&self, what: &dyn Debug) {
        self.watch.looks_at(what);
    }
}
