//! Step 1: the app is published through application proxy.

use entrada::SystemEntropy;
use entrada::ports::blocking::Entropy;
use serde_json::{Value, json};

use super::address;
use super::args::{PreAuthentication, Publish, Sso};
use super::connectors::{self, Connectors};
use super::find::{self, SCOPE, Which};
use super::graph::Graph;
use super::plan::{Difference, Made, Plan, Version, Write, has_uri, is_guid, items, text, texts};
use super::refusal::{incomplete, trap};
use super::run::{Next, Step};
use crate::failure::Failure;

/// The template of an app that is in no gallery (graph: applicationtemplate-instantiate).
const TEMPLATE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";

/// `enableIdTokenIssuance`, which the sign-in through the proxy needs.
const ID_TOKENS: &str = "ID tokens by implicit grant";

/// What is asked for, and what is there.
pub(super) struct Publishing<'a> {
    wanted: &'a Publish,
    /// The object id of the application that this run has made.
    made: Option<String>,
    made_principal: bool,
    made_group: Option<Value>,
    found: Found,
}

/// What is there.
#[derive(Clone, Debug, Default)]
struct Found {
    application: Option<Value>,
    principal: Option<Value>,
    connectors: Connectors,
    /// For a permission that has to be made.
    new_scope_id: String,
    /// Made by this run: nothing of it is the user's yet.
    fresh: bool,
}

impl<'a> Publishing<'a> {
    pub(super) fn new(wanted: &'a Publish) -> Result<Self, Failure> {
        for (name, url) in [("internal", &wanted.internal_url), ("external", &wanted.external_url)] {
            address::check(name, url)?;
        }
        address::check_external(&wanted.external_url)?;
        if let Some(app) = wanted.app.as_deref().filter(|app| !is_guid(app)) {
            return Err(trap("not_an_app_id", format!("--app {app:?} is not an app id"), "or find it by --name"));
        }
        let (made_principal, made_group) = (false, None);
        Ok(Self {
            wanted,
            made: None,
            made_principal,
            made_group,
            found: Found { new_scope_id: new_guid()?, ..Found::default() },
        })
    }

    /// The one app that is meant: by its id, else by name and by external URL, which must not be two.
    fn find(&self, graph: &Graph<'_>) -> Result<Option<Value>, Failure> {
        let at_url = find::application(graph, &Which::Url(self.wanted.external_url.clone()))?;
        let meant = match (&self.wanted.app, &self.wanted.name) {
            (Some(id), _) => Some(find::existing(graph, &Which::Id(id.clone()), "leave --app out to create one")?),
            (None, Some(name)) => find::application(graph, &Which::Name(name.clone()))?,
            (None, None) => None,
        };
        match (meant, at_url) {
            (Some(meant), Some(at_url)) if meant["appId"] != at_url["appId"] => Err(trap(
                "not_unique",
                format!(
                    "{} is the external URL of {:?} ({}) already, and not of {:?} ({})",
                    self.wanted.external_url,
                    text(&at_url, "displayName"),
                    text(&at_url, "appId"),
                    text(&meant, "displayName"),
                    text(&meant, "appId"),
                ),
                "take another external URL, or name that app with --app",
            )),
            (None, Some(at_url)) if self.wanted.name.as_deref() != at_url["displayName"].as_str() => Err(trap(
                "not_unique",
                format!(
                    "{} is the external URL of {:?} already",
                    self.wanted.external_url,
                    text(&at_url, "displayName")
                ),
                format!("take another external URL, or name that app: --app {}", text(&at_url, "appId")),
            )),
            (meant, at_url) => Ok(meant.or(at_url)),
        }
    }
}

