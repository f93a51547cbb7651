//! Headers of a single connection, which no intermediary passes on (RFC 9110, 7.6.1).

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What was taken off and has a meaning for the next connection too.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The protocol that the connection is to go over to, where `Connection` says so.
    pub(crate) upgrade: Option<HeaderValue>,
    /// The client takes trailers.
    pub(crate) trailers: bool,
}

/// Whether there is one. Most messages have few headers and none of those that matter here: to look at each costs less
/// than to find out where this one would be.
pub(crate) fn has(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.keys().any(|key| key == name)
}

/// Takes one off, where there is one.
pub(crate) fn take(headers: &mut HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    if has(headers, name) { headers.remove(name) } else { None }
}

/// Takes off what belongs to the connection alone, also what `Connection` names.
pub(crate) fn take_off(headers: &mut HeaderMap) -> Taken {
    let mut named = Vec::new();
    for value in headers.get_all(CONNECTION) {
        for name in value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if !name.eq_ignore_ascii_case(b"keep-alive") && !name.eq_ignore_ascii_case(b"close") {
                named.extend(HeaderName::from_bytes(name));
            }
        }
    }
    let trailers = headers.get_all(TE).iter().any(|value| {
        value.as_bytes().split(|byte| *byte == b',').any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    });
    let upgrade = take(headers, &UPGRADE).filter(|_| named.contains(&UPGRADE));
    for name in named {
        // Without these a message would mean something else.
        if name != HOST && name != CONTENT_LENGTH {
            take(headers, &name);
        }
    }
    for name in
        [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING]
    {
        take(headers, &name);
    }
    Taken { upgrade, trailers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_connection_stays_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop , Content-Length"),
            ("connection", "upgrade"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eA=="),
            ("te", "gzip, Trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("x-hop", "1"),
            ("x-kept", "2"),
            ("content-length", "3"),
            ("trailer", "x-sum"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let taken = take_off(&mut headers);
        let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-kept", "content-length", "trailer"]);
        assert_eq!(taken.upgrade.unwrap(), "websocket");
        assert!(taken.trailers);
    }

    #[test]
    fn an_upgrade_that_connection_does_not_name_is_none() {
        let mut headers = HeaderMap::from_iter([(UPGRADE, HeaderValue::from_static("websocket"))]);
        let taken = take_off(&mut headers);
        assert!(taken.upgrade.is_none() && !taken.trailers && headers.is_empty());
    }
}
