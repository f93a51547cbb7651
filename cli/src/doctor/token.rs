//! The token: where it comes from, and what is written in it.
//!
//! Tokens are opaque to those who bear them: what is read here explains, and decides nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrada::protocol::PublishedApp;
use entrada::words::{clean, span};
use entrada::{Error, Token, TokenSource, UiReason, UnixTime};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::check::{Check, ERROR_CODES};
use super::registration::GRAPH;
use crate::failure::{CONFIGURATION, Failure, NETWORK, PROXY_REFUSED, SIGN_IN_TIMED_OUT};

/// Tokens live for 60 to 90 minutes; those of continuous access evaluation for 20 to 28 hours (refresh-tokens).
const LONG: u64 = 3 * 3600;
/// As long as the authority's and the proxy's clocks may differ.
const SKEW: u64 = 300;

/// What a token is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The published app, where its URL told.
    pub(super) app: Option<&'a PublishedApp>,
    /// The app's tenant, by its id.
    pub(super) tenant: Option<&'a str>,
    pub(super) client_id: &'a str,
    pub(super) now: UnixTime,
    /// Whether the proxy has refused it; `None` where it was not asked.
    pub(super) was_refused: Option<bool>,
}

/// The names of the checks that need a token that can be read.
pub(super) const OF_CLAIMS: [&str; 6] = ["audience", "permission", "token-tenant", "token-client", "token-age", "user"];

/// The claims of a token; `None` where it is opaque.
pub(super) fn claims(token: &Token) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.secret.expose().split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok().filter(Value::is_object)
}

/// That there is a token, told without it: by the beginning of its SHA-256, and by the authority's own number for it.
pub(super) fn found(token: &Token, claims: Option<&Value>, now: UnixTime) -> Check {
    const NAME: &str = "token";
    let digest = Sha256::digest(token.secret.expose().as_bytes());
    let fingerprint: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let source = match token.source {
        TokenSource::Cache => "from the cache",
        TokenSource::Refresh => "refreshed just now",
        _ => "from a sign-in just now",
    };
    let uti = claims.and_then(|claims| text(claims, "uti")).map(|uti| format!(", uti {uti}")).unwrap_or_default();
    let whose = token.account.as_ref().map(|account| format!(" of {}", account.name_to_choose_by()));
    let finding = format!(
        "a token{} {source}, good for {} (SHA-256 {fingerprint}{uti})",
        whose.unwrap_or_default(),
        span(token.expires_on.since(now))
    );
    match token.warnings.first() {
        Some(warning) => Check::warn(NAME, format!("{finding}; {warning}"), "see to the token store: entrada accounts"),
        None => Check::ok(NAME, finding),
    }
}

/// Why there is none.
pub(super) fn missing(error: Error, login: &str) -> Check {
    const NAME: &str = "token";
    let (is_signed_out, is_ui) = match &error {
        Error::UiRequired(required) => {
            let nobody = matches!(required.reason, UiReason::NoAccount | UiReason::NoRefreshToken);
            (nobody && required.server.is_none(), true)
        }
        _ => (false, false),
    };
    let failure = Failure::from(error);
    if is_signed_out {
        let remedy = format!("run: {login}; or let doctor do it: --sign-in");
        return Check::warn(NAME, &failure.message, remedy).documented("docs/doctor.md#token");
    }
    if failure.code == SIGN_IN_TIMED_OUT {
        let remedy = "if the browser shows an error page, let its number be explained: entrada doctor --code AADSTS...";
        return Check::fail(NAME, failure.code, &failure.message, remedy).documented(ERROR_CODES);
    }
    let remedy = match (&failure.correlation_id, failure.code) {
        _ if is_ui => format!("run: {login}"),
        (_, NETWORK) => "check the network, the VPN, and the proxy in HTTPS_PROXY and NO_PROXY".to_owned(),
        (_, CONFIGURATION) if failure.kind == "ambiguous_account" => "name one of them: --account NAME".to_owned(),
        (Some(id), _) => format!("an administrator finds it in the sign-in logs by the correlation id {id}"),
        (None, _) => "run it with -v, which tells what is asked of whom".to_owned(),
    };
    Check::failure(NAME, &failure, &remedy)
}

