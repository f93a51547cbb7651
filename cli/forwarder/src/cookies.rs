//! Cookies of the app, as an http address on loopback can keep them.
//!
//! A user agent refuses a `Domain` that is not its host's, and over http what is `Secure`, or has a name that is for
//! secure cookies alone (RFC 6265bis, 4.1.3, 5.6 and 5.7).

/// A prefix of names that user agents keep for secure cookies, and what stands for it on this side.
const PREFIXES: [(&str, &str); 2] = [("__Host-", "entrada-host-"), ("__Secure-", "entrada-secure-")];

/// A `Set-Cookie` of the app with this host name, for the local address; `None` where it may stay as it is.
pub(crate) fn localised(cookie: &str, host: &str, prefix: &str) -> Option<String> {
    let mut parts = cookie.split(';');
    let pair = parts.next().unwrap_or_default();
    let mut changed = String::with_capacity(cookie.len());
    match renamed(pair.trim_start(), true) {
        Some(pair) => changed.push_str(&pair),
        None => changed.push_str(pair),
    }
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        match name.as_str() {
            "domain" if is_within(host, value) => {}
            // It is another's, and whoever gets it will refuse it.
            "domain" => return None,
            "secure" | "partitioned" => {}
            "samesite" if value.eq_ignore_ascii_case("none") => {}
            "path" if value.starts_with('/') => {
                changed.push_str("; Path=");
                changed.push_str(prefix);
                changed.push_str(value);
            }
            _ => {
                changed.push(';');
                changed.push_str(part);
            }
        }
    }
    (changed != cookie).then_some(changed)
}

/// A `Cookie` of the client with the names that the app gave; `None` where it may stay as it is.
pub(crate) fn published(cookies: &str) -> Option<String> {
    if !cookies.contains("entrada-") {
        return None;
    }
    let named = cookies.split(';').map(|pair| {
        let pair = pair.trim_start();
        renamed(pair, false).unwrap_or_else(|| pair.to_owned())
    });
    Some(named.collect::<Vec<_>>().join("; "))
}

/// The pair with the other prefix of its name.
fn renamed(pair: &str, outward: bool) -> Option<String> {
    PREFIXES.into_iter().map(|(app, local)| if outward { (app, local) } else { (local, app) }).find_map(|(from, to)| {
        let begin = pair.get(..from.len())?;
        begin.eq_ignore_ascii_case(from).then(|| format!("{to}{}", &pair[from.len()..]))
    })
}

/// Whether the host is in that domain (RFC 6265, 5.1.3); an empty one counts as none.
fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let above = host.to_ascii_lowercase();
    let above = above.strip_suffix(&domain);
    domain.is_empty() || above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_loses_what_loopback_cannot_keep() {
        for (cookie, wanted) in [
            ("a=1", None),
            ("a=1; Path=/; HttpOnly", None),
            ("a=1; Secure", Some("a=1")),
            ("a=1; path=/x; SECURE; HttpOnly", Some("a=1; Path=/x; HttpOnly")),
            ("a=1; SameSite=None; Secure; Partitioned; Max-Age=5", Some("a=1; Max-Age=5")),
            ("a=1; SameSite=Strict", None),
            ("a=1; Domain=hr.example", Some("a=1")),
            (
                "a=1; domain=.Example; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
                Some("a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
            ),
            ("a=1; Domain=other.example; Secure", None),
            ("a=1; Domain=r.example; Secure", None),
            ("__Host-sid=1; Secure; Path=/", Some("entrada-host-sid=1; Path=/")),
            ("__SECURE-sid=__Host-x; Secure", Some("entrada-secure-sid=__Host-x")),
        ] {
            assert_eq!(localised(cookie, "hr.example", "").as_deref(), wanted, "{cookie}");
        }
        assert_eq!(localised("a=1; Path=/x", "h", "/s").as_deref(), Some("a=1; Path=/s/x"));
    }

    #[test]
    fn the_app_gets_its_own_names_back() {
        let cookies = "a=1; entrada-host-sid=2;entrada-secure-x=entrada-host-3";
        assert_eq!(published(cookies).as_deref(), Some("a=1; __Host-sid=2; __Secure-x=entrada-host-3"));
        assert_eq!(published("a=1; b=2"), None);
    }
}
