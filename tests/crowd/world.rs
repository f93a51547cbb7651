//! The clock, the cache with its locks, the wire and the users: what the flows of a seed share.

use std::collections::HashMap;

use entrada::cache::Snapshot;
use entrada::protocol::HttpQuery;
use entrada::{Action, Event, Fault, Guarded, Listen, Listening, Lock, Prompt, Redirect, Secret, UnixTime, WaitReason};
use serde_json::Value;

use crate::agent::{Agent, Next};
use crate::house::{DEVICE_LIFETIME, House};
use crate::plan::{Happening, Locks, Plan, Who, latency};
use crate::rng::Rng;
use crate::rules::Rules;

/// Who has the lock that none of the flows has.
const STRANGER: usize = usize::MAX;

pub(crate) struct World<'h> {
    pub(crate) house: &'h House,
    pub(crate) plan: &'h Plan,
    pub(crate) rng: Rng,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    pub(crate) began: u64,
    /// The cache, read by us and read by the flows.
    pub(crate) cached: Value,
    snapshot: Snapshot,
    pub(crate) cache_lock: Option<usize>,
    pub(crate) sign_in_locks: HashMap<String, usize>,
    /// What is to happen, and when.
    pub(crate) happenings: Vec<(u64, Happening)>,
    pub(crate) rules: Rules,
    /// Which flows have a page open, and for whom.
    pub(crate) pages: HashMap<usize, Who>,
    /// Once in how many requests one gets lost on the way; never at 0.
    pub(crate) losses: u64,
    pub(crate) revoked: Vec<Who>,
    pub(crate) story: Vec<String>,
}

impl<'h> World<'h> {
    pub(crate) fn new(house: &'h House, plan: &'h Plan, rng: Rng, seed: u64) -> Self {
        let now = (house.millis() / 1000 + 1) * 1000;
        let cached = house.cache(plan, now / 1000);
        let is_strange = matches!(plan.locks, Locks::Strange(_));
        Self {
            house,
            plan,
            rng,
            now,
            began: now,
            snapshot: Snapshot::of(Some(cached.to_string().into_bytes())),
            cached,
            cache_lock: is_strange.then_some(STRANGER),
            sign_in_locks: HashMap::new(),
            happenings: plan.happenings.iter().map(|(after, what)| (now + after, what.clone())).collect(),
            rules: Rules::default(),
            pages: HashMap::new(),
            losses: plan.losses,
            revoked: Vec::new(),
            story: vec![format!("seed {seed}")],
        }
    }

    /// Those whom the plan knows.
    pub(crate) fn crowd(&self) -> Vec<Agent> {
        let wishes = self.plan.wishes.iter().enumerate();
        wishes.map(|(number, wish)| Agent::new(number, wish.clone(), self.began + wish.starts)).collect()
    }

    pub(crate) fn seconds(&self) -> u64 {
        self.now / 1000
    }

    pub(crate) fn unix(&self) -> UnixTime {
        UnixTime::from_secs(self.seconds())
    }

    pub(crate) fn tell(&mut self, who: &Agent, what: impl std::fmt::Display) {
        let at = self.now - self.began;
        self.story.push(format!("{:>9.3} #{} {what}", at as f64 / 1000.0, who.number));
    }

    #[track_caller]
    pub(crate) fn fail(&self, sentence: &str) -> ! {
        let wishes: Vec<String> = self.plan.wishes.iter().map(|wish| format!("{wish:?}")).collect();
        let rest = Plan { wishes: Vec::new(), ..self.plan.clone() };
        panic!("{sentence}\n{}\n{rest:?}\n{}", wishes.join("\n"), self.story.join("\n"));
    }

