//! A proxy, as a URL names it.

use entrada_core::ports::AdapterError;
use http::Uri;
use percent_encoding::percent_decode_str;

use crate::Variable;

/// Where a proxy is, what it speaks, and who we are to it.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct Proxy {
    pub(super) kind: Kind,
    /// An IPv6 address has its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<User>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    Http,
    Https,
    Socks4,
    Socks4a,
    Socks5,
    Socks5h,
}

#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) password: String,
}

impl Proxy {
    pub(super) fn of(variable: &Variable) -> Result<Self, AdapterError> {
        let proxy = Self::parse(variable.value()).ok_or_else(|| variable.unusable())?;
        if proxy.carries_its_user() { Ok(proxy) } else { Err(variable.unusable_user()) }
    }

    /// Whether what it speaks has room for the user and the password: in SOCKS 4 the user ends with a zero byte, in
    /// SOCKS 5 the length of either is one byte, and not 0 (RFC 1929).
    fn carries_its_user(&self) -> bool {
        let Some(User { name, password }) = &self.user else { return true };
        let fits = |text: &str| (1..=255).contains(&text.len());
        match self.kind {
            Kind::Http | Kind::Https => true,
            Kind::Socks4 | Kind::Socks4a => fits(name) && !name.contains('\0'),
            Kind::Socks5 | Kind::Socks5h => fits(name) && fits(password),
        }
    }

    fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        let (kind, port) = match uri.scheme_str() {
            None | Some("http") => (Kind::Http, 80),
            Some("https") => (Kind::Https, 443),
            Some("socks4") => (Kind::Socks4, 1080),
            Some("socks4a") => (Kind::Socks4a, 1080),
            Some("socks" | "socks5") => (Kind::Socks5, 1080),
            Some("socks5h") => (Kind::Socks5h, 1080),
            Some(_) => return None,
        };
        let user = match authority.as_str().rsplit_once('@') {
            Some((user, _)) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                Some(User { name: decoded(name)?, password: decoded(password)? })
            }
            None => None,
        };
        let host = Some(authority.host()).filter(|host| !host.is_empty())?;
        Some(Self { kind, host: host.to_owned(), port: authority.port_u16().unwrap_or(port), user })
    }

    /// Whether the proxy is told addresses only, so that names are looked up here.
    pub(super) fn takes_addresses(&self) -> bool {
        matches!(self.kind, Kind::Socks4 | Kind::Socks5)
    }

    /// Its host and port, for people.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Option<(Kind, String, String)> {
        let proxy = Proxy::parse(url)?;
        let user = proxy.user.as_ref().map(|user| format!("{} {}", user.name, user.password));
        Some((proxy.kind, proxy.address(), user.unwrap_or_default()))
    }

    #[test]
    fn every_part_but_the_host_may_be_missing() {
        let is = |url: &str, kind, address: &str, user: &str| {
            assert_eq!(parsed(url), Some((kind, address.to_owned(), user.to_owned())), "{url}");
        };
        is("proxy.example", Kind::Http, "proxy.example:80", "");
        is("proxy.example:3128", Kind::Http, "proxy.example:3128", "");
        is("https://proxy.example/", Kind::Https, "proxy.example:443", "");
        is("socks5://[::1]", Kind::Socks5, "[::1]:1080", "");
        is("socks5h://a%40b:p:%25@p:9", Kind::Socks5h, "p:9", "a@b p:%");
        is("socks4a://ana@p", Kind::Socks4a, "p:1080", "ana ");
        for none in ["", "/path", "ftp://p", "http://", "http://%ff@p"] {
            assert_eq!(parsed(none), None, "{none}");
        }
    }

    #[test]
    fn a_user_is_one_that_the_protocol_can_carry() {
        let carries = |url: &str| Proxy::parse(url).unwrap().carries_its_user();
        let (most, more) = ("a".repeat(255), "a".repeat(256));
        assert!(carries(&format!("http://{more}:{more}@p")));
        assert!(carries("socks5h://p") && carries("socks4a://p") && carries("socks4a://ana@p"));
        assert!(carries(&format!("socks4://{most}@p")) && carries(&format!("socks5://{most}:{most}@p")));
        for none in [format!("socks4://{more}@p"), format!("socks5://{more}:x@p"), format!("socks5h://x:{more}@p")] {
            assert!(!carries(&none), "{none}");
        }
        assert!(!carries("socks4a://a%00b@p") && !carries("socks5h://ana@p") && !carries("socks5h://:x@p"));
    }
}
