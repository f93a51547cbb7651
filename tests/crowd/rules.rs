//! What must never happen, whatever else does.

use std::collections::HashMap;

use entrada::protocol::HttpAnswer;
use entrada::{Error, Fault, Outcome, UnixTime};
use entrada_authority::Endpoint;
use serde_json::Value;

use crate::agent::{Agent, MOST_STEPS};
use crate::house::foreign;
use crate::plan::{Kept, Kind, Locks, Who};
use crate::tally::Tally;
use crate::world::World;

/// What a refresh is for: the user, the other app or not, the claims.
type Aim = (Who, bool, Option<&'static str>);

/// A refresh as it went out.
#[derive(Clone)]
pub(crate) struct Sent {
    refresh_token: String,
}

/// How long not to ask again.
#[derive(Clone, Copy)]
struct Hold {
    seconds: u64,
    /// Whether it is about the refresh token alone.
    about_token: bool,
    /// Whether the authority itself wishes it: then it holds for those, too, who insist.
    is_wish: bool,
}

/// What came of a refresh, before it is saved.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    hold: Option<Hold>,
    is_grant: bool,
    is_worthless: bool,
    /// Whether the authority stumbled, so that the same may be asked once more.
    may_try_again: bool,
}

#[derive(Default)]
pub(crate) struct Rules {
    /// Until when (seconds) what must not be asked again; with the refresh token that it is about, if so, and whether
    /// the authority wishes it.
    holds: HashMap<(Aim, Option<String>, bool), u64>,
    /// Refreshes whose tokens were saved.
    saved: HashMap<Aim, usize>,
    /// Whether the authority has called a refresh token worthless.
    worthless: bool,
    pub(crate) tally: Tally,
}

impl Agent {
    fn aim(&self) -> Aim {
        (self.wish.who, self.wish.other_app, self.wish.claims)
    }
}

