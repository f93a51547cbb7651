//! Step 4: users and groups are assigned to the published app.

use entrada::protocol::is_guid;
use serde_json::{Value, json};

use super::args::Assign;
use super::find;
use super::grant::published;
use super::graph::Graph;
use super::plan::{Made, Plan, Version, Write, items, text, texts};
use super::refusal::trap;
use super::run::{Next, Step};
use crate::failure::Failure;

/// The role of an app that has none (graph: appRoleAssignment).
const NO_ROLE: &str = "00000000-0000-0000-0000-000000000000";

/// What is asked for, and what is there.
pub(super) struct Assigning<'a> {
    wanted: &'a Assign,
    application: Value,
    principal: Value,
    assigned: Vec<Value>,
    /// Users and groups, as Graph knows them, each with its kind.
    principals: Vec<(&'static str, Value)>,
}

impl<'a> Assigning<'a> {
    pub(super) fn new(wanted: &'a Assign) -> Self {
        let (assigned, principals) = (Vec::new(), Vec::new());
        Self { wanted, application: Value::Null, principal: Value::Null, assigned, principals }
    }
}

/// Who is assigned to an app, by its service principal's object id.
pub(super) fn assigned(graph: &Graph<'_>, principal: &str) -> Result<Vec<Value>, Failure> {
    graph.list(Version::V1, &format!("servicePrincipals/{principal}/appRoleAssignedTo"), &[])
}

fn user(graph: &Graph<'_>, name: &str) -> Result<Value, Failure> {
    let select = [("$select", "id,displayName,userPrincipalName")];
    // A name that begins with a dollar sign, and a guest's with its #, go through the other form.
    let found = match is_guid(name) {
        true => graph.find(Version::V1, &format!("users/{name}"), &select)?,
        false => {
            let filter = format!("userPrincipalName eq {}", find::quoted(name));
            graph.list(Version::V1, "users", &[("$filter", &filter), select[0]])?.pop()
        }
    };
    found.ok_or_else(|| {
        trap(
            "no_such_user",
            format!("there is no user {name:?} in this tenant"),
            "name the user principal name or the object id",
        )
    })
}

fn group(graph: &Graph<'_>, name: &str) -> Result<Value, Failure> {
    let select = [("$select", "id,displayName")];
    let mut found = match is_guid(name) {
        true => graph.find(Version::V1, &format!("groups/{name}"), &select)?.into_iter().collect(),
        false => {
            let filter = format!("displayName eq {}", find::quoted(name));
            graph.list(Version::V1, "groups", &[("$filter", &filter), select[0]])?
        }
    };
    match (found.len(), found.pop()) {
        (1, Some(group)) => Ok(group),
        (0, _) => Err(trap(
            "no_such_group",
            format!("there is no group {name:?} in this tenant"),
            "name it, or its object id",
        )),
        (count, _) => Err(trap("ambiguous_group", format!("{count} groups are named {name:?}"), "name the object id")),
    }
}

impl Step for Assigning<'_> {
    fn read(&mut self, graph: &Graph<'_>) -> Result<(), Failure> {
        (self.application, self.principal) = published(graph, &self.wanted.app)?;
        self.assigned = assigned(graph, text(&self.principal, "id"))?;
        self.principals.clear();
        for name in &self.wanted.user {
            self.principals.push(("user", user(graph, name)?));
        }
        for name in &self.wanted.group {
            self.principals.push(("group", group(graph, name)?));
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        let resource = text(&self.principal, "id");
        // A name that no role has is told even where nothing is left to do.
        let named = match &self.wanted.role {
            Some(name) => Some(role(&self.principal, Some(name))?),
            None => None,
        };
        for (kind, principal) in &self.principals {
            let name = text(principal, "displayName");
            // Any role lets them in, where none is named.
            let is_it = |one: &Value| {
                one["principalId"] == principal["id"]
                    && named.is_none_or(|role| text(one, "appRoleId").eq_ignore_ascii_case(role))
            };
            if self.assigned.iter().any(is_it) {
                plan.stays(format!("the {kind} {name} is assigned"));
                continue;
            }
            let role = named.map_or_else(|| role(&self.principal, None), Ok)?;
            let path = format!("servicePrincipals/{resource}/appRoleAssignedTo");
            plan.writes.push(Write::post(Version::V1, path, format!("assign the {kind} {name}")).unique().body(
                json!({
                    "principalId": principal["id"],
                    "resourceId": resource,
                    "appRoleId": role,
                }),
            ));
        }
        Ok(plan)
    }

    fn made(&mut self, _: Made, _: &Value) -> Result<(), Failure> {
        Ok(())
    }

    fn outcome(&self) -> Value {
        let names: Vec<&Value> = self.principals.iter().map(|(_, principal)| &principal["displayName"]).collect();
        json!({ "app_id": self.application["appId"], "assigned": names })
    }

    fn next(&self) -> Next {
        Next::Commands(vec![format!("entrada setup show --app {}", text(&self.application, "appId"))])
    }
}

/// The role to assign: the one that is named, else the only one for users, else that which the template calls `User`,
/// else none where the app has none.
fn role<'v>(principal: &'v Value, wanted: Option<&str>) -> Result<&'v str, Failure> {
    let is_for_users =
        |role: &&Value| role["isEnabled"] != false && texts(&role["allowedMemberTypes"]).contains(&"User");
    let roles: Vec<&Value> = items(&principal["appRoles"]).iter().filter(is_for_users).collect();
    let named = |name: &str| {
        let is_it = |role: &&&Value| {
            ["value", "displayName", "id"].iter().any(|field| text(role, field).eq_ignore_ascii_case(name))
        };
        roles.iter().find(is_it).copied()
    };
    let chosen = match (wanted, roles.as_slice()) {
        (None, []) => return Ok(NO_ROLE),
        (Some(name), _) => named(name),
        (None, [one]) => Some(*one),
        (None, _) => named("User"),
    };
    chosen.and_then(|role| role["id"].as_str()).ok_or_else(|| {
        let names: Vec<&str> = roles.iter().map(|role| text(role, "displayName")).collect();
        let what = match wanted {
            Some(name) => format!("the app has no role {name:?} for users"),
            None => "the app has several roles for users".to_owned(),
        };
        trap("role", what, format!("name one with --role: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_chosen_as_documented() {
        let one = |name: &str, members: &str| json!({"id": format!("id-{name}"), "displayName": name, "value": null, "isEnabled": true, "allowedMemberTypes": [members]});
        let app = |roles: &[Value]| json!({ "appRoles": roles });
        let (user, hidden) = (one("User", "User"), one("msiam_access", "User"));
        let (admin, daemon) = (one("Admin", "User"), one("Daemon", "Application"));
        assert_eq!(role(&app(&[]), None).unwrap(), NO_ROLE);
        assert_eq!(role(&app(std::slice::from_ref(&daemon)), None).unwrap(), NO_ROLE);
        assert_eq!(role(&app(&[admin.clone(), daemon]), None).unwrap(), "id-Admin");
        assert_eq!(role(&app(&[hidden.clone(), user.clone()]), None).unwrap(), "id-User");
        assert_eq!(role(&app(&[admin.clone(), user]), Some("admin")).unwrap(), "id-Admin");
        let failure = role(&app(&[admin.clone(), hidden]), None).unwrap_err();
        assert!(failure.remedy.unwrap().contains("Admin, msiam_access"));
        assert_eq!(role(&app(&[admin]), Some("Owner")).unwrap_err().code, 15);
    }
}
