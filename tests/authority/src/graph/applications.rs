//! Applications: the template, creation, update, and how they are published.

use super::error::Refused;
use super::shape::{self, APPLICATION, PUBLISHING, REFERENCE};
use super::state::State;
use super::{Asked, Outcome, connectors};
use crate::random;
use crate::realm::Realm;
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

const TEMPLATE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
const READ: [&str; 4] =
    ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE: [&str; 2] = ["Application.ReadWrite.All", "Directory.ReadWrite.All"];
const KNOWN: [&str; 10] = [
    "id",
    "appId",
    "displayName",
    "signInAudience",
    "identifierUris",
    "web",
    "publicClient",
    "isFallbackPublicClient",
    "api",
    "requiredResourceAccess",
];

pub(super) fn answer(realm: &Realm, state: &mut State, asked: &Asked<'_>) -> Outcome {
    match (asked.method, asked.segments.as_slice()) {
        ("POST", ["applicationTemplates", TEMPLATE, "instantiate"]) => instantiate(state, asked),
        ("POST", ["applicationTemplates", id, "instantiate"]) => Err(Refused::not_found(id)),
        ("POST", ["applications"]) => create(state, asked),
        ("GET", ["applications"]) => list(realm, state, asked),
        ("GET", [keyed]) => match keyed.strip_prefix("applications(appId='").and_then(|rest| rest.strip_suffix("')")) {
            Some(app_id) => {
                let id = State::by_app_id(&state.applications, app_id).and_then(|found| found["id"].as_str());
                let id = id.map(str::to_owned).ok_or_else(|| Refused::not_found(app_id))?;
                get(state, asked, &id)
            }
            None => Err(Refused::bad("Invalid key.")),
        },
        ("GET", ["applications", id]) => get(state, asked, id),
        ("PATCH", ["applications", id]) => update(realm, state, asked, id),
        ("GET", ["applications", id, "connectorGroup"]) if asked.beta => {
            asked.needs(&["Directory.ReadWrite.All"])?;
            asked.needs_the_proxys_administrator()?;
            connectors::of_application(state, id)
        }
        ("PUT", ["applications", id, "connectorGroup", "$ref"]) if asked.beta => {
            asked.needs(&["Directory.ReadWrite.All"])?;
            asked.needs_the_proxys_administrator()?;
            shape::check(&asked.body, REFERENCE)?;
            connectors::assign(state, id, asked.body["@odata.id"].as_str().unwrap_or_default())
        }
        _ => Err(Refused::bad("The method or the segment is unknown.")),
    }
}

fn blank(name: &Value) -> Value {
    json!({
        "id": random::guid(),
        "appId": random::guid(),
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [],
        "web": {"redirectUris": [], "homePageUrl": null, "logoutUrl": null,
                "implicitGrantSettings": {"enableIdTokenIssuance": false, "enableAccessTokenIssuance": false}},
        "publicClient": {"redirectUris": []},
        "isFallbackPublicClient": null,
        "api": {"requestedAccessTokenVersion": null, "oauth2PermissionScopes": []},
        "requiredResourceAccess": [],
        "onPremisesPublishing": null,
    })
}

fn instantiate(state: &mut State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&WRITE)?;
    asked.needs_an_administrator()?;
    shape::check(&asked.body, &[("displayName", shape::Kind::Text)])?;
    shape::require(&asked.body, &["displayName"])?;
    let mut application = blank(&asked.body["displayName"]);
    application["api"]["requestedAccessTokenVersion"] = 2.into();
    if state.template_has_scope {
        let name = application["displayName"].as_str().unwrap_or_default().to_owned();
        application["api"]["oauth2PermissionScopes"] = json!([{
            "id": random::guid(), "value": "user_impersonation", "type": "User", "isEnabled": true,
            "adminConsentDisplayName": format!("Access {name}"), "adminConsentDescription": "Access",
            "userConsentDisplayName": null, "userConsentDescription": null,
        }]);
    }
    state.hide(&application);
    state.applications.push(application.clone());
    let app_id = application["appId"].as_str().unwrap_or_default();
    let principal = state.make_principal(app_id, true, &json!(["WindowsAzureActiveDirectoryIntegratedApp"]));
    Ok((StatusCode::CREATED, json!({"application": application, "servicePrincipal": principal})))
}

fn create(state: &mut State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&WRITE)?;
    asked.needs_an_administrator()?;
    shape::check(&asked.body, APPLICATION)?;
    shape::require(&asked.body, &["displayName"])?;
    let mut application = blank(&asked.body["displayName"]);
    merge(&mut application, &asked.body);
    judge(&application)?;
    state.hide(&application);
    state.applications.push(application.clone());
    Ok((StatusCode::CREATED, without_publishing(application)))
}

