//! What a request tells the authority about itself: under which id it is to be filed, which library made it, and
//! whose data it is about. Support finds it by that, and Entra routes it to where the user's data are.
//!
//! | header | value | to whom |
//! | --- | --- | --- |
//! | `client-request-id` | the correlation id, where the request has one | everybody |
//! | `return-client-request-id` | `true`, beside it | Microsoft |
//! | `x-client-SKU`, `x-client-Ver`, `x-client-OS` | `entrada`, its version, the system ([`App::client_os`]) | Microsoft |
//! | `x-ms-lib-capability` | `retry-after, h429`: whoever is told to wait leaves it alone, and all who share the cache | Microsoft |
//! | `X-AnchorMailbox` | `Oid:{uid}@{utid}` of a known account, `upn:{hint}` of a sign-in with a hint | Entra ID |
//!
//! The names are those of Microsoft's libraries. Nothing is counted or kept from run to run
//! (`x-client-last-telemetry`).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::{App, Authority};

pub(super) const SKU: &str = "entrada";
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The system that this was built for.
const OS: &str = if cfg!(target_os = "linux") {
    "linux"
} else if cfg!(target_os = "windows") {
    "windows"
} else if cfg!(target_os = "macos") {
    "macos"
} else if cfg!(target_os = "android") {
    "android"
} else if cfg!(target_os = "ios") {
    "ios"
} else if cfg!(any(target_os = "freebsd", target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly")) {
    "bsd"
} else {
    "other"
};

/// Whose data a request is about.
#[derive(Clone, Copy)]
pub(crate) enum Anchor<'a> {
    /// A known account, by its home account id.
    Account(&'a str),
    /// Whoever the sign-in was told to expect.
    LoginHint(Option<&'a str>),
    Unknown,
}

impl Anchor<'_> {
    /// The value of `X-AnchorMailbox`; `None` where it would be of no use, or where no header can carry it.
    pub(super) fn value(self, authority: &Authority) -> Option<String> {
        let value = match self {
            Self::Account(home_account_id) => {
                let (uid, utid) = home_account_id.rsplit_once('.')?;
                format!("Oid:{uid}@{utid}")
            }
            Self::LoginHint(hint) => format!("upn:{}", hint?),
            Self::Unknown => return None,
        };
        (authority.routes_by_user() && value.bytes().all(is_visible)).then_some(value)
    }
}

/// The headers of one request.
pub(super) fn headers(app: &App, correlation_id: Option<&str>, anchor: Anchor<'_>) -> Vec<(&'static str, String)> {
    let authority = app.authority();
    let id = correlation_id.map(|id| ("client-request-id", id.to_string()));
    if authority.issuer().is_some() {
        return id.into_iter().collect();
    }
    let echo = id.as_ref().map(|_| ("return-client-request-id", String::from("true")));
    let os = app.named_os().unwrap_or(OS);
    let capability = ("x-ms-lib-capability", "retry-after, h429");
    let client = [("x-client-sku", SKU), ("x-client-ver", VERSION), ("x-client-os", os), capability];
    let anchor = anchor.value(authority).map(|value| ("x-anchormailbox", value));
    let client = client.map(|(name, value)| (name, value.to_string()));
    id.into_iter().chain(echo).chain(client).chain(anchor).collect()
}

/// Whether a header can carry it wherever it stands.
fn is_visible(byte: u8) -> bool {
    (0x21..=0x7e).contains(&byte)
}