    /// Does what an action says, at once; the flow is told later.
    pub(crate) fn perform(&mut self, agent: &mut Agent, action: Action) {
        let mut after = 0;
        let event = match action {
            Action::Http(ask) => {
                let (answer, took) = self.exchange(agent, &ask.query);
                after = took;
                ask.reply(answer)
            }
            Action::Load(ask) => ask.answer(self.snapshot.clone()),
            Action::Save(mut ask) => {
                self.saves(agent, serde_json::from_slice(&ask.query.bytes).unwrap());
                self.snapshot = Snapshot::of(Some(std::mem::take(&mut ask.query.bytes)));
                ask.answer(())
            }
            Action::TryLock(ask) => {
                let lock = self.try_lock(agent, &ask.query.of);
                ask.answer(lock)
            }
            Action::Unlock(ask) => {
                self.unlock(agent, &ask.query.of);
                ask.answer(())
            }
            Action::Entropy(ask) => {
                let bytes = (0..ask.query.bytes).map(|_| self.rng.next() as u8).collect();
                ask.answer(bytes)
            }
            Action::Listen(ask) => {
                let listening = self.listen(&ask.query);
                ask.answer(listening)
            }
            Action::Present(ask) => {
                self.present(agent, &ask.query);
                ask.answer(())
            }
            Action::Receive(ask) => {
                let (redirect, took) = self.receive(agent, ask.query.timeout.as_millis() as u64);
                after = took;
                ask.reply(redirect)
            }
            Action::Wait(ask) => {
                self.note_wait(agent, ask.query);
                after = ask.query.duration.as_millis() as u64;
                ask.answer(())
            }
            Action::Done(ending) => {
                self.tell(agent, format_args!("ends: {}", told(&ending)));
                agent.flow = None;
                agent.ending = Some(ending);
                return self.ended(agent);
            }
            other => self.fail(&format!("an unexpected {other:?}")),
        };
        agent.next = Some((self.now + after, Next::Event(event)));
    }

    /// Lets a flow go on, and does what it wants next.
    pub(crate) fn go_on(&mut self, agent: &mut Agent) {
        match agent.next.take() {
            Some((_, Next::Start)) => {
                let (flow, action) = agent.start(self.house);
                agent.flow = Some(flow);
                self.perform(agent, action);
            }
            Some((_, Next::Event(event))) => self.resume(agent, event),
            None => {}
        }
    }

    fn resume(&mut self, agent: &mut Agent, event: Event) {
        agent.began.get_or_insert(self.now);
        agent.steps += 1;
        let now = self.unix();
        if let Some(flow) = &mut agent.flow {
            let action = flow.resume(now, event);
            self.perform(agent, action);
        }
        self.keeps_bounds(agent);
    }

    fn exchange(
        &mut self,
        agent: &mut Agent,
        query: &HttpQuery,
    ) -> (Result<entrada::protocol::HttpAnswer, Fault>, u64) {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(query.body.expose().as_bytes()).into_owned().collect();
        self.sends(agent, &form);
        self.house.catch_up(self.now);
        let is_lost = self.losses > 0 && self.rng.once_in(self.losses);
        // Lost on the way there, or on the way back.
        let answer = if is_lost && self.rng.once_in(2) { Err(Fault::TimedOut) } else { self.house.exchange(query) };
        let (answer, took) = match is_lost {
            true => (Err(Fault::TimedOut), query.timeout.as_millis() as u64),
            false => (answer, latency(&mut self.rng).as_millis() as u64),
        };
        agent.exchanged.0 += took;
        agent.exchanged.1 += 1;
        self.notes_answer(agent, &form, &answer, self.now + took);
        let grant = form.get("grant_type").map_or("user code", |grant| grant.rsplit(':').next().unwrap_or_default());
        self.tell(agent, format_args!("{grant} => {} after {took} ms", in_short(&answer)));
        (answer, took)
    }

    fn try_lock(&mut self, agent: &mut Agent, of: &Guarded) -> Lock {
        let me = agent.number;
        let holder = match of {
            Guarded::Cache if self.plan.locks == Locks::Unsupported => {
                return Lock::Unsupported;
            }
            Guarded::Cache => *self.cache_lock.get_or_insert(me),
            Guarded::SignIn(_) if !self.plan.sign_in_locks => {
                return Lock::Unsupported;
            }
            Guarded::SignIn(name) => *self.sign_in_locks.entry(name.clone()).or_insert(me),
        };
        let is_mine = holder == me;
        if !is_mine && *of == Guarded::Cache && agent.waited[0].as_secs() >= 45 {
            self.rules.tally.out_of_patience += 1;
            self.tell(agent, "goes on without the lock");
        }
        if is_mine {
            let what = if *of == Guarded::Cache { "locks the cache" } else { "locks the sign-in" };
            self.tell(agent, what);
        }
        if is_mine { Lock::Held } else { Lock::Busy }
    }

    fn unlock(&mut self, agent: &mut Agent, of: &Guarded) {
        let holder = match of {
            Guarded::Cache => self.cache_lock.take(),
            Guarded::SignIn(name) => self.sign_in_locks.remove(name),
        };
        if holder != Some(agent.number) {
            self.fail(&format!("#{} gives back what it has not", agent.number));
        }
        self.tell(agent, "unlocks");
    }

    /// As the operating system does for a process that is gone.
    pub(crate) fn give_back_all(&mut self, number: usize) {
        self.cache_lock = self.cache_lock.filter(|holder| *holder != number);
        self.sign_in_locks.retain(|_, holder| *holder != number);
    }

