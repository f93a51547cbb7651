//! One flow of the crowd: what it is after, what it waits for, and what it has been told.

use std::time::Duration;

use entrada::{AccountSelector, Action, Error, Event, Flow, Outcome, Secret, SignIn, TokenRequest};

use crate::house::House;
use crate::plan::{Kind, Wish};
use crate::rules::{Heard, Sent};

/// More steps than any flow takes: twelve hundred looks at another's sign-in, with two steps each, and the rest.
pub(crate) const MOST_STEPS: usize = 3500;

pub(crate) enum Next {
    Start,
    Event(Event),
}

pub(crate) struct Agent {
    pub(crate) number: usize,
    pub(crate) wish: Wish,
    /// Nothing before its start, and after its end.
    pub(crate) flow: Option<Flow>,
    /// When it goes on, and with what; never again where there is nothing.
    pub(crate) next: Option<(u64, Next)>,
    pub(crate) ending: Option<Result<Outcome, Error>>,
    pub(crate) steps: usize,
    /// When it was resumed first.
    pub(crate) began: Option<u64>,
    /// What it has waited for the cache's lock, for another's sign-in, for the user code, and for a second try.
    pub(crate) waited: [Duration; 4],
    /// What it spent on exchanges, in milliseconds, and how many there were.
    pub(crate) exchanged: (u64, usize),
    /// The page that it shows: a URL, or a user code.
    pub(crate) page: Option<String>,
    /// The refresh that is out, and what came of it; until it is saved.
    pub(crate) sent: Option<Sent>,
    pub(crate) heard: Option<Heard>,
    /// A refresh token that it was given and has not saved yet.
    pub(crate) granted: Option<String>,
    /// Until when its polls are unwelcome, in milliseconds.
    pub(crate) poll_not_before: u64,
}

impl Agent {
    /// One that starts at this time (milliseconds).
    pub(crate) fn new(number: usize, wish: Wish, at: u64) -> Self {
        Self {
            number,
            wish,
            flow: None,
            next: Some((at, Next::Start)),
            ending: None,
            steps: 0,
            began: None,
            waited: [Duration::ZERO; 4],
            exchanged: (0, 0),
            page: None,
            sent: None,
            heard: None,
            granted: None,
            poll_not_before: 0,
        }
    }

    pub(crate) fn start(&self, house: &House) -> (Flow, Action) {
        let who = AccountSelector::Named(house.name(self.wish.who).into());
        let request = TokenRequest::new([house.scope(self.wish.other_app)])
            .unwrap()
            .account(who.clone())
            .claims(self.wish.claims.map(String::from))
            .force_refresh(self.wish.forced)
            .defer_renewal(self.wish.defers);
        let how = SignIn::new()
            .unasked(self.wish.unasked)
            .login_hint(Some(house.name(self.wish.who).into()))
            .timeout(Duration::from_secs(self.wish.timeout));
        match self.wish.kind {
            Kind::Silent => Flow::silent(&house.app, &request),
            Kind::Interactive => Flow::interactive(&house.app, &request, &how),
            Kind::DeviceCode => Flow::device_code(&house.app, &request, &how),
            Kind::SignOut => Flow::sign_out(&house.app, Some(who)),
        }
    }

    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.next.as_ref().is_some_and(|(at, _)| *at <= now)
    }

    /// The token that it ended with.
    pub(crate) fn token(&self) -> Option<&Secret> {
        match &self.ending {
            Some(Ok(Outcome::Token(token))) => Some(&token.secret),
            _ => None,
        }
    }

    /// The longest that it may take from its first step on, exchanges aside: the patience for locks, for a
    /// sign-in of another, for the user, each with the last pause.
    pub(crate) fn bound(&self) -> Duration {
        let (lock, timeout) = (Duration::from_millis(45_250), Duration::from_secs(self.wish.timeout));
        let joining = if self.wish.unasked { timeout + Duration::from_millis(500) } else { Duration::ZERO };
        match self.wish.kind {
            Kind::Silent | Kind::SignOut => lock + self.second_try(),
            Kind::Interactive | Kind::DeviceCode => joining + timeout + lock + self.second_try(),
        }
    }

    /// The longest pause before the one second try: with a code in hand an authority's wish is waited for.
    pub(crate) fn second_try(&self) -> Duration {
        match self.wish.kind {
            Kind::Silent => Duration::from_secs(1),
            Kind::Interactive => Duration::from_secs(10),
            Kind::SignOut | Kind::DeviceCode => Duration::ZERO,
        }
    }

    /// The most exchanges with the authority.
    pub(crate) fn most_exchanges(&self) -> usize {
        match self.wish.kind {
            Kind::Silent | Kind::Interactive => 2,
            Kind::SignOut => 0,
            Kind::DeviceCode => 2 + self.wish.timeout as usize / 5,
        }
    }
}
