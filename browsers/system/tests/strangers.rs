//! Whoever else connects: each is answered or left, and none ends the wait.
#![allow(clippy::unwrap_used)]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::{LONG, connect, exchange, form, form_post, get, port, quiet, read, receive};
use entrada_core::ports::blocking::Browser;
use entrada_core::{Fault, Redirect};

const RIGHT: &str = "code=right&state=s1";

/// Lets `strangers` do their worst on a waiting listener, then brings the right redirect.
fn survives(strangers: impl FnOnce(u16) + Send + 'static) {
    let browser = quiet().build().unwrap();
    let mut listener = browser.listen(&form_post()).unwrap();
    let number = port(listener.listening());
    let client = thread::spawn(move || {
        strangers(number);
        let since = Instant::now();
        let answer = exchange(number, &form(number, RIGHT)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(since.elapsed() < Duration::from_secs(2), "the right one is answered at once");
    });
    let received = listener.receive(&receive(LONG));
    // A stranger's failed assertion says more than the time-out that follows from it.
    client.join().unwrap();
    let Redirect::Parameters(parameters) = received.unwrap() else { panic!("a bare code") };
    assert_eq!(parameters.expose(), RIGHT);
}

#[test]
fn each_of_them_gets_its_answer() {
    survives(|port| {
        let host = format!("Host: localhost:{port}\r\n");
        let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
        let post = |headers: &str, body: &str| format!("POST / HTTP/1.1\r\n{host}{headers}\r\n{body}").into_bytes();
        let plain = |text: String| text.into_bytes();
        let table: Vec<(&str, Vec<u8>, &str)> = vec![
            ("a look", get(port, "/"), "400"),
            ("a favicon", get(port, "/favicon.ico"), "404"),
            ("another path", get(port, &format!("/other?{RIGHT}")), "404"),
            ("a devtools probe", get(port, "/.well-known/appspecific/com.chrome.devtools.json"), "404"),
            ("HEAD", plain(format!("HEAD /?{RIGHT} HTTP/1.1\r\n{host}\r\n")), "200"),
            ("PUT", plain(format!("PUT /?{RIGHT} HTTP/1.1\r\n{host}\r\n")), "405"),
            ("no state", get(port, "/?code=x"), "400"),
            ("a wrong state", get(port, "/?code=x&state=s2"), "400"),
            ("a doubled state", get(port, "/?code=x&state=s1&state=s1"), "400"),
            ("a wrong state in a form", form(port, "code=x&state=s2"), "400"),
            ("an error without a state", form(port, "error=access_denied"), "400"),
            ("a state alone", form(port, "state=s1"), "400"),
            ("an empty form", form(port, ""), "400"),
            ("a form without a length", post(form_type, RIGHT), "400"),
            ("JSON", post("Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"), "415"),
            ("no type", post("Content-Length: 19\r\n", RIGHT), "415"),
            ("a form that is not text", post(&format!("{form_type}Content-Length: 2\r\n"), "\u{e9}"), "400"),
            ("another host", plain(format!("GET /?{RIGHT} HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n")), "421"),
            ("another port", plain(format!("GET /?{RIGHT} HTTP/1.1\r\nHost: localhost:1\r\n\r\n")), "421"),
            ("two hosts", plain(format!("GET /?{RIGHT} HTTP/1.1\r\n{host}{host}\r\n")), "421"),
            ("no host", plain(format!("GET /?{RIGHT} HTTP/1.0\r\n\r\n")), "421"),
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), "400"),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "400"),
            ("half a head", plain(format!("GET /?{RIGHT} HTTP/1.1\r\nHost: loc")), "400"),
            ("half a body", post(&format!("{form_type}Content-Length: 99\r\n"), RIGHT), "400"),
            ("a large head", get(port, &format!("/?{RIGHT}&x={}", "x".repeat(17_000))), "431"),
            ("a huge head", get(port, &format!("/?{RIGHT}&x={}", "x".repeat(400_000))), "431"),
            ("many headers", plain(format!("GET / HTTP/1.1\r\n{host}{}\r\n", "a: b\r\n".repeat(200))), "431"),
            ("a large form", form(port, &format!("{RIGHT}&x={}", "x".repeat(66_000))), "413"),
            ("a huge form", form(port, &format!("{RIGHT}&x={}", "x".repeat(900_000))), "413"),
            (
                "a large form in chunks",
                post(
                    &format!("{form_type}Transfer-Encoding: chunked\r\n"),
                    &format!("fff\r\n{}\r\n", "x".repeat(4095)).repeat(17),
                ),
                "413",
            ),
            (
                "two framings",
                post(&format!("{form_type}Content-Length: 19\r\nTransfer-Encoding: chunked\r\n"), "0\r\n\r\n"),
                "400",
            ),
        ];
        for (who, request, status) in table {
            let answer = exchange(port, &request).unwrap_or_else(|error| panic!("{who}: {error}"));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{who}: {answer}");
            assert!(answer.contains("Connection: close\r\n"), "{who}: {answer}");
            assert!(!answer.contains("right"), "{who} hears of the code: {answer}");
        }
    });
}

#[test]
fn a_preflight_is_granted() {
    survives(|port| {
        let answer = exchange(
            port,
            format!(
                "OPTIONS / HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://login.microsoftonline.com\r\n\
                 Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true\r\n\r\n"
            )
            .as_bytes(),
        );
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 No Content\r\n"), "{answer}");
        assert!(answer.contains("Access-Control-Allow-Private-Network: true\r\n"), "{answer}");
        assert!(answer.contains("Access-Control-Allow-Origin: *\r\n"), "{answer}");
        assert!(!answer.contains("Content-Length"), "{answer}");
    });
}

