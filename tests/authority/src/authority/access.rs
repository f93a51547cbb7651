//! Whether a signed-in user gets a token for a resource: assignment, Conditional Access, consent.

use crate::aadsts::{Denial, Kind};
use crate::claims_request::covers;
use crate::directory::{Client, GRAPH, PROXY_APP, Resource, User};
use crate::graph;
use crate::ledger::Authentication;
use crate::realm::Realm;
use serde_json::{Value, json};

/// The `claims` of a policy that is not met (v2-conditional-access-dev-guide.md).
fn policy_claims() -> String {
    json!({"access_token": {"polids": {"essential": true, "Values": ["9ab03e19-ed42-4168-b6b7-7001fb3e933a"]}}})
        .to_string()
}

/// Assignment and Conditional Access. Policies bind to the resource: here, to the app behind the proxy.
pub(super) fn evaluate(
    realm: &Realm,
    user: &User,
    who: &Authentication,
    resource: &Resource,
    by_device_code: bool,
) -> Result<(), Denial> {
    let is_assigned = graph::is_assigned(realm, user, &resource.app_id);
    let policy = realm.policy();
    if resource.app_id != PROXY_APP && is_assigned {
        return Ok(());
    }
    if resource.assignment_required && (!is_assigned || policy.unassigned.contains(&user.upn)) {
        return Err(Denial::new(
            Kind::InteractionRequired,
            50105,
            format!(
                "Your administrator has configured the application {} ('{}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '{}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application.",
                resource.name, resource.app_id, user.upn
            ),
        ));
    }
    if policy.blocked.contains(&user.upn) || (by_device_code && policy.device_code_blocked) {
        return Err(blocked());
    }
    if policy.managed_device_required {
        return Err(Denial::new(
            Kind::InteractionRequired,
            53000,
            "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune.",
        ));
    }
    if policy.mfa.contains(&user.upn) && !who.mfa {
        return Err(Denial::new(Kind::InteractionRequired, 50076, format!(
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{}'.",
            resource.app_id
        ))
        .suberror("basic_action")
        .claims(policy_claims()));
    }
    Ok(())
}

/// Refuses a resource that the client's registration does not list (azure-cli#33887, azure-docs#30816).
pub(super) fn permitted(realm: &Realm, client: &Client, resource: &Resource, asked: &str) -> Result<(), Denial> {
    if resource.app_id != PROXY_APP || !realm.policy().permission_missing {
        return Ok(());
    }
    Err(Denial::new(
        Kind::InvalidClient,
        650057,
        format!(
            "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: {}({}). Resource value from request: {asked}. Resource app ID: {}. List of valid resources from app registration: {GRAPH}.",
            client.id, client.name, resource.app_id
        ),
    ))
}

pub(super) fn blocked() -> Denial {
    Denial::new(
        Kind::InvalidGrant,
        53003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    )
    .suberror("message_only")
    .claims(policy_claims())
}

/// Claims that only a sign-in can bring are refused to a refresh.
pub(super) fn claims_by_refresh(
    realm: &Realm,
    asked: Option<&Value>,
    at_sign_in: Option<&Value>,
) -> Result<(), Denial> {
    let policy = realm.policy();
    match (&policy.demanded, asked) {
        (Some(demand), Some(asked)) if demand.needs_sign_in && covers(asked, &demand.claims) => {
            if at_sign_in.is_some_and(|claims| covers(claims, &demand.claims)) {
                return Ok(());
            }
            Err(Denial::new(Kind::InteractionRequired, 50076, "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.")
                .suberror("basic_action")
                .claims(demand.claims.to_string()))
        }
        _ => Ok(()),
    }
}

/// True where the user, or an administrator for all, has let the client have these scopes.
pub(super) fn consented(realm: &Realm, user: &User, client: &Client, resource: &Resource, names: &[&str]) -> bool {
    if realm.policy().consent_withheld {
        return false;
    }
    if realm.policy().admin_consented || graph::is_consented(realm, client.id, &resource.app_id, names) {
        return true;
    }
    let ledger = realm.ledger();
    names.iter().all(|name| {
        ledger.consents.contains(&(user.upn.clone(), client.id.to_owned(), resource.app_id.clone(), (*name).to_owned()))
    })
}

pub(super) fn consent(realm: &Realm, user: &User, client: &Client, resource: &Resource, names: &[&str]) {
    let mut ledger = realm.ledger();
    for name in names {
        ledger.consents.insert((user.upn.clone(), client.id.to_owned(), resource.app_id.clone(), (*name).to_owned()));
    }
}

pub(super) fn no_consent(kind: Kind, client: &Client) -> Denial {
    Denial::new(kind, 65001, format!(
        "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an interactive authorization request for this user and resource.",
        client.id, client.name
    ))
    .suberror("consent_required")
}
