//! Which proxy a request goes through, by the environment, as users of curl expect.

use std::fmt;
use std::net::IpAddr;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use http::Uri;
use http::uri::Scheme;

/// The environment's variables about proxies, as they were when this was made; without any, by default.
#[derive(Debug, Default)]
pub struct Environment {
    https: Option<Variable>,
    http: Option<Variable>,
    exceptions: String,
}

/// A variable that names a proxy.
#[derive(Clone)]
pub struct Variable {
    name: &'static str,
    value: String,
}

impl Variable {
    /// Its name, such as `https_proxy`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its value, which may hold a password.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// That its value is not the URL of a proxy; without that value.
    pub fn unusable(&self) -> AdapterError {
        let name = self.name;
        AdapterError::new(
            Fault::Other,
            format!(
                "{name} is not the URL of a proxy: expected is http://host:port, or https, socks4, socks4a, \
                 socks5, socks5h; leave it empty for none"
            ),
        )
    }

    /// That the user and password in its value are none that SOCKS could carry; without them.
    pub fn unusable_user(&self) -> AdapterError {
        let name = self.name;
        AdapterError::new(
            Fault::Other,
            format!(
                "the user and password in {name} are none for a SOCKS proxy: each may have 255 bytes and no zero byte, \
                 and SOCKS 5 wants both (socks5h://user:password@host:port)"
            ),
        )
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Environment {
    /// As they are now.
    pub fn read() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        // As in curl, an empty variable is one that is not set.
        let get =
            |name: &'static str| lookup(name).filter(|value| !value.is_empty()).map(|value| Variable { name, value });
        let all = || get("all_proxy").or_else(|| get("ALL_PROXY"));
        // In CGI the header `Proxy:` of any client becomes HTTP_PROXY (CVE-2016-5385).
        let capitals = || if lookup("REQUEST_METHOD").is_some() { None } else { get("HTTP_PROXY") };
        let exceptions = get("no_proxy").or_else(|| get("NO_PROXY"));
        Self {
            https: get("https_proxy").or_else(|| get("HTTPS_PROXY")).or_else(all),
            http: get("http_proxy").or_else(capitals).or_else(all),
            exceptions: exceptions.map(|variable| variable.value).unwrap_or_default(),
        }
    }

    /// What names the proxy for this URI, if anything does.
    pub fn for_uri(&self, uri: &Uri) -> Option<&Variable> {
        let chosen = if uri.scheme() == Some(&Scheme::HTTPS) { &self.https } else { &self.http };
        let host = uri.host().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let direct = is_this_computer(&host) || is_excepted(&self.exceptions, &host);
        chosen.as_ref().filter(|_| !direct)
    }
}

fn is_this_computer(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether `no_proxy` names this host: in lower case, without brackets and without a dot at its end.
fn is_excepted(exceptions: &str, host: &str) -> bool {
    if exceptions.trim() == "*" {
        return true;
    }
    let address: Option<IpAddr> = host.parse().ok();
    exceptions.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| match address {
        Some(address) => is_in_network(entry.trim_matches(['[', ']']), address),
        None => {
            let entry = entry.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
            let above = host.strip_suffix(entry.as_str());
            !entry.is_empty() && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
    })
}

/// Whether the address is this one, or in this network.
fn is_in_network(entry: &str, address: IpAddr) -> bool {
    let (base, bits) = match entry.split_once('/') {
        Some((base, bits)) => (base, bits.parse().ok()),
        None => (entry, Some(128)),
    };
    match (base.parse(), address, bits) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address), Some(bits)) => {
            is_prefix(base.to_bits().into(), address.to_bits().into(), 32, bits)
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address), Some(bits)) => {
            is_prefix(base.to_bits(), address.to_bits(), 128, bits)
        }
        _ => false,
    }
}

