//! Connectors and their groups: which of them serve an app.

use entrada::protocol::is_guid;
use serde_json::{Value, json};

use super::args::Publish;
use super::find;
use super::graph::Graph;
use super::plan::{Difference, GRAPH, Made, Plan, Version, Write, text};
use super::refusal::trap;
use crate::failure::Failure;

const PROFILE: &str = "onPremisesPublishingProfiles/applicationProxy";

/// The groups of the tenant, and who is in those that matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Connectors {
    groups: Vec<Value>,
    all: Vec<Value>,
    /// The app's group, where it has one.
    current: Option<Value>,
    /// The connectors of the group that the app is to be in.
    members: Vec<Value>,
}

impl Connectors {
    /// Reads what is needed to tell whether anybody serves the app.
    pub(super) fn read(graph: &Graph<'_>, wanted: Option<&str>, application: Option<&Value>) -> Result<Self, Failure> {
        let groups = graph.list(Version::Beta, &format!("{PROFILE}/connectorGroups"), &[])?;
        let all = graph.list(Version::Beta, &format!("{PROFILE}/connectors"), &[])?;
        let current = match application {
            Some(application) => group_of(graph, application)?,
            None => None,
        };
        let mut connectors = Self { groups, all, current, members: Vec::new() };
        let serving = match wanted {
            Some(name) => connectors.group(name)?,
            None => connectors.current.clone().or_else(|| connectors.default_group()),
        };
        if let Some(group) = serving {
            connectors.members = members(graph, &group)?;
        }
        Ok(connectors)
    }

    /// A group that was made a moment ago may not be in the list yet.
    pub(super) fn know(&mut self, group: &Value) {
        if self.groups.iter().all(|known| known["id"] != group["id"]) {
            self.groups.push(group.clone());
        }
    }

    fn default_group(&self) -> Option<Value> {
        self.groups.iter().find(|group| group["isDefault"] == true).cloned()
    }

    fn group(&self, name: &str) -> Result<Option<Value>, Failure> {
        let is_it = |group: &&Value| {
            if is_guid(name) { text(group, "id").eq_ignore_ascii_case(name) } else { text(group, "name") == name }
        };
        let found: Vec<&Value> = self.groups.iter().filter(is_it).collect();
        match found.as_slice() {
            [] if is_guid(name) => {
                Err(trap("no_such_group", format!("there is no connector group {name}"), self.advice()))
            }
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => Err(trap(
                "ambiguous_group",
                format!("{} connector groups are named {name:?}", several.len()),
                "name the one that is meant by its id",
            )),
        }
    }

    fn connector(&self, name: &str) -> Result<&Value, Failure> {
        let is_it = |connector: &&Value| {
            let name_of = |field| text(connector, field).eq_ignore_ascii_case(name);
            name_of("id") || name_of("machineName")
        };
        self.all.iter().find(is_it).ok_or_else(|| {
            let machines: Vec<&str> = self.all.iter().map(|connector| text(connector, "machineName")).collect();
            trap(
                "no_such_connector",
                format!("there is no connector {name:?}"),
                format!("there are: {}", machines.join(", ")),
            )
        })
    }

    /// By its id: between two lists the rest of it, such as its state, may have changed.
    fn is_member(&self, connector: &Value) -> bool {
        self.members.iter().any(|member| text(member, "id").eq_ignore_ascii_case(text(connector, "id")))
    }

    fn advice(&self) -> String {
        let names: Vec<&str> = self.groups.iter().map(|group| text(group, "name")).collect();
        format!("install a connector or start its service, or name another group: there are {}", names.join(", "))
    }
}

/// The group that serves an app; what is not published is served by none.
pub(super) fn group_of(graph: &Graph<'_>, application: &Value) -> Result<Option<Value>, Failure> {
    if !find::is_published(application) {
        return Ok(None);
    }
    graph.find(Version::Beta, &format!("applications/{}/connectorGroup", text(application, "id")), &[])
}

/// The connectors of a group.
pub(super) fn members(graph: &Graph<'_>, group: &Value) -> Result<Vec<Value>, Failure> {
    graph.list(Version::Beta, &format!("{PROFILE}/connectorGroups/{}/members", text(group, "id")), &[])
}

/// Whether a connector is up.
pub(super) fn is_active(connector: &Value) -> bool {
    text(connector, "status") == "active"
}