/// What is written in it, check by check.
pub(super) fn checks(claims: &Value, expected: &Expected<'_>) -> [Check; 6] {
    [
        audience(claims, expected),
        permission(claims, expected),
        tenant(claims, expected),
        client(claims, expected),
        age(claims, expected),
        user(claims),
    ]
}

/// Where the proxy has taken it, what looks wrong is odd; else it is why the proxy refuses it.
fn wrong(name: &'static str, expected: &Expected<'_>, finding: String, remedy: impl AsRef<str>) -> Check {
    match expected.was_refused {
        Some(false) => Check::warn(name, finding + ", and the proxy took it", remedy),
        _ => Check::fail(name, PROXY_REFUSED, finding, remedy),
    }
}

fn audience(claims: &Value, expected: &Expected<'_>) -> Check {
    const NAME: &str = "audience";
    let Some(aud) = text(claims, "aud") else { return Check::skipped(NAME, "the token does not say whom it is for") };
    let Some(app) = expected.app else {
        return Check::skipped(NAME, format!("it is for {aud}; the app's URL did not tell its id"));
    };
    let (id, external) = (app.app_id(), app.external_url());
    let ask = format!("ask for the scope {external}/user_impersonation, with both slashes, or for {id}/.default");
    if aud.eq_ignore_ascii_case(id) || aud == external {
        return Check::ok(NAME, format!("the token is for {aud}, the app"));
    }
    if aud.eq_ignore_ascii_case(GRAPH) || aud.trim_end_matches('/') == "https://graph.microsoft.com" {
        let finding = "the token is for Microsoft Graph: the scope names no app".to_owned();
        return wrong(NAME, expected, finding, ask);
    }
    if Some(aud.as_str()) == external.strip_suffix('/') {
        let finding = format!("the token is for {aud}, without the slash at the end, and the app is {external}");
        return wrong(NAME, expected, finding, ask);
    }
    if aud.strip_prefix("api://").is_some_and(|rest| rest.eq_ignore_ascii_case(id)) {
        return match expected.was_refused {
            Some(true) => wrong(NAME, expected, format!("the token is for {aud}, which this proxy does not take"), ask),
            _ => Check::ok(NAME, format!("the token is for {aud}, the app by its id")),
        };
    }
    wrong(NAME, expected, format!("the token is for {aud}, and the app is {id} at {external}"), ask)
}

fn permission(claims: &Value, expected: &Expected<'_>) -> Check {
    const NAME: &str = "permission";
    let Some(scp) = text(claims, "scp") else {
        let finding = "the token has no permission of a user's (scp): it is an app's own, without a user".to_owned();
        return wrong(NAME, expected, finding, "sign a user in: application proxy works for users alone");
    };
    match scp.split(' ').any(|scope| scope == "user_impersonation") {
        true => Check::ok(NAME, "the token has the permission user_impersonation"),
        false => wrong(
            NAME,
            expected,
            format!("the token has the permissions {scp}, without user_impersonation"),
            "ask for the app's user_impersonation; its owner adds the permission to the native registration",
        ),
    }
}

fn tenant(claims: &Value, expected: &Expected<'_>) -> Check {
    const NAME: &str = "token-tenant";
    let Some(tid) = text(claims, "tid") else { return Check::skipped(NAME, "the token names no tenant") };
    let guest = match (text(claims, "idp"), text(claims, "iss")) {
        (Some(idp), Some(iss)) if idp != iss => "; its user is a guest there",
        _ => "",
    };
    match expected.tenant {
        None => Check::skipped(NAME, format!("it is of the tenant {tid}; the app's is not known")),
        Some(own) if own.eq_ignore_ascii_case(&tid) => {
            Check::ok(NAME, format!("the token is of the app's tenant{guest}"))
        }
        Some(own) => wrong(
            NAME,
            expected,
            format!("the token is of the tenant {tid}, and the app's is {own}"),
            format!("name the app's tenant (--tenant {own}) and sign in there, as a guest if need be"),
        ),
    }
}

