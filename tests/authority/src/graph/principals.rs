//! Service principals, consents, assignments, users and groups.

use super::applications::texts;
use super::error::Refused;
use super::shape::{self, ASSIGNMENT, GRANT, PRINCIPAL};
use super::state::State;
use super::{Asked, Graph, Outcome, page};
use crate::directory::CONTOSO;
use crate::random;
use crate::realm::Realm;
use http::StatusCode;
use serde_json::{Value, json};

const READ: [&str; 4] =
    ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const KNOWN: [&str; 11] = [
    "id",
    "appId",
    "displayName",
    "accountEnabled",
    "appRoleAssignmentRequired",
    "appRoles",
    "oauth2PermissionScopes",
    "servicePrincipalNames",
    "replyUrls",
    "homepage",
    "tags",
];
const NO_ROLE: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn answer(graph: &Graph, realm: &Realm, state: &mut State, asked: &Asked<'_>) -> Outcome {
    match (asked.method, asked.segments.as_slice()) {
        ("POST", ["servicePrincipals"]) => create(state, asked),
        ("GET", ["servicePrincipals"]) => list(graph, state, asked),
        ("GET", ["servicePrincipals", id, "appRoleAssignedTo"]) => {
            asked.needs(&READ)?;
            let fitting = state.assignments.iter().filter(|one| one["resourceId"] == *id && !state.is_hidden(one));
            page(graph, asked, fitting.cloned().collect())
        }
        ("POST", ["servicePrincipals", id, "appRoleAssignedTo"]) => assign(realm, state, asked, id),
        ("GET", ["servicePrincipals", id]) => get(state, asked, id),
        ("GET", [keyed]) if keyed.starts_with("servicePrincipals(") => {
            let app_id = keyed.strip_prefix("servicePrincipals(appId='").and_then(|rest| rest.strip_suffix("')"));
            let app_id = app_id.ok_or_else(|| Refused::bad("Invalid key."))?;
            let id = State::by_app_id(&state.principals, app_id).and_then(|found| found["id"].as_str());
            let id = id.map(str::to_owned).ok_or_else(|| Refused::not_found(app_id))?;
            get(state, asked, &id)
        }
        ("GET", ["oauth2PermissionGrants"]) => grants(graph, state, asked),
        ("POST", ["oauth2PermissionGrants"]) => grant(state, asked),
        ("PATCH", ["oauth2PermissionGrants", id]) => {
            asked.needs(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"])?;
            asked.needs_an_administrator()?;
            shape::check(&asked.body, &[("scope", shape::Kind::Text)])?;
            let grant = state.grants.iter_mut().find(|grant| grant["id"] == *id);
            grant.ok_or_else(|| Refused::not_found(id))?["scope"] = asked.body["scope"].clone();
            Ok((StatusCode::NO_CONTENT, Value::Null))
        }
        ("GET", ["users", ..]) => users(graph, realm, asked),
        ("GET", ["groups", ..]) => groups(graph, state, asked),
        _ => Err(Refused::bad("The method or the segment is unknown.")),
    }
}

fn create(state: &mut State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&["Application.ReadWrite.All", "Directory.ReadWrite.All"])?;
    asked.needs_an_administrator()?;
    shape::check(&asked.body, PRINCIPAL)?;
    shape::require(&asked.body, &["appId"])?;
    let app_id = asked.body["appId"].as_str().unwrap_or_default();
    if State::by_app_id(&state.applications, app_id).is_none() {
        return Err(Refused::not_found(app_id));
    }
    if State::by_app_id(&state.principals, app_id).is_some() {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            "Request_MultipleObjectsWithSameKeyValue",
            "The service principal cannot be created, as the service principal name is already in use.",
        ));
    }
    let tags = asked.body.get("tags").cloned().unwrap_or_else(|| json!([]));
    Ok((StatusCode::CREATED, state.make_principal(app_id, false, &tags)))
}

