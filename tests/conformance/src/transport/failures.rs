//! What fails is an error with the right fault, in time, and without a secret.

use std::io::{self, Read};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use entrada_core::Fault;
use entrada_core::ports::blocking::Body;
use http::header::EXPECT;
use http::{HeaderValue, Method};

use super::{AMPLE, Ground, SECRET, SHORT, answer, broken_body, failure, get, page, request};

pub(super) fn suite(ground: &Ground<'_>) {
    nobody_is_there(ground);
    a_cut_before_the_answer(ground);
    a_post_is_never_sent_twice(ground);
    a_cut_within_the_body(ground);
    an_answer_that_is_not_http(ground);
    headers_without_end(ground);
    a_slow_head(ground);
    a_head_that_trickles_is_too_slow(ground);
    a_server_that_goes_on_saying_continue_is_too_slow(ground);
    a_slow_body(ground);
    a_slow_but_steady_body_is_no_failure(ground);
    an_upload_that_is_not_taken(ground);
    a_slow_source_is_no_failure(ground);
    a_url_that_is_none(ground);
}

fn nobody_is_there(ground: &Ground<'_>) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let transport = ground.make();
    let error = failure(&*transport, get(&format!("http://127.0.0.1:{}/?code={SECRET}", free.port())), AMPLE);
    assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "it says who: {error}");

    // A name that is reserved for not being there (RFC 6761).
    let error = failure(&*transport, get(&format!("https://nobody.invalid/?code={SECRET}")), AMPLE);
    assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    assert!(error.to_string().contains("nobody.invalid"), "it says who: {error}");
}

fn a_cut_before_the_answer(ground: &Ground<'_>) {
    for wire in
        ["", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Cut: ", "HTTP/1.1 100 Continue\r\n\r\n"]
    {
        let server = ground.serve(move |connection| {
            let head = connection.head()?;
            connection.body(&head)?;
            connection.write(wire)
        });
        let error = failure(&*ground.make(), request(Method::POST, &server.url("/cut"), SECRET.to_owned()), AMPLE);
        assert_eq!(error.fault(), Fault::Unreachable, "{wire:?}: {error}");
    }
}

fn a_post_is_never_sent_twice(ground: &Ground<'_>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let posts = Arc::clone(&seen);
    let server = ground.serve(move |connection| {
        loop {
            let head = connection.head()?;
            connection.body(&head)?;
            if head.method() == "POST" {
                posts.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
            connection.answer("200 OK", "kept")?;
        }
    });
    let transport = ground.make();
    for body in ["grant_type=refresh_token", ""] {
        page(&*transport, get(&server.url("/kept")));
        let error = failure(&*transport, request(Method::POST, &server.url("/token"), body.to_owned()), AMPLE);
        assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 2, "on a kept connection that is cut under way");
}

fn a_cut_within_the_body(ground: &Ground<'_>) {
    for framing in [
        "Content-Length: 100\r\n\r\nonly a part",
        "Transfer-Encoding: chunked\r\n\r\n64\r\nonly a part",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
    ] {
        let server = ground.serve(move |connection| {
            connection.head()?;
            connection.write(format!("HTTP/1.1 200 OK\r\n{framing}"))
        });
        let error = broken_body(answer(&*ground.make(), get(&server.url("/cut"))));
        assert_eq!(error.fault(), Fault::Unreachable, "{framing:?}: {error}");
    }
}

fn an_answer_that_is_not_http(ground: &Ground<'_>) {
    for wire in ["220 mail.example ESMTP\r\n\r\n", "HTTP/1.1 two hundred\r\n\r\n", "\u{1}\u{2}\r\n\r\n"] {
        let server = ground.serve(move |connection| {
            connection.head()?;
            connection.write(wire)
        });
        let error = failure(&*ground.make(), get(&server.url("/")), AMPLE);
        assert!(!matches!(error.fault(), Fault::TimedOut | Fault::Untrusted), "{wire:?}: {error}");
    }
}

fn headers_without_end(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nX-Endless: ")?;
        loop {
            connection.write([b'x'; 4096])?;
        }
    });
    let error = failure(&*ground.make(), get(&server.url("/")), AMPLE);
    assert_eq!(error.fault(), Fault::TooLarge, "{error}");
}