    fn listen(&mut self, query: &Listen) -> Listening {
        let response_mode = *self.rng.pick(&query.response_modes);
        Listening { redirect_uri: "http://localhost:53682".into(), response_mode }
    }

    fn present(&mut self, agent: &mut Agent, prompt: &Prompt) {
        self.waits_for_the_user(agent);
        match prompt {
            Prompt::SignIn { url, .. } => {
                self.shows_page(agent);
                agent.page = Some(url.clone());
                self.tell(agent, "shows a page");
            }
            Prompt::UserCode { code, .. } => {
                self.shows_page(agent);
                agent.page = Some(code.clone());
                let (who, yes) = (self.whoever(agent), !self.rng.once_in(8));
                let entered = Happening::CodeEntered { code: code.clone(), who, yes };
                // Some codes are never entered, and some too late.
                if !self.rng.once_in(4) {
                    let after = self.rng.below(DEVICE_LIFETIME * 1100);
                    self.happenings.push((self.now + after, entered));
                }
                self.tell(agent, "shows a user code");
            }
            Prompt::OtherSignIn { .. } => self.tell(agent, "waits for another's sign-in"),
            other => self.fail(&format!("an unexpected {other:?}")),
        }
    }

    /// The one who is wanted, as a rule.
    fn whoever(&mut self, agent: &Agent) -> Who {
        match agent.wish.who {
            Who::Ada if self.rng.once_in(10) => Who::Bob,
            who => who,
        }
    }

    /// The user at the page.
    fn receive(&mut self, agent: &Agent, timeout: u64) -> (Result<Redirect, Fault>, u64) {
        let url = agent.page.clone().unwrap_or_default();
        let name = self.house.name(self.whoever(agent));
        let visitor = self.house.stage.visitor().user(name).keeps_delivery();
        let visitor = match self.rng.below(8) {
            0 | 1 => return (Err(Fault::TimedOut), timeout),
            2 => visitor.cancels(),
            _ => visitor,
        };
        let took = self.rng.between(1000, timeout);
        self.house.catch_up(self.now);
        let visit = visitor.visit(&url).unwrap();
        let Some(delivered) = visit.delivered else { return (Err(Fault::TimedOut), timeout) };
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(delivered.parameters).finish();
        (Ok(Redirect::Parameters(Secret::new(text))), took)
    }

    fn note_wait(&mut self, agent: &mut Agent, wait: entrada::Wait) {
        let place = match wait.reason {
            WaitReason::Lock => 0,
            WaitReason::OtherSignIn => 1,
            WaitReason::UserCode => 2,
            WaitReason::Retry => 3,
            other => self.fail(&format!("an unexpected wait for {other:?}")),
        };
        if wait.reason != WaitReason::Retry {
            self.waits_for_the_user(agent);
        }
        agent.waited[place] += wait.duration;
        self.rules.tally.waits[place] += 1;
    }

    /// Lets something happen that is nobody's flow.
    pub(crate) fn happen(&mut self, what: Happening, agents: &mut [Agent]) {
        self.house.catch_up(self.now);
        let stage = &self.house.stage;
        self.story.push(format!("{:>9.3} {what:?}", (self.now - self.began) as f64 / 1000.0));
        match what {
            Happening::Killed(number) => self.kill(&mut agents[number]),
            Happening::Revoked(who, why) => {
                stage.revoke_refresh_tokens(self.house.name(who), why);
                self.revoked.push(who);
            }
            Happening::SecondFactor(who, on) => stage.require_mfa(self.house.name(who), on),
            Happening::StrangerLeaves => self.give_back_all(STRANGER),
            Happening::CodeEntered { code, who, yes } => {
                let visitor = stage.visitor().user(self.house.name(who));
                let visitor = if yes { visitor } else { visitor.declines() };
                visitor.enter_user_code(&code).unwrap();
            }
        }
    }

    fn kill(&mut self, agent: &mut Agent) {
        if agent.next.take().is_some() {
            agent.flow = None;
            agent.page = None;
            self.pages.remove(&agent.number);
            self.give_back_all(agent.number);
            self.forgets(agent);
            self.rules.tally.killed += 1;
        }
    }
}

fn told(ending: &Result<entrada::Outcome, entrada::Error>) -> String {
    match ending {
        Ok(entrada::Outcome::Token(token)) => format!("a token ({:?}, {:?})", token.source, token.warnings),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{error}"),
    }
}

fn in_short(answer: &Result<entrada::protocol::HttpAnswer, Fault>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) => return format!("{fault:?}"),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let later = answer.header("retry-after").unwrap_or_default();
    format!("{} {} {} {later}", answer.status, word("error"), word("suberror"))
}
