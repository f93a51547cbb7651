//! What clients are told where there is no answer of the app's.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use entrada_forwarder::{Limits, Listen, Published};

use crate::support::{App, Local, World, until};

fn quick() -> Limits {
    let mut limits = Limits::default();
    limits.idle = Duration::from_millis(300);
    limits.answer = Duration::from_millis(300);
    limits
}

#[test]
fn an_app_that_is_not_there_is_a_502_and_told_once() {
    let world = World::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app = Published::new(&format!("http://{closed}/"), world.lender()).unwrap();
    let local = Local::start(world.builder().publish(app, Listen::default()));
    for _ in 0..2 {
        let answer = local.get("/").expect(502).says("refuses the connection");
        assert_eq!(answer.header("x-entrada-error"), Some("unreachable"));
    }
    assert_eq!(world.events().len(), 1, "{:?}", world.events());
}

#[test]
fn an_app_that_does_not_answer_in_time_is_a_504() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        visit.head();
        visit.head();
    });
    let local = Local::start(world.builder_to(&app).limits(quick()));
    local.get("/").expect(504).says("did not answer within 0.3 s");
    let mut client = local.connect();
    client.ask("POST", "/", "", b"body").expect(504);
}

#[test]
fn an_answer_may_take_as_long_as_it_likes_once_it_has_begun() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        while visit.head().is_some() {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhe");
            std::thread::sleep(Duration::from_millis(900));
            visit.say("re");
        }
    });
    let local = Local::start(world.builder_to(&app).limits(quick()));
    assert_eq!(local.get("/").expect(200).text(), "here");
}

#[test]
fn a_client_that_says_nothing_is_left() {
    let world = World::new();
    let app = App::saying("");
    let local = Local::start(world.builder_to(&app).limits(quick()));
    let begun = Instant::now();
    assert_eq!(local.connect().rest(), b"");
    let mut client = local.connect();
    client.get("/").expect(200);
    // Half a head is none.
    client.write(b"GET / HTTP/1.1\r\nhost");
    assert_eq!(client.rest(), b"");
    assert!(begun.elapsed() >= Duration::from_millis(600) && begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_head_that_is_too_long_is_a_431() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    let long = format!("x-long: {}\r\n", "x".repeat(200 * 1024));
    client.try_write(format!("GET / HTTP/1.1\r\nhost: {}\r\n{long}\r\n", local.host()).as_bytes());
    assert_eq!(client.head().0, 431);
    assert_eq!(app.connections(), 0);
    let fits = format!("x-long: {}\r\n", "x".repeat(60 * 1024));
    local.connect().ask("GET", "/", &fits, b"").expect(200);
}

#[test]
fn what_is_not_http_is_a_502() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        visit.head();
        visit.say("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    });
    let answer = world.forwarder_to(&app).get("/").expect(502);
    assert_eq!(answer.header("x-entrada-error"), Some("not_http"));
}

#[test]
fn a_kept_connection_that_the_app_has_closed_fails_no_request_that_may_be_repeated() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        // The first connection is cut when its second request has come.
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        if visit.head().is_some() && visit.number > 0 {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let local = world.forwarder_to(&app);
    local.get("/").expect(200);
    local.get("/").expect(200);
    assert_eq!(app.connections(), 2);

    let app = App::doing(|mut visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        visit.head();
    });
    let local = world.forwarder_to(&app);
    local.get("/").expect(200);
    let answer = local.connect().ask("POST", "/", "", b"once").expect(502);
    assert_eq!(answer.header("x-entrada-error"), Some("cut"));
    assert_eq!(app.heads().len(), 2, "what may have been done is not done again");
}

#[test]
fn a_kept_connection_that_was_closed_before_is_not_used() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    let local = world.forwarder_to(&app);
    local.get("/").expect(200);
    until(|| local.connect().ask("POST", "/", "", b"").status == 200);
    assert!(local.counts.errors() <= 1, "only what crossed the end on its way");
}