impl Step for Publishing<'_> {
    fn read(&mut self, graph: &Graph<'_>) -> Result<(), Failure> {
        let application = match &self.made {
            Some(id) => Some(find::made(graph, id)?),
            None => self.find(graph)?,
        };
        let awaited = self.found.fresh || self.made_principal;
        self.found.principal = match (&application, awaited) {
            (Some(application), true) => Some(find::made_principal(graph, text(application, "appId"))?),
            (Some(application), false) => find::principal(graph, text(application, "appId"))?,
            (None, _) => None,
        };
        self.found.connectors = Connectors::read(graph, self.wanted.connector_group.as_deref(), application.as_ref())?;
        if let Some(group) = &self.made_group {
            self.found.connectors.know(group);
        }
        self.found.application = application;
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Failure> {
        plan(self.wanted, &self.found)
    }

    fn made(&mut self, made: Made, answer: &Value) -> Result<(), Failure> {
        match made {
            Made::Application => {
                let id = answer["application"]["id"].as_str().ok_or_else(|| incomplete("application", answer))?;
                self.made = Some(id.to_owned());
                self.found.fresh = true;
            }
            Made::Principal => self.made_principal = true,
            Made::ConnectorGroup => self.made_group = Some(answer.clone()),
        }
        Ok(())
    }

    fn outcome(&self) -> Value {
        let application = self.found.application.as_ref().unwrap_or(&Value::Null);
        let mut scope_from = application.clone();
        scope_from["onPremisesPublishing"]["externalUrl"] = self.wanted.external_url.clone().into();
        json!({
            "app_id": application["appId"],
            "display_name": application["displayName"],
            "external_url": self.wanted.external_url,
            "internal_url": self.wanted.internal_url,
            "scope": find::scope_to_ask_for(&scope_from),
        })
    }

    fn next(&self) -> Next {
        let app = self.found.application.as_ref().map(|app| text(app, "appId").to_owned());
        let app = app.unwrap_or_else(|| "APP-ID".to_owned());
        Next::Commands(vec![
            "entrada setup register --name entrada".to_owned(),
            format!("entrada setup grant --app {app} --client-id CLIENT-ID"),
            format!("entrada setup assign --app {app} --user USER"),
        ])
    }
}

/// The requests, in the documented order: identifiers and web before publishing, and both apart.
fn plan(wanted: &Publish, found: &Found) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let mut blank = Value::Null;
    let application = match &found.application {
        Some(application) => {
            check_is_single_tenant(application)?;
            check_is_no_client(application, found.fresh)?;
            plan.stays(format!("the app {:?} ({})", text(application, "displayName"), text(application, "appId")));
            application
        }
        None => {
            let name = wanted.name.as_deref().unwrap_or_default();
            let what = format!("create the app {name:?} from the template");
            plan.writes.push(
                Write::post(Version::V1, format!("applicationTemplates/{TEMPLATE}/instantiate"), what)
                    .body(json!({ "displayName": name }))
                    .making(Made::Application),
            );
            blank["id"] = "{application id}".into();
            blank["displayName"] = name.into();
            blank["appId"] = "{app id}".into();
            &blank
        }
    };
    let fresh = found.fresh || found.application.is_none();
    let path = format!("applications/{}", text(application, "id"));

    if found.application.is_some() && found.principal.is_none() {
        let body = json!({
            "appId": application["appId"],
            "tags": ["WindowsAzureActiveDirectoryIntegratedApp", find::ON_PREMISES],
        });
        let what = "create the service principal of the app";
        plan.writes.push(Write::post(Version::V1, "servicePrincipals", what).body(body).making(Made::Principal));
    }
    web(wanted, application, &path, fresh, &mut plan);
    permission(found, application, &path, &mut plan);
    publishing(wanted, application, &path, fresh, &mut plan);
    sso(wanted, application, &path, fresh, &mut plan);
    connectors::plan(wanted, &found.connectors, &path, fresh, &mut plan)?;
    Ok(plan)
}

/// The proxy knows one tenant only (graph: application-proxy-configure-api).
fn check_is_single_tenant(application: &Value) -> Result<(), Failure> {
    match text(application, "signInAudience") {
        "" | "AzureADMyOrg" => Ok(()),
        other => Err(trap(
            "not_single_tenant",
            format!(
                "the app {:?} is for {other}, and a proxy app is for its own tenant alone",
                text(application, "displayName")
            ),
            "publish another app, or set Supported account types of its registration to this tenant",
        )),
    }
}

/// A registration that programs sign in with would be lost to them: its switches become the proxy's.
fn check_is_no_client(application: &Value, fresh: bool) -> Result<(), Failure> {
    let is_client = !items(&application["publicClient"]["redirectUris"]).is_empty()
        || application["isFallbackPublicClient"] == true;
    if fresh || find::is_published(application) || !is_client {
        return Ok(());
    }
    Err(trap(
        "app_is_client",
        format!(
            "{:?} ({}) is a native client, and a proxy app is an app of its own",
            text(application, "displayName"),
            text(application, "appId")
        ),
        "choose another --name, or name the proxy app with --app",
    ))
}

