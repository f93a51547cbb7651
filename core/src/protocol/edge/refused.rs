//! The proxy's refusal of a token that was presented.

use alloc::string::String;
use core::fmt;

use super::EdgeRedirect;
use crate::Secret;
use crate::protocol::id_token::IdClaims;
use crate::words::clean;

/// A refusal, with what can be told about the token that was presented.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxyRefused {
    /// The proxy's redirect.
    pub edge: EdgeRedirect,
    /// Whom the token is meant for (`aud`), where it can be read. Tokens are opaque to their bearers:
    /// this explains, and decides nothing.
    pub audience: Option<String>,
    /// Which client it was issued to (`appid`, `azp`), where it can be read.
    pub client_id: Option<String>,
    /// Of which tenant it is (`tid`), where it can be read.
    pub tenant: Option<String>,
}

/// The application id of Microsoft Graph, for which a scope without a resource is taken.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

impl ProxyRefused {
    /// For a token that was presented.
    pub fn new(edge: EdgeRedirect, token: &Secret) -> Self {
        let claims = IdClaims::from_jwt(token.expose()).unwrap_or_default();
        let text = |name: &str| claims.text(name).map(String::from);
        let (audience, client_id, tenant) = (text("aud"), text("appid").or_else(|| text("azp")), text("tid"));
        Self { edge, audience, client_id, tenant }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        // What the redirect says comes from the other side.
        let external = clean(self.edge.external_url.as_deref().unwrap_or_default());
        let app_id = self.edge.app_id.as_deref().map(clean);
        let scope = match (&app_id, external.is_empty()) {
            (_, false) => alloc::format!("{external}/user_impersonation"),
            (Some(id), true) => alloc::format!("{id}/.default"),
            (None, true) => String::from("the app's own scope"),
        };
        let is_the_app = |id: &String| self.edge.app_id.as_ref().is_some_and(|app| app.eq_ignore_ascii_case(id));
        if self.client_id.as_ref().is_some_and(is_the_app) {
            return String::from(
                "the client is the published app's own registration: register a native client beside it, grant that the app's \
                 permission, and use its id",
            );
        }
        if self.tenant.as_ref().is_some_and(|tenant| !tenant.eq_ignore_ascii_case(&self.edge.tenant)) {
            return alloc::format!(
                "the token is of another tenant than the app: name the app's, {}, and an account that is known there",
                clean(&self.edge.tenant)
            );
        }
        match self.audience.as_deref() {
            Some(audience) if alloc::format!("{audience}/") == external => {
                alloc::format!("the audience lacks the slash at its end: ask for the scope {scope}, with both slashes")
            }
            Some(GRAPH) => {
                alloc::format!("the scope names no app, so that the token is for Microsoft Graph: ask for {scope}")
            }
            Some(audience) if audience == external || Some(audience) == app_id.as_deref() => String::from(
                "audience and tenant are right: check the clock, and that nobody has edited the published app's own \
                 registration (its public client switch, permissions and credentials are the proxy's)",
            ),
            _ => match &app_id {
                Some(id) => alloc::format!("ask for the scope {scope}, or for {id}/.default"),
                None => alloc::format!("ask for the scope {scope}"),
            },
        }
    }
}

impl fmt::Display for ProxyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the application proxy refused the token that was sent and asks for a sign-in")?;
        if let Some(audience) = &self.audience {
            write!(f, "; the token is meant for {audience:?}")?;
        }
        if let Some(external) = &self.edge.external_url {
            write!(f, ", the app is {external:?}")?;
        }
        write!(f, ": {}", self.remedy())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_token_tells_what_is_wrong_with_it() {
        let edge =
            "https://login.example/t1/oauth2/authorize?state=AppProxyState:{}&client_id=app&redirect_uri=https://h/";
        let remedy = |claims: Value| {
            let token = Secret::new(alloc::format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims.to_string())));
            ProxyRefused::new(EdgeRedirect::read(edge).unwrap(), &token).remedy()
        };
        for (claims, words) in [
            (json!({"aud": "https://h/", "appid": "APP", "tid": "t1"}), "register a native client"),
            (json!({"aud": "https://h/", "azp": "c", "tid": "t2"}), "name the app's, t1"),
            (json!({"aud": "https://h", "appid": "c", "tid": "t1"}), "with both slashes"),
            (json!({"aud": GRAPH}), "is for Microsoft Graph"),
            (json!({"aud": "app", "appid": "c", "tid": "T1"}), "nobody has edited"),
            (json!({"aud": "other"}), "or for app/.default"),
        ] {
            let remedy = remedy(claims);
            assert!(remedy.contains(words), "{remedy}");
        }
    }

    #[test]
    fn a_redirect_cannot_speak_to_the_terminal() {
        let hostile =
            "https://login.example/t/oauth2/authorize?state=AppProxyState:{}&client_id=%1b[31m&redirect_uri=%1b]0;x%07";
        let refused = ProxyRefused::new(EdgeRedirect::read(hostile).unwrap(), &Secret::new("opaque"));
        let text = alloc::format!("{refused} {}", refused.remedy());
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
