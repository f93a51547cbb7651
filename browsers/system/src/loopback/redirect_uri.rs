//! The redirect URI as it is registered, and as it is sent.

use entrada_core::Fault;
use entrada_core::ports::AdapterError;

use crate::http::Address;

/// A redirect URI on this machine, with or without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectUri {
    host: String,
    /// 0 stands for any that is free.
    pub(super) port: u16,
    /// As registered: empty, or with its leading slash.
    path: String,
}

impl Default for RedirectUri {
    fn default() -> Self {
        Self { host: "localhost".to_owned(), port: 0, path: String::new() }
    }
}

impl RedirectUri {
    /// Reads it by hand: authorities compare it as text, and a URL parser would add a slash.
    pub(crate) fn parse(text: &str) -> Result<Self, AdapterError> {
        let wrong = |why: &str| {
            let sentence = format!("the redirect URI {text:?} is not one of this machine: {why}");
            AdapterError::new(Fault::Other, sentence)
        };
        let rest = text.strip_prefix("http://").ok_or_else(|| wrong("it does not begin with http://"))?;
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = place.split_once(':').unwrap_or((place, "0"));
        if host != "localhost" && host != "127.0.0.1" {
            return Err(wrong("its host is neither localhost nor 127.0.0.1"));
        }
        let port = port.parse().map_err(|_| wrong("its port is no number up to 65535"))?;
        let is_plain = |c: char| c.is_ascii_graphic() && !"?#\"<>\\^`{|}".contains(c);
        if !path.chars().all(is_plain) {
            return Err(wrong("its path has a query, a fragment or a character that a path cannot have"));
        }
        Ok(Self { host: host.to_owned(), port, path: path.to_owned() })
    }

    /// Where it leads, with the port that was bound.
    pub(super) fn address(&self, port: u16) -> Address {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        Address { host: self.host.clone(), port, path: path.to_owned() }
    }

    /// As it is sent. Without a path it has no slash either, as Microsoft's own libraries send it.
    pub(super) fn with_port(&self, port: u16) -> String {
        format!("http://{}:{port}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sent_as_it_is_registered() {
        for (registered, sent, path) in [
            ("http://localhost", "http://localhost:7000", "/"),
            ("http://localhost/", "http://localhost:7000/", "/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:7000/cb", "/cb"),
            ("http://localhost:8400/a/B", "http://localhost:7000/a/B", "/a/B"),
        ] {
            let uri = RedirectUri::parse(registered).unwrap();
            assert_eq!((uri.with_port(7000).as_str(), uri.address(7000).path.as_str()), (sent, path));
        }
        assert_eq!(RedirectUri::parse("http://localhost:8400").unwrap().port, 8400);
        assert_eq!(RedirectUri::parse("http://localhost").unwrap(), RedirectUri::default());
    }

    #[test]
    fn one_that_is_not_of_this_machine_is_refused() {
        for wrong in [
            "",
            "localhost",
            "https://localhost",
            "http://",
            "http://evil.example",
            "http://localhost.evil.example",
            "http://a@localhost",
            "http://[::1]",
            "http://localhost:99999",
            "http://localhost:x/",
            "http://localhost/?a",
            "http://localhost/#a",
            "http://localhost/a b",
            "http://localhost/\r\n",
        ] {
            assert!(RedirectUri::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
