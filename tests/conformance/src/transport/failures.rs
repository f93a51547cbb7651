//! What fails is an error with the right fault, in time, and without a secret.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use entrada_core::Fault;
use http::Method;

use super::server::Server;
use super::{AMPLE, Make, SECRET, SHORT, answer, broken_body, failure, get, page, request};

pub(super) fn suite(make: Make<'_>) {
    nobody_is_there(make);
    a_cut_before_the_answer(make);
    a_post_is_never_sent_twice(make);
    a_cut_within_the_body(make);
    an_answer_that_is_not_http(make);
    headers_without_end(make);
    a_slow_head(make);
    a_head_that_trickles_is_too_slow(make);
    a_slow_body(make);
    a_slow_but_steady_body_is_no_failure(make);
}

fn nobody_is_there(make: Make<'_>) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let transport = make();
    let error = failure(&*transport, get(&format!("http://127.0.0.1:{}/?code={SECRET}", free.port())), AMPLE);
    assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "it says who: {error}");

    // A name that is reserved for not being there (RFC 6761).
    let error = failure(&*transport, get(&format!("https://nobody.invalid/?code={SECRET}")), AMPLE);
    assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    assert!(error.to_string().contains("nobody.invalid"), "it says who: {error}");
}

fn a_cut_before_the_answer(make: Make<'_>) {
    for wire in
        ["", "HTTP/1.1 200 O", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Cut: ", "HTTP/1.1 100 Continue\r\n\r\n"]
    {
        let server = Server::plain(move |connection| {
            let head = connection.head()?;
            connection.body(&head)?;
            connection.write(wire)
        });
        let error = failure(&*make(), request(Method::POST, &server.url("/cut"), SECRET.to_owned()), AMPLE);
        assert_eq!(error.fault(), Fault::Unreachable, "{wire:?}: {error}");
    }
}

fn a_post_is_never_sent_twice(make: Make<'_>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let posts = Arc::clone(&seen);
    let server = Server::plain(move |connection| {
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
    let transport = make();
    for body in ["grant_type=refresh_token", ""] {
        page(&*transport, get(&server.url("/kept")));
        let error = failure(&*transport, request(Method::POST, &server.url("/token"), body.to_owned()), AMPLE);
        assert_eq!(error.fault(), Fault::Unreachable, "{error}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 2, "on a kept connection that is cut under way");
}

fn a_cut_within_the_body(make: Make<'_>) {
    for framing in [
        "Content-Length: 100\r\n\r\nonly a part",
        "Transfer-Encoding: chunked\r\n\r\n64\r\nonly a part",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
    ] {
        let server = Server::plain(move |connection| {
            connection.head()?;
            connection.write(format!("HTTP/1.1 200 OK\r\n{framing}"))
        });
        let error = broken_body(answer(&*make(), get(&server.url("/cut"))));
        assert_eq!(error.fault(), Fault::Unreachable, "{framing:?}: {error}");
    }
}

fn an_answer_that_is_not_http(make: Make<'_>) {
    for wire in ["220 mail.example ESMTP\r\n\r\n", "HTTP/1.1 two hundred\r\n\r\n", "\u{1}\u{2}\r\n\r\n"] {
        let server = Server::plain(move |connection| {
            connection.head()?;
            connection.write(wire)
        });
        let error = failure(&*make(), get(&server.url("/")), AMPLE);
        assert!(!matches!(error.fault(), Fault::TimedOut | Fault::Untrusted), "{wire:?}: {error}");
    }
}

fn headers_without_end(make: Make<'_>) {
    let server = Server::plain(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nX-Endless: ")?;
        loop {
            connection.write([b'x'; 4096])?;
        }
    });
    let error = failure(&*make(), get(&server.url("/")), AMPLE);
    assert_ne!(error.fault(), Fault::TimedOut, "{error}");
}

fn a_slow_head(make: Make<'_>) {
    for wire in ["", "HTTP/1.1 200 OK\r\nX-Slow: "] {
        let server = Server::plain(move |connection| {
            connection.head()?;
            connection.write(wire)?;
            connection.wait_for_the_end()
        });
        let begin = Instant::now();
        let error = failure(&*make(), get(&server.url("/slow")), SHORT);
        assert_eq!(error.fault(), Fault::TimedOut, "{error}");
        assert!((SHORT / 2..AMPLE / 4).contains(&begin.elapsed()), "after {:?}", begin.elapsed());
    }
}

fn a_head_that_trickles_is_too_slow(make: Make<'_>) {
    let server = Server::plain(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nX-Slow: ")?;
        for _ in 0..200 {
            std::thread::sleep(SHORT / 5);
            connection.write("x")?;
        }
        Ok(())
    });
    let begin = Instant::now();
    let error = failure(&*make(), get(&server.url("/trickle")), SHORT);
    assert_eq!(error.fault(), Fault::TimedOut, "{error}");
    assert!(begin.elapsed() < AMPLE / 4, "after {:?}", begin.elapsed());
}

fn a_slow_body(make: Make<'_>) {
    let server = Server::plain(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst")?;
        connection.wait_for_the_end()
    });
    let transport = make();
    let mut answer = transport.send(get(&server.url("/slow")), SHORT).expect("the head is there");
    let mut first = [0; 5];
    answer.body_mut().read_exact(&mut first).expect("what was sent");
    let begin = Instant::now();
    let error = broken_body(answer);
    assert_eq!(error.fault(), Fault::TimedOut, "{error}");
    assert!(begin.elapsed() < AMPLE / 4, "after {:?}", begin.elapsed());
}

fn a_slow_but_steady_body_is_no_failure(make: Make<'_>) {
    let server = Server::plain(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")?;
        for _ in 0..6 {
            std::thread::sleep(Duration::from_millis(60));
            connection.write("x")?;
        }
        Ok(())
    });
    let transport = make();
    let mut answer = transport.send(get(&server.url("/steady")), SHORT).expect("the head is there");
    let body = answer.body_mut().read_to_limit(100).expect("each wait is shorter than the limit");
    assert_eq!(body.as_deref(), Some(&b"xxxxxx"[..]));
}
