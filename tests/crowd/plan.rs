//! What a seed has in store: who wants what and when, what the authority stumbles over, and what happens meanwhile.

use std::time::Duration;

use entrada_authority::{Endpoint, Fault, RetryAfter, Revocation};

use crate::rng::Rng;

/// One of the two users of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Ada,
    Bob,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Silent,
    Interactive,
    DeviceCode,
    SignOut,
}

/// What one flow is after.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) kind: Kind,
    pub(crate) who: Who,
    /// Another app's scope, for which the same refresh token serves.
    pub(crate) other_app: bool,
    pub(crate) forced: bool,
    pub(crate) claims: Option<&'static str>,
    pub(crate) defers: bool,
    pub(crate) unasked: bool,
    /// How long the user may take, in seconds.
    pub(crate) timeout: u64,
    /// When it starts, in milliseconds.
    pub(crate) starts: u64,
}

impl Wish {
    /// Whether any token that lives long enough will do.
    pub(crate) fn is_plain(&self) -> bool {
        self.kind == Kind::Silent && !self.forced && self.claims.is_none()
    }
}

/// How it stands with the access token that the cache has at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Nothing,
    Expired,
    /// Good, but for less than five minutes.
    Aging,
    /// Good for long, but due for renewal.
    Due,
    Fresh,
}

/// What the locks are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locks {
    Kept,
    /// This cache has none.
    Unsupported,
    /// A stranger has the cache's lock from the beginning, for so many milliseconds.
    Strange(u64),
}

#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Killed(usize),
    Revoked(Who, Revocation),
    SecondFactor(Who, bool),
    StrangerLeaves,
    /// The user types the code, and says yes or no.
    CodeEntered {
        code: String,
        who: Who,
        yes: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) wishes: Vec<Wish>,
    pub(crate) signed_in: Vec<(Who, Kept)>,
    pub(crate) locks: Locks,
    pub(crate) sign_in_locks: bool,
    pub(crate) faults: Vec<(Endpoint, Fault)>,
    /// Once in how many requests one gets lost on the way; never at 0.
    pub(crate) losses: u64,
    pub(crate) happenings: Vec<(u64, Happening)>,
}

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;

impl Plan {
    pub(crate) fn of(rng: &mut Rng) -> Self {
        let is_herd = rng.once_in(3);
        let kept = [Kept::Nothing, Kept::Expired, Kept::Expired, Kept::Aging, Kept::Due, Kept::Fresh];
        let mut signed_in = vec![(Who::Ada, *rng.pick(&kept))];
        if rng.once_in(3) {
            signed_in.push((Who::Bob, *rng.pick(&kept)));
        }
        let span = *rng.pick(&[1, 1, 3000, 30_000, 400_000]);
        let count = rng.between(2, 7);
        let wishes: Vec<Wish> = (0..count).map(|_| if is_herd { plain(rng, span) } else { any(rng, span) }).collect();
        let locks = match rng.below(16) {
            0 => Locks::Unsupported,
            1 => Locks::Strange(rng.between(20, 120_000)),
            _ => Locks::Kept,
        };
        let faulty = !rng.once_in(3);
        let faults = if faulty { (0..rng.below(6)).map(|_| fault(rng)).collect() } else { Vec::new() };
        let mut happenings = Vec::new();
        if let Locks::Strange(leaves) = locks {
            happenings.push((leaves, Happening::StrangerLeaves));
        }
        if !is_herd || rng.once_in(2) {
            for (number, wish) in wishes.iter().enumerate() {
                if rng.once_in(8) {
                    let life = *rng.pick(&[50, 1000, 5000, 100_000]);
                    happenings.push((wish.starts + rng.below(life), Happening::Killed(number)));
                }
            }
        }
        if !is_herd && rng.once_in(8) {
            let why = [Revocation::PasswordChanged, Revocation::BadToken, Revocation::SignInFrequency];
            happenings.push((rng.below(span + 2000), Happening::Revoked(Who::Ada, *rng.pick(&why))));
        }
        if !is_herd && rng.once_in(8) {
            let from = rng.below(span + 2000);
            happenings.push((from, Happening::SecondFactor(Who::Ada, true)));
            happenings.push((from + rng.below(100_000), Happening::SecondFactor(Who::Ada, false)));
        }
        let losses = if faulty && rng.once_in(3) { 4 } else { 0 };
        Self { wishes, signed_in, locks, sign_in_locks: !rng.once_in(8), faults, losses, happenings }
    }

