//! Every state, every answer: a flow always ends, ends for a reason, and gives the lock back.

use std::collections::BTreeSet;

use entrada_core::{Action, Error, Event, Flow, Outcome, Port};

use crate::stories::{STORIES, Story};
use crate::support::*;

/// Tells a story up to a step, and brings what that step would have answered.
fn told_up_to((mut world, (mut flow, mut action)): Story, step: usize) -> Option<(World, Flow, Event)> {
    for _ in 0..step {
        match world.turn(action) {
            Turn::Goes(event) => action = flow.resume(world.now(), event),
            Turn::Ended(_) => return None,
        }
    }
    match world.turn(action) {
        Turn::Goes(event) => Some((world, flow, event)),
        Turn::Ended(_) => None,
    }
}

#[track_caller]
fn assert_misused(ending: &Result<Outcome, Error>) {
    assert!(matches!(ending, Err(Error::Misuse(_))), "{ending:?}");
}

#[test]
fn the_stories_take_every_step_there_is() {
    let mut words = BTreeSet::new();
    for story in STORIES {
        let (mut world, flow) = story();
        let ending = world.run(flow);
        assert!(ending.is_ok() || matches!(ending, Err(Error::UiRequired(_))), "{}: {ending:?}", world.story());
        words.extend(world.story().split(' ').map(String::from));
    }
    let all = [
        "devicecode",
        "discovery",
        "entropy",
        "listen",
        "load",
        "lock",
        "poll",
        "present",
        "receive",
        "redeem",
        "refresh",
        "save",
        "set-aside",
        "unlock",
        "wait",
    ];
    assert_eq!(words.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

#[test]
fn every_fault_at_every_step_leads_to_a_proper_end() {
    for story in STORIES {
        let (mut world, flow) = story();
        world.run(flow).ok();
        let steps = world.story().split(' ').count();
        for step in 0..steps {
            for fault in FAULTS {
                let (mut world, flow) = story();
                let tokens = world.cache.clone();
                world.strike = Some((step, fault));
                let ending = world.run(flow);
                assert!(!matches!(ending, Err(Error::Misuse(_) | Error::Config(_))), "{}: {ending:?}", world.story());
                if let Err(Error::Adapter(failure)) = &ending {
                    assert_eq!(failure.fault, fault, "{}", world.story());
                    assert_ne!(failure.port, Port::App);
                }
                // Whatever was there is there still, or has been replaced as a whole.
                assert!(world.cache == tokens || world.story().contains("save") || !world.aside.is_empty());
            }
        }
    }
}

#[test]
fn an_older_answer_is_refused_and_the_lock_given_back() {
    let mut refused = 0;
    for story in STORIES {
        for step in 1.. {
            let Some((mut world, mut flow, pending)) = told_up_to(story(), step) else { break };
            drop(pending);
            let (_, _, stale) = told_up_to(story(), step - 1).expect("the step before");
            let action = flow.resume(world.now(), stale);
            assert!(matches!(action, Action::Done(_)) != world.is_locked(), "{}: {action:?}", world.story());
            assert_misused(&world.run((flow, action)));
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn an_answer_that_comes_too_early_is_refused() {
    for story in STORIES {
        for step in 0.. {
            let Some((_, _, early)) = told_up_to(story(), step + 1) else { break };
            let (mut world, mut flow, _) = told_up_to(story(), step).expect("the step before");
            let action = flow.resume(world.now(), early);
            assert_misused(&world.run((flow, action)));
        }
    }
}

#[test]
fn nothing_goes_on_after_the_end() {
    for story in STORIES {
        let (mut world, (mut flow, mut action)) = story();
        let mut late = told_up_to(story(), 0).map(|(_, _, event)| event);
        loop {
            match world.turn(action) {
                Turn::Goes(event) => action = flow.resume(world.now(), event),
                Turn::Ended(_) => break,
            }
        }
        let event = late.take().expect("a first event");
        let Action::Done(ending) = flow.resume(world.now(), event) else { panic!("it goes on") };
        assert_misused(&ending);
        for step in 1..4 {
            let Some((_, _, event)) = told_up_to(story(), step) else { break };
            let Action::Done(ending) = flow.resume(world.now(), event) else { panic!("it goes on") };
            assert_misused(&ending);
        }
    }
}

#[test]
fn a_flow_that_was_misused_is_over() {
    let story = STORIES[1];
    let (mut world, mut flow, own) = told_up_to(story(), 2).expect("a third step");
    let (_, _, stale) = told_up_to(story(), 0).expect("a first step");
    let action = flow.resume(world.now(), stale);
    assert_misused(&world.turn_to_end(action));
    let Action::Done(ending) = flow.resume(world.now(), own) else { panic!("it goes on") };
    assert_misused(&ending);
}

#[test]
fn a_flow_can_be_sent_kept_and_dropped_at_any_point() {
    fn is_plain<T: Send + 'static>(_: &T) {}
    for story in STORIES {
        for step in 0.. {
            let Some((_, flow, event)) = told_up_to(story(), step) else { break };
            is_plain(&flow);
            is_plain(&event);
        }
    }
}
