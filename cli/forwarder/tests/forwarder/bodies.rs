//! Bodies as streams, both ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{App, World, until};

#[test]
fn chunks_and_trailers_go_both_ways() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        let head = visit.head().unwrap();
        assert!(head.contains("transfer-encoding: chunked\r\n") && head.contains("te: trailers\r\n"), "{head}");
        let mut body = String::new();
        while !body.ends_with("\r\n\r\n") {
            std::io::BufRead::read_line(&mut visit.wire, &mut body).unwrap();
        }
        assert!(
            body.starts_with("2\r\nhe\r\n3\r\nllo\r\n0\r\n") && body.to_lowercase().contains("x-sum: 5\r\n"),
            "{body:?}"
        );
        visit.say(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-total\r\n\r\n\
             3\r\nabc\r\n2\r\nde\r\n0\r\nx-total: 7\r\n\r\n",
        );
    });
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    client.send_head("POST", "/", "transfer-encoding: chunked\r\nte: trailers\r\ntrailer: x-sum\r\n", 0);
    client.write(b"2\r\nhe\r\n3\r\nllo\r\n0\r\nx-sum: 5\r\n\r\n");
    let answer = client.answer("POST").expect(200);
    assert_eq!(answer.text(), "abcde");
    assert_eq!(answer.trailers, [("x-total".to_owned(), "7".to_owned())]);
}

#[test]
fn a_body_goes_along_whatever_the_method() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        let head = visit.head().unwrap();
        assert!(head.contains("transfer-encoding: chunked\r\n") && !head.contains("content-length"), "{head}");
        assert_eq!(visit.body(15), b"5\r\nhello\r\n0\r\n\r\n");
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-came: whole\r\nconnection: close\r\n\r\n");
    });
    let local = world.forwarder_to(&app);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"] {
        let mut client = local.connect();
        client.send_head(method, "/", "transfer-encoding: chunked\r\n", 0);
        client.write(b"5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(client.answer(method).expect(200).header("x-came"), Some("whole"), "{method}");
    }
}

#[test]
fn each_piece_goes_on_before_the_next_one_comes() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        loop {
            let piece = visit.body(4);
            visit.say(format!("4\r\n{}\r\n", String::from_utf8_lossy(&piece)));
            if piece == *b"done" {
                return visit.say("0\r\n\r\n");
            }
        }
    });
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    client.send_head("POST", "/", "", 12);
    client.write(b"one ");
    client.head();
    for (piece, next) in [("one ", "two "), ("two ", "done"), ("done", "")] {
        assert_eq!((client.line().as_str(), client.read_exact(6)), ("4", format!("{piece}\r\n").into_bytes()));
        client.write(next.as_bytes());
    }
}

#[test]
fn whoever_reads_slowly_holds_the_app_back() {
    const WHOLE: usize = 256 << 20;
    let world = World::new();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let app = App::doing(move |mut visit| {
        use std::io::Write as _;
        visit.head();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {WHOLE}\r\n\r\n"));
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..WHOLE / piece.len() {
            if visit.wire.get_mut().write_all(&piece).is_err() {
                return;
            }
            count.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
    });
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    client.send_head("GET", "/", "", 0);
    client.head();
    // It goes on until all buffers are full, and then it does not.
    until(|| {
        let before = sent.load(Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(200));
        before > 0 && sent.load(Ordering::SeqCst) == before
    });
    assert!(sent.load(Ordering::SeqCst) < 64 << 20, "{}", sent.load(Ordering::SeqCst));
    assert_eq!(client.read_exact(WHOLE).len(), WHOLE);
    assert_eq!(sent.load(Ordering::SeqCst), WHOLE as u64);
}

#[test]
fn the_app_says_whether_a_body_is_to_come() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        let head = visit.head().unwrap();
        assert!(head.contains("expect: 100-continue\r\n"), "{head}");
        if head.starts_with("put /no ") {
            return visit.say("HTTP/1.1 413 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
        if head.starts_with("put /yes ") {
            visit.say("HTTP/1.1 100 Continue\r\n\r\n");
        }
        let body = visit.body(5);
        assert_eq!(body, b"hello");
        visit.say("HTTP/1.1 201 Made\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    let local = world.forwarder_to(&app);
    // One that never says so is not waited for without end.
    for target in ["/yes", "/silent"] {
        let mut client = local.connect();
        client.send_head("PUT", target, "expect: 100-continue\r\n", 5);
        assert_eq!(client.head().0, 100, "{target}");
        client.write(b"hello");
        client.answer("PUT").expect(201);
    }
    let mut client = local.connect();
    client.send_head("PUT", "/no", "expect: 100-continue\r\n", 5);
    assert_eq!(client.head().0, 413, "and no 100 before it");
}

#[test]
fn an_answer_without_a_body_has_none() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        while let Some(head) = visit.head() {
            let status = if head.starts_with("get /none") { "204 No" } else { "304 Same" };
            let status = if head.starts_with("head") { "200 OK" } else { status };
            let length = if status == "204 No" { "" } else { "content-length: 1234\r\n" };
            visit.say(format!("HTTP/1.1 {status}\r\n{length}etag: \"x\"\r\n\r\n"));
        }
    });
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    let head = client.ask("HEAD", "/", "", b"").expect(200);
    assert_eq!(head.header("content-length"), Some("1234"));
    assert_eq!(client.get("/none").expect(204).header("content-length"), None);
    assert_eq!(client.get("/same").expect(304).header("etag"), Some("\"x\""));
    client.ask("HEAD", "/", "", b"").expect(200);
    assert_eq!(app.connections(), 1);
}

#[test]
fn a_body_that_breaks_off_breaks_off_for_the_client() {
    let world = World::new();
    let (has_head, heard) = std::sync::mpsc::channel();
    let heard = std::sync::Mutex::new(heard);
    let app = App::doing(move |mut visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
        heard.lock().unwrap().recv().unwrap();
    });
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    client.send_head("GET", "/", "connection: close\r\n", 0);
    client.head();
    has_head.send(()).unwrap();
    assert_eq!(client.rest(), b"5\r\nhello\r\n", "no last chunk, by which the client knows");
}

#[test]
fn a_client_that_leaves_takes_its_request_along() {
    let world = World::new();
    let gone = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&gone);
    let app = App::doing(move |mut visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
        if visit.head().is_none() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    client.send_head("GET", "/", "", 0);
    client.head();
    client.read_exact(5);
    drop(client);
    until(|| gone.load(Ordering::SeqCst) == 1);
    until(|| local.counts.open() == 0);
}
