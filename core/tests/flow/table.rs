//! Every state, every answer: a flow always ends, ends for a reason, and gives the lock back.

use std::collections::BTreeSet;

use entrada_core::{Action, Error, Event, Flow, Outcome, Port};

use crate::stories::{STORIES, Story};
use crate::support::*;

/// A story that has come to a step: its world, its flow, and what is asked at that step.
fn standing_at((mut world, (mut flow, mut action)): Story, step: usize) -> Option<(World, Flow, Action)> {
    for _ in 0..step {
        match world.turn(action) {
            Turn::Goes(event) => action = flow.resume(world.now(), event),
            Turn::Ended(_) => return None,
        }
    }
    (!matches!(action, Action::Done(_))).then_some((world, flow, action))
}

/// What happens at a step of a story.
fn event_at(story: Story, step: usize) -> Option<Event> {
    let (mut world, _, action) = standing_at(story, step)?;
    match world.turn(action) {
        Turn::Goes(event) => Some(event),
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
fn an_answer_to_another_question_is_refused_and_the_lock_given_back() {
    let mut locked = 0;
    for story in STORIES {
        for step in 0.. {
            if standing_at(story(), step).is_none() {
                break;
            }
            let events: Vec<_> = (0..).map_while(|other| event_at(story(), other)).collect();
            for (_, other) in events.into_iter().enumerate().filter(|(number, _)| *number != step) {
                let (mut world, mut flow, _) = standing_at(story(), step).expect("the same step");
                let action = flow.resume(world.now(), other);
                assert_eq!(matches!(action, Action::Unlock(_)), world.is_locked(), "{}: {action:?}", world.story());
                locked += usize::from(world.is_locked());
                assert_misused(&world.run((flow, action)));
            }
        }
    }
    assert!(locked > 50, "{locked}");
}

#[test]
fn a_lock_is_offered_back_once() {
    let (world, mut flow, action) = standing_at(STORIES[1](), 8).expect("a story under the lock");
    assert!(world.is_locked(), "{}: {action:?}", world.story());
    let stale = || event_at(STORIES[1](), 0).expect("a first event");
    let action = flow.resume(world.now(), stale());
    assert!(matches!(action, Action::Unlock(_)), "{action:?}");
    let Action::Done(ending) = flow.resume(world.now(), stale()) else { panic!("it goes on") };
    assert_misused(&ending);
}

#[test]
fn nothing_goes_on_after_the_end() {
    for story in STORIES {
        let (mut world, (mut flow, mut action)) = story();
        while let Turn::Goes(event) = world.turn(action) {
            action = flow.resume(world.now(), event);
        }
        for event in (0..).map_while(|step| event_at(story(), step)) {
            let Action::Done(ending) = flow.resume(world.now(), event) else { panic!("it goes on") };
            assert_misused(&ending);
        }
    }
}

#[test]
fn a_flow_can_be_sent_kept_and_dropped_at_any_point() {
    fn is_plain<T: Send + 'static>(_: &T) {}
    for story in STORIES {
        for step in 0.. {
            let Some((_, flow, action)) = standing_at(story(), step) else { break };
            is_plain(&flow);
            is_plain(&action);
        }
    }
}
