//! `entrada token`.

use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrada::{TokenSource, UnixTime};
use serde_json::{Value, json};

use crate::answer;
use crate::args::{self, TokenOutput};
use crate::assemble::{self, Asking};
use crate::failure::{Failure, OTHER};
use crate::notice::Notice;
use crate::settings::{Settings, quoted};
use crate::target;

/// What the names of an ExecCredential's versions begin with.
const EXEC_CREDENTIAL: &str = "client.authentication.k8s.io/";

pub(crate) fn run(token: &args::Token, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let (client, target) = target::client(settings, Asking::Allowed, notice)?;
    let request = target
        .settle(&client, settings)?
        .request(settings)?
        .force_refresh(token.refresh)
        .min_lifetime(Duration::from_secs(token.min_ttl));
    let version = if token.output == TokenOutput::ExecCredential { exec_credential_version()? } else { String::new() };
    let result = client.token_for(&request).map_err(|error| assemble::failure(error, settings)).and_then(|found| {
        notice.token(&found);
        print(&found, token, &version)
    });
    assemble::finish(&client);
    result.map(|()| ExitCode::SUCCESS)
}

fn print(found: &entrada::Token, how: &args::Token, version: &str) -> Result<(), Failure> {
    if how.decode {
        answer::print_line(&decoded(found.secret.expose())?)
    } else {
        answer::print_line(&shown(found, how.output, version))
    }
}

fn shown(token: &entrada::Token, output: TokenOutput, version: &str) -> String {
    let secret = token.secret.expose();
    match output {
        TokenOutput::Token => secret.to_owned(),
        TokenOutput::Header => format!("Authorization: Bearer {secret}"),
        TokenOutput::Env => format!("export ENTRADA_TOKEN={}", quoted(secret)),
        TokenOutput::Curl => format!("oauth2-bearer = \"{secret}\""),
        TokenOutput::Json => json!({
            "access_token": secret,
            "token_type": "Bearer",
            "expires_on": token.expires_on.as_secs(),
            "scopes": token.scopes,
            "account": token.account.as_ref().map(|account| &account.username),
            "source": match token.source {
                TokenSource::Cache => "cache",
                TokenSource::Refresh => "refresh",
                _ => "sign_in",
            },
        })
        .to_string(),
        TokenOutput::ExecCredential => json!({
            "apiVersion": version,
            "kind": "ExecCredential",
            "status": { "token": secret, "expirationTimestamp": rfc3339(token.expires_on) },
        })
        .to_string(),
    }
}

/// The version of the ExecCredential that kubectl wants, as it says in `KUBERNETES_EXEC_INFO`; without that, the newest.
fn exec_credential_version() -> Result<String, Failure> {
    let Some(info) = std::env::var_os("KUBERNETES_EXEC_INFO").filter(|info| !info.is_empty()) else {
        return Ok(format!("{EXEC_CREDENTIAL}v1"));
    };
    let info: Option<Value> = info.to_str().and_then(|info| serde_json::from_str(info).ok());
    let wanted = info.as_ref().and_then(|info| info["apiVersion"].as_str()).unwrap_or_default();
    match wanted.strip_prefix(EXEC_CREDENTIAL) {
        Some("v1" | "v1beta1") => Ok(wanted.to_owned()),
        _ => Err(Failure::config(format!("KUBERNETES_EXEC_INFO wants {wanted:?}, which is no version that is known"))
            .with_remedy(format!(
                "write apiVersion: {EXEC_CREDENTIAL}v1 or {EXEC_CREDENTIAL}v1beta1 in the kubeconfig"
            ))),
    }
}

/// The claims of a JWT, for people to read; the signature is not checked and not shown.
fn decoded(token: &str) -> Result<String, Failure> {
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims: Option<Value> = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match claims.and_then(|claims| serde_json::to_string_pretty(&claims).ok()) {
        Some(text) => Ok(text),
        None => Err(Failure::new(
            OTHER,
            "opaque",
            "this token is opaque: only the app and the authority can read it".to_owned(),
        )),
    }
}

/// The time as Kubernetes reads it (RFC 3339), by the days-to-civil algorithm for the proleptic Gregorian calendar.
fn rfc3339(time: UnixTime) -> String {
    let (days, second) = (time.as_secs() / 86_400, time.as_secs() % 86_400);
    // Years begin in March here, so that the leap day comes last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_kubernetes_reads_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(UnixTime::from_secs(seconds)), text);
        }
    }
}
