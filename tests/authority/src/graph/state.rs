//! What the stand-in holds: objects as Graph shows them.

use super::levers::{GraphRequest, Role};
use crate::directory::Directory;
use crate::random;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The directory's objects behind Graph, all of one tenant.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) applications: Vec<Value>,
    pub(super) principals: Vec<Value>,
    pub(super) grants: Vec<Value>,
    pub(super) assignments: Vec<Value>,
    /// Each with the id of its group in `group`.
    pub(super) connectors: Vec<Value>,
    pub(super) connector_groups: Vec<Value>,
    /// Each with the ids of its members.
    pub(super) groups: Vec<(Value, Vec<String>)>,
    pub(super) roles: HashMap<String, Role>,
    pub(super) licensed: bool,
    pub(super) template_has_scope: bool,
    pub(super) hidden_for: u32,
    /// Object id to looks that are left without it.
    pub(super) hidden: HashMap<String, u32>,
    pub(super) writes: Vec<GraphRequest>,
}

impl State {
    /// Two connector groups, of which the default one is served, a group of users, and nothing published.
    pub(super) fn new(directory: &Directory) -> Self {
        let group = |name: &str, is_default: bool| json!({"id": random::guid(), "name": name, "connectorGroupType": "applicationProxy", "isDefault": is_default, "region": "eur"});
        let (default, branch) = (group("Default", true), group("Branch", false));
        let connector = |machine: &str, status: &str, group: &Value| {
            json!({"id": random::guid(), "machineName": machine, "externalIp": "203.0.113.7", "status": status,
                   "version": "1.5.4522.0", "group": group["id"]})
        };
        let connectors = vec![
            connector("connector1.contoso.example", "active", &default),
            connector("connector2.contoso.example", "active", &default),
            connector("branch1.contoso.example", "inactive", &branch),
        ];
        let ids = |upn: &str| directory.user(upn).map(|user| user.object_id.clone());
        let finance = json!({"id": random::guid(), "displayName": "Finance"});
        Self {
            connectors,
            connector_groups: vec![default, branch],
            groups: vec![(finance, ids("bob@contoso.example").into_iter().collect())],
            roles: HashMap::from([
                ("ada@contoso.example".to_owned(), Role::ApplicationAdministrator),
                ("bob@contoso.example".to_owned(), Role::CloudApplicationAdministrator),
            ]),
            licensed: true,
            ..Self::default()
        }
    }

    /// Whether an object shows itself at this look.
    pub(super) fn looks_at(&mut self, id: &str) -> bool {
        match self.hidden.get_mut(id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    }

    pub(super) fn is_hidden(&self, object: &Value) -> bool {
        object["id"].as_str().and_then(|id| self.hidden.get(id)).is_some_and(|left| *left > 0)
    }

    pub(super) fn hide(&mut self, object: &Value) {
        if let Some(id) = object["id"].as_str().filter(|_| self.hidden_for > 0) {
            self.hidden.insert(id.to_owned(), self.hidden_for);
        }
    }

    pub(super) fn application(&self, id: &str) -> Option<&Value> {
        self.applications.iter().find(|application| application["id"] == id)
    }

    pub(super) fn by_app_id<'s>(objects: &'s [Value], app_id: &str) -> Option<&'s Value> {
        objects.iter().find(|object| object["appId"] == app_id)
    }

    /// A new service principal, with what it takes over from its application.
    pub(super) fn make_principal(&mut self, app_id: &str, from_template: bool, tags: &Value) -> Value {
        let application = Self::by_app_id(&self.applications, app_id).cloned().unwrap_or_default();
        let roles = if from_template {
            // The template's two roles; the first is not for people (graph: applicationtemplate-instantiate).
            let role = |name: &str, id: &str| {
                json!({"id": id, "displayName": name, "description": name, "value": null, "isEnabled": true,
                       "allowedMemberTypes": ["User"], "origin": "Application"})
            };
            json!([
                role("msiam_access", "b9632174-c057-4f7e-951b-be3adc52bfe6"),
                role("User", "18d14569-c3bd-439b-9a66-3a2aee01d14f"),
            ])
        } else {
            json!([])
        };
        let principal = json!({
            "id": random::guid(),
            "appId": app_id,
            "displayName": application["displayName"],
            "accountEnabled": true,
            "appRoleAssignmentRequired": from_template,
            "appRoles": roles,
            "tags": tags,
            "servicePrincipalType": "Application",
        });
        self.hide(&principal);
        self.principals.push(principal.clone());
        principal
    }
}
