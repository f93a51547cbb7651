//! Requests reach the server as they were made.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use entrada_core::ports::blocking::Body;
use http::{HeaderValue, Method, StatusCode};

use super::server::{Head, Server};
use super::{AMPLE, Ground, Options, answer, failure, get, page, request};

pub(super) fn suite(ground: &Ground<'_>) {
    any_method_with_and_without_a_body(ground);
    headers_are_kept_and_none_are_added(ground);
    a_stream_of_unknown_length_is_uploaded(ground);
    an_upload_is_not_held_back(ground);
    a_body_that_breaks_its_word_is_an_error(ground);
    expect_100_continue_is_passed_on(ground);
    path_and_query_are_kept(ground);
    a_user_agent_is_sent_where_none_is_brought(ground);
}

/// A server that tells what it got, and answers with the body that came.
fn echo(ground: &Ground<'_>) -> (Server, Receiver<(Head, Vec<u8>)>) {
    let (told, seen) = channel();
    let told = Mutex::new(told);
    let server = ground.serve(move |connection| {
        loop {
            let head = connection.head()?;
            let body = connection.body(&head)?;
            let is_head = head.method() == "HEAD";
            told.lock().expect("told").send((head, body.clone())).map_err(io::Error::other)?;
            if is_head {
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")?;
            } else {
                connection.answer("200 OK", body)?;
            }
        }
    });
    (server, seen)
}

fn any_method_with_and_without_a_body(ground: &Ground<'_>) {
    let (server, seen) = echo(ground);
    let transport = ground.make();
    let custom = Method::from_bytes(b"PROPFIND").expect("a method");
    let cases = [
        (Method::GET, ""),
        (Method::GET, "a body with GET"),
        (Method::POST, ""),
        (Method::POST, "a=1&b=2"),
        (Method::PUT, "whole"),
        (Method::PATCH, "a part"),
        (Method::PATCH, ""),
        (Method::DELETE, ""),
        (Method::DELETE, "why"),
        (Method::HEAD, ""),
        (Method::OPTIONS, ""),
        (custom, "<propfind/>"),
    ];
    for (method, body) in cases {
        let made = request(method.clone(), &server.url("/echo"), body.to_owned());
        let (parts, came) = page(&*transport, made);
        assert_eq!(parts.status, StatusCode::OK);
        let (head, sent) = seen.recv_timeout(AMPLE).expect("the server got it");
        assert_eq!(head.method(), method.as_str());
        assert_eq!(sent, body.as_bytes(), "{method}");
        assert_eq!(came, body.as_bytes(), "{method}");
        assert_eq!(head.values("transfer-encoding").count(), 0, "{method}: its length is known");
        let expects_one = matches!(method.as_str(), "POST" | "PUT" | "PATCH");
        let length: Vec<_> = head.values("content-length").collect();
        match body.len() {
            0 if !expects_one => assert!(length.is_empty() || length == ["0"], "{method}: {length:?}"),
            size => assert_eq!(length, [size.to_string()], "{method}"),
        }
    }
    let (parts, body) = page(&*transport, request(Method::HEAD, &server.url("/echo"), Body::empty()));
    assert_eq!((parts.headers["content-length"].as_bytes(), body.len()), (&b"12345"[..], 0));
}

fn headers_are_kept_and_none_are_added(ground: &Ground<'_>) {
    let (server, seen) = echo(ground);
    let transport = ground.make();
    let long = "x".repeat(8_000);
    let mut made = request(Method::POST, &server.url("/headers"), "body".to_owned());
    let headers = made.headers_mut();
    headers.append("x-twice", HeaderValue::from_static("One"));
    headers.append("x-twice", HeaderValue::from_static("two, Three"));
    headers.insert("x-long", HeaderValue::from_str(&long).expect("a value"));
    page(&*transport, made);
    let (head, _) = seen.recv_timeout(AMPLE).expect("the server got it");
    assert_eq!(head.values("x-twice").collect::<Vec<_>>(), ["One", "two, Three"]);
    assert_eq!(head.value("x-long"), Some(long.as_str()));
    assert_eq!(head.value("authorization"), Some(format!("Bearer {}", super::SECRET).as_str()));
    assert_eq!(head.value("host"), Some(format!("localhost:{}", server.address().port()).as_str()));

    let ours = ["authorization", "x-twice", "x-long"];
    let framing = ["host", "content-length", "transfer-encoding", "connection", "accept-encoding"];
    let names: BTreeSet<_> = head.text.lines().skip(1).filter_map(|line| line.split_once(':')).collect();
    for (name, value) in names {
        let name = name.to_ascii_lowercase();
        if (name.as_str(), value.trim()) == ("accept", "*/*") {
            continue;
        }
        assert!(ours.contains(&name.as_str()) || framing.contains(&name.as_str()), "an added header: {name}");
    }
}