impl World<'_> {
    /// Whether the locks are to be relied upon.
    fn is_orderly(&self) -> bool {
        self.plan.locks == Locks::Kept
    }

    /// Whether nobody has gone on without the lock either, as those do who have waited too long for it.
    fn is_exclusive(&self) -> bool {
        self.is_orderly() && self.rules.tally.out_of_patience == 0
    }

    /// A request is about to go out.
    pub(crate) fn sends(&mut self, agent: &mut Agent, form: &HashMap<String, String>) {
        match (form.get("device_code"), form.get("refresh_token")) {
            (Some(_), _) if self.now < agent.poll_not_before => {
                let early = agent.poll_not_before - self.now;
                self.fail(&format!("#{} polls {early} ms before its time", agent.number));
            }
            (_, Some(refresh_token)) => self.refreshes(agent, refresh_token),
            _ => {}
        }
    }

    fn refreshes(&mut self, agent: &mut Agent, refresh_token: &str) {
        if agent.wish.kind != Kind::Silent {
            self.fail(&format!("#{} refreshes", agent.number));
        }
        if agent.heard.as_ref().is_some_and(|heard| !heard.may_try_again) {
            self.fail(&format!("#{} asks again after an answer", agent.number));
        }
        let (aim, now) = (agent.aim(), self.seconds());
        self.rules.tally.refreshes += 1;
        for about in [None, Some(refresh_token.to_owned())] {
            for is_wish in [true, false] {
                let until = self.rules.holds.get(&(aim, about.clone(), is_wish)).copied().unwrap_or_default();
                if self.is_exclusive() && now < until && (is_wish || !agent.wish.forced) {
                    self.fail(&format!("#{} refreshes {} s before its time", agent.number, until - now));
                }
            }
        }
        if self.is_orderly() && self.cache_lock != Some(agent.number) && agent.waited[0].as_secs() < 45 {
            self.fail(&format!("#{} refreshes without the lock", agent.number));
        }
        if self.is_exclusive() && self.is_served(agent) {
            self.fail(&format!("#{} refreshes what the cache has", agent.number));
        }
        agent.sent = Some(Sent { refresh_token: refresh_token.to_owned() });
    }

    /// Whether the cache has what this flow wants.
    fn is_served(&self, agent: &Agent) -> bool {
        let (now, scope, id) = (self.seconds(), self.house.scope(agent.wish.other_app), self.house.id(agent.wish.who));
        let time = |entry: &Value, name: &str| entry[name].as_str().and_then(|text| text.parse::<u64>().ok());
        self.cached["AccessToken"].as_object().into_iter().flatten().any(|(_, entry)| {
            let is_it = entry["home_account_id"] == id
                && entry["target"].as_str().is_some_and(|target| target.split(' ').any(|held| held == scope));
            let is_good = time(entry, "expires_on").is_some_and(|expires_on| expires_on > now + 300);
            let is_due = !agent.wish.defers && time(entry, "refresh_on").is_some_and(|refresh_on| refresh_on <= now);
            let began = agent.began.unwrap_or(self.now) / 1000;
            let is_new = !agent.waited[0].is_zero() && time(entry, "cached_at").is_some_and(|at| at >= began);
            is_it && is_good && !is_due && agent.wish.claims.is_none() && (!agent.wish.forced || is_new)
        })
    }

    /// The answer is on its way to the flow.
    pub(crate) fn notes_answer(
        &mut self,
        agent: &mut Agent,
        form: &HashMap<String, String>,
        answer: &Result<HttpAnswer, Fault>,
        at: u64,
    ) {
        let answer = answer.as_ref().ok();
        let body: Value = answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default();
        let later = answer.and_then(retry_after);
        if form.contains_key("device_code") {
            agent.poll_not_before = later.map_or(0, |later| at + later.min(3600) * 1000);
        }
        agent.granted = body["refresh_token"].as_str().map(String::from);
        if agent.sent.is_none() {
            return;
        }
        let status = answer.map_or(0, |answer| answer.status);
        let word = |name: &str| body[name].as_str().unwrap_or_default();
        let is_grant = agent.granted.is_some();
        let is_refusal =
            ["invalid_grant", "interaction_required"].contains(&word("error")) && word("suberror") != "client_mismatch";
        let is_worthless = is_refusal && ["bad_token", "token_expired"].contains(&word("suberror"));
        let seconds = match later {
            _ if is_worthless => None,
            Some(later) => Some(later.min(3600)),
            None if is_refusal => Some(120),
            None if status == 429 || status >= 500 => Some(60),
            None => None,
        };
        let hold = seconds.map(|seconds| Hold { seconds, about_token: is_refusal, is_wish: later.is_some() });
        self.rules.tally.failed += usize::from(!is_grant);
        let may_try_again = status >= 500 && later.is_none();
        agent.heard = Some(Heard { hold, is_grant, is_worthless, may_try_again });
    }

    /// A flow was killed: what it heard, nobody else knows.
    pub(crate) fn forgets(&mut self, agent: &mut Agent) {
        (agent.sent, agent.heard, agent.granted) = (None, None, None);
    }

    /// Without locks, one save may undo another: what came in, or went, in the meantime.
    fn may_lose(&self, who: Who) -> bool {
        let signs_out = self.plan.wishes.iter().any(|wish| wish.kind == Kind::SignOut && wish.who == who);
        let was_there = self.plan.signed_in.iter().any(|(there, _)| *there == who);
        !self.is_orderly() && (signs_out || self.rules.worthless || !was_there)
    }

    /// The cache is replaced.
    pub(crate) fn saves(&mut self, agent: &mut Agent, after: Value) {
        let before = &self.cached;
        if after["Foreign"] != before["Foreign"] || after["RefreshToken"]["foreign"] != foreign() {
            self.fail(&format!("#{} drops what it does not know", agent.number));
        }
        let heard = agent.heard.take().unwrap_or_default();
        let sent = agent.sent.take();
        for who in [Who::Ada, Who::Bob] {
            let (had, has) = (self.refresh_token(before, who), self.refresh_token(&after, who));
            let is_signed_out = agent.wish.kind == Kind::SignOut && agent.wish.who == who;
            let is_worthless = heard.is_worthless && had.as_deref() == sent.as_ref().map(|sent| &*sent.refresh_token);
            let is_known = is_signed_out || is_worthless || self.may_lose(who);
            if had.is_some() && has.is_none() && !is_known {
                self.fail(&format!("#{} loses the refresh token of {who:?}", agent.number));
            }
            if had.is_none() && has.is_some() && agent.granted.is_none() && self.is_orderly() {
                self.fail(&format!("#{} brings back the refresh token of {who:?}", agent.number));
            }
            if had != has && has.is_some() && has != agent.granted && self.is_orderly() {
                self.fail(&format!("#{} replaces the newer refresh token of {who:?}", agent.number));
            }
        }
        if let Some(granted) = agent.granted.take()
            && ![Who::Ada, Who::Bob].iter().any(|who| self.refresh_token(&after, *who).as_ref() == Some(&granted))
        {
            self.fail(&format!("#{} does not keep the refresh token that it was given", agent.number));
        }
        self.rules.worthless |= heard.is_worthless;
        if heard.is_grant {
            *self.rules.saved.entry(agent.aim()).or_default() += 1;
        }
        self.holds_from_now(agent.aim(), heard.hold, sent);
        self.cached = after;
        self.tell(agent, "saves");
    }

    /// What a flow was told it has told the others by now, or should have.
    fn holds_from_now(&mut self, aim: Aim, hold: Option<Hold>, sent: Option<Sent>) {
        if let (Some(Hold { seconds, about_token, is_wish }), Some(sent)) = (hold, sent) {
            let until = self.seconds() + seconds;
            let about = about_token.then_some(sent.refresh_token);
            let held = self.rules.holds.entry((aim, about, is_wish)).or_default();
            *held = until.max(*held);
            self.rules.tally.holds += 1;
        }
    }

    pub(crate) fn refresh_token(&self, cached: &Value, who: Who) -> Option<String> {
        let id = self.house.id(who);
        let mut entries = cached["RefreshToken"].as_object().into_iter().flatten();
        let found = entries.find(|(_, entry)| entry["home_account_id"] == id);
        found.and_then(|(_, entry)| entry["secret"].as_str().map(String::from))
    }

    /// A sign-in page is about to be shown.
    pub(crate) fn shows_page(&mut self, agent: &Agent) {
        self.rules.tally.pages += 1;
        if agent.wish.kind == Kind::Silent || agent.wish.kind == Kind::SignOut {
            self.fail(&format!("#{} shows a page", agent.number));
        }
        let is_patient = agent.wish.unasked && agent.waited[1].as_secs() < agent.wish.timeout;
        if is_patient && self.plan.sign_in_locks && self.pages.values().any(|who| *who == agent.wish.who) {
            self.fail(&format!("#{} shows a second page unasked", agent.number));
        }
        // One that the user asked for beside another's has no lock, and counts for nothing.
        if self.sign_in_locks.values().any(|holder| *holder == agent.number) {
            self.pages.insert(agent.number, agent.wish.who);
        }
    }

    /// The lock covers no user.
    pub(crate) fn waits_for_the_user(&self, agent: &Agent) {
        if self.cache_lock == Some(agent.number) {
            self.fail(&format!("#{} keeps the cache's lock while it waits", agent.number));
        }
    }

    /// Nobody waits for ever.
    pub(crate) fn keeps_bounds(&self, agent: &Agent) {
        let took = self.now - agent.began.unwrap_or(self.now);
        let bound = agent.bound().as_millis() as u64 + agent.exchanged.0;
        if took > bound {
            self.fail(&format!("#{} takes {took} ms, which is more than {bound}", agent.number));
        }
        if agent.steps > MOST_STEPS {
            self.fail(&format!("#{} takes no end of steps", agent.number));
        }
        if agent.exchanged.1 > agent.most_exchanges() {
            self.fail(&format!("#{} asks the authority {} times", agent.number, agent.exchanged.1));
        }
        if agent.waited[3] > agent.second_try() {
            self.fail(&format!("#{} tries again and again", agent.number));
        }
    }

    /// Everybody has come to an end.
    pub(crate) fn judge(&mut self, agents: &[Agent]) {
        if self.cache_lock.is_some() || !self.sign_in_locks.is_empty() {
            self.fail("a lock is left behind");
        }
        for (aim, saved) in &self.rules.saved {
            // One for all who take any token, and one for each who wants another.
            let insist = |agent: &&Agent| agent.aim() == *aim && (agent.wish.forced || agent.wish.claims.is_some());
            let most = 1 + agents.iter().filter(insist).count();
            if self.is_exclusive() && *saved > most {
                self.fail(&format!("{saved} refreshes for {aim:?} where {most} were right"));
            }
        }
        if self.plan.is_undisturbed_herd() {
            self.rules.tally.herds += 1;
            let kept = self.plan.signed_in[0].1;
            let is_needed = match kept {
                Kept::Fresh => false,
                Kept::Due => agents.iter().any(|agent| !agent.wish.defers),
                Kept::Nothing | Kept::Expired | Kept::Aging => true,
            };
            let count = self.house.stage.count(Endpoint::Token, "refresh_token");
            if count != usize::from(is_needed) {
                self.fail(&format!("the authority saw {count} refreshes"));
            }
            let tokens: Vec<_> = agents.iter().map(Agent::token).collect();
            let differ = tokens.windows(2).any(|pair| pair[0] != pair[1]);
            if tokens.contains(&None) || (differ && matches!(kept, Kept::Nothing | Kept::Expired | Kept::Fresh)) {
                self.fail("not all have the one token");
            }
        }
    }

    /// A flow has ended by itself.
    pub(crate) fn ended(&mut self, agent: &mut Agent) {
        self.pages.remove(&agent.number);
        let holds_sign_in = self.sign_in_locks.values().any(|holder| *holder == agent.number);
        if self.cache_lock == Some(agent.number) || holds_sign_in {
            self.fail(&format!("#{} ends with a lock", agent.number));
        }
        if agent.granted.is_some() && self.refresh_token(&self.cached, agent.wish.who).is_some() {
            self.fail(&format!("#{} does not save the refresh token that it was given", agent.number));
        }
        let hold = agent.heard.take().and_then(|heard| heard.hold);
        self.holds_from_now(agent.aim(), hold, agent.sent.take());
        let tally = &mut self.rules.tally;
        match &agent.ending {
            Some(Ok(Outcome::Token(token))) => {
                tally.tokens += 1;
                if token.expires_on <= UnixTime::from_secs(self.now / 1000) {
                    self.fail(&format!("#{} ends with a token that has expired", agent.number));
                }
            }
            Some(Ok(Outcome::Joined)) => tally.joined += 1,
            Some(Ok(Outcome::SignedOut { .. })) => tally.signed_out += 1,
            Some(Err(Error::Misuse(sentence))) => {
                let sentence = format!("#{} is misused: {sentence}", agent.number);
                self.fail(&sentence);
            }
            _ => tally.errors += 1,
        }
        self.forgets(agent);
    }
}

/// `Retry-After` in seconds; a date counts from the answer's own.
fn retry_after(answer: &HttpAnswer) -> Option<u64> {
    let text = answer.header("retry-after")?;
    let second_of_day = |date: &str| {
        let time = date.split(' ').nth(4)?;
        time.split(':').try_fold(0, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))
    };
    text.parse().ok().or_else(|| {
        // All of them are less than a day ahead.
        Some((second_of_day(text)? + 86_400 - second_of_day(answer.header("date")?)?) % 86_400)
    })
}
