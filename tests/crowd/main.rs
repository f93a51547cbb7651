//! Crowds of flows over one cache, thousands of seeds on a simulated clock, against the strict authority and its
//! faults: never two refreshes where one was right, never a lost refresh token, never an endless wait.
//!
//! A seed decides who wants what and when, what the authority stumbles over, who is killed, and who goes first at
//! every step. `CROWD_SEEDS=20000` runs more of them, `CROWD_SEED=7` that one alone.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod agent;
mod house;
mod plan;
mod rng;
mod rules;
mod tally;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use entrada::Error;
use serde_json::Value;

use agent::Agent;
use house::House;
use plan::{Kind, Plan, Who, Wish};
use rng::Rng;
use tally::Tally;
use world::World;

const SEEDS: u64 = 2500;
/// An authority serves so many seeds: its ledger grows with each.
const SEEDS_A_HOUSE: u64 = 100;

#[test]
fn a_crowd_over_one_cache_refreshes_once_loses_nothing_and_comes_to_an_end() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, last) = match (number("CROWD_SEED"), number("CROWD_SEEDS")) {
        (Some(seed), _) => (seed, seed + 1),
        (None, count) => (0, count.unwrap_or(SEEDS)),
    };
    let (next, total) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    // More than there are processors: an answer that is cut waits for a moment of real time.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                loop {
                    let from = next.fetch_add(SEEDS_A_HOUSE, Ordering::Relaxed);
                    if from >= last {
                        return;
                    }
                    let mut house = House::open();
                    for seed in from..last.min(from + SEEDS_A_HOUSE) {
                        let tally = run(&mut house, seed);
                        total.lock().unwrap().add(tally);
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    if last - first >= 1000 {
        assert!(total.has_seen_all(), "too little has happened: {total:#?}");
    }
}

fn run(house: &mut House, seed: u64) -> Tally {
    house.prepare();
    if house.signed_in.is_null() {
        house.signed_in = signed_in(house);
    }
    let mut rng = Rng::new(seed);
    let plan = Plan::of(&mut rng);
    for (endpoint, fault) in &plan.faults {
        house.stage.faults().push(*endpoint, fault.clone());
    }
    let mut world = World::new(house, &plan, rng, seed);
    let mut agents = world.crowd();
    interleave(&mut world, &mut agents);
    world.judge(&agents);
    an_hour_later(&mut world);
    let (tally, is_revoked) = (Tally { seeds: 1, ..world.rules.tally }, !world.revoked.is_empty());
    if is_revoked {
        house.signed_in = Value::Null;
    }
    tally
}

/// Step by step, whoever can go on, until nobody can; time jumps to the next one who can.
fn interleave(world: &mut World<'_>, agents: &mut [Agent]) {
    loop {
        let times = agents.iter().filter_map(|agent| agent.next.as_ref().map(|(at, _)| *at));
        let times: Vec<u64> = times.chain(world.happenings.iter().map(|(at, _)| *at)).collect();
        let Some(first) = times.iter().min() else { return };
        world.now = world.now.max(*first);
        let due: Vec<usize> = (0..agents.len()).filter(|number| agents[*number].is_due(world.now)).collect();
        let happens = world.happenings.iter().position(|(at, _)| *at <= world.now);
        let turns = due.len() + usize::from(happens.is_some());
        match (due.get(world.rng.below(turns as u64) as usize), happens) {
            (Some(number), _) => world.go_on(&mut agents[*number]),
            (None, Some(place)) => {
                let (_, what) = world.happenings.swap_remove(place);
                world.happen(what, agents);
            }
            (None, None) => {}
        }
    }
}

/// All is well again: whoever is still signed in gets a token without being seen.
fn an_hour_later(world: &mut World<'_>) {
    world.house.prepare();
    world.losses = 0;
    world.now += 3601 * 1000;
    world.story.push("an hour later".into());
    for who in [Who::Ada, Who::Bob] {
        if world.refresh_token(&world.cached, who).is_none() {
            continue;
        }
        let mut agent = Agent::new(99, Wish { forced: true, ..wish(Kind::Silent, who) }, world.now);
        interleave(world, std::slice::from_mut(&mut agent));
        world.rules.tally.last_tokens += 1;
        let is_revoked = world.revoked.contains(&who) && matches!(agent.ending, Some(Err(Error::UiRequired(_))));
        if agent.token().is_none() && !is_revoked {
            world.fail(&format!("{who:?} gets no token in the end"));
        }
    }
}

fn wish(kind: Kind, who: Who) -> Wish {
    Wish {
        kind,
        who,
        other_app: false,
        forced: false,
        claims: None,
        defers: false,
        unasked: false,
        timeout: 300,
        starts: 0,
    }
}

/// A cache in which both users are signed in.
fn signed_in(house: &House) -> Value {
    let plan = Plan::quiet();
    for seed in 0.. {
        let mut world = World::new(house, &plan, Rng::new(seed), seed);
        for who in [Who::Ada, Who::Bob] {
            let mut agent = Agent::new(0, wish(Kind::Interactive, who), world.now);
            interleave(&mut world, std::slice::from_mut(&mut agent));
        }
        if [Who::Ada, Who::Bob].iter().all(|who| world.refresh_token(&world.cached, *who).is_some()) {
            return world.cached;
        }
    }
    Value::Null
}