#[test]
fn those_that_come_and_go_leave_nothing_behind() {
    survives(|port| {
        for _ in 0..50 {
            drop(connect(port));
            let mut rude = connect(port);
            rude.write_all(&get(port, "/")).unwrap();
            drop(rude);
            let half = connect(port);
            half.shutdown(Shutdown::Write).unwrap();
        }
    });
}

#[test]
fn a_hundred_silent_connections_do_not_keep_the_right_one_out() {
    survives(|port| {
        let silent: Vec<TcpStream> = (0..100).map(|_| connect(port)).collect();
        // They stay open as long as the test runs.
        std::mem::forget(silent);
    });
}

#[test]
fn neither_do_those_that_drip() {
    survives(|port| {
        for _ in 0..40 {
            thread::spawn(move || {
                let mut slow = connect(port);
                for byte in get(port, &format!("/?{}", "x".repeat(200))) {
                    if slow.write_all(&[byte]).is_err() {
                        return;
                    }
                    thread::sleep(Duration::from_millis(100));
                }
            });
        }
        thread::sleep(Duration::from_millis(300));
    });
}

#[test]
fn who_is_too_slow_is_told_so() {
    survives(|port| {
        let mut slow = connect(port);
        slow.write_all(b"POST / HTTP/1.1\r\n").unwrap();
        let mut silent = connect(port);
        let since = Instant::now();
        assert!(read(&mut slow).unwrap().starts_with("HTTP/1.1 408 "));
        assert_eq!(silent.read(&mut [0]).unwrap(), 0, "who said nothing hears nothing");
        assert!((3..9).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    });
}

#[test]
fn chunks_and_pieces_make_a_form_too() {
    let browser = quiet().build().unwrap();
    for is_chunked in [true, false] {
        let mut listener = browser.listen(&form_post()).unwrap();
        let number = port(listener.listening());
        let client = thread::spawn(move || {
            let framing = if is_chunked { "Transfer-Encoding: chunked" } else { "Content-Length: 19" };
            let body =
                if is_chunked { "a\r\ncode=right\r\n9\r\n&state=s1\r\n0\r\n\r\n".to_owned() } else { RIGHT.to_owned() };
            let request = format!(
                "POST / HTTP/1.1\r\nHost: 127.0.0.1:{number}\r\nExpect: 100-continue\r\n{framing}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
            );
            let mut stream = connect(number);
            for piece in request.as_bytes().chunks(7) {
                stream.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
            // Not shut down: a browser keeps its side open, and reads until we close.
            read(&mut stream).unwrap()
        });
        let Redirect::Parameters(parameters) = listener.receive(&receive(LONG)).unwrap() else { panic!() };
        assert_eq!(parameters.expose(), RIGHT);
        let answer = client.join().unwrap();
        assert!(answer.contains("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[test]
fn the_page_is_kept_nowhere_and_runs_nothing() {
    let browser = quiet().app_name("Contoso <HR>").build().unwrap();
    let mut listener = browser.listen(&form_post()).unwrap();
    let number = port(listener.listening());
    let client = thread::spawn(move || {
        let refusal = "error=access_denied&error_description=%3Cscript%3Ealert%281%29%3C%2Fscript%3E%1B%5B2J&state=s1";
        let bad = exchange(number, &form(number, refusal)).unwrap();
        // Late, and a duplicate: the page once more, though nobody listens to it.
        let again = exchange(number, &get(number, &format!("/?{RIGHT}"))).unwrap();
        (bad, again)
    });
    let Redirect::Parameters(parameters) = listener.receive(&receive(LONG)).unwrap() else { panic!() };
    assert!(parameters.expose().starts_with("error=access_denied"));
    let (bad, good) = client.join().unwrap();
    for answer in [&bad, &good] {
        for header in [
            "HTTP/1.1 200 OK\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
            "Cache-Control: no-store\r\n",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
            "Referrer-Policy: no-referrer\r\n",
            "X-Content-Type-Options: nosniff\r\n",
        ] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        assert!(!answer.contains("<script"), "{answer}");
    }
    assert!(bad.contains("<p>&lt;script&gt;alert(1)&lt;/script&gt;[2J</p>"), "{bad}");
    assert!(good.contains("You are signed in to Contoso &lt;HR&gt;"), "{good}");
    assert!(!good.contains("right"), "the page does not repeat the code");
    // The duplicate is not taken for the next sign-in's redirect.
    assert_eq!(listener.receive(&receive(Duration::from_millis(50))).unwrap_err().fault(), Fault::TimedOut);
}

#[test]
fn nobody_is_told_of_a_success_after_the_wait() {
    let browser = quiet().build().unwrap();
    let mut listener = browser.listen(&form_post()).unwrap();
    let number = port(listener.listening());
    assert_eq!(listener.receive(&receive(Duration::from_millis(20))).unwrap_err().fault(), Fault::TimedOut);
    let late = exchange(number, &form(number, RIGHT)).unwrap();
    assert!(late.starts_with("HTTP/1.1 400 "), "{late}");
    // And what came too late is not kept for the next wait.
    assert_eq!(listener.receive(&receive(Duration::from_millis(20))).unwrap_err().fault(), Fault::TimedOut);
}

#[test]
fn one_that_comes_before_the_wait_is_not_lost() {
    let browser = quiet().build().unwrap();
    let mut listener = browser.listen(&form_post()).unwrap();
    let number = port(listener.listening());
    let mut early = connect(number);
    early.write_all(&form(number, RIGHT)).unwrap();
    thread::sleep(Duration::from_millis(50));
    assert!(matches!(listener.receive(&receive(LONG)).unwrap(), Redirect::Parameters(_)));
    assert!(read(&mut early).unwrap().contains("You are signed in"));
}
