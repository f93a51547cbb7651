//! What a test may look at and turn.

use crate::realm::locked;
use crate::stage::Stage;
use serde_json::{Value, json};

/// A directory role, by what it may do to applications (permissions-reference.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Nothing.
    #[default]
    None,
    /// Everything but application proxy.
    CloudApplicationAdministrator,
    /// Everything.
    ApplicationAdministrator,
}

/// A request to Graph that was to change something, refused or not.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphRequest {
    /// `POST`, `PATCH` or `PUT`.
    pub method: String,
    /// The path with its version, such as `/v1.0/applications`.
    pub path: String,
    /// The body.
    pub body: Value,
}

impl Stage {
    /// `scheme://host:port` of the stand-in for Microsoft Graph, where it was asked for.
    pub fn graph_url(&self) -> Option<&str> {
        self.realm.graph.as_ref().map(|graph| graph.url.as_str())
    }

    /// Every request to Graph so far that was to change something.
    pub fn graph_writes(&self) -> Vec<GraphRequest> {
        self.with_graph(|state| state.writes.clone()).unwrap_or_default()
    }

    /// Gives a user a role, or takes it away.
    pub fn set_role(&self, upn: &str, role: Role) {
        self.with_graph(|state| state.roles.insert(upn.to_owned(), role));
    }

    /// Whether the tenant has the licence that application proxy needs; it has by default.
    pub fn set_licensed(&self, licensed: bool) {
        self.with_graph(|state| state.licensed = licensed);
    }

    /// New applications and service principals stay unseen for so many looks, and new consents and assignments in lists:
    /// Graph is eventually consistent.
    pub fn hide_new(&self, looks: u32) {
        self.with_graph(|state| state.hidden_for = looks);
    }

    /// Starts a connector by its machine's name, or stops it.
    pub fn set_connector(&self, machine: &str, active: bool) {
        self.with_graph(|state| {
            for connector in state.connectors.iter_mut().filter(|connector| connector["machineName"] == machine) {
                connector["status"] = if active { "active" } else { "inactive" }.into();
            }
        });
    }

    /// The template has, or has not, the permission `user_impersonation`; it has not by default.
    pub fn template_has_scope(&self, has: bool) {
        self.with_graph(|state| state.template_has_scope = has);
    }

    /// Changes the properties of an application behind everybody's back, as a colleague in the portal does.
    pub fn edit_application(&self, app_id: &str, properties: &Value) {
        self.with_graph(|state| {
            let application = state.applications.iter_mut().find(|application| application["appId"] == app_id);
            if let (Some(Value::Object(application)), Value::Object(properties)) = (application, properties.clone()) {
                application.extend(properties);
            }
        });
    }

    /// An application as Graph's beta version has it; null where there is none.
    pub fn application(&self, app_id: &str) -> Value {
        let find = |state: &mut super::State| {
            state.applications.iter().find(|application| application["appId"] == app_id).cloned()
        };
        self.with_graph(find).flatten().unwrap_or(json!(null))
    }

    fn with_graph<T>(&self, act: impl FnOnce(&mut super::State) -> T) -> Option<T> {
        self.realm.graph.as_ref().map(|graph| act(&mut locked(&graph.state)))
    }
}
