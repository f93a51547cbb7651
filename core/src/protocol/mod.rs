//! What goes over the wire: requests built and answers read, all as plain data.

mod answer;
mod authorize;
mod call;
mod challenge;
mod claims;
mod device_code;
mod discovery;
mod edge;
mod exchange;
mod http;
mod http_date;
mod id_token;
mod pkce;
mod reply_url;
mod telemetry;
mod token;

pub mod aadsts;

pub use self::http::{HttpAnswer, HttpQuery, Method, ResponseMode};
pub use crate::authority::is_guid;
pub use call::{AppCall, Verdict};
pub use challenge::{AuthenticationInfo, Challenge, challenges, claims_challenge};
pub use edge::{
    DiscoveryError, DiscoveryTrouble, EdgeAnswer, EdgeHeaders, EdgeRedirect, GatewayPage, GatewayTrouble, ProxyRefused,
    PublishedApp, Settling,
};
pub use exchange::{Exchange, Next};
pub use http_date::http_date;
pub use reply_url::ReplyUrl;

pub(crate) use authorize::{AuthorizationRequest, AuthorizationSecrets, read_redirect};
pub(crate) use claims::merged_claims;
pub(crate) use device_code::{DeviceCode, device_code_query, poll_query, read_device_code};
pub(crate) use discovery::{discovery_query, read_discovery};
pub(crate) use token::{Grant, TokenAnswer, read_token, token_query};

use alloc::string::String;
use core::time::Duration;

use zeroize::Zeroizing;

/// How long an exchange with the authority may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read from an authority, as MSAL.NET has it.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;
/// The scopes that ask for who the user is and for a refresh token; they ride along with every request.
pub(crate) const RESERVED_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];

/// A form, encoded as it is filled. What it holds, and what it leaves behind when it grows, is wiped.
pub(crate) struct Form(Zeroizing<String>);

impl Form {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::default())
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        // Three bytes for each at most, and two for what stands between them.
        let length = self.0.len() + 3 * (name.len() + value.len()) + 2;
        if length > self.0.capacity() {
            let mut larger = Zeroizing::new(String::with_capacity(2 * length));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        url::form_urlencoded::Serializer::for_suffix(&mut *self.0, 0).append_pair(name, value);
        self
    }

    pub(crate) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn finish(mut self) -> String {
        core::mem::take(&mut *self.0)
    }
}

/// The scopes of a request with the reserved ones, each once.
pub(crate) fn with_reserved(scopes: &[String]) -> String {
    let mut all: alloc::vec::Vec<&str> = scopes.iter().map(String::as_str).collect();
    for reserved in RESERVED_SCOPES {
        if !all.contains(&reserved) {
            all.push(reserved);
        }
    }
    all.join(" ")
}
