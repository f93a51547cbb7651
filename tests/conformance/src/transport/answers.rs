//! Answers reach the caller as they were sent.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use http::StatusCode;

use super::{AMPLE, Ground, answer, get, page};

pub(super) fn suite(ground: &Ground<'_>) {
    every_status_is_an_answer(ground);
    headers_are_kept_and_cookies_are_not(ground);
    every_framing_is_understood(ground);
    a_body_is_a_stream(ground);
    a_body_is_read_to_a_limit(ground);
}

fn every_status_is_an_answer(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        loop {
            let head = connection.head()?;
            let status = head.target()[1..4].to_owned();
            let location = "Location: http://127.0.0.1:1/never\r\nWWW-Authenticate: Bearer claims=\"x\"\r\n";
            if matches!(status.as_str(), "204" | "304") {
                connection.write(format!("HTTP/1.1 {status} X\r\n{location}\r\n"))?;
            } else {
                connection.write(format!("HTTP/1.1 {status} X\r\n{location}Content-Length: 3\r\n\r\n{status}"))?;
            }
        }
    });
    let transport = ground.make();
    for status in [200, 201, 204, 299, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 407, 429, 500, 503, 599] {
        let (parts, body) = page(&*transport, get(&server.url(&format!("/{status}"))));
        assert_eq!(parts.status, StatusCode::from_u16(status).expect("a status"));
        assert_eq!(parts.headers["location"], "http://127.0.0.1:1/never");
        assert_eq!(parts.headers["www-authenticate"], "Bearer claims=\"x\"");
        let expected = if matches!(status, 204 | 304) { String::new() } else { status.to_string() };
        assert_eq!(body, expected.as_bytes());
    }
}

fn headers_are_kept_and_cookies_are_not(ground: &Ground<'_>) {
    let long = "L".repeat(30_000);
    let header = long.clone();
    let server = ground.serve(move |connection| {
        loop {
            let head = connection.head()?;
            let cookies = head.values("cookie").count();
            connection.write(format!(
                "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-CASE: VaLuE\r\nset-cookie: b=2; Path=/\r\nX-Long: {header}\r\n\
                 Content-Length: 1\r\n\r\n{cookies}"
            ))?;
        }
    });
    let transport = ground.make();
    for _ in 0..2 {
        let (parts, body) = page(&*transport, get(&server.url("/cookies")));
        assert_eq!(parts.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2; Path=/"]);
        assert_eq!(parts.headers["x-case"], "VaLuE");
        assert_eq!(parts.headers["x-long"], long);
        assert_eq!(body, b"0", "a cookie was kept");
    }
}

fn every_framing_is_understood(ground: &Ground<'_>) {
    let cases: [(&str, &[u8]); 6] = [
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-T: 1\r\n\r\n",
            b"hello world",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
        ("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end", b"to the end"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nten", b"ten"),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end", b"to the end"),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b""),
    ];
    let transport = ground.make();
    for (wire, expected) in cases {
        let server = ground.serve(move |connection| {
            connection.head()?;
            connection.write(wire)?;
            connection.end()
        });
        let (parts, body) = page(&*transport, get(&server.url("/")));
        assert_eq!((parts.status, body.as_slice()), (StatusCode::OK, expected), "{wire:?}");
    }
}

fn a_body_is_a_stream(ground: &Ground<'_>) {
    for (head, first, second) in [
        ("Content-Length: 10", "first", "there"),
        ("Transfer-Encoding: chunked", "5\r\nfirst\r\n", "5\r\nthere\r\n0\r\n\r\n"),
    ] {
        let (go, wait) = channel::<()>();
        let wait = Mutex::new(wait);
        let server = ground.serve(move |connection| {
            connection.head()?;
            connection.write(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{first}"))?;
            wait.lock().expect("wait").recv_timeout(AMPLE).map_err(io::Error::other)?;
            connection.write(second)
        });
        let mut body = answer(&*ground.make(), get(&server.url("/stream"))).into_body();
        assert_eq!(body.length(), head.starts_with("Content").then_some(10), "{head}");
        let mut half = [0; 5];
        body.read_exact(&mut half).expect("the first half, while the second is not yet sent");
        assert_eq!(&half, b"first");
        go.send(()).expect("the server waits");
        let mut rest = String::new();
        body.read_to_string(&mut rest).expect("the second half");
        assert_eq!(rest, "there");
    }
}

fn a_body_is_read_to_a_limit(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            connection.write(format!("1000\r\n{}\r\n", "x".repeat(0x1000)))?;
        }
    });
    let transport = ground.make();
    let mut endless = answer(&*transport, get(&server.url("/endless"))).into_body();
    assert_eq!(endless.length(), None);
    assert_eq!(endless.read_to_limit(100_000).expect("up to the limit"), None);
    // To drop what is left must not wait for its end.
    drop(endless);
}
