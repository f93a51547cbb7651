//! What the AADSTS numbers mean, and what to do about them.
//!
//! For people only: programs decide on `error` and `suberror`, as Microsoft asks
//! (identity-platform/reference-error-codes).

use alloc::vec::Vec;

/// What kind of matter an error is, as far as who can settle it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matter {
    /// The registration, the tenant or the scope is not what was configured.
    Configuration,
    /// A policy, consent or assignment: an administrator can change it.
    Policy,
    /// The user can settle it by signing in.
    SignIn,
    /// The user said no.
    Declined,
    /// It passes by itself.
    Passing,
}

/// A known number.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// Who can settle it.
    pub matter: Matter,
    /// A word for scripts, such as `consent_required`.
    pub kind: &'static str,
    /// What to do, as a sentence without its full stop.
    pub remedy: &'static str,
}

type Row = (&'static [u32], Matter, &'static str, &'static str);

use Matter::{Configuration, Declined, Passing, Policy, SignIn};

const KNOWN: &[Row] = &[
    (
        &[50011, 70004, 900_971, 500_113],
        Configuration,
        "redirect_uri_not_registered",
        "add the redirect URI http://localhost to the native registration, under \"Mobile and desktop applications\"",
    ),
    (
        &[50020, 50034, 51004, 16000, 500_208, 90072],
        Policy,
        "account_not_in_tenant",
        "sign in with an account of this tenant, or have this one invited as a guest",
    ),
    (&[50053], Policy, "account_locked", "wait a while, or ask an administrator to unlock the account"),
    (&[50055, 50144], SignIn, "password_expired", "change the password, then sign in again"),
    (&[50057], Policy, "account_disabled", "ask an administrator to enable the account"),
    (&[50058], SignIn, "no_session", "sign in"),
    (&[50059, 90019], Configuration, "tenant_unknown", "name the tenant: its id or one of its domains"),
    (
        &[50072, 50074, 50076, 50079, 50158, 50078],
        SignIn,
        "mfa_required",
        "sign in: a further proof of identity is asked for",
    ),
    (
        &[50085, 70000, 50089, 70008, 700_082, 50173, 70043],
        SignIn,
        "sign_in_expired",
        "sign in again: the stored sign-in has ended",
    ),
    (
        &[700_084, 9_002_327, 9_002_326],
        Configuration,
        "spa_registration",
        "move the redirect URI from \"Single-page application\" to \"Mobile and desktop applications\"",
    ),
    (
        &[50097, 50129, 53000, 53001, 50131, 50005],
        Policy,
        "device_required",
        "a policy asks for a managed device: use one, or ask an administrator to exclude this app",
    ),
    (
        &[53002, 50127],
        Policy,
        "approved_app_required",
        "a policy asks for an approved app: ask an administrator to exclude this one",
    ),
    (
        &[53003, 530_032, 530_035, 530_036, 530_084, 53004, 53010],
        Policy,
        "blocked_by_policy",
        "the tenant's Conditional Access blocks this sign-in; where it was made by user code, sign in with the browser, else give an administrator the correlation id",
    ),
    (
        &[50199],
        SignIn,
        "confirmation_needed",
        "sign in again and confirm on the page that it is you; where it does not show, sign in with the browser",
    ),
    (&[50105], Policy, "not_assigned", "ask an administrator to assign the user to the app"),
    (&[50126, 50056], SignIn, "wrong_credentials", "check the user name and password"),
    (
        &[50194, 90130, 90124, 9_001_023, 9_002_332],
        Configuration,
        "tenant_required",
        "name the tenant itself instead of common, organizations or consumers",
    ),
    (&[50196], Passing, "loop_detected", "wait some minutes: too many like requests were made"),
    (&[54005], SignIn, "code_used", "sign in again: the code was used already"),
    (&[501_481], SignIn, "code_of_another_sign_in", "sign in again, and take the code of that very sign-in"),
    (
        &[65001],
        Policy,
        "consent_required",
        "sign in and consent, or ask an administrator to grant the app's permission to this client",
    ),
    (&[65004], Declined, "consent_declined", "sign in again and accept"),
    (
        &[90094, 90095],
        Policy,
        "admin_consent_required",
        "ask an administrator to grant the app's permission to this client",
    ),
    (
        &[65005, 650_056, 650_057],
        Configuration,
        "permission_missing",
        "add the app's permission (user_impersonation) to the native registration, under \"API permissions\"",
    ),
    (
        &[500_011, 50001, 650_052, 650_054],
        Configuration,
        "resource_unknown",
        "check the scope: what stands before its last slash must be the app's Application ID URI, slash for slash, in this tenant",
    ),
    (
        &[700_016, 700_011, 70001, 7_000_112],
        Configuration,
        "client_unknown",
        "check the client id and the tenant: this client is not registered, or is disabled, there",
    ),
    (
        &[700_022, 700_023, 70011, 28002, 28003, 28000, 901_002, 9_010_010],
        Configuration,
        "scope_invalid",
        "check the scope: give the scope of one app, as its registration shows it",
    ),
    (
        &[7_000_218, 7_000_215],
        Configuration,
        "not_a_public_client",
        "move the redirect URI to \"Mobile and desktop applications\" and, for user codes, allow public client flows",
    ),
    (&[90002], Configuration, "tenant_not_found", "check the tenant and the cloud"),
    (&[90038, 900_439, 90043, 900_382], Configuration, "wrong_cloud", "use the sign-in host of the tenant's own cloud"),
    (&[500_212, 500_213, 500_021, 500_022], Policy, "cross_tenant_policy", "ask the administrators of both tenants"),
    (&[90006, 90024, 90033, 90090, 50033, 50087, 90055], Passing, "temporarily_unavailable", "try again in a while"),
    (&[70018], Declined, "wrong_user_code", "begin again and enter the code as shown"),
    (&[70019, 70020], SignIn, "user_code_expired", "begin again and enter the code in time"),
];

/// What is known of a number.
pub fn explain(number: u32) -> Option<Explanation> {
    let &(_, matter, kind, remedy) = KNOWN.iter().find(|(numbers, ..)| numbers.contains(&number))?;
    Some(Explanation { matter, kind, remedy })
}

/// The same for a refusal of a sign-in by user code, which policies treat as a flow of its own.
///
/// Microsoft recommends that tenants block it (conditional-access/concept-authentication-flows), and it tells nothing
/// about the device that asks: where it is refused for either, the browser is the way.
pub fn explain_by_user_code(number: u32) -> Option<Explanation> {
    let known = explain(number)?;
    let remedy = match known.kind {
        "blocked_by_policy" => {
            "the tenant's Conditional Access blocks sign-in by user code: sign in with the browser instead, \
             or have an administrator exclude this app from the policy"
        }
        "device_required" | "approved_app_required" => {
            "the tenant's Conditional Access asks for a device that it knows, of which a user code tells nothing: \
             sign in with the browser on a managed device, or ask an administrator to exclude this app"
        }
        _ => known.remedy,
    };
    Some(Explanation { remedy, ..known })
}

/// The numbers that a text names, each once, in their order: as `AADSTS50011`, and as Entra's pages have them in their
/// script, `"sErrorCode":"50011"`.
pub fn numbers_in(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for mark in ["AADSTS", "\"sErrorCode\":\""] {
        for (at, _) in text.match_indices(mark) {
            let rest = &text[at + mark.len()..];
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if let Some(number) = rest[..end].parse().ok().filter(|number| !found.contains(number)) {
                found.push(number);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_found_in_pages_and_messages() {
        let page = r#"AADSTS50011: no match (AADSTS50011), {"sErrorCode":"65001","x":1} AADSTS AADSTS99999999999"#;
        assert_eq!(super::numbers_in(page), [50011, 65001]);
        assert_eq!(super::numbers_in("50011"), [0; 0]);
    }

    #[test]
    fn every_number_stands_once() {
        let mut numbers: alloc::vec::Vec<u32> =
            super::KNOWN.iter().flat_map(|(numbers, ..)| *numbers).copied().collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
        assert_eq!(super::explain(65001).unwrap().kind, "consent_required");
        assert!(super::explain(1).is_none());
    }

    #[test]
    fn a_user_code_that_is_blocked_points_to_the_browser() {
        for number in [53003, 530_036, 53000, 50097] {
            let remedy = super::explain_by_user_code(number).unwrap().remedy;
            assert!(remedy.contains("user code") && remedy.contains("sign in with the browser"), "{number}: {remedy}");
            assert_eq!(super::explain_by_user_code(number).unwrap().kind, super::explain(number).unwrap().kind);
        }
        assert_eq!(super::explain_by_user_code(65001).unwrap().remedy, super::explain(65001).unwrap().remedy);
        assert!(super::explain_by_user_code(1).is_none());
    }
}
