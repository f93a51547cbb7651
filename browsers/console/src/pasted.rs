//! What a user may paste, and what is wrong with the rest.

use entrada_core::{Redirect, Secret};
use url::{Url, form_urlencoded};

/// What a line is.
pub(crate) enum Reading {
    /// The redirect.
    Redirect(Redirect),
    /// An empty line.
    Nothing,
    /// Something else; the sentence says what, without repeating any of it.
    Unusable(&'static str),
}

/// The page that Microsoft's native-client page jumps to.
const WRONG_PLACE: &str = "/common/wrongplace";
/// Shorter than any code, longer than `help`, `quit` or `yes`.
const SHORTEST_CODE: usize = 8;

/// Reads a line: the redirect's whole address, its query alone, or the bare code.
pub(crate) fn read(line: &str, redirect_uri: &Url, state: &str) -> Reading {
    let text = line.trim().trim_matches(['"', '\'', '<', '>', '`']).trim();
    if text.is_empty() {
        return Reading::Nothing;
    }
    if let Some(url) = as_url(text, redirect_uri) {
        return address(&url, redirect_uri, state);
    }
    if text.chars().any(char::is_whitespace) {
        return Reading::Unusable("That is neither an address nor a code: they have no spaces.");
    }
    let query = text.strip_prefix('?').unwrap_or(text);
    let is_query = ["code", "state", "error"]
        .iter()
        .any(|name| query.split('&').any(|pair| pair.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))));
    if is_query {
        return parameters(query, state);
    }
    if text.len() < SHORTEST_CODE || !text.chars().all(|c| c.is_ascii_graphic() && !"&?#/<>\"".contains(c)) {
        return Reading::Unusable("That is neither the address nor a code.");
    }
    Reading::Redirect(Redirect::BareCode(decoded(text)))
}

/// Browsers leave the scheme out of the address bar, and some also out of what is copied from it.
fn as_url(text: &str, redirect_uri: &Url) -> Option<Url> {
    let scheme = format!("{}://", redirect_uri.scheme());
    let bare = redirect_uri.as_str().strip_prefix(&scheme)?;
    let host = bare.split('/').next().unwrap_or(bare);
    if text.contains("://") && !text.starts_with('?') && !text.starts_with("code=") {
        Url::parse(text).ok()
    } else if text.strip_prefix(host).is_some_and(|rest| rest.starts_with('/')) {
        Url::parse(&format!("{scheme}{text}")).ok()
    } else {
        None
    }
}

fn address(url: &Url, redirect_uri: &Url, state: &str) -> Reading {
    let is_ours = url.origin() == redirect_uri.origin()
        && url.scheme() == redirect_uri.scheme()
        && url.host() == redirect_uri.host()
        && url.path() == redirect_uri.path();
    if is_ours {
        return match url.query() {
            Some(query) if !query.is_empty() => parameters(query, state),
            _ => Reading::Unusable(
                "That address has no code in it: it must be copied whole, with all that follows the `?`.",
            ),
        };
    }
    if url.path() == WRONG_PLACE {
        return Reading::Unusable(
            "That is where the page jumps after a second, and the code is gone from it. Open the URL above again, and copy\n\
             the address at once, or press Esc before it jumps.",
        );
    }
    if url.query_pairs().any(|(name, _)| name == "client_id") {
        return Reading::Unusable(
            "That is the address of the sign-in itself: finish it, then copy the address it ends at.",
        );
    }
    Reading::Unusable("That is not the address where the sign-in ends.")
}

fn parameters(query: &str, state: &str) -> Reading {
    let count = |wanted: &str| form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted).count();
    if count("code") + count("error") == 0 {
        return Reading::Unusable("There is no code in that: it must be copied whole, with all that follows the `?`.");
    }
    let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    match (states.next(), states.next()) {
        (None, _) => Reading::Unusable(
            "The end of that is missing (its `state`): copy it whole, or paste the value of `code` alone.",
        ),
        (Some((_, value)), None) if value == state => Reading::Redirect(Redirect::Parameters(Secret::new(query))),
        _ => {
            Reading::Unusable("That belongs to another sign-in (its `state` differs): use the URL that was shown last.")
        }
    }
}

