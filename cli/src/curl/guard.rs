//! What `entrada curl` refuses, as the token could go elsewhere or be shown; and the pages that are asked for.

use entrada::protocol::AppCall;

use super::options::Given;
use crate::failure::Failure;

/// What curl is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    /// Pages of one origin, at least one.
    pub(super) urls: Vec<AppCall>,
    /// It tells the request, with its headers.
    pub(super) verbose: bool,
    /// It is told whom to trust.
    pub(super) has_roots: bool,
}

/// Options that cannot be had, each with the reason and what to do.
const REFUSED: &[(&[&str], &str, &str)] = &[
    (
        &["location-trusted"],
        "it sends the token to every host that the app redirects to",
        "follow redirects with -L: curl then keeps the token to the app's own origin",
    ),
    (
        &["next"],
        "what follows is a request of its own, which would go without the token",
        "run entrada curl once for each request",
    ),
    (&["insecure"], "anybody on the way could take the token", "name the app's certificate authority with --cacert"),
    (
        &["oauth2-bearer", "user", "anyauth", "basic", "digest", "negotiate", "ntlm", "ntlm-wb", "aws-sigv4"],
        "the token that entrada gets is what signs the request in",
        "leave it out, or run curl itself",
    ),
    (
        &["netrc", "netrc-optional", "netrc-file"],
        "the token that entrada gets is what signs the request in",
        "leave it out, or run curl itself",
    ),
    (
        &["trace", "trace-ascii", "libcurl"],
        "it writes the token into a file",
        "use -v, where entrada takes the token out",
    ),
    (&["proto-redir"], "entrada sets it, so that a redirect stays with HTTP", "leave it out"),
    (&["metalink"], "the URLs in such a file are not known beforehand", "name the URL"),
];

/// Options that lead a request elsewhere: over https the certificate tells, over http nothing does.
const LEADS_ELSEWHERE: &[&str] =
    &["connect-to", "resolve", "dns-servers", "dns-interface", "doh-url", "unix-socket", "abstract-unix-socket"];

/// What curl puts into the request's head as it is.
const IN_THE_HEAD: &[&str] = &["header", "request", "request-target", "user-agent", "referer", "cookie", "range"];

/// Whether curl would only tell of itself.
pub(super) fn tells_of_itself(given: &[Given]) -> bool {
    given.iter().any(|given| ["help", "manual", "version"].contains(&given.name.as_str()))
}

/// Checks what was given, for a curl of this version.
pub(super) fn checked(given: &[Given], version: (u32, u32)) -> Result<Asked, Failure> {
    let has = |name: &str| given.iter().any(|given| given.on && given.name == name);
    for option in given {
        refuse(option)?;
    }
    if version < (7, 83) {
        let message = format!("curl {}.{} sends a token to other ports and schemes of a host", version.0, version.1);
        // CVE-2022-27774, CVE-2022-27776; before 7.61 it has no Bearer for HTTP.
        if has("location") || version < (7, 61) {
            return Err(Failure::usage(message).with_remedy("install curl 7.83 or newer, or use entrada get -L"));
        }
    }
    if has("verbose") && has("stderr") {
        return Err(Failure::usage("curl's --stderr with -v would write the token into a file".to_owned())
            .with_remedy("redirect standard error in the shell: 2>FILE"));
    }
    let urls = given.iter().filter(|given| given.name == "url").map(|given| page(given.value.as_deref()));
    let urls = urls.collect::<Result<Vec<_>, _>>()?;
    let Some(first) = urls.first() else {
        return Err(Failure::usage("there is no URL among curl's arguments".to_owned())
            .with_remedy("write it with https://, after curl's options or before them"));
    };
    if let Some(other) = urls.iter().find(|other| !first.is_same_origin(other)) {
        let message =
            format!("{} and {} are of different origins, and one token is for one app", first.url(), other.url());
        return Err(Failure::usage(message).with_remedy("run entrada curl once for each of them"));
    }
    if first.url().starts_with("http:")
        && let Some(name) = LEADS_ELSEWHERE.iter().find(|name| has(name))
    {
        let message =
            format!("curl's --{name} is not taken with http: the token could leave this computer unencrypted");
        return Err(Failure::usage(message).with_remedy("use https"));
    }
    Ok(Asked { verbose: has("verbose"), has_roots: has("cacert") || has("capath") || has("ca-native"), urls })
}

fn refuse(option: &Given) -> Result<(), Failure> {
    if option.name.starts_with("expand-") {
        return Err(Failure::usage(format!(
            "curl's --{} is not taken: its value is not known beforehand",
            option.name
        ))
        .with_remedy("write the value out"));
    }
    let found = REFUSED.iter().find(|(names, ..)| option.on && names.contains(&option.name.as_str()));
    if let Some((_, why, remedy)) = found {
        return Err(Failure::usage(format!("curl's --{} is not taken: {why}", option.name)).with_remedy(*remedy));
    }
    let value = option.value.as_deref().unwrap_or_default();
    if IN_THE_HEAD.contains(&option.name.as_str()) && value.contains(['\r', '\n']) {
        return Err(Failure::usage(format!("curl's --{} is not taken with an end of a line in it", option.name))
            .with_remedy("write each header with a -H of its own"));
    }
    match option.name.as_str() {
        "header" => refuse_header(value),
        // Another app's URL there would be as good as its Host; what is no token could hide one.
        "request-target" if (!value.starts_with('/') && value != "*") || value.contains(' ') => {
            Err(Failure::usage("curl's --request-target is taken as a path, or *, alone".to_owned())
                .with_remedy("write one that begins with /"))
        }
        "request" if value.contains(' ') => {
            Err(Failure::usage("curl's --request is not taken with a space in it: a method has none".to_owned())
                .with_remedy("write the method alone"))
        }
        _ => Ok(()),
    }
}