/// What a service principal takes from its application, as it is now.
fn shown(state: &State, principal: &Value) -> Value {
    let mut shown = principal.clone();
    let app_id = principal["appId"].as_str().unwrap_or_default();
    let Some(application) = State::by_app_id(&state.applications, app_id) else { return shown };
    shown["oauth2PermissionScopes"] = application["api"]["oauth2PermissionScopes"].clone();
    shown["replyUrls"] = application["web"]["redirectUris"].clone();
    shown["homepage"] = application["web"]["homePageUrl"].clone();
    let mut names = texts(&application["identifierUris"]);
    names.push(app_id);
    shown["servicePrincipalNames"] = json!(names);
    if !application["onPremisesPublishing"].is_null() {
        let mut tags = texts(&principal["tags"]);
        if !tags.contains(&"WindowsAzureActiveDirectoryOnPremApp") {
            tags.push("WindowsAzureActiveDirectoryOnPremApp");
        }
        shown["tags"] = json!(tags);
    }
    shown
}

fn get(state: &mut State, asked: &Asked<'_>, id: &str) -> Outcome {
    asked.needs(&READ)?;
    if !state.looks_at(id) {
        return Err(Refused::not_found(id));
    }
    let principal = state.principals.iter().find(|principal| principal["id"] == id);
    let principal = principal.ok_or_else(|| Refused::not_found(id))?;
    Ok((StatusCode::OK, shape::select(&shown(state, principal), asked.query("$select"), &KNOWN)?))
}

fn list(graph: &Graph, state: &State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&READ)?;
    let filter = asked.query("$filter").unwrap_or_default();
    let tag = filter.strip_prefix("tags/any(t:t eq '").and_then(|rest| rest.strip_suffix("')"));
    let tag = tag.ok_or_else(|| Refused::with("Request_UnsupportedQuery", "Unsupported query."))?;
    let visible = state.principals.iter().filter(|principal| !state.is_hidden(principal));
    let fitting = visible.map(|principal| shown(state, principal)).filter(|one| texts(&one["tags"]).contains(&tag));
    let selected: Vec<Value> =
        fitting.map(|one| shape::select(&one, asked.query("$select"), &KNOWN)).collect::<Result<_, _>>()?;
    page(graph, asked, selected)
}

fn grants(graph: &Graph, state: &State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"])?;
    let unsupported = || Refused::with("Request_UnsupportedQuery", "Unsupported query.");
    let mut fitting: Vec<Value> = state.grants.iter().filter(|grant| !state.is_hidden(grant)).cloned().collect();
    for part in asked.query("$filter").ok_or_else(unsupported)?.split(" and ") {
        let (name, text) = part.split_once(" eq ").ok_or_else(unsupported)?;
        if !["clientId", "resourceId"].contains(&name) {
            return Err(unsupported());
        }
        fitting.retain(|grant| grant[name] == text.trim_matches('\''));
    }
    page(graph, asked, fitting)
}

fn grant(state: &mut State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"])?;
    asked.needs_an_administrator()?;
    shape::check(&asked.body, GRANT)?;
    shape::require(&asked.body, &["clientId", "consentType", "resourceId", "scope"])?;
    let mut grant = asked.body.clone();
    if (grant["consentType"] == "AllPrincipals") != grant["principalId"].is_null() {
        return Err(Refused::bad("principalId goes with the consent type Principal."));
    }
    for name in ["clientId", "resourceId"] {
        let id = grant[name].as_str().unwrap_or_default();
        if !state.principals.iter().any(|principal| principal["id"] == id) {
            return Err(Refused::not_found(id));
        }
    }
    let same = |other: &Value| {
        ["clientId", "resourceId", "consentType", "principalId"].iter().all(|name| other[*name] == grant[*name])
    };
    if state.grants.iter().any(same) {
        // terraform-provider-azuread#690
        let code = "Request_MultipleObjectsWithSameKeyValue";
        return Err(Refused::new(StatusCode::CONFLICT, code, "Permission entry already exists."));
    }
    grant["id"] = random::guid().into();
    state.hide(&grant);
    state.grants.push(grant.clone());
    Ok((StatusCode::CREATED, grant))
}

