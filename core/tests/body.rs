//! Bodies on their way, and what they say of themselves.

#![cfg(feature = "std")]

use std::io::Read as _;

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
