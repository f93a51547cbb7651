//! Heads that are made to be understood in two ways, or to cost much: each is refused, or understood in one way.

use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use crate::support::{App, Local, World, until};

/// Says so many bytes, and tells the status of the answer and what else comes up to the end of the connection.
fn said(local: &Local, bytes: &str) -> (u16, String) {
    let mut client = local.connect();
    client.try_write(bytes.as_bytes());
    let answer = client.answer("GET");
    (answer.status, answer.text())
}

/// A request to the listener with these lines after its `Host`, each with its end.
fn with(local: &Local, first: &str, lines: &str, rest: &str) -> String {
    format!("{first} HTTP/1.1\r\nhost: {}\r\n{lines}\r\n{rest}", local.host())
}

#[test]
fn what_could_hide_a_second_request_reaches_nobody() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    for lines in [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: 4, 5\r\n",
        "content-length: 4, 4\r\n",
        "content-length: +4\r\n",
        "content-length: 0x4\r\n",
        "content-length: -1\r\n",
        "content-length: 4 \r\n 5\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length:\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding:\x0bchunked\r\n",
        "x-folded: a\r\n b\r\n",
        " x-leading: a\r\n",
        "x space: a\r\n",
        "x-nul: a\0b\r\n",
        "x-return: a\rb\r\n",
        ": empty\r\n",
        "no-colon\r\n",
        "host: other.example\r\n",
    ] {
        let (status, text) = said(&local, &with(&local, "POST /", lines, hidden));
        assert!(matches!(status, 400 | 421), "{lines:?}: {status} {text}");
    }
    let old = format!("POST / HTTP/1.0\r\nhost: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", local.host());
    assert_eq!(said(&local, &old).0, 400);
    for first in ["GET /a b", "GET  /", "GET /a\tb", "G@T /", "GET /\0", "GET", " GET /"] {
        assert_eq!(said(&local, &with(&local, first, "", "")).0, 400, "{first:?}");
    }
    for version in ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/1.1 x"] {
        let (status, _) = said(&local, &format!("GET / {version}\r\nhost: {}\r\n\r\n", local.host()));
        assert!(matches!(status, 400 | 505), "{version}: {status}");
    }
    assert_eq!((app.connections(), local.counts.bytes_up()), (0, 0));
}

#[test]
fn a_length_beside_chunks_is_not_handed_on() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        while let Some(head) = visit.head() {
            assert!(head.contains("transfer-encoding: chunked\r\n") && !head.contains("content-length"), "{head}");
            assert_eq!(visit.body(15), b"5\r\nhello\r\n0\r\n\r\n");
            visit.say("HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let local = world.forwarder_to(&app);
    for lines in [
        "content-length: 3\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\nconnection: transfer-encoding\r\n",
        "Transfer-Encoding: CHUNKED\r\n",
        "transfer-encoding: chunked\r\nconnection: content-length, host\r\n",
    ] {
        let (status, _) = said(&local, &with(&local, "POST /", lines, "5;x=\"0\"\r\nhello\r\n0\r\n\r\n"));
        assert_eq!(status, 200, "{lines:?}");
    }
    assert_eq!(app.heads().len(), 5);
}

#[test]
fn chunks_that_are_none_end_the_request() {
    let world = World::new();
    let came = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&came);
    let app = App::doing(move |mut visit| {
        visit.head();
        let mut rest = Vec::new();
        let _ = visit.wire.read_to_end(&mut rest);
        log.lock().unwrap().push(String::from_utf8_lossy(&rest).into_owned());
    });
    let local = world.forwarder_to(&app);
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    for chunks in ["0x5\r\nhello\r\n", "-1\r\n", "5\r\nhelloGET", "fffffffffffffffff\r\nx", "5 5\r\nhello\r\n", "\r\n"]
    {
        let mut client = local.connect();
        client.write(with(&local, "POST /", "transfer-encoding: chunked\r\n", chunks).as_bytes());
        client.try_write(hidden.as_bytes());
        let rest = client.rest();
        let text = String::from_utf8_lossy(&rest);
        assert!(!text.contains(" 200 ") && text.matches("HTTP/1.1").count() <= 1, "{chunks:?}: {text}");
    }
    assert!(app.heads().iter().all(|head| head.starts_with("POST / ")), "{:?}", app.heads());
    until(|| came.lock().unwrap().len() == app.connections());
    // No body came whole, and what follows one is no request.
    for rest in came.lock().unwrap().iter() {
        assert!(!rest.contains("hidden") && !rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
}

#[test]
fn lines_that_end_in_a_bare_line_feed_end_as_they_should_for_the_app() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let (status, _) = said(&local, &format!("GET /a HTTP/1.1\nhost: {}\nx-mine: 1\n\n", local.host()));
    assert_eq!(status, 200);
    let head = app.heads().pop().unwrap();
    assert!(
        head.contains("\r\nx-mine: 1\r\n") && head.matches('\n').count() == head.matches("\r\n").count(),
        "{head:?}"
    );
}

#[test]
fn very_many_headers_are_a_431_and_as_many_as_are_usual_pass() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let many = |count: usize, length: usize| {
        (0..count).fold(String::new(), |mut lines, number| {
            let _ = write!(lines, "x-{number}: {}\r\n", "v".repeat(length));
            lines
        })
    };
    assert_eq!(said(&local, &with(&local, "GET /", &many(90, 1200), "")).0, 200);
    let head = app.heads().pop().unwrap();
    assert!(head.len() > 100_000 && (0..90).all(|number| head.contains(&format!("\r\nx-{number}: v"))));
    for (count, length) in [(101, 1), (20_000, 1), (2, 70_000)] {
        assert_eq!(said(&local, &with(&local, "GET /", &many(count, length), "")).0, 431, "{count} of {length}");
    }
    let long = format!("GET /{}", "a".repeat(70_000));
    assert_eq!(said(&local, &with(&local, &long, "", "")).0, 414);
    assert_eq!(app.heads().len(), 1);
}