/// A code as it stands in an address may have percent escapes; codes themselves have no percent signs.
fn decoded(code: &str) -> Secret {
    if !code.contains('%') {
        return Secret::new(code);
    }
    // `+` is no space here: it is a sign of the code itself.
    let pair = format!("code={}", code.replace('+', "%2B"));
    let decoded = form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    Secret::new(decoded.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(line: &str) -> String {
        let uri = Url::parse(crate::NATIVE_CLIENT).unwrap();
        match read(line, &uri, "s1") {
            Reading::Redirect(Redirect::Parameters(parameters)) => format!("parameters {}", parameters.expose()),
            Reading::Redirect(Redirect::BareCode(code)) => format!("code {}", code.expose()),
            Reading::Nothing => String::new(),
            Reading::Unusable(why) => why.to_owned(),
        }
    }

    #[test]
    fn what_is_of_use_is_taken() {
        let at = crate::NATIVE_CLIENT;
        let ours = "parameters code=SECRET12&state=s1&session_state=x";
        let query = "code=SECRET12&state=s1&session_state=x";
        for line in [
            format!("{at}?{query}"),
            format!("  {at}?{query}\r"),
            format!("<{at}?{query}>"),
            format!("\"{at}?{query}\""),
            format!("{at}?{query}#"),
            format!("{}?{query}", at.trim_start_matches("https://")),
            format!("?{query}"),
            query.to_owned(),
        ] {
            assert_eq!(reading(&line), ours, "{line}");
        }
        assert_eq!(reading(&format!("{at}?error=access_denied&state=s1")), "parameters error=access_denied&state=s1");
        assert_eq!(reading("0.AXoA-_x.y~z"), "code 0.AXoA-_x.y~z");
        assert_eq!(reading("M.C107_BAY.2.U.a!b*c$$"), "code M.C107_BAY.2.U.a!b*c$$");
        assert_eq!(reading("M.C107%21b%2Ac+d"), "code M.C107!b*c+d");
        assert_eq!(reading("YWJjZGVmZw=="), "code YWJjZGVmZw==");
        assert_eq!(reading(" \t\r"), "");
    }

    #[test]
    fn what_is_not_is_explained_and_never_repeated() {
        let at = crate::NATIVE_CLIENT;
        let table = [
            (format!("{at}?code=SECRET12&state=s2"), "another sign-in"),
            (format!("{at}?code=SECRET12&state=s1&state=s1"), "another sign-in"),
            (format!("{at}?code=SECRET12"), "`state`"),
            (format!("{at}?state=s1"), "no code"),
            (at.to_owned(), "no code"),
            ("?code=SECRET12&state=s2".to_owned(), "another sign-in"),
            ("code=SECRET12".to_owned(), "`code` alone"),
            ("https://login.microsoftonline.com/common/wrongplace".to_owned(), "jumps after a second"),
            ("login.microsoftonline.com/common/wrongplace".to_owned(), "jumps after a second"),
            (
                format!("https://login.microsoftonline.com/t/oauth2/v2.0/authorize?client_id=x&redirect_uri={at}"),
                "sign-in itself",
            ),
            (format!("{at}/?code=SECRET12&state=s1"), "not the address"),
            (format!("{}?code=SECRET12&state=s1", at.replace("https", "http")), "not the address"),
            ("https://evil.example/common/oauth2/nativeclient?code=SECRET12&state=s1".to_owned(), "not the address"),
            ("https://[SECRET12".to_owned(), "neither"),
            ("help".to_owned(), "neither"),
            ("the SECRET12 code".to_owned(), "neither"),
            ("SECRET12\u{1b}[2J".to_owned(), "neither"),
        ];
        for (line, expected) in table {
            let why = reading(&line);
            assert!(why.contains(expected), "{line}: {why}");
            assert!(!why.contains("SECRET12"), "{why}");
        }
    }
}
