//! Connectors and their groups, which beta alone has.

use super::error::Refused;
use super::shape::{self, CONNECTOR_GROUP, REFERENCE};
use super::state::State;
use super::{Asked, Graph, Outcome, page};
use crate::random;
use http::StatusCode;
use serde_json::{Value, json};

pub(super) fn answer(graph: &Graph, state: &mut State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&["Directory.ReadWrite.All"])?;
    asked.needs_the_proxys_administrator()?;
    let Some(["applicationProxy", rest @ ..]) = asked.segments.get(1..) else {
        return Err(Refused::bad("There is no such publishing profile."));
    };
    match (asked.method, rest) {
        ("GET", ["connectors"]) => page(graph, asked, state.connectors.iter().map(shown).collect()),
        ("GET", ["connectorGroups"]) => page(graph, asked, state.connector_groups.clone()),
        ("GET", ["connectorGroups", id, "members"]) => {
            let members = state.connectors.iter().filter(|connector| connector["group"] == *id).map(shown).collect();
            page(graph, asked, members)
        }
        ("POST", ["connectorGroups"]) => {
            shape::check(&asked.body, CONNECTOR_GROUP)?;
            shape::require(&asked.body, &["name"])?;
            if state.connector_groups.iter().any(|group| group["name"] == asked.body["name"]) {
                return Err(Refused::with(
                    "ConnectorGroupAlreadyExists",
                    "A connector group of that name already exists.",
                ));
            }
            let region = asked.body.get("region").cloned().unwrap_or_else(|| "eur".into());
            let group = json!({
                "id": random::guid(), "name": asked.body["name"], "connectorGroupType": "applicationProxy",
                "isDefault": false, "region": region,
            });
            state.connector_groups.push(group.clone());
            Ok((StatusCode::CREATED, group))
        }
        ("PATCH", ["connectorGroups", id]) => {
            shape::check(&asked.body, CONNECTOR_GROUP)?;
            let is_empty = state.connectors.iter().all(|connector| connector["group"] != *id)
                && state.applications.iter().all(|application| application["connectorGroup"] != *id);
            let group = state.connector_groups.iter_mut().find(|group| group["id"] == *id);
            let group = group.ok_or_else(|| Refused::not_found(id))?;
            if asked.body.get("region").is_some_and(|region| group["region"] != *region) && !is_empty {
                return Err(Refused::bad("The region can only be set if no connectors or applications are assigned."));
            }
            for (name, value) in asked.body.as_object().into_iter().flatten() {
                group[name.as_str()] = value.clone();
            }
            Ok((StatusCode::NO_CONTENT, Value::Null))
        }
        ("POST", ["connectors", id, "memberOf", "$ref"]) => {
            shape::check(&asked.body, REFERENCE)?;
            let group = referred(state, asked.body["@odata.id"].as_str().unwrap_or_default())?;
            let connector = state.connectors.iter_mut().find(|connector| connector["id"] == *id);
            connector.ok_or_else(|| Refused::not_found(id))?["group"] = group;
            Ok((StatusCode::NO_CONTENT, Value::Null))
        }
        _ => Err(Refused::bad("The method or the segment is unknown.")),
    }
}

fn shown(connector: &Value) -> Value {
    let mut shown = connector.clone();
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("group");
    }
    shown
}

/// The group that a link leads to.
fn referred(state: &State, link: &str) -> Result<Value, Refused> {
    let id = link.rsplit_once("/onPremisesPublishingProfiles/applicationProxy/connectorGroups/").map(|(_, id)| id);
    let group = id.and_then(|id| state.connector_groups.iter().find(|group| group["id"] == id));
    group.map(|group| group["id"].clone()).ok_or_else(|| Refused::bad("Invalid entity reference link."))
}

/// A published app without a group of its own is the default one's.
pub(super) fn of_application(state: &State, id: &str) -> Outcome {
    let application = state.application(id).ok_or_else(|| Refused::not_found(id))?;
    let is_it = |group: &&Value| match application["connectorGroup"].as_str() {
        Some(own) => group["id"] == own,
        None => !application["onPremisesPublishing"].is_null() && group["isDefault"] == true,
    };
    match state.connector_groups.iter().find(is_it) {
        Some(group) => Ok((StatusCode::OK, group.clone())),
        None => Err(Refused::not_found("connectorGroup")),
    }
}

pub(super) fn assign(state: &mut State, id: &str, link: &str) -> Outcome {
    let group = referred(state, link)?;
    let application = state.applications.iter_mut().find(|application| application["id"] == id);
    let application = application.ok_or_else(|| Refused::not_found(id))?;
    if application["onPremisesPublishing"].is_null() {
        return Err(Refused::bad("The application is not published through application proxy."));
    }
    application["connectorGroup"] = group;
    Ok((StatusCode::NO_CONTENT, Value::Null))
}