fn client(claims: &Value, expected: &Expected<'_>) -> Check {
    const NAME: &str = "token-client";
    let Some(client) = text(claims, "appid").or_else(|| text(claims, "azp")) else {
        return Check::skipped(NAME, "the token does not say which client asked for it");
    };
    let proof = text(claims, "appidacr").or_else(|| text(claims, "azpacr")).filter(|proof| proof != "0");
    if expected.app.is_some_and(|app| app.app_id().eq_ignore_ascii_case(&client)) {
        let finding =
            "the published app itself asked for the token: it is registered as a client of its own".to_owned();
        return wrong(NAME, expected, finding, "register a native client of its own, and use its id");
    }
    if !client.eq_ignore_ascii_case(expected.client_id) {
        let finding = format!("the client {client} asked for the token, and {} is configured", expected.client_id);
        return Check::warn(NAME, finding, "sign in again with this client: entrada login");
    }
    match proof {
        Some(_) => Check::warn(
            NAME,
            "the token was asked for with a secret or a certificate: this client is a confidential one",
            "register a native client, under \"Mobile and desktop applications\"",
        ),
        None => Check::ok(NAME, "this client asked for the token"),
    }
}

fn age(claims: &Value, expected: &Expected<'_>) -> Check {
    const NAME: &str = "token-age";
    let at = |name: &str| claims.get(name).and_then(Value::as_u64);
    let Some(ends) = at("exp") else { return Check::skipped(NAME, "the token does not say when it ends") };
    let begins = at("nbf").or_else(|| at("iat")).unwrap_or_default();
    let (now, ends_at) = (expected.now, UnixTime::from_secs(ends));
    let begins_at = UnixTime::from_secs(begins);
    if begins > now.as_secs() + SKEW {
        let finding = format!("the token is good from {} on only, by the clock here", span(begins_at.since(now)));
        return Check::fail(NAME, CONFIGURATION, finding, "set this computer's clock by the network (NTP)");
    }
    if ends <= now.as_secs() {
        let finding = format!("the token ended {} ago, by the clock here", span(now.since(ends_at)));
        return Check::fail(
            NAME,
            PROXY_REFUSED,
            finding,
            "refresh it: entrada token --refresh; if it seems new, set the clock",
        );
    }
    let age = format!("{} old and good for {}", span(now.since(begins_at)), span(ends_at.since(now)));
    match begins > 0 && ends.saturating_sub(begins) > LONG {
        true => Check::ok(NAME, format!("{age}: it lives long, and is withdrawn by events (CAE)")),
        false => Check::ok(NAME, age),
    }
}

fn user(claims: &Value) -> Check {
    const NAME: &str = "user";
    let name = ["upn", "preferred_username", "unique_name"].iter().find_map(|claim| text(claims, claim));
    match name {
        None => Check::skipped(NAME, "the token does not name its user"),
        Some(name) if name.to_ascii_uppercase().contains("#EXT#") => Check::warn(
            NAME,
            format!("{name} is a guest: apps with integrated Windows authentication do not know guests"),
            "the administrator sets up on-premises access for guests, or the user has an account of the tenant",
        )
        .documented("https://learn.microsoft.com/entra/external-id/hybrid-cloud-to-on-premises"),
        Some(name) => Check::ok(NAME, format!("the token is {name}'s")),
    }
}

