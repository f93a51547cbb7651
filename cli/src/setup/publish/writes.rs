//! The requests that are left to publish an app: what is there, held against what is wanted.

use serde_json::{Value, json};

use super::Found;
use crate::failure::Failure;
use crate::setup::args::{PreAuthentication, Publish, Sso};
use crate::setup::connectors;
use crate::setup::find::{self, SCOPE};
use crate::setup::plan::{Difference, Made, Plan, Version, Write, has_uri, items, text, texts};
use crate::setup::refusal::trap;

/// The template of an app that is in no gallery (graph: applicationtemplate-instantiate).
const TEMPLATE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";

/// `enableIdTokenIssuance`, which the sign-in through the proxy needs.
const ID_TOKENS: &str = "ID tokens by implicit grant";

/// The requests, in the documented order: identifiers and web before publishing, and both apart.
pub(super) fn plan(wanted: &Publish, found: &Found) -> Result<Plan, Failure> {
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
