//! When a redirect URI is one of the registered ones (reply-url.md).

/// Exact, but for the port of an `http` loopback address. The path counts to the letter, so does a last slash.
pub(crate) fn matches(registered: &str, asked: &str) -> bool {
    match (loopback(registered), loopback(asked)) {
        (Some(a), Some(b)) => a == b,
        _ => registered == asked,
    }
}

/// Host and remainder of an `http` loopback URI, without the port. `[::1]` is not supported by the platform.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["localhost", "127.0.0.1"].into_iter().find(|h| rest.starts_with(h))?;
    let rest = &rest[host.len()..];
    let rest = match rest.strip_prefix(':') {
        Some(after) => {
            let tail = after.trim_start_matches(|c: char| c.is_ascii_digit());
            after[..after.len() - tail.len()].parse::<u16>().ok()?;
            tail
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn only_the_loopback_port_is_free() {
        for (registered, asked, yes) in [
            ("http://localhost", "http://localhost:51234", true),
            ("http://localhost", "http://localhost", true),
            ("http://localhost", "http://localhost:51234/", false),
            ("http://localhost", "http://127.0.0.1:51234", false),
            ("http://127.0.0.1", "http://127.0.0.1:8", true),
            ("http://localhost/cb", "http://localhost:1/cb", true),
            ("http://localhost/cb", "http://localhost:1/CB", false),
            ("http://localhost/cb", "http://localhost:1/cb/", false),
            ("http://localhost", "https://localhost:1", false),
            ("http://localhost", "http://localhost.evil.example", false),
            ("http://localhost", "http://localhost:99999", false),
            ("http://localhost", "http://[::1]:1", false),
            ("https://a.example/cb", "https://a.example:443/cb", false),
        ] {
            assert_eq!(matches(registered, asked), yes, "{registered} {asked}");
        }
    }
}