/// Whether this is the user's own, and not made for this URL by a run that broke off before it was published: then
/// all that comes before is as this step sets it.
fn is_others(wanted: &Publish, application: &Value, fresh: bool) -> bool {
    let web = &application["web"];
    let is_begun = find::same_url(text(web, "homePageUrl"), &wanted.external_url)
        && has_uri(&texts(&web["redirectUris"]), &wanted.external_url)
        && web["implicitGrantSettings"]["enableIdTokenIssuance"] == true
        && has_uri(&texts(&application["identifierUris"]), &format!("api://{}", text(application, "appId")));
    !fresh && !is_begun
}

fn web(wanted: &Publish, application: &Value, path: &str, fresh: bool, plan: &mut Plan) {
    let external = &wanted.external_url;
    let web = &application["web"];
    let uris = texts(&application["identifierUris"]);
    let redirects = texts(&web["redirectUris"]);
    let mut body = json!({});
    let mut differences = Vec::new();
    let mut changes = json!({});
    let mut words = Vec::new();
    // What is there may be what clients ask for by; msappproxy.net itself would be refused.
    if uris.is_empty() {
        body["identifierUris"] = json!([format!("api://{}", text(application, "appId"))]);
        words.push("identifier");
    }
    if !has_uri(&redirects, external) {
        changes["redirectUris"] = redirects.iter().copied().chain([external.as_str()]).collect();
        words.push("redirect URI");
    }
    let home = text(web, "homePageUrl");
    if !home.eq_ignore_ascii_case(external) {
        if !home.is_empty() && !fresh {
            differences.extend(Difference::of("home page", &web["homePageUrl"], &external.as_str().into()));
        }
        changes["homePageUrl"] = external.as_str().into();
        words.push("home page");
    }
    if web["implicitGrantSettings"]["enableIdTokenIssuance"] != true {
        let access = web["implicitGrantSettings"]["enableAccessTokenIssuance"] == true;
        if !fresh && find::is_published(application) {
            differences.extend(Difference::of(ID_TOKENS, &false.into(), &true.into()));
        }
        changes["implicitGrantSettings"] = json!({"enableIdTokenIssuance": true, "enableAccessTokenIssuance": access});
        words.push(ID_TOKENS);
    }
    if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
        body["web"] = changes;
    }
    if words.is_empty() {
        return plan.stays(format!("identifier {}, redirect URI, home page, {ID_TOKENS}", uris.join(", ")));
    }
    let what = format!("set the app's {}", words.join(", "));
    plan.writes.push(Write::patch(Version::Beta, path, what).body(body).differing(differences));
}

fn permission(found: &Found, application: &Value, path: &str, plan: &mut Plan) {
    let scopes = &application["api"]["oauth2PermissionScopes"];
    if find::scope_id(scopes).is_some() {
        return plan.stays(format!("the permission {SCOPE}"));
    }
    if items(scopes).iter().any(|scope| text(scope, "value") == SCOPE) {
        return plan.stays(format!("the permission {SCOPE}, which is switched off"));
    }
    let id = if found.application.is_some() { &*found.new_scope_id } else { "{new id}" };
    let name = application["displayName"].as_str().unwrap_or("the app");
    let scope = json!({
        "id": id,
        "value": SCOPE,
        "type": "User",
        "isEnabled": true,
        "adminConsentDisplayName": format!("Access {name}"),
        "adminConsentDescription": format!("Allow the application to access {name} on behalf of the signed-in user."),
        "userConsentDisplayName": format!("Access {name}"),
        "userConsentDescription": format!("Allow the application to access {name} on your behalf."),
    });
    // The list is set as a whole: what is there stays in it.
    let all: Value = items(scopes).iter().cloned().chain([scope]).collect();
    let what = match &found.application {
        Some(_) => format!("add the permission {SCOPE}"),
        None => format!("add the permission {SCOPE}, if the template has not"),
    };
    plan.writes.push(Write::patch(Version::V1, path, what).body(json!({"api": {"oauth2PermissionScopes": all}})));
}

