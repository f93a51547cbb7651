//! Just enough HTTP/1 for the examples: what a flow asks as the bytes of a request, and the bytes of an answer as what the
//! flow takes. It does no I/O, and needs no `std`.
//!
//! ```
//! use entrada_example_http1::{answer, has_room};
//!
//! let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
//! assert!(has_room(&bytes, 1024));
//! assert_eq!(answer(bytes).map(|answer| (answer.status, answer.body)), Some((200, b"{}".to_vec())));
//! ```
//!
//! There is no TLS in here, so that the examples talk to an authority on loopback alone. A program for the world puts the
//! TLS of its platform between these bytes and its socket.

#![no_std]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use entrada_core::Secret;
use entrada_core::protocol::{HttpAnswer, HttpQuery};

/// More than the head of any answer of an authority, in bytes.
const HEAD_LIMIT: usize = 16 * 1024;
/// More than an authority sends.
const MOST_HEADERS: usize = 64;

/// The `host:port` to connect to and the whole request; `None` for a URL that is not plain http with a port.
///
/// The request is HTTP/1.0: its answer is never chunked, and ends with the connection (RFC 9112 6.1, 9.3).
pub fn request(query: &HttpQuery) -> Option<(&str, Secret)> {
    let (address, path) = query.url.strip_prefix("http://")?.split_once('/')?;
    address.split_once(':')?;
    let mut text = String::with_capacity(1024 + query.body.expose().len());
    let method = query.method.as_str();
    write!(text, "{method} /{path} HTTP/1.0\r\nhost: {address}\r\n").ok()?;
    for (name, value) in &query.headers {
        write!(text, "{name}: {value}\r\n").ok()?;
    }
    let body = query.body.expose();
    write!(text, "content-length: {}\r\n\r\n{body}", body.len()).ok()?;
    Some((address, Secret::new(text)))
}

/// Whether an answer of which this has come may go on, for a body of so many bytes at most.
pub fn has_room(bytes: &[u8], body_limit: usize) -> bool {
    bytes.len() <= body_limit.saturating_add(HEAD_LIMIT)
}

/// All that came until the connection ended; `None` where it ended early, or is not HTTP.
pub fn answer(mut bytes: Vec<u8>) -> Option<HttpAnswer> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(&bytes).ok()? else { return None };
    let status = head.code?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter().map(|header| (header.name.into(), text(header.value))).collect();
    bytes.drain(..length);
    let answer = HttpAnswer { status, headers, body: bytes };
    let promised = answer.header("content-length").map(str::parse::<usize>);
    promised.is_none_or(|length| length == Ok(answer.body.len())).then_some(answer)
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::vec;
    use core::time::Duration;

    use entrada_core::protocol::Method;

    use super::*;

    fn query(url: &str) -> HttpQuery {
        HttpQuery {
            method: Method::Post,
            url: url.into(),
            headers: vec![("accept", "application/json".to_owned())],
            body: Secret::new("a=b"),
            timeout: Duration::from_secs(30),
            body_limit: 10,
        }
    }

    #[test]
    fn a_query_becomes_a_request() {
        let query = query("http://127.0.0.1:8080/contoso/token?x=y");
        let (address, request) = request(&query).unwrap();
        assert_eq!(address, "127.0.0.1:8080");
        assert_eq!(
            request.expose(),
            "POST /contoso/token?x=y HTTP/1.0\r\nhost: 127.0.0.1:8080\r\naccept: application/json\r\ncontent-length: 3\
             \r\n\r\na=b"
        );
    }

    #[test]
    fn what_needs_tls_is_not_sent_without() {
        assert!(request(&query("https://127.0.0.1:8080/contoso")).is_none());
        assert!(request(&query("http://127.0.0.1/contoso")).is_none(), "the port is not guessed");
    }

    #[test]
    fn an_answer_that_is_cut_off_is_none() {
        let whole = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\n{  }";
        let read = answer(whole.to_vec()).unwrap();
        assert_eq!((read.status, read.body.as_slice()), (400, &b"{  }"[..]));
        for length in 0..whole.len() {
            assert!(answer(whole[..length].to_vec()).is_none(), "{length} bytes are not enough");
        }
        assert!(answer(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).is_none());
        assert!(answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}{}".to_vec()).is_none(), "more than was promised");
    }

    #[test]
    fn the_limit_is_for_the_body() {
        assert!(has_room(&vec![0; HEAD_LIMIT + 10], 10));
        assert!(!has_room(&vec![0; HEAD_LIMIT + 11], 10));
    }
}
