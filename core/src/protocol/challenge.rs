//! `WWW-Authenticate` (RFC 9110 11.6.1): several challenges in one header, quoted and unquoted, with token68.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// One challenge: a scheme and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme as it was written; compare without regard to case.
    pub scheme: String,
    /// The parameters in order, names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter of that name (lower case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads all challenges of one header value. What cannot be read is passed over.
///
/// ```
/// let header = r#"Negotiate, Bearer realm="", error="insufficient_claims", claims="e30=""#;
/// let challenges = entrada_core::protocol::challenges(header);
/// assert_eq!(challenges[0].scheme, "Negotiate");
/// assert_eq!(challenges[1].parameter("claims"), Some("e30="));
/// ```
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return found;
        }
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if end == 0 {
            // Nothing that begins a name or a scheme: skip to the next element.
            rest = rest.find(',').map_or("", |comma| &rest[comma..]);
            continue;
        }
        let (word, after) = rest.split_at(end);
        match (after.trim_start_matches([' ', '\t']).strip_prefix('='), found.last_mut()) {
            (Some(value), Some(challenge)) => {
                let (value, after) = read_value(value.trim_start_matches([' ', '\t']));
                challenge.parameters.push((word.to_ascii_lowercase(), value));
                rest = after;
            }
            _ => {
                found.push(Challenge { scheme: word.to_string(), parameters: Vec::new() });
                rest = skip_token68(after);
            }
        }
    }
}

/// The claims that a 401 demands, as JSON: only where `error` is `insufficient_claims`.
///
/// They come in base64, standard or URL-safe, padded or not, or plain.
pub fn claims_challenge<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<String> {
    headers.into_iter().flat_map(challenges).find_map(|challenge| {
        let demanded = challenge.scheme.eq_ignore_ascii_case("bearer")
            && challenge.parameter("error").is_some_and(|error| error.eq_ignore_ascii_case("insufficient_claims"));
        if !demanded {
            return None;
        }
        let claims = challenge.parameter("claims")?;
        let is_object =
            |text: &String| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        decode(claims).filter(is_object).or_else(|| Some(claims.to_string()).filter(is_object))
    })
}

fn decode(text: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    String::from_utf8(GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()?).ok()
}

/// `tchar` of RFC 9110 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// A quoted string with its escapes undone, or everything up to the next comma or space.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_string(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// Skips `Negotiate TlRMTVNTUAAB==`: one word that is no `name=value`.
fn skip_token68(after: &str) -> &str {
    let text = after.trim_start_matches([' ', '\t']);
    let is_68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let word = text.find(|c| !is_68(c)).unwrap_or(text.len());
    let padded = &text[word..];
    let padding = padded.find(|c| c != '=').unwrap_or(padded.len());
    let end = padded[padding..].trim_start_matches([' ', '\t']);
    if word > 0 && (end.is_empty() || end.starts_with(',')) { end } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_challenges_stand_in_one_header() {
        let header = r#"Negotiate, NTLM TlRMTVNTUAAB==, Bearer realm="a, \"b\"", authorization_uri=https://login.example/common/oauth2/authorize , error="invalid_token""#;
        let read = challenges(header);
        let schemes: Vec<&str> = read.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["Negotiate", "NTLM", "Bearer"]);
        assert_eq!(read[2].parameter("realm"), Some(r#"a, "b""#));
        assert_eq!(read[2].parameter("authorization_uri"), Some("https://login.example/common/oauth2/authorize"));
        assert_eq!(read[2].parameter("error"), Some("invalid_token"));
    }

    #[test]
    fn microsofts_own_example_is_read_with_its_padding() {
        let header = r#"Bearer authorization_uri="https://login.windows.net/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwNDEwNjY1MSJ9fX0=""#;
        let claims = claims_challenge([header]).unwrap();
        assert_eq!(claims, r#"{"access_token":{"nbf":{"essential":true, "value":"1604106651"}}}"#);
    }

    #[test]
    fn other_errors_and_other_schemes_demand_no_claims() {
        assert_eq!(claims_challenge([r#"Bearer error="invalid_token", claims="e30=""#]), None);
        assert_eq!(claims_challenge([r#"PoP error="insufficient_claims", claims="e30=""#]), None);
        assert_eq!(
            claims_challenge(["Basic", r#"bearer ERROR=insufficient_claims, claims=e30"#]).as_deref(),
            Some("{}")
        );
    }

    #[test]
    fn garbage_ends() {
        for garbage in ["", ",,,", "=", "\"", "Bearer \"", "Bearer a=\"\\", "Ünïcode x=y", "a b c d", "Bearer ==="] {
            let _ = challenges(garbage);
        }
    }
}