fn text(claims: &Value, name: &str) -> Option<String> {
    claims.get(name)?.as_str().map(clean).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use entrada::protocol::{AppCall, EdgeRedirect};
    use serde_json::json;

    use super::super::check::Status;
    use super::*;

    const APP: &str = "e9b3f5a7-4c18-4d72-86f0-1a3c5e7b9d05";
    const TENANT: &str = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
    const NOW: u64 = 1_700_000_000;

    fn good() -> Value {
        json!({
            "aud": "https://hr.example/", "scp": "user_impersonation", "tid": TENANT, "appid": "client", "appidacr": "0",
            "iat": NOW - 600, "nbf": NOW - 600, "exp": NOW + 3000, "upn": "ada@contoso.example", "uti": "u",
        })
    }

    fn checked(change: Value, was_refused: Option<bool>) -> [Check; 6] {
        let mut claims = good();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let asked = AppCall::new("https://hr.example/x").unwrap();
        let location = format!(
            "https://login.microsoftonline.com/{TENANT}/oauth2/authorize?client_id={APP}\
             &redirect_uri=https://hr.example/&state=AppProxyState:{{}}"
        );
        let app = PublishedApp::of_redirect(&asked, &EdgeRedirect::read(&location).unwrap(), None).unwrap();
        checks(
            &claims,
            &Expected {
                app: Some(&app),
                tenant: Some(TENANT),
                client_id: "CLIENT",
                now: UnixTime::from_secs(NOW),
                was_refused,
            },
        )
    }

    #[test]
    fn a_good_token_has_nothing_to_be_said() {
        for check in checked(json!({}), Some(false)) {
            assert_eq!(check.status, Status::Ok, "{}: {}", check.name, check.finding);
        }
    }

    #[test]
    fn each_claim_that_is_wrong_is_named() {
        let guest = json!({"upn": "eve_x#EXT#@contoso.example"});
        for (change, name, status, code, words) in [
            (json!({"aud": "https://hr.example"}), "audience", Status::Fail, 14, "without the slash"),
            (json!({"aud": GRAPH}), "audience", Status::Fail, 14, "Microsoft Graph"),
            (json!({"aud": "https://graph.microsoft.com"}), "audience", Status::Fail, 14, "Microsoft Graph"),
            (json!({"aud": format!("api://{APP}")}), "audience", Status::Fail, 14, "does not take"),
            (json!({"aud": "api://other"}), "audience", Status::Fail, 14, "api://other"),
            (json!({"scp": "Mail.Read"}), "permission", Status::Fail, 14, "without user_impersonation"),
            (json!({"scp": null, "idtyp": "app"}), "permission", Status::Fail, 14, "without a user"),
            (json!({"tid": "other"}), "token-tenant", Status::Fail, 14, "other"),
            (json!({"appid": APP}), "token-client", Status::Fail, 14, "published app itself"),
            (json!({"appid": null, "azp": "stranger"}), "token-client", Status::Warn, 0, "stranger"),
            (json!({"appidacr": "1"}), "token-client", Status::Warn, 0, "confidential"),
            (json!({"exp": NOW - 60}), "token-age", Status::Fail, 14, "ended 60 seconds ago"),
            (json!({"nbf": NOW + 900}), "token-age", Status::Fail, 15, "from 15 minutes on"),
            (json!({"exp": NOW + 86_400}), "token-age", Status::Ok, 0, "CAE"),
            (guest, "user", Status::Warn, 0, "guest"),
        ] {
            let checks = checked(change.clone(), Some(true));
            let found = checks.iter().find(|check| check.name == name).unwrap();
            assert_eq!((found.status, found.code), (status, code), "{change}: {}", found.finding);
            assert!(found.finding.contains(words), "{}", found.finding);
            for other in checks.iter().filter(|check| check.name != name) {
                assert_eq!(other.status, Status::Ok, "{change}: {}", other.finding);
            }
        }
    }

    #[test]
    fn what_the_proxy_takes_is_no_failure() {
        let [audience, ..] = checked(json!({"aud": "https://hr.example"}), Some(false));
        assert_eq!(audience.status, Status::Warn);
        assert!(audience.finding.contains("the proxy took it"), "{}", audience.finding);
        let [audience, ..] = checked(json!({"aud": format!("api://{APP}")}), Some(false));
        assert_eq!(audience.status, Status::Ok);
    }

    #[test]
    fn a_token_speaks_to_no_terminal() {
        for check in checked(json!({"aud": "\u{1b}[31m", "tid": "\u{7}", "upn": "a\u{202e}b"}), None) {
            assert!(!check.finding.contains(char::is_control) && !check.finding.contains('\u{202e}'));
        }
    }
}