/// The group, who is in it, and that the app is served by it.
pub(super) fn plan(
    wanted: &Publish,
    connectors: &Connectors,
    application: &str,
    fresh: bool,
    plan: &mut Plan,
) -> Result<(), Failure> {
    let Some(name) = &wanted.connector_group else {
        let name = connectors.current.as_ref().or(connectors.groups.iter().find(|group| group["isDefault"] == true));
        let name = name.map_or("Default", |group| text(group, "name"));
        return served(connectors, &[], name, plan);
    };
    let found = connectors.group(name)?;
    let unknown = json!({ "id": "{connector group id}", "name": name });
    let moving: Vec<&Value> = wanted
        .connector
        .iter()
        .map(|machine| connectors.connector(machine))
        .filter(|found| found.as_ref().map_or(true, |connector| !connectors.is_member(connector)))
        .collect::<Result<_, _>>()?;
    let group = match &found {
        Some(group) => group,
        None if wanted.connector.is_empty() => {
            return Err(trap(
                "no_such_group",
                format!("there is no connector group {name:?}, and a new one would have no connector in it"),
                format!("{}; or say with --connector which one to move into the new group", connectors.advice()),
            ));
        }
        None => {
            let mut body = json!({ "name": name });
            if let Some(region) = wanted.region {
                body["region"] = region.word().into();
            }
            let what = format!("create the connector group {name:?}");
            let write = Write::post(Version::Beta, format!("{PROFILE}/connectorGroups"), what);
            plan.writes.push(write.body(body).making(Made::ConnectorGroup));
            &unknown
        }
    };
    if let (Some(region), Some(group)) = (wanted.region, &found) {
        set_region(region.word(), group, &connectors.members, plan)?;
    }
    for connector in &moving {
        plan.writes.push(moved(connector, group));
    }
    served(connectors, &moving, name, plan)?;

    let is_there = connectors.current.as_ref().is_some_and(|current| current["id"] == group["id"]);
    if is_there {
        return Ok(());
    }
    let before = connectors.current.as_ref().filter(|_| !fresh);
    let differences = before.and_then(|current| Difference::of("connector group", &current["name"], &group["name"]));
    plan.writes.push(
        Write::new(
            "PUT",
            Version::Beta,
            format!("{application}/connectorGroup/$ref"),
            format!("assign the group {name:?} to the app"),
        )
        .body(reference(&format!("{PROFILE}/connectorGroups/{}", text(group, "id"))))
        .differing(differences.into_iter().collect()),
    );
    Ok(())
}

/// Only the empty group may be moved (graph: connectorGroup).
fn set_region(region: &str, group: &Value, members: &[Value], plan: &mut Plan) -> Result<(), Failure> {
    if group["region"] == region {
        plan.stays(format!("the region {region}"));
        return Ok(());
    }
    if !members.is_empty() {
        return Err(trap(
            "region",
            format!("the connector group {:?} is in {} and has connectors", text(group, "name"), text(group, "region")),
            "a region can be set while no connector and no app is in the group: leave --region out, or name a new group",
        ));
    }
    let path = format!("{PROFILE}/connectorGroups/{}", text(group, "id"));
    let differences = Difference::of("region", &group["region"], &region.into());
    plan.writes.push(
        Write::patch(Version::Beta, path, format!("set the region {region}"))
            .body(json!({ "region": region }))
            .differing(differences.into_iter().collect()),
    );
    Ok(())
}

/// A connector is in one group at a time: it leaves the one that it is in.
fn moved(connector: &Value, group: &Value) -> Write {
    let machine = text(connector, "machineName");
    let path = format!("{PROFILE}/connectors/{}/memberOf/$ref", text(connector, "id"));
    let difference = Difference {
        what: format!("connector {machine}"),
        is: "in its group".to_owned(),
        to_be: format!("in {}", text(group, "name")),
    };
    Write::post(Version::Beta, path, format!("move the connector {machine} into the group"))
        .body(reference(&format!("{PROFILE}/connectorGroups/{}", text(group, "id"))))
        .differing(vec![difference])
}

/// A link to a thing of beta; Graph's own host is put in when it is sent.
fn reference(path: &str) -> Value {
    json!({ "@odata.id": format!("{GRAPH}/beta/{path}") })
}

/// An app that no active connector serves is a gateway timeout for everybody.
fn served(connectors: &Connectors, moving: &[&Value], name: &str, plan: &mut Plan) -> Result<(), Failure> {
    let active: Vec<&str> = connectors
        .members
        .iter()
        .chain(moving.iter().copied())
        .filter(|connector| is_active(connector))
        .map(|connector| text(connector, "machineName"))
        .collect();
    if active.is_empty() {
        return Err(trap(
            "no_active_connector",
            format!("no connector in the group {name:?} is active: whoever calls the app would get a gateway timeout"),
            connectors.advice(),
        ));
    }
    if moving.is_empty() {
        plan.stays(format!("the connector group {name:?}, served by {}", active.join(", ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    #[test]
    fn a_connector_is_in_its_group_whatever_else_two_lists_tell_of_it() {
        let connector = |status: &str| json!({"id": "c1", "machineName": "connector1", "status": status});
        let group = json!({"id": "g1", "name": "Branch"});
        let connectors = Connectors {
            groups: vec![group.clone()],
            all: vec![connector("inactive"), json!({"id": "c2", "machineName": "connector2", "status": "active"})],
            current: Some(group),
            members: vec![connector("active")],
        };
        let planned = |machine: &str| {
            let url = "https://h/";
            let words =
                ["", "--name", "x", "--internal-url", url, "--external-url", url, "--connector-group", "Branch"];
            let matches = Publish::augment_args(clap::Command::new("publish"))
                .get_matches_from(words.into_iter().chain(["--connector", machine]));
            let wanted = Publish::from_arg_matches(&matches).unwrap();
            let mut made = Plan::default();
            plan(&wanted, &connectors, "applications/a", false, &mut made).unwrap();
            made.writes.iter().map(|write| write.path.clone()).collect::<Vec<_>>()
        };
        assert!(planned("connector1").is_empty(), "{:?}", planned("connector1"));
        assert_eq!(planned("connector2"), [format!("{PROFILE}/connectors/c2/memberOf/$ref")]);
    }
}