#[test]
fn an_answer_with_too_large_a_head_says_so() {
    let world = World::new();
    for lines in ["x: 1\r\n".repeat(101), format!("x: {}\r\n", "v".repeat(140_000))] {
        let app = App::doing(move |mut visit| {
            visit.head();
            visit.say(format!("HTTP/1.1 200 Fine\r\n{lines}content-length: 2\r\n\r\nok"));
        });
        let answer = world.forwarder_to(&app).get("/").expect(502).says("over 131072 bytes or 100 lines");
        assert_eq!(answer.header("x-entrada-error"), Some("not_http"));
    }
}

#[test]
fn an_old_client_is_answered_by_its_own_rules() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        while visit.head().is_some() {
            visit.say("HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        }
    });
    let local = world.forwarder_to(&app);
    assert_eq!(said(&local, "GET / HTTP/1.0\r\n\r\n").0, 421, "without a Host");
    assert_eq!(app.connections(), 0);
    let mut client = local.connect();
    client.write(format!("GET /old HTTP/1.0\r\nhost: {}\r\n\r\n", local.host()).as_bytes());
    let answer = String::from_utf8(client.rest()).unwrap();
    // It knows no chunks: the body ends with the connection.
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\nok"), "{answer}");
    assert!(!answer.to_lowercase().contains("transfer-encoding"), "{answer}");
    assert!(app.heads()[0].starts_with("GET /old HTTP/1.1\r\n"), "{:?}", app.heads());
}

#[test]
fn a_whole_url_as_the_target_is_ours_or_nobodys() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let host = local.host();
    for (target, status) in [
        (format!("http://{host}/a?b"), 200),
        (format!("http://localhost:{}/a?b", local.port), 200),
        (format!("http://me@{host}/a?b"), 421),
        (format!("http://{host}@evil.example/"), 421),
        (format!("http://{host}.evil.example/"), 421),
        ("http://127.0.0.1/".to_owned(), 421),
        (app.url("/"), 421),
        ("evil.example".to_owned(), 421),
        ("http:///a".to_owned(), 400),
    ] {
        assert_eq!(said(&local, &with(&local, &format!("GET {target}"), "", "")).0, status, "{target}");
    }
    assert_eq!(app.heads().len(), 2);
    assert!(app.heads().iter().all(|head| head.starts_with("GET /a?b HTTP/1.1\r\n")), "{:?}", app.heads());
}

#[test]
fn the_server_as_a_whole_may_be_asked_for_its_options() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        while visit.head().is_some() {
            visit.say("HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let local = world.forwarder_to(&app);
    assert_eq!(said(&local, &with(&local, "OPTIONS *", "", "")).0, 401);
    assert!(app.heads()[0].starts_with("OPTIONS * HTTP/1.1\r\n"), "{:?}", app.heads());
}

#[test]
fn a_trace_would_show_the_token_and_is_refused() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let (status, text) = said(&local, &with(&local, "TRACE /", "", ""));
    assert_eq!((status, app.connections()), (405, 0), "{text}");
}
