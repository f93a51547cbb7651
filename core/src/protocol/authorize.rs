//! The authorization request and its redirect (RFC 6749 4.1.1 and 4.1.2, RFC 7636, OpenID Connect Core 3.1.2).

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};

use url::Url;

use super::telemetry::{self, Anchor};
use super::{Form, ResponseMode, pkce, with_reserved};
use crate::{App, Authority, Endpoints, Error, Secret, ServerError, SignIn, TokenRequest};

/// What makes one sign-in unforgeable, cut from unpredictable bytes.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationSecrets {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: Secret,
}

impl AuthorizationSecrets {
    /// How many unpredictable bytes are needed.
    pub(crate) const BYTES: usize = 64;

    /// `None` where there are too few bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (verifier, rest) = bytes.get(..Self::BYTES)?.split_at(32);
        let (state, nonce) = rest.split_at(16);
        Some(Self {
            state: pkce::url_safe(state),
            nonce: pkce::url_safe(nonce),
            verifier: Secret::new(pkce::url_safe(verifier)),
        })
    }
}

/// All that goes into the URL of the sign-in page.
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) app: &'a App,
    pub(crate) endpoints: &'a Endpoints,
    pub(crate) request: &'a TokenRequest,
    pub(crate) sign_in: &'a SignIn,
    pub(crate) claims: Option<&'a str>,
    pub(crate) secrets: &'a AuthorizationSecrets,
    pub(crate) redirect_uri: &'a str,
    pub(crate) response_mode: ResponseMode,
}

impl AuthorizationRequest<'_> {
    /// The URL for the browser.
    pub(crate) fn url(&self) -> Result<String, Error> {
        let is_entra = self.app.authority().tenant_name().is_some();
        let correlation_id = self.request.correlation_id.as_deref().filter(|_| is_entra);
        let anchor = Anchor::LoginHint(self.sign_in.login_hint.as_deref()).value(self.app.authority());
        let query = Form::new()
            .with("client_id", self.app.client_id())
            .with("response_type", "code")
            .with("redirect_uri", self.redirect_uri)
            .with("response_mode", self.response_mode.as_str())
            .with("scope", &with_reserved(self.request.scopes()))
            .with("state", &self.secrets.state)
            .with("nonce", &self.secrets.nonce)
            .with("code_challenge", &pkce::challenge(self.secrets.verifier.expose()))
            .with("code_challenge_method", "S256")
            .with_some("prompt", self.prompt())
            .with_some("login_hint", self.sign_in.login_hint.as_deref())
            .with_some("domain_hint", self.sign_in.domain_hint.as_deref())
            .with_some("claims", self.claims)
            .with_some("client_info", self.app.authority().has_client_info().then_some("1"))
            .with_some("client-request-id", correlation_id)
            .with_some("x-client-SKU", is_entra.then_some(telemetry::SKU))
            .with_some("x-client-Ver", is_entra.then_some(telemetry::VERSION))
            .with_some("X-AnchorMailbox", anchor.as_deref())
            .finish();
        let mut url = Url::parse(&self.endpoints.authorize)
            .map_err(|_| Error::protocol("the authority's authorization endpoint is not a URL"))?;
        let query = match url.query() {
            Some(own) if !own.is_empty() => alloc::format!("{own}&{query}"),
            _ => query,
        };
        url.set_query(Some(&query));
        Ok(url.into())
    }

    /// A generic provider gives `offline_access` only with consent asked for (OpenID Connect Core 11).
    fn prompt(&self) -> Option<&'static str> {
        match self.sign_in.prompt {
            Some(prompt) => Some(prompt.as_str()),
            None => self.app.authority().issuer().map(|_| "consent"),
        }
    }
}

