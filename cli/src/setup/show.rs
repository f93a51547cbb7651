//! Reads all of it back, and tells what is missing with the command that brings it.

use entrada::words::clean;
use serde_json::{Value, json};

use super::args::Show;
use super::assign::assigned;
use super::connectors;
use super::find::{self, SCOPE, Which};
use super::grant::{for_all, grants};
use super::graph::Graph;
use super::plan::{items, text, texts};
use super::register::native;
use crate::failure::Failure;
use crate::settings::quoted;

/// What is there, line by line, and what is not.
#[derive(Debug, Default)]
pub(super) struct Shown {
    lines: Vec<(String, String)>,
    /// What is missing, each with what to do.
    missing: Vec<(String, String)>,
    found: Value,
    pub(super) ready: Option<Ready>,
}

/// Enough to call the app.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) client_id: String,
    pub(super) external_url: String,
    pub(super) scope: String,
}

impl Shown {
    fn line(&mut self, name: &str, value: impl AsRef<str>) {
        self.lines.push((name.to_owned(), clean(value.as_ref())));
    }

    fn missing(&mut self, what: impl Into<String>, command: impl Into<String>) {
        self.missing.push((what.into(), command.into()));
    }

    /// What to run for each thing that is missing.
    pub(super) fn commands(&mut self) -> impl Iterator<Item = &mut String> {
        self.missing.iter_mut().map(|(_, command)| command)
    }

    pub(super) fn to_json(&self, config: Option<&str>) -> Value {
        let missing: Vec<Value> =
            self.missing.iter().map(|(what, command)| json!({ "what": what, "command": command })).collect();
        json!({ "step": "show", "found": self.found, "missing": missing, "config": config })
    }

    pub(super) fn to_text(&self) -> String {
        let width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let mut text: String = self.lines.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect();
        for (what, command) in &self.missing {
            text.push_str(&format!("\nmissing: {}\n  {command}\n", clean(what)));
        }
        text
    }
}

pub(super) fn read(graph: &Graph<'_>, wanted: &Show, client_id: Option<&str>) -> Result<Shown, Failure> {
    let mut shown = Shown { found: json!({}), ..Shown::default() };
    let Some(application) = find::application(graph, &Which::read(&wanted.app))? else {
        let command =
            format!("entrada setup publish --name NAME --external-url {} --internal-url URL", quoted(&wanted.app));
        shown.line("published app", "none");
        shown.missing("there is no such app", command);
        return Ok(shown);
    };
    let app_id = text(&application, "appId").to_owned();
    let external_url = published(&application, &mut shown);
    serving(graph, &application, &mut shown)?;
    let principal = find::principal(graph, &app_id)?;
    match &principal {
        Some(principal) => assignment(graph, &app_id, principal, &mut shown)?,
        None => {
            shown.missing("the app has no service principal", republish(&app_id));
        }
    }
    let has_id = client_id.is_some() || wanted.name.is_some();
    let client =
        if has_id { native(graph, client_id, wanted.name.as_deref(), "give another client id")? } else { None };
    let Some(client) = client else {
        shown.line("native client", if has_id { "none" } else { "not named: see it with --client-id or --name" });
        shown.missing("no native client is known", "entrada setup register --name entrada");
        return Ok(shown);
    };
    registration(&client, &mut shown);
    let has_consent = permission(graph, &application, principal.as_ref(), &client, &mut shown)?;
    if has_consent && !external_url.is_empty() {
        let scope = find::scope_to_ask_for(&application);
        shown.ready = Some(Ready { client_id: text(&client, "appId").to_owned(), external_url, scope });
    }
    Ok(shown)
}

fn republish(app_id: &str) -> String {
    format!("entrada setup publish --app {app_id} --external-url URL --internal-url URL")
}

fn published(application: &Value, shown: &mut Shown) -> String {
    let publishing = &application["onPremisesPublishing"];
    let app_id = text(application, "appId");
    let external_url = text(publishing, "externalUrl").to_owned();
    shown.line("published app", format!("{} ({app_id})", text(application, "displayName")));
    if external_url.is_empty() {
        shown.missing("it is not published through application proxy", republish(app_id));
    } else {
        shown.line("external URL", &external_url);
        shown.line("internal URL", text(publishing, "internalUrl"));
        let is_open = text(publishing, "externalAuthenticationType") == "passthru";
        shown.line(
            "pre-authentication",
            if is_open { "passthrough: everybody may call it" } else { "Microsoft Entra ID" },
        );
        let mode = publishing["singleSignOnSettings"]["singleSignOnMode"].as_str().unwrap_or("none");
        shown.line("single sign-on", mode);
    }
    shown.line("identifiers", texts(&application["identifierUris"]).join(", "));
    let scopes = &application["api"]["oauth2PermissionScopes"];
    let names: Vec<&str> = items(scopes).iter().map(|scope| text(scope, "value")).collect();
    shown.line("permissions", names.join(", "));
    if find::scope_id(scopes).is_none() {
        shown.missing(format!("it has no permission {SCOPE}"), republish(app_id));
    }
    if !matches!(text(application, "signInAudience"), "" | "AzureADMyOrg") {
        shown.missing(
            "it is not for its own tenant alone",
            "set Supported account types of its registration to this tenant",
        );
    }
    shown.found["app"] = json!({
        "app_id": app_id,
        "display_name": application["displayName"],
        "external_url": publishing["externalUrl"],
        "internal_url": publishing["internalUrl"],
        "pre_authentication": publishing["externalAuthenticationType"],
        "single_sign_on": publishing["singleSignOnSettings"],
        "identifier_uris": application["identifierUris"],
        "permissions": names,
        "scope": if external_url.is_empty() { Value::Null } else { find::scope_to_ask_for(application).into() },
    });
    external_url
}

