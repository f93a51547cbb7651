//! A scripted world to run flows in, and what its people, caches and answers look like.

mod cached;
mod grant;
pub(crate) mod ports;
mod rng;
mod watch;
mod world;

pub(crate) use cached::{Cached, signed_in};
pub(crate) use grant::{ADA, BOB, Grant, Reply, User, error, html, json, status};
pub(crate) use rng::Rng;
pub(crate) use world::{Back, Call, Turn, World};

use entrada_core::{
    App, Authority, Cloud, Error, Fault, Outcome, SignIn, Token, TokenRequest, UiReason, UiRequired, UnixTime,
};

/// The time at which every story begins.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const CLIENT: &str = "8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4";
pub(crate) const OTHER_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const HOST: &str = "login.microsoftonline.com";
pub(crate) const SCOPE: &str = "https://hr-contoso.msappproxy.net/user_impersonation";
pub(crate) const ISSUER: &str = "https://id.example";

/// Every fault there is.
pub(crate) const FAULTS: [Fault; 9] = [
    Fault::Unreachable,
    Fault::Untrusted,
    Fault::TimedOut,
    Fault::Denied,
    Fault::NotFound,
    Fault::Corrupt,
    Fault::TooLarge,
    Fault::Cancelled,
    Fault::Other,
];

/// The client in its tenant.
pub(crate) fn entra() -> App {
    entra_in(TENANT)
}

/// The client in a tenant by this name.
pub(crate) fn entra_in(tenant: &str) -> App {
    App::new(CLIENT, Authority::tenant(Cloud::Public, tenant).unwrap()).unwrap()
}

/// The client at an authority whose endpoints must be discovered.
pub(crate) fn oidc() -> App {
    App::new(CLIENT, Authority::oidc(ISSUER).unwrap()).unwrap()
}

/// What [`oidc`]'s discovery document says.
pub(crate) fn discovery() -> serde_json::Value {
    serde_json::json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example/authorize",
        "token_endpoint": "https://id.example/token",
        "device_authorization_endpoint": "https://id.example/devicecode",
    })
}

/// A request for the one scope.
pub(crate) fn request() -> TokenRequest {
    TokenRequest::new([SCOPE]).unwrap()
}

/// A sign-in as the authority likes it.
pub(crate) fn sign_in() -> SignIn {
    SignIn::new()
}

/// The token that a story ends with.
#[track_caller]
pub(crate) fn token(ending: Result<Outcome, Error>) -> Token {
    match ending {
        Ok(Outcome::Token(token)) => *token,
        other => panic!("no token: {other:?}"),
    }
}

/// Why a story ends with a call for the user.
#[track_caller]
pub(crate) fn refused(ending: Result<Outcome, Error>) -> UiRequired {
    match ending {
        Err(Error::UiRequired(required)) => *required,
        other => panic!("no call for the user: {other:?}"),
    }
}

/// The same, in one word.
#[track_caller]
pub(crate) fn reason(ending: Result<Outcome, Error>) -> UiReason {
    refused(ending).reason
}