/// Reads the parameters of the redirect: the code, or why there is none.
///
/// `state` must be the one that was sent, and each parameter may stand only once, so that nothing
/// slips in beside the answer. `iss` must be there where it was announced, and where it is there it must be the
/// authority that was asked (RFC 9207).
pub(crate) fn read_redirect(
    parameters: &Secret,
    state: &str,
    authority: &Authority,
    endpoints: &Endpoints,
) -> Result<Secret, Error> {
    let find = |name: &str| -> Result<Option<Cow<'_, str>>, Error> {
        let mut values = url::form_urlencoded::parse(parameters.expose().as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value);
        let first = values.next();
        match values.next() {
            Some(_) => Err(Error::protocol(alloc::format!("the redirect of the sign-in carries {name} twice"))),
            None => Ok(first),
        }
    };
    if find("state")?.as_deref() != Some(state) {
        return Err(Error::protocol("the redirect belongs to another sign-in (its state differs): sign in again"));
    }
    match find("iss")? {
        Some(named) if !authority.can_be(&named, None) => {
            return Err(Error::protocol("the redirect comes from another issuer than the one that was asked"));
        }
        None if endpoints.names_issuer => {
            return Err(Error::protocol(
                "the redirect does not name its issuer, though the authority announced that it would",
            ));
        }
        _ => {}
    }
    let owned = |value: Option<Cow<'_, str>>| value.filter(|text| !text.is_empty()).map(|text| text.to_string());
    if let Some(error) = owned(find("error")?) {
        return Err(Error::Server(Box::new(ServerError {
            error,
            suberror: owned(find("suberror")?).or(owned(find("error_subcode")?)),
            description: owned(find("error_description")?),
            claims: owned(find("claims")?),
            ..ServerError::default()
        })));
    }
    match owned(find("code")?) {
        Some(code) => Ok(Secret::new(code)),
        None => Err(Error::protocol("the redirect of the sign-in carries neither a code nor an error")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(names_issuer: bool) -> Endpoints {
        Endpoints {
            authorize: String::new(),
            token: String::new(),
            device_code: None,
            form_post: true,
            issuer: None,
            names_issuer,
        }
    }

    fn entra() -> Authority {
        Authority::entra("https://login.microsoftonline.com/common").unwrap()
    }

    fn read(parameters: &str, authority: &Authority) -> Result<Secret, Error> {
        read_redirect(&Secret::new(parameters), "st", authority, &endpoints(false))
    }

    #[test]
    fn a_redirect_is_taken_only_whole_and_only_ours() {
        let entra = entra();
        assert_eq!(read("code=0.AX%2Fy&state=st&session_state=x", &entra).unwrap().expose(), "0.AX/y");
        for bad in [
            "code=c",
            "code=c&state=other",
            "code=c&state=st&state=st",
            "code=c&code=d&state=st",
            "state=st",
            "code=&state=st",
            "",
        ] {
            assert!(matches!(read(bad, &entra), Err(Error::Protocol(_))), "{bad}");
        }
        let Err(Error::Server(refused)) = read("error=access_denied&error_subcode=cancel&state=st", &entra) else {
            panic!("an error is an error")
        };
        assert_eq!((refused.error.as_str(), refused.suberror.as_deref()), ("access_denied", Some("cancel")));
    }

    #[test]
    fn the_issuer_is_held_to_what_it_announced() {
        let generic = Authority::oidc("https://id.example").unwrap();
        let announced = |iss: &str| {
            let parameters = Secret::new(alloc::format!("code=c&state=st{iss}"));
            read_redirect(&parameters, "st", &generic, &endpoints(true))
        };
        assert!(announced("&iss=https%3A%2F%2Fid.example").is_ok());
        for bad in [
            "",
            "&iss=",
            "&iss=https%3A%2F%2Fid.example%2F",
            "&iss=https%3A%2F%2Fid.example&iss=https%3A%2F%2Fid.example",
        ] {
            assert!(announced(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_that_is_named_must_be_right_be_it_announced_or_not() {
        let generic = Authority::oidc("https://id.example").unwrap();
        for (authority, iss, is_right) in [
            (&generic, "https%3A%2F%2Fid.example", true),
            (&generic, "https%3A%2F%2Fevil.example", false),
            (&entra(), "https%3A%2F%2Flogin.microsoftonline.com%2Ft%2Fv2.0", true),
            (&entra(), "https%3A%2F%2Fevil.example%2Ft%2Fv2.0", false),
            (&entra(), "", false),
        ] {
            for answer in ["code=c", "error=access_denied"] {
                let read = read(&alloc::format!("{answer}&state=st&iss={iss}"), authority);
                let is_refused = matches!(read, Err(Error::Protocol(_)));
                assert_eq!(is_refused, !is_right, "{iss} {answer}");
            }
        }
    }
}