fn serving(graph: &Graph<'_>, application: &Value, shown: &mut Shown) -> Result<(), Failure> {
    let Some(group) = connectors::group_of(graph, application)? else {
        shown.line("connector group", "none");
        shown.missing(
            "no connector group serves it",
            republish(text(application, "appId")) + " --connector-group GROUP",
        );
        return Ok(());
    };
    let members = connectors::members(graph, &group)?;
    shown.line("connector group", text(&group, "name"));
    for connector in &members {
        shown.line("  connector", format!("{} {}", text(connector, "machineName"), text(connector, "status")));
    }
    if !members.iter().any(connectors::is_active) {
        let command = republish(text(application, "appId")) + " --connector-group GROUP";
        shown.missing("no connector of the group is active: start one, or take another group", command);
    }
    let rows: Vec<Value> = members
        .iter()
        .map(|connector| json!({ "machine": connector["machineName"], "status": connector["status"] }))
        .collect();
    shown.found["connector_group"] = json!({ "name": group["name"], "region": group["region"], "connectors": rows });
    Ok(())
}

fn assignment(graph: &Graph<'_>, app_id: &str, principal: &Value, shown: &mut Shown) -> Result<(), Failure> {
    let who = assigned(graph, text(principal, "id"))?;
    let is_required = principal["appRoleAssignmentRequired"] == true;
    let names: Vec<&str> = who.iter().map(|one| text(one, "principalDisplayName")).collect();
    let required = if is_required { "required" } else { "not required" };
    shown.line(
        "assigned",
        if names.is_empty() { format!("nobody ({required})") } else { format!("{} ({required})", names.join(", ")) },
    );
    if is_required && names.is_empty() {
        shown.missing("nobody is assigned", format!("entrada setup assign --app {app_id} --user USER"));
    }
    shown.found["assignment"] = json!({ "required": is_required, "assigned": names });
    Ok(())
}

fn registration(client: &Value, shown: &mut Shown) {
    let id = text(client, "appId");
    let uris = texts(&client["publicClient"]["redirectUris"]);
    shown.line("native client", format!("{} ({id})", text(client, "displayName")));
    shown.line("accounts", text(client, "signInAudience"));
    shown.line("redirect URIs", uris.join(", "));
    let allows = client["isFallbackPublicClient"] == true;
    shown.line("device code", if allows { "allowed" } else { "not allowed" });
    if !uris.contains(&"http://localhost") {
        shown.missing("the redirect URI http://localhost", format!("entrada setup register --client-id {id}"));
    }
    shown.found["client"] = json!({
        "client_id": id,
        "display_name": client["displayName"],
        "accounts": client["signInAudience"],
        "redirect_uris": uris,
        "device_code": allows,
    });
}

fn permission(
    graph: &Graph<'_>,
    application: &Value,
    principal: Option<&Value>,
    client: &Value,
    shown: &mut Shown,
) -> Result<bool, Failure> {
    let (app_id, client_id) = (text(application, "appId"), text(client, "appId"));
    let scope = find::scope_id(&application["api"]["oauth2PermissionScopes"]).unwrap_or_default();
    let resources = items(&client["requiredResourceAccess"]).iter();
    let is_listed = resources
        .filter(|resource| resource["resourceAppId"] == app_id)
        .any(|resource| items(&resource["resourceAccess"]).iter().any(|access| access["id"] == scope));
    let grants = match (find::principal(graph, client_id)?, principal) {
        (Some(client), Some(principal)) => grants(graph, text(&client, "id"), text(principal, "id"))?,
        _ => Vec::new(),
    };
    let has_consent = for_all(&grants).is_some_and(|(_, has_scope)| has_scope);
    shown.line("permission", if is_listed { SCOPE } else { "none" });
    shown.line("consent", if has_consent { "for all users" } else { "none" });
    if !is_listed || !has_consent {
        let what = if is_listed { "an administrator's consent" } else { "the permission and its consent" };
        shown.missing(what, format!("entrada setup grant --app {app_id} --client-id {client_id}"));
    }
    shown.found["grant"] = json!({ "permission": is_listed, "consent_for_all": has_consent });
    Ok(has_consent)
}
