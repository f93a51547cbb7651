//! Reading a request, with a limit on everything.

use std::io::{self, Read, Write};

use entrada_core::Secret;
use zeroize::Zeroizing;

use super::chunked::Chunked;

/// The largest head; a code in a query is one or two kilobytes.
pub(crate) const HEAD_LIMIT: usize = 16 * 1024;
/// The largest body.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
const HEADER_LIMIT: usize = 100;
const STEP: usize = 4096;

/// What matters of a request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What follows the `?`; it may hold a code.
    pub(crate) query: Option<Secret>,
    /// `Host`, where there is exactly one.
    pub(crate) host: Option<String>,
    /// The media type alone, in lower case, without parameters.
    pub(crate) content_type: String,
    /// The body of a `POST`; of other methods it is not read.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The client said nothing, or is gone: nobody to answer.
    Gone,
    /// It began to say something and stopped.
    TooSlow,
    /// This is not HTTP/1, or a kind of it that no browser speaks.
    Malformed,
    /// The head is over its limit.
    HeadTooLarge,
    /// The body is over its limit.
    BodyTooLarge,
}

impl Request {
    /// Reads one request; a time-out of the stream is the client's.
    pub(crate) fn read(stream: &mut (impl Read + Write)) -> Result<Self, Refusal> {
        // Reserved at once: a buffer that grows leaves copies of a code behind, which are not wiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD_LIMIT + STEP));
        let (mut request, framing, head) = loop {
            let silent = bytes.is_empty();
            match more(stream, &mut bytes) {
                Ok(0) => return Err(if silent { Refusal::Gone } else { Refusal::Malformed }),
                Ok(_) => {}
                Err(refusal) => return Err(if silent { Refusal::Gone } else { refusal }),
            }
            match parse_head(&bytes)? {
                Some((_, _, head)) if head > HEAD_LIMIT => return Err(Refusal::HeadTooLarge),
                Some(parsed) => break parsed,
                None if bytes.len() >= HEAD_LIMIT => return Err(Refusal::HeadTooLarge),
                None => {}
            }
        };
        if request.method == "POST" {
            if framing.expects_continue {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(|_| Refusal::Gone)?;
            }
            request.body = framing.read(stream, &bytes[head..])?;
        }
        Ok(request)
    }
}

/// How the end of the body is known.
struct Framing {
    length: usize,
    is_chunked: bool,
    expects_continue: bool,
}

impl Framing {
    fn read(&self, stream: &mut impl Read, begun: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let mut raw = Zeroizing::new(Vec::with_capacity(2 * BODY_LIMIT + 2 * STEP));
        raw.extend_from_slice(begun);
        let mut chunked = Chunked::new(BODY_LIMIT);
        loop {
            if self.is_chunked {
                if chunked.advance(&raw)? {
                    return Ok(chunked.into_body());
                }
            } else if self.length > BODY_LIMIT {
                return Err(Refusal::BodyTooLarge);
            } else if raw.len() >= self.length {
                raw.truncate(self.length);
                return Ok(raw);
            }
            // Chunks of one byte have a frame of five: more than twice the limit is nobody's form.
            if raw.len() > 2 * BODY_LIMIT {
                return Err(Refusal::BodyTooLarge);
            }
            if more(stream, &mut raw)? == 0 {
                return Err(Refusal::Malformed);
            }
        }
    }
}

fn more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> Result<usize, Refusal> {
    let length = bytes.len();
    bytes.resize(length + STEP, 0);
    let read = loop {
        match stream.read(&mut bytes[length..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    bytes.truncate(length + *read.as_ref().unwrap_or(&0));
    read.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Refusal::TooSlow,
        _ => Refusal::Gone,
    })
}

/// The request, how its body ends, and where it begins; `None` where the head is not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<(Request, Framing, usize)>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_LIMIT];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(_) => return Err(Refusal::Malformed),
    };
    let values = |name: &str| {
        let mut values = parsed.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        (values.next().map(|header| header.value.trim_ascii()), values.next().is_some())
    };
    let text = |value: Option<&[u8]>| value.and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned);

    let length = match values("content-length") {
        (Some(value), false) => digits(value).ok_or(Refusal::Malformed)?,
        (None, _) => 0,
        (Some(_), true) => return Err(Refusal::Malformed),
    };
    let is_chunked = match values("transfer-encoding") {
        (Some(value), false) if value.eq_ignore_ascii_case(b"chunked") => true,
        (None, _) => false,
        _ => return Err(Refusal::Malformed),
    };
    if is_chunked && values("content-length").0.is_some() {
        return Err(Refusal::Malformed);
    }
    let expects_continue = values("expect").0.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));

    let (host, is_doubled) = values("host");
    let host = text(host).filter(|_| !is_doubled);
    let content_type = text(values("content-type").0).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let target = parsed.path.unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(Secret::new(query))),
        None => (target, None),
    };
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query,
        host,
        content_type,
        body: Zeroizing::default(),
    };
    Ok(Some((request, Framing { length, is_chunked, expects_continue }, head)))
}