fn refuse_header(value: &str) -> Result<(), Failure> {
    let name = value.split([':', ';']).next().unwrap_or_default().trim();
    let (message, remedy) = if name.eq_ignore_ascii_case("authorization") {
        ("Authorization is what entrada adds", "leave that header out, or run curl itself")
    } else if name.eq_ignore_ascii_case("host") {
        (
            "Host is what the URL says: with another one the token could reach another app",
            "name the app in the URL, and leave that header out",
        )
    } else if value.starts_with('@') {
        ("curl's --header is not taken from a file: what is in it is not known beforehand", "write the headers out")
    } else {
        return Ok(());
    };
    Err(Failure::usage(message.to_owned()).with_remedy(remedy))
}

/// A URL that curl and we read alike: its scheme written out, and its host without anything that curl would expand.
fn page(text: Option<&str>) -> Result<AppCall, Failure> {
    let text = text.unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).ok_or_else(|| {
        Failure::usage(format!("{text:?} is no URL that a token can be sent to")).with_remedy("write it with https://")
    })?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.strip_prefix("[").and_then(|rest| rest.split_once(']'));
    let is_plain = match host {
        Some((address, port)) => {
            address.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.')
                && port.chars().all(|c| c == ':' || c.is_ascii_digit())
        }
        None => authority.chars().all(|c| c.is_ascii_alphanumeric() || "-._:".contains(c)),
    };
    if !is_plain {
        return Err(Failure::usage(format!("the host in {text:?} is not written plainly")).with_remedy(
            "write its name in ASCII letters (xn--... for others), without a user name and without {} or []",
        ));
    }
    AppCall::new(text).map_err(Failure::from)
}

#[cfg(test)]
mod tests {
    use super::super::options::tests::read;
    use super::*;

    fn asked(line: &str) -> Result<Asked, Failure> {
        checked(&read(line).unwrap(), (8, 5))
    }

    #[test]
    fn urls_that_could_mean_another_host_are_refused() {
        for url in [
            "h/x",
            "ftp://h/",
            "http://h/",
            "https://",
            "https://{a,b}.example/",
            "https://h[1-3].example/",
            "https://me:pw@h/",
            "https://h\\@evil.example/",
            "https://h%2eexample/",
            "https://b\u{fc}cher.example/",
            "https://[::1]evil.example/",
            "https:h",
            "@file",
        ] {
            assert!(asked(url).is_err(), "{url}");
        }
        for url in
            ["https://h/{a,b}?x=[1-3]", "HTTPS://H:8443", "http://127.0.0.1:8/", "http://[::1]:8/", "https://h?x"]
        {
            assert!(asked(url).is_ok(), "{url}");
        }
        assert!(asked("https://h/ https://h/b").is_ok());
        assert!(asked("https://h/ https://h:8443/b").unwrap_err().message.contains("different origins"));
    }

    #[test]
    fn what_shows_the_token_or_sends_it_elsewhere_is_refused() {
        for line in [
            "-k https://h/",
            "https://h/ --location-trusted",
            "https://h/ -: https://h/",
            "-u a:b https://h/",
            "--trace - https://h/",
            "-v --stderr x https://h/",
            "http://127.0.0.1/ --resolve 127.0.0.1:80:10.0.0.1",
            "-s",
        ] {
            let failure = asked(line).unwrap_err();
            assert!(failure.code == 2 && failure.remedy.is_some(), "{line}: {failure:?}");
        }
        let is_refused = |name: &str, value: &str| {
            refuse(&Given { name: name.to_owned(), on: true, value: Some(value.to_owned()), from_file: false }).is_err()
        };
        for value in [
            "Authorization: x",
            "authorization;",
            " AUTHORIZATION :x",
            "Host: h",
            "hOST;",
            "host:",
            "@file",
            "X: y\r\nHost: h",
            "X: y\nHost: h",
        ] {
            assert!(is_refused("header", value), "{value:?}");
        }
        for (name, value) in [
            ("request-target", "https://other/"),
            ("request-target", "other:443"),
            ("request-target", ""),
            ("request-target", "/ HTTP/1.1\r\nHost: other"),
            ("request-target", "/ x"),
            ("request", "GET https://other/"),
            ("user-agent", "x\r\nHost: other"),
            ("cookie", "x\nHost: other"),
        ] {
            assert!(is_refused(name, value), "--{name} {value:?}");
        }
        for (name, value) in [
            ("request-target", "/a//b?c"),
            ("request-target", "*"),
            ("request", "PROPFIND"),
            ("data", "Host: a\nb"),
            ("header", "X-Host: @a b"),
        ] {
            assert!(!is_refused(name, value), "--{name} {value:?}");
        }
        assert!(asked("https://h/ --no-insecure --no-location-trusted --resolve h:443:10.0.0.1").is_ok());
    }

    #[test]
    fn an_old_curl_does_not_follow_redirects() {
        let given = read("-L https://h/").unwrap();
        assert!(
            checked(&given, (7, 82)).is_err() && checked(&given, (7, 83)).is_ok() && checked(&given, (8, 0)).is_ok()
        );
        let given = read("https://h/").unwrap();
        assert!(checked(&given, (7, 60)).is_err() && checked(&given, (7, 61)).is_ok());
    }
}
