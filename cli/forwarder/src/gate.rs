//! Who may come in.

use http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};

use crate::address::{Here, without_prefix};
use crate::hop;
use crate::refusal::Refusal;
use crate::secret::PathSecret;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SECRET: HeaderName = HeaderName::from_static("x-entrada-secret");

/// The addresses of a listener, and the secret where it has one.
#[derive(Debug)]
pub(crate) struct Gate {
    /// `http://` and each host, with its port, by which the listener can be reached; the first is shown.
    pub(crate) bases: Vec<String>,
    pub(crate) secret: Option<PathSecret>,
}

/// A request that may come in.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) here: Here<'a>,
    /// What it asks for, without the secret.
    pub(crate) target: PathAndQuery,
}

impl Gate {
    /// How a user comes in.
    pub(crate) fn here(&self) -> Here<'_> {
        let prefix = self.secret.as_ref().map_or("", PathSecret::prefix);
        Here { base: self.bases.first().map_or("", |base| base), prefix }
    }

    /// Looks at the head of a request.
    pub(crate) fn admit(&self, head: &Parts) -> Result<Admitted<'_>, Refusal> {
        let base = self.base(head).ok_or_else(|| {
            let at = self.here().base;
            Refusal::new(
                StatusCode::MISDIRECTED_REQUEST,
                "foreign_host",
                format!("this is entrada's forwarder at {at}, and it answers to no other name: the Host of the request is another"),
            )
        })?;
        self.is_not_of_a_stranger(&head.headers)?;
        if head.method == Method::CONNECT {
            let text = "this is no proxy for other hosts: use its URL in place of the app's".to_owned();
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "connect", text));
        }
        if ["TRACE", "TRACK"].iter().any(|method| head.method.as_str().eq_ignore_ascii_case(method)) {
            let text =
                "TRACE and TRACK are not forwarded: the app would answer with the token (RFC 9110, 9.3.8)".to_owned();
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "trace", text));
        }
        let asked = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let Some(secret) = &self.secret else {
            return Ok(Admitted { here: Here { base, prefix: "" }, target: asked });
        };
        if let Some(header) = head.headers.get(SECRET)
            && secret.is(header.as_bytes())
        {
            return Ok(Admitted { here: Here { base, prefix: "" }, target: asked });
        }
        let first = asked.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let inner = without_prefix(&asked, secret.prefix().len()).filter(|_| secret.is(first.as_bytes()));
        match inner {
            Some(target) => Ok(Admitted { here: Here { base, prefix: secret.prefix() }, target }),
            None => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "no_secret",
                "this forwarder wants its secret: use the URL that it printed, or send X-Entrada-Secret".to_owned(),
            )),
        }
    }

    /// The one of our addresses that the request was sent to. With a whole URL in its first line, that has to be one too.
    fn base(&self, head: &Parts) -> Option<&str> {
        let mut hosts = head.headers.get_all(HOST).iter();
        let (host, None) = (hosts.next()?, hosts.next()) else { return None };
        let named = self.named(host.as_bytes())?;
        match head.uri.authority() {
            Some(authority) => self.named(authority.as_str().as_bytes()),
            None => Some(named),
        }
    }

    fn named(&self, host: &[u8]) -> Option<&str> {
        let is = |base: &&String| base.as_bytes()["http://".len()..].eq_ignore_ascii_case(host);
        self.bases.iter().find(is).map(String::as_str)
    }

    /// A browser says whose page it asks for: none but our own may, not even those on another port of this computer.
    fn is_not_of_a_stranger(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let own = |origin: &[u8]| self.bases.iter().any(|base| base.as_bytes().eq_ignore_ascii_case(origin));
        let is_own = headers.get_all(ORIGIN).iter().all(|origin| own(origin.as_bytes()));
        let fetched = headers.get_all(SEC_FETCH_SITE);
        let is_near = fetched.iter().all(|site| site == "same-origin" || site == "none");
        if is_own && is_near {
            return Ok(());
        }
        let text = "a page of another origin may not use entrada's forwarder (Origin, Sec-Fetch-Site); to come from a link there, \
                    type or paste its address into the browser".to_owned();
        Err(Refusal::new(StatusCode::FORBIDDEN, "foreign_origin", text))
    }
}