    /// Nobody wants anything, and nothing goes wrong.
    pub(crate) fn quiet() -> Self {
        Self {
            wishes: Vec::new(),
            signed_in: Vec::new(),
            locks: Locks::Kept,
            sign_in_locks: true,
            faults: Vec::new(),
            losses: 0,
            happenings: Vec::new(),
        }
    }

    /// Whether nothing stands between the flows and their tokens, and all want the same one.
    pub(crate) fn is_undisturbed_herd(&self) -> bool {
        self.faults.is_empty()
            && self.losses == 0
            && self.locks == Locks::Kept
            && self.happenings.is_empty()
            && self.wishes.iter().all(|wish| wish.is_plain() && wish.who == Who::Ada && !wish.other_app)
    }
}

fn plain(rng: &mut Rng, span: u64) -> Wish {
    Wish {
        kind: Kind::Silent,
        who: Who::Ada,
        other_app: false,
        forced: false,
        claims: None,
        defers: rng.once_in(8),
        unasked: false,
        timeout: 300,
        starts: rng.below(span),
    }
}

fn any(rng: &mut Rng, span: u64) -> Wish {
    let kind = match rng.below(16) {
        0..9 => Kind::Silent,
        9..13 => Kind::Interactive,
        13 | 14 => Kind::DeviceCode,
        _ => Kind::SignOut,
    };
    Wish {
        kind,
        who: if rng.once_in(4) { Who::Bob } else { Who::Ada },
        other_app: rng.once_in(6),
        forced: rng.once_in(4),
        claims: rng.once_in(6).then_some(CLAIMS),
        unasked: !rng.once_in(3),
        timeout: *rng.pick(&[300, 300, 60]),
        ..plain(rng, span)
    }
}

fn fault(rng: &mut Rng) -> (Endpoint, Fault) {
    let endpoint = if rng.once_in(12) { Endpoint::DeviceCode } else { Endpoint::Token };
    let wait = |rng: &mut Rng| *rng.pick(&[1, 5, 40, 100, 200, 3000, 9000]);
    let later = match rng.below(4) {
        0 => Some(RetryAfter::Date(wait(rng))),
        1 => Some(RetryAfter::Seconds(wait(rng))),
        _ => None,
    };
    let refusal = |error: &str, suberror: Option<&str>, code| Fault::OAuthError {
        error: error.into(),
        suberror: suberror.map(String::from),
        code,
        claims: None,
    };
    let fault = match rng.below(24) {
        0..5 => Fault::Status(429, later),
        5..8 => Fault::Status(500, later),
        8 | 9 => Fault::Status(503, later),
        10..13 => Fault::Cut,
        13 => Fault::CutMidBody,
        14 | 15 => Fault::Html,
        16 | 17 => Fault::WrongJson,
        18 => Fault::Empty,
        19 => refusal("invalid_grant", None, 50_173),
        20 => refusal("invalid_grant", Some("basic_action"), 50_076),
        21 => refusal("interaction_required", Some("basic_action"), 50_076),
        22 => refusal("invalid_grant", Some("client_mismatch"), 70_000),
        _ => refusal("invalid_grant", Some("bad_token"), 70_000),
    };
    (endpoint, fault)
}

/// How long an exchange takes.
pub(crate) fn latency(rng: &mut Rng) -> Duration {
    Duration::from_millis(match rng.below(12) {
        0 => rng.between(2000, 29_000),
        1..4 => rng.between(1, 20),
        _ => rng.between(20, 1500),
    })
}