fn a_slow_head(ground: &Ground<'_>) {
    for wire in ["", "HTTP/1.1 200 OK\r\nX-Slow: "] {
        let server = ground.serve(move |connection| {
            connection.head()?;
            connection.write(wire)?;
            connection.wait_for_the_end();
            Ok(())
        });
        let begin = Instant::now();
        let error = failure(&*ground.make(), get(&server.url("/slow")), SHORT);
        assert_eq!(error.fault(), Fault::TimedOut, "{error}");
        assert!((SHORT / 2..AMPLE / 4).contains(&begin.elapsed()), "after {:?}", begin.elapsed());
    }
}

fn a_head_that_trickles_is_too_slow(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nX-Slow: ")?;
        for _ in 0..200 {
            std::thread::sleep(SHORT / 5);
            connection.write("x")?;
        }
        Ok(())
    });
    let begin = Instant::now();
    let error = failure(&*ground.make(), get(&server.url("/trickle")), SHORT);
    assert_eq!(error.fault(), Fault::TimedOut, "{error}");
    assert!(begin.elapsed() < AMPLE / 4, "after {:?}", begin.elapsed());
}

fn a_server_that_goes_on_saying_continue_is_too_slow(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        for _ in 0..200 {
            connection.write("HTTP/1.1 100 Continue\r\n\r\n")?;
            std::thread::sleep(SHORT / 5);
        }
        Ok(())
    });
    let mut expecting = request(Method::POST, &server.url("/continue"), SECRET.to_owned());
    expecting.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
    for asked in [get(&server.url("/continue")), expecting] {
        let begin = Instant::now();
        let error = failure(&*ground.make(), asked, SHORT);
        assert_eq!(error.fault(), Fault::TimedOut, "{error}");
        assert!(begin.elapsed() < AMPLE / 4, "after {:?}", begin.elapsed());
    }
}

fn a_slow_body(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst")?;
        connection.wait_for_the_end();
        Ok(())
    });
    let transport = ground.make();
    let mut answer = transport.send(get(&server.url("/slow")), SHORT).expect("the head is there");
    let mut first = [0; 5];
    answer.body_mut().read_exact(&mut first).expect("what was sent");
    let begin = Instant::now();
    let error = broken_body(answer);
    assert_eq!(error.fault(), Fault::TimedOut, "{error}");
    assert!(begin.elapsed() < AMPLE / 4, "after {:?}", begin.elapsed());
}

fn a_slow_but_steady_body_is_no_failure(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")?;
        for _ in 0..15 {
            std::thread::sleep(SHORT / 12);
            connection.write("x")?;
        }
        Ok(())
    });
    let transport = ground.make();
    let mut answer = transport.send(get(&server.url("/steady")), SHORT).expect("the head is there");
    let body = answer.body_mut().read_to_limit(100).expect("each wait is shorter than the limit");
    assert_eq!(body.as_deref(), Some(&[b'x'; 15][..]));
}

fn an_upload_that_is_not_taken(ground: &Ground<'_>) {
    let (done, is_done) = channel::<()>();
    let is_done = Mutex::new(is_done);
    let server = ground.serve(move |connection| {
        connection.head()?;
        // Nothing is read until the client has given up.
        is_done.lock().expect("is_done").recv_timeout(AMPLE).map_err(io::Error::other)
    });
    let endless = Body::stream(io::repeat(b'x'), None);
    let error = failure(&*ground.make(), request(Method::POST, &server.url("/upload"), endless), SHORT);
    drop(done);
    assert_eq!(error.fault(), Fault::TimedOut, "{error}");
}

/// A stream that takes its time.
struct Slow(Option<Duration>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(pause) = self.0.take() else { return Ok(0) };
        std::thread::sleep(pause);
        buffer[..4].copy_from_slice(b"slow");
        Ok(4)
    }
}

fn a_slow_source_is_no_failure(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        let head = connection.head()?;
        let body = connection.body(&head)?;
        connection.answer("200 OK", body)
    });
    let slow = Body::stream(Slow(Some(SHORT * 3)), None);
    let answer = ground.make().send(request(Method::POST, &server.url("/upload"), slow), SHORT);
    let body = answer.expect("only the source is slow").into_body().read_to_limit(100);
    assert_eq!(body.expect("the body").as_deref(), Some(&b"slow"[..]));
}

fn a_url_that_is_none(ground: &Ground<'_>) {
    for url in [format!("/only/a/path?code={SECRET}"), format!("ftp://files.example/?code={SECRET}")] {
        let error = failure(&*ground.make(), get(&url), AMPLE);
        assert_eq!(error.fault(), Fault::Other, "{error}");
    }
}
