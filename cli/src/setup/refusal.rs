//! What Graph's refusals mean here, and what to do about them.
//!
//! The code decides nothing but the words: whatever is refused ends the run.

use entrada::words::clean;
use serde_json::Value;

use super::graph::Said;
use crate::failure::{CONFIGURATION, Failure, NETWORK, POLICY, SIGN_IN_NEEDED};

/// A request, and why it was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    method: String,
    path: String,
    status: u16,
    code: String,
    message: String,
    request_id: Option<String>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(method: &str, path: &str, said: &Said) -> Self {
        let error = &said.body["error"];
        let mut codes = vec![error["code"].as_str().unwrap_or_default()];
        // The most particular code stands in the details or in the innermost error (graph: errors).
        codes.extend(error["details"].as_array().into_iter().flatten().filter_map(|detail| detail["code"].as_str()));
        let inner = if error["innerError"].is_object() { &error["innerError"] } else { &error["innererror"] };
        let mut deeper = inner;
        while deeper.is_object() {
            codes.extend(deeper["code"].as_str());
            deeper = if deeper["innerError"].is_object() { &deeper["innerError"] } else { &deeper["innererror"] };
        }
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status: said.status.as_u16(),
            code: codes.join(" "),
            message: clean(error["message"].as_str().unwrap_or_default()),
            request_id: inner["request-id"].as_str().map(clean),
            retry_after: said.retry_after,
        }
    }

    fn says(&self, words: &str) -> bool {
        let has = |text: &str| text.to_ascii_lowercase().contains(&words.to_ascii_lowercase());
        has(&self.code) || has(&self.message)
    }

    /// Whether it is that the same is there already: told with a status of 409 or of 400.
    pub(super) fn is_duplicate(&self) -> bool {
        self.says("MultipleObjectsWithSameKeyValue") || self.says("already exists")
    }

    /// Whether the path is one of application proxy's own, or of an application: there the role decides.
    fn is_proxys(&self) -> bool {
        self.path.starts_with("onPremisesPublishingProfiles") || self.path.contains("/connectorGroup")
    }
}

const ROLE: &str = "publishing needs the role Application Administrator, activated where it comes by Privileged Identity \
                    Management; Cloud Application Administrator is everything but application proxy. Then sign in again";

/// The failure to end with.
pub(super) fn refused(refusal: &Refusal) -> Failure {
    let (code, kind, remedy) = reading(refusal);
    let said = match (refusal.code.as_str(), refusal.message.as_str()) {
        ("", "") => format!("it answered {}", refusal.status),
        (code, "") => clean(code),
        (code, message) => format!("{}: {message}", clean(code)),
    };
    let path = refusal.path.split('?').next().unwrap_or_default();
    let mut failure = Failure::new(code, kind, format!("Microsoft Graph refused {} {path}: {said}", refusal.method))
        .with_remedy(remedy);
    failure.correlation_id = refusal.request_id.as_deref().map(Box::from);
    failure.retry_after = refusal.retry_after.and_then(|seconds| u32::try_from(seconds).ok());
    failure
}

fn reading(refusal: &Refusal) -> (u8, &'static str, String) {
    let configuration = |kind, remedy: &str| (CONFIGURATION, kind, remedy.to_owned());
    let policy = |kind, remedy: &str| (POLICY, kind, remedy.to_owned());
    if refusal.says("Invalid property 'onPremisesPublishing'") {
        return configuration(
            "no_application_proxy",
            "application proxy is in the beta version of Microsoft Graph alone: check that --graph leads to all of it",
        );
    }
    if refusal.says("HostNameNotOnVerifiedDomain") {
        return configuration(
            "domain_not_verified",
            "an identifier URI must be api:// and the app id, or on a verified domain of the tenant; msappproxy.net is \
             Microsoft's. Take the URI away, or verify the domain",
        );
    }
    if refusal.says("DuplicateValueInDifferentCase") {
        return configuration(
            "duplicate_in_other_case",
            "a URI is there already in other letters: compare the identifier and redirect URIs of the registration, \
             and write the external URL in lower case",
        );
    }
    if refusal.says("ExternalUrl_InvalidAsciiRules") {
        return (CONFIGURATION, "external_url", external_url(&refusal.message));
    }
    if refusal.says("AlreadyExists") || refusal.says("already exists") || refusal.says("already in use") {
        return configuration(
            "not_unique",
            "it belongs to another app already: internal and external URLs, and names, are there once in a tenant. See \
             which one: entrada setup show --app URL",
        );
    }
    if refusal.says("licen") {
        return policy("no_licence", "application proxy needs Microsoft Entra ID P1 or P2 for the tenant");
    }
    if refusal.is_proxys() && refusal.says("region") {
        return configuration(
            "region",
            "a region can be set while no connector and no app is in the group: leave --region out, or name a new group",
        );
    }
    match refusal.status {
        401 => (
            SIGN_IN_NEEDED,
            "token_refused",
            "sign in again; where it stays so, check that --graph and --cloud belong to the tenant".to_owned(),
        ),
        403 if refusal.path.starts_with("oauth2PermissionGrants") => policy(
            "no_admin_consent",
            "consent for all users needs the role Cloud Application Administrator, Application Administrator or more, \
             activated where it comes by Privileged Identity Management; or ask such an administrator to run this",
        ),
        403 if refusal.path.contains("appRoleAssignedTo") => policy(
            "may_not_assign",
            "assigning needs the role Cloud Application Administrator, Application Administrator or more, or to own the app",
        ),
        403 if refusal.is_proxys() || refusal.says("onPremisesPublishing") => policy("role_missing", ROLE),
        403 => policy(
            "role_missing",
            "registering needs the role Application Administrator (Cloud Application Administrator, for all but \
             application proxy), activated where it comes by Privileged Identity Management. Then sign in again",
        ),
        404 => configuration("not_found", "it is not in this tenant: check the ids, --tenant and --cloud"),
        429 | 500..=599 => {
            (NETWORK, "temporarily_unavailable", "run it again later: it goes on from what is there".to_owned())
        }
        _ => configuration("refused", "what was done so far stays: see it with entrada setup show, and run this again"),
    }
}

