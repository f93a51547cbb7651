//! What the benches share: a cache in MSAL's shape, the peers that are installed, and a row of the table.
#![allow(dead_code, reason = "each bench uses its part")]
#![allow(clippy::print_stdout, reason = "the table is what this is for")]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Map, json};

pub(crate) const CLIENT: &str = "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03";
pub(crate) const TENANT: &str = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
const USER: &str = "0f6d2c1b-1111-4222-8333-444455556666";
const ENVIRONMENT: &str = "login.microsoftonline.com";

/// Bytes of an access token, and of a refresh token for each, where there is one.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) access: usize,
    pub(crate) refresh: Option<usize>,
}

/// As Entra's tokens are.
pub(crate) const FULL: Sizes = Sizes { access: 1500, refresh: Some(1200) };
/// Just enough to tell tokens apart.
pub(crate) const SHORT: Sizes = Sizes { access: 16, refresh: None };

/// The scope of the access token with that number.
pub(crate) fn scope(number: usize) -> String {
    match number {
        0 => String::from("https://hr-contoso.msappproxy.net//user_impersonation"),
        _ => format!("api://{number}/read"),
    }
}

/// One account with that many access tokens, as msal for Python writes it: a refresh token for each target.
pub(crate) fn cache_of(count: usize, sizes: Sizes) -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (cached, expires) = (now.to_string(), (now + 24 * 3600).to_string());
    let home = format!("{USER}.{TENANT}");
    let (mut access, mut refresh) = (Map::new(), Map::new());
    for number in 0..count {
        let target = scope(number);
        let token = secret("access-token", number, sizes.access);
        access.insert(
            format!("{home}-{ENVIRONMENT}-accesstoken-{CLIENT}-{TENANT}-{target}"),
            json!({
                "credential_type": "AccessToken", "home_account_id": home, "environment": ENVIRONMENT,
                "client_id": CLIENT, "realm": TENANT, "target": target, "token_type": "Bearer", "secret": token,
                "cached_at": cached, "expires_on": expires, "extended_expires_on": expires,
            }),
        );
        if let Some(size) = sizes.refresh {
            let token = secret("refresh-token", number, size);
            refresh.insert(
                format!("{home}-{ENVIRONMENT}-refreshtoken-{CLIENT}--{target}"),
                json!({
                    "credential_type": "RefreshToken", "home_account_id": home, "environment": ENVIRONMENT,
                    "client_id": CLIENT, "target": target, "secret": token, "last_modification_time": cached,
                }),
            );
        }
    }
    let id_token = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiIzYzFmMGE1Mi04ZDM0LTRiMGUtOWE1Ny01YjFlNmYyZDdjMDEiLCJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhZGFAY29udG9zby5leGFtcGxlIn0.";
    let cache = json!({
        "AccessToken": access,
        "RefreshToken": refresh,
        "IdToken": { format!("{home}-{ENVIRONMENT}-idtoken-{CLIENT}-{TENANT}-"): {
            "credential_type": "IdToken", "home_account_id": home, "environment": ENVIRONMENT, "client_id": CLIENT,
            "realm": TENANT, "secret": id_token,
        }},
        "Account": { format!("{home}-{ENVIRONMENT}-{TENANT}"): {
            "home_account_id": home, "environment": ENVIRONMENT, "realm": TENANT, "local_account_id": USER,
            "username": "ada@contoso.example", "authority_type": "MSSTS",
        }},
        "AppMetadata": { format!("appmetadata-{ENVIRONMENT}-{CLIENT}"): {
            "client_id": CLIENT, "environment": ENVIRONMENT,
        }},
    });
    cache.to_string().into_bytes()
}

fn secret(kind: &str, number: usize, size: usize) -> String {
    let width = size.saturating_sub(kind.len() + 1);
    format!("{kind}-{number:0>width$}")
}

/// msal for Python, where `tests/interop/prepare` has installed it: the interpreter, and a script of these benches.
pub(crate) fn python(script: &str) -> Option<(PathBuf, PathBuf)> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| here("../target"), PathBuf::from);
    let python = target.join("interop/venv/bin/python");
    python.exists().then(|| (python, here("benches").join(script)))
}

/// @azure/msal-node likewise: a script of these benches, and the module to give it.
pub(crate) fn node(script: &str) -> Option<(PathBuf, PathBuf)> {
    let modules = here("../tests/interop/node_modules/@azure/msal-node");
    modules.exists().then(|| (here("benches").join(script), modules))
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A row of the Markdown table whose head `tests/bench` prints.
pub(crate) fn row(what: &str, who: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| readable(times[(times.len() - 1) * share / 100]);
    println!("| {what} | {who} | {} | {} | {} |", at(0), at(50), at(95));
}

/// Three digits and the unit that fits.
fn readable(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        0.0..1e-6 => (seconds * 1e9, "ns"),
        1e-6..1e-3 => (seconds * 1e6, "µs"),
        1e-3..1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}