fn is_prefix(base: u128, address: u128, width: u32, bits: u32) -> bool {
    let differing = base ^ address;
    differing.checked_shr(width.saturating_sub(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], uri: &str) -> Option<String> {
        let lookup =
            |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.to_string());
        let environment = Environment::from_lookup(lookup);
        environment.for_uri(&uri.parse().unwrap()).map(|variable| variable.value().to_owned())
    }

    #[test]
    fn the_scheme_decides_and_lower_case_goes_first() {
        let env = [("https_proxy", "http://low:1"), ("HTTPS_PROXY", "http://high:2"), ("http_proxy", "plain:3")];
        assert_eq!(chosen(&env, "https://app.example/").as_deref(), Some("http://low:1"));
        assert_eq!(chosen(&env[1..], "https://app.example/").as_deref(), Some("http://high:2"));
        assert_eq!(chosen(&env, "http://app.example/").as_deref(), Some("plain:3"));
        assert_eq!(chosen(&env[2..], "https://app.example/"), None);
        let env = [("ALL_PROXY", "socks5h://all:4"), ("https_proxy", "")];
        assert_eq!(chosen(&env, "https://app.example/").as_deref(), Some("socks5h://all:4"));
        assert_eq!(chosen(&env, "http://app.example/").as_deref(), Some("socks5h://all:4"));
    }

    #[test]
    fn a_cgi_client_cannot_set_a_proxy() {
        let env = [("HTTP_PROXY", "http://high:2"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen(&env[..1], "http://app.example/").as_deref(), Some("http://high:2"));
        assert_eq!(chosen(&env, "http://app.example/"), None);
    }

    #[test]
    fn exceptions_are_those_of_curl() {
        let excepted = |no_proxy: &str, host: &str| {
            let uri = format!("https://{host}/");
            chosen(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", no_proxy)], &uri).is_none()
        };
        assert!(excepted("*", "app.example"));
        assert!(excepted("app.example", "app.example"));
        assert!(excepted("APP.example", "app.EXAMPLE."));
        assert!(excepted("example", "app.example"));
        assert!(excepted(".example", "app.example"));
        assert!(excepted(".app.example", "app.example"));
        assert!(excepted("*.example", "app.example"));
        assert!(excepted("other, app.example", "app.example"));
        assert!(excepted("other app.example", "app.example:8443"));
        assert!(!excepted("pp.example", "app.example"));
        assert!(!excepted("example.com", "example.com.evil.net"));
        assert!(!excepted("", "app.example"));
        assert!(!excepted(",,.,", "app.example"));
        assert!(excepted("10.0.0.0/8", "10.200.3.4"));
        assert!(!excepted("10.0.0.0/8", "11.0.0.1"));
        assert!(excepted("10.1.2.3", "10.1.2.3"));
        assert!(!excepted("10.1.2", "10.1.2.3"));
        assert!(excepted("0.0.0.0/0", "10.1.2.3"));
        assert!(excepted("fd00::/8", "[fd12::1]"));
        assert!(excepted("[fd12::1]", "[fd12::1]"));
        assert!(!excepted("fd00::/8", "[fe80::1]"));
        assert!(!excepted("10.0.0.0/x", "10.0.0.1"));
    }

    #[test]
    fn this_computer_is_reached_directly() {
        let env = [("all_proxy", "http://p:1")];
        for host in ["localhost:8080", "127.0.0.1", "127.3.4.5:1", "[::1]:8443"] {
            assert_eq!(chosen(&env, &format!("http://{host}/")), None, "{host}");
            assert_eq!(chosen(&env, &format!("https://{host}/")), None, "{host}");
        }
        assert!(chosen(&env, "http://localhost.example/").is_some());
    }

    #[test]
    fn a_value_is_never_shown() {
        let lookup = |name: &str| (name == "https_proxy").then(|| "gopher://user:S3CRET@p:1".to_owned());
        let environment = Environment::from_lookup(lookup);
        let uri = "https://app.example/".parse().unwrap();
        let text = environment.for_uri(&uri).unwrap().unusable().to_string();
        assert!(text.starts_with("https_proxy is not") && !text.contains("S3CRET"), "{text}");
        assert!(!format!("{environment:?}").contains("S3CRET"), "{environment:?}");
    }
}