/// The refusal names the suffix that the tenant has.
fn external_url(message: &str) -> String {
    let word = message
        .split(|c: char| c.is_whitespace() || "'\"(),;<>".contains(c))
        .map(|word| word.trim_end_matches(['.', '/']))
        .rfind(|word| word.contains(".msappproxy."));
    match word {
        Some(suffix) => format!("the tenant's external URLs end in {suffix}: write it so"),
        None => {
            "the external URL must be https://NAME-TENANT.msappproxy.net/, as the portal shows it, or on a verified \
                 domain"
                .to_owned()
        }
    }
}

/// A failure that Graph is not asked for.
pub(super) fn trap(kind: &str, message: impl Into<String>, remedy: impl Into<Box<str>>) -> Failure {
    Failure::new(CONFIGURATION, kind, message.into()).with_remedy(remedy)
}

/// An answer without what it should have.
pub(super) fn incomplete(what: &str, answer: &Value) -> Failure {
    let names: Vec<&String> = answer.as_object().into_iter().flat_map(|object| object.keys()).take(8).collect();
    trap(
        "graph",
        format!("Microsoft Graph's answer has no {what}, only {names:?}"),
        "check --graph and --cloud, and the way there: a guest network answers for others; then run this again",
    )
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::*;

    fn read(status: u16, path: &str, code: &str, message: &str) -> Failure {
        let body = json!({"error": {"code": code, "message": message, "innerError": {"request-id": "r-1"}}});
        let said = Said { status: StatusCode::from_u16(status).unwrap(), retry_after: None, body };
        refused(&Refusal::new("PATCH", path, &said))
    }

    #[test]
    fn every_documented_refusal_has_its_remedy() {
        for (status, path, code, message, exit, remedy) in [
            (400, "applications/x", "Request_BadRequest", "Invalid property 'onPremisesPublishing'.", 15, "beta"),
            (400, "applications/x", "HostNameNotOnVerifiedDomain", "Values of identifierUris ...", 15, "api://"),
            (400, "applications/x", "DuplicateValueInDifferentCase", "duplicate values", 15, "lower case"),
            (
                400,
                "applications/x",
                "ExternalUrl_InvalidAsciiRules",
                "The external URL 'https://a.msappproxy.net/' must end with '-contoso.msappproxy.net/'.",
                15,
                "end in -contoso.msappproxy.net:",
            ),
            (400, "applications/x", "ExternalUrlAlreadyExists", "in use", 15, "another app"),
            (403, "applications/x", "Forbidden", "The tenant has no licence: License required.", 13, "P1 or P2"),
            (
                400,
                "onPremisesPublishingProfiles/applicationProxy/connectorGroups/g",
                "BadRequest",
                "Region ...",
                15,
                "--region",
            ),
            (
                403,
                "onPremisesPublishingProfiles/applicationProxy/connectors",
                "Forbidden",
                "",
                13,
                "Application Administrator",
            ),
            (403, "oauth2PermissionGrants", "Authorization_RequestDenied", "Insufficient", 13, "consent for all users"),
            (403, "servicePrincipals/x/appRoleAssignedTo", "Authorization_RequestDenied", "", 13, "assigning needs"),
            (403, "applications", "Authorization_RequestDenied", "", 13, "registering needs"),
            (401, "applications", "InvalidAuthenticationToken", "Access token has expired.", 10, "sign in again"),
            (404, "applications/x", "Request_ResourceNotFound", "", 15, "not in this tenant"),
            (500, "applications/x", "", "", 7, "later"),
            (418, "applications/x", "", "", 15, "entrada setup show"),
        ] {
            let failure = read(status, path, code, message);
            let said = failure.remedy.unwrap();
            assert!(failure.code == exit && said.contains(remedy), "{code}: {} {said}", failure.code);
            assert_eq!(failure.correlation_id.as_deref(), Some("r-1"));
        }
    }

    #[test]
    fn the_most_particular_code_counts_and_hidden_characters_do_not() {
        let body = json!({"error": {"code": "Request_BadRequest", "message": "no\u{1b}[31m",
            "details": [{"code": "HostNameNotOnVerifiedDomain"}], "innererror": {"innererror": {"code": "Deep"}}}});
        let said = Said { status: StatusCode::BAD_REQUEST, retry_after: None, body };
        let failure = refused(&Refusal::new("PATCH", "applications/x?y", &said));
        assert_eq!(failure.kind, "domain_not_verified");
        assert!(failure.message.contains("Deep") && !failure.message.contains(['\u{1b}', '?']), "{}", failure.message);
    }
}
