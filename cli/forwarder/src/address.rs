//! Two names for one thing: the app's origin, and the local address that stands for it.

use http::HeaderValue;
use http::uri::PathAndQuery;
use url::{Position, Url};

/// The origin of a published app.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    url: Url,
    /// As in the header `Origin`.
    pub(crate) text: String,
    pub(crate) host: HeaderValue,
}

/// The local address by which a client has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here<'a> {
    /// `http://127.0.0.1:40417`.
    pub(crate) base: &'a str,
    /// What stands before every path: nothing, or a slash and the secret.
    pub(crate) prefix: &'a str,
}

impl Origin {
    /// The origin of this URL; `None` where it has no host.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()?;
        let text = url.origin().ascii_serialization();
        (!host.is_empty()).then(|| Self { url: url.clone(), text, host })
    }

    /// Its host name, without a port.
    pub(crate) fn host_name(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// A reference in an answer that names the app, by the local address; `None` where it may stay as it is.
    pub(crate) fn localised(&self, reference: &str, here: Here<'_>) -> Option<String> {
        let reference = reference.trim();
        if reference.starts_with('/') && !reference.starts_with("//") && !reference.starts_with("/\\") {
            return (!here.prefix.is_empty()).then(|| format!("{}{reference}", here.prefix));
        }
        let is_whole = reference.starts_with("//") || Url::parse(reference).is_ok();
        let target = if is_whole { self.url.join(reference).ok()? } else { return None };
        let is_ours =
            target.origin() == self.url.origin() && target.username().is_empty() && target.password().is_none();
        is_ours.then(|| format!("{}{}{}", here.base, here.prefix, &target[Position::BeforePath..]))
    }

    /// A reference in a request that names the local address, by any of these and with the prefix or without it, by the
    /// app's; `None` where it may stay as it is.
    pub(crate) fn published(&self, reference: &str, bases: &[String], prefix: &str) -> Option<String> {
        let inner = |rest: &str| within(rest.strip_prefix(prefix)?).map(str::to_owned);
        if reference.starts_with('/') {
            let inner = inner(reference).filter(|_| !prefix.is_empty())?;
            return Some(if inner.starts_with('/') { inner } else { format!("/{inner}") });
        }
        let rest = bases.iter().find_map(|base| {
            let (begin, rest) = reference.split_at_checked(base.len())?;
            if begin.eq_ignore_ascii_case(base) { within(rest) } else { None }
        })?;
        Some(format!("{}{}", self.text, inner(rest).unwrap_or_else(|| rest.to_owned())))
    }

    /// The local counterpart of the URL that this was made from.
    pub(crate) fn local_url(&self, here: Here<'_>) -> String {
        format!("{}{}{}", here.base, here.prefix, &self.url[Position::BeforePath..Position::AfterQuery])
    }
}

/// What comes after a whole host or segment of a path, and not in the middle of one.
fn within(rest: &str) -> Option<&str> {
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
}

/// The path without that prefix; `None` where it does not begin with it.
pub(crate) fn without_prefix(path: &PathAndQuery, length: usize) -> Option<PathAndQuery> {
    let rest = path.as_str().get(length..)?;
    match rest.as_bytes().first() {
        Some(b'/') => rest.parse().ok(),
        Some(b'?') | None => format!("/{rest}").parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin::of(&Url::parse("https://hr.example/api/?x=1").unwrap()).unwrap()
    }

    const PLAIN: Here<'_> = Here { base: "http://127.0.0.1:8", prefix: "" };
    const SECRET: Here<'_> = Here { base: "http://localhost:8", prefix: "/s3cret" };

    #[test]
    fn what_names_the_app_becomes_local_and_nothing_else_does() {
        for (reference, plain, secret) in [
            ("https://hr.example/a?b#c", Some("http://127.0.0.1:8/a?b#c"), Some("http://localhost:8/s3cret/a?b#c")),
            ("https://HR.example:443", Some("http://127.0.0.1:8/"), Some("http://localhost:8/s3cret/")),
            ("//hr.example/a", Some("http://127.0.0.1:8/a"), Some("http://localhost:8/s3cret/a")),
            ("/a/b", None, Some("/s3cret/a/b")),
            ("../b?c", None, None),
            ("?c", None, None),
            ("", None, None),
            ("http://hr.example/", None, None),
            ("https://hr.example:8443/", None, None),
            ("https://hr.example.evil/", None, None),
            ("https://me@hr.example/", None, None),
            ("//evil.example/", None, None),
            ("/\\evil.example/", None, None),
            ("mailto:x@hr.example", None, None),
        ] {
            assert_eq!(origin().localised(reference, PLAIN).as_deref(), plain, "{reference}");
            assert_eq!(origin().localised(reference, SECRET).as_deref(), secret, "{reference}");
        }
    }

    #[test]
    fn what_names_the_local_address_names_the_app_without_the_secret() {
        let bases =
            ["http://127.0.0.1", "http://localhost", "http://127.0.0.1:80", "http://localhost:80"].map(String::from);
        for (reference, wanted) in [
            ("http://127.0.0.1:80", Some("https://hr.example")),
            ("http://127.0.0.1", Some("https://hr.example")),
            ("http://127.0.0.1/a?b", Some("https://hr.example/a?b")),
            ("HTTP://LocalHost:80/a?b", Some("https://hr.example/a?b")),
            ("http://127.0.0.1:8/a", None),
            ("http://127.0.0.1.evil.example/a", None),
            ("https://hr.example/a", None),
            ("/a", None),
            ("http://é", None),
        ] {
            assert_eq!(origin().published(reference, &bases, "").as_deref(), wanted, "{reference}");
            assert_eq!(origin().published(reference, &bases, "/s3cret").as_deref(), wanted, "{reference}");
        }
        for (reference, wanted) in [
            ("http://localhost:80/s3cret/a", Some("https://hr.example/a")),
            ("http://127.0.0.1/s3cret/a", Some("https://hr.example/a")),
            ("http://127.0.0.1/s3cret", Some("https://hr.example")),
            ("http://127.0.0.1/s3cret?b", Some("https://hr.example?b")),
            ("http://localhost/s3cretive", Some("https://hr.example/s3cretive")),
            ("/s3cret/a", Some("/a")),
            ("/s3cret", Some("/")),
            ("/s3cret?b", Some("/?b")),
            ("/s3cretive", None),
        ] {
            assert_eq!(origin().published(reference, &bases, "/s3cret").as_deref(), wanted, "{reference}");
        }
    }

    #[test]
    fn the_prefix_ends_where_a_segment_does() {
        let stripped = |path: &str| without_prefix(&path.parse().unwrap(), "/s".len()).map(|path| path.to_string());
        assert_eq!(stripped("/s/a?b").as_deref(), Some("/a?b"));
        assert_eq!(stripped("/s").as_deref(), Some("/"));
        assert_eq!(stripped("/s?b").as_deref(), Some("/?b"));
        assert_eq!(stripped("/sa"), None);
        assert_eq!(stripped("/"), None);
        assert_eq!(origin().local_url(SECRET), "http://localhost:8/s3cret/api/?x=1");
    }
}