fn a_stream_of_unknown_length_is_uploaded(ground: &Ground<'_>) {
    let (server, seen) = echo(ground);
    let transport = ground.make();
    let content: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    for length in [None, Some(content.len() as u64)] {
        let body = Body::stream(io::Cursor::new(content.clone()), length);
        let (_, came) = page(&*transport, request(Method::POST, &server.url("/upload"), body));
        let (head, sent) = seen.recv_timeout(AMPLE).expect("the server got it");
        assert!(sent == content && came == content, "{length:?}");
        assert_eq!(head.value("content-length").is_some(), length.is_some());
    }
    let body = Body::stream(io::empty(), None);
    page(&*transport, request(Method::POST, &server.url("/upload"), body));
    assert_eq!(seen.recv_timeout(AMPLE).expect("the server got it").1, b"");
}

/// A stream that has more only after the server has got what came before.
struct Waiting {
    first: io::Cursor<Vec<u8>>,
    more: Receiver<Vec<u8>>,
}

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.first.read(buffer)? {
            0 => {
                let Ok(next) = self.more.recv_timeout(AMPLE) else { return Ok(0) };
                self.first = io::Cursor::new(next);
                self.first.read(buffer)
            }
            count => Ok(count),
        }
    }
}

fn an_upload_is_not_held_back(ground: &Ground<'_>) {
    let (go, more): (Sender<Vec<u8>>, _) = channel();
    let go = Mutex::new(Some(go));
    let server = ground.serve(move |connection| {
        connection.head()?;
        let mut seen = Vec::new();
        while !seen.ends_with(b"first") {
            seen.push(connection.byte()?);
        }
        // Dropping the sender ends the stream.
        let go = go.lock().expect("go").take().expect("one request");
        go.send(b"second".to_vec()).map_err(io::Error::other)?;
        drop(go);
        while !seen.ends_with(b"0\r\n\r\n") {
            seen.push(connection.byte()?);
        }
        connection.answer("200 OK", "done")
    });
    let stream = Waiting { first: io::Cursor::new(b"first".to_vec()), more };
    let made = request(Method::POST, &server.url("/upload"), Body::stream(stream, None));
    assert_eq!(page(&*ground.make(), made).1, b"done");
}

fn a_body_that_breaks_its_word_is_an_error(ground: &Ground<'_>) {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let (server, _seen) = echo(ground);
    let transport = ground.make();
    let short = Body::stream(io::Cursor::new(b"short".to_vec()), Some(10));
    failure(&*transport, request(Method::POST, &server.url("/upload"), short), AMPLE);
    let broken = Body::stream(Broken, None);
    failure(&*transport, request(Method::POST, &server.url("/upload"), broken), AMPLE);
    // And the transport is still good.
    answer(&*transport, get(&server.url("/after")));
}

fn expect_100_continue_is_passed_on(ground: &Ground<'_>) {
    let (told, sent_in_vain) = channel();
    let told = Mutex::new(told);
    let server = ground.serve(move |connection| {
        loop {
            let head = connection.head()?;
            if head.value("expect") != Some("100-continue") {
                return connection.answer("400 No Expect", "");
            }
            if head.target().starts_with("/refused") {
                connection.write("HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
                let rest = connection.wait_for_the_end();
                return told.lock().expect("told").send(rest).map_err(io::Error::other);
            }
            connection.write("HTTP/1.1 100 Continue\r\n\r\n")?;
            let body = connection.body(&head)?;
            connection.write("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")?;
            connection.answer("200 OK", body)?;
        }
    });
    let transport = ground.make();
    let expecting = |path: &str| {
        let mut made = request(Method::POST, &server.url(path), "the body".to_owned());
        made.headers_mut().insert("expect", HeaderValue::from_static("100-continue"));
        made
    };
    let (parts, body) = page(&*transport, expecting("/upload"));
    assert_eq!((parts.status, body.as_slice()), (StatusCode::OK, &b"the body"[..]));
    assert_eq!(answer(&*transport, expecting("/refused")).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(sent_in_vain.recv_timeout(AMPLE), Ok(0), "the body was held back");
}

fn path_and_query_are_kept(ground: &Ground<'_>) {
    let (server, seen) = echo(ground);
    let url = format!("{}/a%20b/%C3%A9//c?x=%2F&y=a+b&z", server.origin());
    page(&*ground.make(), get(&url));
    assert_eq!(seen.recv_timeout(AMPLE).expect("the server got it").0.target(), "/a%20b/%C3%A9//c?x=%2F&y=a+b&z");
}

fn a_user_agent_is_sent_where_none_is_brought(ground: &Ground<'_>) {
    let (server, seen) = echo(ground);
    let named = (ground.make)(Options { user_agent: Some("reports/2.1".to_owned()), ..ground.options() });
    page(&*named, get(&server.url("/")));
    let mut own = get(&server.url("/"));
    own.headers_mut().insert("user-agent", HeaderValue::from_static("own/1"));
    page(&*named, own);
    for expected in ["reports/2.1", "own/1"] {
        let (head, _) = seen.recv_timeout(AMPLE).expect("the server got it");
        assert_eq!(head.values("user-agent").collect::<Vec<_>>(), [expected]);
    }
}