/// Digits only: `usize`'s own parser takes a sign. More digits than fit are a large number all the same.
fn digits(value: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(value).ok().filter(|text| !text.is_empty())?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that has sent all it will, in pieces of the given size.
    struct Client<'a> {
        sends: &'a [u8],
        piece: usize,
        reads: Vec<u8>,
    }

    impl Read for Client<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.sends.len().min(self.piece).min(buffer.len());
            let (now, later) = self.sends.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.sends = later;
            Ok(count)
        }
    }

    impl Write for Client<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.reads.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn read(sends: &[u8], piece: usize) -> Result<Request, Refusal> {
        Request::read(&mut Client { sends, piece, reads: Vec::new() })
    }

    #[test]
    fn a_form_is_read_however_it_is_cut() {
        let plain = b"POST /cb?x=1 HTTP/1.1\r\nHost: localhost:1\r\nContent-Type: Application/X-WWW-Form-Urlencoded; \
            charset=UTF-8\r\nContent-Length: 7\r\n\r\ncode=ab";
        let chunked = b"POST /cb HTTP/1.1\r\nHost: localhost:1\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;x=y\r\ncod\r\n4\r\ne=ab\r\n0\r\n\r\n";
        for piece in [1, 2, 7, 1000] {
            let request = read(plain, piece).unwrap();
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/cb"));
            assert_eq!(request.query.unwrap().expose(), "x=1");
            assert_eq!(request.content_type, "application/x-www-form-urlencoded");
            assert_eq!(request.host.as_deref(), Some("localhost:1"));
            assert_eq!(*request.body, b"code=ab");
            assert_eq!(*read(chunked, piece).unwrap().body, b"code=ab");
        }
    }

    #[test]
    fn a_client_that_waits_for_leave_gets_it() {
        let sends = b"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\na";
        let mut client = Client { sends, piece: 1000, reads: Vec::new() };
        assert_eq!(*Request::read(&mut client).unwrap().body, b"a");
        assert_eq!(client.reads, b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let post = |headers: &str, body: &str| format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n{body}").into_bytes();
        let long = |count| "x".repeat(count);
        let table = [
            (Vec::new(), Refusal::Gone),
            (b"\x16\x03\x01\x02\x00".to_vec(), Refusal::Malformed),
            (b"GET / HTTP/1.1\r\nHost".to_vec(), Refusal::Malformed),
            (format!("GET /{} HTTP/1.1\r\n\r\n", long(HEAD_LIMIT)).into_bytes(), Refusal::HeadTooLarge),
            (format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101)).into_bytes(), Refusal::HeadTooLarge),
            (post("Content-Length: 65537", ""), Refusal::BodyTooLarge),
            (post("Content-Length: 99999999999999999999999", ""), Refusal::BodyTooLarge),
            (post("Content-Length: +5", "hello"), Refusal::Malformed),
            (post("Content-Length: 5\r\nContent-Length: 5", "hello"), Refusal::Malformed),
            (post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), Refusal::Malformed),
            (post("Content-Length: 5", "hell"), Refusal::Malformed),
            (post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), Refusal::Malformed),
            (post("Transfer-Encoding: chunked", "zz\r\n"), Refusal::Malformed),
            (post("Transfer-Encoding: chunked", "1\r\nab\r\n"), Refusal::Malformed),
            (post("Transfer-Encoding: chunked", "fffffffff\r\n"), Refusal::BodyTooLarge),
            (
                post("Transfer-Encoding: chunked", &format!("10001\r\n{}\r\n0\r\n\r\n", long(65537))),
                Refusal::BodyTooLarge,
            ),
            (post("Transfer-Encoding: chunked", &"1\r\na\r\n".repeat(BODY_LIMIT)), Refusal::BodyTooLarge),
        ];
        for (sends, expected) in table {
            let refusal = read(&sends, 1000).err();
            assert_eq!(refusal, Some(expected), "{}", String::from_utf8_lossy(&sends[..sends.len().min(80)]));
        }
    }
}