fn list(realm: &Realm, state: &State, asked: &Asked<'_>) -> Outcome {
    asked.needs(&READ)?;
    let filter = asked.query("$filter").unwrap_or_default();
    let name = filter.strip_prefix("displayName eq '").and_then(|rest| rest.strip_suffix('\''));
    let name = name.ok_or_else(|| Refused::with("Request_UnsupportedQuery", "Unsupported query."))?.replace("''", "'");
    let fitting = state.applications.iter().filter(|application| !state.is_hidden(application));
    let fitting = fitting.filter(|application| application["displayName"] == name.as_str());
    let selected: Vec<Value> = fitting
        .map(|application| shape::select(application, asked.query("$select"), &KNOWN))
        .collect::<Result<_, _>>()?;
    let graph = realm.graph.as_ref().ok_or_else(|| Refused::bad("no Graph"))?;
    super::page(graph, asked, selected)
}

fn get(state: &mut State, asked: &Asked<'_>, id: &str) -> Outcome {
    asked.needs(&READ)?;
    if state.application(id).is_none() || !state.looks_at(id) {
        return Err(Refused::not_found(id));
    }
    let application = state.application(id).cloned().unwrap_or_default();
    // On a single application, by name and in beta: nowhere else.
    let known: Vec<&str> = KNOWN.into_iter().chain(asked.beta.then_some("onPremisesPublishing")).collect();
    let selected = shape::select(&application, asked.query("$select"), &known)?;
    let selected = if asked.query("$select").is_some() { selected } else { without_publishing(selected) };
    Ok((StatusCode::OK, selected))
}

