//! What a listener hears of a flow: which it was, under which correlation id, how it ended and how long it took.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use entrada_core::{Flow, Outcome};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::ports::Shared;
use crate::support::*;

/// Hears everything, in lines.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Ear {
    fn hear(&self, what: &str, record: impl FnOnce(&mut Line)) {
        let mut line = Line(format!("{what} "));
        record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.hear("span", |line| span.record(line));
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.hear("event", |line| event.record(line));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn heard(world: World, flow: (Flow, entrada_core::Action)) -> (Vec<String>, Result<Outcome, entrada_core::Error>) {
    let ear = Ear::default();
    let shared = Shared::new(world);
    let ending = tracing::subscriber::with_default(ear.clone(), || shared.run(flow));
    let lines = ear.0.lock().unwrap().clone();
    for line in &lines {
        shared.world().sees_no_secret(line);
    }
    (lines, ending)
}

#[test]
fn a_flow_is_a_span_and_its_end_an_event_with_durations() {
    let mut world = World::with(&signed_in().access(&ADA, "access-1", -1));
    world.answers(Grant::of("access-2").refresh("refresh-2"));
    let request = request().correlation_id(Some("c0ffee00-0000-0000-0000-000000000001".into()));
    let (lines, ending) = heard(world, Flow::silent(&entra(), &request));
    token(ending);
    assert_eq!(lines[0], r#"span kind="silent" correlation_id="c0ffee00-0000-0000-0000-000000000001" "#);
    let end = lines.last().unwrap();
    for part in
        ["message=a flow has ended", "ended=\"a token from a refresh\"", "total_ms=", "authority_ms=", "user_ms=0.0"]
    {
        assert!(end.contains(part), "no {part} in {end}");
    }

    let (lines, ending) = heard(World::new(), Flow::silent(&entra(), &request));
    assert!(ending.is_err_and(|error| error.needs_ui()));
    assert!(lines.last().unwrap().contains("ended=\"a sign-in is needed\""), "{lines:?}");
}