fn publishing(wanted: &Publish, application: &Value, path: &str, fresh: bool, plan: &mut Plan) {
    let is = &application["onPremisesPublishing"];
    let is_there = find::is_published(application);
    let mut settings = json!({ "internalUrl": wanted.internal_url, "externalUrl": wanted.external_url });
    if let Some(who) = wanted.pre_authentication.or((!is_there).then_some(PreAuthentication::Entra)) {
        settings["externalAuthenticationType"] = match who {
            PreAuthentication::Entra => "aadPreAuthentication".into(),
            PreAuthentication::Passthrough => "passthru".into(),
        };
    }
    if wanted.long_timeout || !is_there {
        settings["applicationServerTimeout"] = if wanted.long_timeout { "long" } else { "default" }.into();
    }
    if !is_there {
        settings["isBackendCertificateValidationEnabled"] = true.into();
    }
    let differs = |name: &str, to_be: &Value| {
        let is_url = name.ends_with("Url");
        if is_url {
            !text(is, name).eq_ignore_ascii_case(to_be.as_str().unwrap_or_default())
        } else {
            is[name] != *to_be
        }
    };
    let changes: Vec<(&String, &Value)> =
        settings.as_object().into_iter().flatten().filter(|(name, to_be)| differs(name, to_be)).collect();
    if changes.is_empty() {
        return plan.stays(format!("published at {}, for {}", wanted.external_url, wanted.internal_url));
    }
    let mut differences = Vec::new();
    if is_there && !fresh {
        differences.extend(changes.iter().filter_map(|(name, to_be)| Difference::of(name, &is[name.as_str()], to_be)));
    } else if is_others(wanted, application, fresh) {
        let what = format!("application proxy of {:?}", text(application, "displayName"));
        let to_be = format!("published at {}", wanted.external_url);
        differences.push(Difference { what, is: "not published".to_owned(), to_be });
    }
    let what = format!("publish {} at {}", wanted.internal_url, wanted.external_url);
    let body = json!({ "onPremisesPublishing": settings });
    plan.writes.push(Write::patch(Version::Beta, path, what).body(body).differing(differences));
}

fn sso(wanted: &Publish, application: &Value, path: &str, fresh: bool, plan: &mut Plan) {
    let Some(sso) = wanted.sso else { return };
    let is = &application["onPremisesPublishing"]["singleSignOnSettings"];
    let mode = is["singleSignOnMode"].as_str().unwrap_or("none");
    let settings = match sso {
        Sso::None => json!({ "singleSignOnMode": "none" }),
        Sso::Kerberos => json!({
            "singleSignOnMode": "onPremisesKerberos",
            "kerberosSignOnSettings": {
                "kerberosServicePrincipalName": wanted.spn,
                "kerberosSignOnMappingAttributeType": wanted.sso_identity.word(),
            },
        }),
    };
    let (kerberos, to_be) = (&is["kerberosSignOnSettings"], &settings["kerberosSignOnSettings"]);
    let mut differences = Vec::new();
    let to_be_mode = &settings["singleSignOnMode"];
    if to_be_mode != mode {
        // None is how every app begins.
        if mode != "none" {
            differences.extend(Difference::of("single sign-on", &mode.into(), to_be_mode));
        }
    } else if sso == Sso::None
        || to_be.as_object().is_some_and(|to_be| to_be.iter().all(|(name, to_be)| kerberos[name] == *to_be))
    {
        return plan.stays(format!("single sign-on {mode}"));
    } else {
        for (name, to_be) in to_be.as_object().into_iter().flatten() {
            differences.extend(Difference::of(name, &kerberos[name], to_be));
        }
    }
    if fresh {
        differences.clear();
    }
    let body = json!({ "onPremisesPublishing": { "singleSignOnSettings": settings } });
    plan.writes
        .push(Write::patch(Version::Beta, path, "set single sign-on to the app").body(body).differing(differences));
}

/// A random GUID (RFC 9562, version 4).
fn new_guid() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    SystemEntropy
        .fill(&mut bytes)
        .map_err(|error| Failure::new(crate::failure::OTHER, "other", format!("there is no randomness: {error}")))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}