fn update(realm: &Realm, state: &mut State, asked: &Asked<'_>, id: &str) -> Outcome {
    asked.needs(&WRITE)?;
    asked.needs_an_administrator()?;
    let before = state.application(id).cloned().ok_or_else(|| Refused::not_found(id))?;
    let mut application = before.clone();
    let mut body = asked.body.clone();
    let publishing = body.as_object_mut().and_then(|body| body.remove("onPremisesPublishing"));
    match publishing {
        Some(_) if !asked.beta => return Err(Refused::invalid_property("onPremisesPublishing")),
        // graph: application-update, beta.
        Some(_) if body != json!({}) => {
            return Err(Refused::bad(
                "onPremisesPublishing cannot be updated in the same request as other application properties.",
            ));
        }
        Some(publishing) => publish(realm, state, asked, &mut application, &publishing)?,
        None => {
            if !before["onPremisesPublishing"].is_null() {
                // It would take them; the proxy would no longer work (application-proxy-faq.yml).
                for name in ["isFallbackPublicClient", "requiredResourceAccess", "publicClient"] {
                    if body.get(name).is_some() {
                        return Err(Refused::bad(&format!("{name} of a proxy app is not to be touched.")));
                    }
                }
            }
            shape::check(&body, APPLICATION)?;
            keeps_enabled_scopes(&before, &body)?;
            merge(&mut application, &body);
            judge(&application)?;
        }
    }
    if let Some(place) = state.applications.iter_mut().find(|application| application["id"] == id) {
        *place = application;
    }
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

/// An enabled permission cannot be left out of the list (graph: application, api).
fn keeps_enabled_scopes(before: &Value, body: &Value) -> Result<(), Refused> {
    let Some(after) = body["api"]["oauth2PermissionScopes"].as_array() else { return Ok(()) };
    let scopes = before["api"]["oauth2PermissionScopes"].as_array();
    let gone = scopes
        .into_iter()
        .flatten()
        .any(|scope| scope["isEnabled"] == true && after.iter().all(|other| other["id"] != scope["id"]));
    match gone {
        true => Err(Refused::with(
            "CannotDeleteOrUpdateEnabledEntitlement",
            "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        )),
        false => Ok(()),
    }
}

/// What holds for every application.
fn judge(application: &Value) -> Result<(), Refused> {
    let app_id = application["appId"].as_str().unwrap_or_default();
    for uri in texts(&application["identifierUris"]) {
        let host = Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let is_verified = host == "contoso.example" || host.ends_with(".contoso.example");
        if uri.ends_with('/') {
            return Err(Refused::bad(&format!("Value of identifierUris must not end with a slash: '{uri}'.")));
        }
        if uri != format!("api://{app_id}") && !is_verified {
            return Err(Refused::with(
                "HostNameNotOnVerifiedDomain",
                &format!(
                    "Values of identifierUris property must use a verified domain of the organization or its subdomain: '{uri}'"
                ),
            ));
        }
    }
    let public = texts(&application["publicClient"]["redirectUris"]);
    let web = texts(&application["web"]["redirectUris"]);
    for list in [&public, &web, &texts(&application["identifierUris"])] {
        if list.iter().enumerate().any(|(at, uri)| list[..at].iter().any(|other| other.eq_ignore_ascii_case(uri))) {
            return Err(Refused::with(
                "DuplicateValueInDifferentCase",
                "Request contains a property with duplicate values.",
            ));
        }
    }
    let personal = application["signInAudience"] == "AzureADandPersonalMicrosoftAccount";
    if public.len() + web.len() > if personal { 100 } else { 256 } {
        return Err(Refused::bad("Too many redirect URIs."));
    }
    if let Some(uri) =
        public.iter().chain(&web).find(|uri| uri.len() > 256 || uri.contains(['!', '$', '\'', '(', ')', ',', ';']))
    {
        return Err(Refused::bad(&format!("Invalid redirect URI '{uri}'.")));
    }
    if personal && application["api"]["requestedAccessTokenVersion"] != 2 {
        return Err(Refused::with(
            "InvalidAccessTokenVersion",
            "Property api.requestedAccessTokenVersion is invalid: it must be 2 for personal Microsoft accounts.",
        ));
    }
    for scope in application["api"]["oauth2PermissionScopes"].as_array().into_iter().flatten() {
        shape::require(
            scope,
            &["id", "value", "type", "isEnabled", "adminConsentDisplayName", "adminConsentDescription"],
        )?;
        if !crate::aadsts::is_guid(scope["id"].as_str().unwrap_or_default()) {
            return Err(Refused::bad("Invalid GUID."));
        }
    }
    Ok(())
}

fn publish(
    realm: &Realm,
    state: &State,
    asked: &Asked<'_>,
    application: &mut Value,
    publishing: &Value,
) -> Result<(), Refused> {
    asked.needs_the_proxys_administrator()?;
    if !state.licensed {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "The tenant does not have a license for Application Proxy: Microsoft Entra ID P1 or P2 is required.",
        ));
    }
    shape::check(publishing, PUBLISHING)?;
    if application["signInAudience"] != "AzureADMyOrg" {
        return Err(Refused::bad("Application proxy applications are single tenant."));
    }
    let mut settings = application["onPremisesPublishing"].clone();
    if settings.is_null() {
        settings = json!({
            "externalAuthenticationType": "passthru", "applicationServerTimeout": "default",
            "isBackendCertificateValidationEnabled": true, "isOnPremPublishingEnabled": true,
            "singleSignOnSettings": {"singleSignOnMode": "none", "kerberosSignOnSettings": null},
        });
    }
    merge(&mut settings, publishing);
    shape::require(&settings, &["externalUrl", "internalUrl"])?;
    let external = settings["externalUrl"].as_str().unwrap_or_default();
    check_external_url(external, &realm.app().url_of(""))?;
    for name in ["externalUrl", "internalUrl"] {
        let url = settings[name].as_str().unwrap_or_default();
        if !url.ends_with('/') {
            return Err(Refused::bad(&format!("The {name} '{url}' must end with a slash.")));
        }
        let is_taken = |other: &Value| {
            let taken = other["onPremisesPublishing"][name].as_str().unwrap_or_default();
            other["id"] != application["id"] && taken.eq_ignore_ascii_case(url)
        };
        let by_the_stage = name == "externalUrl" && realm.published.iter().any(|app| app.external_url == url);
        if by_the_stage || state.applications.iter().any(is_taken) {
            return Err(Refused::with(
                "UrlAlreadyExists",
                &format!("The {name} '{url}' is already in use by another application."),
            ));
        }
    }
    // The fixed tutorial sets them first, in a request of its own (microsoft-graph-docs#9317).
    let redirects = texts(&application["web"]["redirectUris"]);
    if texts(&application["identifierUris"]).is_empty() || !redirects.contains(&external) {
        return Err(Refused::bad("identifierUris and web.redirectUris must be set before onPremisesPublishing."));
    }
    application["onPremisesPublishing"] = settings;
    Ok(())
}

/// The tenant's suffix, a verified domain, or the stage's own proxy.
fn check_external_url(external: &str, ours: &str) -> Result<(), Refused> {
    let host = Url::parse(external).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let is_known = host.ends_with("-contoso.msappproxy.net")
        || host.ends_with(".contoso.example")
        || (!ours.is_empty() && external.starts_with(&format!("{ours}/")));
    match is_known {
        true => Ok(()),
        false => Err(Refused::with(
            "ExternalUrl_InvalidAsciiRules",
            &format!(
                "The external URL '{external}' is invalid. It must end with the suffix '-contoso.msappproxy.net/'."
            ),
        )),
    }
}

pub(super) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Members of objects are set one by one, at any depth; all else is replaced.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                let place = into.entry(name.clone()).or_insert(Value::Null);
                if place.is_object() { merge(place, value) } else { *place = value.clone() }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn without_publishing(mut application: Value) -> Value {
    if let Some(application) = application.as_object_mut() {
        application.remove("onPremisesPublishing");
    }
    application
}
