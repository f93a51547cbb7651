//! The application proxy's redirect to sign-in, which is how it says "no token" and "not this token".

use alloc::string::{String, ToString};

use serde_json::Value;
use url::Url;

/// The redirect, read.
///
/// The proxy's edge answers a missing and a refused token alike: with a 302 to
/// `https://LOGIN/{tenant}/oauth2/authorize` whose state begins with `AppProxyState:`. It is never to be
/// followed: it ends on a sign-in page with status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeRedirect {
    /// The host that it leads to.
    pub login_host: String,
    /// Scheme, host and port of that, without a slash at the end.
    pub login_origin: String,
    /// The tenant that published the app.
    pub tenant: String,
    /// The application id of the proxy's own registration, where it is named.
    pub app_id: Option<String>,
    /// The external URL of the published app, where it is named.
    pub external_url: Option<String>,
    /// Whether a token was seen and refused, as far as the proxy tells.
    pub token_refused: bool,
    /// Under which Microsoft's support finds the request.
    pub correlation_id: Option<String>,
}

impl EdgeRedirect {
    /// Reads a `Location`; `None` where it is not the proxy's redirect to sign-in.
    pub fn read(location: &str) -> Option<Self> {
        let url = Url::parse(location).ok()?;
        let mut segments = url.path_segments()?;
        let (tenant, rest) = (segments.next()?, [segments.next(), segments.next(), segments.next()]);
        if rest != [Some("oauth2"), Some("authorize"), None]
            && rest != [Some("oauth2"), Some("v2.0"), Some("authorize")]
        {
            return None;
        }
        let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.to_string());
        let state = parameter("state")?;
        let details = state.strip_prefix("AppProxyState:")?;
        let (json, trailer) = details.split_once("#EndOfStateParam#").unwrap_or((details, ""));
        let json: Value = serde_json::from_str(json).unwrap_or_default();
        let correlation_id = parameter("client-request-id")
            .or_else(|| trailer.split('&').find_map(|pair| pair.strip_prefix("client-request-id=")).map(String::from));
        Some(Self {
            login_host: url.host_str()?.to_string(),
            login_origin: url.origin().ascii_serialization(),
            tenant: tenant.to_string(),
            app_id: parameter("client_id"),
            external_url: parameter("redirect_uri"),
            token_refused: json.get("InvalidTokenRetry") == Some(&Value::Bool(true)),
            correlation_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURED: &str = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/authorize?response_type=code&client_id=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee&scope=openid&nonce=0&redirect_uri=https%3a%2f%2fhr-contoso.msappproxy.net%2f&state=AppProxyState%3a%7b%22InvalidTokenRetry%22%3atrue%2c%22IsMsofba%22%3afalse%2c%22OriginalRawUrl%22%3a%22https%3a%5c%2f%5c%2fhr-contoso.msappproxy.net%5c%2f%22%2c%22RequestProfileId%22%3anull%7d%23EndOfStateParam%23&client-request-id=99999999-0000-0000-0000-000000000000";

    #[test]
    fn the_redirect_tells_who_published_and_whether_a_token_was_refused() {
        let edge = EdgeRedirect::read(CAPTURED).unwrap();
        assert_eq!(edge.tenant, "11111111-2222-3333-4444-555555555555");
        assert_eq!(edge.app_id.as_deref(), Some("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"));
        assert_eq!(edge.external_url.as_deref(), Some("https://hr-contoso.msappproxy.net/"));
        assert_eq!(edge.correlation_id.as_deref(), Some("99999999-0000-0000-0000-000000000000"));
        assert!(edge.token_refused);
        assert!(!EdgeRedirect::read(&CAPTURED.replace("%3atrue", "%3anull")).unwrap().token_refused);
    }

    #[test]
    fn other_redirects_are_not_the_proxys() {
        for other in [
            "/oauth2/authorize?state=AppProxyState:{}",
            "https://login.microsoftonline.com/t/oauth2/authorize?state=mine",
            "https://login.microsoftonline.com/t/oauth2/token?state=AppProxyState:{}",
            "https://hr-contoso.msappproxy.net/login",
            "",
        ] {
            assert_eq!(EdgeRedirect::read(other), None, "{other}");
        }
        assert!(EdgeRedirect::read("https://l.example/t/oauth2/authorize?state=AppProxyState:not-json").is_some());
    }
}
