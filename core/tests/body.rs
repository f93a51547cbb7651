//! Bodies on their way, and what they say of themselves.

#![cfg(feature = "std")]

use std::io::{self, Read as _};
use std::time::Duration;

use entrada_core::ports::blocking::Body;

#[test]
fn a_body_tells_what_is_still_to_come() {
    for mut body in [Body::from(b"abcdef".to_vec()), Body::stream(&b"abcdef"[..], Some(6))] {
        let mut some = [0; 2];
        body.read_exact(&mut some).unwrap();
        assert_eq!(body.length(), Some(4));
        if let Some(bytes) = body.as_bytes() {
            assert_eq!(bytes, b"cdef");
        }
        assert_eq!(body.read_to_limit(4).unwrap().as_deref(), Some(&b"cdef"[..]));
        assert_eq!(body.length(), Some(0));
    }
}

/// A body without end, in pieces of so many bytes; or one that breaks off.
struct Endless(usize);

impl io::Read for Endless {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.0.min(bytes.len());
        bytes[..count].fill(b'x');
        if count > 0 { Ok(count) } else { Err(io::ErrorKind::ConnectionReset.into()) }
    }
}

#[test]
fn a_body_without_end_is_left_when_it_is_enough_or_takes_too_long() {
    for (pieces, within, length) in [(1000, Duration::MAX, 2500), (1, Duration::ZERO, 1), (0, Duration::MAX, 0)] {
        assert_eq!(Body::stream(Endless(pieces), None).read_beginning(2500, within).len(), length);
        #[cfg(feature = "async")]
        {
            let reader = futures::io::AllowStdIo::new(Endless(pieces));
            let body = entrada_core::ports::asynchronous::Body::stream(reader, None);
            assert_eq!(futures::executor::block_on(body.read_beginning(2500, within)).len(), length);
        }
    }
    let cut = (&b"what came"[..]).chain(Endless(0));
    assert_eq!(Body::stream(cut, None).read_beginning(100, Duration::MAX), b"what came");
}

#[test]
fn a_limit_beyond_all_bodies_is_none() {
    assert_eq!(Body::from(b"all".to_vec()).read_to_limit(usize::MAX).unwrap().as_deref(), Some(&b"all"[..]));
    assert_eq!(Body::from(b"all".to_vec()).read_to_limit(2).unwrap(), None);
    #[cfg(feature = "async")]
    {
        let body = entrada_core::ports::asynchronous::Body::from(b"all".to_vec());
        let read = futures::executor::block_on(body.read_to_limit(usize::MAX));
        assert_eq!(read.unwrap().as_deref(), Some(&b"all"[..]));
    }
}
