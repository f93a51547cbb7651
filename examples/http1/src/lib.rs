//! Just enough HTTP/1 for the examples: what a flow asks as the bytes of a request, and the bytes of an answer as what the
//! flow takes. It does no I/O, and needs no `std`.
//!
//! ```
//! use entrada_core::Fault;
//! use entrada_example_http1::answer;
//!
//! let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
//! assert_eq!(answer(bytes.to_vec(), 1024).map(|answer| answer.status), Ok(200));
//! assert_eq!(answer(bytes[..20].to_vec(), 1024).map(|answer| answer.status), Err(Fault::Unreachable));
//! ```
//!
//! There is no TLS in here, so that the examples talk to an authority on loopback alone. A program for the world puts the
//! TLS of its platform between these bytes and its socket.

#![no_std]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use entrada_core::protocol::{HttpAnswer, HttpQuery};
use entrada_core::{Fault, Secret};

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

/// How much of an answer to read: enough to see that it is too large.
pub fn limit(body_limit: usize) -> usize {
    body_limit.saturating_add(HEAD_LIMIT + 1)
}

/// All that came until the connection ended, or the [`limit`] was reached.
///
/// What ended early, or is not HTTP, is [`Fault::Unreachable`]: the other side was not what was called.
pub fn answer(mut bytes: Vec<u8>, body_limit: usize) -> Result<HttpAnswer, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = head.parse(&bytes) else { return Err(Fault::Unreachable) };
    let status = head.code.ok_or(Fault::Unreachable)?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter().map(|header| (header.name.into(), text(header.value))).collect();
    bytes.drain(..length);
    let answer = HttpAnswer { status, headers, body: bytes };
    if answer.body.len() > body_limit {
        return Err(Fault::TooLarge);
    }
    let promised = answer.header("content-length").map(str::parse::<usize>);
    let is_whole = promised.is_none_or(|length| length == Ok(answer.body.len()));
    is_whole.then_some(answer).ok_or(Fault::Unreachable)
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
        let read = answer(whole.to_vec(), 4).unwrap();
        assert_eq!((read.status, read.body.as_slice()), (400, &b"{  }"[..]));
        let fault = |bytes: &[u8]| answer(bytes.to_vec(), 4).unwrap_err();
        for length in 0..whole.len() {
            assert_eq!(fault(&whole[..length]), Fault::Unreachable, "{length} bytes are not enough");
        }
        assert_eq!(fault(b"SSH-2.0-OpenSSH_9.2\r\n"), Fault::Unreachable);
        assert_eq!(fault(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}{}"), Fault::Unreachable, "too much");
    }

    #[test]
    fn an_answer_that_is_too_large_is_seen_before_its_end() {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".to_vec();
        bytes.resize(limit(10), b' ');
        assert_eq!(answer(bytes, 10).unwrap_err(), Fault::TooLarge);
    }
}
