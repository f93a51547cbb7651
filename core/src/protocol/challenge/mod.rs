//! What a server says of its authentication: `WWW-Authenticate` and `Authentication-Info`.

mod reader;
#[cfg(test)]
mod tests;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// One challenge: a scheme and what comes with it (RFC 9110 11.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The scheme as it was written; compare without regard to case.
    pub scheme: String,
    /// What stands in place of parameters, as in `Negotiate TlRMTVNTUAAB==`.
    pub token68: Option<String>,
    /// The parameters in order, names in lower case; an element without `=` has an empty value.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter of that name (lower case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.parameters, name)
    }

    /// Whether the scheme is this one.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// Why the server refuses, such as `invalid_token` or `insufficient_claims` (RFC 6750 3.1).
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }

    /// The number to be used once, for schemes that prove possession of a key.
    pub fn nonce(&self) -> Option<&str> {
        self.parameter("nonce")
    }

    /// The URL of the authority that the server sends to, without its endpoint: `https://HOST/TENANT`.
    ///
    /// From `authorization_uri` or, as some servers spell it, `authorization`, else from `authority`. It is what a
    /// stranger says: good to explain by, not to send a user's sign-in to.
    pub fn authority(&self) -> Option<String> {
        let endpoint = self.parameter("authorization_uri").or_else(|| self.parameter("authorization"));
        let mut url = endpoint.or_else(|| self.parameter("authority"))?.trim().trim_end_matches('/');
        for part in ["/authorize", "/v2.0", "/oauth2"].into_iter().filter(|_| endpoint.is_some()) {
            url = url.strip_suffix(part).unwrap_or(url);
        }
        Some(url.trim_end_matches('/')).filter(|url| !url.is_empty()).map(String::from)
    }

    /// The claims as JSON, whatever the error; `None` where they are no JSON object.
    ///
    /// They come in base64, standard or URL-safe, padded or not, or as JSON, escaped or plain.
    pub fn claims(&self) -> Option<String> {
        let claims = self.parameter("claims")?;
        decode(claims)
            .filter(|text| is_object(text))
            .or_else(|| Some(claims.to_string()).filter(|text| is_object(text)))
    }
}

/// Reads all challenges of one `WWW-Authenticate` value (RFC 9110 11.6.1). What cannot be read is passed over.
///
/// ```
/// let header = r#"Negotiate, Bearer realm="", error="insufficient_claims", claims="e30=""#;
/// let challenges = entrada_core::protocol::challenges(header);
/// assert_eq!(challenges[0].scheme, "Negotiate");
/// assert_eq!(challenges[1].parameter("claims"), Some("e30="));
/// assert_eq!(challenges[1].claims().as_deref(), Some("{}"));
/// ```
pub fn challenges(header: &str) -> Vec<Challenge> {
    reader::challenges(header)
}

/// The claims that a 401 demands, as JSON, from all its `WWW-Authenticate` values: only where a Bearer challenge's
/// `error` is `insufficient_claims` (identity-platform/claims-challenge).
pub fn claims_challenge<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<String> {
    headers.into_iter().flat_map(challenges).find_map(|challenge| {
        let is_demand = |error: &str| error.eq_ignore_ascii_case("insufficient_claims");
        if challenge.is("bearer") && challenge.error().is_some_and(is_demand) { challenge.claims() } else { None }
    })
}

/// What a server says after it has let somebody in: one `Authentication-Info` value (RFC 7615).
///
/// ```
/// let info = entrada_core::protocol::AuthenticationInfo::read(r#"nextnonce="n-1", qop=auth"#);
/// assert_eq!(info.next_nonce(), Some("n-1"));
/// assert_eq!(info.parameter("qop"), Some("auth"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationInfo {
    /// The parameters in order, names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl AuthenticationInfo {
    /// Reads the value. What cannot be read is passed over.
    pub fn read(header: &str) -> Self {
        Self { parameters: reader::parameters(header) }
    }

    /// The first parameter of that name (lower case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        first(&self.parameters, name)
    }

    /// The number to be used in the next request.
    pub fn next_nonce(&self) -> Option<&str> {
        self.parameter("nextnonce")
    }
}

fn first<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Base64 in either alphabet, with padding or without.
pub(super) fn decode(text: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let standard = text.trim().replace('-', "+").replace('_', "/");
    String::from_utf8(GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(standard).ok()?).ok()
}
