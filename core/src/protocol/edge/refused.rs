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
}

/// The application id of Microsoft Graph, for which a scope without a resource is taken.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

impl ProxyRefused {
    /// For a token that was presented.
    pub fn new(edge: EdgeRedirect, token: &Secret) -> Self {
        let claims = IdClaims::from_jwt(token.expose());
        Self { edge, audience: claims.and_then(|claims| claims.text("aud").map(String::from)) }
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
        match self.audience.as_deref() {
            Some(audience) if alloc::format!("{audience}/") == external => {
                alloc::format!("the audience lacks the slash at its end: ask for the scope {scope}, with both slashes")
            }
            Some(GRAPH) => {
                alloc::format!("the scope names no app, so that the token is for Microsoft Graph: ask for {scope}")
            }
            Some(audience) if audience == external || Some(audience) == app_id.as_deref() => String::from(
                "the audience is right: check that the tenant is the app's, that the scope is granted, and the clock",
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
    use super::*;

    #[test]
    fn a_redirect_cannot_speak_to_the_terminal() {
        let hostile =
            "https://login.example/t/oauth2/authorize?state=AppProxyState:{}&client_id=%1b[31m&redirect_uri=%1b]0;x%07";
        let refused = ProxyRefused::new(EdgeRedirect::read(hostile).unwrap(), &Secret::new("opaque"));
        let text = alloc::format!("{refused} {}", refused.remedy());
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