fn assign(realm: &Realm, state: &mut State, asked: &Asked<'_>, id: &str) -> Outcome {
    asked.needs(&["AppRoleAssignment.ReadWrite.All"])?;
    asked.needs(&["Application.Read.All", "Directory.Read.All"])?;
    asked.needs_an_administrator()?;
    shape::check(&asked.body, ASSIGNMENT)?;
    shape::require(&asked.body, &["principalId", "resourceId", "appRoleId"])?;
    let mut assignment = asked.body.clone();
    if assignment["resourceId"] != id {
        return Err(Refused::bad("resourceId is not the service principal of the path."));
    }
    let resource = state.principals.iter().find(|principal| principal["id"] == id);
    let resource = resource.ok_or_else(|| Refused::not_found(id))?;
    let roles = resource["appRoles"].as_array().cloned().unwrap_or_default();
    let is_role = match roles.as_slice() {
        [] => assignment["appRoleId"] == NO_ROLE,
        roles => roles.iter().any(|role| role["id"] == assignment["appRoleId"]),
    };
    if !is_role {
        return Err(Refused::bad("Permission being assigned was not found on application."));
    }
    let who = assignment["principalId"].as_str().unwrap_or_default().to_owned();
    let users = realm.directory.users.iter().filter(|user| user.tenant_id == CONTOSO);
    let user = users.into_iter().find(|user| user.object_id == who).map(|user| (user.display_name.clone(), "User"));
    let group = state.groups.iter().find(|(group, _)| group["id"] == who.as_str());
    let group = group.map(|(group, _)| (group["displayName"].as_str().unwrap_or_default().to_owned(), "Group"));
    let (name, kind) = user.or(group).ok_or_else(|| Refused::not_found(&who))?;
    if state
        .assignments
        .iter()
        .any(|one| ["principalId", "resourceId", "appRoleId"].iter().all(|name| one[*name] == assignment[*name]))
    {
        return Err(Refused::bad("Permission being assigned already exists on the object."));
    }
    assignment["id"] = random::handle("").into();
    assignment["principalDisplayName"] = name.into();
    assignment["principalType"] = kind.into();
    state.hide(&assignment);
    state.assignments.push(assignment.clone());
    Ok((StatusCode::CREATED, assignment))
}

fn users(graph: &Graph, realm: &Realm, asked: &Asked<'_>) -> Outcome {
    asked.needs(&["User.ReadBasic.All", "User.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"])?;
    let known = ["id", "displayName", "userPrincipalName"];
    let all = realm
        .directory
        .users
        .iter()
        .filter(|user| user.tenant_id == CONTOSO)
        .map(|user| json!({"id": user.object_id, "displayName": user.display_name, "userPrincipalName": user.upn}));
    let filter = asked.query("$filter").and_then(|filter| filter.strip_prefix("userPrincipalName eq '"));
    found(graph, asked, all.collect(), "userPrincipalName", filter, &known)
}

fn groups(graph: &Graph, state: &State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"])?;
    let all = state.groups.iter().map(|(group, _)| group.clone());
    let filter = asked.query("$filter").and_then(|filter| filter.strip_prefix("displayName eq '"));
    found(graph, asked, all.collect(), "displayName", filter, &["id", "displayName"])
}

/// One by its id, or a list by the one filter that is known.
fn found(graph: &Graph, asked: &Asked<'_>, all: Vec<Value>, by: &str, filter: Option<&str>, known: &[&str]) -> Outcome {
    let select = |object: &Value| shape::select(object, asked.query("$select"), known);
    if let Some(id) = asked.segments.get(1) {
        let object = all.iter().find(|object| object["id"] == *id).ok_or_else(|| Refused::not_found(id))?;
        return Ok((StatusCode::OK, select(object)?));
    }
    let wanted = filter.and_then(|rest| rest.strip_suffix('\''));
    let wanted =
        wanted.ok_or_else(|| Refused::with("Request_UnsupportedQuery", "Unsupported query."))?.replace("''", "'");
    let is_it = |object: &&Value| object[by].as_str().is_some_and(|text| text.eq_ignore_ascii_case(&wanted));
    let fitting: Vec<Value> = all.iter().filter(is_it).map(select).collect::<Result<_, _>>()?;
    page(graph, asked, fitting)
}
