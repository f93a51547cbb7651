//! What Graph holds, as the authority and the proxy see it.

use super::applications::texts;
use super::state::State;
use crate::directory::{CONTOSO, Client, Resource, User};
use crate::published::Published;
use crate::realm::{Realm, locked};
use serde_json::Value;
use url::Url;

/// Hands every application over to the authority: as a client, and as a resource where it has permissions.
pub(super) fn publish(realm: &Realm, state: &State) {
    for application in &state.applications {
        let text = |name: &str| application[name].as_str().unwrap_or_default();
        let principal = State::by_app_id(&state.principals, text("appId"));
        let Some(principal) = principal else { continue };
        if let Some(app) = at_edge(realm, application, text("displayName").to_owned().leak()) {
            realm.directory.grown.publish(app);
        }
        let native = texts(&application["publicClient"]["redirectUris"]);
        let uris = if native.is_empty() { texts(&application["web"]["redirectUris"]) } else { native.clone() };
        if !uris.is_empty() {
            realm.directory.grown.client(Client {
                id: text("appId").to_owned().leak(),
                name: text("displayName").to_owned().leak(),
                public: !native.is_empty(),
                multi_tenant: text("signInAudience") != "AzureADMyOrg",
                fallback_public: application["isFallbackPublicClient"] == true,
                redirect_uris: uris.into_iter().map(str::to_owned).collect(),
                spa: false,
            });
        }
        let scopes = application["api"]["oauth2PermissionScopes"].as_array();
        let enabled = scopes.into_iter().flatten().filter(|scope| scope["isEnabled"] == true);
        let scopes: Vec<&'static str> =
            enabled.filter_map(|scope| Some(&*scope["value"].as_str()?.to_owned().leak())).collect();
        if scopes.is_empty() {
            continue;
        }
        realm.directory.grown.resource(Resource {
            app_id: text("appId").to_owned(),
            name: text("displayName").to_owned(),
            identifiers: texts(&application["identifierUris"]).into_iter().map(str::to_owned).collect(),
            scopes,
            token_version: if application["api"]["requestedAccessTokenVersion"] == 2 { 2 } else { 1 },
            assignment_required: principal["appRoleAssignmentRequired"] == true,
            tenants: vec![CONTOSO],
        });
    }
}

/// An app at the edge, where that is the stage's own proxy.
fn at_edge(realm: &Realm, application: &Value, principal_name: &'static str) -> Option<Published> {
    let external_url = application["onPremisesPublishing"]["externalUrl"].as_str()?;
    let url = Url::parse(external_url).ok()?;
    let origin = url.origin().ascii_serialization();
    // Names are told apart only where the stage has names of the real world.
    if realm.internet.is_none() && origin != realm.app().url_of("") {
        return None;
    }
    let app_id = application["appId"].as_str()?.to_owned().leak();
    let mut app = Published::new(app_id, principal_name, &origin, url.path());
    app.identifiers = texts(&application["identifierUris"]).into_iter().map(str::to_owned).collect();
    Some(app)
}

/// Of the apps that Graph has published, this one; the stage's own are none of them.
fn with_published<T>(realm: &Realm, app_id: &str, look: impl FnOnce(&State, &Value) -> T) -> Option<T> {
    let state = locked(&realm.graph.as_ref()?.state);
    State::by_app_id(&state.applications, app_id).map(|application| look(&state, application))
}

/// Whether an app is published without pre-authentication.
pub(crate) fn is_open(realm: &Realm, app_id: &str) -> bool {
    let is_open = |_: &State, app: &Value| app["onPremisesPublishing"]["externalAuthenticationType"] == "passthru";
    with_published(realm, app_id, is_open).unwrap_or(false)
}

/// Whether a connector serves an app, and finds the stage's app at its internal URL.
pub(crate) fn is_reached(realm: &Realm, app_id: &str) -> bool {
    let internal = format!("http://{}/", realm.app_address);
    let is_reached = |state: &State, app: &Value| {
        let default = || state.connector_groups.iter().find(|group| group["isDefault"] == true)?["id"].as_str();
        let group = app["connectorGroup"].as_str().or_else(default);
        let serves = |connector: &Value| connector["group"].as_str() == group && connector["status"] == "active";
        state.connectors.iter().any(serves) && app["onPremisesPublishing"]["internalUrl"] == internal.as_str()
    };
    with_published(realm, app_id, is_reached).unwrap_or(true)
}

/// Whether a user is assigned to a resource that Graph has published, alone or as a member of a group.
pub(crate) fn is_assigned(realm: &Realm, user: &User, app_id: &str) -> bool {
    let Some(graph) = &realm.graph else { return true };
    let state = locked(&graph.state);
    let Some(principal) = State::by_app_id(&state.principals, app_id) else { return true };
    let mut ids = vec![user.object_id.as_str()];
    for (group, members) in &state.groups {
        if members.contains(&user.object_id) {
            ids.extend(group["id"].as_str());
        }
    }
    let assigned = state.assignments.iter().filter(|one| one["resourceId"] == principal["id"]);
    principal["appRoleAssignmentRequired"] != true
        || assigned.into_iter().any(|one| one["principalId"].as_str().is_some_and(|id| ids.contains(&id)))
}

/// Whether an administrator has consented through Graph, for all users.
pub(crate) fn is_consented(realm: &Realm, client: &str, app_id: &str, names: &[&str]) -> bool {
    let Some(graph) = &realm.graph else { return false };
    let state = locked(&graph.state);
    let id = |app_id: &str| State::by_app_id(&state.principals, app_id).map(|principal| principal["id"].clone());
    let (Some(client), Some(resource)) = (id(client), id(app_id)) else { return false };
    let grants = state.grants.iter().filter(|grant| {
        grant["clientId"] == client && grant["resourceId"] == resource && grant["consentType"] == "AllPrincipals"
    });
    let granted: Vec<&str> = grants.flat_map(|grant| grant["scope"].as_str().unwrap_or_default().split(' ')).collect();
    names.iter().all(|name| granted.contains(name))
}

/// With assignment required, all permissions need an administrator's consent (azure-docs#59982).
pub(crate) fn needs_admin(realm: &Realm, resource: &Resource) -> bool {
    let Some(graph) = &realm.graph else { return false };
    resource.assignment_required && State::by_app_id(&locked(&graph.state).principals, &resource.app_id).is_some()
}
