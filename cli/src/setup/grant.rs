//! Step 3: the native client may ask for the published app, and an administrator consents for all users.

use serde_json::{Value, json};

use super::args::Grant;
use super::find::{self, SCOPE, Which};
use super::graph::Graph;
use super::plan::{Made, Plan, Version, Write, items, text};
use super::refusal::trap;
use super::register::{native, with_permission};
use super::run::{Next, Step};
use crate::failure::Failure;

/// What is asked for, and what is there.
pub(super) struct Granting<'a> {
    wanted: &'a Grant,
    client_id: Option<&'a str>,
    made_principal: bool,
    found: Option<Found>,
}

struct Found {
    published: Value,
    published_principal: Value,
    client: Value,
    client_principal: Option<Value>,
    /// The consents that the client has at the published app.
    grants: Vec<Value>,
}

impl<'a> Granting<'a> {
    pub(super) fn new(wanted: &'a Grant, client_id: Option<&'a str>) -> Result<Self, Failure> {
        if client_id.is_none() && wanted.name.is_none() {
            return Err(trap("no_client", "no native client is given", "name it with --client-id or --name"));
        }
        Ok(Self { wanted, client_id, made_principal: false, found: None })
    }
}

/// The published app and its service principal.
pub(super) fn published(graph: &Graph<'_>, app: &str) -> Result<(Value, Value), Failure> {
    let remedy = "publish it first: entrada setup publish";
    let application = find::existing(graph, &Which::read(app), remedy)?;
    let app_id = text(&application, "appId");
    if !find::is_published(&application) {
        let name = text(&application, "displayName");
        return Err(trap(
            "not_published",
            format!("{name:?} ({app_id}) is not published through application proxy"),
            remedy,
        ));
    }
    match find::principal(graph, app_id)? {
        Some(principal) => Ok((application, principal)),
        None => Err(trap("no_principal", format!("{app_id} has no service principal in this tenant"), remedy)),
    }
}

/// The consents of a client at a resource, by the object ids of their service principals.
pub(super) fn grants(graph: &Graph<'_>, client: &str, resource: &str) -> Result<Vec<Value>, Failure> {
    let filter = format!("clientId eq {} and resourceId eq {}", find::quoted(client), find::quoted(resource));
    graph.list(Version::V1, "oauth2PermissionGrants", &[("$filter", &filter)])
}

/// The consent of an administrator for all users, and whether it has the scope.
pub(super) fn for_all(grants: &[Value]) -> Option<(&Value, bool)> {
    let grant = grants.iter().find(|grant| grant["consentType"] == "AllPrincipals")?;
    Some((grant, text(grant, "scope").split_whitespace().any(|scope| scope == SCOPE)))
}

impl Step for Granting<'_> {
    fn read(&mut self, graph: &Graph<'_>) -> Result<(), Failure> {
        let remedy = "register it first: entrada setup register --name NAME";
        let client = native(graph, self.client_id, self.wanted.name.as_deref(), remedy)?;
        let client = client.ok_or_else(|| trap("no_such_app", "there is no native client of that name", remedy))?;
        let (published, published_principal) = published(graph, &self.wanted.app)?;
        let client_id = text(&client, "appId");
        let client_principal = match self.made_principal {
            true => Some(find::made_principal(graph, client_id)?),
            false => find::principal(graph, client_id)?,
        };
        let grants = match &client_principal {
            Some(principal) => grants(graph, text(principal, "id"), text(&published_principal, "id"))?,
            None => Vec::new(),
        };
        self.found = Some(Found { published, published_principal, client, client_principal, grants });
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Failure> {
        self.found.as_ref().map_or_else(|| Ok(Plan::default()), plan)
    }

    fn made(&mut self, _: Made, _: &Value) -> Result<(), Failure> {
        self.made_principal = true;
        Ok(())
    }

    fn outcome(&self) -> Value {
        let Some(found) = &self.found else { return Value::Null };
        json!({
            "client_id": found.client["appId"],
            "app_id": found.published["appId"],
            "external_url": found.published["onPremisesPublishing"]["externalUrl"],
            "scope": find::scope_to_ask_for(&found.published),
        })
    }

    fn next(&self) -> Next {
        match &self.found {
            Some(found) => Next::Ready {
                client_id: text(&found.client, "appId").to_owned(),
                external_url: text(&found.published["onPremisesPublishing"], "externalUrl").to_owned(),
                scope: find::scope_to_ask_for(&found.published),
                first: vec![format!("entrada setup assign --app {} --user USER", text(&found.published, "appId"))],
            },
            None => Next::Commands(Vec::new()),
        }
    }
}

fn plan(found: &Found) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let (app_id, name) = (text(&found.published, "appId"), text(&found.published, "displayName"));
    let scope = find::scope_id(&found.published["api"]["oauth2PermissionScopes"])
        .or_else(|| find::scope_id(&found.published_principal["oauth2PermissionScopes"]))
        .ok_or_else(|| {
            let is_off =
                items(&found.published["api"]["oauth2PermissionScopes"]).iter().any(|s| text(s, "value") == SCOPE);
            let why = if is_off { "switched off" } else { "not there" };
            let url = text(&found.published["onPremisesPublishing"], "externalUrl");
            let remedy = match is_off {
                true => "switch it on under Expose an API of the published app's registration".to_owned(),
                false => format!(
                    "publish it again, which adds it: entrada setup publish --app {app_id} --external-url {url} ..."
                ),
            };
            trap("no_permission", format!("the permission {SCOPE} of {name:?} is {why}"), remedy)
        })?;
    match with_permission(&found.client, app_id, scope) {
        Some(all) => plan.writes.push(
            Write::patch(
                Version::V1,
                format!("applications/{}", text(&found.client, "id")),
                format!("add the permission {SCOPE} of {name:?} to the client"),
            )
            .body(json!({ "requiredResourceAccess": all })),
        ),
        None => plan.stays(format!("the permission {SCOPE} of {name:?}")),
    }
    let Some(principal) = &found.client_principal else {
        let write = Write::post(Version::V1, "servicePrincipals", "create the client's service principal");
        plan.writes.push(write.body(json!({ "appId": found.client["appId"] })).making(Made::Principal));
        plan.writes.push(consent(&"{client's service principal id}".into(), &found.published_principal["id"]));
        return Ok(plan);
    };
    match for_all(&found.grants) {
        Some((_, true)) => plan.stays("the consent for all users"),
        Some((grant, false)) => {
            let scopes = format!("{} {SCOPE}", text(grant, "scope").trim());
            let path = format!("oauth2PermissionGrants/{}", text(grant, "id"));
            let write = Write::patch(Version::V1, path, "add the permission to the consent for all users");
            plan.writes.push(write.body(json!({ "scope": scopes.trim() })));
        }
        None => plan.writes.push(consent(&principal["id"], &found.published_principal["id"])),
    }
    Ok(plan)
}

fn consent(client: &Value, resource: &Value) -> Write {
    Write::post(Version::V1, "oauth2PermissionGrants", "consent for all users").unique().body(json!({
        "clientId": client,
        "consentType": "AllPrincipals",
        "principalId": null,
        "resourceId": resource,
        "scope": SCOPE,
    }))
}