/// Takes off what is for the gate alone.
pub(crate) fn take_off_secret(headers: &mut HeaderMap) {
    hop::take(headers, &SECRET);
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn gate(secret: Option<PathSecret>) -> Gate {
        Gate { bases: vec!["http://127.0.0.1:8".into(), "http://localhost:8".into()], secret }
    }

    fn admit(gate: &Gate, target: &str, headers: &[(&str, &str)]) -> Result<(String, String), StatusCode> {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        match gate.admit(&head) {
            Ok(admitted) => {
                Ok((format!("{}{}", admitted.here.base, admitted.here.prefix), admitted.target.to_string()))
            }
            Err(refusal) => Err(refusal.status),
        }
    }

    #[test]
    fn the_host_is_ours_to_the_letter() {
        let gate = gate(None);
        for host in ["127.0.0.1:8", "localhost:8", "LOCALHOST:8"] {
            assert!(admit(&gate, "/", &[("host", host)]).is_ok(), "{host}");
        }
        for host in [
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "evil.example:8",
            "localhost.:8",
            "127.0.0.1.evil.example:8",
            "[::1]:8",
            "",
        ] {
            assert_eq!(admit(&gate, "/", &[("host", host)]), Err(StatusCode::MISDIRECTED_REQUEST), "{host}");
        }
        assert_eq!(admit(&gate, "/", &[]), Err(StatusCode::MISDIRECTED_REQUEST));
        let two = [("host", "localhost:8"), ("host", "evil.example")];
        assert_eq!(admit(&gate, "/", &two), Err(StatusCode::MISDIRECTED_REQUEST));
        let ours = ("host", "localhost:8");
        assert_eq!(admit(&gate, "http://evil.example/", &[ours]), Err(StatusCode::MISDIRECTED_REQUEST));
        assert!(admit(&gate, "http://localhost:8/x", &[ours]).is_ok());
    }

    #[test]
    fn another_origin_is_turned_away() {
        let gate = gate(None);
        let with = |name, value| admit(&gate, "/", &[("host", "localhost:8"), (name, value)]);
        for origin in ["http://localhost:8", "http://127.0.0.1:8"] {
            assert!(with("origin", origin).is_ok(), "{origin}");
        }
        for origin in
            ["null", "", "http://localhost", "http://localhost:9", "https://localhost:8", "https://hr.example"]
        {
            assert_eq!(with("origin", origin), Err(StatusCode::FORBIDDEN), "{origin}");
        }
        assert!(with("sec-fetch-site", "same-origin").is_ok() && with("sec-fetch-site", "none").is_ok());
        for site in ["cross-site", "same-site", "", "new-word"] {
            assert_eq!(with("sec-fetch-site", site), Err(StatusCode::FORBIDDEN), "{site}");
        }
    }

    #[test]
    fn the_secret_comes_by_path_or_header_and_goes_no_further() {
        let secret = PathSecret::random().unwrap();
        let (gate, text) = (gate(Some(secret.clone())), secret.expose().to_owned());
        let ours = ("host", "127.0.0.1:8");
        let (base, target) = admit(&gate, &format!("/{text}/a?b"), &[ours]).unwrap();
        assert_eq!((base, target.as_str()), (format!("http://127.0.0.1:8/{text}"), "/a?b"));
        let by_header = admit(&gate, "/a?b", &[ours, ("x-entrada-secret", &text)]).unwrap();
        assert_eq!(by_header, ("http://127.0.0.1:8".to_owned(), "/a?b".to_owned()));
        for target in [
            "/",
            "/a?b",
            "//",
            &format!("/a/{text}"),
            &format!("/{text}x/"),
            &format!("/{}", &text[1..]),
            &format!("//{text}/"),
        ] {
            assert_eq!(admit(&gate, target, &[ours]), Err(StatusCode::FORBIDDEN), "{target}");
        }
        assert_eq!(admit(&gate, "/", &[ours, ("x-entrada-secret", "x")]), Err(StatusCode::FORBIDDEN));
    }
}
